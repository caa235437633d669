//! Certificates for tests: a root of one's own, and what it signs.

use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};

/// Who signs.
pub struct Root(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key, in PEM.
pub struct Signed {
    pub certificate: String,
    pub key: String,
}

impl Root {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Root(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// The root in a file.
    pub fn file(&self, name: &str) -> PathBuf {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}.pem", std::process::id()));
        std::fs::write(&path, self.pem()).unwrap();
        path
    }

    /// A certificate for names and addresses.
    pub fn signs(&self, names: &[&str]) -> Signed {
        self.signs_as(names, |_| ())
    }

    /// One that has run out.
    pub fn signed_long_ago(&self, names: &[&str]) -> Signed {
        self.signs_as(names, |params| {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        })
    }

    fn signs_as(&self, names: &[&str], so: impl FnOnce(&mut CertificateParams)) -> Signed {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        so(&mut params);
        let certificate = params.signed_by(&key, &self.0).unwrap().pem();
        Signed { certificate, key: key.serialize_pem() }
    }
}
