//! What hides findings.

use plimsoll_dockerfile::SourceFile;

use crate::support::{Situation, names, run};

const RELATIVE: &str = "relative-workdir";
const SHELL: &str = "shell-form-command";

#[test]
fn every_tools_comment_hides_a_finding_of_the_next_instruction() {
    for comment in [
        "# plimsoll allow=relative-workdir the base is ours",
        "# plimsoll allow=DL3000 until=2027-01-31",
        "# check=skip=WorkdirRelativePath",
        "# check=skip=all",
        "# hadolint ignore=DL3000",
        "# hadolint ignore=DL9999,DL3000 # why",
        "#trivy:ignore:DS-0009",
        "#trivy:ignore:AVD-DS-0009:exp:2027-01-31",
        "#trivy:ignore:*",
        "# hadolint ignore=relative-workdir",
    ] {
        let text = format!("FROM debian:13\n{comment}\nWORKDIR a\nCMD b\n");
        assert_eq!(names(&text), [SHELL], "{comment}");
        let text = format!("FROM scratch\nWORKDIR a\n{comment}\nCMD [\"b\"]\n");
        assert_eq!(names(&text), [RELATIVE], "{comment}");
    }
}

#[test]
fn a_comment_of_another_tool_hides_only_what_carries_an_id_of_that_tool() {
    // Docker's check accepts a relative directory behind the first.
    let text = "FROM scratch\nWORKDIR /a\n# check=skip=all\nWORKDIR b\n";
    assert_eq!(names(text), [RELATIVE]);
    let text = "FROM debian:13 AS Up\n#trivy:ignore:*\nCMD b\n";
    assert_eq!(names(text), ["stage-name-casing", SHELL]);
}

#[test]
fn what_is_over_hides_nothing() {
    for comment in ["# plimsoll allow=DL3000 until=2026-06-14", "#trivy:ignore:DS-0009:exp:2025-01-31"] {
        assert_eq!(names(&format!("FROM scratch\n{comment}\nWORKDIR a\n")), [RELATIVE], "{comment}");
    }
}

#[test]
fn whole_stages_and_files_are_hidden_too() {
    let two = "FROM scratch AS one\nWORKDIR a\nFROM scratch\nCOPY --from=one x /\nWORKDIR b\n";
    assert_eq!(names(two), [RELATIVE, RELATIVE]);
    assert_eq!(names(&format!("# hadolint stage ignore=DL3000\n{two}")), [RELATIVE]);
    for comment in [
        "# hadolint global ignore=DL3000",
        "# plimsoll allow-file=relative-workdir",
        "# check=skip=WorkdirRelativePath",
    ] {
        assert_eq!(names(&format!("{comment}\n{two}")), [""; 0], "{comment}");
    }
}

#[test]
fn the_directive_and_the_build_argument_choose_rules() {
    let text = "# check=skip=JSONArgsRecommended;error=true\nFROM scratch\nWORKDIR a\nCMD b\n";
    let file = SourceFile::new("Dockerfile", text);
    let report = run(&file, &Situation::default());
    assert!(report.is_strict);
    assert_eq!(report.suppressed, 1);
    assert_eq!(report.violations(), ["WorkdirRelativePath"]);

    let mut situation = Situation::default();
    situation.build_args.insert("BUILDKIT_DOCKERFILE_CHECK".to_owned(), "skip=all".to_owned());
    let report = run(&file, &situation);
    assert!(!report.is_strict && report.docker_findings().next().is_none());
    assert_eq!(report.suppressed, 2);

    let file = SourceFile::new("Dockerfile", "# check=experimental=all\n# x\nFROM scratch AS a\n");
    let report = run(&file, &Situation::default());
    assert!(report.findings.iter().any(|finding| finding.rule.name == "misplaced-description"));
}

#[test]
fn a_bad_directive_is_said() {
    let report =
        run(&SourceFile::new("Dockerfile", "# check=error=x\nFROM scratch\n"), &Situation::default());
    assert_eq!(report.problems.len(), 1);
    assert!(report.problems[0].message.contains("`x`"), "{:?}", report.problems);
    assert!(report.problems[0].span.is_some());
}

#[test]
fn stages_that_the_target_does_not_need_are_not_looked_at() {
    let text = "FROM scratch AS a\nWORKDIR x\nFROM scratch AS b\nWORKDIR x\nFROM a\nCOPY --from=a x /\n";
    let file = SourceFile::new("Dockerfile", text);
    let lines = |target: &str| {
        let situation = Situation { target: Some(target.to_owned()), ..Situation::default() };
        let report = run(&file, &situation);
        let found = report.findings.iter().filter(|finding| finding.rule.name == RELATIVE);
        let lines = found.map(|finding| file.line_of(finding.diagnostic.span.unwrap().start));
        lines.collect::<Vec<_>>()
    };
    assert_eq!(lines("2"), [2]);
    assert_eq!(lines("b"), [4]);
}
