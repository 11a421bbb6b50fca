//! `plimsoll check`: what is probably wrong with Dockerfiles.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use anyhow::{Context as _, Result, bail};
use plimsoll_diagnostics::{Diagnostic, Severity, SourceFile, did_you_mean, sanitize};
use plimsoll_dockerfile::ignore::IgnoreFile;
use plimsoll_dockerfile::parse;
use plimsoll_export::Image;
use plimsoll_lint::output::{Checked, json, sarif, text};
use plimsoll_lint::{BaseFacts, Finding, LabelType, Options, Scope, fix, is_known_id, known_ids, rules};
use plimsoll_oci::{Platform, Reference};
use plimsoll_store::Store;

use crate::commands::images::answer;
use crate::environment::{self, GlobalArgs, Host};
use crate::exit;
use crate::namespace::Standing;
use crate::output::{Align, Table, terminal_width};
use crate::variables;

/// A Dockerfile larger than this many bytes is none.
const LARGEST: u64 = 16 << 20;

/// A folder is not searched further than this many entries.
const MOST_ENTRIES: usize = 100_000;

/// Say what is probably wrong with Dockerfiles, and fix what can be fixed
///
/// Nothing is built and nothing is fetched. Rules answer to the names that hadolint, Docker and Trivy have for them.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Dockerfiles, folders to search for them, or `-` for standard input; with `--file` the build context
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    /// The Dockerfile to check, when PATH is its build context
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// How to show what is found
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Run this rule too, by any of its names
    #[arg(long, value_name = "RULE")]
    enable: Vec<String>,
    /// Leave out what this rule finds, by any of its names
    #[arg(long, value_name = "RULE")]
    ignore: Vec<String>,
    /// Trust images from this registry, `*` for any text, and report all others (several times for several)
    #[arg(long, value_name = "REGISTRY")]
    trusted_registry: Vec<String>,
    /// Require a label; the type of its value is text, rfc3339, semver, url, hash, spdx or email
    #[arg(long, value_name = "KEY:TYPE")]
    require_label: Vec<String>,
    /// Report labels that are not required
    #[arg(long)]
    strict_labels: bool,
    /// Honour no comments that suppress findings
    #[arg(long)]
    no_inline_ignores: bool,
    /// The least severity that is exit code 1
    #[arg(long, value_enum, default_value_t = FailOn::Warning)]
    fail_on: FailOn,
    /// Set a build argument
    #[arg(long = "build-arg", value_name = "NAME=VALUE")]
    build_arg: Vec<String>,
    /// The platform that is built for
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    platform: Option<Platform>,
    /// Look only at this stage and those that it needs
    #[arg(long, value_name = "STAGE")]
    target: Option<String>,
    /// Apply the fixes that change nothing but what they say
    #[arg(long, conflicts_with = "diff")]
    fix: bool,
    /// Show what `--fix` would change, and change nothing
    #[arg(long)]
    diff: bool,
    /// List the rules and end
    #[arg(long)]
    list_rules: bool,
}

/// How findings are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people, with the lines
    Text,
    /// For programs
    Json,
    /// For code hosts: SARIF 2.1.0
    Sarif,
}

/// From which severity on findings are exit code 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum FailOn {
    Error,
    Warning,
    Info,
    Style,
    None,
}

impl FailOn {
    fn reached_by(self, severity: Severity) -> bool {
        match self {
            Self::Error => severity >= Severity::Error,
            Self::Warning => severity >= Severity::Warning,
            Self::Info => severity >= Severity::Info,
            Self::Style => true,
            Self::None => false,
        }
    }
}

pub(crate) fn run(args: &Args, global: &GlobalArgs, standing: Standing) -> Result<u8> {
    if args.list_rules {
        return list();
    }
    args.enable.iter().chain(&args.ignore).try_for_each(|id| known(id))?;
    let store = open_store(global, standing);
    let mut files = Vec::new();
    for (path, context) in sources(args)? {
        let file = read(&path)?;
        files.push(check_file(args, file, &path, context.as_deref(), store.as_ref())?);
    }
    if args.diff {
        return Ok(exit::DONE);
    }
    answer(&match args.format {
        Format::Text => {
            let color = !variables::no_color() && std::io::IsTerminal::is_terminal(&std::io::stdout());
            files.iter().map(|checked| text::findings(checked, color)).collect::<String>()
        }
        Format::Json => json::document(&files),
        Format::Sarif => sarif::document(&files, env!("CARGO_PKG_VERSION")),
    })?;
    say(&text::summary(&files));
    let severities = files.iter().flat_map(|checked| {
        let errors = checked.errors.iter().map(|error| error.severity);
        errors.chain(checked.report.findings.iter().map(Finding::severity))
    });
    let fails = severities.into_iter().any(|severity| args.fail_on.reached_by(severity));
    Ok(if fails { exit::NO } else { exit::DONE })
}

/// Checks one file, after fixing it if that is asked for.
fn check_file(
    args: &Args,
    file: SourceFile,
    path: &Path,
    context: Option<&Path>,
    store: Option<&Store>,
) -> Result<Checked> {
    let ignore_file = context.map(|context| read_ignore_file(path, context)).transpose()?.flatten();
    let bases = |name: &str, platform: &Platform| {
        let reference = Reference::from_str(name).ok()?;
        let image = Image::open(store?, &reference.to_string(), platform).ok()?;
        Some(BaseFacts { config: image.config })
    };
    let options = Options {
        scope: args.target.as_deref().map_or(Scope::All, Scope::Target),
        build_args: build_args(args)?,
        platform: args.platform.clone(),
        enable: args.enable.clone(),
        ignore: args.ignore.clone(),
        ignore_file: ignore_file.as_ref(),
        bases: Some(&bases),
        today: Some(jiff::Zoned::now().date().to_string()),
        no_inline_ignores: args.no_inline_ignores,
        trusted_registries: args.trusted_registry.clone(),
        label_schema: label_schema(args)?,
        strict_labels: args.strict_labels,
        ..Options::default()
    };
    let mut file = file;
    if args.fix || args.diff {
        let fixed = fix(&file, &options);
        if args.diff {
            answer(&crate::diff::unified(file.name(), file.text(), &fixed.text))?;
        } else if fixed.text != file.text() {
            if path.as_os_str() == "-" {
                bail!("standard input cannot be fixed in place; use `--diff`");
            }
            std::fs::write(path, &fixed.text)
                .with_context(|| format!("cannot write `{}`", path.display()))?;
            let plural = if fixed.count == 1 { "" } else { "s" };
            say(&format!("fixed {} finding{plural} in {}", fixed.count, path.display()));
            file = SourceFile::new(file.name().to_owned(), fixed.text);
        }
    }
    let parsed = parse(&file);
    let report = plimsoll_lint::check(&file, &parsed.dockerfile, &options);
    let mut errors: Vec<Diagnostic> = parsed.diagnostics.into_iter().filter(Diagnostic::is_error).collect();
    errors.extend(report.problems.iter().cloned());
    Ok(Checked { file, report, errors })
}

fn build_args(args: &Args) -> Result<BTreeMap<String, String>> {
    let split = |text: &String| {
        let (name, value) = text
            .split_once('=')
            .with_context(|| format!("`--build-arg {text}` is not of the form `NAME=VALUE`"))?;
        Ok((name.to_owned(), value.to_owned()))
    };
    args.build_arg.iter().map(split).collect()
}

fn label_schema(args: &Args) -> Result<Vec<(String, LabelType)>> {
    let split = |text: &String| {
        let parts = text.rsplit_once(':').filter(|(key, _)| !key.is_empty());
        let parsed = parts.and_then(|(key, kind)| Some((key.to_owned(), kind.parse().ok()?)));
        parsed.with_context(|| {
            let types = LabelType::NAMES.join(", ");
            format!("`--require-label {text}` is not of the form `KEY:TYPE`; types are {types}")
        })
    };
    args.require_label.iter().map(split).collect()
}

fn known(id: &str) -> Result<()> {
    if is_known_id(id) {
        return Ok(());
    }
    let known = known_ids();
    let hint = match did_you_mean(id, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`plimsoll check --list-rules` lists them".to_owned(),
    };
    bail!("no rule is named `{id}`; {hint}")
}

/// The store, if there is one: a check makes none.
fn open_store(global: &GlobalArgs, standing: Standing) -> Option<Store> {
    let root = environment::root(global, &standing).ok().filter(|root| root.is_dir());
    root.and_then(|_| Host::open(global, standing).ok()).map(|host| host.store)
}

/// The files to check, each with its build context.
fn sources(args: &Args) -> Result<Vec<(PathBuf, Option<PathBuf>)>> {
    if let Some(file) = &args.file {
        let [context] = args.paths.as_slice() else {
            bail!("with `--file` there is one PATH, the build context");
        };
        return Ok(vec![(file.clone(), Some(context.clone()))]);
    }
    let mut found = Vec::new();
    for path in &args.paths {
        if path.is_dir() {
            let files = search(path)?;
            if files.is_empty() {
                bail!(
                    "there is no Dockerfile in `{}`; name the file if it is called otherwise",
                    path.display()
                );
            }
            found.extend(files.into_iter().map(|file| (file.clone(), file.parent().map(Path::to_owned))));
        } else if path.as_os_str() == "-" {
            found.push((path.clone(), None));
        } else {
            let context = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            found.push((path.clone(), Some(context.unwrap_or(Path::new(".")).to_owned())));
        }
    }
    Ok(found)
}

/// Searches a folder for Dockerfiles; links are not followed.
fn search(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    let mut seen = 0;
    while let Some(directory) = open.pop() {
        let entries = std::fs::read_dir(&directory)
            .with_context(|| format!("cannot read `{}`", directory.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("cannot read `{}`", directory.display()))?;
            seen += 1;
            if seen > MOST_ENTRIES {
                say(&format!(
                    "warning: `{}` has more than {MOST_ENTRIES} entries, the rest is not searched",
                    folder.display()
                ));
                open.clear();
                break;
            }
            let Ok(kind) = entry.file_type() else { continue };
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if kind.is_dir() && !matches!(&*name, ".git" | "node_modules" | "target") {
                open.push(entry.path());
            } else if kind.is_file() && is_dockerfile(&name) {
                found.push(clean(&entry.path()));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// A path without `./` in front: names in messages are those that people would type.
fn clean(path: &Path) -> PathBuf {
    path.strip_prefix(".").unwrap_or(path).to_owned()
}

fn is_dockerfile(name: &str) -> bool {
    let lower = name.to_lowercase();
    ["dockerfile", "containerfile"].iter().any(|kind| {
        lower == *kind
            || lower.strip_suffix(kind).is_some_and(|rest| rest.ends_with('.'))
            || (lower.strip_prefix(kind).is_some_and(|rest| rest.starts_with('.'))
                && !lower.ends_with(".dockerignore"))
    })
}

fn read(path: &Path) -> Result<SourceFile> {
    let mut bytes = Vec::new();
    let shown = path.display().to_string();
    let failed = || format!("cannot read the Dockerfile `{shown}`");
    if path.as_os_str() == "-" {
        std::io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes).with_context(failed)?;
    } else {
        let file = std::fs::File::open(path).with_context(failed)?;
        file.take(LARGEST + 1).read_to_end(&mut bytes).with_context(failed)?;
    }
    if bytes.len() as u64 > LARGEST {
        bail!("the Dockerfile `{shown}` is larger than 16 MiB");
    }
    Ok(SourceFile::from_bytes_lossy(shown, &bytes))
}

/// The ignore file of a context: `NAME.dockerignore` beside the Dockerfile wins.
fn read_ignore_file(dockerfile: &Path, context: &Path) -> Result<Option<IgnoreFile>> {
    let name = format!("{}.dockerignore", dockerfile.file_name().unwrap_or_default().to_string_lossy());
    for path in [dockerfile.with_file_name(name), context.join(".dockerignore")] {
        match std::fs::read(&path) {
            Ok(bytes) => return Ok(Some(IgnoreFile::parse(&String::from_utf8_lossy(&bytes)).0)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", path.display())),
        }
    }
    Ok(None)
}

fn list() -> Result<u8> {
    let mut table = Table::new(&[
        ("RULE", Align::Left),
        ("SEVERITY", Align::Left),
        ("ALSO", Align::Left),
        ("FLAW", Align::Left),
    ]);
    for rule in rules() {
        let severity = if rule.enabled { rule.severity.as_str() } else { "off" };
        table.row([rule.name, severity, &rule.aliases.join(" "), rule.summary]);
    }
    answer(&table.render(terminal_width()))
}

#[expect(
    clippy::print_stderr,
    reason = "the findings are the answer, what there is to say about them is not"
)]
fn say(text: &str) {
    eprintln!("{}", sanitize::text(text));
}
