//! What the record states of each administration. Documentation never changes a code.

use dripline::SmolStr;
use dripline::chart::{Chart, Class, Method, Order, StopSource};
use dripline::coding::{DocumentationItem, DocumentationState};

use crate::resolve::Resolved;

/// The documentation check, item by item.
pub(super) fn check(chart: &Chart, resolved: &Resolved) -> Vec<DocumentationItem> {
    let mut items = Vec::with_capacity(12 * chart.administrations.len());
    for ((a, id), row) in chart.administrations.iter().zip(&resolved.ids).zip(&resolved.case.rows) {
        let mut add = |item: &'static str, state: DocumentationState| {
            items.push(DocumentationItem { administration: id.clone(), item: SmolStr::new_static(item), state });
        };
        let stated = |is: bool| if is { DocumentationState::Present } else { DocumentationState::NotStated };
        add(
            "order",
            match a.order {
                Some(Order::Id(_)) => DocumentationState::Present,
                Some(Order::Flag(false)) => DocumentationState::Absent,
                _ => DocumentationState::NotStated,
            },
        );
        add("route as ordered", stated(a.ordered_route.is_some()));
        add("dose as ordered", stated(a.ordered_dose.is_some()));
        add("giver and credentials", stated(a.given_by.is_some() && a.credentials.is_some()));
        add(
            "monitoring",
            match a.monitored {
                Some(true) => DocumentationState::Present,
                Some(false) => DocumentationState::Absent,
                None => DocumentationState::NotStated,
            },
        );
        add("reason", stated(a.indication.is_some()));
        add("start", stated(a.start.is_some()));
        let runs = matches!(a.method, Some(Method::Infusion | Method::Pump))
            || row.class == Class::Hydration
            || (a.method.is_none() && a.stop.is_some());
        if runs {
            add("stop", stated(a.stop.is_some() && a.stop_source != Some(StopSource::Expected)));
            add("rate", stated(a.rate.is_some()));
            add("volume", stated(a.volume.is_some()));
        }
        add("site", stated(a.access.is_some()));
        if a.containers.is_some() || a.wasted.is_some() {
            add("waste", stated(a.wasted.is_some()));
        }
    }
    items
}
