//! The shapes that programs read.

use plimsoll_dockerfile::{SourceFile, parse};
use plimsoll_lint::introspect::{Outline, Targets};
use plimsoll_lint::output::docker;
use plimsoll_lint::{Document, Options, Scope};
use plimsoll_oci::Platform;

use crate::support::{Situation, run};

const FILE: &str = "FROM scratch AS Builder\nCOPY . .\n\nLABEL a=b \\\n  c=$d\nCMD node\n";

#[test]
fn dockers_text_has_a_headline_and_an_excerpt_for_each_finding() {
    let file = SourceFile::new("./Dockerfile", FILE);
    let report = run(&file, &Situation::default());
    let text = docker::text(&file, &report, None);
    let start = "Check complete, 3 warnings have been found!\n\nWARNING: StageNameCasing - https://";
    assert!(text.starts_with(start), "{text}");
    let excerpt = "\nDockerfile:1\n--------------------\n\
        \x20  1 | >>> FROM scratch AS Builder\n\
        \x20  2 |     COPY . .\n\
        \x20  3 |     \n\
        --------------------\n";
    assert!(text.contains(excerpt), "{text}");
    let several = "\nDockerfile:4\n--------------------\n\
        \x20  3 |     \n\
        \x20  4 | >>> LABEL a=b \\\n\
        \x20  5 | >>>   c=$d\n\
        \x20  6 |     CMD node\n\
        --------------------\n";
    assert!(text.contains(several), "{text}");
}

#[test]
fn nothing_found_is_said() {
    let file = SourceFile::new("Dockerfile", "FROM scratch\n");
    let report = run(&file, &Situation::default());
    assert_eq!(docker::text(&file, &report, None), "Check complete, no warnings found.\n");
}

#[test]
fn dockers_json_has_line_ranges_the_source_and_the_error() {
    let file = SourceFile::new("a/Dockerfile", FILE);
    let error = plimsoll_dockerfile::Diagnostic::error("x", "no").at(plimsoll_dockerfile::Span::new(24, 26));
    let json = docker::json(&file, &run(&file, &Situation::default()), Some(&error));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let warning = &json["warnings"][1];
    assert_eq!(warning["ruleName"], "UndefinedVar");
    assert_eq!(warning["location"]["ranges"][0]["start"]["line"], 4);
    assert_eq!(warning["location"]["ranges"][0]["end"]["line"], 5);
    for member in ["description", "url", "detail"] {
        assert!(warning[member].as_str().is_some_and(|text| !text.is_empty()), "{member}");
    }
    assert_eq!(json["sources"][0]["filename"], "Dockerfile");
    assert_eq!(json["buildError"]["location"]["ranges"][0]["start"]["line"], 2);

    let clean = SourceFile::new("Dockerfile", "FROM scratch\n");
    let json = docker::json(&clean, &run(&clean, &Situation::default()), None);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(json["warnings"].is_null() && json.get("buildError").is_none());
}

const STAGES: &str = "\
ARG VER=1
ARG UNUSED
# builder of it all
FROM scratch AS builder
ARG TARGETPLATFORM
# VER to build
ARG VER
ARG X=$VER Y
RUN --mount=type=secret,id=a,required --mount=type=ssh --mount=type=cache,target=/c true
RUN --mount=type=secret,id=b,target=/b --mount=type=ssh,id=z,required true
FROM --platform=linux/arm64 builder
# Z and more
ARG Z=1
";

fn with<T>(scope: Scope<'_>, work: impl Fn(&Document<'_>) -> T) -> T {
    let file = SourceFile::new("Dockerfile", STAGES);
    let parsed = parse(&file);
    let options = Options { scope, platform: Some(Platform::new("linux", "amd64")), ..Options::default() };
    work(&Document::new(&file, &parsed.dockerfile, &options))
}

#[test]
fn targets_are_listed_with_the_default() {
    let text = with(Scope::Last, |document| Targets::of(document).to_text());
    assert_eq!(text, "TARGET    DESCRIPTION\nbuilder   of it all\n(default) \n");
    let json = with(Scope::Last, |document| Targets::of(document).to_json());
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["targets"][0]["name"], "builder");
    assert_eq!(json["targets"][0]["description"], "of it all");
    assert_eq!(json["targets"][0]["base"], "scratch");
    assert_eq!(json["targets"][1]["default"], true);
    assert_eq!(json["targets"][1]["platform"], "linux/arm64");
    assert_eq!(json["targets"][1]["location"]["ranges"][0]["start"]["line"], 11);
}

#[test]
fn an_outline_lists_arguments_secrets_and_agents() {
    let text = with(Scope::Target("builder"), |document| Outline::of(document).to_text());
    assert_eq!(
        text,
        "TARGET:      builder\nDESCRIPTION: of it all\n\n\
         BUILD ARG   VALUE   DESCRIPTION\nVER         1       to build\nX           1       \nY                   \n\n\
         SECRET   REQUIRED\na        true\nb        \n\n\
         SSH       REQUIRED\ndefault   \nz         true\n\n"
    );
    let json = with(Scope::Last, |document| Outline::of(document).to_json());
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(json.get("name").is_none());
    let names: Vec<_> = json["args"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["VER", "X", "Y", "Z"]);
    assert_eq!(json["args"][0]["location"]["ranges"][0]["start"]["line"], 1);
    assert_eq!(json["secrets"][0]["required"], true);
    assert!(json["ssh"][0].get("required").is_none());
}
