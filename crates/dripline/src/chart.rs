//! The chart as it was written: one patient, one claim, one or more visits.
//!
//! These are the input types of the contract. Unknown keys are refused by every type here. Nothing in this module
//! decides anything: names are looked up and times are put on one line by `dripline-reference`, which makes a
//! [`crate::case::Case`] of a chart.

use std::collections::BTreeMap;

use std::fmt;
use std::num::NonZeroU32;

use jiff::civil::Date;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::strict;
pub use crate::time::ChartTime;

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub enum $name { $($(#[$vmeta])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every value with its spelling, in the contract's order.
            pub const ALL: &'static [(&'static str, $name)] = &[$(($word, $name::$variant)),+];

            /// The contract's spelling.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }

            /// Reads the contract's spelling.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().find(|(w, _)| *w == word).map(|(_, v)| *v)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// Who bills: a hospital outpatient department or a physician office.
    Setting {
        /// Hospital outpatient department (UB-04, OPPS or critical access hospital).
        Facility = "facility",
        /// Physician office or free-standing infusion suite (CMS-1500).
        Office = "office",
    }
}

words! {
    /// Whose claim it is.
    Biller {
        /// The hospital.
        Facility = "facility",
        /// A physician or other practitioner.
        Practitioner = "practitioner",
    }
}

words! {
    /// What kind of service giving a drug is; the drug and the work decide, not the diagnosis.
    Class {
        /// Any other drug.
        Drug = "drug",
        /// Anti-cancer drug.
        Chemo = "chemo",
        /// Hormonal anti-cancer drug.
        Hormonal = "hormonal",
        /// Highly complex drug or biologic.
        Complex = "complex",
        /// Plain fluid given for volume.
        Hydration = "hydration",
        /// Vaccine.
        Vaccine = "vaccine",
        /// Antibody against respiratory syncytial virus with administration codes of its own.
        RsvAntibody = "rsv_antibody",
        /// Blood or blood product.
        Blood = "blood",
        /// Contrast agent.
        Contrast = "contrast",
    }
}

words! {
    /// Why a row was given.
    Purpose {
        /// Given to treat.
        Treatment = "treatment",
        /// An electrolyte for a low value.
        Replacement = "replacement",
        /// Keeping the vein open.
        Kvo = "kvo",
        /// Flushing a line.
        Flush = "flush",
        /// The fluid in which a drug was mixed.
        Diluent = "diluent",
        /// The fluid that carries a piggyback.
        Carrier = "carrier",
        /// Part of a procedure or its anaesthesia.
        Procedural = "procedural",
        /// Moderate sedation.
        Sedation = "sedation",
        /// Given for a transfusion.
        Transfusion = "transfusion",
        /// Opening a blocked device.
        Declot = "declot",
        /// The patient took it.
        SelfAdministered = "self_administered",
        /// Maintenance with no charted need.
        Routine = "routine",
    }
}

words! {
    /// How a row was given, as charted.
    Method {
        /// Pushed by hand.
        Push = "push",
        /// Infused.
        Infusion = "infusion",
        /// Injected.
        Injection = "injection",
        /// Given by a pump.
        Pump = "pump",
        /// On-body injector.
        OnBody = "on_body",
    }
}

words! {
    /// Where the charted stop comes from.
    StopSource {
        /// Charted when it stopped.
        Charted = "charted",
        /// Charted later.
        LateEntry = "late_entry",
        /// Read from a pump's log.
        PumpLog = "pump_log",
        /// The next bag was hung.
        NextBag = "next_bag",
        /// The last time it was charted as still running.
        LastSeen = "last_seen",
        /// What the order or label expected; never counted.
        Expected = "expected",
    }
}

words! {
    /// What became of an administration.
    Status {
        /// Given.
        Given = "given",
        /// Not given.
        NotGiven = "not_given",
        /// Charted by mistake.
        EnteredInError = "entered_in_error",
    }
}

words! {
    /// Who bought the drug.
    Supplier {
        /// The one who bills.
        Biller = "biller",
        /// The patient.
        Patient = "patient",
        /// A pharmacy that bills for it.
        Pharmacy = "pharmacy",
        /// The manufacturer.
        Manufacturer = "manufacturer",
    }
}

words! {
    /// What an access is.
    AccessKind {
        /// Peripheral vein.
        Peripheral = "peripheral",
        /// Midline catheter.
        Midline = "midline",
        /// Implanted port.
        Port = "port",
        /// Peripherally inserted central catheter.
        Picc = "picc",
        /// Other central line.
        Central = "central",
        /// Arterial line.
        Arterial = "arterial",
        /// Under the skin.
        Subcutaneous = "subcutaneous",
    }
}

words! {
    /// Kind of pump.
    PumpKind {
        /// Carried by the patient.
        Portable = "portable",
        /// Implanted.
        Implanted = "implanted",
        /// Standing beside the patient.
        External = "external",
    }
}

words! {
    /// What was done with a pump.
    PumpEvent {
        /// Started.
        Start = "start",
        /// Refilled.
        Refill = "refill",
        /// Disconnected.
        Disconnect = "disconnect",
    }
}

words! {
    /// Whose pump it is.
    PumpOwner {
        /// The clinic's.
        Clinic = "clinic",
        /// The hospital's.
        Hospital = "hospital",
        /// A supplier's.
        Supplier = "supplier",
    }
}

words! {
    /// Kind of drug container.
    ContainerKind {
        /// For one patient.
        SingleDose = "single_dose",
        /// For several doses.
        MultiDose = "multi_dose",
    }
}

words! {
    /// Off-campus status of a hospital department.
    OffCampus {
        /// Excepted (PO).
        Excepted = "excepted",
        /// Not excepted (PN).
        NonExcepted = "non_excepted",
    }
}

/// One value of a policy switch as written in a case or a policy file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum SwitchValue {
    /// A whole number.
    Integer(i64),
    /// One of the switch's words.
    Word(String),
    /// A list of words.
    List(Vec<String>),
}

impl<'de> Deserialize<'de> for SwitchValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;
        impl<'de> Visitor<'de> for Reads {
            type Value = SwitchValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word, a whole number or a list of words")
            }
            fn visit_i64<E: de::Error>(self, n: i64) -> Result<SwitchValue, E> {
                Ok(SwitchValue::Integer(n))
            }
            fn visit_u64<E: de::Error>(self, n: u64) -> Result<SwitchValue, E> {
                i64::try_from(n)
                    .map(SwitchValue::Integer)
                    .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(n), &self))
            }
            fn visit_str<E: de::Error>(self, word: &str) -> Result<SwitchValue, E> {
                Ok(SwitchValue::Word(word.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<SwitchValue, A::Error> {
                let mut list = Vec::new();
                while let Some(word) = items.next_element()? {
                    list.push(word);
                }
                Ok(SwitchValue::List(list))
            }
        }
        deserializer.deserialize_any(Reads)
    }
}

/// One patient, one claim, one or more visits, as written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Chart {
    /// The caller's own id; never a patient's identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// Who bills.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setting: Option<Setting>,
    /// Two-digit CMS place of service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place_of_service: Option<String>,
    /// UB-04 type of bill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bill_type: Option<String>,
    /// Whose claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billed_by: Option<Biller>,
    /// Named policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Single switches that override the policy.
    #[serde(default, deserialize_with = "strict::unique_keys", skip_serializing_if = "BTreeMap::is_empty")]
    pub policy: BTreeMap<String, SwitchValue>,
    /// Which dated rule set is used.
    #[serde(default, with = "crate::time::opt_date", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::coding::ChartDate>"))]
    pub as_of: Option<Date>,
    /// IANA zone of the clock times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// When the patient came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrival: Option<ChartTime>,
    /// When the patient left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub departure: Option<ChartTime>,
    /// When the patient was admitted as an inpatient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inpatient_order: Option<ChartTime>,
    /// Office: the administration that was the main reason for the visit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_reason: Option<String>,
    /// Access id to access.
    #[serde(default, deserialize_with = "strict::unique_objects", skip_serializing_if = "BTreeMap::is_empty")]
    pub accesses: BTreeMap<String, Access>,
    /// Other services on the claim.
    #[serde(default, deserialize_with = "strict::objects", skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<Service>,
    /// ICD-10-CM codes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnoses: Vec<String>,
    /// Age in years; vaccines only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_years: Option<u16>,
    /// Office injections: a physician was on site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supervised: Option<bool>,
    /// Off-campus department.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off_campus: Option<OffCampus>,
    /// What was given, in the chart's order.
    #[serde(default, deserialize_with = "strict::objects", skip_serializing_if = "Vec::is_empty")]
    pub administrations: Vec<Administration>,
    /// What was billed, for comparison.
    #[serde(default, deserialize_with = "strict::objects", skip_serializing_if = "Vec::is_empty")]
    pub billed: Vec<Billed>,
}

/// A vascular or other access.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<AccessKind>,
    /// Why a second access was needed, as charted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needed_because: Option<String>,
}

/// Another service on the claim.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Id; `s1`, `s2`, … by position when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// CPT or HCPCS code.
    pub code: SmolStr,
    /// Date of service.
    #[serde(default, with = "crate::time::opt_date", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::coding::ChartDate>"))]
    pub date: Option<Date>,
    /// Charted start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<ChartTime>,
    /// Charted stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<ChartTime>,
    /// Modifiers already on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modifiers: Vec<SmolStr>,
    /// Units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<u32>,
    /// Why it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One billed line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Billed {
    /// Code.
    pub code: SmolStr,
    /// Units.
    #[serde(default = "one")]
    pub units: u32,
    /// Modifiers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modifiers: Vec<SmolStr>,
    /// Date of service.
    #[serde(default, with = "crate::time::opt_date", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::coding::ChartDate>"))]
    pub date: Option<Date>,
}

fn one() -> u32 {
    1
}

fn one_container() -> NonZeroU32 {
    NonZeroU32::MIN
}

/// An order: its id, or that there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Order {
    /// `false`: there is no order. `true` is refused when it is read.
    Flag(bool),
    /// The order's id.
    Id(String),
}

impl<'de> Deserialize<'de> for Order {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;
        impl Visitor<'_> for Reads {
            type Value = Order;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the order's id in quotes, or false")
            }
            fn visit_bool<E: de::Error>(self, there_is: bool) -> Result<Order, E> {
                if there_is {
                    return Err(E::custom(
                        "`true` names no order; write the order's id, false if there is none, or leave the key out",
                    ));
                }
                Ok(Order::Flag(false))
            }
            fn visit_str<E: de::Error>(self, id: &str) -> Result<Order, E> {
                Ok(Order::Id(id.to_owned()))
            }
        }
        deserializer.deserialize_any(Reads)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Order {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Order".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "The order's id; false says that there is none.",
            "anyOf": [{ "type": "string" }, { "const": false }]
        })
    }
}

/// A pause in an infusion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Interruption {
    /// When it paused.
    pub start: ChartTime,
    /// When it ran again.
    pub stop: ChartTime,
}

/// A pump.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Pump {
    /// Kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<PumpKind>,
    /// What was done with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<PumpEvent>,
    /// Whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<PumpOwner>,
}

/// Drug containers opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Container {
    /// Kind.
    pub kind: ContainerKind,
    /// Labelled content of one.
    pub amount: String,
    /// How many, at least one.
    #[serde(default = "one_container")]
    pub count: NonZeroU32,
}

/// One administration, as charted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Administration {
    /// Unique id; the 1-based position when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Visit; `"1"` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visit: Option<String>,
    /// Drug as charted, brand or generic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drug: Option<String>,
    /// HCPCS code of the drug.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hcpcs: Option<String>,
    /// National Drug Code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ndc: Option<String>,
    /// RxNorm concept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rxnorm: Option<String>,
    /// Class; the formulary's by route when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Class>,
    /// Purpose; treatment when absent, as an assumption.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
    /// Amount really given, with its unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dose: Option<String>,
    /// Route, open vocabulary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// Method as charted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
    /// Start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<ChartTime>,
    /// Stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<ChartTime>,
    /// Date, where no clock time is charted.
    #[serde(default, with = "crate::time::opt_date", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::coding::ChartDate>"))]
    pub date: Option<Date>,
    /// Where the stop comes from; charted when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_source: Option<StopSource>,
    /// Pauses.
    #[serde(default, deserialize_with = "strict::objects", skip_serializing_if = "Vec::is_empty")]
    pub interruptions: Vec<Interruption>,
    /// Planned minutes of an infusion stopped early, or of a pump.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_minutes: Option<u32>,
    /// Nursing-charted volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<String>,
    /// Nursing-charted rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<String>,
    /// The clinician stayed and gave it by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attended: Option<bool>,
    /// Access id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<String>,
    /// Shared bag or syringe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bag: Option<String>,
    /// Order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    /// Charted reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub indication: Option<String>,
    /// Part of the same ordered dose as this administration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_dose_as: Option<String>,
    /// Lesions injected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lesions: Option<u32>,
    /// Vaccine components.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub components: Option<u32>,
    /// A qualified professional counselled that day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counselling: Option<bool>,
    /// Pump.
    #[serde(default, deserialize_with = "strict::object", skip_serializing_if = "Option::is_none")]
    pub pump: Option<Pump>,
    /// Containers opened.
    #[serde(default, deserialize_with = "strict::opt_objects", skip_serializing_if = "Option::is_none")]
    pub containers: Option<Vec<Container>>,
    /// Charted discard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wasted: Option<String>,
    /// Who bought the drug.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplied_by: Option<Supplier>,
    /// Bought under the 340B programme.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purchased_340b: Option<bool>,
    /// What became of it; given when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Who gave it; documentation only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_by: Option<String>,
    /// The giver's credentials; documentation only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<String>,
    /// Route as ordered; documentation only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordered_route: Option<String>,
    /// Dose as ordered; documentation only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordered_dose: Option<String>,
    /// The patient was monitored; documentation only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitored: Option<bool>,
    /// Where in the chart it stands; documentation only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

impl Administration {
    /// Its id at a place of the case, from 0: its own, else the place counted from 1.
    #[must_use]
    pub fn id_at(&self, place: usize) -> String {
        self.id.clone().unwrap_or_else(|| (place + 1).to_string())
    }
}
