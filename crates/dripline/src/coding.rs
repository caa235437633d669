//! The coding: what a chart earns, why, what it did not earn and what is missing. The output types of the contract.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::chart::{ChartTime, Setting, SwitchValue};
use crate::time::Written;

macro_rules! output {
    ($(#[$meta:meta])* $name:ident { $($(#[$fmeta:meta])* $field:ident: $ty:ty),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$fmeta])* pub $field: $ty),+ }
    };
}

macro_rules! choice {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub enum $name { $($(#[$vmeta])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// As written.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

output! {
    /// What became of one case.
    Coding {
        /// The caller's id, or the case's 1-based position.
        case: String,
        /// Who bills.
        setting: Setting,
        /// The named policy that was used.
        profile: String,
        /// What is needed to code the case again with the same result.
        rule_set: RuleSet,
        /// Administration codes.
        lines: Vec<Line>,
        /// Drug codes.
        drug_lines: Vec<DrugLine>,
        /// What became of each other service.
        services: Vec<ServiceLine>,
        /// Administrations that stand in no line.
        unreported: Vec<Unreported>,
        /// The fate of every charted minute.
        minutes: Vec<Minutes>,
        /// What is missing.
        queries: Vec<Query>,
        /// Policies that would change the lines.
        alternatives: Vec<Alternative>,
        /// What the record states of each administration.
        documentation: Vec<DocumentationItem>,
        /// Findings of the payers' edit tables.
        edits: Vec<Edit>,
        /// Everything that was taken for granted.
        assumptions: Vec<Assumption>,
    }
}

output! {
    /// What is needed to code a case again with the same result.
    RuleSet {
        /// Version of the engine.
        version: String,
        /// The date whose rules and tables were used.
        as_of: ChartDate,
        /// Switches in which the policy used differs from its profile.
        policy: BTreeMap<String, SwitchValue>,
        /// Hash over the value of every switch.
        policy_hash: String,
        /// Reference table to its quarter.
        reference: BTreeMap<String, String>,
    }
}

output! {
    /// One administration code on one date with one set of modifiers.
    Line {
        /// Code.
        code: SmolStr,
        /// Units.
        units: u32,
        /// Modifiers in the order in which they stand on the claim.
        modifiers: Vec<SmolStr>,
        /// Date of service.
        date: ChartDate,
        /// Ids of the administrations that stand in it.
        administrations: Vec<SmolStr>,
        /// Ids of the rules that made it.
        rules: Vec<SmolStr>,
        /// Grade of its weakest rule.
        confidence: Confidence,
        /// Whether every reading of the conflicts gives this line.
        certainty: Certainty,
        /// Why, in words.
        why: String,
    }
}

choice! {
    /// How well a rule is proved.
    Confidence {
        /// The authority's own page was seen.
        A = "A",
        /// Several secondary sources agree.
        B = "B",
        /// One secondary source, or sources disagree.
        C = "C",
        /// General knowledge; no page was seen.
        K = "K",
    }
}

/// Whether a line stands under every documented reading, or the switches on which it hangs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// Every documented reading gives it.
    AllReadings,
    /// Some value of these switches takes it away or changes it.
    Switches(Vec<SmolStr>),
    /// The readings were not run: alternatives were switched off or there were too many administrations.
    NotChecked,
}

impl Serialize for Certainty {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Certainty::AllReadings => s.serialize_str("all_readings"),
            Certainty::NotChecked => s.serialize_str("not_checked"),
            Certainty::Switches(list) => list.serialize(s),
        }
    }
}

impl<'de> Deserialize<'de> for Certainty {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Raw {
            Word(String),
            List(Vec<SmolStr>),
        }
        match Raw::deserialize(d)? {
            Raw::List(list) => Ok(Certainty::Switches(list)),
            Raw::Word(w) if w == "all_readings" => Ok(Certainty::AllReadings),
            Raw::Word(w) if w == "not_checked" => Ok(Certainty::NotChecked),
            Raw::Word(w) => Err(serde::de::Error::custom(format!("`{w}` is not a certainty"))),
        }
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Certainty {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Certainty".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "Whether every documented reading gives the line, or the switches on which it hangs.",
            "oneOf": [
                { "enum": ["all_readings", "not_checked"] },
                { "type": "array", "items": { "type": "string" }, "minItems": 1 }
            ]
        })
    }
}

output! {
    /// One drug code on one date.
    DrugLine {
        /// HCPCS code.
        hcpcs: SmolStr,
        /// Units: the day's doses added, then rounded up.
        units: u64,
        /// Modifiers.
        modifiers: Vec<SmolStr>,
        /// Date of service.
        date: ChartDate,
        /// National Drug Code, 5-4-2 digits.
        ndc: Option<SmolStr>,
        /// Quantity in the NDC's unit, exact.
        ndc_quantity: Option<SmolStr>,
        /// UN, ML, GR, F2 or ME.
        ndc_unit: Option<SmolStr>,
        /// Ids of the administrations whose drug it is.
        administrations: Vec<SmolStr>,
        /// Ids of the rules that made it.
        rules: Vec<SmolStr>,
        /// Why, in words.
        why: String,
    }
}

choice! {
    /// What becomes of a listed service.
    ServiceVerdict {
        /// Stands as listed.
        Kept = "kept",
        /// Is inside another service.
        Included = "included",
        /// Stands with the modifier named.
        NeedsModifier = "needs_modifier",
    }
}

output! {
    /// What becomes of one listed service.
    ServiceLine {
        /// Id.
        id: SmolStr,
        /// Code.
        code: SmolStr,
        /// Verdict.
        verdict: ServiceVerdict,
        /// The modifier that it needs.
        modifier: Option<SmolStr>,
        /// Ids of the rules.
        rules: Vec<SmolStr>,
        /// Why, in words.
        why: String,
    }
}

output! {
    /// An administration that stands in no line.
    Unreported {
        /// Its id.
        administration: SmolStr,
        /// Ids of the rules.
        rules: Vec<SmolStr>,
        /// Why, in words.
        why: String,
    }
}

output! {
    /// The fate of every minute of one administration, without gaps.
    Minutes {
        /// Its id.
        administration: SmolStr,
        /// Half-open spans from its start to the stop used.
        spans: Vec<MinuteSpan>,
    }
}

choice! {
    /// What became of minutes.
    Fate {
        /// They support this administration's line.
        Counted = "counted",
        /// They support another administration's line.
        Overlapped = "overlapped",
        /// The administration was paused.
        Paused = "paused",
        /// They support nothing.
        Excluded = "excluded",
    }
}

output! {
    /// A half-open span of minutes with one fate.
    MinuteSpan {
        /// First minute.
        start: ChartTime,
        /// One past the last minute.
        stop: ChartTime,
        /// Fate.
        fate: Fate,
        /// The code that they count for, the administration that has them, or the rule that excludes them.
        by: Option<SmolStr>,
    }
}

choice! {
    /// Whom a question goes to.
    Addressee {
        /// The nurse who charted.
        Nurse = "nurse",
        /// The ordering provider.
        Provider = "provider",
        /// The pharmacy.
        Pharmacy = "pharmacy",
        /// The biller.
        Biller = "biller",
    }
}

output! {
    /// Something that is missing, where some answer changes a line.
    Query {
        /// Ids of the administrations.
        administrations: Vec<SmolStr>,
        /// The contract's key that the answer fills.
        field: SmolStr,
        /// To whom.
        to: Addressee,
        /// The question as the clinician reads it: facts and neutral choices, nothing of codes or money.
        ask: String,
        /// What each answer would earn: for coder and auditor only.
        outcomes: Vec<Outcome>,
    }
}

output! {
    /// What one answer would earn: the whole result.
    Outcome {
        /// The answer.
        #[serde(rename = "if")]
        answer: SmolStr,
        /// Administration codes.
        lines: Vec<ShortLine>,
        /// Drug codes, where they differ.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        drug_lines: Option<Vec<ShortLine>>,
        /// Services, where they differ.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        services: Option<Vec<ShortService>>,
    }
}

output! {
    /// What another value of a switch would earn: the whole result.
    Alternative {
        /// Switch.
        switch: SmolStr,
        /// Value.
        value: SwitchValue,
        /// Administration codes.
        lines: Vec<ShortLine>,
        /// Drug codes, where they differ.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        drug_lines: Option<Vec<ShortLine>>,
        /// Services, where they differ.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        services: Option<Vec<ShortService>>,
    }
}

output! {
    /// A line without its proof.
    ShortLine {
        /// Code.
        code: SmolStr,
        /// Units.
        units: u64,
        /// Modifiers.
        modifiers: Vec<SmolStr>,
        /// Date of service.
        date: ChartDate,
    }
}

output! {
    /// A service's verdict without its proof.
    ShortService {
        /// Id.
        id: SmolStr,
        /// Code.
        code: SmolStr,
        /// Verdict.
        verdict: ServiceVerdict,
        /// The modifier that it needs.
        modifier: Option<SmolStr>,
    }
}

choice! {
    /// What the record says of an item.
    DocumentationState {
        /// It is there.
        Present = "present",
        /// It is charted as missing.
        Absent = "absent",
        /// Nothing is said.
        NotStated = "not_stated",
    }
}

output! {
    /// One item of the documentation check.
    DocumentationItem {
        /// Id of the administration.
        administration: SmolStr,
        /// Item.
        item: SmolStr,
        /// State.
        state: DocumentationState,
    }
}

choice! {
    /// What kind of edit a finding comes from.
    EditKind {
        /// Procedure-to-procedure pair.
        Ptp = "ptp",
        /// Medically unlikely edit.
        Mue = "mue",
        /// Add-on code without its parent.
        AddOn = "add_on",
        /// Code that its setting may not report.
        Setting = "setting",
        /// Code that is reported only alone.
        AloneOnly = "alone_only",
        /// Visit beside an administration.
        Visit = "visit",
        /// An edit whose table is not loaded.
        NotChecked = "not_checked",
    }
}

output! {
    /// A finding; never a change.
    Edit {
        /// Kind.
        kind: EditKind,
        /// Code.
        code: SmolStr,
        /// The other code of the pair, or the parents.
        with: Option<SmolStr>,
        /// The table's indicator.
        indicator: Option<SmolStr>,
        /// The table and its quarter.
        table: Option<SmolStr>,
        /// What would resolve it, and the fact in the chart that supports it.
        suggest: Option<String>,
        /// Ids of the rules.
        rules: Vec<SmolStr>,
        /// Why, in words.
        why: String,
    }
}

output! {
    /// Something that was taken for granted.
    Assumption {
        /// Key path in the case.
        path: Cow<'static, str>,
        /// What was taken.
        took: Cow<'static, str>,
        /// Why.
        why: Cow<'static, str>,
    }
}

/// A date, written as `YYYY-MM-DD` and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChartDate(pub Date);

impl std::fmt::Display for ChartDate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(Written::date(self.0).as_str())
    }
}

impl Serialize for ChartDate {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(Written::date(self.0).as_str())
    }
}

impl<'de> Deserialize<'de> for ChartDate {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(d)?;
        crate::time::strict_date(&text)
            .map(ChartDate)
            .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not a date; write it as 2026-01-05")))
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for ChartDate {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ChartDate".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "date" })
    }
}

impl Line {
    /// Without its proof.
    #[must_use]
    pub fn short(&self) -> ShortLine {
        ShortLine {
            code: self.code.clone(),
            units: u64::from(self.units),
            modifiers: self.modifiers.clone(),
            date: self.date,
        }
    }
}

impl DrugLine {
    /// Without its proof.
    #[must_use]
    pub fn short(&self) -> ShortLine {
        ShortLine { code: self.hcpcs.clone(), units: self.units, modifiers: self.modifiers.clone(), date: self.date }
    }
}

impl Assumption {
    /// At a key path, what was taken and why.
    pub fn new(
        path: impl Into<Cow<'static, str>>,
        took: impl Into<Cow<'static, str>>,
        why: impl Into<Cow<'static, str>>,
    ) -> Self {
        Assumption { path: path.into(), took: took.into(), why: why.into() }
    }
}

impl ServiceLine {
    /// Without its proof.
    #[must_use]
    pub fn short(&self) -> ShortService {
        ShortService {
            id: self.id.clone(),
            code: self.code.clone(),
            verdict: self.verdict,
            modifier: self.modifier.clone(),
        }
    }
}
