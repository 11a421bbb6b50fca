//! The lock files of Elixir, `mix.lock`, and Erlang, `rebar.lock`. Both are terms of their language, of which the packages from
//! Hex are read: `{:hex, :NAME, "VERSION", …}` and `{pkg,<<"NAME">>,<<"VERSION">>…}`. What comes from git has no version.

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::collector::{Collector, is_named};
use crate::document::read_text;
use crate::package::{Kind, Scope};
use crate::read_at::ReadAt;

pub(super) static MIX: Analyzer =
    Analyzer { name: "mix-lock", version: 1, wants: |file| is_named(file, &["mix.lock"]), analyze: mix };

pub(super) static REBAR: Analyzer = Analyzer {
    name: "rebar-lock",
    version: 1,
    wants: |file| is_named(file, &["rebar.lock"]),
    analyze: rebar,
};

fn mix(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let text = read_text(content)?;
    if !text.trim().is_empty() && !text.contains("%{") {
        return Err(AnalyzerError::format("a lock file of Mix", "it holds no map"));
    }
    Ok(terms(&text, ":hex"))
}

fn rebar(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let text = read_text(content)?;
    if !text.trim().is_empty() && !text.contains('[') {
        return Err(AnalyzerError::format("a lock file of Rebar", "it holds no list"));
    }
    Ok(terms(&text, "pkg"))
}

/// The name and the version that follow the tag at the beginning of a tuple.
fn terms(text: &str, tag: &str) -> Analysis {
    let mut found = Collector::locked(Kind::Hex);
    for (line, number) in text.lines().zip(1..) {
        for tuple in line.split('{').skip(1) {
            let mut parts = tuple.split(',').map(word);
            if parts.next() == Some(tag)
                && let (Some(name), Some(version)) = (parts.next(), parts.next())
            {
                found.add(name.trim_start_matches(':').trim_matches('"'), version, Scope::Runtime, number);
            }
        }
    }
    found.finish()
}

/// A text without its quotes: `"a"`, `<<"a">>`.
fn word(part: &str) -> &str {
    part.trim()
        .trim_end_matches(['}', ']', '.'])
        .trim_start_matches("<<")
        .trim_end_matches(">>")
        .trim_matches('"')
}
