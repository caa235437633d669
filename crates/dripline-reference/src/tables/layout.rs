//! The headers of the tables, and how a file's header is recognised.
//!
//! CMS's published layouts come first; names with underscores are those of extracts that others have made of them.
//! A column that is not known is let pass where nothing else changed; where a usual column is missing at the same
//! time, the header was renamed and the file is refused.

use csv::StringRecord;

/// What a file holds, as far as its header tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Ptp,
    MuePractitioner,
    MueHospital,
    /// The service is named in each row.
    Mue,
    AddOn,
    Hcpcs,
    HcpcsDescriptions,
    HcpcsNotClassified,
    Asp,
    Ndc,
    Rvu,
    Gpci,
    AddendumB,
    Charges,
    /// A table of CMS's that is not needed here.
    Unused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    /// Without it there is nothing to import.
    Required,
    /// Stands in CMS's file; an extract may have dropped it.
    Usual,
    /// Stands in some years' files.
    Rare,
}
use Need::{Rare, Required, Usual};

#[derive(Debug)]
struct Column {
    /// As CMS writes it.
    title: &'static str,
    /// As compared: lower case, letters and digits only, no year; other spellings behind bars.
    names: &'static str,
    need: Need,
}

#[derive(Debug)]
pub(super) struct Layout {
    pub(super) family: Family,
    pub(super) label: &'static str,
    columns: &'static [Column],
    /// Each hospital's charge master has columns of its own.
    open: bool,
}

const fn column(title: &'static str, names: &'static str, need: Need) -> Column {
    Column { title, names, need }
}

macro_rules! layout {
    ($name:ident, $family:ident, $label:literal, $open:literal, [$(($title:literal, $names:literal, $need:ident)),* $(,)?]) => {
        static $name: Layout = Layout {
            family: Family::$family,
            label: $label,
            columns: &[$(column($title, $names, $need)),*],
            open: $open,
        };
    };
}

layout!(
    PTP,
    Ptp,
    "NCCI PTP edits",
    false,
    [
        ("Column 1", "column1|column1code", Required),
        ("Column 2", "column2|column2code", Required),
        ("*=in existence prior to 1996", "inexistence|inexistencepriorto1996", Usual),
        ("Effective Date", "effective|effectivedate", Usual),
        ("Deletion Date *=no data", "deletion|deletiondate|deletiondatenodata", Required),
        (
            "Modifier 0=not allowed 1=allowed 9=not applicable",
            "modifier|modifierindicator|modifier0notallowed1allowed9notapplicable",
            Required
        ),
        ("PTP Edit Rationale", "ptpeditrationale|rationale", Usual),
    ]
);
layout!(
    MUE_PRACTITIONER,
    MuePractitioner,
    "NCCI MUE, practitioner",
    false,
    [
        ("HCPCS/CPT Code", "hcpcscptcode|hcpcscode", Required),
        ("Practitioner Services MUE Values", "practitionerservicesmuevalues", Required),
        ("MUE Adjudication Indicator", "mueadjudicationindicator", Required),
        ("MUE Rationale", "muerationale", Usual),
    ]
);
layout!(
    MUE_HOSPITAL,
    MueHospital,
    "NCCI MUE, outpatient hospital",
    false,
    [
        ("HCPCS/CPT Code", "hcpcscptcode|hcpcscode", Required),
        (
            "Outpatient Hospital Services MUE Values",
            "outpatienthospitalservicesmuevalues|facilityoutpatienthospitalservicesmuevalues|facilityoutpatientservicesmuevalues",
            Required
        ),
        ("MUE Adjudication Indicator", "mueadjudicationindicator", Required),
        ("MUE Rationale", "muerationale", Usual),
    ]
);
layout!(
    MUE,
    Mue,
    "NCCI MUE",
    false,
    [
        ("hcpcs_code", "hcpcscode|hcpcscptcode", Required),
        ("mue_units", "mueunits", Required),
        ("mue_mai", "muemai", Required),
        ("mue_rationale", "muerationale", Usual),
        ("mue_service", "mueservice", Required),
    ]
);
layout!(
    MUE_SUPPLIER,
    Unused,
    "NCCI MUE for suppliers",
    false,
    [
        ("HCPCS/CPT Code", "hcpcscptcode|hcpcscode", Required),
        ("DME Supplier Services MUE Values", "dmesupplierservicesmuevalues", Required),
        ("MUE Adjudication Indicator", "mueadjudicationindicator", Usual),
        ("MUE Rationale", "muerationale", Usual),
    ]
);
layout!(
    ADD_ON,
    AddOn,
    "NCCI add-on code edits",
    false,
    [
        ("AOC_Edit_Type", "aocedittype", Required),
        ("Add-On_Code", "addoncode", Required),
        ("AOC_DelDT", "aocdeldt|aocdeldtjulian", Usual),
        ("Primary_Code", "primarycode", Required),
        ("Primary_Code_DelDT", "primarycodedeldt|primarycodedeldtjulian", Usual),
        ("AOC_Edit_EffDT", "aocediteffdt|aocediteffdtjulian", Usual),
        ("AOC_Edit_DelDT", "aoceditdeldt|aoceditdeldtjulian", Usual),
        ("Special_Instruction_Notes", "specialinstructionnotes", Usual),
    ]
);
layout!(
    HCPCS,
    Hcpcs,
    "HCPCS Level II codes",
    false,
    [
        ("HCPC", "hcpc", Required),
        ("SEQNUM", "seqnum", Usual),
        ("RECID", "recid", Required),
        ("LONG DESCRIPTION", "longdescription", Usual),
        ("SHORT DESCRIPTION", "shortdescription", Usual),
        ("PRICE1", "price", Usual),
        ("MULT_PI", "multpi", Usual),
        ("CIM1", "cim", Usual),
        ("MCM1", "mcm", Usual),
        ("STATUTE", "statute", Usual),
        ("LABCERT1", "labcert", Usual),
        ("XREF1", "xref", Usual),
        ("COV", "cov", Usual),
        ("ASC_GRP", "ascgrp", Usual),
        ("ASC_DT", "ascdt", Usual),
        ("OPPS", "opps", Usual),
        ("OPPS_PI", "oppspi", Usual),
        ("OPPS_DT", "oppsdt", Usual),
        ("PROCNOTE", "procnote", Usual),
        ("BETOS", "betos", Usual),
        ("TOS1", "tos", Usual),
        ("ANEST_BU", "anestbu", Usual),
        ("ADD DT", "adddt", Required),
        ("ACT EFF DT", "acteffdt", Usual),
        ("TERM DT", "termdt", Required),
        ("ACTION CD", "actioncd", Usual),
    ]
);
layout!(
    HCPCS_ATTRIBUTES,
    Hcpcs,
    "HCPCS Level II codes",
    false,
    [
        ("hcpcs_code", "hcpcscode", Required),
        ("price", "price", Usual),
        ("multi", "multi", Usual),
        ("cov", "cov", Usual),
        ("betos", "betos", Usual),
        ("tos", "tos", Usual),
        ("action", "action", Usual),
        ("cim", "cim", Usual),
        ("mcm", "mcm", Usual),
        ("statute", "statute", Usual),
        ("lab", "lab", Usual),
        ("xref", "xref", Usual),
        ("asc_grp", "ascgrp", Usual),
        ("proc", "proc", Usual),
        ("anes", "anes", Usual),
        ("date_term", "dateterm", Required),
        ("date_added", "dateadded", Required),
        ("date_asc", "dateasc", Usual),
        ("date_action", "dateaction", Usual),
    ]
);
layout!(
    HCPCS_DESCRIPTIONS,
    HcpcsDescriptions,
    "HCPCS Level II descriptions",
    false,
    [("hcpcs_code", "hcpcscode", Required), ("Long", "long", Required), ("Short", "short", Usual),]
);
layout!(
    HCPCS_NOT_CLASSIFIED,
    HcpcsNotClassified,
    "HCPCS codes not otherwise classified",
    false,
    [
        ("HCPCS", "hcpcs", Required),
        ("Long Description", "longdescription", Usual),
        ("Add Date", "adddate", Required),
        ("Term Date", "termdate", Required),
    ]
);
layout!(
    ASP,
    Asp,
    "ASP payment limits",
    false,
    [
        ("HCPCS Code", "hcpcscode", Required),
        ("Short Description", "shortdescription", Usual),
        ("HCPCS Code Dosage", "hcpcscodedosage", Required),
        ("Payment Limit", "paymentlimit", Required),
        ("Co-insurance Percentage", "coinsurancepercentage", Usual),
        ("Vaccine AWP%", "vaccineawp", Usual),
        ("Vaccine Limit", "vaccinelimit", Usual),
        ("Infusion AWP%", "infusionawp|dmeinfusionawp", Rare),
        ("Infusion Limit", "infusionlimit|dmeinfusionlimit", Rare),
        ("Blood AWP%", "bloodawp", Usual),
        ("Blood limit", "bloodlimit", Usual),
        ("Clotting Factor", "clottingfactor", Usual),
        ("Notes", "notes", Usual),
    ]
);
layout!(
    NDC,
    Ndc,
    "ASP NDC-HCPCS crosswalk",
    false,
    [
        ("HCPCS Code", "code|hcpcscode", Required),
        ("Short Description", "shortdescription", Usual),
        ("LABELER NAME", "labelername", Usual),
        ("NDC2", "ndc|ndcoralternateid", Required),
        ("Drug Name", "drugname", Usual),
        ("HCPCS dosage", "hcpcsdosage|hcpcscodedosage", Required),
        ("PKG SIZE", "pkgsize", Required),
        ("PKG QTY", "pkgqty", Required),
        ("BILLUNITS", "billunits", Required),
        ("BILLUNITSPKG", "billunitspkg", Required),
    ]
);
layout!(
    NDC_NOT_CLASSIFIED,
    Unused,
    "NDC crosswalk of unclassified drugs",
    false,
    [
        ("Drug Generic Name", "druggenericname", Required),
        ("LABELER NAME", "labelername", Usual),
        ("NDC or ALTERNATE ID", "ndcoralternateid|ndc", Required),
        ("Drug Name", "drugname", Usual),
        ("Dosage", "dosage|hcpcsdosage", Usual),
        ("PKG SIZE", "pkgsize", Usual),
        ("PKG QTY", "pkgqty", Usual),
        ("BILLUNITS", "billunits", Usual),
        ("BILLUNITSPKG", "billunitspkg", Usual),
    ]
);
layout!(
    ASP_NOT_CLASSIFIED,
    Unused,
    "payment limits of unclassified drugs",
    false,
    [
        ("Drug Generic Name (Trade Name)", "druggenericname|druggenericnametradename", Required),
        ("Dosage", "dosage", Usual),
        ("Payment Limit", "paymentlimit", Required),
        ("Notes", "notes", Usual),
    ]
);
layout!(
    RVU,
    Rvu,
    "PFS relative values (PPRRVU)",
    false,
    [
        ("HCPCS", "hcpcs", Required),
        ("MOD", "mod", Required),
        ("DESCRIPTION", "description", Usual),
        ("STATUS CODE", "statuscode|status", Required),
        ("NOT USED FOR MEDICARE PAYMENT", "notusedformedicarepayment|notusedmedicarepayment", Usual),
        ("WORK RVU", "workrvu", Required),
        ("NON-FAC PE RVU", "nonfacpervu", Required),
        ("NON-FAC NA INDICATOR", "nonfacnaindicator|nonfacna", Required),
        ("FACILITY PE RVU", "facilitypervu|facpervu", Required),
        ("FACILITY NA INDICATOR", "facilitynaindicator|facna", Required),
        ("MP RVU", "mprvu", Required),
        ("NON-FACILITY TOTAL", "nonfacilitytotal|nonfactotal", Required),
        ("FACILITY TOTAL", "facilitytotal|factotal", Required),
        ("PCTC IND", "pctcind|pctc", Required),
        ("GLOB DAYS", "globdays", Required),
        ("PRE OP", "preop", Usual),
        ("INTRA OP", "intraop", Usual),
        ("POST OP", "postop", Usual),
        ("MULT PROC", "multproc", Usual),
        ("BILAT SURG", "bilatsurg|bilat", Usual),
        ("ASST SURG", "asstsurg", Usual),
        ("CO-SURG", "cosurg", Usual),
        ("TEAM SURG", "teamsurg", Usual),
        ("PRIC IND", "pricind", Rare),
        ("ENDO BASE", "endobase", Usual),
        ("CONV FACTOR", "convfactor", Required),
        (
            "PHYSICIAN SUPERVISION OF DIAGNOSTIC PROCEDURES",
            "physiciansupervisionofdiagnosticprocedures|physsupervdiag",
            Usual
        ),
        ("CALCULATION FLAG", "calculationflag|calcflag", Usual),
        ("DIAGNOSTIC IMAGING FAMILY INDICATOR", "diagnosticimagingfamilyindicator|diagimgfamily", Usual),
        ("NON-FACILITY PE USED FOR OPPS PAYMENT AMOUNT", "nonfacilitypeusedforoppspaymentamount|oppsnonfacpe", Usual),
        ("FACILITY PE USED FOR OPPS PAYMENT AMOUNT", "facilitypeusedforoppspaymentamount|oppsfacpe", Usual),
        ("MP USED FOR OPPS PAYMENT AMOUNT", "mpusedforoppspaymentamount|oppsmp", Usual),
    ]
);
layout!(
    GPCI,
    Gpci,
    "geographic practice cost indices (GPCI)",
    false,
    [
        ("Medicare Administrative Contractor (MAC)", "medicareadministrativecontractormac|mac", Required),
        ("State", "state", Required),
        ("Locality Number", "localitynumber", Required),
        ("Locality Name", "localityname", Required),
        ("PW GPCI (without 1.0 Floor)", "pwgpciwithout10floor", Rare),
        ("PW GPCI (with 1.0 Floor)", "pwgpciwith10floor|pwgpci", Required),
        ("PE GPCI", "pegpci", Required),
        ("MP GPCI", "mpgpci", Required),
    ]
);
layout!(
    ADDENDUM_B,
    AddendumB,
    "OPPS Addendum B",
    false,
    [
        ("HCPCS Code", "hcpcscode|hcpcs", Required),
        ("Short Descriptor", "shortdescriptor", Usual),
        ("SI", "si", Required),
        ("APC", "apc", Required),
        ("Relative Weight", "relativeweight", Required),
        ("Payment Rate", "paymentrate", Required),
        ("National Unadjusted Copayment", "nationalunadjustedcopayment|natunadjcopay", Usual),
        ("Minimum Unadjusted Copayment", "minimumunadjustedcopayment|minunadjcopay", Required),
        ("IRA Coinsurance Percentage", "iracoinsurancepercentage|iracoinspct", Usual),
        ("Adjusted Beneficiary Copayment", "adjustedbeneficiarycopayment|adjbenecopay", Usual),
        (
            "Drug and Device Pass-Through Expiration during Calendar Year",
            "druganddevicepassthroughexpirationduringcalendaryear|passthroughexpiration",
            Usual
        ),
        ("Note", "note", Usual),
        ("* Indicates a Change", "indicatesachange|star", Usual),
    ]
);
layout!(
    ADDENDUM_A,
    Unused,
    "OPPS Addendum A",
    false,
    [
        ("APC", "apc", Required),
        ("Group Title", "grouptitle", Required),
        ("SI", "si", Usual),
        ("Relative Weight", "relativeweight", Usual),
        ("Payment Rate", "paymentrate", Usual),
        ("National Unadjusted Copayment", "nationalunadjustedcopayment", Usual),
        ("Minimum Unadjusted Copayment", "minimumunadjustedcopayment", Usual),
        ("IRA Coinsurance Percentage", "iracoinsurancepercentage", Usual),
        ("Adjusted Beneficiary Copayment", "adjustedbeneficiarycopayment", Usual),
        (
            "Drug and Device Pass-Through Expiration during Calendar Year",
            "druganddevicepassthroughexpirationduringcalendaryear",
            Usual
        ),
        ("Note", "note", Usual),
        ("* Indicates a Change", "indicatesachange", Usual),
    ]
);
layout!(
    CHARGES,
    Charges,
    "charge master",
    true,
    [
        ("HCPCS code", "hcpcs|hcpcscode|cpt|cptcode|cpthcpcs|hcpcscpt|cpthcpcscode|hcpcscptcode|code1", Required),
        (
            "price",
            "chargeamount|charge|price|unitprice|grosscharge|standardchargegross|chargeprice|amount|unitcharge|standardcharge",
            Required
        ),
        ("revenue code", "revenuecode|revcode|revenue|ubrevcode|ubrevenuecode|rev", Usual),
        ("code|1|type", "code1type", Rare),
        ("code|2", "code2", Rare),
        ("code|2|type", "code2type", Rare),
        ("code|3", "code3", Rare),
        ("code|3|type", "code3type", Rare),
        ("code|4", "code4", Rare),
        ("code|4|type", "code4type", Rare),
    ]
);

static LAYOUTS: [&Layout; 19] = [
    &PTP,
    &MUE_PRACTITIONER,
    &MUE_HOSPITAL,
    &MUE,
    &MUE_SUPPLIER,
    &ADD_ON,
    &HCPCS,
    &HCPCS_ATTRIBUTES,
    &HCPCS_DESCRIPTIONS,
    &HCPCS_NOT_CLASSIFIED,
    &ASP,
    &NDC,
    &NDC_NOT_CLASSIFIED,
    &ASP_NOT_CLASSIFIED,
    &RVU,
    &GPCI,
    &ADDENDUM_B,
    &ADDENDUM_A,
    &CHARGES,
];

/// Which field of a row is which column.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) layout: &'static Layout,
    /// The position of each of the layout's columns.
    places: Vec<Option<usize>>,
    /// First record behind it.
    pub(super) after: usize,
    /// Years written in it: `_2026_CODE`.
    pub(super) years: Vec<i16>,
    /// Columns that are not known, as written.
    pub(super) unknown: Vec<String>,
}

impl Header {
    /// The place of a column by its title; titles are those of the layouts above.
    pub(super) fn place(&self, title: &str) -> Option<usize> {
        self.places[self.layout.columns.iter().position(|c| c.title == title)?]
    }

    /// The place of a required column.
    pub(super) fn required(&self, titles: &[&str]) -> usize {
        // A header is only made where every required column was found.
        titles.iter().find_map(|t| self.place(t)).unwrap_or(0)
    }

    /// Fields that a row must have for none of the wanted columns to be missing.
    pub(super) fn least_fields(&self) -> usize {
        self.layout
            .columns
            .iter()
            .zip(&self.places)
            .filter(|(c, _)| c.need == Required)
            .filter_map(|(_, p)| *p)
            .max()
            .map_or(0, |last| last + 1)
    }

    /// A header for a file that has none: the columns stand in the order of these titles.
    pub(super) fn fixed(family: Family, titles: &[&str]) -> Option<Header> {
        let layout = LAYOUTS.into_iter().find(|l| l.family == family)?;
        let places = layout.columns.iter().map(|c| titles.iter().position(|t| *t == c.title)).collect();
        Some(Header { layout, places, after: 0, years: Vec::new(), unknown: Vec::new() })
    }
}

/// A header that is nearly one of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Changed {
    pub(super) label: &'static str,
    pub(super) expected: Vec<&'static str>,
    pub(super) found: Vec<String>,
    pub(super) missing: Vec<&'static str>,
    pub(super) unknown: Vec<String>,
    fit: Fit,
}

/// How well a header fits: known columns, against all that are known, missing or unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fit {
    known: usize,
    of: usize,
}

impl Fit {
    fn better(self, other: Fit) -> bool {
        self.known * other.of > other.known * self.of
    }
}

#[derive(Debug)]
pub(super) enum Recognised {
    Header(Header),
    Changed(Changed),
    Nothing,
}

/// How many records a header may stand below the top, and how many it may be spread over.
pub(super) const HEAD: usize = 48;
const SPAN: usize = 6;

/// Finds the header among the first records of a file.
pub(super) fn recognise(records: &[StringRecord]) -> Recognised {
    let mut best: Option<Header> = None;
    let mut nearest: Option<Changed> = None;
    for top in 0..records.len() {
        for span in 1..=SPAN.min(records.len() - top) {
            let cells = combined(&records[top..top + span]);
            // A title line has one cell; no table has fewer than three columns.
            if cells.iter().filter(|c| !c.is_empty()).count() < 3 {
                continue;
            }
            let names: Vec<(String, Vec<i16>)> = cells.iter().map(|c| plain(c)).collect();
            for layout in LAYOUTS {
                match compare(layout, &cells, &names, top + span) {
                    Compared::Fits(header) => {
                        let columns = |h: &Header| h.places.iter().flatten().count();
                        let closer = best
                            .as_ref()
                            .is_none_or(|b| (!header.layout.open, columns(&header)) > (!b.layout.open, columns(b)));
                        if closer {
                            best = Some(header);
                        }
                    }
                    Compared::Near(changed) => {
                        if nearest.as_ref().is_none_or(|n| changed.fit.better(n.fit)) {
                            nearest = Some(changed);
                        }
                    }
                    Compared::Other => {}
                }
            }
        }
    }
    match (best, nearest) {
        // Almost any list with a code and a price reads as a charge master; a renamed table of CMS's must not.
        (Some(header), Some(changed)) if header.layout.open => Recognised::Changed(changed),
        (Some(header), _) => Recognised::Header(header),
        (None, Some(changed)) => Recognised::Changed(changed),
        (None, None) => Recognised::Nothing,
    }
}

/// The cells of a header that is spread over records, column by column.
fn combined(records: &[StringRecord]) -> Vec<String> {
    let width = records.iter().map(StringRecord::len).max().unwrap_or(0);
    let cell = |i: usize| {
        let parts = records.iter().filter_map(|r| r.get(i)).map(str::trim).filter(|c| !c.is_empty());
        parts.collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let mut cells: Vec<String> = (0..width).map(cell).collect();
    while cells.last().is_some_and(String::is_empty) {
        cells.pop();
    }
    cells
}

enum Compared {
    Fits(Header),
    Near(Changed),
    Other,
}

fn compare(layout: &'static Layout, cells: &[String], names: &[(String, Vec<i16>)], after: usize) -> Compared {
    let mut places = vec![None; layout.columns.len()];
    let (mut unknown, mut years, mut repeated) = (Vec::new(), Vec::new(), false);
    for (i, cell) in cells.iter().enumerate().filter(|(_, c)| !c.is_empty()) {
        let (name, found_years) = &names[i];
        years.extend(found_years);
        let numbered = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let known = |name: &str| layout.columns.iter().position(|c| c.names.split('|').any(|n| n == name));
        match known(name) {
            Some(c) => {
                repeated |= places[c].is_some();
                places[c] = Some(i);
            }
            // `PRICE1` to `PRICE4`, `NDC2`: the first stands for all.
            None => match known(numbered).filter(|_| !layout.open) {
                Some(c) => {
                    places[c].get_or_insert(i);
                }
                None => unknown.push(cell.clone()),
            },
        }
    }
    let absent = |need: Need| -> Vec<&'static str> {
        let columns = layout.columns.iter().zip(&places);
        columns.filter(|(c, p)| c.need == need && p.is_none()).map(|(c, _)| c.title).collect()
    };
    let (required, usual) = (absent(Required), absent(Usual));
    let known = places.iter().flatten().count();
    if required.is_empty() && !repeated && (layout.open || unknown.is_empty() || usual.is_empty()) {
        return Compared::Fits(Header {
            layout,
            places,
            after,
            years,
            unknown: if layout.open { Vec::new() } else { unknown },
        });
    }
    let wanted = layout.columns.iter().filter(|c| c.need == Required).count();
    let fit = Fit { known, of: known + required.len() + unknown.len() };
    let near = wanted - required.len() >= 2 && (wanted - required.len()) * 2 >= wanted && fit.known * 2 >= fit.of;
    if !near || layout.open || repeated || layout.family == Family::Unused {
        return Compared::Other;
    }
    Compared::Near(Changed {
        label: layout.label,
        expected: layout.columns.iter().filter(|c| c.need != Rare).map(|c| c.title).collect(),
        found: cells.iter().filter(|c| !c.is_empty()).cloned().collect(),
        missing: if required.is_empty() { usual } else { required },
        unknown,
        fit,
    })
}

/// A cell as compared, and the years in it.
fn plain(cell: &str) -> (String, Vec<i16>) {
    let (mut name, mut years) = (String::new(), Vec::new());
    let mut rest = cell;
    while let Some(first) = rest.chars().next() {
        let digits = first.is_ascii_digit();
        let end = rest.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(rest.len());
        let (token, tail) = rest.split_at(end);
        match token.parse() {
            Ok(year) if digits && token.len() == 4 && token.starts_with("20") => years.push(year),
            _ => name.extend(token.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase)),
        }
        rest = tail;
    }
    (name, years)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(text: &str) -> Vec<StringRecord> {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
        reader.records().map(Result::unwrap).collect()
    }

    #[test]
    fn every_title_is_its_own_name() {
        for layout in LAYOUTS.into_iter().filter(|l| !l.open) {
            for column in layout.columns {
                let (name, _) = plain(column.title);
                let numbered = name.trim_end_matches(|c: char| c.is_ascii_digit());
                assert!(
                    column.names.split('|').any(|n| n == name || n == numbered),
                    "{}: {} is compared as {name}",
                    layout.label,
                    column.title
                );
            }
        }
    }

    #[test]
    fn a_renamed_column_is_a_change_and_shows_both() {
        let Recognised::Changed(changed) =
            recognise(&records("HCPCS Code,Short Description,HCPCS Code Dosage,Allowed Amount,Notes\n"))
        else {
            panic!("not seen as changed")
        };
        assert_eq!((changed.label, changed.missing), ("ASP payment limits", vec!["Payment Limit"]));
        assert_eq!(changed.unknown, ["Allowed Amount"]);
    }

    #[test]
    fn a_renamed_column_that_is_not_used_is_a_change_too() {
        let header = "HCPCS Code,Short Description,HCPCS Code Dosage,Payment Limit,Co-insurance Percentage,Vaccine AWP%,\
                      Vaccine Limit,Blood AWP%,Blood limit,Factor,Notes\n";
        let Recognised::Changed(changed) = recognise(&records(header)) else { panic!("not seen as changed") };
        assert_eq!((changed.missing, changed.unknown), (vec!["Clotting Factor"], vec!["Factor".to_owned()]));
    }

    #[test]
    fn a_column_more_passes_and_a_column_less_passes() {
        let more = "HCPCS Code,Short Description,HCPCS Code Dosage,Payment Limit,Co-insurance Percentage,Vaccine AWP%,\
                    Vaccine Limit,Blood AWP%,Blood limit,Clotting Factor,Notes,Something new\n";
        let Recognised::Header(header) = recognise(&records(more)) else { panic!("refused") };
        assert_eq!((header.layout.family, header.unknown), (Family::Asp, vec!["Something new".to_owned()]));
        let Recognised::Header(header) = recognise(&records("HCPCS Code,HCPCS Code Dosage,Payment Limit\n")) else {
            panic!("refused")
        };
        assert_eq!(header.layout.family, Family::Asp);
    }

    #[test]
    fn a_changed_table_is_not_taken_for_a_charge_master() {
        let text = "hcpcs_code,price,multi,cov,betos,tos,action,cim,mcm,dateend,date_added\n";
        let Recognised::Changed(changed) = recognise(&records(text)) else { panic!("not seen as changed") };
        assert_eq!(changed.missing, ["date_term"]);
        let Recognised::Header(header) = recognise(&records("item,rev code,cpt,price\n")) else { panic!("refused") };
        assert_eq!(header.layout.family, Family::Charges);
    }

    #[test]
    fn years_are_taken_out_of_names() {
        assert_eq!(plain("_2026_CODE"), ("code".to_owned(), vec![2026]));
        assert_eq!(plain("2025 PW GPCI (with 1.0 Floor)***"), ("pwgpciwith10floor".to_owned(), vec![2025]));
        assert_eq!(plain("*=in existence prior to 1996"), ("inexistencepriorto1996".to_owned(), vec![]));
    }
}
