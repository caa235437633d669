//! `dripline account` and `dripline token`: who may ask the service.

use std::io::{self, IsTerminal as _};

use dripline_service::access::Clock;
use dripline_service::access::records::{AccessError, Accounts, Change, Name};
use dripline_service::access::secret::{Password, WeakPassword};

use crate::args::{Account, AccountWhat, Token, TokenWhat};
use crate::command::serve::runtime;
use crate::command::store;
use crate::out::{Ends, Out, Stop, wrong};

/// As what is done here stands in the history.
const BY: &str = "the command line";

fn fail(error: &AccessError) -> Stop {
    wrong(&error.to_string(), error.help())
}

fn named(text: &str) -> Result<Name, Stop> {
    text.parse().map_err(|e: AccessError| wrong(&format!("`{text}`: {e}"), e.help()))
}

/// A password that is typed, or the first line of standard input.
fn password(name: &Name) -> Result<Password, Stop> {
    let unread = |e: io::Error| wrong(&format!("the password cannot be read: {e}"), "");
    let text = if io::stdin().is_terminal() {
        let text = rpassword::prompt_password(format!("Password for {name}: ")).map_err(unread)?;
        if rpassword::prompt_password("The same again: ").map_err(unread)? != text {
            return Err(wrong("the two are not the same", "nothing was changed"));
        }
        text
    } else {
        let mut line = String::new();
        io::stdin().read_line(&mut line).map_err(unread)?;
        line.trim_end_matches(['\n', '\r']).to_owned()
    };
    Password::new(&text, name.as_str()).map_err(|e| wrong(&e.to_string(), WeakPassword::HELP))
}

pub fn account(args: &Account, out: &mut Out) -> Ends {
    runtime()?.block_on(async {
        let accounts = Accounts::new(store::open(args.store.as_deref()).await?, Clock::default());
        let change = async |name: &Name, change| accounts.change(BY, name, change).await.map_err(|e| fail(&e));
        match &args.what {
            AccountWhat::Add { name, roles } => {
                let name = named(name)?;
                let roles = roles.iter().copied().collect();
                let first = !accounts.any().await.map_err(|e| fail(&e))?;
                accounts.add(BY, &name, &roles, password(&name)?).await.map_err(|e| fail(&e))?;
                out.line(&format!("The account {name} is made."))?;
                if first {
                    out.line("It is the first: from now on the service needs credentials.")?;
                }
            }
            AccountWhat::List => {
                for account in accounts.list().await.map_err(|e| fail(&e))? {
                    let roles: Vec<&str> = account.roles.iter().map(|r| r.as_str()).collect();
                    let disabled = if account.disabled { "  disabled" } else { "" };
                    out.line(&format!(
                        "{:<24} {:<32} made {} by {}{disabled}",
                        account.name,
                        roles.join(", "),
                        account.created,
                        account.created_by
                    ))?;
                }
            }
            AccountWhat::Roles { name, roles } => {
                let (name, roles) = (named(name)?, Some(roles.iter().copied().collect()));
                change(&name, Change { roles, ..Change::default() }).await?;
                out.line(&format!("{name} has other roles."))?;
            }
            AccountWhat::Password { name } => {
                let name = named(name)?;
                let password = Some(password(&name)?);
                change(&name, Change { password, ..Change::default() }).await?;
                out.line(&format!("The password of {name} is set; its sessions are ended."))?;
            }
            AccountWhat::Disable { name } => {
                let name = named(name)?;
                change(&name, Change { disabled: Some(true), ..Change::default() }).await?;
                out.line(&format!("{name} is disabled; its sessions are ended."))?;
            }
            AccountWhat::Enable { name } => {
                let name = named(name)?;
                change(&name, Change { disabled: Some(false), ..Change::default() }).await?;
                out.line(&format!("{name} can sign in again."))?;
            }
        }
        Ok(0)
    })
}

pub fn token(args: &Token, out: &mut Out) -> Ends {
    runtime()?.block_on(async {
        let accounts = Accounts::new(store::open(args.store.as_deref()).await?, Clock::default());
        match &args.what {
            TokenWhat::Add { name, scope, days } => {
                let scope = scope.iter().copied().collect();
                let made = accounts.add_token(BY, &named(name)?, &scope, *days).await;
                let (_, secret) = made.map_err(|e| fail(&e))?;
                // Alone on its line, so that a program can take it.
                out.line(secret.tell())?;
            }
            TokenWhat::List => {
                for token in accounts.tokens().await.map_err(|e| fail(&e))? {
                    let scope: Vec<&str> = token.scope.iter().map(|p| p.as_str()).collect();
                    let state = match (&token.withdrawn, &token.seen) {
                        (Some(at), _) => format!("ended {at}"),
                        (None, Some(at)) => format!("until {}, used {at}", token.ends),
                        (None, None) => format!("until {}, never used", token.ends),
                    };
                    out.line(&format!("{:<24} {:<24} {state}", token.name, scope.join(", ")))?;
                }
            }
            TokenWhat::End { name } => {
                let name = named(name)?;
                accounts.withdraw(BY, &name).await.map_err(|e| fail(&e))?;
                out.line(&format!("The token {name} is ended."))?;
            }
        }
        Ok(0)
    })
}
