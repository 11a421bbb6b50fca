//! What people read.

use std::collections::BTreeSet;

use plimsoll_packages::Kind;
use plimsoll_report::{Format, Options, write};
use plimsoll_scan::Report;
use plimsoll_scan::report::Severity;
use unicode_width::UnicodeWidthStr as _;

use crate::reports::{image, location, package, plain, summarised, vulnerability};

fn table(report: &Report, options: &Options) -> String {
    write(Format::Table, std::slice::from_ref(report), options)
}

#[test]
fn a_report_reads_well_at_eighty_columns() {
    let shown = table(&image(), &Options::default());
    let expected = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/table.txt");
    if std::env::var_os("PLIMSOLL_BLESS").is_some() {
        std::fs::write(expected, &shown).unwrap();
    }
    assert_eq!(shown, std::fs::read_to_string(expected).unwrap());
    assert!(shown.lines().all(|line| line.width() <= 80), "{shown}");
}

#[test]
fn a_wider_terminal_shows_more_of_a_title() {
    let shown = table(&image(), &Options { columns: 150, ..Options::default() });
    assert!(shown.contains("lets a host that is connected to run code"), "{shown}");
    assert!(shown.lines().all(|line| line.width() <= 150), "{shown}");
}

#[test]
fn a_narrow_terminal_still_shows_what_matters() {
    let shown = table(&image(), &Options { columns: 40, ..Options::default() });
    assert!(shown.contains("CRITICAL    CVE-2024-0002"), "{shown}");
}

#[test]
fn what_is_not_selected_is_counted_and_unknown_is_always_there() {
    let severities = BTreeSet::from([Severity::Critical]);
    let shown = table(&image(), &Options { severities, ..Options::default() });
    assert!(shown.contains("1 critical, 3 high, 0 medium, 1 low, 0 negligible, 1"), "{shown}");
    assert!(shown.contains("5 not shown (only critical)"), "{shown}");
    assert!(shown.contains("1; 1 not shown (only critical)"), "{shown}");
    assert!(!shown.contains("CVE-2024-0001") && !shown.contains("id_ed25519"), "{shown}");
}

#[test]
fn without_a_database_packages_count_and_the_way_to_one_is_shown() {
    let mut report = plain("example/app:1.0", image().packages);
    report.database = None;
    let shown = table(&report, &Options::default());
    assert!(shown.contains("7: 4 deb, 1 maven, 1 npm, 1 pypi"), "{shown}");
    assert!(shown.contains("no database was asked") && shown.contains("plimsoll db build"), "{shown}");
    assert!(!shown.contains("0 critical"), "{shown}");
}

#[test]
fn a_release_that_has_ended_is_never_without_vulnerabilities() {
    let mut report = plain("example/app:1.0", Vec::new());
    let system = report.os.as_mut().unwrap();
    system.name = "Debian GNU/Linux 9 (stretch)".to_owned();
    system.end_of_life = Some("2022-06-30".to_owned());
    system.is_past_end_of_life = true;
    let shown = table(&report, &Options::default());
    assert!(shown.contains("no fixes since 2022-06-30") && shown.contains("not known"), "{shown}");
    assert!(!shown.contains("0 critical"), "{shown}");
}

#[test]
fn what_is_left_out_for_another_reason_is_counted_too() {
    let mut report = image();
    report.summary.known_before = 7;
    report.summary.suppressed = 2;
    report.summary.public_secrets = 3;
    let shown = table(&report, &Options::default());
    assert!(shown.contains("4 have a fix; 7 not new; 2 suppressed"), "{shown}");
    assert!(shown.contains("1; 3 more in what anybody can fetch"), "{shown}");
}

#[test]
fn the_dockerfile_of_the_image_goes_before_the_callers() {
    let mut report = image();
    report.target.dockerfile = Some("deploy/Containerfile".to_owned());
    let shown = table(&report, &Options::default());
    assert!(shown.contains("from deploy/Containerfile:5: RUN") && !shown.contains("Dockerfile"), "{shown}");
    let commands = write(Format::Github, std::slice::from_ref(&report), &Options::default());
    assert!(commands.starts_with("::error file=deploy/Containerfile,line=5,"), "{commands}");
    let sarif = write(Format::Sarif, &[report], &Options::default());
    assert!(sarif.contains("\"uri\": \"deploy/Containerfile\""), "{sarif}");
}

#[test]
fn long_lists_are_cut_with_the_way_to_see_all() {
    let linux = package(Kind::Deb, "linux", "6.1", location("var/lib/dpkg/status", None, 0));
    let mut report = plain("example/app:1.0", vec![linux.clone()]);
    let many = (0..50).map(|at| vulnerability(&format!("CVE-2024-{at:04}"), Severity::Low, &linux));
    report.vulnerabilities = many.collect();
    let report = summarised(report);
    let shown = table(&report, &Options::default());
    assert!(shown.contains("CVE-2024-0009") && !shown.contains("CVE-2024-0010"), "{shown}");
    assert!(shown.contains("40 more vulnerabilities: `--all` shows them"), "{shown}");
    let all = table(&report, &Options { all: true, ..Options::default() });
    assert!(all.contains("CVE-2024-0049") && !all.contains("--all"), "{all}");
}

#[test]
fn colours_change_nothing_else() {
    let colored = table(&image(), &Options { color: true, ..Options::default() });
    assert!(colored.contains("\x1b[1;31mCRITICAL\x1b[0m"), "{colored}");
    let mut plain = colored;
    while let Some(start) = plain.find('\x1b') {
        let end = start + plain[start..].find('m').unwrap();
        plain.replace_range(start..=end, "");
    }
    assert_eq!(plain, table(&image(), &Options::default()));
}
