//! No name of a file and no text of a Dockerfile gets out of the field that it is put into.

use plimsoll_diagnostics::sanitize;
use plimsoll_dockerfile::{SourceFile, parse};
use plimsoll_lint::Options;
use plimsoll_lint::output::{Checked, checkstyle, github, gitlab, json, junit, sarif, text};
use serde_json::Value;

const NAME: &str = "./a,b::c\"><x>%0A\n::error::d/Dockerfile";

const TEXT: &str = "FROM scratch AS A\u{202e}\x1b[2J]]>\"'<&>%0A::error::x,title=y##vso[z]\n\
    RUNN::warning::\u{200b}<b>\n\
    FROM [a](https://x) AS a\n\
    ::set-output name=a::b\n\
    CMD x\n";

fn checked() -> Vec<Checked> {
    let file = SourceFile::new(NAME, TEXT);
    let parsed = parse(&file);
    let report = plimsoll_lint::check(&file, &parsed.dockerfile, &Options::default());
    let errors: Vec<_> =
        parsed.diagnostics.into_iter().filter(plimsoll_dockerfile::Diagnostic::is_error).collect();
    assert!(!errors.is_empty() && !report.findings.is_empty());
    vec![Checked { file, report, errors }]
}

fn count(files: &[Checked]) -> usize {
    files.iter().map(|checked| checked.errors.len() + checked.report.findings.len()).sum()
}

#[test]
fn nothing_hidden_is_in_any_shape() {
    let files = checked();
    let shapes = [
        text::findings(&files[0], false),
        json::document(&files),
        sarif::document(&files, "0"),
        github::commands(&files),
        gitlab::report(&files),
        junit::document(&files),
        checkstyle::document(&files),
    ];
    for shape in shapes {
        assert!(!shape.is_empty() && !shape.chars().any(sanitize::is_hidden), "{shape}");
    }
}

#[test]
fn json_holds_the_exact_name() {
    let files = checked();
    let answer: Value = serde_json::from_str(&json::document(&files)).unwrap();
    let findings = answer["findings"].as_array().unwrap();
    assert_eq!(findings.len(), count(&files));
    assert!(findings.iter().all(|finding| finding["file"] == NAME));
    let report: Value = serde_json::from_str(&gitlab::report(&files)).unwrap();
    let report = report.as_array().unwrap();
    assert_eq!(report.len(), findings.len());
    let mut prints: Vec<_> = report.iter().map(|entry| entry["fingerprint"].as_str().unwrap()).collect();
    prints.sort_unstable();
    prints.dedup();
    assert_eq!(prints.len(), report.len(), "every fingerprint is there once");
}

#[test]
fn every_line_for_github_is_one_command() {
    let files = checked();
    let commands = github::commands(&files);
    assert_eq!(commands.lines().count(), count(&files));
    for line in commands.lines() {
        let rest = line.strip_prefix("::").unwrap();
        let (command, _message) = rest.split_once("::").unwrap();
        let (level, properties) = command.split_once(' ').unwrap();
        assert!(["error", "warning", "notice"].contains(&level), "{line}");
        let names: Vec<_> = properties.split(',').map(|one| one.split_once('=').unwrap().0).collect();
        assert_eq!(names, ["file", "line", "endLine", "col", "endColumn", "title"], "{line}");
        assert!(!line.contains("%0A") || line.contains("%250A"), "{line}");
    }
}

#[test]
fn elements_are_as_many_as_findings() {
    let files = checked();
    for (document, element) in
        [(checkstyle::document(&files), "<error "), (junit::document(&files), "<failure ")]
    {
        assert_eq!(document.matches(element).count(), count(&files), "{document}");
        assert!(!document.contains("<x>") && !document.contains("<b>") && !document.contains("##"));
        // Each bracket of the text is encoded: what is left are elements.
        assert_eq!(document.matches('<').count(), document.matches('>').count(), "{document}");
    }
}

#[test]
fn sarif_makes_no_links_of_brackets() {
    let file = SourceFile::new("/Dockerfile", "FROM a\n[a](https://x)\n");
    let errors = parse(&file).diagnostics;
    let files = vec![Checked { file, report: plimsoll_lint::Report::default(), errors }];
    let answer: Value = serde_json::from_str(&sarif::document(&files, "0")).unwrap();
    let result = &answer["runs"][0]["results"][0];
    let message = result["message"]["text"].as_str().unwrap();
    assert!(message.contains("\\[a\\](https"), "{message}");
    let location = &result["locations"][0]["physicalLocation"];
    assert_eq!(location["artifactLocation"]["uri"], "file:///Dockerfile");
}

#[test]
fn a_clean_file_is_a_test_that_passed() {
    let file = SourceFile::new("Dockerfile", "FROM scratch\n");
    let files = vec![Checked { file, report: plimsoll_lint::Report::default(), errors: Vec::new() }];
    let document = junit::document(&files);
    assert!(document.contains("tests=\"1\" failures=\"0\"") && !document.contains("<failure"), "{document}");
    assert_eq!(checkstyle::document(&files).matches("<error").count(), 0);
    assert_eq!(github::commands(&files), "");
    assert_eq!(gitlab::report(&files), "[]\n");
}
