//! PostgreSQL on another machine: under TLS, and only where the server proves that it is the one that was meant.
#![cfg(feature = "postgres")]

mod common;

use std::net::{IpAddr, UdpSocket};

use common::certificates::{Root, Signed};
use common::stores::start_with;
use dripline_service::store::{Place, Store, StoreError};
use sqlx::Row as _;

/// An address of this machine that is not loopback. Nothing is sent: the system is asked by which way it would be.
fn outside() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    socket.local_addr().ok().map(|a| a.ip()).filter(|ip| !ip.is_loopback() && !ip.is_unspecified())
}

async fn open(url: &str) -> Result<Store, StoreError> {
    Store::open(&url.parse::<Place>()?).await
}

#[tokio::test]
async fn a_server_proves_who_it_is() {
    let (ours, other) = (Root::new(), Root::new());
    let (root, stranger) = (ours.file("tls-root"), other.file("tls-stranger"));
    let outside = outside().map(|ip| ip.to_string());
    let mut names = vec!["localhost"];
    names.extend(outside.as_deref());
    let Signed { certificate, key } = ours.signs(&names);
    let server = match start_with(&certificate, &key) {
        Ok(server) => server,
        Err(why) => {
            eprintln!("PostgreSQL with TLS SKIPPED: {why}");
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "CI needs it");
            return;
        }
    };
    let port = server.url.rsplit(':').next().unwrap();
    let at = |host: &str, query: &str| format!("postgres://dripline@{host}:{port}/postgres?{query}");
    let verified = |root: &std::path::Path| format!("sslmode=verify-full&sslrootcert={}", root.display());

    let good = at("localhost", &verified(&root));
    let store = open(&good).await.unwrap();
    let sql = "SELECT version::text FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl";
    let version: String = sqlx::query(sql).fetch_one(&mut *store.read().await.unwrap()).await.unwrap().get(0);
    assert_eq!(version, "TLSv1.3");
    store.close().await;

    let untrusted = async |url: &str, says: &str| match open(url).await {
        Err(StoreError::Untrusted(what)) => {
            assert!(what.contains(says), "{url}: {what}");
            assert!(!what.contains("sslrootcert") && what.contains("is not trusted"), "{what}");
        }
        Err(other) => panic!("{url}: {other:?}"),
        Ok(_) => panic!("{url}: it was opened"),
    };
    untrusted(&at("127.0.0.1", &verified(&root)), "not valid for name").await;
    untrusted(&at("localhost", "sslmode=verify-full"), "UnknownIssuer").await;
    // A root of the same name is another all the same.
    untrusted(&at("localhost", &verified(&stranger)), "BadSignature").await;
    // One that is not there, or is none, is not passed over.
    let nowhere = std::path::Path::new("/nowhere/root.pem");
    assert!(matches!(
        open(&at("localhost", &verified(nowhere))).await,
        Err(StoreError::Open(_) | StoreError::Untrusted(_))
    ));
    // The server takes nothing that is not encrypted; so what was opened was.
    assert!(open(&at("localhost", "sslmode=disable")).await.is_err());

    match &outside {
        None => eprintln!("this machine has no address but loopback: SKIPPED in part"),
        Some(address) => {
            open(&at(address, &verified(&root))).await.unwrap().close().await;
            for weaker in ["sslmode=require", &verified(&root).replace("verify-full", "verify-ca"), ""] {
                let refused = open(&at(address, weaker)).await;
                assert!(matches!(refused, Err(StoreError::Elsewhere(_))), "{weaker}");
            }
        }
    }
    for file in [root, stranger] {
        let _ = std::fs::remove_file(file);
    }
}

#[tokio::test]
async fn a_certificate_that_has_run_out_and_a_server_without_one_are_refused() {
    let ours = Root::new();
    let root = ours.file("tls-old");
    let Signed { certificate, key } = ours.signed_long_ago(&["localhost"]);
    let Ok(server) = start_with(&certificate, &key) else {
        return eprintln!("PostgreSQL with TLS SKIPPED");
    };
    let verified = format!("sslmode=verify-full&sslrootcert={}", root.display());
    let url = format!("{}/postgres?{verified}", server.url.replace("127.0.0.1", "localhost"));
    let error = open(&url).await.unwrap_err();
    assert!(matches!(&error, StoreError::Untrusted(what) if what.contains("expired")), "{error:?}");
    // A server without TLS is not spoken to in clear instead.
    if let Some(Place::Server(plain)) = common::stores::database().await {
        let error = open(&format!("{}?{verified}", plain.replace("127.0.0.1", "localhost"))).await.unwrap_err();
        assert!(matches!(&error, StoreError::Untrusted(what) if what.contains("TLS")), "{error:?}");
    }
    let _ = std::fs::remove_file(root);
}
