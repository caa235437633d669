//! What is kept survives the end of the process, however it ends; backups come back.
#![cfg(feature = "serve")]

#[path = "../../dripline-service/tests/common/stores.rs"]
#[allow(dead_code, reason = "this file uses its part")]
mod stores;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use dripline_service::store::Place;
use serde_json::Value;

fn dripline(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dripline"));
    command.args(args).env("XDG_DATA_HOME", env!("CARGO_TARGET_TMPDIR")).env_remove("DRIPLINE_REFERENCE");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn ended(args: &[&str]) -> (Output, String) {
    let output = dripline(args).output().expect("the command runs");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output, said)
}

/// A place as the command line takes it.
fn named(place: &Place) -> String {
    match place {
        Place::File(path) => path.display().to_string(),
        Place::Server(url) => url.clone(),
    }
}

/// A service that is killed with its test.
struct Service {
    child: Child,
    address: String,
}

impl Service {
    fn start(store: &str) -> Self {
        let mut child = dripline(&["serve", "--listen", "127.0.0.1:0", "--store", store]).spawn().expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        let address = line.split("http://").nth(1).and_then(|l| l.split(' ').next()).expect("an address").to_owned();
        Service { child, address }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // SIGKILL: nothing of the process runs any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer, or nothing where the service is gone.
fn ask(address: &str, request: &str) -> Option<(u16, Value)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, serde_json::from_str(body).ok()?))
}

fn new_case(key: usize) -> String {
    let body = format!("office case=C{key}\nZofran 4 mg IV push 1/5/26 10:00 supplied_by=patient\n");
    let body = body.replace("office case", "office 1/5/26 case").replace(" 1/5/26 10:00", " 10:00");
    format!(
        "POST /v1/cases HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\nidempotency-key: k{key}\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
}

#[tokio::test]
async fn killed_among_a_thousand_writes_nothing_acknowledged_is_lost_and_nothing_is_half() {
    stores::each(|place| async move {
        let store = named(&place);
        let service = Service::start(&store);
        let acknowledged: Mutex<BTreeMap<i64, usize>> = Mutex::default();
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    loop {
                        let key = next.fetch_add(1, Ordering::Relaxed);
                        if key >= 1000 {
                            return;
                        }
                        // The service is gone: so is the rest.
                        let Some((status, case)) = ask(&service.address, &new_case(key)) else { return };
                        assert_eq!(status, 201, "{case}");
                        acknowledged.lock().unwrap().insert(case["id"].as_i64().unwrap(), key);
                    }
                });
            }
            scope.spawn(|| {
                while acknowledged.lock().unwrap().len() < 400 {
                    std::thread::sleep(Duration::from_millis(1));
                }
                let killed = Command::new("kill").args(["-KILL", &service.child.id().to_string()]).status();
                assert!(killed.expect("kill runs").success());
            });
        });
        let acknowledged = acknowledged.into_inner().unwrap();
        assert!((400..1000).contains(&acknowledged.len()), "{}", acknowledged.len());
        drop(service);

        let (output, said) = ended(&["store", "check", "--store", &store]);
        assert!(output.status.success(), "{said}");
        let service = Service::start(&store);
        let (mut after, mut kept) = (0, BTreeMap::new());
        loop {
            let (_, page) = ask(&service.address, &get(&format!("/v1/cases?limit=500&after={after}"))).expect("a page");
            for case in page["cases"].as_array().unwrap() {
                kept.insert(case["id"].as_i64().unwrap(), case["case"].as_str().unwrap().to_owned());
            }
            match page["next"].as_i64() {
                Some(next) => after = next,
                None => break,
            }
        }
        for (id, key) in &acknowledged {
            assert_eq!(kept.get(id), Some(&format!("C{key}")), "case {id} was acknowledged");
        }
        // At most what was under way is there besides; sent again, it is not there twice.
        assert!(kept.len() <= acknowledged.len() + 6, "{} {}", kept.len(), acknowledged.len());
        let sent = next.into_inner().min(1000);
        for key in 0..sent {
            let (status, case) = ask(&service.address, &new_case(key)).expect("an answer");
            assert!(matches!(status, 200 | 201), "{case}");
        }
        let (_, page) = ask(&service.address, &get(&format!("/v1/cases?after={}", sent - 1))).expect("a page");
        assert_eq!(page["cases"].as_array().map(Vec::len), Some(1));
    })
    .await;
}

#[tokio::test]
async fn a_backup_is_made_beside_the_service_and_comes_back() {
    stores::each(|place| async move {
        let store = named(&place);
        let service = Service::start(&store);
        for key in 0..3 {
            assert_eq!(ask(&service.address, &new_case(key)).expect("an answer").0, 201);
        }
        let Place::File(folder) = stores::file() else { unreachable!("a file") };
        let (backup, target) = (folder.with_extension("jsonl"), folder.with_extension("restored.db"));
        let (backup, target) = (backup.to_str().unwrap(), target.to_str().unwrap());
        let _ = std::fs::remove_file(backup);
        let _ = std::fs::remove_file(target);
        let (output, said) = ended(&["store", "backup", "--store", &store, "--to", backup]);
        assert!(output.status.success() && !said.contains("Zofran"), "{said}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            assert_eq!(std::fs::metadata(backup).unwrap().mode() & 0o777, 0o600);
        }
        // Never over a file, nor over a store.
        assert_eq!(ended(&["store", "backup", "--store", &store, "--to", backup]).0.status.code(), Some(2));
        assert_eq!(ended(&["store", "restore", "--store", &store, "--from", backup]).0.status.code(), Some(2));
        let (output, said) = ended(&["store", "restore", "--store", target, "--from", backup]);
        assert!(output.status.success(), "{said}");
        let (one, other) =
            (ended(&["store", "check", "--store", &store]), ended(&["store", "check", "--store", target]));
        let digest = |said: &str| said.split("3 cases").nth(1).map(str::to_owned);
        assert!(one.0.status.success() && digest(&one.1).is_some(), "{}", one.1);
        assert_eq!(digest(&one.1), digest(&other.1));
    })
    .await;
}

#[test]
fn a_store_that_cannot_be_used_ends_with_2() {
    for (store, says) in [
        ("mysql://localhost/d", "not known"),
        ("postgres://db.example/d", "another machine"),
        ("postgres://nobody:secret@127.0.0.1:1/d", "cannot be opened"),
        ("/no/such/folder/cases.db", "/no/such/folder/cases.db"),
    ] {
        for args in [&["serve", "--listen", "127.0.0.1:0", "--store", store][..], &["store", "check", "--store", store]]
        {
            let (output, said) = ended(args);
            assert_eq!(output.status.code(), Some(2), "{said}");
            assert!(said.contains(says) && !said.contains("secret"), "{said}");
        }
    }
    assert_eq!(ended(&["serve", "--store", "a", "--no-store"]).0.status.code(), Some(2));
}
