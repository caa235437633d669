//! The service on a socket.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tower::ServiceExt as _;
use tracing::{debug, info, warn};

use crate::access::reach::Reach;
use crate::access::{Access, Peer};
use crate::app;
use crate::state::AppState;

/// Why the service cannot listen.
#[derive(Debug)]
pub enum ServeError {
    /// Others could reach the service, and there is no account.
    Unguarded(SocketAddr),
    /// The address cannot be used.
    Address(SocketAddr, io::Error),
}

impl ServeError {
    /// What would mend it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            ServeError::Unguarded(_) => {
                "make one with `dripline account add NAME --role administrator`, or listen on 127.0.0.1 and reach it \
                 from elsewhere through a tunnel, as of ssh"
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
            ServeError::Unguarded(address) => {
                write!(f, "{address}: other machines could reach this address, and that needs accounts: there is none")
            }
            ServeError::Address(address, e) if e.kind() == io::ErrorKind::AddrInUse => {
                write!(f, "{address}: the port is taken")
            }
            ServeError::Address(address, e) => write!(f, "{address}: it cannot be listened on: {e}"),
        }
    }
}

impl std::error::Error for ServeError {}

/// Takes an address: one of this machine, or any where the service needs credentials.
///
/// # Errors
/// Others could reach it and there is no account; or it is taken or is not ours.
pub async fn listen(address: SocketAddr, access: &Access) -> Result<TcpListener, ServeError> {
    guarded(address, access)?;
    TcpListener::bind(address).await.map_err(|e| ServeError::Address(address, e))
}

/// Whether nobody else can reach an address, or whoever does needs credentials.
fn guarded(address: SocketAddr, access: &Access) -> Result<(), ServeError> {
    match address.ip().is_loopback() || *access.reach() != Reach::ThisMachine {
        true => Ok(()),
        false => Err(ServeError::Unguarded(address)),
    }
}

/// Serves until `stop` is done; then takes no more, and waits for requests under way as long as the limits say.
///
/// # Errors
/// Others could reach the listener and there is no account.
pub async fn serve(listener: TcpListener, state: AppState, stop: impl Future<Output = ()>) -> Result<(), ServeError> {
    serve_app(listener, app(state.clone()), state, stop).await
}

/// Serves a router that [`app_with`](crate::app_with) made of the state, as [`serve`] does.
///
/// # Errors
/// As [`serve`].
pub async fn serve_app(
    listener: TcpListener,
    router: Router,
    state: AppState,
    stop: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    if let Ok(address) = listener.local_addr() {
        guarded(address, &state.access)?;
    }
    let limits = state.limits;
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
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
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
        let service = router.clone().map_request(move |request: hyper::Request<hyper::body::Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(Peer(peer));
            request
        });
        let service = TowerToHyperService::new(service);
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
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
