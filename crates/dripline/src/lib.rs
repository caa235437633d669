//! dripline: from what was charted when drugs were given to what may be billed, with the proof of each line.
//!
//! The steps are files, in the order in which a chart is coded: [`screen`](self) → bags → times → sites → join →
//! place → again → hydration → initial → assign → outside → services → finish. Each reads the case and the policy,
//! and none reads a clock, a file, the network or the order of a hash.
//!
//! ```
//! use dripline::case::{Case, Row};
//! use dripline::chart::{Class, Method, Setting};
//! use dripline::policy::Policy;
//! use dripline::record::Codes;
//! use dripline::time::Day;
//! use dripline::{Workspace, code};
//!
//! // The same drug pushed twice through one line, 35 minutes apart.
//! let day = Day(20458);
//! let mut case = Case::new(Setting::Facility);
//! for minute in [600, 635] {
//!     let mut row = Row::blank(1, Class::Drug, day);
//!     row.method = Some(Method::Push);
//!     row.start = Some(i64::from(day.0) * 1440 + minute);
//!     case.rows.push(row);
//! }
//! let mut workspace = Workspace::default();
//! code(&case, &Policy::default(), &mut workspace, &mut Codes);
//! let codes: Vec<_> = workspace.lines.iter().map(|l| (l.code.as_str(), l.units)).collect();
//! assert_eq!(codes, [("96374", 1), ("96376", 1)]);
//! ```
//!
//! Bounds: dates of service from 2013-01-01; whole minutes; administration codes of the US (CPT 36430–36593,
//! 90460–90480, 96360–96549 and their HCPCS neighbours). Not done: drugs given in joints, nerves and eyes, edit
//! tables, money. Rules are not yet reviewed by a certified coder. CPT codes © AMA; labels are ours, not CPT text;
//! use may need an AMA licence.

mod again;
mod assign;
mod bags;
pub mod case;
pub mod chart;
pub mod code;
pub mod coding;
mod finish;
mod hydration;
mod initial;
mod join;
pub mod minutes;
mod outside;
mod place;
pub mod policy;
pub mod proof;
pub mod record;
pub mod rule;
mod screen;
mod services;
mod sites;
mod strict;
mod tell;
pub mod time;
mod times;
mod work;

pub use services::{Verdict, VerdictKind};
/// Short text, cheap to copy: codes, ids and words of a [`coding::Coding`].
pub use smol_str::{SmolStr, ToSmolStr, format_smolstr};
pub use work::{Ctx, LineUnits, Modifier, Workspace};

use case::Case;
use policy::Policy;
use record::Recorder;

/// Version of the rules and the engine.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What every output carries.
pub const NOTICE: &str = "CPT codes © AMA; labels are ours, not CPT text; use may need an AMA licence. Rules not yet reviewed by a certified coder.";

/// Codes a case: the lines are left in the workspace, the proof in the recorder.
///
/// All recorder levels run the same code and give the same lines.
pub fn code<R: Recorder>(case: &Case, policy: &Policy, ws: &mut Workspace, rec: &mut R) {
    let ctx = Ctx {
        case,
        policy,
        #[cfg(feature = "rule-off")]
        off: None,
    };
    run(&ctx, ws, rec);
}

/// Codes a case with one rule switched off; only for the tests of the rule book.
#[cfg(feature = "rule-off")]
pub fn code_without<R: Recorder>(
    case: &Case,
    policy: &Policy,
    off: Option<rule::RuleId>,
    ws: &mut Workspace,
    rec: &mut R,
) {
    run(&Ctx { case, policy, off }, ws, rec);
}

fn run<R: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut R) {
    ws.reset(ctx.case);
    screen::screen(ctx, ws, rec);
    bags::bags(ctx, ws, rec);
    times::times(ctx, ws, rec);
    sites::sites(ctx, ws, rec);
    join::join(ctx, ws, rec);
    outside::release_pumps(ctx, ws, rec);
    place::place(ctx, ws, rec);
    assign::vein(ctx, ws, rec);
    outside::outside(ctx, ws, rec);
    services::flushes(ctx, ws, rec);
    services::practitioner(ctx, ws, rec);
    services::services(ctx, ws, rec);
    tell::unlisted(ctx, ws, rec);
    tell::tell(ctx, ws, rec);
    finish::finish(ctx, ws);
}
