//! `dripline serve` and `dripline mcp` as programs.
#![cfg(feature = "serve")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

const SHEET: &str = "office 2026-01-05\nZofran 4 mg IV push 10:00\nZofran 4 mg IV push 10:35\n";

fn dripline(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dripline"));
    // No table and no store of whoever runs the tests, nor of an earlier run.
    let data = format!("{}/data-{}", env!("CARGO_TARGET_TMPDIR"), std::process::id());
    command.args(args).env("XDG_DATA_HOME", data).env_remove("DRIPLINE_REFERENCE");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What a run gives for its input.
fn ended(args: &[&str], input: &str) -> Output {
    let mut child = dripline(args).spawn().expect("the command starts");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("it reads");
    child.wait_with_output().expect("the command ends")
}

/// A service that ends with its test.
struct Service {
    child: Child,
    address: String,
}

impl Service {
    fn start() -> Self {
        Self::start_with(&[])
    }

    fn start_with(more: &[&str]) -> Self {
        let args = [&["serve", "--listen", "localhost:0", "--log", "info"], more].concat();
        let mut child = dripline(&args).spawn().expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        let address = line.split("http://").nth(1).and_then(|l| l.split(' ').next()).expect("an address").to_owned();
        Service { child, address }
    }

    fn post(&self, path: &str, content_type: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time");
        let (host, length) = (&self.address, body.len());
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\
             connection: close\r\n\r\n{body}"
        )
        .expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        (head.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status"), body.to_owned())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_service_gives_the_bytes_of_the_command() {
    let service = Service::start();
    for (path, args) in [
        ("/v1/code", &["code", "-", "--format", "jsonl"][..]),
        ("/v1/code?alternatives=false", &["code", "-", "--format", "jsonl", "--no-alternatives"]),
        (
            "/v1/code?profile=medicare&set=hydration_sum=per_interval&drug_lines=false",
            &[
                "code",
                "-",
                "--format",
                "jsonl",
                "--profile",
                "medicare",
                "--set",
                "hydration_sum=per_interval",
                "--no-drug-lines",
            ],
        ),
    ] {
        let command = String::from_utf8(ended(args, SHEET).stdout).expect("UTF-8");
        assert_eq!(service.post(path, "text/plain", SHEET), (200, command), "{path}");
    }
    let (status, _) = service.post("/v1/code", "text/plain", "office 2026-01-05\nZofran 4 mg x2 q30\n");
    assert_eq!(status, 422);
}

#[cfg(unix)]
#[test]
fn it_stops_when_it_is_told_to() {
    let mut service = Service::start();
    assert_eq!(service.post("/v1/code", "text/plain", SHEET).0, 200);
    let told = Command::new("kill").args(["-TERM", &service.child.id().to_string()]).status().expect("kill runs");
    assert!(told.success());
    assert_eq!(service.child.wait().expect("it ends").code(), Some(0));
    let mut log = String::new();
    service.child.stderr.take().expect("piped").read_to_string(&mut log).expect("UTF-8");
    assert!(log.contains(r#"route="/v1/code" status=200"#) && !log.contains("Zofran"), "{log}");
}

#[test]
fn an_address_that_cannot_be_used_ends_with_2() {
    let service = Service::start();
    for (address, says) in [
        (service.address.as_str(), "the port is taken"),
        ("0.0.0.0:0", "other machines could reach this address"),
        ("[::]:0", "accounts"),
        ("192.0.2.1:80", "accounts"),
        ("8080", "write it as 127.0.0.1:8080"),
        ("example.test:80", "not an address with a port"),
    ] {
        let output = ended(&["serve", "--listen", address], "");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{address}: {said}");
        assert!(said.contains(says) && output.stdout.is_empty(), "{address}: {said}");
    }
    let output = ended(&["serve", "--reference", "no/such/folder"], "");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn tools_answer_on_standard_output() {
    let hello =
        json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
    let call = |id: u8, name: &str, arguments: Value| json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": name, "arguments": arguments } });
    let messages = [
        json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello }),
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
        json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" }),
        call(3, "code_chart", json!({ "chart": SHEET })),
        call(4, "code_chart", json!({ "chart": { "setting": "ofice" } })),
    ];
    let input: String = messages.iter().map(|m| format!("{m}\n")).collect();
    let output = ended(&["mcp"], &input);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let mut answers: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).expect("only JSON")).collect();
    answers.sort_by_key(|a| a["id"].as_u64());
    assert_eq!(answers.len(), 4, "{text}");
    assert_eq!(answers[0]["result"]["serverInfo"]["name"], "dripline");
    assert_eq!(answers[1]["result"]["tools"].as_array().map(Vec::len), Some(5));
    let command = String::from_utf8(ended(&["code", "-", "--format", "jsonl"], SHEET).stdout).expect("UTF-8");
    assert_eq!(answers[2]["result"]["content"][0]["text"], command);
    assert_eq!(answers[3]["result"]["isError"], true);
    let output = ended(&["mcp"], "office 2026-01-05\n");
    assert_eq!(output.status.code(), Some(2));
}

/// The examples of the documentation, as a reader would run them. `…` stands for what is left out.
#[cfg(unix)]
#[test]
fn the_documentation_s_examples_run() {
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("skipped: there is no curl here");
        return;
    }
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/service.md")).expect("the page");
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("service-examples");
    // The examples begin with an empty store.
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    let service = Service::start_with(&["--store", folder.join("cases.db").to_str().expect("UTF-8")]);
    // The examples call the command by its name.
    let command = std::path::Path::new(env!("CARGO_BIN_EXE_dripline")).parent().expect("a folder").to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([command].into_iter().chain(std::env::split_paths(&path))).expect("a path");
    let mut run = 0;
    for fence in text.split("\n```").skip(1).step_by(2) {
        let (tag, body) = fence.split_once('\n').expect("a fence");
        if let Some(name) = tag.strip_prefix("text ") {
            std::fs::write(folder.join(name), format!("{body}\n")).expect("a file");
        }
        if tag != "console" {
            continue;
        }
        let body = body.strip_prefix("$ ").expect("a command");
        let (command, expected) = body.split_once('\n').unwrap_or((body, ""));
        let command = command.replace("127.0.0.1:8080", &service.address);
        let mut shell = Command::new("sh");
        shell.args(["-c", &command]).env("PATH", &path).current_dir(&folder);
        let output = shell.output().expect("sh runs");
        if command.contains("dripline account add") {
            // A service that runs notices within a second.
            std::thread::sleep(Duration::from_millis(1100));
        }
        let said = String::from_utf8(output.stdout).expect("UTF-8");
        let (mut said_lines, mut expected_lines) = (said.lines(), expected.lines());
        loop {
            match (said_lines.next(), expected_lines.next()) {
                (Some(line), Some(expected)) => {
                    let mut rest = line;
                    for (i, part) in expected.split('…').enumerate() {
                        let at = rest.find(part).unwrap_or_else(|| panic!("{command}\nno {part}\nin {line}"));
                        assert!(i > 0 || at == 0, "{command}\n{line}");
                        rest = &rest[at + part.len()..];
                    }
                    assert!(rest.is_empty() || expected.ends_with('…'), "{command}\n{line}");
                }
                (None, None) => break,
                (more, less) => panic!("{command}: {more:?} where {less:?} is expected"),
            }
        }
        run += 1;
    }
    assert_eq!(run, text.matches("\n$ ").count());
    assert!(run >= 7);
}
