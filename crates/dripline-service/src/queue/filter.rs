//! Which cases of the queue are meant.

use axum::extract::Query;
use axum::http::Uri;
use dripline::chart::Setting;
use dripline::coding::Addressee;
use dripline::time::strict_date;
use dripline_formats::near::nearest;
use jiff::civil::Date;

use super::step::Status;
use crate::asked::cut;
use crate::problem::{Kind, Problem};

/// Parameters of the query.
pub(crate) const FILTERS: &[&str] = &["status", "setting", "from", "to", "field", "addressee", "case", "outdated"];
/// And those of one part of the queue.
pub(crate) const PART: &[&str] =
    &["status", "setting", "from", "to", "field", "addressee", "case", "outdated", "after", "limit"];

/// Whom a question may go to.
pub(crate) const ADDRESSEES: [Addressee; 4] =
    [Addressee::Nurse, Addressee::Provider, Addressee::Pharmacy, Addressee::Biller];

/// Cases in one part of the queue, if not said, and at most.
const USUAL: i64 = 50;
const MOST: i64 = 500;

/// Which cases are meant; all, if nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    pub status: Vec<Status>,
    pub setting: Option<Setting>,
    /// First and last date of service.
    pub from: Option<Date>,
    pub to: Option<Date>,
    /// Key of an open question.
    pub field: Option<String>,
    /// Whom an open question goes to; with a key, the same question.
    pub addressee: Option<Addressee>,
    /// The caller's own id.
    pub case: Option<String>,
    /// Whether other rules or tables run now than those by which they were coded.
    pub outdated: Option<bool>,
    /// Cases behind this one.
    pub after: i64,
    pub limit: Option<i64>,
}

impl Filter {
    /// The filter that the query of an address holds; it may name `known` parameters. Empty ones say nothing: a form
    /// sends them.
    pub fn of(uri: &Uri, known: &[&str]) -> Result<Self, Problem> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri).map_err(|_| {
            Problem::new(Kind::Parameter, "the query cannot be read", "write it as name=value&name=value")
        })?;
        let mut filter = Filter::default();
        let mut seen: Vec<&str> = Vec::new();
        for (name, value) in &pairs {
            let wrong = |detail: String, help: &str| Err(Problem::parameter(name, detail, help));
            if !known.contains(&name.as_str()) {
                let help = match nearest(name, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("known here: {}", known.join(", ")),
                };
                return wrong(format!("`{}` is not a parameter of this route", cut(name)), &help);
            }
            if name != "status" && seen.contains(&name.as_str()) {
                return wrong(format!("`{name}` is given twice"), "keep one of the two");
            }
            seen.push(name);
            if value.is_empty() {
                continue;
            }
            let date = || {
                strict_date(value).ok_or_else(|| {
                    Problem::parameter(name, format!("`{}` is not a date", cut(value)), "write it as 2026-01-05")
                })
            };
            let number = |most: i64| {
                value.parse().ok().filter(|n| (0..=most).contains(n)).ok_or_else(|| {
                    Problem::parameter(name, format!("`{}` is not a number from 0 to {most}", cut(value)), "")
                })
            };
            match name.as_str() {
                "status" => match Status::from_word(value) {
                    Some(status) => filter.status.push(status),
                    None => {
                        let all = Status::ALL.map(Status::as_str).join(", ");
                        return wrong(format!("`{}` is not a status", cut(value)), &format!("it is one of {all}"));
                    }
                },
                "setting" => match Setting::from_word(value) {
                    Some(setting) => filter.setting = Some(setting),
                    None => return wrong(format!("`{}` is not a setting", cut(value)), "it is facility or office"),
                },
                "from" => filter.from = Some(date()?),
                "to" => filter.to = Some(date()?),
                "field" => filter.field = Some(value.clone()),
                "addressee" => match ADDRESSEES.into_iter().find(|a| a.as_str() == value) {
                    Some(addressee) => filter.addressee = Some(addressee),
                    None => {
                        let all = ADDRESSEES.map(Addressee::as_str).join(", ");
                        return wrong(
                            format!("`{}` is nobody who is asked", cut(value)),
                            &format!("it is one of {all}"),
                        );
                    }
                },
                "outdated" => match value.as_str() {
                    "true" => filter.outdated = Some(true),
                    "false" => filter.outdated = Some(false),
                    _ => return wrong("`outdated` is true or false".to_owned(), "write outdated=true"),
                },
                "case" => filter.case = Some(value.clone()),
                "after" => filter.after = number(i64::MAX)?,
                _ => filter.limit = Some(number(MOST)?.max(1)),
            }
        }
        if [&filter.field, &filter.case].into_iter().flatten().any(|v| v.contains('\0')) {
            return Err(Problem::new(Kind::Parameter, "a value holds a character that no case holds", ""));
        }
        Ok(filter)
    }

    /// How many cases are asked for at a time.
    pub fn limit(&self) -> i64 {
        self.limit.unwrap_or(USUAL)
    }

    /// The condition in SQL, and what is bound to it from `$1` on. Nothing that a caller wrote stands in the text.
    /// `outdated`: what is noted with cases that were coded otherwise than by what runs now.
    pub fn condition(&self, outdated: &[String]) -> (String, Vec<Bound>) {
        let mut bound = vec![Bound::Number(self.after)];
        let mut terms = vec!["cases.id > $1".to_owned()];
        let mut bind = |value: String| {
            bound.push(Bound::Text(value));
            bound.len()
        };
        if !self.status.is_empty() {
            let any: Vec<&str> = self.status.iter().map(|s| s.condition()).collect();
            terms.push(format!("({})", any.join(" OR ")));
        }
        if let Some(setting) = self.setting {
            terms.push(format!("cases.setting = ${}", bind(setting.to_string())));
        }
        if let Some(from) = self.from {
            terms.push(format!("cases.service_date >= ${}", bind(from.to_string())));
        }
        if let Some(to) = self.to {
            terms.push(format!("cases.service_date <= ${}", bind(to.to_string())));
        }
        if let Some(case) = &self.case {
            terms.push(format!("cases.name = ${}", bind(case.clone())));
        }
        let mut question = String::new();
        if let Some(field) = &self.field {
            question.push_str(&format!(" AND queries.field = ${}", bind(field.clone())));
        }
        if let Some(addressee) = self.addressee {
            question.push_str(&format!(" AND queries.addressee = ${}", bind(addressee.to_string())));
        }
        if !question.is_empty() {
            terms.push(format!(
                "EXISTS (SELECT 1 FROM queries WHERE queries.case_id = cases.id AND queries.version = cases.version \
                 AND queries.settled = 0{question})"
            ));
        }
        if let Some(wanted) = self.outdated {
            let places: Vec<String> = outdated.iter().map(|note| format!("${}", bind(note.clone()))).collect();
            terms.push(match (places.is_empty(), wanted) {
                (true, true) => "1 = 0".to_owned(),
                (true, false) => "1 = 1".to_owned(),
                (false, true) => format!("cases.coded_by IN ({})", places.join(", ")),
                (false, false) => format!("cases.coded_by NOT IN ({})", places.join(", ")),
            });
        }
        (terms.join(" AND "), bound)
    }
}

/// What is bound to a place in SQL.
#[derive(Clone, Debug)]
pub(crate) enum Bound {
    Number(i64),
    Text(String),
}
