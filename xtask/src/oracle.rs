//! `cargo xtask oracle`: builds many small situations with plimsoll and with `BuildKit`, and prints where they differ.
//!
//! What is compared: whether the build is refused, the image's configuration, its history, and every path of its root file
//! system. `BuildKit`'s answers are kept below `target/`: a case that did not change is asked of it once, so that after a
//! change of plimsoll only plimsoll builds again. `oracle/README.md` says how cases are written.

mod answer;
mod bases;
mod case;
mod compare;
mod corpus;
mod peers;
mod tree;
mod web;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, bail};

use crate::plimsoll::{self, Plimsoll};
use crate::shell;

use answer::Answer;
use case::Case;
use peers::{BuildKit, Place};
use web::Web;

/// Options of `oracle`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Folders that are a case or hold some, and files of cases; the project's own set when none is named
    paths: Vec<PathBuf>,

    /// Only cases whose name has this in it
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,

    /// A root file system whose Docker engine is asked, instead of this machine's own
    #[arg(long, value_name = "DIR")]
    peer_root: Option<PathBuf>,

    /// Ask `BuildKit` again, even where its answer is known
    #[arg(long)]
    again: bool,

    /// Print every difference, not the first one of each case
    #[arg(long)]
    all: bool,

    /// Print what both say where they refuse
    #[arg(long)]
    refusals: bool,

    /// List the cases and build nothing
    #[arg(long)]
    list: bool,

    /// How many cases are built at the same time
    #[arg(long, default_value_t = 3)]
    jobs: usize,

    /// A built program to use instead of building one
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

/// What the comparison of one case gave.
enum Verdict {
    Agrees,
    /// It differs as its case says, which gives the reason.
    Stated,
    /// This `BuildKit` does not know what the case is about.
    Unknown,
    Differs(Vec<String>),
}

/// Builds all cases with both and fails when something differs that no case states.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let cases = chosen(arguments)?;
    if arguments.list {
        for case in &cases {
            println!("{}", case.name);
        }
        return Ok(());
    }
    let directory = plimsoll::target_directory()?.join("xtask/oracle");
    std::fs::create_dir_all(&directory)?;
    let plimsoll = Plimsoll::for_oracle(arguments.binary.as_deref(), &directory.join("store"))?;
    let scratch = tempfile::Builder::new().prefix("plimsoll-oracle-").tempdir()?;
    let Some(version) = peers::version(arguments.peer_root.as_deref()) else {
        if std::env::var_os("CI").is_some() {
            bail!("there is no `dockerd`: install `docker.io`, or name another root with `--peer-root`");
        }
        eprintln!(
            "SKIPPED: there is no `dockerd`: install `docker.io`, or name another root with `--peer-root`"
        );
        return Ok(());
    };
    let bases = bases::prepare(&plimsoll, &directory)?;
    let buildkit =
        BuildKit::new(arguments.peer_root.clone(), version, scratch.path(), directory.join("answers"), bases);
    let report = Report {
        arguments,
        agree: AtomicUsize::new(0),
        stated: AtomicUsize::new(0),
        unknown: AtomicUsize::new(0),
        differ: Mutex::default(),
    };
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..arguments.jobs.max(1) {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    report.take(case, ask(case, arguments, &plimsoll, &buildkit, scratch.path()));
                }
            });
        }
    });
    report.finish(cases.len())
}

fn chosen(arguments: &Arguments) -> Result<Vec<Case>> {
    let own = [shell::workspace().join("oracle")];
    let paths = if arguments.paths.is_empty() { &own[..] } else { &arguments.paths };
    let mut cases = Vec::new();
    for path in paths {
        cases.extend(corpus::read(path)?);
    }
    if let Some(text) = &arguments.only {
        cases.retain(|case| case.name.contains(text.as_str()));
    }
    if cases.is_empty() {
        bail!("there is no such case");
    }
    let mut names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    if names.len() < cases.len() {
        bail!("two cases have one name");
    }
    Ok(cases)
}

/// Builds one case with both and compares.
fn ask(
    case: &Case,
    arguments: &Arguments,
    plimsoll: &Plimsoll,
    buildkit: &BuildKit,
    scratch: &Path,
) -> Result<(Verdict, [Answer; 2])> {
    let folder = scratch.join("cases").join(&case.name);
    case.write(&folder)?;
    let web = case.settings.serve.as_ref().map(|served| Web::start(folder.join(served))).transpose()?;
    let place = Place { folder: &folder, web: web.as_ref().map(Web::host) };
    let theirs = buildkit.answer(case, &place, arguments.again).context("asking BuildKit")?;
    let ours = peers::own(plimsoll, case, &place).context("asking plimsoll")?;
    std::fs::remove_dir_all(&folder).ok();
    let expected = match case.settings.expect {
        case::Expectation::Built => !theirs.is_refused(),
        case::Expectation::Refused => theirs.is_refused(),
        case::Expectation::Any => true,
    };
    let mut differences = compare::differences(&theirs, &ours);
    let verdict = if case.settings.labs && theirs.knows_no_such_flag() {
        let as_expected = match case.settings.expect {
            case::Expectation::Built => !ours.is_refused(),
            case::Expectation::Refused => ours.is_refused(),
            case::Expectation::Any => true,
        };
        if as_expected { Verdict::Unknown } else { Verdict::Differs(differences) }
    } else if !expected {
        differences.insert(
            0,
            format!("the case expects it to be {}, but BuildKit: {}", case.settings.expect, theirs.summary()),
        );
        Verdict::Differs(differences)
    } else if differences.is_empty() && case.settings.difference.is_some() {
        Verdict::Differs(vec!["the case states a difference, but there is none".to_owned()])
    } else if differences.is_empty() {
        Verdict::Agrees
    } else if case.settings.difference.is_some() {
        Verdict::Stated
    } else {
        Verdict::Differs(differences)
    };
    Ok((verdict, [theirs, ours]))
}

/// Collects the verdicts and prints them as they come.
struct Report<'a> {
    arguments: &'a Arguments,
    agree: AtomicUsize,
    stated: AtomicUsize,
    unknown: AtomicUsize,
    differ: Mutex<Vec<String>>,
}

impl Report<'_> {
    fn take(&self, case: &Case, result: Result<(Verdict, [Answer; 2])>) {
        let name = &case.name;
        let differences = match result {
            Ok((verdict, answers)) => {
                if let (true, [Answer::Refused { message: theirs }, Answer::Refused { message: ours }]) =
                    (self.arguments.refusals, &answers)
                {
                    println!(
                        "refused {name}\n    BuildKit: {theirs}\n    plimsoll: {}",
                        ours.replace('\n', "\n              ")
                    );
                }
                match verdict {
                    Verdict::Agrees => {
                        self.agree.fetch_add(1, Ordering::Relaxed);
                        return;
                    }
                    Verdict::Stated => {
                        self.stated.fetch_add(1, Ordering::Relaxed);
                        return;
                    }
                    Verdict::Unknown => {
                        self.unknown.fetch_add(1, Ordering::Relaxed);
                        return;
                    }
                    Verdict::Differs(differences) => differences,
                }
            }
            Err(error) => vec![format!("{error:#}")],
        };
        let shown = if self.arguments.all { differences.len() } else { 1 };
        let mut lines = vec![format!("DIFFERS {name}")];
        lines.extend(
            differences.iter().take(shown).map(|text| format!("    {}", text.replace('\n', "\n    "))),
        );
        if differences.len() > shown {
            lines.push(format!("    … and {} more", differences.len() - shown));
        }
        println!("{}", lines.join("\n"));
        self.differ.lock().expect("no thread panics while it holds the lock").push(name.clone());
    }

    fn finish(self, total: usize) -> Result<()> {
        let differ = self.differ.into_inner().expect("no thread panics while it holds the lock");
        println!(
            "{total} cases: {} agree, {} differ as stated, {} are not known to this BuildKit, {} differ",
            self.agree.into_inner(),
            self.stated.into_inner(),
            self.unknown.into_inner(),
            differ.len(),
        );
        if !differ.is_empty() {
            bail!("{} of {total} cases differ from BuildKit", differ.len());
        }
        Ok(())
    }
}
