//! What is counted. Labels are names of ours: nothing that a caller writes becomes one.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

/// The content type of the metrics.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds in seconds.
const BOUNDS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answered {
    route: String,
    method: &'static str,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Refused {
    kind: &'static str,
}

/// What is counted.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    answered: Family<Answered, Counter>,
    seconds: Family<Route, Histogram, fn() -> Histogram>,
    problems: Family<Refused, Counter>,
    under_way: Gauge,
    coded: Counter,
    refused: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("dripline");
        let version = Info::new([("version", dripline::VERSION)]);
        registry.register("build", "The program", version);
        let answered = Family::default();
        registry.register("http_requests", "Requests answered", answered.clone());
        let seconds: Family<_, _, fn() -> _> = Family::new_with_constructor(|| Histogram::new(BOUNDS));
        let about = "Time until a request was answered; for a stream, until its answer began";
        registry.register_with_unit("http_request_duration", about, Unit::Seconds, seconds.clone());
        let problems = Family::default();
        registry.register("http_problems", "Requests answered with a problem, by its kind", problems.clone());
        let under_way = Gauge::default();
        registry.register("http_requests_under_way", "Requests under way", under_way.clone());
        let cases: Family<Outcome, Counter<u64, AtomicU64>> = Family::default();
        registry.register("cases", "Cases coded, or refused with an error", cases.clone());
        let of = |outcome| cases.get_or_create_owned(&Outcome { outcome });
        let (coded, refused) = (of("coded"), of("refused"));
        Metrics { registry, answered, seconds, problems, under_way, coded, refused }
    }
}

impl Metrics {
    /// A request was answered.
    pub fn answered(&self, route: &str, method: &'static str, status: u16, time: Duration) {
        let route = route.to_owned();
        self.seconds.get_or_create(&Route { route: route.clone() }).observe(time.as_secs_f64());
        self.answered.get_or_create(&Answered { route, method, status }).inc();
    }

    /// A request was answered with a problem of a kind.
    pub fn refused(&self, kind: &'static str) {
        self.problems.get_or_create(&Refused { kind }).inc();
    }

    /// A case was coded, or not.
    pub fn case(&self, good: bool) {
        if good { &self.coded } else { &self.refused }.inc();
    }

    /// Counts a request as under way until what it gives is dropped.
    pub fn under_way(&self) -> UnderWay {
        self.under_way.inc();
        UnderWay(self.under_way.clone())
    }

    /// Everything, as OpenMetrics text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("a string takes everything");
        text
    }
}

/// A request under way.
pub(crate) struct UnderWay(Gauge);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.dec();
    }
}
