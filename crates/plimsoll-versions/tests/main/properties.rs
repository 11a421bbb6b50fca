//! What holds for every order, for versions of common forms and for any text.

use std::cmp::Ordering;

use plimsoll_versions::{Ecosystem, compare};
use proptest::prelude::*;

fn ecosystem() -> impl Strategy<Value = Ecosystem> {
    prop::sample::select(Ecosystem::ALL.as_slice())
}

/// All but Maven, whose order goes round in circles in the tool as well: `1._. < 1rc < 1 < 1._.`.
fn transitive() -> impl Strategy<Value = Ecosystem> {
    let others = Ecosystem::ALL.into_iter().filter(|ecosystem| *ecosystem != Ecosystem::Maven);
    prop::sample::select(others.collect::<Vec<_>>())
}

/// Parts of versions, strung together; mostly few of them, so that two versions are often alike.
fn version() -> impl Strategy<Value = String> {
    let part = prop::sample::select(
        &[
            "0",
            "1",
            "2",
            "10",
            "01",
            "00",
            ".",
            ".",
            ".",
            "-",
            "-",
            "_",
            "+",
            "~",
            "^",
            ":",
            "!",
            " ",
            "v",
            "r",
            "a",
            "b",
            "rc",
            "alpha",
            "beta",
            "RC",
            "dev",
            "post",
            "p",
            "pre",
            "final",
            "sp",
            "x",
            "foo",
            "-r1",
            "_p1",
            ".0",
            ".1",
            ".0",
            "-1",
            "12345678901234567890",
            "é",
        ][..],
    );
    (prop::collection::vec(part, 0..7), prop::bool::weighted(0.8)).prop_map(|(parts, number)| {
        let start = if number { "1" } else { "" };
        format!("{start}{}", parts.concat())
    })
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![version(), ".*"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn turning_a_pair_round_turns_its_order_round(ecosystem in ecosystem(), left in any_text(), right in any_text()) {
        let order = compare(ecosystem, &left, &right);
        prop_assert_eq!(compare(ecosystem, &right, &left), order.map(Ordering::reverse));
    }

    #[test]
    fn a_version_equals_itself(ecosystem in ecosystem(), version in any_text()) {
        prop_assert!(matches!(compare(ecosystem, &version, &version), None | Some(Ordering::Equal)));
    }

    #[test]
    fn orders_are_transitive(ecosystem in transitive(), mut versions in prop::array::uniform3(version())) {
        versions.sort_by(|left, right| compare(ecosystem, left, right).unwrap_or(Ordering::Equal));
        let [first, second, third] = &versions;
        let pairs = [compare(ecosystem, first, second), compare(ecosystem, second, third), compare(ecosystem, first, third)];
        if let [Some(one), Some(two), Some(both)] = pairs {
            prop_assert!(one.is_le() && two.is_le(), "{ecosystem}: {versions:?} do not sort");
            prop_assert_eq!(both, one.then(two), "{}: {:?}", ecosystem, versions);
        }
    }
}
