//! A check of a text.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use plimsoll_dockerfile::ignore::IgnoreFile;
use plimsoll_dockerfile::{Severity, SourceFile, parse};
use plimsoll_lint::shellcheck::{Comment, CommentFix, Replacement};
use plimsoll_lint::{
    BaseFacts, BaseFiles, BuildContext, ContextEntry, EntryKind, LabelType, Listing, Options, Report, Scope,
    check,
};
use plimsoll_oci::{Digest, ImageConfig, Platform};

/// What a check of a test knows besides the text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Situation {
    pub(crate) build_args: BTreeMap<String, String>,
    pub(crate) target: Option<String>,
    pub(crate) enable: Vec<String>,
    pub(crate) ignore_file: Option<String>,
    /// The files of the context: `PATH`, `PATH BYTES` or `PATH = TEXT` in lines; `\\n` in a text is the end of a line.
    pub(crate) context: Option<String>,
    /// Whether nobody said that it is the context.
    pub(crate) context_is_guessed: bool,
    pub(crate) bases: BTreeMap<String, ImageConfig>,
    pub(crate) digests: BTreeMap<String, Digest>,
    /// The paths of the files of images.
    pub(crate) base_files: BTreeMap<String, Vec<String>>,
    /// The names that the lock has, whole; nothing when there is no lock.
    pub(crate) locked: Option<BTreeSet<String>>,
    pub(crate) label_schema: Vec<(String, LabelType)>,
    pub(crate) strict_labels: bool,
    pub(crate) trusted_registries: Vec<String>,
    pub(crate) severities: Vec<(String, Severity)>,
    pub(crate) shellcheck: Option<String>,
}

/// The platform of tests.
pub(crate) fn platform() -> Platform {
    Platform::new("linux", "amd64")
}

/// Checks a text.
pub(crate) fn run(file: &SourceFile, situation: &Situation) -> Report {
    let ignore_file = situation.ignore_file.as_deref().map(|text| IgnoreFile::parse(text).0);
    let bases = |name: &str, _: &Platform| {
        let config = situation.bases.get(name)?.clone();
        let files = situation
            .base_files
            .get(name)
            .map(|paths| Rc::new(TestFiles { paths: paths.clone() }) as Rc<dyn BaseFiles>);
        Some(BaseFacts { config, digest: situation.digests.get(name).copied(), files })
    };
    let context = situation.context.as_deref().map(|files| TestContext::new(files, situation));
    let ask = |script: &str| answers(situation.shellcheck.as_deref().unwrap_or_default(), script);
    let options = Options {
        scope: situation.target.as_deref().map_or(Scope::All, Scope::Target),
        build_args: situation.build_args.clone(),
        platform: Some(platform()),
        enable: situation.enable.clone(),
        ignore_file: ignore_file.as_ref(),
        context: context.as_ref().map(|context| context as &dyn BuildContext),
        label_schema: situation.label_schema.clone(),
        strict_labels: situation.strict_labels,
        trusted_registries: situation.trusted_registries.clone(),
        severities: situation.severities.clone(),
        locked: situation.locked.clone(),
        bases: Some(&bases),
        today: Some("2026-06-15".to_owned()),
        shellcheck: situation.shellcheck.is_some().then_some(&ask),
        ..Options::default()
    };
    check(file, &parse(file).dockerfile, &options)
}

/// The files of an image, by their paths.
struct TestFiles {
    paths: Vec<String>,
}

impl BaseFiles for TestFiles {
    fn has_file(&self, path: &str) -> Option<bool> {
        Some(self.paths.iter().any(|own| own == path))
    }

    fn names(&self, directory: &str) -> Option<Vec<String>> {
        let below = self.paths.iter().filter_map(|path| path.strip_prefix(directory)?.strip_prefix('/'));
        Some(below.map(|rest| rest.split('/').next().unwrap().to_owned()).collect())
    }
}

/// What a stand-in for `ShellCheck` says about a script: its lines are `CODE LEVEL TEXT`, and the text is what it is about. Where
/// the text is a variable, it proposes quotes around it.
fn answers(lines: &str, script: &str) -> Vec<Comment> {
    let mut comments = Vec::new();
    for line in lines.lines() {
        let [code, level, text] = line.splitn(3, ' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        for (at, _) in script.match_indices(text) {
            let line = script[..at].matches('\n').count() + 1;
            let column = script[..at].rsplit('\n').next().unwrap().chars().count() + 1;
            let end = column + text.chars().count();
            let quote = |column, insertion_point: &str| Replacement {
                line,
                end_line: line,
                column,
                end_column: column,
                insertion_point: insertion_point.to_owned(),
                replacement: "\"".to_owned(),
            };
            let replacements = vec![quote(column, "afterEnd"), quote(end, "beforeStart")];
            comments.push(Comment {
                file: String::new(),
                line,
                end_line: line,
                column,
                end_column: end,
                level: serde_json::from_value(level.into()).unwrap(),
                code: code.parse().unwrap(),
                message: format!("ShellCheck's words about {text}"),
                fix: text.starts_with('$').then_some(CommentFix { replacements }),
            });
        }
    }
    comments
}

/// The names of the rules that find something in a text, each as often as it does; without what is missing in short texts.
pub(crate) fn names(text: &str) -> Vec<&'static str> {
    let report = run(&SourceFile::new("Dockerfile", text), &Situation::default());
    let names = report.findings.iter().map(|finding| finding.rule.name);
    let short = ["root-user", "no-health-check", "unknown-rule-in-comment", "unused-suppression"];
    names.filter(|name| !short.contains(name)).collect()
}

/// A build context that is lines of text.
struct TestContext {
    listing: Listing,
    texts: BTreeMap<String, String>,
    ignore: Option<SourceFile>,
    is_guessed: bool,
}

impl TestContext {
    fn new(lines: &str, situation: &Situation) -> Self {
        let ignore =
            situation.ignore_file.as_ref().map(|text| SourceFile::new(".dockerignore", text.as_str()));
        let patterns = ignore.as_ref().map(|file| IgnoreFile::parse(file.text()).0).unwrap_or_default();
        let mut sizes: BTreeMap<String, Option<u64>> = BTreeMap::new();
        let mut texts = BTreeMap::new();
        for line in lines.lines() {
            let (path, size) = if let Some((path, text)) = line.split_once(" = ") {
                texts.insert(path.to_owned(), text.replace("\\n", "\n"));
                (path, text.len() as u64)
            } else {
                line.split_once(' ').map_or((line, 1), |(path, size)| (path, size.parse().unwrap()))
            };
            for (at, _) in path.match_indices('/') {
                sizes.insert(path[..at].to_owned(), None);
            }
            sizes.insert(path.to_owned(), Some(size));
        }
        let mut entries: Vec<ContextEntry> = Vec::new();
        for (path, size) in &sizes {
            let closed = |(at, _)| {
                let folder = &path.as_bytes()[..at];
                patterns.matches(folder).ignored && !patterns.may_contain_exception_below(folder)
            };
            if path.match_indices('/').any(closed) {
                continue;
            }
            let decision = patterns.matches(path.as_bytes());
            let below = format!("{path}/");
            let is_kept = |path: &String| !patterns.matches(path.as_bytes()).ignored;
            let any_below = || sizes.keys().any(|other| other.starts_with(&below) && is_kept(other));
            entries.push(ContextEntry {
                path: path.clone(),
                kind: if size.is_some() { EntryKind::File } else { EntryKind::Directory },
                size_bytes: size.unwrap_or_default(),
                is_kept: !decision.ignored || any_below(),
                line: decision.line,
            });
        }
        Self { listing: Listing::new(entries, true), texts, ignore, is_guessed: situation.context_is_guessed }
    }
}

impl BuildContext for TestContext {
    fn listing(&self) -> Option<&Listing> {
        Some(&self.listing)
    }

    fn read(&self, path: &str) -> Option<String> {
        self.texts.get(path).cloned()
    }

    fn ignore_source(&self) -> Option<&SourceFile> {
        self.ignore.as_ref()
    }

    fn is_guessed(&self) -> bool {
        self.is_guessed
    }
}
