//! What is said about a Dockerfile: as warnings of a build, and as answers to `--call`.

use serde_json::Value;

use crate::support::Lab;

const SLOPPY: &str = "FROM scratch AS Unused\nFROM scratch AS app\nWORKDIR sub\nCMD node server.js\n";

fn lab(text: &str) -> Lab {
    let lab = Lab::new();
    lab.write("Dockerfile", text);
    lab
}

#[test]
fn a_check_answers_in_dockers_text_with_exit_code_1() {
    let lab = lab(SLOPPY);
    for arguments in [&["--check"][..], &["--call=check"], &["--call", "lint,format=text"]] {
        let outcome = lab.build().args(arguments).run_as_typed();
        assert_eq!(outcome.code, 1, "{}", outcome.stderr);
        assert!(
            outcome.stdout.starts_with("Check complete, 3 warnings have been found!\n"),
            "{}",
            outcome.stdout
        );
        let headlines: Vec<_> =
            outcome.stdout.lines().filter_map(|line| line.strip_prefix("WARNING: ")).collect();
        let names: Vec<_> = headlines.iter().map(|line| line.split(" - https://").next().unwrap()).collect();
        assert_eq!(names, ["StageNameCasing", "WorkdirRelativePath", "JSONArgsRecommended"]);
        assert!(outcome.stdout.contains("   4 | >>> CMD node server.js\n"), "{}", outcome.stdout);
        assert_eq!(outcome.stderr, "");
    }
}

#[test]
fn a_check_answers_in_dockers_json() {
    let lab = lab(SLOPPY);
    let outcome = lab.build().arg("--call=check,format=json").run_as_typed();
    assert_eq!(outcome.code, 1, "{}", outcome.stderr);
    let answer: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(answer["warnings"].as_array().unwrap().len(), 3);
    assert_eq!(answer["warnings"][2]["location"]["ranges"][0]["start"]["line"], 4);
}

#[test]
fn a_clean_file_is_exit_code_0() {
    let outcome = lab("FROM scratch\nWORKDIR /\n").build().arg("--check").run_as_typed();
    assert_eq!((outcome.code, outcome.stdout.as_str()), (0, "Check complete, no warnings found.\n"));
}

#[test]
fn an_error_is_said_beside_the_findings() {
    let lab = lab("FROM scratch AS A\nCOPY --from=nowhere: a /\n");
    let outcome = lab.build().arg("--check").run_as_typed();
    assert_eq!(outcome.code, 1);
    assert!(outcome.stdout.contains("StageNameCasing"), "{}", outcome.stdout);
    assert!(
        outcome.stderr.contains("ERROR: ") && outcome.stderr.contains("   2 | >>> COPY"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_check_leaves_no_record_of_a_build() {
    let lab = lab(SLOPPY);
    lab.build().arg("--check").run_as_typed();
    let logs = lab.store().join("logs-v0");
    assert_eq!(std::fs::read_dir(&logs).map_or(0, Iterator::count), 0);
}

#[test]
fn a_build_warns_of_the_stages_that_it_builds() {
    let outcome = lab(SLOPPY).build().args(["--progress", "plain"]).run_as_typed();
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    for (text, said) in [
        ("warning[WorkdirRelativePath]", true),
        ("--> ", true),
        ("Dockerfile:3:9", true),
        ("warning[JSONArgsRecommended]", true),
        // The names of stages are looked at in any case, as Docker does.
        ("warning[StageNameCasing]", true),
    ] {
        assert_eq!(outcome.stderr.contains(text), said, "{text}: {}", outcome.stderr);
    }
    let text = "FROM scratch AS other\nWORKDIR sub\nFROM scratch\nWORKDIR /\n";
    let outcome = lab(text).build().args(["--progress", "plain"]).run_as_typed();
    assert!(!outcome.stderr.contains("WorkdirRelativePath"), "{}", outcome.stderr);
}

#[test]
fn a_strict_file_fails_before_anything_runs() {
    let lab = Lab::new();
    lab.write("Dockerfile", "# check=error=true\nFROM scratch\nCOPY Dockerfile /\nCMD node\n");
    let outcome = lab.build().fails(1);
    assert!(outcome.stderr.contains("error[JSONArgsRecommended]"), "{}", outcome.stderr);
    assert!(outcome.names("vertex-started").is_empty(), "{}", outcome.stderr);
    let skip = ["--build-arg", "BUILDKIT_DOCKERFILE_CHECK=skip=JSONArgsRecommended;error=true"];
    lab.build().args(skip).ok();
}

#[test]
fn targets_and_outline_are_listed_without_a_store() {
    let text = "# VER of it\nARG VER=1\nFROM scratch AS a\nARG VER\n# b the second\nFROM a AS b\nARG X=2\n";
    let lab = lab(text);
    let ask = |arguments: &[&str]| {
        let outcome = lab.build().args(arguments).run_as_typed();
        assert_eq!(outcome.code, 0, "{}", outcome.stderr);
        outcome.stdout
    };
    assert_eq!(ask(&["--call=targets"]), "TARGET      DESCRIPTION\na           \nb (default) the second\n");
    let outline = "TARGET: a\n\nBUILD ARG   VALUE   DESCRIPTION\nVER         7       of it\n\n";
    assert_eq!(ask(&["--call=outline", "--target", "a", "--build-arg", "VER=7"]), outline);
    let json: Value = serde_json::from_str(&ask(&["--call=outline,format=json"])).unwrap();
    assert_eq!(json["args"][1]["name"], "X");
    assert!(!lab.store().exists());

    let outcome = lab.build().args(["--call=outline", "--target", "c"]).run_as_typed();
    assert_eq!(outcome.code, 2, "{}", outcome.stderr);
    let outcome = lab.build().arg("--call=nonsense").run_as_typed();
    assert_eq!(outcome.code, 2, "{}", outcome.stderr);
}
