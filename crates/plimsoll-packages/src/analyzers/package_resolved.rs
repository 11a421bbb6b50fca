//! Swift's `Package.resolved` in its versions 1 to 3. A package is named by its repository's address without the scheme and
//! `.git`, one from a registry by its identity. A pin to a branch or a revision alone has no version.

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::collector::{Collector, is_named};
use crate::document::{json, read_text};
use crate::package::{Kind, Scope};
use crate::read_at::ReadAt;

pub(super) static ANALYZER: Analyzer = Analyzer {
    name: "package-resolved",
    version: 1,
    // Older versions of the package manager write it with a dot in front.
    wants: |file| is_named(file, &["Package.resolved", ".package.resolved"]),
    analyze,
};

fn analyze(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    const FORMAT: &str = "a Package.resolved of Swift";
    let text = read_text(content)?;
    let root = json(&text, FORMAT)?;
    let Some(pins) = root.get("pins").or_else(|| root.at(&["object", "pins"])) else {
        return Err(AnalyzerError::format(FORMAT, "it has no `pins`"));
    };
    let mut found = Collector::locked(Kind::Swift);
    for pin in pins.items() {
        let address = pin.text("location").or_else(|| pin.text("repositoryURL"));
        let Some(name) = address.map(without_scheme).or_else(|| pin.text("identity").map(str::to_owned))
        else {
            continue;
        };
        let version = pin.get("state").and_then(|state| state.text("version"));
        let line = if pin.get("location").is_some() {
            pin.line_of("location")
        } else {
            pin.line_of("repositoryURL")
        };
        found.add(&name, version.unwrap_or_default(), Scope::Runtime, line);
    }
    Ok(found.finish())
}

/// `github.com/apple/swift-nio` of all forms of the address.
fn without_scheme(address: &str) -> String {
    let (rest, is_short) = match address.split_once("://") {
        Some((_, rest)) => (rest, false),
        None => (address, true),
    };
    // A user stands before the host, and `HOST:PATH` is git's short form.
    let host_end = rest.find('/').unwrap_or(rest.len());
    let rest = rest[..host_end].rfind('@').map_or(rest, |at| &rest[at + 1..]);
    let rest = rest.trim_end_matches('/');
    let rest = rest.strip_suffix(".git").unwrap_or(rest);
    if is_short { rest.replacen(':', "/", 1) } else { rest.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_all_forms_name_one_package() {
        for address in [
            "https://github.com/apple/swift-nio.git",
            "https://github.com/apple/swift-nio",
            "https://user:word@github.com/apple/swift-nio.git/",
            "git@github.com:apple/swift-nio.git",
            "ssh://git@github.com/apple/swift-nio",
        ] {
            assert_eq!(without_scheme(address), "github.com/apple/swift-nio", "{address}");
        }
    }
}
