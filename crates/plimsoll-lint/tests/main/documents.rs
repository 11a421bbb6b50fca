//! Every rule has a document `tests/rules/NAME.md`: prose, files, and behind each file what the rule finds in it.
//!
//! A `dockerfile` block without a `diagnostics` block behind it is one that the rule says nothing about. The words behind
//! `dockerfile` are the situation: `build-arg:NAME=VALUE`, `target:STAGE`, `require-label:KEY:TYPE`, `labels:strict`,
//! `trusted-registry:GLOB`, `enable:ID`. A `dockerignore` block in front is the context's
//! ignore file, a `context` block its files (`context guessed` when nobody said that it is the context), a `base NAME` block what is known of an image: `env NAME=VALUE`, `platform OS/ARCH`, `shell WORD…`,
//! `digest DIGEST`, `user NAME` and `files PATH…` (or `files none`) lines, and a `lock` block the whole names that `plimsoll.lock` has. In a `shellcheck` block each line `CODE LEVEL TEXT` is what `ShellCheck` says about every place of a
//! text. All of them count for the next file only. With `PLIMSOLL_BLESS=1` the `diagnostics` blocks are written.

use std::fmt::Write as _;
use std::path::PathBuf;

use plimsoll_dockerfile::{SourceFile, parse};
use plimsoll_lint::{Finding, Options, Rule, apply, fix, rules};
use plimsoll_oci::ImageConfig;
use proptest::prelude::*;

use crate::support::{Situation, platform, run};

#[test]
fn every_rule_has_a_document_and_finds_what_it_says() {
    let bless = std::env::var_os("PLIMSOLL_BLESS").is_some();
    let mut faults = String::new();
    for rule in rules() {
        let path = folder().join(format!("{}.md", rule.name));
        let Ok(text) = std::fs::read_to_string(&path) else {
            let _infallible = writeln!(faults, "{} has no document", rule.name);
            continue;
        };
        let actual = rewritten(rule, &text);
        assert!(actual.contains("```diagnostics"), "{}: no file of the document is reported", rule.name);
        if actual != text {
            if bless {
                std::fs::write(&path, actual).unwrap();
            } else {
                let _infallible = writeln!(faults, "── {} is\n{text}\n── and should be\n{actual}", rule.name);
            }
        }
    }
    assert!(faults.is_empty(), "{faults}\nrun with PLIMSOLL_BLESS=1 to take it over");
}

#[test]
fn fixing_twice_is_fixing_once_and_fixed_files_parse() {
    let errors = |text: &str| {
        let parsed = parse(&SourceFile::new("Dockerfile", text));
        parsed.diagnostics.iter().filter(|one| one.is_error()).count()
    };
    let options = Options { platform: Some(platform()), ..Options::default() };
    for rule in rules() {
        let document = std::fs::read_to_string(folder().join(format!("{}.md", rule.name))).unwrap();
        for part in document.split("```dockerfile").skip(1) {
            let body = part.split_once('\n').unwrap().1.split("```\n").next().unwrap();
            let once = fix(&SourceFile::new("Dockerfile", body), &options).text;
            let twice = fix(&SourceFile::new("Dockerfile", once.as_str()), &options).text;
            assert_eq!(once, twice, "{}", rule.name);
            assert!(errors(&once) <= errors(body), "{}: {once}", rule.name);
        }
    }
}

#[test]
fn every_document_belongs_to_a_rule() {
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(rules().iter().any(|rule| name == format!("{}.md", rule.name)), "{name}");
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/rules")
}

/// The document with the `diagnostics` blocks that its files lead to.
fn rewritten(rule: &'static Rule, text: &str) -> String {
    let mut out = String::new();
    let mut situation = Situation::default();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(words) = line.strip_prefix("```").filter(|words| !words.is_empty()) else {
            let _infallible = writeln!(out, "{line}");
            continue;
        };
        let mut body = String::new();
        for line in lines.by_ref().take_while(|line| *line != "```") {
            let _infallible = writeln!(body, "{line}");
        }
        let (kind, rest) = words.split_once(' ').unwrap_or((words, ""));
        if kind == "diagnostics" {
            // It was written behind its file already; what follows is one empty line.
            lines.next_if_eq(&"");
            continue;
        }
        let _infallible = writeln!(out, "{line}\n{body}```");
        match kind {
            "dockerignore" => situation.ignore_file = Some(body),
            "context" => {
                situation.context = Some(body);
                situation.context_is_guessed = rest == "guessed";
            }
            "shellcheck" => situation.shellcheck = Some(body),
            "base" => read_base(rest, &body, &mut situation),
            "lock" => situation.locked = Some(body.lines().map(str::to_owned).collect()),
            "dockerfile" => {
                let mut here = std::mem::take(&mut situation);
                read_words(rest, &mut here);
                here.enable.push(rule.name.to_owned());
                let found = diagnostics(rule, &body, &here);
                if !found.is_empty() {
                    let _infallible = writeln!(out, "\n```diagnostics\n{found}```");
                }
            }
            _ => {}
        }
    }
    // A block at the end leaves an empty line in front of what follows it only.
    while out.ends_with("\n\n") {
        out.pop();
    }
    out
}

fn read_words(words: &str, situation: &mut Situation) {
    for word in words.split(' ').filter(|word| !word.is_empty()) {
        let (key, value) = word.split_once(':').unwrap();
        match key {
            "build-arg" => {
                let (name, value) = value.split_once('=').unwrap();
                situation.build_args.insert(name.to_owned(), value.to_owned());
            }
            "require-label" => {
                let (name, kind) = value.split_once(':').unwrap();
                situation.label_schema.push((name.to_owned(), kind.parse().unwrap()));
            }
            "labels" => situation.strict_labels = value == "strict",
            "trusted-registry" => situation.trusted_registries.push(value.to_owned()),
            "enable" => situation.enable.push(value.to_owned()),
            "target" => situation.target = Some(value.to_owned()),
            other => panic!("unknown word `{other}`"),
        }
    }
}

fn read_base(name: &str, body: &str, situation: &mut Situation) {
    let mut config = ImageConfig::empty(&platform());
    for line in body.lines() {
        let (key, value) = line.split_once(' ').unwrap();
        match key {
            "env" => config.config.env.push(value.to_owned()),
            "files" => {
                let paths = value.split(' ').filter(|path| *path != "none").map(str::to_owned).collect();
                situation.base_files.insert(name.to_owned(), paths);
            }
            "digest" => drop(situation.digests.insert(name.to_owned(), value.parse().unwrap())),
            "user" => value.clone_into(&mut config.config.user),
            "shell" => config.config.shell = Some(value.split(' ').map(str::to_owned).collect()),
            "platform" => {
                let platform: plimsoll_oci::Platform = value.parse().unwrap();
                config.os = platform.os;
                config.architecture = platform.architecture;
                config.variant = platform.variant;
            }
            other => panic!("unknown key `{other}`"),
        }
    }
    situation.bases.insert(name.to_owned(), config);
}

fn diagnostics(rule: &'static Rule, text: &str, situation: &Situation) -> String {
    let file = SourceFile::new("Dockerfile", text);
    let report = run(&file, situation);
    let mut out = String::new();
    for finding in report.findings.iter().filter(|finding| finding.rule == rule) {
        describe(&file, finding, &mut out);
    }
    out
}

fn describe(file: &SourceFile, finding: &Finding, out: &mut String) {
    let diagnostic = &finding.diagnostic;
    let span = diagnostic.span.unwrap();
    let (start, end) = (file.line_column(span.start), file.line_column(span.end));
    let place = if start.line == end.line {
        format!("{}:{}-{}", start.line, start.column, end.column)
    } else {
        format!("{}:{}-{}:{}", start.line, start.column, end.line, end.column)
    };
    let _infallible = writeln!(out, "{place} {}: {}", diagnostic.severity, diagnostic.message);
    for note in &diagnostic.notes {
        let _infallible = writeln!(out, "    note: {note}");
    }
    for label in &diagnostic.labels {
        let _infallible = writeln!(out, "    line {}: {}", file.line_of(label.span.start), label.text);
    }
    if let Some(hint) = &diagnostic.hint {
        let _infallible = writeln!(out, "    hint: {hint}");
    }
    if !finding.aliases.is_empty() {
        let _infallible = writeln!(out, "    also: {}", finding.aliases.join(", "));
    }
    if let Some(fix) = &diagnostic.fix {
        let kind = if finding.fix_is_safe { "fix" } else { "unsafe fix" };
        let _infallible = writeln!(out, "    {kind}: {}", fix.message);
        let fixed = apply(file.text(), &fix.edits);
        let (old, new): (Vec<&str>, Vec<&str>) = (file.text().lines().collect(), fixed.lines().collect());
        let same = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
        let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
        let tail = tail.min(old.len().min(new.len()) - same);
        for line in &new[same..new.len() - tail] {
            let _infallible = writeln!(out, "    | {line}");
        }
    }
}

proptest! {
    #[test]
    fn no_text_stops_the_rules_and_fixes_parse(
        lines in proptest::collection::vec(
            "(FROM|from|RUN|COPY|ADD|ENV|ARG|CMD|USER|WORKDIR|EXPOSE|LABEL|ONBUILD|SHELL|MAINTAINER|HEALTHCHECK|# hadolint ignore=) \
             ?(--from=|--platform=|apt-get install|pip install|cd|\\[\"a\")?[a-c0-9 $\\{\\}=:/@\"'|&;<.,\\\\é-]{0,20}",
            0..8,
        )
    ) {
        let text = lines.join("\n");
        let file = SourceFile::new("Dockerfile", text.as_str());
        let options = Options { platform: Some(platform()), ..Options::default() };
        let fixed = fix(&file, &options).text;
        let errors = |text: &str| {
            let parsed = parse(&SourceFile::new("Dockerfile", text));
            parsed.diagnostics.iter().filter(|one| one.is_error()).count()
        };
        prop_assert!(errors(&fixed) <= errors(&text));
        let again = fix(&SourceFile::new("Dockerfile", fixed.as_str()), &options).text;
        prop_assert_eq!(again, fixed);
    }
}
