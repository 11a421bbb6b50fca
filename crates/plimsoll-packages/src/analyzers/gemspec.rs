//! Installed gems: what `RubyGems` writes to `specifications/` (also to `specifications/default/`): Ruby code of a fixed form, whose
//! comment `# stub: NAME VERSION PLATFORM PATHS` it reads itself instead (rubygems, `stub_specification.rb`).

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::collector::Collector;
use crate::document::read_text;
use crate::package::{Evidence, Kind, Scope};
use crate::read_at::ReadAt;

pub(super) static ANALYZER: Analyzer = Analyzer { name: "gemspec", version: 1, wants, analyze };

fn wants(file: &File<'_>) -> bool {
    let folder = file.folder();
    let is_named = |end: &[u8]| folder == end || folder.ends_with(&[b"/", end].concat());
    file.name().ends_with(b".gemspec") && (is_named(b"specifications") || is_named(b"specifications/default"))
}

fn analyze(file: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let text = read_text(content)?;
    let (mut name, mut version, mut licenses) = (None, None, Vec::new());
    for line in text.lines().map(str::trim) {
        if let Some(stub) = line.strip_prefix("# stub: ") {
            // A second one lists files to compile.
            if name.is_none() {
                let mut words = stub.split_whitespace();
                name = words.next().map(str::to_owned);
                version = words.next().map(str::to_owned);
            }
            continue;
        }
        let Some((attribute, value)) = assignment(line) else { continue };
        match attribute {
            "name" => name = name.or_else(|| strings(value).into_iter().next()),
            "version" => version = version.or_else(|| strings(value).into_iter().next()),
            "license" | "licenses" if licenses.is_empty() => licenses = strings(value),
            _ => {}
        }
    }
    let version = version.or_else(|| in_file_name(file, name.as_deref()?));
    let (Some(name), Some(version)) = (name, version) else {
        let reason = "no line gives a name in quotes, or neither line nor file name a version";
        return Err(AnalyzerError::format("the specification of a gem", reason));
    };
    let mut found = Collector::new(Kind::Gem, Evidence::Installed);
    found.add_licensed(&name, &version, Scope::Runtime, None, licenses);
    Ok(found.finish())
}

/// The version in `NAME-VERSION.gemspec` or `NAME-VERSION-PLATFORM.gemspec`.
fn in_file_name(file: &File<'_>, name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(file.name());
    let version = text.strip_suffix(".gemspec")?.strip_prefix(name)?.strip_prefix('-')?.split('-').next()?;
    version.starts_with(|first: char| first.is_ascii_digit()).then(|| version.to_owned())
}

/// Attribute and value of `s.ATTRIBUTE = VALUE`, whatever `s` is called.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let (target, value) = line.split_once('=')?;
    let (object, attribute) = target.trim().split_once('.')?;
    let is_word = |word: &str| word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (is_word(object) && is_word(attribute)).then_some((attribute, value.trim()))
}

/// The texts in quotes: `"a".freeze`, `['a', "b"]`, `Gem::Version.new("1")`, `%q{a}` of old ones. Texts with `#{…}` are not known.
fn strings(value: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = value;
    while let Some(at) = rest.find(['"', '\'', '%', '#']) {
        let (close, skip) = match &rest.as_bytes()[at..] {
            [b'#', ..] | [] => break,
            [b'%', b'q' | b'Q', b'{', ..] => ('}', 3),
            [b'%', ..] => {
                rest = &rest[at + 1..];
                continue;
            }
            [quote, ..] => (char::from(*quote), 1),
        };
        let inside = &rest[at + skip..];
        let Some(end) = inside.find(close) else { break };
        if !inside[..end].contains("#{") {
            found.push(inside[..end].to_owned());
        }
        rest = &inside[end + 1..];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_all_forms_are_found() {
        assert_eq!(strings("\"a\".freeze"), ["a"]);
        assert_eq!(strings("['MIT', \"Ruby\".freeze] # \"no\""), ["MIT", "Ruby"]);
        assert_eq!(strings("%q{a b}"), ["a b"]);
        assert_eq!(strings("Gem::Version.new(\"1.2\")"), ["1.2"]);
        assert_eq!(strings("\"#{x}\""), [""; 0]);
        assert_eq!(strings("VERSION"), [""; 0]);
    }
}
