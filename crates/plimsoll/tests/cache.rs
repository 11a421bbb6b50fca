//! What runs again, and what does not.

use std::time::{Duration, SystemTime};

use crate::support::{BASE_STEPS, Lab};

const COMPILE: &str = "FROM base AS tools\n\
    RUN echo tools > /tools\n\
    FROM tools AS builder\n\
    COPY src /src\n\
    RUN wc -l < /src/main > /out\n\
    FROM base\n\
    COPY --from=builder /out /app/out\n\
    RUN cat /app/out > /app/copy\n";

#[test]
fn an_unchanged_build_runs_nothing_and_gives_the_same_image() {
    let lab = Lab::new();
    lab.write("src/main", "one\n");
    lab.dockerfile(COMPILE);
    let first = lab.build().ok();
    assert_eq!(first.steps_run(), BASE_STEPS + 5);
    assert_eq!(first.steps_cached(), 0);
    let second = lab.build().ok();
    assert_eq!(second.steps_run(), 0);
    assert_eq!(second.steps_cached(), BASE_STEPS + 5);
    assert_eq!(first.digest(), second.digest());
    assert!(second.names("vertex-started").is_empty());
}

#[test]
fn a_changed_source_runs_only_what_depends_on_it() {
    let lab = Lab::new();
    lab.write("src/main", "one\n");
    lab.dockerfile(COMPILE);
    let first = lab.build().ok();
    lab.write("src/main", "one\ntwo\n");
    let second = lab.build().ok();
    assert_eq!(second.steps_run(), 4, "{:?}", second.names("vertex-started"));
    assert!(!second.ran("echo tools"));
    assert!(second.ran("cat /app/out"));
    assert_ne!(first.digest(), second.digest());
    assert_eq!(second.image().file("app/copy").text(), "2\n");
}

#[test]
fn the_reason_names_the_changed_file() {
    let lab = Lab::new();
    lab.write("src/main", "one\n");
    lab.dockerfile(COMPILE);
    lab.build().ok();
    lab.write("src/main", "one\ntwo\n");
    let second = lab.build().ok();
    let reasons: Vec<_> = second.events.iter().filter(|event| event["event"] == "vertex-reason").collect();
    let named = reasons.iter().any(|event| event["reason"].as_str().unwrap().contains("src/main"));
    assert!(named, "no reason names `src/main`: {reasons:#?}");
}

#[test]
fn an_equal_result_of_a_changed_stage_leaves_the_image_untouched() {
    let lab = Lab::new();
    lab.write("src/main", "one\n");
    lab.dockerfile(COMPILE);
    let first = lab.build().ok();
    lab.write("src/main", "two\n");
    let second = lab.build().ok();
    assert_eq!(second.steps_run(), 2, "{:?}", second.names("vertex-started"));
    assert_eq!(first.digest(), second.digest());
}

#[test]
fn times_of_files_are_not_looked_at() {
    let lab = Lab::new();
    lab.write("src/main", "one\n");
    lab.dockerfile(COMPILE);
    let first = lab.build().ok();
    let file = std::fs::File::options().write(true).open(lab.path("src/main")).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_hours(24)).unwrap();
    let second = lab.build().ok();
    assert_eq!(second.steps_run(), 0);
    assert_eq!(first.digest(), second.digest());
}

#[test]
fn a_file_that_nothing_copies_changes_nothing() {
    let lab = Lab::new();
    lab.write("src/main", "one\n");
    lab.dockerfile(COMPILE);
    lab.build().ok();
    lab.write("README", "unrelated");
    assert_eq!(lab.build().ok().steps_run(), 0);
}

#[test]
fn without_the_cache_everything_runs() {
    let lab = Lab::new();
    lab.write("src/main", "one\n");
    lab.dockerfile(COMPILE);
    lab.build().ok();
    let again = lab.build().arg("--no-cache").ok();
    assert_eq!(again.steps_run(), BASE_STEPS + 5);
    assert_eq!(again.steps_cached(), 0);
}

#[test]
fn a_failed_step_is_shown_with_its_place_its_last_lines_and_its_log() {
    let lab = Lab::new();
    lab.dockerfile("RUN echo before; echo last words >&2; exit 7\n");
    let outcome = lab.build().fails(1);
    let line = lab.path("Dockerfile").display().to_string();
    assert!(outcome.stderr.contains(&format!("{line}:5:1")), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("exit code 7"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("note:   last words"), "{}", outcome.stderr);
    let log = outcome.stderr.split_whitespace().find(|word| word.contains("/logs-v0/")).unwrap();
    let text = std::fs::read_to_string(log).unwrap();
    assert!(text.contains("before") && text.contains("last words"), "{text}");
    assert!(outcome.metadata.is_none());
    // What ran before is kept; the failed step is not.
    lab.dockerfile("RUN echo before; echo last words >&2; exit 7\n# a comment\n");
    let again = lab.build().fails(1);
    assert_eq!(again.names("vertex-cached").len() as u64, BASE_STEPS);
    assert!(again.ran("last words"));
}

#[test]
fn a_declared_argument_is_in_the_key_and_another_is_not() {
    let lab = Lab::new();
    lab.dockerfile("ARG WORD=a\nRUN echo $WORD > /word\n");
    let first = lab.build().ok();
    let other = lab.build().args(["--build-arg", "WORD=b"]).ok();
    assert_eq!(other.steps_run(), 1);
    assert_eq!(other.image().file("word").text(), "b\n");
    let same = lab.build().args(["--build-arg", "UNKNOWN=b"]).ok();
    assert_eq!(same.steps_run(), 0);
    assert_eq!(first.digest(), same.digest());
}
