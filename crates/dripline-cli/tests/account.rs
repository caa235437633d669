//! `dripline account` and `dripline token` as programs, and the service that they guard.
#![cfg(feature = "serve")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

const PASSWORD: &str = "correct horse battery";
const SHEET: &str = "office 2026-01-05\nZofran 4 mg IV push 10:00\n";

/// A store that is not there yet.
fn store(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("account-{name}-{}.db", std::process::id()));
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{end}", path.display()));
    }
    path
}

fn dripline(store: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dripline"));
    command.args(args).arg("--store").arg(store).env_remove("DRIPLINE_REFERENCE");
    command.env("XDG_DATA_HOME", env!("CARGO_TARGET_TMPDIR"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn ended(store: &Path, args: &[&str], input: &str) -> Output {
    let mut child = dripline(store, args).spawn().expect("the command starts");
    // It may end before it reads.
    let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
    child.wait_with_output().expect("the command ends")
}

/// What a run says that goes well.
fn good(store: &Path, args: &[&str], input: &str) -> String {
    let output = ended(store, args, input);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// What a run says that ends with 2.
fn bad(store: &Path, args: &[&str], input: &str) -> String {
    let output = ended(store, args, input);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
    said
}

/// A service that ends with its test.
struct Service {
    child: Child,
    address: String,
    said: String,
}

impl Service {
    fn start(store: &Path, args: &[&str]) -> Self {
        let mut child = dripline(store, &[&["serve", "--log", "info"], args].concat()).spawn().expect("it starts");
        let mut reader = BufReader::new(child.stdout.take().expect("piped"));
        let mut said = String::new();
        while !said.contains("kept in") {
            assert_ne!(reader.read_line(&mut said).expect("a line"), 0, "{said}");
        }
        let address = said.split("http://").nth(1).and_then(|l| l.split(' ').next()).expect("an address").to_owned();
        Service { child, address, said }
    }

    fn code(&self, host: &str, token: Option<&str>) -> u16 {
        let token = token.map_or(String::new(), |t| format!("authorization: Bearer {t}\r\n"));
        self.post("/v1/code", &format!("host: {host}\r\ncontent-type: text/plain\r\n{token}"), SHEET)
    }

    fn sign_in(&self, name: &str, password: &str) -> u16 {
        let body = format!("{{\"name\":\"{name}\",\"password\":\"{password}\"}}");
        self.post("/v1/session", "host: localhost\r\ncontent-type: application/json\r\n", &body)
    }

    fn post(&self, path: &str, headers: &str, body: &str) -> u16 {
        let port = self.address.rsplit(':').next().expect("a port");
        let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time");
        let length = body.len();
        write!(stream, "POST {path} HTTP/1.1\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}")
            .expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status")
    }

    fn log(mut self) -> String {
        self.child.kill().expect("it ends");
        let mut log = String::new();
        self.child.stderr.take().expect("piped").read_to_string(&mut log).expect("UTF-8");
        log
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn accounts_are_made_listed_and_changed() {
    let store = store("changed");
    let line = format!("{PASSWORD}\n");
    let add = |name, role| good(&store, &["account", "add", name, "--role", role], &line);
    assert!(add("Anna", "administrator").contains("The account anna is made.\nIt is the first"));
    assert_eq!(add("ben", "coder"), "The account ben is made.\n");
    good(&store, &["account", "roles", "ben", "--role", "coder", "--role", "auditor"], "");
    good(&store, &["account", "password", "ben"], "another long password\r\n");
    good(&store, &["account", "disable", "ben"], "");
    let list = good(&store, &["account", "list"], "");
    let lines: Vec<&str> = list.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("anna ") && lines[0].contains("by the command line"), "{list}");
    assert!(lines[1].contains("coder, auditor") && lines[1].ends_with("disabled"), "{list}");
    good(&store, &["account", "enable", "ben"], "");
    assert!(!good(&store, &["account", "list"], "").contains("disabled"));
    for (args, input, says) in [
        (&["account", "add", "anna", "--role", "coder"][..], line.as_str(), "the name is taken"),
        (&["account", "add", "carl", "--role", "coder"], "short\n", "at least 12 characters"),
        (&["account", "add", "carl", "--role", "coder"], "", "at least 12 characters"),
        (&["account", "add", "a b", "--role", "coder"], &line, "cannot be a name"),
        (&["account", "add", "carl", "--role", "owner"], &line, "known here: coder, auditor, administrator"),
        (&["account", "add", "carl"], &line, "--role"),
        (&["account", "disable", "anna"], "", "no administrator would be left"),
        (&["account", "password", "nobody"], &line, "there is none of this name"),
        (&["token", "add", "x", "--scope", "accounts", "--days", "1"], "", "none over accounts"),
        (&["token", "add", "x", "--scope", "code", "--days", "400"], "", "1 to 366 days"),
        (&["token", "add", "x", "--scope", "code"], "", "--days"),
        (&["token", "end", "x"], "", "there is none of this name"),
    ] {
        let said = bad(&store, args, input);
        assert!(said.contains(says) && !said.contains(PASSWORD), "{args:?}: {said}");
    }
}

#[test]
fn the_first_account_guards_a_service_that_runs_and_a_token_opens_it() {
    let store = store("guards");
    let service = Service::start(&store, &["--listen", "127.0.0.1:0"]);
    assert!(service.said.contains("answers this machine alone"), "{}", service.said);
    assert_eq!(service.code("localhost", None), 200);
    good(&store, &["account", "add", "anna", "--role", "administrator"], &format!("{PASSWORD}\n"));
    let token = good(&store, &["token", "add", "ehr", "--scope", "code", "--days", "2"], "");
    let token = token.trim_end();
    assert!(token.starts_with("dripline_") && token.lines().count() == 1);
    std::thread::sleep(Duration::from_millis(1100));
    assert_eq!((service.code("localhost", None), service.code("localhost", Some(token))), (401, 200));
    assert_eq!(service.code("evil.test", Some(token)), 403);
    let list = good(&store, &["token", "list"], "");
    assert!(list.contains("ehr ") && list.contains(", used ") && !list.contains(token), "{list}");
    good(&store, &["token", "end", "ehr"], "");
    assert_eq!(service.code("localhost", Some(token)), 401);
    let log = service.log();
    assert!(log.contains("status=401") && !log.contains(&token[9..]) && !log.contains("ehr"), "{log}");
}

#[test]
fn other_machines_are_let_in_with_accounts_alone() {
    let store = store("others");
    let proxy = ["--listen", "127.0.0.1:0", "--behind-proxy", "https://drip.example.test"];
    for (args, says) in [
        (&["serve", "--listen", "0.0.0.0:0"][..], "other machines could reach this address"),
        (&[&["serve"][..], &proxy].concat(), "that needs accounts: there is none"),
        (&["serve", "--listen", "127.0.0.1:0", "--behind-proxy", "http://drip.example.test"], "not an origin of https"),
    ] {
        assert!(bad(&store, args, "").contains(says), "{args:?}");
    }
    good(&store, &["account", "add", "anna", "--role", "coder"], &format!("{PASSWORD}\n"));
    let token = good(&store, &["token", "add", "ehr", "--scope", "code", "--days", "2"], "");
    let token = Some(token.trim_end());
    let service = Service::start(&store, &["--listen", "0.0.0.0:0"]);
    assert!(service.said.contains("answers those who are signed in") && service.said.contains("Nothing is encrypted"));
    assert_eq!((service.code("192.0.2.7", token), service.code("192.0.2.7", None)), (200, 401));
    assert_eq!(service.code("drip.example.test", token), 403);
    let service = Service::start(&store, &proxy);
    assert!(service.said.contains("Browsers find it at https://drip.example.test."), "{}", service.said);
    assert_eq!((service.code("drip.example.test", token), service.code("127.0.0.1", token)), (200, 403));
}

#[test]
fn a_lock_out_outlives_a_kill_and_holds_beside() {
    let store = store("locked");
    let line = format!("{PASSWORD}\n");
    for name in ["anna", "ben"] {
        good(&store, &["account", "add", name, "--role", "administrator"], &line);
    }
    let (one, two) =
        (Service::start(&store, &["--listen", "127.0.0.1:0"]), Service::start(&store, &["--listen", "127.0.0.1:0"]));
    for service in [&one, &two, &one, &two, &one] {
        assert_eq!(service.sign_in("anna", "some wrong password"), 401);
    }
    assert_eq!((one.sign_in("anna", PASSWORD), two.sign_in("anna", PASSWORD)), (429, 429));
    // SIGKILL to both.
    drop((one, two));
    let again = Service::start(&store, &["--listen", "127.0.0.1:0"]);
    assert_eq!((again.sign_in("anna", PASSWORD), again.sign_in("ben", PASSWORD)), (429, 200));
    // Whoever runs the machine ends the wait with a new password, while the service runs.
    good(&store, &["account", "password", "anna"], "another long password\n");
    assert_eq!(again.sign_in("anna", "another long password"), 200);
}

/// The certificate of an authority whose key nobody kept.
#[cfg(feature = "oidc")]
const ROOT: &str = "-----BEGIN CERTIFICATE-----\n\
MIIBjjCCATOgAwIBAgIUDMwArDg0h40T+B9rIm2ihP2zIWowCgYIKoZIzj0EAwIw\n\
GzEZMBcGA1UEAwwQQSByb290IGZvciB0ZXN0czAgFw0yNjExMjUxODQyMzJaGA8y\n\
MTI2MTEwMTE4NDIzMlowGzEZMBcGA1UEAwwQQSByb290IGZvciB0ZXN0czBZMBMG\n\
ByqGSM49AgEGCCqGSM49AwEHA0IABJcCEWbJeI5R19EHNnuRD2sLUYEVfXL+8nx3\n\
dldWeYTFnFgeriQWhccZsZS7SvzR0yTu0s3mFGzRlgXQjd6c72ejUzBRMB0GA1Ud\n\
DgQWBBT0hQPiAVAMuIDIuxYu9eEDD6f0HDAfBgNVHSMEGDAWgBT0hQPiAVAMuIDI\n\
uxYu9eEDD6f0HDAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQDq\n\
YgyPcjLxjex+MVfr7GV1gka7I8uUv4ayutbJsKyqCgIhAIoAlRfjddCIrhfLhdx2\n\
tJd8tcUF9XMIn7UXrGs4aVNv\n\
-----END CERTIFICATE-----\n";

#[cfg(feature = "oidc")]
#[test]
fn settings_of_a_provider_are_read_strictly() {
    let store = store("oidc");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (settings, secret) = (folder.join("oidc.toml"), folder.join("oidc.secret"));
    let text = |more: &str| {
        format!(
            "issuer = \"https://id.example.test\"\nclient_id = \"dripline\"\nclient_secret_file = {secret:?}\n\
             role_claim = \"groups\"\n{more}\n[roles]\ncoders = \"coder\"\n"
        )
    };
    let path = settings.display().to_string();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--oidc", &path];
    fs::write(&settings, text("")).expect("written");
    let _ = fs::remove_file(&secret);
    assert!(bad(&store, &serve, "").contains("oidc.secret cannot be read"));
    fs::write(&secret, "s3cret\n").expect("written");
    let service = Service::start(&store, &serve[1..]);
    assert!(service.said.contains("answers those who are signed in"), "with a provider nothing is open");
    assert_eq!(service.code("localhost", None), 401);
    drop(service);
    let root = folder.join("oidc.root");
    let trusting = [&serve[..], &["--oidc-root", root.to_str().expect("a path")]].concat();
    let _ = fs::remove_file(&root);
    assert!(
        bad(&store, &trusting, "").contains("--oidc-root") && bad(&store, &trusting, "").contains("cannot be read")
    );
    fs::write(&root, "no certificate").expect("written");
    let said = bad(&store, &trusting, "");
    assert!(said.contains("oidc.root: it holds no certificate in PEM"), "{said}");
    fs::write(&root, ROOT).expect("written");
    assert!(Service::start(&store, &trusting[1..]).said.contains("answers those who are signed in"));
    fs::write(&settings, text("secret = \"s3cret\"")).expect("written");
    let said = bad(&store, &serve, "");
    assert!(said.contains("unknown field `secret`") && said.contains("docs/service.md"), "{said}");
}
