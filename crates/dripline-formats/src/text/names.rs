//! Administrations by the names that the chart gives them.

use dripline::SmolStr;
use dripline::chart::{Administration, Chart, ChartTime, Method, Service};

use super::page::GLUE;

/// The administrations of a chart by id; empty where only the coding is at hand.
pub struct Names<'a> {
    rows: Vec<(String, &'a Administration)>,
    services: Vec<(String, &'a Service)>,
    /// The chart's clock times lie on more than one date.
    pub dates: bool,
}

impl<'a> Names<'a> {
    /// The administrations of a chart.
    #[must_use]
    pub fn new(chart: Option<&'a Chart>) -> Self {
        let rows: Vec<_> = chart
            .map(|c| c.administrations.as_slice())
            .unwrap_or_default()
            .iter()
            .enumerate()
            .map(|(i, a)| (a.id_at(i), a))
            .collect();
        let services = chart.map(|c| c.services.as_slice()).unwrap_or_default().iter().enumerate();
        let services = services.map(|(i, s)| (s.id.clone().unwrap_or_else(|| format!("s{}", i + 1)), s)).collect();
        let days = rows.iter().flat_map(|(_, a)| [a.start, a.stop]).flatten().map(|t| t.civil.date());
        let dates = days.clone().min() != days.max();
        Names { rows, services, dates }
    }

    /// Every administration with its id, in the chart's order.
    pub fn rows(&self) -> impl Iterator<Item = (&str, &'a Administration)> {
        self.rows.iter().map(|(id, a)| (id.as_str(), *a))
    }

    /// The administration of an id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&'a Administration> {
        self.rows.iter().find(|(i, _)| i == id).map(|(_, a)| *a)
    }

    /// A listed service as the chart has it.
    pub fn service(&self, id: &str) -> Option<&'a Service> {
        self.services.iter().find(|(i, _)| i == id).map(|(_, s)| *s)
    }

    /// The id of the administration at a place, from 0.
    #[must_use]
    pub fn at(&self, index: usize) -> Option<&str> {
        self.rows.get(index).map(|(id, _)| id.as_str())
    }

    /// The drug as charted, or the code given for it.
    #[must_use]
    pub fn drug(&self, id: &str) -> Option<&'a str> {
        let a = self.get(id)?;
        [&a.drug, &a.hcpcs, &a.ndc, &a.rxnorm].into_iter().find_map(|n| n.as_deref())
    }

    /// `Zofran 1, 2; Toradol 3`.
    #[must_use]
    pub fn list(&self, ids: &[SmolStr]) -> String {
        let mut groups: Vec<(Option<&str>, Vec<&str>)> = Vec::new();
        for id in ids {
            let drug = self.drug(id);
            match groups.iter_mut().find(|(d, _)| *d == drug) {
                Some((_, ids)) => ids.push(id),
                None => groups.push((drug, vec![id])),
            }
        }
        let name = |(drug, ids): &(Option<&str>, Vec<&str>)| match drug {
            Some(drug) => format!("{drug}{GLUE}{}", ids.join(", ")),
            None => ids.join(", "),
        };
        groups.iter().map(name).collect::<Vec<_>>().join("; ")
    }

    /// `Zofran 4 mg, push 10:35`.
    #[must_use]
    pub fn what(&self, id: &str) -> String {
        let Some(a) = self.get(id) else { return String::new() };
        let mut text = self.drug(id).unwrap_or("no drug named").to_owned();
        if let Some(dose) = &a.dose {
            text = format!("{text} {dose}");
        }
        let mut how = Vec::new();
        let by_vein = a.route.as_deref().is_none_or(|r| r.eq_ignore_ascii_case("IV"));
        match (&a.route, a.method) {
            (_, Some(method)) if by_vein => how.push(method.as_str().replace('_', "-")),
            (Some(route), Some(Method::Injection) | None) => how.push(route.clone()),
            (Some(route), Some(method)) => how.push(format!("{route} {}", method.as_str().replace('_', "-"))),
            (None, _) => {}
        }
        match (a.start, a.stop) {
            (Some(start), Some(stop)) if start.civil.date() == stop.civil.date() => {
                how.push(format!("{}–{}", self.clock(start), clock(stop)));
            }
            (Some(start), Some(stop)) => how.push(format!("{}–{}", self.clock(start), self.clock(stop))),
            (Some(start), None) => how.push(self.clock(start)),
            (None, Some(stop)) => how.push(format!("until {}", self.clock(stop))),
            (None, None) => how.extend(a.date.map(|d| d.to_string())),
        }
        if how.is_empty() { text } else { format!("{text}, {}", how.join(" ")) }
    }

    fn clock(&self, time: ChartTime) -> String {
        match self.dates {
            true => format!("{} {}", day(time), clock(time)),
            false => clock(time),
        }
    }
}

/// `10:05`.
pub(crate) fn clock(time: ChartTime) -> String {
    format!("{:02}:{:02}", time.civil.hour(), time.civil.minute())
}

/// `01-05`.
pub(crate) fn day(time: ChartTime) -> String {
    format!("{:02}-{:02}", time.civil.month(), time.civil.day())
}
