//! What is built of records answers as the records themselves do.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use plimsoll_advisories::{Builder, Database, DetailsTo, Query, SourceKind};
use proptest::prelude::*;

#[derive(Clone, Debug)]
struct Advisory {
    number: u8,
    package: u8,
    introduced: u8,
    fixed: u8,
}

impl Advisory {
    /// A fix below where the vulnerability came in ends nothing.
    fn affects(&self, version: u8) -> bool {
        self.introduced <= version && (version < self.fixed || self.fixed < self.introduced)
    }
}

fn advisories() -> impl Strategy<Value = Vec<Advisory>> {
    let one = (0..40_u8, 0..12_u8, 0..9_u8, 0..9_u8)
        .prop_map(|(number, package, introduced, fixed)| Advisory { number, package, introduced, fixed });
    proptest::collection::vec(one, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_database_says_what_its_records_say(advisories in advisories()) {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let mut records = String::from("[");
        for (place, advisory) in advisories.iter().enumerate() {
            let Advisory { number, package, introduced, fixed } = advisory;
            let comma = if place == 0 { "" } else { "," };
            write!(
                records,
                r#"{comma}{{"id":"TEST-{number}","summary":"number {number}","affected":[{{"package":{{"ecosystem":"npm","name":"package-{package}"}},
                "ranges":[{{"type":"SEMVER","events":[{{"introduced":"{introduced}.0.0"}},{{"fixed":"{fixed}.0.0"}}]}}]}}]}}"#
            )
            .expect("memory takes it");
        }
        records.push(']');
        std::fs::write(folder.path().join("all.json"), records).expect("it can be written");
        let mut builder = Builder::new(1, folder.path());
        builder.add(SourceKind::OsvDir, folder.path(), "all").expect("it can be read");
        let mut bytes = Vec::new();
        builder.finish(&mut bytes, DetailsTo::Database).expect("it can be built");
        let database = Database::from_bytes(bytes, "all").expect("it was just built");
        for package in 0..13_u8 {
            for version in 0..10_u8 {
                let expected: BTreeSet<String> = advisories
                    .iter()
                    .filter(|advisory| advisory.package == package)
                    .filter(|advisory| advisory.affects(version))
                    .map(|advisory| format!("TEST-{}", advisory.number))
                    .collect();
                let (name, version) = (format!("package-{package}"), format!("{version}.0.0"));
                let query =
                    Query { ecosystem: "npm", name: &name, version: &version, with_summaries: true };
                let found = database.find(&query).expect("the database is whole");
                let ids: BTreeSet<String> = found.findings.iter().map(|finding| finding.id.clone()).collect();
                prop_assert_eq!(&ids, &expected);
                prop_assert_eq!(found.findings.len(), expected.len());
                for finding in &found.findings {
                    let number = finding.id.strip_prefix("TEST-").expect("all are called so");
                    prop_assert_eq!(finding.summary.clone(), Some(format!("number {number}")));
                }
            }
        }
    }
}
