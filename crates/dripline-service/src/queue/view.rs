//! A case as it is shown.

use dripline::chart::{Chart, ChartTime};
use dripline::coding::{ChartDate, Coding, RuleSet};
use dripline_formats::diff::{Answer as Claim, Difference};
use dripline_reference::Options;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::entry::{Asked, EntryKind, Says};
use super::step::Status;

/// A chart is described once, as it is read: what may be left out there is written here, or left out too.
struct AsCharted;

impl JsonSchema for AsCharted {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AsCharted".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "$ref": "#/components/schemas/Chart" })
    }
}

/// A case in the queue.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Summary {
    /// Its number; the oldest has the smallest.
    pub id: i64,
    /// The caller's own id of the case.
    pub case: String,
    /// Where it stands.
    pub status: Status,
    /// `facility` or `office`.
    pub setting: String,
    /// The first date of service.
    pub service_date: String,
    /// When it came in, in UTC.
    pub received_at: String,
    /// The version in force: each answer and each correction makes one, and coding again where it comes out otherwise.
    pub version: i64,
    /// Counts every change; the case's ETag. A change names the one that it saw.
    pub revision: i64,
    /// Open questions that hold the claim.
    pub waiting: i64,
    /// Why it is held or rejected.
    pub reason: Option<String>,
}

/// A part of the queue, oldest first.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Queue")]
pub struct Page {
    /// The cases.
    pub cases: Vec<Summary>,
    /// Where the next part begins: the parameter `after`. None at the end.
    pub next: Option<i64>,
}

/// A question of the version in force, and whether an entry has settled it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct QueryState {
    /// The question, as an answer names it.
    #[serde(flatten)]
    pub query: Asked,
    /// Whether it holds the claim no more.
    pub settled: bool,
}

/// A chart entry that answered a question.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Answered {
    /// The version that it made.
    pub version: i64,
    /// The question.
    pub query: Asked,
    /// What it says.
    pub says: Says,
    /// Who wrote the entry.
    pub author: String,
    /// When it was written.
    pub written_at: ChartTime,
    /// Whether it is an original or a late entry.
    pub kind: EntryKind,
    /// Where in the record it stands.
    #[serde(rename = "where")]
    pub place: String,
    /// It may have been written after the claim was first released.
    pub after_release: bool,
    /// It may have been written after somebody asked for the records.
    pub after_records_request: bool,
    /// When it was put in here, in UTC.
    pub recorded_at: String,
    /// Who put it in here.
    pub recorded_by: String,
}

/// A chart entry on which a correction rests.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "CorrectedBy")]
pub struct CorrectionEntry {
    /// Key paths of what changed by it.
    pub changes: Vec<String>,
    /// Who wrote the entry.
    pub author: String,
    /// When it was written.
    pub written_at: ChartTime,
    /// Whether it is an original or a late entry.
    pub kind: EntryKind,
    /// Where in the record it stands.
    #[serde(rename = "where")]
    pub place: String,
    /// It may have been written after the claim was first released.
    pub after_release: bool,
    /// It may have been written after somebody asked for the records.
    pub after_records_request: bool,
}

/// A correction of the chart.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Corrected {
    /// The version that it made.
    pub version: i64,
    /// Why the chart was corrected.
    pub reason: String,
    /// The chart entries on which it rests.
    pub entries: Vec<CorrectionEntry>,
    /// When it was put in here, in UTC.
    pub recorded_at: String,
    /// Who put it in here.
    pub recorded_by: String,
}

/// A case that was coded again.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Recoded {
    /// The case as it stands now.
    #[serde(flatten)]
    pub summary: Summary,
    /// Whether the coding came out otherwise, and so is a new version.
    pub new_version: bool,
    /// How the claim differs; none where only questions or findings do.
    pub differences: Vec<Difference>,
}

/// What a claim that left is to the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClaimKind {
    /// The first.
    Original,
    /// Takes one back.
    Credit,
    /// Stands in its place.
    Rebill,
}

/// A claim that left, as it was: nothing of it is ever changed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Released {
    /// Counts the claims of the case.
    pub number: i64,
    /// What it is.
    pub kind: ClaimKind,
    /// The version whose claim it is.
    pub version: i64,
    /// The claim that a credit takes back or a rebill replaces.
    pub of: Option<i64>,
    /// Its lines; those of a credit are taken back.
    pub claim: Claim,
    /// The rules and the quarters of the reference tables by which it was coded.
    pub rule_set: RuleSet,
    /// When it was released, in UTC.
    pub released_at: String,
    /// Who released it.
    pub released_by: String,
}

/// What a release would do now to a claim that left.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Pending {
    /// The claim that would be credited.
    pub credit: i64,
    /// The lines that would be billed in its place.
    pub rebill: Claim,
    /// What differs.
    pub differences: Vec<Difference>,
}

/// That somebody asked for the records.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RecordsRequest {
    /// Who asked.
    pub asked_by: String,
    /// On which date it came.
    pub received_on: ChartDate,
    /// When it was put in here, in UTC.
    pub recorded_at: String,
    /// Who put it in here.
    pub recorded_by: String,
}

/// A case with its chart and its claim.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Case {
    /// As in the queue.
    #[serde(flatten)]
    pub summary: Summary,
    /// Who sent it.
    pub received_by: String,
    /// In which ways the rules and reference tables that run now are not those by which it was coded; empty where they
    /// are.
    pub outdated: Vec<String>,
    /// How it is coded.
    #[serde(skip)]
    pub(crate) options: Options,
    /// The chart in force.
    #[schemars(with = "AsCharted")]
    pub chart: Chart,
    /// What it is coded to.
    pub coding: Coding,
    /// Its questions, in the order of the coding.
    pub queries: Vec<QueryState>,
    /// The chart entries that answered questions, oldest first.
    pub answers: Vec<Answered>,
    /// The corrections of its chart, oldest first.
    pub corrections: Vec<Corrected>,
    /// The claims that left, oldest first.
    pub claims: Vec<Released>,
    /// What a release would do to the claim that left last; none where nothing left or nothing changed.
    pub pending: Option<Pending>,
    /// Who asked for the records.
    pub records_requests: Vec<RecordsRequest>,
    /// What the claim is worth, by Medicare's national amounts; only where an administrator turned money on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub money: Option<Value>,
}

/// A version of a case.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "CaseVersion")]
pub struct Version {
    /// The case.
    pub id: i64,
    /// Its number.
    pub version: i64,
    /// When it was made, in UTC.
    pub made_at: String,
    /// Who made it.
    pub made_by: String,
    /// Why.
    pub why: String,
    /// Its chart.
    #[schemars(with = "AsCharted")]
    pub chart: Chart,
    /// What it was coded to.
    pub coding: Coding,
}

/// What an answer would change. It is kept nowhere, and nothing can be released from it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct WhatIf {
    /// Always true.
    pub what_if: bool,
    /// The case.
    pub id: i64,
    /// The version to which the answer was tried.
    pub version: i64,
    /// What the case would be coded to.
    pub coding: Coding,
    /// What differs.
    pub differences: Vec<Difference>,
}

/// Something that was done.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Event {
    /// When, in UTC.
    pub at: String,
    /// Who.
    pub actor: String,
    /// What: `received`, `answered`, `corrected`, `recoded`, `held`, `rejected`, `reopened`, `released`, `records_requested`, `money`.
    pub action: String,
    /// How it was.
    pub before: Option<Value>,
    /// How it is.
    pub after: Option<Value>,
    /// Why.
    pub why: Option<String>,
}

/// Everything that was done to a case, oldest first.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct History {
    /// The case.
    pub id: i64,
    /// What was done.
    pub history: Vec<Event>,
}

/// What an administrator decided for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Settings {
    /// Whether amounts of money are shown.
    pub money: bool,
}
