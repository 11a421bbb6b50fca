//! The files of a project that say which findings of `plimsoll check` count.
//!
//! They are looked for in the folder of the Dockerfile, then in its build context; the first of each kind counts. What the
//! command line says wins, so that a project cannot loosen what its user asks for.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use plimsoll_lint::{Configuration, LabelType, rule_of};

use super::{Args, say};

/// Larger files are none of these.
const LARGEST: u64 = 1 << 20;

/// What the files of the project say, as far as the command line does not say otherwise.
pub(super) fn of(
    args: &Args,
    dockerfile: &Path,
    context: Option<&Path>,
    today: &str,
) -> Result<Configuration> {
    let mut configuration = if args.no_config {
        Configuration::default()
    } else {
        without(read(dockerfile, context, args.config.as_deref(), today)?, &args.enable)
    };
    for key in &configuration.unknown_keys {
        say(&format!("warning: `{key}` means nothing in a `.hadolint.yaml`"));
    }
    configuration.ignore.extend(args.ignore.iter().cloned());
    configuration.no_inline_ignores |= args.no_inline_ignores;
    if !args.trusted_registry.is_empty() {
        configuration.trusted_registries.clone_from(&args.trusted_registry);
    }
    if !args.require_label.is_empty() {
        configuration.label_schema = label_schema(args)?;
    }
    configuration.strict_labels |= args.strict_labels;
    Ok(configuration)
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

/// Reads what the files for a Dockerfile say; `own` is read instead of a `.hadolint.yaml`.
fn read(dockerfile: &Path, context: Option<&Path>, own: Option<&Path>, today: &str) -> Result<Configuration> {
    let mut configuration = Configuration::default();
    let hadolint = match own {
        Some(path) => Some(path.to_owned()),
        None => find(dockerfile, context, &[".hadolint.yaml", ".hadolint.yml"]),
    };
    if let Some(path) = hadolint {
        configuration.add_hadolint(&text(&path)?).with_context(|| format!("`{}`", path.display()))?;
    }
    if let Some(path) = find(dockerfile, context, &[".trivyignore"]) {
        configuration.add_trivy_list(&text(&path)?, Some(today));
    }
    if let Some(path) = find(dockerfile, context, &[".trivyignore.yaml"]) {
        let folder = path.parent().unwrap_or(Path::new(""));
        let relative = dockerfile.strip_prefix(folder).unwrap_or(dockerfile);
        configuration
            .add_trivy_file(&text(&path)?, &relative.to_string_lossy(), Some(today))
            .with_context(|| format!("`{}`", path.display()))?;
    }
    Ok(configuration)
}

/// Lets the command line win: what is asked for there is not ignored, and what is set there is not set by the project.
fn without(mut configuration: Configuration, enabled: &[String]) -> Configuration {
    configuration.ignore.retain(|id| {
        let asked = |other: &String| {
            other.eq_ignore_ascii_case(id) || (rule_of(id).is_some() && rule_of(other) == rule_of(id))
        };
        !enabled.iter().any(asked)
    });
    configuration
}

/// The first of these files that there is.
fn find(dockerfile: &Path, context: Option<&Path>, names: &[&str]) -> Option<PathBuf> {
    // A Dockerfile from standard input has no folder.
    let own = (dockerfile.as_os_str() != "-").then(|| dockerfile.parent().unwrap_or(Path::new("")));
    let folders = own.into_iter().chain(context);
    folders.flat_map(|folder| names.iter().map(move |name| folder.join(name))).find(|path| path.is_file())
}

fn text(path: &Path) -> Result<String> {
    let failed = || format!("cannot read `{}`", path.display());
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).with_context(failed)?;
    file.take(LARGEST + 1).read_to_end(&mut bytes).with_context(failed)?;
    if bytes.len() as u64 > LARGEST {
        bail!("`{}` is larger than 1 MiB", path.display());
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
