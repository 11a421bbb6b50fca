//! A check of a text.

use std::collections::BTreeMap;

use plimsoll_dockerfile::ignore::IgnoreFile;
use plimsoll_dockerfile::{Severity, SourceFile, parse};
use plimsoll_lint::{BaseFacts, LabelType, Options, Report, Scope, check};
use plimsoll_oci::{ImageConfig, Platform};

/// What a check of a test knows besides the text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Situation {
    pub(crate) build_args: BTreeMap<String, String>,
    pub(crate) target: Option<String>,
    pub(crate) enable: Vec<String>,
    pub(crate) ignore_file: Option<String>,
    pub(crate) bases: BTreeMap<String, ImageConfig>,
    pub(crate) label_schema: Vec<(String, LabelType)>,
    pub(crate) strict_labels: bool,
    pub(crate) trusted_registries: Vec<String>,
    pub(crate) severities: Vec<(String, Severity)>,
}

/// The platform of tests.
pub(crate) fn platform() -> Platform {
    Platform::new("linux", "amd64")
}

/// Checks a text.
pub(crate) fn run(file: &SourceFile, situation: &Situation) -> Report {
    let ignore_file = situation.ignore_file.as_deref().map(|text| IgnoreFile::parse(text).0);
    let bases = |name: &str, _: &Platform| {
        situation.bases.get(name).map(|config| BaseFacts { config: config.clone() })
    };
    let options = Options {
        scope: situation.target.as_deref().map_or(Scope::All, Scope::Target),
        build_args: situation.build_args.clone(),
        platform: Some(platform()),
        enable: situation.enable.clone(),
        ignore_file: ignore_file.as_ref(),
        label_schema: situation.label_schema.clone(),
        strict_labels: situation.strict_labels,
        trusted_registries: situation.trusted_registries.clone(),
        severities: situation.severities.clone(),
        bases: Some(&bases),
        today: Some("2026-06-15".to_owned()),
        ..Options::default()
    };
    check(file, &parse(file).dockerfile, &options)
}

/// The names of the rules that find something in a text, each as often as it does; without what is missing in short texts.
pub(crate) fn names(text: &str) -> Vec<&'static str> {
    let report = run(&SourceFile::new("Dockerfile", text), &Situation::default());
    let names = report.findings.iter().map(|finding| finding.rule.name);
    let short = ["root-user", "no-health-check", "unknown-rule-in-comment", "unused-suppression"];
    names.filter(|name| !short.contains(name)).collect()
}
