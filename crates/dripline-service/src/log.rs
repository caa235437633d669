//! What is logged, and what never is.
//!
//! Lines of ours name routes, statuses, times and request ids, none of which holds anything of a chart. Libraries
//! may log what they read, and a panic's message may quote it, so neither is written.

use std::panic;

use tracing::level_filters::LevelFilter;
use tracing::{Subscriber, error};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;

/// Writes our lines down to `level` to `writer`, one a line.
pub fn subscriber<W>(level: LevelFilter, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_target(false).with_writer(writer);
    tracing_subscriber::registry().with(lines).with(Targets::new().with_target("dripline", level))
}

/// From now on a panic is logged with its place in the program and without its message.
pub fn quiet_panics() {
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        error!(place, "the program broke off");
    }));
}
