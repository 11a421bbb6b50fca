//! The resolver on small made-up indexes.

use std::fmt::Write;

use super::*;
use crate::resolve::PackageIndex;

/// Packages written as `name version; Field: value; …`.
fn index(packages: &[&str]) -> PackageIndex {
    let mut text = String::new();
    for package in packages {
        let mut parts = package.split("; ");
        let (name, version) = parts.next().unwrap().split_once(' ').unwrap();
        write!(
            text,
            "Package: {name}\nVersion: {version}\nArchitecture: amd64\nFilename: f\nSize: 1\nSHA256: x\n"
        )
        .unwrap();
        for field in parts {
            writeln!(text, "{field}").unwrap();
        }
        text.push('\n');
    }
    let mut index = PackageIndex::default();
    index.read(0, text.as_bytes()).unwrap();
    index.finish();
    index
}

/// Every distroless base asks for these.
const BASE: [&str; 4] = ["base-files 1", "ca-certificates 1", "netbase 1", "tzdata 1"];

fn solve(packages: &[&str], wanted: &[&str]) -> Result<Vec<String>, ComposeError> {
    let all: Vec<&str> = BASE.iter().chain(packages).copied().collect();
    let index = index(&all);
    let wanted: Vec<String> = wanted.iter().map(|name| (*name).to_owned()).collect();
    let request =
        Request { suite: "test", arch: "amd64", variant: Variant::Distroless, packages: &wanted, extra: &[] };
    let resolved = resolve(&index, request)?;
    let is_base = |name: &str| BASE.iter().any(|base| base.starts_with(&format!("{name} ")));
    Ok(resolved.packages.into_keys().filter(|name| !is_base(name)).collect())
}

#[test]
fn dependencies_are_followed_in_circles_too() {
    let found = solve(&["a 1; Depends: b", "b 1; Pre-Depends: c", "c 1; Depends: a", "d 1"], &["a"]);
    assert_eq!(found.unwrap(), ["a", "b", "c"]);
}

#[test]
fn the_first_alternative_that_works_is_taken() {
    let packages = ["a 1; Depends: b (>= 2) | c | d", "b 1", "c 1; Depends: missing", "d 1"];
    assert_eq!(solve(&packages, &["a"]).unwrap(), ["a", "d"]);
}

#[test]
fn an_alternative_that_is_there_anyway_is_taken_before_the_first() {
    let packages = ["a 1; Depends: b | c", "b 1", "c 1"];
    assert_eq!(solve(&packages, &["a", "c"]).unwrap(), ["a", "c"]);
}

#[test]
fn the_newest_version_counts() {
    let packages = ["a 1; Depends: b (>= 2)", "b 1", "b 2", "b 2~rc1"];
    assert_eq!(solve(&packages, &["a"]).unwrap(), ["a", "b"]);
}

#[test]
fn virtual_packages_are_met_by_providers_by_priority_and_name() {
    let provided = ["y 1; Provides: v", "x 1; Provides: v", "z 1; Provides: v; Priority: standard"];
    let with = |first: &'static str| [&[first], &provided[..]].concat();
    assert_eq!(solve(&with("a 1; Depends: v"), &["a"]).unwrap(), ["a", "z"]);
    let error = solve(&with("a 1; Depends: v (>= 1)"), &["a"]).unwrap_err();
    assert!(matches!(error, ComposeError::Unmet { .. }), "{error}");
    let packages = ["a 1; Depends: v (>= 2)", "x 1; Provides: v (= 1)", "y 1; Provides: v (= 2)"];
    assert_eq!(solve(&packages, &["a"]).unwrap(), ["a", "y"]);
}

#[test]
fn a_qualifier_of_another_architecture_is_not_met_here() {
    assert_eq!(solve(&["a 1; Depends: b:any, c:amd64", "b 1", "c 1"], &["a"]).unwrap(), ["a", "b", "c"]);
    assert!(solve(&["a 1; Depends: b:i386", "b 1"], &["a"]).is_err());
}

#[test]
fn an_unmet_dependency_is_shown_with_its_chain() {
    let error = solve(&["a 1; Depends: b", "b 2; Depends: c (>= 5)", "c 4"], &["a"]).unwrap_err();
    assert_eq!(error.to_string(), "`c (>= 5)` cannot be met, wanted by `b` 2 ← `a` 1; there is `c` 4");
}

#[test]
fn conflicts_and_breaks_are_reported_with_both_names() {
    let error = solve(&["a 1; Conflicts: b", "b 1"], &["a", "b"]).unwrap_err();
    assert_eq!(error.to_string(), "`a` and `b` cannot be installed together: `a` conflicts with `b`");
    let error = solve(&["a 1; Depends: b", "b 1; Breaks: a (<< 2)"], &["a"]).unwrap_err();
    assert_eq!(error.to_string(), "`b` and `a` cannot be installed together: `b` breaks `a (<< 2)`");
    assert!(solve(&["a 3; Depends: b", "b 1; Breaks: a (<< 2)"], &["a"]).is_ok());
    // A package may conflict with what it provides itself: that excludes all others.
    assert!(solve(&["a 1; Provides: mta; Conflicts: mta"], &["a"]).is_ok());
}

#[test]
fn a_conflict_moves_on_to_the_next_alternative() {
    let packages = ["a 1; Depends: b | c; Conflicts: b", "b 1", "c 1"];
    assert_eq!(solve(&packages, &["a"]).unwrap(), ["a", "c"]);
}

#[test]
fn a_choice_that_excludes_what_is_needed_later_is_made_otherwise() {
    let packages = ["a 1; Depends: b | c, d", "b 1; Conflicts: x", "c 1", "d 1; Depends: x", "x 1"];
    assert_eq!(solve(&packages, &["a"]).unwrap(), ["a", "c", "d", "x"]);
}

#[test]
fn unknown_names_get_a_suggestion_and_virtual_ones_their_providers() {
    let error = solve(&["nodejs 1"], &["nodjs"]).unwrap_err();
    assert_eq!(error.to_string(), "`test` has no package `nodjs` for `amd64`, did you mean `nodejs`?");
    let error = solve(&["mawk 1; Provides: awk", "gawk 1; Provides: awk"], &["awk"]).unwrap_err();
    assert_eq!(error.to_string(), "`awk` is a virtual package, name one that provides it: gawk, mawk");
}

#[test]
fn essential_parts_of_the_same_source_stay_with_their_program() {
    let packages = [
        "perl 5; Depends: perl-base (= 5), dpkg (>= 1)",
        "perl-base 5; Essential: yes; Source: perl",
        "dpkg 1; Essential: yes",
    ];
    assert_eq!(solve(&packages, &["perl"]).unwrap(), ["perl", "perl-base"]);
}

#[test]
fn a_deep_search_ends() {
    // Every level has two ways that both fail at the bottom: without a limit that is 2^40 tries.
    let mut packages: Vec<String> =
        (0..40).map(|level| format!("p{level} 1; Depends: q{0} | r{0}", level + 1)).collect();
    for level in 1..41 {
        packages.push(format!("q{level} 1; Depends: p{level}"));
        packages.push(format!("r{level} 1; Depends: p{level}"));
    }
    let packages: Vec<&str> = packages.iter().map(String::as_str).collect();
    let error = solve(&packages, &["p0"]).unwrap_err();
    assert!(matches!(error, ComposeError::Unmet { .. }), "{error}");
}
