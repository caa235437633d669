//! The case: a chart with nothing left to look up. Names are interned, times are minutes on one line, classes are
//! known. `dripline-reference` makes it; the engine reads nothing else.

use crate::chart::{AccessKind, Biller, Class, Method, PumpEvent, PumpKind, PumpOwner, Purpose, Setting, StopSource};
use crate::code::Code;
use crate::time::{Clock, Day, Minute};

/// Position of an administration in the case.
pub type Ix = u32;

/// No index.
pub const NONE: u32 = u32::MAX;

/// A route, as far as coding distinguishes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Route {
    /// Into a vein.
    Vein,
    /// Into muscle.
    Muscle,
    /// Under the skin.
    UnderSkin,
    /// Into an artery.
    Artery,
    /// Into the spinal canal.
    Intrathecal,
    /// Into the peritoneum.
    Peritoneum,
    /// Into the pleural space.
    Pleura,
    /// Into a lesion.
    Lesion,
    /// Into a ventricular reservoir.
    Ventricle,
    /// Into the skin.
    Skin,
    /// Infiltrated into tissue.
    Infiltration,
    /// By nose.
    Nose,
    /// By mouth.
    Mouth,
    /// Any other, out of scope except for a vaccine.
    Other,
    /// Not charted.
    Unknown,
}

/// What is charted about the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrderState {
    /// Nothing.
    NotStated,
    /// There is none.
    Absent,
    /// This order, interned.
    Id(u32),
}

/// What is charted about the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Nothing.
    Absent,
    /// Only words that are no reason.
    NotAReason,
    /// A weak reason: coded, with a question.
    Weak,
    /// A reason.
    Given,
}

/// Kind of vaccine, where a payer's code depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VaccineKind {
    /// Influenza.
    Influenza,
    /// Pneumococcal.
    Pneumococcal,
    /// Hepatitis B.
    HepatitisB,
    /// COVID-19.
    Covid19,
    /// Any other.
    Other,
}

/// Salts that may be part of a hydration fluid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Electrolyte {
    /// A potassium salt.
    Potassium,
    /// A sodium salt.
    Sodium,
}

/// A pump, as charted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PumpUse {
    /// Kind.
    pub kind: Option<PumpKind>,
    /// Event.
    pub event: Option<PumpEvent>,
    /// Owner.
    pub owner: Option<PumpOwner>,
}

/// One administration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Visit, interned in input order.
    pub visit: u32,
    /// Access, or [`NONE`].
    pub access: u32,
    /// Active ingredient, interned.
    pub ingredient: u32,
    /// HCPCS code of the drug, interned; equal to no other row's where unknown.
    pub hcpcs: u32,
    /// Name as charted, interned.
    pub local: u32,
    /// Class.
    pub class: Class,
    /// Purpose.
    pub purpose: Purpose,
    /// The purpose was charted, not assumed.
    pub purpose_stated: bool,
    /// Route.
    pub route: Route,
    /// Method.
    pub method: Option<Method>,
    /// Start.
    pub start: Option<Minute>,
    /// Stop.
    pub stop: Option<Minute>,
    /// Date of service.
    pub day: Day,
    /// Where the stop comes from.
    pub stop_source: StopSource,
    /// Pauses: first and one past the last in [`Case::pauses`].
    pub pauses: (u32, u32),
    /// Planned minutes.
    pub planned: Option<u32>,
    /// Volume in thousandths of a millilitre.
    pub volume: Option<i64>,
    /// Rate in thousandths of a millilitre an hour.
    pub rate: Option<i64>,
    /// Given by hand by someone who stayed.
    pub attended: Option<bool>,
    /// Bag or syringe, interned, or [`NONE`].
    pub bag: u32,
    /// Order.
    pub order: OrderState,
    /// Reason.
    pub reason: Reason,
    /// Part of the same dose as this row, or [`NONE`].
    pub same_dose_as: u32,
    /// Lesions.
    pub lesions: Option<u32>,
    /// Vaccine components.
    pub components: Option<u32>,
    /// Counselled.
    pub counselling: Option<bool>,
    /// Pump.
    pub pump: Option<PumpUse>,
    /// Really given.
    pub given: bool,
    /// Vaccine kind.
    pub vaccine: Option<VaccineKind>,
    /// Salt.
    pub electrolyte: Option<Electrolyte>,
    /// The drug's only usual use is anaesthetic, sedating, contrast or reversal.
    pub adjunct_only: bool,
    /// Administration code of the product's own.
    pub own_code: Option<Code>,
    /// The class comes from a payer's list.
    pub listed_complex: bool,
}

impl Row {
    /// A drug by vein on a day with everything else as if nothing were charted.
    #[must_use]
    pub fn blank(ingredient: u32, class: Class, day: Day) -> Self {
        Row {
            visit: 0,
            access: NONE,
            ingredient,
            hcpcs: ingredient,
            local: ingredient,
            class,
            purpose: Purpose::Treatment,
            purpose_stated: true,
            route: Route::Vein,
            method: None,
            start: None,
            stop: None,
            day,
            stop_source: StopSource::Charted,
            pauses: (0, 0),
            planned: None,
            volume: None,
            rate: None,
            attended: None,
            bag: NONE,
            order: OrderState::NotStated,
            reason: Reason::Absent,
            same_dose_as: NONE,
            lesions: None,
            components: None,
            counselling: None,
            pump: None,
            given: true,
            vaccine: None,
            electrolyte: None,
            adjunct_only: false,
            own_code: None,
            listed_complex: false,
        }
    }
}

/// An access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessState {
    /// Kind.
    pub kind: Option<AccessKind>,
    /// The chart says why it was needed.
    pub needed: bool,
}

/// What a listed service is to these rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServiceKind {
    /// 99211.
    NurseVisit,
    /// Any other visit.
    Visit,
    /// 36591 or 36592.
    Draw,
    /// 96523.
    Flush,
    /// 36430 and other transfusion codes.
    Transfusion,
    /// Laboratory.
    Laboratory,
    /// Starting a line, supplies: inside any administration.
    Included,
    /// Vaccine administration.
    VaccineAdministration,
    /// A procedure, imaging, sedation or anaesthesia: what is given in its times may be part of it.
    Procedure,
    /// Anything else.
    Other,
}

/// A listed service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceState {
    /// What it is.
    pub kind: ServiceKind,
    /// The code is 36430.
    pub is_36430: bool,
    /// A code that a practitioner does not report from a facility.
    pub facility_reports: bool,
    /// Date.
    pub day: Day,
    /// Charted times.
    pub times: Option<(Minute, Minute)>,
    /// It already carries 25.
    pub has_25: bool,
}

/// A chart with nothing left to look up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Who bills.
    pub setting: Setting,
    /// Whose claim.
    pub billed_by: Option<Biller>,
    /// The place of service is in the facility list.
    pub facility_place: bool,
    /// An inpatient bill.
    pub inpatient: bool,
    /// Dates of the case's minutes.
    pub clock: Clock,
    /// When the patient came.
    pub arrival: Option<Minute>,
    /// When the patient left.
    pub departure: Option<Minute>,
    /// When the patient became an inpatient.
    pub inpatient_order: Option<Minute>,
    /// Main reason of an office visit.
    pub primary_reason: Option<Ix>,
    /// Age.
    pub age_years: Option<u16>,
    /// A physician was on site.
    pub supervised: Option<bool>,
    /// Accesses.
    pub accesses: Vec<AccessState>,
    /// Other services.
    pub services: Vec<ServiceState>,
    /// Administrations in input order.
    pub rows: Vec<Row>,
    /// Pauses of all rows.
    pub pauses: Vec<(Minute, Minute)>,
}

impl Case {
    /// An empty case.
    #[must_use]
    pub fn new(setting: Setting) -> Self {
        Case {
            setting,
            billed_by: None,
            facility_place: false,
            inpatient: false,
            clock: Clock::default(),
            arrival: None,
            departure: None,
            inpatient_order: None,
            primary_reason: None,
            age_years: None,
            supervised: None,
            accesses: Vec::new(),
            services: Vec::new(),
            rows: Vec::new(),
            pauses: Vec::new(),
        }
    }
}
