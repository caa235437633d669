//! Amounts and rates: whatever is written, arithmetic on it is exact or refused.
#![no_main]

use dripline_reference::dose::{Amount, Rate, Ratio};
use dripline_reference::resolve::{ndc_11, reason, route, service_kind};
use dripline_reference::tables::dosage;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut parts = text.splitn(2, '|');
    let (one, two) = (parts.next().unwrap_or(""), parts.next().unwrap_or("1 mg"));
    if let (Ok(a), Ok(b)) = (one.parse::<Amount>(), two.parse::<Amount>()) {
        let _ = (a.microlitres(), a.times(3), a.times(u32::MAX));
        if let (Ok(there), Ok(back)) = (a.units_of(&b, None), b.units_of(&a, None)) {
            if let Some(product) = there.times(back) {
                assert_eq!(product, Ratio::whole(1), "{one} | {two}");
            }
            assert!(there.floor() <= there.ceil());
        }
        let shown = a.to_string();
        assert_eq!(shown.parse::<Amount>().as_ref(), Ok(&a), "{one} is written {shown}");
    }
    if let Ok(rate) = one.parse::<Rate>() {
        let _ = rate.microlitres_an_hour();
    }
    let _ = (dosage::read(one), ndc_11(one), route(Some(one)), reason(Some(one), &[two.to_owned()]));
    if one.len() == 5 && one.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()) {
        let _ = service_kind(one);
    }
});
