//! The service on a socket.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tower::ServiceExt as _;
use tracing::{debug, info, warn};

use crate::app;
use crate::state::AppState;

/// Why the service cannot listen.
#[derive(Debug)]
pub enum ServeError {
    /// Others could reach the address.
    NotLoopback(SocketAddr),
    /// The address cannot be used.
    Address(SocketAddr, io::Error),
}

impl ServeError {
    /// What would mend it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            ServeError::NotLoopback(_) => {
                "listen on 127.0.0.1, and reach it from elsewhere through a tunnel, as of ssh"
            }
            ServeError::Address(_, e) if e.kind() == io::ErrorKind::AddrInUse => {
                "stop what listens there, or choose another port; port 0 takes any that is free"
            }
            ServeError::Address(..) => "choose another port",
        }
    }
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServeError::NotLoopback(address) => write!(
                f,
                "{address}: other machines could reach this address, and that needs accounts, which this version does \
                 not have"
            ),
            ServeError::Address(address, e) if e.kind() == io::ErrorKind::AddrInUse => {
                write!(f, "{address}: the port is taken")
            }
            ServeError::Address(address, e) => write!(f, "{address}: it cannot be listened on: {e}"),
        }
    }
}

impl std::error::Error for ServeError {}

/// Takes an address of this machine.
///
/// # Errors
/// The address is not loopback, is taken or is not ours.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    if !address.ip().is_loopback() {
        return Err(ServeError::NotLoopback(address));
    }
    TcpListener::bind(address).await.map_err(|e| ServeError::Address(address, e))
}

/// Serves until `stop` is done; then takes no more, and waits for requests under way as long as the limits say.
///
/// # Errors
/// The listener's address is not loopback.
pub async fn serve(listener: TcpListener, state: AppState, stop: impl Future<Output = ()>) -> Result<(), ServeError> {
    if let Ok(address) = listener.local_addr()
        && !address.ip().is_loopback()
    {
        return Err(ServeError::NotLoopback(address));
    }
    let limits = state.limits;
    let service = app(state.clone()).map_request(|r: hyper::Request<hyper::body::Incoming>| r.map(Body::new));
    let service = TowerToHyperService::new(service);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.head);
    let places = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await.ok();
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            next = next => next,
            () = &mut stop => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(e) => {
                // Of a connection that is gone again, or of this process: then a pause lets others end.
                debug!(kind = %e.kind(), "a connection was not taken");
                if !matches!(e.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service.clone()));
        tokio::spawn(async move {
            let _place = place;
            let _: Result<(), hyper::Error> = connection.await;
        });
    }
    state.stop();
    drop(listener);
    info!("stopping");
    if tokio::time::timeout(limits.stop, graceful.shutdown()).await.is_err() {
        warn!("requests under way were broken off");
    }
    Ok(())
}
