//! `plimsoll fix`: Dockerfiles made better.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use plimsoll_diagnostics::SourceFile;
use plimsoll_lint::production::{Surroundings, propose};

use crate::commands::check::context::Context;
use crate::commands::check::files::read;
use crate::commands::check::{Repair, repair_only};
use crate::commands::images::answer;
use crate::config::{PROJECT_FILE, ProjectConfig};
use crate::environment::GlobalArgs;
use crate::namespace::Standing;
use crate::{diff, exit, ignore_file};

/// Fix what `check` finds, or propose the production form of a Dockerfile
///
/// The fixes that change nothing but what they say are written to the files. `--production` rewrites a Dockerfile with one stage,
/// for Node, Python or Go: stages for building, a small runtime image, no root. What it does not understand it refuses.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Dockerfiles or folders to search for them; with `--file` or `--production` the build context
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    /// The Dockerfile to fix, when PATH is its build context
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Show what would change, and change nothing
    #[arg(long)]
    diff: bool,
    /// Rewrite the Dockerfile into its production form, and add to its ignore file
    #[arg(long)]
    production: bool,
    /// The image that the program runs in, in place of the one that belongs to the Dockerfile's base
    #[arg(long, value_name = "IMAGE", requires = "production")]
    runtime: Option<String>,
}

pub(crate) fn run(args: &Args, global: &GlobalArgs, standing: Standing) -> Result<u8> {
    if args.production {
        return production(args);
    }
    let wanted = Repair { paths: args.paths.clone(), file: args.file.clone(), diff: args.diff };
    repair_only(&wanted, global, standing)
}

fn production(args: &Args) -> Result<u8> {
    let (path, context) = places(args)?;
    let file = read(&path)?;
    let ignored = ignore_file::read(&context, Some(&path))?;
    let folders: Vec<PathBuf> =
        path.parent().map(Path::to_owned).into_iter().chain([context.clone()]).collect();
    let project = ProjectConfig::load(&folders)?;
    let surroundings = Surroundings {
        context: &Context::new(context.clone(), ignored.clone(), false),
        contexts: project.as_ref().map(|(project, _)| project.contexts.clone()).unwrap_or_default(),
        runtime: args.runtime.clone(),
    };
    let proposal = propose(&file, &surroundings).map_err(|refusal| {
        let rendered = plimsoll_diagnostics::render(&file, &refusal, false);
        anyhow!("{}", rendered.trim_start_matches("error").trim_end())
    })?;
    let ignore_name = ignored.as_ref().map(|file| PathBuf::from(file.name()));
    let ignore_path = ignore_name.unwrap_or_else(|| context.join(".dockerignore"));
    let old = ignored.as_ref().map_or("", SourceFile::text);
    let new = extended(old, &proposal.ignore);
    let mut changes =
        vec![(path, file.text().to_owned(), proposal.dockerfile), (ignore_path, old.to_owned(), new)];
    if let (Some((_, folder)), Some((name, value))) = (project, proposal.context) {
        let path = folder.join(PROJECT_FILE);
        let old =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let new = with_context(&old, &name, &value).with_context(|| {
            let shown = path.display();
            format!("cannot add to `{shown}`: name the context `{name}` there yourself, as `{value}`")
        })?;
        changes.push((path, old, new));
    }
    // The Dockerfile comes last: what it needs is there when it is.
    for (path, old, new) in changes.iter().rev() {
        if args.diff {
            answer(&diff::unified(&path.display().to_string(), old, new))?;
        } else if old != new {
            std::fs::write(path, new).with_context(|| format!("cannot write `{}`", path.display()))?;
        }
    }
    Ok(exit::DONE)
}

/// The project's settings with one more named context; nothing when they are written so that no line can be added.
fn with_context(old: &str, name: &str, value: &str) -> Option<String> {
    let is_bare = name.bytes().all(|one| one.is_ascii_alphanumeric() || matches!(one, b'-' | b'_'));
    let key = if is_bare { name.to_owned() } else { toml::Value::from(name).to_string() };
    let entry = format!("{key} = {}\n", toml::Value::from(value));
    let is_header = |line: &&str| line.split('#').next().is_some_and(|line| line.trim() == "[contexts]");
    let lines = || old.split_inclusive('\n');
    let new = match lines().position(|line| is_header(&line)) {
        Some(header) => {
            let (above, below): (String, String) =
                (lines().take(header + 1).collect(), lines().skip(header + 1).collect());
            let end = if above.ends_with('\n') { "" } else { "\n" };
            format!("{above}{end}{entry}{below}")
        }
        // Keys with dots stand above all tables.
        None => format!("contexts.{entry}{old}"),
    };
    let read: toml::Table = new.parse().ok()?;
    (read.get("contexts")?.get(name)?.as_str() == Some(value)).then_some(new)
}

/// The Dockerfile and its context.
fn places(args: &Args) -> Result<(PathBuf, PathBuf)> {
    let [path] = args.paths.as_slice() else {
        bail!("with `--production` there is one PATH, the build context");
    };
    Ok(match &args.file {
        Some(file) => (file.clone(), path.clone()),
        None if path.is_dir() => (path.join("Dockerfile"), path.clone()),
        None => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            (path.clone(), folder.unwrap_or(Path::new(".")).to_owned())
        }
    })
}

/// An ignore file with what it lacks; one that lists what goes in needs nothing.
fn extended(old: &str, patterns: &[&str]) -> String {
    let bare = |line: &str| line.trim().trim_start_matches("**/").trim_matches('/').to_owned();
    let present: Vec<String> = old.lines().map(bare).collect();
    let missing: Vec<&str> =
        patterns.iter().copied().filter(|pattern| !present.contains(&bare(pattern))).collect();
    if missing.is_empty() || present.iter().any(|line| matches!(line.as_str(), "*" | "**")) {
        return old.to_owned();
    }
    let mut new = old.to_owned();
    if !new.is_empty() && !new.ends_with('\n') {
        new.push('\n');
    }
    new.push_str("# No image needs these, and a change of them is no reason to build again.\n");
    missing.iter().for_each(|pattern| new.extend([pattern, "\n"]));
    new
}

#[cfg(test)]
mod tests {
    use super::{extended, with_context};

    #[test]
    fn a_context_is_added_to_the_others() {
        let added = |old, name, value| with_context(old, name, value).unwrap();
        let old = "# Bases.\n[contexts]\na = \"x\"\n[build]\n";
        assert_eq!(
            added(old, "b-runtime", "debian://sid"),
            "# Bases.\n[contexts]\nb-runtime = \"debian://sid\"\na = \"x\"\n[build]\n"
        );
        assert_eq!(
            added("contexts.a = \"x\"\n", "b.c", "y"),
            "contexts.\"b.c\" = \"y\"\ncontexts.a = \"x\"\n"
        );
        assert_eq!(added("[contexts] # bases", "b", "y"), "[contexts] # bases\nb = \"y\"\n");
        assert_eq!(with_context("contexts = { a = \"x\" }\n", "b", "y"), None);
    }

    #[test]
    fn an_ignore_file_gets_only_what_it_lacks() {
        let comment = "# No image needs these, and a change of them is no reason to build again.\n";
        assert_eq!(extended("dist", &[".git"]), format!("dist\n{comment}.git\n"));
        assert_eq!(extended("/.git/\n", &[".git"]), "/.git/\n");
        assert_eq!(extended("", &["**/node_modules"]), format!("{comment}**/node_modules\n"));
        assert_eq!(extended("*\n!src\n", &[".git"]), "*\n!src\n");
    }
}
