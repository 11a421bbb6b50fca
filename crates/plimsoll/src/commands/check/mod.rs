//! `plimsoll check`: what is probably wrong with Dockerfiles.

pub(super) mod bases;
mod configuration;
pub(super) mod context;
pub(super) mod files;
mod report;
mod shellcheck;

use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use plimsoll_diagnostics::{Diagnostic, Severity, SourceFile, did_you_mean, sanitize};
use plimsoll_dockerfile::parse;
use plimsoll_lint::output::{Checked, text};
use plimsoll_lint::{Bases, BuildContext, Options, Scope, Threshold, fix, is_known_id, known_ids, rules};
use plimsoll_oci::Platform;

use crate::commands::images::answer;
use crate::commands::report as report_error;
use crate::environment::GlobalArgs;
use crate::exit;
use crate::namespace::Standing;
use crate::output::{Align, Table, terminal_width};
use bases::StoreBases;
use context::Context;
use files::Input;
use report::{Format, Output};
use shellcheck::{Answers, Choice};

/// Say what is probably wrong with Dockerfiles, and fix what can be fixed
///
/// Nothing is built, and nothing is fetched without --online. What base images hold is known of those in the store. Rules answer to the names that hadolint, Docker and Trivy have for them.
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
    /// Write what is found into a file too, in any of the formats; may be given several times
    #[arg(short, long, value_name = "FORMAT=FILE")]
    output: Vec<Output>,
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
    /// Ask ShellCheck about the code of RUN: `auto` is the one in PATH, if any; `off`, or the path of another
    #[arg(long, value_name = "auto|off|PATH", default_value = "auto")]
    shellcheck: Choice,
    /// Ask registries for the configs of base images that the store does not have; their layers are not fetched
    #[arg(long)]
    online: bool,
    /// Honour no comments that suppress findings
    #[arg(long)]
    no_inline_ignores: bool,
    /// Read this file in place of a `.hadolint.yaml` beside the Dockerfile or in its build context
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Read neither `.hadolint.yaml` nor `.trivyignore` nor `.trivyignore.yaml`
    #[arg(long, conflicts_with = "config")]
    no_config: bool,
    /// The least severity that is exit code 1 [default: warning, or what `.hadolint.yaml` says]
    #[arg(long, value_enum)]
    fail_on: Option<FailOn>,
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

/// From which severity on findings are exit code 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum FailOn {
    Error,
    Warning,
    Info,
    Style,
    None,
}

impl From<Threshold> for FailOn {
    fn from(threshold: Threshold) -> Self {
        match threshold {
            Threshold::From(Severity::Error) => Self::Error,
            Threshold::From(Severity::Warning) => Self::Warning,
            Threshold::From(Severity::Info) => Self::Info,
            Threshold::From(Severity::Style) => Self::Style,
            Threshold::Never => Self::None,
        }
    }
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
    let mut failed = false;
    let mut fail = |error: anyhow::Error| {
        report_error(&error);
        failed = true;
    };
    let today = jiff::Zoned::now().date().to_string();
    let mut inputs: Vec<Input> = Vec::new();
    for source in files::sources(args, &mut fail)? {
        match Input::read(args, source, &today, inputs.last()) {
            Ok(input) => inputs.push(input),
            Err(error) => fail(error),
        }
    }
    let known = LazyCell::new(|| StoreBases::open(global, standing, args.online));
    let bases = |name: &str, platform: &Platform| known.as_ref()?.facts(name, platform);
    let mut common = Common { build_args: build_args(args)?, today, bases: &bases, shellcheck: None };
    if args.fix || args.diff {
        for input in &mut inputs {
            repair(args, input, &common)?;
        }
    }
    if args.shellcheck != Choice::Off && !args.diff && !args.ignore.iter().any(|id| id == "shell-flaw") {
        let scripts = inputs.iter().flat_map(|input| scripts(args, input, &common)).collect();
        common.shellcheck = shellcheck::ask(&args.shellcheck, scripts, &files::workspace(args, &inputs))?;
    }
    let mut files = Vec::new();
    let mut fails = false;
    for input in inputs {
        let threshold = input.configuration.threshold.map_or(FailOn::Warning, FailOn::from);
        let checked = check_file(args, input, &common);
        let threshold = args.fail_on.unwrap_or(threshold);
        fails |= checked.severities().any(|severity| threshold.reached_by(severity));
        files.push(checked);
    }
    if !args.diff {
        answer(&report::answer(args.format, &files))?;
        args.output.iter().try_for_each(|output| report::write(output, &files))?;
        say(&text::summary(&files));
    }
    Ok(match (failed, fails && !args.diff) {
        (true, _) => exit::IMPOSSIBLE,
        (false, true) => exit::NO,
        (false, false) => exit::DONE,
    })
}

/// What `plimsoll fix` asks for.
pub(super) struct Repair {
    pub(super) paths: Vec<PathBuf>,
    pub(super) file: Option<PathBuf>,
    pub(super) diff: bool,
}

/// Applies fixes, or shows them, and says nothing of what is left.
pub(super) fn repair_only(wanted: &Repair, global: &GlobalArgs, standing: Standing) -> Result<u8> {
    let mut line = vec!["check".into(), if wanted.diff { "--diff".into() } else { "--fix".into() }];
    line.extend(wanted.file.iter().flat_map(|file| ["--file".into(), file.into()]));
    line.push(std::ffi::OsString::from("--"));
    line.extend(wanted.paths.iter().map(Into::into));
    let command = <Args as clap::Args>::augment_args(clap::Command::new("check"));
    let matches = command.try_get_matches_from(line)?;
    let args = <Args as clap::FromArgMatches>::from_arg_matches(&matches)?;
    let mut failed = false;
    let today = jiff::Zoned::now().date().to_string();
    let known = LazyCell::new(|| StoreBases::open(global, standing, false));
    let bases = |name: &str, platform: &Platform| known.as_ref()?.facts(name, platform);
    let common = Common { build_args: BTreeMap::new(), today, bases: &bases, shellcheck: None };
    let mut fail = |error: anyhow::Error| {
        report_error(&error);
        failed = true;
    };
    for source in files::sources(&args, &mut fail)? {
        let repaired = Input::read(&args, source, &common.today, None)
            .and_then(|mut input| repair(&args, &mut input, &common));
        repaired.unwrap_or_else(&mut fail);
    }
    Ok(if failed { exit::IMPOSSIBLE } else { exit::DONE })
}

/// What is the same for all files.
struct Common<'c> {
    build_args: BTreeMap<String, String>,
    today: String,
    bases: &'c Bases<'c>,
    shellcheck: Option<Answers>,
}

impl Common<'_> {
    fn options<'o>(&'o self, args: &'o Args, input: &'o Input) -> Options<'o> {
        let configuration = &input.configuration;
        Options {
            scope: args.target.as_deref().map_or(Scope::All, Scope::Target),
            build_args: self.build_args.clone(),
            platform: args.platform.clone(),
            contexts: input.contexts.clone(),
            locked: input.locked.clone(),
            enable: args.enable.clone(),
            ignore: configuration.ignore.clone(),
            ignore_file: input.context.as_ref().and_then(Context::ignore_file),
            context: input.context.as_ref().map(|context| context as &dyn BuildContext),
            bases: Some(self.bases),
            today: Some(self.today.clone()),
            no_inline_ignores: configuration.no_inline_ignores,
            trusted_registries: configuration.trusted_registries.clone(),
            label_schema: configuration.label_schema.clone(),
            strict_labels: configuration.strict_labels,
            severities: configuration.severities.clone(),
            ..Options::default()
        }
    }
}

/// Fixes a file, or shows how it would be fixed.
fn repair(args: &Args, input: &mut Input, common: &Common<'_>) -> Result<()> {
    let fixed = fix(&input.file, &common.options(args, input));
    if args.diff {
        answer(&crate::diff::unified(input.file.name(), input.file.text(), &fixed.text))?;
    } else if fixed.text != input.file.text() {
        let path = &input.source.path;
        if path.as_os_str() == "-" {
            bail!("standard input cannot be fixed in place; use `--diff`");
        }
        std::fs::write(path, &fixed.text).with_context(|| format!("cannot write `{}`", path.display()))?;
        let plural = if fixed.count == 1 { "" } else { "s" };
        say(&format!("fixed {} finding{plural} in {}", fixed.count, path.display()));
        input.file = SourceFile::new(input.file.name().to_owned(), fixed.text);
    }
    Ok(())
}

fn check_file(args: &Args, input: Input, common: &Common<'_>) -> Checked {
    let parsed = parse(&input.file);
    let ask = common.shellcheck.as_ref().map(|answers| |script: &str| answers.about(script));
    let options = Options {
        shellcheck: ask.as_ref().map(|ask| ask as &plimsoll_lint::shellcheck::Answers<'_>),
        ..common.options(args, &input)
    };
    let report = plimsoll_lint::check(&input.file, &parsed.dockerfile, &options);
    let mut errors: Vec<Diagnostic> = parsed.diagnostics.into_iter().filter(Diagnostic::is_error).collect();
    errors.extend(report.problems.iter().cloned());
    Checked { file: input.file, report, errors }
}

/// What `ShellCheck` is to be asked about a file.
fn scripts(args: &Args, input: &Input, common: &Common<'_>) -> Vec<String> {
    let options = common.options(args, input);
    plimsoll_lint::shellcheck::scripts(&input.file, &parse(&input.file).dockerfile, &options)
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
