//! The version orders: two versions with a tab between, in every ecosystem.
#![no_main]

use std::cmp::Ordering;

use libfuzzer_sys::fuzz_target;
use plimsoll_versions::{Ecosystem, Version, compare};

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let (left, right) = text.split_once('\t').unwrap_or((&text, "1.0"));
    for ecosystem in Ecosystem::ALL {
        let order = compare(ecosystem, left, right);
        assert_eq!(compare(ecosystem, right, left), order.map(Ordering::reverse));
        if let Some(version) = Version::parse(ecosystem, left) {
            assert_eq!(version.compare(&version), Some(Ordering::Equal));
        }
    }
});
