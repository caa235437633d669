//! What every route shares.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dripline_reference::Coder;
use tokio::sync::Semaphore;

use crate::access::reach::Reach;
use crate::access::{Access, Clock};
use crate::metrics::Metrics;
use crate::problem::Problem;
use crate::store::Store;

/// How much the service takes, and how long it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of a body that is read as a whole; a case of a stream may be as long as for the command.
    pub body: usize,
    /// Until a request is read and answered; for a stream, until it begins.
    pub time: Duration,
    /// Until the next part of a stream comes in or is taken.
    pub idle: Duration,
    /// Until the head of a request is complete; also how long a connection may stay unused.
    pub head: Duration,
    /// For requests under way when the service is told to stop.
    pub stop: Duration,
    /// Requests at a time.
    pub requests: usize,
    /// Streams and exports at a time: each stream holds a thread.
    pub streams: usize,
    /// Connections at a time.
    pub connections: usize,
    /// A body of at most this many bytes is coded where it was read; a longer one on a thread for long work.
    pub at_once: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            body: 4 << 20,
            time: Duration::from_secs(30),
            idle: Duration::from_secs(30),
            head: Duration::from_secs(15),
            stop: Duration::from_secs(10),
            requests: 256,
            streams: 16,
            connections: 1024,
            at_once: 8 << 10,
        }
    }
}

/// What every route shares. A clone sees the same, and costs one count: each layer of each request makes some.
#[derive(Clone, Debug)]
pub struct AppState(Arc<Shared>);

impl Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// What an [`AppState`] holds.
#[derive(Clone, Debug)]
pub struct Shared {
    /// Codes charts: formulary, policies and reference tables.
    pub coder: Arc<Coder>,
    /// How much the service takes.
    pub limits: Limits,
    /// Who may ask.
    pub access: Arc<Access>,
    /// Where cases are kept; without one, every route that would keep something says so.
    pub store: Option<Store>,
    pub(crate) metrics: Arc<Metrics>,
    /// Places for requests.
    pub(crate) requests: Arc<Semaphore>,
    /// Places for streams.
    pub(crate) streams: Arc<Semaphore>,
    /// Places for long work: one for each processor.
    work: Arc<Semaphore>,
    stopping: Arc<AtomicBool>,
}

impl Default for AppState {
    fn default() -> Self {
        AppState::new(Coder::default(), Limits::default())
    }
}

impl AppState {
    /// The state of a service that codes with `coder`.
    #[must_use]
    pub fn new(coder: Coder, limits: Limits) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        AppState(Arc::new(Shared {
            coder: Arc::new(coder),
            limits,
            access: Arc::default(),
            store: None,
            metrics: Arc::default(),
            requests: Arc::new(Semaphore::new(limits.requests)),
            streams: Arc::new(Semaphore::new(limits.streams)),
            work: Arc::new(Semaphore::new(processors)),
            stopping: Arc::default(),
        }))
    }

    /// The same with a store, whose accounts decide who may ask.
    #[must_use]
    pub fn with_store(self, store: Store) -> Self {
        let access = Access::new(Reach::ThisMachine, store.clone(), Clock::default());
        AppState(Arc::new(Shared { store: Some(store), ..Arc::unwrap_or_clone(self.0) })).with_access(access)
    }

    /// The same with who may ask, from elsewhere or otherwise than a store's accounts alone say.
    #[must_use]
    pub fn with_access(self, access: Access) -> Self {
        AppState(Arc::new(Shared { access: Arc::new(access), ..Arc::unwrap_or_clone(self.0) }))
    }

    /// From now on the service is not ready for more.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether the service was told to stop.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Runs work on `size` bytes of input, where it does not hold up others.
    ///
    /// # Errors
    /// The work's own; also that it broke off.
    pub async fn run<T: Send + 'static>(
        &self,
        size: usize,
        work: impl FnOnce(&Coder) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        if size <= self.limits.at_once {
            return work(&self.coder);
        }
        // The place is given back when the work ends, not when its caller goes: it cannot be broken off.
        let place = Arc::clone(&self.work).acquire_owned().await.map_err(|_| Problem::failed())?;
        let coder = Arc::clone(&self.coder);
        let done = tokio::task::spawn_blocking(move || {
            let _place = place;
            work(&coder)
        });
        done.await.unwrap_or_else(|_| Err(Problem::failed()))
    }
}
