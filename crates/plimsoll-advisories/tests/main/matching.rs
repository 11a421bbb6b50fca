//! Queries against a database.

use std::fs::File;

use plimsoll_advisories::{Builder, Database, DatabaseError, DetailsTo, NotComparable, Query, SourceKind};

use crate::support::{ALL, BUILT, bytes, database, fixture};

#[test]
fn a_version_that_cannot_be_compared_is_said_so() {
    let (database, _) = database(&[(SourceKind::OsvDir, "osv")]);
    let find = |name| {
        let query = Query { ecosystem: "npm", name, version: "latest", with_summaries: false };
        database.find(&query).expect("the database is whole")
    };
    let found = find("example-lib");
    assert_eq!(found.findings, []);
    assert_eq!(found.not_comparable, [NotComparable { id: "CVE-2024-1001".to_owned() }]);
    assert_eq!(find("unknown").not_comparable, []);
}

#[test]
fn the_same_sources_make_the_same_bytes() {
    let (first, report) = bytes(&ALL);
    let (second, _) = bytes(&ALL);
    assert!(first == second);
    let database = Database::from_bytes(first, "fixtures").expect("it was just built");
    assert_eq!(database.built(), BUILT);
    assert_eq!((database.packages(), database.entries()), (report.packages, report.entries));
    assert_eq!(database.sources().len(), ALL.len());
    assert_eq!(database.sources()[1].kind, "debian-tracker");
    assert!(database.covers("Debian:12") && database.covers("npm"));
    assert!(!database.covers("Fedora:40") && !database.covers("Alpine:v3.19"));
}

#[test]
fn details_may_be_apart_or_absent() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let build = |source: &str, details: DetailsTo<'_>, path: &str| {
        let mut builder = Builder::new(BUILT, directory.path());
        builder.add(SourceKind::OsvDir, &fixture(source), "osv").expect("it can be read");
        let path = directory.path().join(path);
        builder.finish(&mut File::create(&path).expect("it can be made"), details).expect("it can be built");
        path
    };
    let details = directory.path().join("details");
    let mut file = File::create(&details).expect("it can be made");
    let apart = build("osv", DetailsTo::File(&mut file), "apart");
    let absent = build("osv", DetailsTo::Nowhere, "absent");
    let whole = build("osv", DetailsTo::Database, "whole");
    let other = build("osv/nested", DetailsTo::Database, "other");
    assert_eq!(std::fs::read(&apart).expect("it is there"), std::fs::read(&absent).expect("it is there"));

    let summary = |database: &Database| {
        let query = Query { ecosystem: "npm", name: "example-lib", version: "1.0.0", with_summaries: true };
        database.find(&query).expect("it is whole").findings[0].summary.clone()
    };
    let known = Some("Example parser reads past its input".to_owned());
    assert_eq!(summary(&Database::open(&whole).expect("it is whole")), known);
    assert_eq!(summary(&Database::open(&apart).expect("it is whole")), None);
    assert_eq!(summary(&Database::open_with_details(&apart, &details).expect("they fit")), known);
    let refused = Database::open_with_details(&apart, &other).map(|_| ());
    assert!(matches!(refused, Err(DatabaseError::OtherDetails { .. })), "{refused:?}");
    let refused = Database::open(&details).map(|_| ());
    assert!(matches!(refused, Err(DatabaseError::Corrupt { .. })), "{refused:?}");
    let refused = Database::open(&fixture("kev.json")).map(|_| ());
    assert!(matches!(refused, Err(DatabaseError::NotADatabase { .. })), "{refused:?}");
    let refused = Database::open(directory.path()).map(|_| ());
    assert!(matches!(refused, Err(DatabaseError::Read { .. })), "{refused:?}");
}
