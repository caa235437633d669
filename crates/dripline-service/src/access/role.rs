//! What may be done, and who may do it.

use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! names {
    ($(#[$about:meta])* $type:ident $($(#[$one:meta])* $name:ident $text:literal)*) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "lowercase")]
        pub enum $type {
            $($(#[$one])* $name,)*
        }

        impl $type {
            /// Every one.
            pub const ALL: &[$type] = &[$($type::$name),*];

            /// Its name.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $($type::$name => $text),* }
            }
        }

        impl Display for $type {
            fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $type {
            type Err = Unknown;

            fn from_str(text: &str) -> Result<Self, Unknown> {
                Self::ALL.iter().copied().find(|one| one.as_str() == text).ok_or(Unknown(&[$($text),*]))
            }
        }
    };
}

/// A word that is none of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unknown(pub &'static [&'static str]);

impl Display for Unknown {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "known here: {}", self.0.join(", "))
    }
}

impl std::error::Error for Unknown {}

names! {
    /// What may be done. A token's scope is a set of these.
    Permission
    /// Charts are coded, explained and compared; nothing is kept of them.
    Code "code"
    /// Cases are read, with their history.
    Read "read"
    /// Cases are filed, answered, held, rejected and opened again.
    Work "work"
    /// A claim is released.
    Release "release"
    /// The whole queue is taken out.
    Export "export"
    /// The service's counts and times are read.
    Watch "watch"
    /// What holds for all is set, as whether money is shown.
    Settings "settings"
    /// Accounts and tokens are made and ended.
    Accounts "accounts"
}

names! {
    /// What a person is here for. Someone may have several roles.
    Role
    /// Codes charts and works on cases.
    Coder "coder"
    /// Reads everything and changes no case.
    Auditor "auditor"
    /// Runs the service: accounts, tokens and settings. Is not by that a coder.
    Administrator "administrator"
}

impl Role {
    /// What someone of the role may do.
    #[must_use]
    pub fn permissions(self) -> &'static [Permission] {
        use Permission as P;
        match self {
            Role::Coder => &[P::Code, P::Read, P::Work, P::Release],
            Role::Auditor => &[P::Code, P::Read, P::Export, P::Watch],
            Role::Administrator => &[P::Watch, P::Settings, P::Accounts],
        }
    }
}

impl Permission {
    /// Whether a token can hold it. Accounts and settings are for people: a token that is lost cannot make another.
    #[must_use]
    pub fn is_for_tokens(self) -> bool {
        !matches!(self, Permission::Settings | Permission::Accounts)
    }
}

/// A set of names, as it is stored: in their order, with commas.
pub(crate) fn joined<T: Copy + Display>(set: &BTreeSet<T>) -> String {
    set.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// A set as it was stored. A name that this version does not know gives nothing to anyone.
pub(crate) fn parted<T: FromStr + Ord>(text: &str) -> BTreeSet<T> {
    text.split(',').filter_map(|name| name.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_auditor_changes_nothing_and_an_administrator_is_no_coder() {
        use Permission as P;
        let may = |role: Role, what: P| role.permissions().contains(&what);
        for changes in [P::Work, P::Release, P::Settings, P::Accounts] {
            assert!(!may(Role::Auditor, changes), "{changes}");
        }
        for of_charts in [P::Code, P::Read, P::Work, P::Release, P::Export] {
            assert!(!may(Role::Administrator, of_charts), "{of_charts}");
        }
        for runs in [P::Settings, P::Accounts, P::Export] {
            assert!(!may(Role::Coder, runs), "{runs}");
        }
        for permission in P::ALL {
            assert!(Role::ALL.iter().any(|r| may(*r, *permission)), "nobody may {permission}");
        }
    }

    #[test]
    fn sets_come_back_as_they_were_stored() {
        let set: BTreeSet<Permission> = Permission::ALL.iter().copied().collect();
        assert_eq!(parted(&joined(&set)), set);
        assert_eq!(parted::<Role>(""), BTreeSet::new());
        assert_eq!(parted::<Role>("coder,owner"), BTreeSet::from([Role::Coder]));
        assert_eq!("owner".parse::<Role>().unwrap_err().to_string(), "known here: coder, auditor, administrator");
    }
}
