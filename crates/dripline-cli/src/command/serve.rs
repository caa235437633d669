//! `dripline serve` and `dripline mcp`

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use dripline_reference::Coder;
#[cfg(feature = "oidc")]
use dripline_service::access::oidc::{Oidc, Roots, SettingsError};
use dripline_service::access::reach::{NotAnOrigin, Reach};
use dripline_service::access::records::Accounts;
use dripline_service::access::{Access, Clock};
use dripline_service::mcp::Mcp as Tools;
use dripline_service::serve::{self, ServeError};
use dripline_service::store::Store;
use dripline_service::{AppState, Limits, log};
use tokio::runtime::Runtime;
use tracing::level_filters::LevelFilter;

use crate::args::{Log, Mcp, Serve};
use crate::command::{reference, store};
use crate::out::{Ends, Out, Stop, complain, wrong};

pub fn run(args: &Serve, out: &mut Out) -> Ends {
    let address = address(&args.listen)?;
    let state = state(args.reference.as_deref(), args.log)?;
    let fail = |e: &ServeError| wrong(&format!("--listen {e}"), e.help());
    let runtime = runtime()?;
    let ends = runtime.block_on(async {
        let (signalled, again) = (stopped(1)?, stopped(2)?);
        let (state, kept) = match args.no_store {
            true => (state, "No case is kept.".to_owned()),
            false => {
                let store = store::open(args.store.as_deref()).await?;
                let kept = format!("Cases are kept in {}.", store.place());
                let access = access(args, address, &store).await?;
                (state.with_store(store).with_access(access), kept)
            }
        };
        let listener = serve::listen(address, &state.access).await.map_err(|e| fail(&e))?;
        let address = listener.local_addr().unwrap_or(address);
        let answers = match state.access.is_open().await {
            Ok(true) => "answers this machine alone",
            _ => "answers those who are signed in",
        };
        let reach = match state.access.reach() {
            Reach::ThisMachine => String::new(),
            Reach::Numbers => {
                "\nNothing is encrypted: put a proxy with a certificate before it, and name it with --behind-proxy."
                    .to_owned()
            }
            Reach::Behind(origin) => format!("\nBrowsers find it at {origin}."),
        };
        // In one piece: whoever reads the address may read no more.
        out.line(&format!("dripline listens on http://{address} and {answers}. Ctrl-C stops it.{reach}\n{kept}"))?;
        tokio::select! {
            served = serve::serve(listener, state, signalled) => served.map_err(|e| fail(&e)),
            () = again => Ok(()),
        }
    });
    // Work that cannot be broken off is not waited for.
    runtime.shutdown_background();
    ends.map(|()| 0)
}

/// Who may ask, and from where. Whoever is not at this machine needs credentials, and there must be some to have.
async fn access(args: &Serve, address: SocketAddr, store: &Store) -> Result<Access, Stop> {
    let any = Accounts::new(store.clone(), Clock::default()).any().await;
    let any = any.map_err(|e| wrong(&format!("--store: {e}"), e.help()))?;
    let origin = args.behind_proxy.as_deref().map(|text| {
        text.parse().map_err(|e: NotAnOrigin| {
            wrong(&format!("--behind-proxy {text}: {e}"), "write it as https://dripline.clinic.example")
        })
    });
    let reach = match (origin.transpose()?, address.ip().is_loopback()) {
        (Some(origin), _) => Reach::Behind(origin),
        (None, true) => Reach::ThisMachine,
        (None, false) => Reach::Numbers,
    };
    let access = Access::new(reach.clone(), store.clone(), Clock::default());
    #[cfg(feature = "oidc")]
    if let Some(file) = &args.oidc {
        return Ok(access.with_oidc(oidc(file, args.oidc_root.as_deref())?));
    }
    match reach {
        Reach::ThisMachine => Ok(access),
        _ if any => Ok(access),
        Reach::Numbers => {
            let unguarded = ServeError::Unguarded(address);
            Err(wrong(&format!("--listen {unguarded}"), unguarded.help()))
        }
        Reach::Behind(_) => Err(wrong(
            "--behind-proxy: other machines could reach the service, and that needs accounts: there is none",
            "make one with `dripline account add NAME --role administrator`",
        )),
    }
}

/// The provider that a file of settings names.
#[cfg(feature = "oidc")]
fn oidc(file: &Path, root: Option<&Path>) -> Result<Oidc, Stop> {
    let unread = |option: &str, file: &Path, e: io::Error| {
        wrong(&format!("{option}: {} cannot be read: {e}", file.display()), "")
    };
    let read = |file: &Path| std::fs::read_to_string(file).map_err(|e| unread("--oidc", file, e));
    let fail =
        |e: SettingsError| wrong(&format!("--oidc {}: {e}", file.display()), "docs/service.md shows a whole file");
    let settings = Oidc::settings(&read(file)?).map_err(fail)?;
    let secret = settings.client_secret_file.as_deref().map(read).transpose()?.map(|s| s.trim().to_owned());
    let roots = match root {
        None => Roots::of_this_machine(),
        Some(root) => {
            let pem = std::fs::read(root).map_err(|e| unread("--oidc-root", root, e))?;
            let help = "name a file of the certificates of authorities, each between BEGIN and END CERTIFICATE";
            Roots::read(&pem).map_err(|e| wrong(&format!("--oidc-root {}: {e}", root.display()), help))?
        }
    };
    Oidc::trusting(settings, secret, roots).map_err(fail)
}

pub fn mcp(args: &Mcp) -> Ends {
    let state = state(args.reference.as_deref(), Log::Warn)?;
    let runtime = runtime()?;
    let ends = runtime.block_on(Tools::new(state).stdio());
    runtime.shutdown_background();
    match ends {
        Ok(()) => Ok(0),
        Err(message) => {
            complain(&message);
            Ok(2)
        }
    }
}

fn state(reference: Option<&Path>, level: Log) -> Result<AppState, Stop> {
    let level = match level {
        Log::Off => LevelFilter::OFF,
        Log::Error => LevelFilter::ERROR,
        Log::Warn => LevelFilter::WARN,
        Log::Info => LevelFilter::INFO,
    };
    // Only one subscriber is ever set in this process.
    let _ = tracing::subscriber::set_global_default(log::subscriber(level, io::stderr));
    log::quiet_panics();
    let store = reference::open(reference)?.map(Arc::new);
    Ok(AppState::new(Coder { store, ..Coder::default() }, Limits::default()))
}

pub(super) fn runtime() -> Result<Runtime, Stop> {
    Runtime::new().map_err(|e| wrong(&format!("the service cannot start: {e}"), ""))
}

/// An address as it is typed: of numbers, or `localhost` with a port.
fn address(text: &str) -> Result<SocketAddr, Stop> {
    let numbers = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.to_owned(),
    };
    numbers.parse().map_err(|_| {
        wrong(&format!("--listen {text}: not an address with a port"), "write it as 127.0.0.1:8080 or localhost:8080")
    })
}

/// Is done when the process was told to stop that many times: by Ctrl-C, or by who started it.
#[cfg(unix)]
fn stopped(times: u32) -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        for _ in 0..times {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
    })
}

/// Is done when the process was told to stop that many times.
#[cfg(not(unix))]
fn stopped(times: u32) -> io::Result<impl Future<Output = ()>> {
    Ok(async move {
        for _ in 0..times {
            let _ = tokio::signal::ctrl_c().await;
        }
    })
}
