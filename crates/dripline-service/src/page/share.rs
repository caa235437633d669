//! A link that holds a chart, and nothing that tells whose it is: no ids of the hospital's, other dates, no names of
//! staff or places in a record. The chart stands in the fragment, which a browser never sends.

use dripline::chart::{Chart, ChartTime, Order};
use dripline_formats::worksheet;
use jiff::civil::Date;

use super::table::{moved, rename};

/// A chart for others: its dates begin on the first of January of its year, all moved by the same number of days; what
/// had an id of its own has a running number.
pub(super) fn shared(chart: &Chart) -> Chart {
    let mut chart = chart.clone();
    chart.case = None;
    without_ids(&mut chart);
    let times = |chart: &Chart| -> Vec<Date> {
        let rows = chart.administrations.iter().flat_map(|a| [a.start.map(|t| t.civil.date()), a.date]);
        let services = chart.services.iter().flat_map(|s| [s.start.map(|t| t.civil.date()), s.date]);
        let stay = [chart.arrival, chart.departure, chart.inpatient_order].map(|t| t.map(|t| t.civil.date()));
        rows.chain(services).chain(stay).chain(chart.billed.iter().map(|b| b.date)).flatten().collect()
    };
    if let Some(first) = times(&chart).into_iter().min().or(chart.as_of) {
        let days = i64::from(first.first_of_year().since(first).map_or(0, |span| span.get_days()));
        move_by(&mut chart, days);
    }
    for a in &mut chart.administrations {
        for kept in [&mut a.given_by, &mut a.source] {
            if kept.is_some() {
                *kept = Some("on file".to_owned());
            }
        }
    }
    chart.age_years = chart.age_years.map(|age| age.min(90));
    chart
}

/// Takes every id away or puts a running number in its place; what belonged together still does.
fn without_ids(chart: &mut Chart) {
    let before = chart.clone();
    for (a, n) in chart.administrations.iter_mut().zip(1..) {
        a.id = a.id.as_ref().map(|_| format!("{n}"));
    }
    rename(&before, chart);
    for s in &mut chart.services {
        s.id = None;
    }
    let (mut orders, mut visits, mut bags) = (Vec::new(), Vec::new(), Vec::new());
    for a in &mut chart.administrations {
        if let Some(Order::Id(id)) = &mut a.order {
            number(&mut orders, id);
        }
        for (seen, id) in [(&mut visits, &mut a.visit), (&mut bags, &mut a.bag)] {
            if let Some(id) = id {
                number(seen, id);
            }
        }
    }
}

fn number(seen: &mut Vec<String>, id: &mut String) {
    let at = seen.iter().position(|s| s == id).unwrap_or_else(|| {
        seen.push(id.clone());
        seen.len() - 1
    });
    *id = (at + 1).to_string();
}

fn move_by(chart: &mut Chart, days: i64) {
    let time = |t: &mut Option<ChartTime>| *t = t.map(|t| moved(t, days));
    let date = |d: &mut Option<Date>| *d = d.map(|d| d.checked_add(jiff::Span::new().days(days)).unwrap_or(d));
    date(&mut chart.as_of);
    for t in [&mut chart.arrival, &mut chart.departure, &mut chart.inpatient_order] {
        time(t);
    }
    for a in &mut chart.administrations {
        time(&mut a.start);
        time(&mut a.stop);
        date(&mut a.date);
        for pause in &mut a.interruptions {
            pause.start = moved(pause.start, days);
            pause.stop = moved(pause.stop, days);
        }
    }
    for s in &mut chart.services {
        time(&mut s.start);
        time(&mut s.stop);
        date(&mut s.date);
    }
    chart.billed.iter_mut().for_each(|b| date(&mut b.date));
}

/// The fragment of a chart's link.
pub(super) fn fragment(chart: &Chart) -> String {
    format!("#c={}", base64(worksheet::write(&shared(chart)).as_bytes()))
}

/// Base64 for addresses, without padding (RFC 4648, section 5).
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0_u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for at in 0..=chunk.len() {
            out.push(char::from(DIGITS[(group >> (18 - 6 * at) & 63) as usize]));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        let known = [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE")];
        for (plain, coded) in known {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
        assert_eq!(base64(&[0xfb, 0xff, 0xfe]), "-__-");
    }

    #[test]
    fn a_shared_chart_tells_nobody_whose_it_is() {
        let text = "office 3/17/26 case=A-77 arrival=9:40 age_years=97\n\
            Zofran 4 mg IV push 10:00 given_by=\"J. Doe\" source=\"MAR 5W\"\n\
            NS 1 L hydration 23:30-00:40 for dehydration pause=23:50-00:05\n+99213 date=3/18/26\nbilled 96374 date=3/17/26";
        let chart = worksheet::parse_one(text).unwrap_or_else(|e| panic!("{e}")).chart;
        let other = shared(&chart);
        assert_eq!(other.case, None);
        let kept = "office as_of=3/17/26\n*Zofran 4 mg IV push id=MAR-77 order=ORD-5 visit=V9\n\
            Zofran 2 mg IV push id=MAR-78 order=ORD-5 visit=V9 same_dose_as=MAR-77";
        let kept = shared(&worksheet::parse_one(kept).unwrap_or_else(|e| panic!("{e}")).chart);
        let written = worksheet::write(&kept);
        for told in ["2026-03", "MAR", "ORD", "V9"] {
            assert!(!written.contains(told), "{told} in {written}");
        }
        assert_eq!(
            (kept.primary_reason.as_deref(), kept.as_of.map(|d| d.to_string())),
            (Some("1"), Some("2026-01-01".into()))
        );
        assert_eq!(kept.administrations[1].same_dose_as.as_deref(), Some("1"));
        assert_eq!(kept.administrations[0].order, kept.administrations[1].order);
        let text = worksheet::write(&other);
        for told in ["A-77", "Doe", "5W", "2026-03", "97"] {
            assert!(!text.contains(told), "{told} in {text}");
        }
        // Durations and the distance of days stay.
        let run = |c: &Chart| {
            let a = &c.administrations[1];
            a.stop.unwrap().civil_minutes() - a.start.unwrap().civil_minutes()
        };
        assert_eq!(run(&other), run(&chart));
        assert_eq!(other.administrations[0].start.unwrap().civil.date().to_string(), "2026-01-01");
        assert_eq!(other.services[0].date.unwrap().to_string(), "2026-01-02");
        assert_eq!(other.administrations[1].interruptions[0].stop.civil.to_string(), "2026-01-02T00:05:00");
    }
}
