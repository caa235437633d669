//! The service on a socket: how it stops, and whom it does not wait for.

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use dripline_reference::Coder;
use dripline_service::access::Access;
use dripline_service::serve::{ServeError, listen, serve};
use dripline_service::store::Store;
use dripline_service::{AppState, Limits};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

const SOON: Duration = Duration::from_secs(20);
const SHEET: &str = "office 2026-01-05\nZofran 4 mg IV push 10:00\n";

async fn start(limits: Limits) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<Result<(), ServeError>>) {
    let listener = listen("127.0.0.1:0".parse().unwrap(), &Access::default()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let state = AppState::new(Coder::default(), limits);
    let running = tokio::spawn(serve(listener, state, async {
        let _ = stopped.await;
    }));
    (address, stop, running)
}

fn head(length: usize) -> String {
    format!("POST /v1/code HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\n\r\n")
}

async fn answer(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    timeout(SOON, stream.read_to_string(&mut text)).await.expect("an answer").unwrap();
    text
}

#[tokio::test]
async fn a_request_under_way_is_finished_before_the_service_stops() {
    let (address, stop, running) = start(Limits::default()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("{}{}", head(SHEET.len()), &SHEET[..10]).as_bytes()).await.unwrap();
    // Long enough for the request to have begun.
    tokio::time::sleep(Duration::from_millis(200)).await;
    stop.send(()).unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!running.is_finished());
    assert!(TcpStream::connect(address).await.is_err(), "nothing more is taken");
    stream.write_all(&SHEET.as_bytes()[10..]).await.unwrap();
    let text = answer(&mut stream).await;
    assert!(text.starts_with("HTTP/1.1 200 OK") && text.contains("96374"), "{text}");
    timeout(SOON, running).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn the_service_stops_though_a_client_does_not() {
    let (address, stop, running) = start(Limits { stop: Duration::from_millis(100), ..Limits::default() }).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head(100).as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    stop.send(()).unwrap();
    timeout(SOON, running).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_head_that_does_not_end_is_not_waited_for() {
    let (address, stop, running) = start(Limits { head: Duration::from_millis(150), ..Limits::default() }).await;
    let begun = Instant::now();
    for begins in ["", "GET /health HTTP/1.1\r\nhost: local"] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(begins.as_bytes()).await.unwrap();
        assert!(!answer(&mut stream).await.contains("200 OK"));
    }
    assert!(begun.elapsed() < SOON);
    let _ = stop.send(());
    timeout(SOON, running).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn connections_over_the_limit_wait_for_their_turn() {
    let (address, _stop, _running) = start(Limits { connections: 1, ..Limits::default() }).await;
    let mut first = TcpStream::connect(address).await.unwrap();
    first.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut some = [0; 12];
    timeout(SOON, first.read_exact(&mut some)).await.unwrap().unwrap();
    let mut second = TcpStream::connect(address).await.unwrap();
    second.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
    assert!(timeout(Duration::from_millis(200), second.read_u8()).await.is_err());
    drop(first);
    assert!(answer(&mut second).await.contains("200 OK"));
}

#[tokio::test]
async fn other_machines_cannot_be_let_in() {
    let everyone: SocketAddr = "0.0.0.0:0".parse().unwrap();
    assert!(matches!(listen(everyone, &Access::default()).await, Err(ServeError::Unguarded(_))));
    let listener = TcpListener::bind(everyone).await.unwrap();
    let served = timeout(SOON, serve(listener, AppState::default(), std::future::pending())).await.unwrap();
    assert!(matches!(served, Err(ServeError::Unguarded(_))));
    let taken = listen("127.0.0.1:0".parse().unwrap(), &Access::default()).await.unwrap();
    let error = listen(taken.local_addr().unwrap(), &Access::default()).await.unwrap_err();
    assert!(error.to_string().contains("the port is taken"), "{error}");
}

#[tokio::test]
async fn an_address_that_guesses_waits_whatever_it_says_it_is() {
    let store = Store::open(&common::stores::file()).await.unwrap();
    let listener = listen("127.0.0.1:0".parse().unwrap(), &Access::default()).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, AppState::default().with_store(store), std::future::pending()));
    let mut statuses = Vec::new();
    for n in 0..22 {
        let body = format!("{{\"name\":\"account{n}\",\"password\":\"some wrong password\"}}");
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST /v1/session HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\n\
             x-forwarded-for: 192.0.2.{n}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        statuses.push(answer(&mut stream).await.split(' ').nth(1).unwrap().to_owned());
    }
    assert_eq!(statuses[..20], vec!["401"; 20]);
    assert_eq!(statuses[20..], ["429", "429"]);
}

const MANY: i64 = 12_000;

/// An export as bytes of a socket, from a store that is gone when its first part was read, or stays.
async fn exported(gone: bool) -> String {
    let store = Store::open(&common::stores::file()).await.unwrap();
    let service = common::Service::keeping(store.clone()).await;
    for n in 0..3 {
        let mut new = common::post("/v1/cases", common::JSON, common::CASE);
        new.headers_mut().insert("idempotency-key", format!("k{n}").parse().unwrap());
        assert_eq!(service.ask(new).await.status.as_u16(), 201);
    }
    // More than the buffers between the two hold.
    common::stores::copied(&store, 4, MANY).await;
    let listener = listen("127.0.0.1:0".parse().unwrap(), &Access::default()).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, AppState::default().with_store(store.clone()), std::future::pending()));
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(8 << 10).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let head = "GET /v1/queue.ndjson HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut text = vec![0; 1000];
    timeout(SOON, stream.read_exact(&mut text)).await.expect("a beginning").unwrap();
    if gone {
        store.close().await;
    }
    let _ = timeout(SOON, stream.read_to_end(&mut text)).await.expect("an end");
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn an_export_that_breaks_off_lacks_its_last_chunk() {
    let last = format!("\"id\":{MANY},");
    let whole = exported(false).await;
    assert!(whole.len() > 5 << 20, "{}", whole.len());
    assert!(whole.contains("transfer-encoding: chunked"), "{}", &whole[..1000]);
    assert!(whole.ends_with("\r\n0\r\n\r\n") && whole.contains(&last));
    let broken = exported(true).await;
    assert!(broken.starts_with("HTTP/1.1 200 OK") && !broken.contains(&last));
    assert!(!broken.ends_with("\r\n0\r\n\r\n"), "{}", &broken[broken.len() - 100..]);
}

#[tokio::test]
async fn a_request_that_does_not_name_this_machine_is_refused_however_it_is_written() {
    let (address, _stop, _running) = start(Limits::default()).await;
    let ask = async |head: &str| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(format!("{head}\r\nconnection: close\r\n\r\n").as_bytes()).await.unwrap();
        answer(&mut stream).await
    };
    for good in [
        "GET /health HTTP/1.1\r\nhost: localhost",
        "GET /health HTTP/1.0\r\nhost: 127.0.0.1:8080",
        "GET http://localhost/health HTTP/1.1\r\nhost: localhost",
        "GET http://[::1]:8080/health HTTP/1.0",
    ] {
        assert_eq!(ask(good).await.split(' ').nth(1), Some("200"), "{good}");
    }
    for bad in [
        "GET /health HTTP/1.0\r\naccept: */*",
        "GET /health HTTP/1.1\r\naccept: */*",
        "GET /health HTTP/1.1\r\nhost:",
        "GET /health HTTP/1.1\r\nhost: localhost.",
        "GET /health HTTP/1.1\r\nhost: localhost\r\nhost: localhost",
        "GET /health HTTP/1.1\r\nhost: localhost, evil.test",
        "GET /health HTTP/1.1\r\nhost: localhost\r\n evil.test",
        "GET /health HTTP/1.1\r\nhost : localhost",
        "GET http://evil.test/health HTTP/1.1\r\nhost: localhost",
        "GET http://localhost/health HTTP/1.1\r\nhost: evil.test",
        "GET http://localhost@evil.test/health HTTP/1.1\r\nhost: localhost",
        "GET http://user@localhost/health HTTP/1.1\r\nhost: localhost",
        "GET http://evil.test/health HTTP/1.0",
        "GET //evil.test/health HTTP/1.1\r\nhost: evil.test",
        "CONNECT evil.test:443 HTTP/1.1\r\nhost: localhost",
        "CONNECT localhost:443 HTTP/1.1\r\nhost: localhost",
    ] {
        let text = ask(bad).await;
        let status = text.split(' ').nth(1).unwrap_or("none");
        assert!(matches!(status, "400" | "403" | "404" | "405"), "{bad}: {text}");
    }
}
