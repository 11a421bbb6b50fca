//! A folder of records in place of a database.

use plimsoll_advisories::{Database, DatabaseError};

use crate::support::{find, fixture};

#[test]
fn a_flat_folder_of_records_is_a_database() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    std::fs::copy(fixture("osv/GHSA-aaaa-bbbb-cccc.json"), folder.path().join("private.json"))
        .expect("it is there");
    let yaml = fixture("osv/nested/PYSEC-2024-7.yaml");
    std::fs::copy(yaml, folder.path().join("another one.yml")).expect("it is there");
    std::fs::write(folder.path().join("broken.json"), "{").expect("it can be written");
    let (database, report) = Database::from_folder(folder.path(), folder.path()).expect("it can be read");
    assert_eq!((report.records, report.skipped, report.rows), (2, 1, 3));
    assert_eq!(report.skips[0].name, "broken.json");
    assert_eq!(find(&database, "npm", "example-lib", "1.4.1")[0].id, "CVE-2024-1001");
    assert_eq!(find(&database, "npm", "example-lib", "1.4.2"), []);
    assert_eq!(find(&database, "PyPI", "example-templates", "2.4").len(), 1);
    assert!(database.has_details());
}

#[test]
fn an_empty_folder_is_an_error() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let refused = Database::from_folder(folder.path(), folder.path()).map(|_| ());
    assert!(matches!(refused, Err(DatabaseError::Folder(_))), "{refused:?}");
}
