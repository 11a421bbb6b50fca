//! Where an order is a decision: the tool has none, or scanners need another.

use std::cmp::Ordering;

use plimsoll_versions::{Ecosystem, Version, compare};

/// Checks that each version is less than the next one; those between bars are equal.
#[track_caller]
fn ascending(ecosystem: Ecosystem, versions: &[&str]) {
    for (place, lesser) in versions.iter().enumerate() {
        for greater in &versions[place + 1..] {
            for (left, right) in
                lesser.split('|').flat_map(|left| greater.split('|').map(move |right| (left, right)))
            {
                assert_eq!(compare(ecosystem, left, right), Some(Ordering::Less), "`{left}` < `{right}`");
                assert_eq!(compare(ecosystem, right, left), Some(Ordering::Greater), "`{right}` > `{left}`");
            }
        }
        for (left, right) in
            lesser.split('|').flat_map(|left| lesser.split('|').map(move |right| (left, right)))
        {
            assert_eq!(compare(ecosystem, left, right), Some(Ordering::Equal), "`{left}` = `{right}`");
        }
    }
}

#[track_caller]
fn refused(ecosystem: Ecosystem, versions: &[&str]) {
    for version in versions {
        assert!(Version::parse(ecosystem, version).is_none(), "`{version}`");
    }
}

const HUGE: &str = "123456789012345678901234567890";

#[test]
fn numbers_have_any_size_everywhere() {
    for ecosystem in Ecosystem::ALL {
        let (lesser, greater) = (format!("1.{HUGE}.8"), format!("1.{HUGE}.9"));
        ascending(ecosystem, &["1.2.3", &lesser, &greater]);
    }
}

#[test]
fn alpine_packages_with_a_number_behind_the_letter_are_ordered_by_it() {
    ascending(
        Ecosystem::Apk,
        &["1.9.5", "1.9.5p1-r0", "1.9.5p1-r1", "1.9.5p2-r1", "1.9.5p10-r0", "1.9.6_rc1", "1.9.6"],
    );
    ascending(
        Ecosystem::Apk,
        &["1.2_alpha", "1.2_alpha1", "1.2_rc", "1.2", "1.2_cvs", "1.2_p", "1.2_p1", "1.2a"],
    );
}

#[test]
fn gems_are_compared_without_their_platform() {
    ascending(
        Ecosystem::Gem,
        &[
            "1.13.3",
            "1.13.4.rc1|1.13.4.rc1-java",
            "1.13.4|1.13.4-x86_64-linux|1.13.4-arm64-darwin-22|1.13.4-x64-mingw-ucrt|1.13.4-java",
        ],
    );
    ascending(Ecosystem::Gem, &["1.0-1", "1.0"]);
    ascending(Ecosystem::Gem, &["1beta", "1rc", "1"]);
    refused(Ecosystem::Gem, &["1.0_1", "junk", "1..2", "1.0-x86_64"]);
}

#[test]
fn go_versions_may_lack_their_letter_or_be_those_of_the_toolchain() {
    ascending(
        Ecosystem::Golang,
        &[
            "(devel)|unknown|",
            "0.0.0-20190101000000-abcdef123456|v0.0.0-20190101000000-abcdef123456",
            "v0.0.0-20200101000000-abcdef123456",
            "1.21beta1|go1.21beta1",
            "1.21rc2|go1.21rc2|1.21.0-rc.2|v1.21.0-rc.2",
            "1.21rc10",
            "1.21|go1.21|go1.21.0|1.21.0|v1.21.0+incompatible",
            "go1.21.3|v1.21.3",
            "1.21.3.1",
        ],
    );
}

#[test]
fn semantic_versions_of_any_shape_are_ordered() {
    ascending(
        Ecosystem::Semver,
        &[
            "junk",
            "0.9",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-beta|1.0beta",
            "1|v1.0|1.0.0+build| =1.0.0 ",
            "1.0.0.0.1",
            "1.0.0.0.2",
            "1.0.1",
        ],
    );
}

#[test]
fn npm_reads_loosely_and_refuses_the_rest() {
    ascending(Ecosystem::Npm, &["1.2.3beta|v1.2.3-beta|= 01.2.3-beta", "1.2.3|1.2.3+build"]);
    refused(Ecosystem::Npm, &["1.2", "1", "", "1.2.3.4", "1.2.3-?", "latest", "1.2.x"]);
}

#[test]
fn composer_orders_numbers_that_its_parser_refuses() {
    ascending(
        Ecosystem::Composer,
        &[
            "dev-main",
            "1.0-dev",
            "1.0-alpha1|1.0a1",
            "1.0RC1",
            "1.0|v1.0.0|1.0.0.0",
            "1.0-p1|1.0-patch1",
            "1.2.3",
            "1.2.3.4.5",
            "1.2.4",
            "1.x-dev",
            "2.0.0",
        ],
    );
    assert_eq!(compare(Ecosystem::Composer, "dev-main", "dev-next"), None);
    refused(Ecosystem::Composer, &["", "junk", "-1"]);
}

#[test]
fn python_versions_of_before_the_standard_are_below_all_others() {
    ascending(
        Ecosystem::Pypi,
        &[
            "dev-r1",
            "1.0-foo",
            "2.0-foo",
            "0.dev1",
            "1.0.dev1",
            "1.0a1|1.0-ALPHA.1",
            "1.0rc1|1.0c1",
            "1.0|1|v1.0.0",
            "1.0+1",
            "1.0.post1|1.0-1",
            "1!0.1",
        ],
    );
}

#[test]
fn versions_of_different_ecosystems_have_no_order() {
    let (deb, rpm) = (Version::parse(Ecosystem::Deb, "1.0"), Version::parse(Ecosystem::Rpm, "1.0"));
    assert_eq!(deb.unwrap().compare(&rpm.unwrap()), None);
}

#[test]
fn an_ecosystem_is_found_by_its_name() {
    for ecosystem in Ecosystem::ALL {
        assert_eq!(ecosystem.to_string().parse::<Ecosystem>().unwrap(), ecosystem);
    }
    let error = "cargo-cult".parse::<Ecosystem>().unwrap_err().to_string();
    assert!(error.contains("`cargo-cult`") && error.contains("apk, cran, composer"), "{error}");
}
