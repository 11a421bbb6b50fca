//! Conda: `conda-meta/*.json` of an environment, one a package, and `environment.yml` (conda's documentation, "Managing
//! environments" and "Package match specifications").
//!
//! `=` alone is a prefix in a specification (`3.8` allows `3.8.19`), but is also how `conda env export --no-builds` writes exact
//! versions: it counts as exact with three parts or more, and always with a build behind it.

use serde::Deserialize;

use super::requirements::pinned;
use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::collector::{Collector, is_named};
use crate::document::{read_text, yaml};
use crate::package::{Evidence, Kind, Scope};
use crate::read_at::ReadAt;

pub(super) static META: Analyzer = Analyzer {
    name: "conda-meta",
    version: 1,
    wants: |file| {
        file.name().ends_with(b".json")
            && file.folder().rsplit(|byte| *byte == b'/').next() == Some(b"conda-meta")
    },
    analyze: meta,
};

pub(super) static ENVIRONMENT: Analyzer = Analyzer {
    name: "conda-environment",
    version: 1,
    wants: |file| is_named(file, &["environment.yml", "environment.yaml"]),
    analyze: environment,
};

/// The part of it that is read; lists of files make up the most of it.
#[derive(Deserialize)]
struct Meta {
    name: String,
    version: String,
    license: Option<String>,
}

fn meta(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let text = read_text(content)?;
    let meta: Meta = serde_json::from_str(&text)
        .map_err(|error| AnalyzerError::format("conda's record of a package", error.to_string()))?;
    let mut found = Collector::new(Kind::Conda, Evidence::Installed);
    let licenses = meta.license.filter(|license| !license.is_empty()).into_iter().collect();
    found.add_licensed(&meta.name, &meta.version, Scope::Runtime, None, licenses);
    Ok(found.finish())
}

fn environment(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    const FORMAT: &str = "a conda environment";
    let text = read_text(content)?;
    let mut found = Collector::locked(Kind::Conda);
    let mut of_pip = Collector::locked(Kind::Pypi);
    for document in yaml(&text, FORMAT)? {
        for dependency in document.items_of("dependencies") {
            if let Some((name, version)) = dependency.as_text().and_then(exact) {
                found.add(name, version, Scope::Runtime, dependency.line);
            }
            for requirement in dependency.items_of("pip") {
                if let Some((name, version)) = requirement.as_text().and_then(pinned) {
                    of_pip.add(&name, &version, Scope::Runtime, requirement.line);
                }
            }
        }
    }
    let mut analysis = found.finish();
    analysis.packages.extend(of_pip.finish().packages);
    Ok(analysis)
}

/// Name and version of a specification that allows one version.
fn exact(specification: &str) -> Option<(&str, &str)> {
    // `CHANNEL/SUBDIR::NAME…`, `NAME[…]`.
    let specification = specification.rsplit("::").next()?.split(['[', '#']).next()?.trim();
    let at = specification.find(['=', ' ', '<', '>', '!', '~'])?;
    let (name, rest) = (&specification[..at], specification[at..].trim());
    let (version, build, is_exact) = if let Some(rest) = rest.strip_prefix("==") {
        (rest, None, true)
    } else if let Some(rest) = rest.strip_prefix('=') {
        match rest.split_once('=') {
            Some((version, build)) => (version, Some(build), true),
            None => (rest, None, rest.matches('.').count() >= 2),
        }
    } else {
        // `NAME VERSION` and `NAME VERSION BUILD`: a version without an operator is exact.
        let (version, build) = rest.split_once(' ').unwrap_or((rest, ""));
        (version, Some(build), true)
    };
    let version = version.split('=').next()?.trim();
    let is_version = version.starts_with(|first: char| first.is_ascii_alphanumeric())
        && version.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._!+-".contains(&byte));
    let is_build = build.is_none_or(|build| !build.contains(['<', '>', ',']));
    (is_exact && is_version && is_build).then_some((name, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_version_is_a_version() {
        for (specification, expected) in [
            ("numpy=1.21.2=py39h20f2e39_0", Some(("numpy", "1.21.2"))),
            ("numpy==1.21", Some(("numpy", "1.21"))),
            ("numpy == 1.21", Some(("numpy", "1.21"))),
            ("conda-forge::numpy=1.21.2", Some(("numpy", "1.21.2"))),
            ("numpy=1.21", None),
            ("numpy=1.21=py_0", Some(("numpy", "1.21"))),
            ("numpy 1.8.1", Some(("numpy", "1.8.1"))),
            ("numpy 1.8.1 py27_0", Some(("numpy", "1.8.1"))),
            ("numpy=1.21.*", None),
            ("numpy 1.21.*", None),
            ("numpy>=1.21.2", None),
            ("numpy >=1.21.2,<2", None),
            ("numpy 1.8|1.9", None),
            ("numpy", None),
            ("ca-certificates=2021.10.26=h06a4308_2", Some(("ca-certificates", "2021.10.26"))),
        ] {
            assert_eq!(exact(specification), expected, "{specification}");
        }
    }
}
