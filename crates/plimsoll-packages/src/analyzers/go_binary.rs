//! Go programs: the modules that the linker wrote into them (Go, `debug/buildinfo` and `runtime/debug`, "`BuildInfo`").
//!
//! The information begins with a magic number, in a section of its own or, where the format has none, in the data. Up to Go 1.17
//! it holds the addresses of two strings; since then the strings follow it.

use std::collections::BTreeSet;

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::bytes::Endian;
use crate::executable::{Executable, Format, Section, open, wants};
use crate::package::{Evidence, Kind, Package, Scope};
use crate::read_at::{ReadAt, read_part};

const MAGIC: &[u8; 14] = b"\xff Go buildinf:";
const ALIGNMENT: usize = 16;
const HEADER: u64 = 32;
const FLAG_BIG_ENDIAN: u8 = 1;
const FLAG_INLINE: u8 = 2;
const MOST_SEARCHED: u64 = 16 << 20;
const PIECE: u64 = 64 << 10;
const MOST_TEXT_BYTES: u64 = 16 << 20;
/// What stands before and behind the list of modules, so that it is found in memory too.
const SENTINEL: usize = 16;
const FORMAT: &str = "a Go program";
/// The version of a module that was built from its own folder.
const UNVERSIONED: &str = "(devel)";

pub(super) static ANALYZER: Analyzer = Analyzer { name: "go-binary", version: 1, wants, analyze };

fn analyze(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let mut analysis = Analysis::default();
    let Some(program) = open(content)? else { return Ok(analysis) };
    let Some(at) = find(&program)? else { return Ok(analysis) };
    let (version, modules) = texts(&program, at)?;
    if let Some(version) = toolchain(&version) {
        analysis.packages.push(Package::new(Kind::Golang, "stdlib", version, Evidence::Binary));
    } else {
        analysis.note(format!("the version of Go's library: the program was made with `{version}`"));
    }
    let modules = String::from_utf8_lossy(&modules);
    take_modules(&modules, &mut analysis);
    if modules.is_empty() {
        analysis.note("the modules of the program: it was made without them");
    }
    Ok(analysis)
}

/// Where the information begins.
fn find(program: &Executable<'_>) -> Result<Option<u64>, AnalyzerError> {
    let named = program.section(".go.buildinfo").or_else(|| program.section("__go_buildinfo"));
    if let Some(section) = named {
        let at = search(program, section)?;
        return at.map(Some).ok_or_else(|| broken("its section of build information has none"));
    }
    // PE never has that section; the others do whenever they have any.
    if !program.sections.is_empty() && program.format != Format::Pe {
        return Ok(None);
    }
    match program.segments.iter().find(|segment| segment.is_writable && segment.size > 0) {
        Some(segment) => search(program, segment),
        None => Ok(None),
    }
}

/// Looks for the magic number at the places where it may be.
fn search(program: &Executable<'_>, section: &Section) -> Result<Option<u64>, AnalyzerError> {
    let part = program.content.part(section.offset, section.size.min(MOST_SEARCHED));
    let mut at = 0;
    while at < part.size() {
        let piece = read_part(&part, at, PIECE.min(part.size() - at))?;
        let found = memchr::memmem::find_iter(&piece, MAGIC).find(|found| found % ALIGNMENT == 0);
        if let Some(found) = found {
            return Ok(Some(section.offset + at + found as u64));
        }
        at += PIECE;
    }
    Ok(None)
}

/// The version of Go and the list of modules.
fn texts(program: &Executable<'_>, at: u64) -> Result<(String, Vec<u8>), AnalyzerError> {
    let content = &program.content;
    let header = read_part(content, at, HEADER).map_err(|_| broken("its build information is cut off"))?;
    let (version, modules) = if header[15] & FLAG_INLINE != 0 {
        let (version, next) = inline(content, at + HEADER)?;
        (version, inline(content, next)?.0)
    } else {
        let is_big = header[15] & FLAG_BIG_ENDIAN != 0;
        let endian = if is_big { Endian::Big } else { Endian::Little };
        let width = usize::from(header[14]);
        let text = |at: usize| {
            let address = word(&header, at, width, endian)?;
            pointed(program, address, width, endian)
        };
        let missing = || broken("an address in its build information leads nowhere");
        (text(16).ok_or_else(missing)?, text(16 + width).ok_or_else(missing)?)
    };
    // "<16 bytes>…\n<16 bytes>"; without the line's end before the last of them there is no list.
    let end = modules.len().saturating_sub(SENTINEL);
    let list = modules.get(SENTINEL..end).filter(|list| list.ends_with(b"\n")).unwrap_or_default();
    Ok((String::from_utf8_lossy(&version).into_owned(), list.to_vec()))
}

/// A text behind its length, and where it ends.
fn inline(content: &dyn ReadAt, at: u64) -> Result<(Vec<u8>, u64), AnalyzerError> {
    let cut = || broken("its build information is cut off");
    let most = content.size().saturating_sub(at).min(10);
    let (mut length, mut used) = (0, 0);
    for byte in read_part(content, at, most).map_err(|_| cut())? {
        length |= u64::from(byte & 0x7f).checked_shl(7 * used).unwrap_or_default();
        used += 1;
        if byte & 0x80 == 0 {
            break;
        }
    }
    let start = at + u64::from(used);
    Ok((text(content, start, length)?, start + length))
}

fn text(content: &dyn ReadAt, at: u64, length: u64) -> Result<Vec<u8>, AnalyzerError> {
    if length > MOST_TEXT_BYTES {
        return Err(broken(format!("a text of its build information has {length} bytes")));
    }
    read_part(content, at, length).map_err(|_| broken("its build information is cut off"))
}

/// The text whose address and length are at an address.
fn pointed(program: &Executable<'_>, address: u64, width: usize, endian: Endian) -> Option<Vec<u8>> {
    let (place, _) = program.place(address)?;
    let pair = read_part(&program.content, place, 2 * width as u64).ok()?;
    let (start, length) = (word(&pair, 0, width, endian)?, word(&pair, width, width, endian)?);
    if length == 0 {
        return Some(Vec::new());
    }
    let (place, rest) = program.place(start)?;
    text(&program.content, place, Some(length).filter(|length| *length <= rest)?).ok()
}

fn word(bytes: &[u8], at: usize, width: usize, endian: Endian) -> Option<u64> {
    match width {
        4 => endian.u32(bytes, at).map(u64::from),
        8 => endian.u64(bytes, at),
        _ => None,
    }
}

/// The version of Go as its advisories spell it: `go1.22.3 X:experiment` is `1.22.3`, `go1.22rc1` is `1.22.0-rc.1`.
fn toolchain(text: &str) -> Option<String> {
    let mut words = text.split([' ', '\t']).filter_map(|word| word.strip_prefix("go"));
    let version = words.find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
    for (short, long) in [("rc", "rc"), ("beta", "beta")] {
        if let Some((release, number)) = version.split_once(short)
            && release.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        {
            let zero = if release.matches('.').count() < 2 { ".0" } else { "" };
            return Some(format!("{release}{zero}-{long}.{number}"));
        }
    }
    Some(version.to_owned())
}

/// `mod` is the program's own module, each `dep` one that it is made of, and `=>` what stands in for the line before.
fn take_modules(text: &str, analysis: &mut Analysis) {
    let mut modules: Vec<Package> = Vec::new();
    let mut linked = None;
    for line in text.lines() {
        let mut fields = line.split('\t');
        let kind = fields.next().unwrap_or_default();
        let (Some(path), version) = (fields.next(), fields.next().unwrap_or_default()) else { continue };
        match kind {
            "mod" | "dep" => modules.push(module(path, version)),
            "=>" => {
                let Some(replaced) = modules.last_mut() else { continue };
                let other = module(path, version);
                // A folder that stands in for a module is a part of the project, under the module's name.
                *replaced = if other.version.is_empty() { module(&replaced.name, "") } else { other };
            }
            "build" => linked = linked.or_else(|| linked_version(path)),
            _ => {}
        }
    }
    // The program's own module comes first; without a version it may still have been told one.
    if let (Some(own), Some(version)) = (modules.first_mut(), linked)
        && own.version.is_empty()
    {
        *own = module(&own.name, &version);
    }
    analysis.packages.extend(modules);
}

fn module(path: &str, version: &str) -> Package {
    let version = if version == UNVERSIONED { "" } else { version };
    let mut package = Package::new(Kind::Golang, path, version, Evidence::Binary);
    package.scope = if version.is_empty() { Scope::Project } else { Scope::Runtime };
    package
}

/// The version that the linker was told to write into a variable of that name, if all such variables got the same one:
/// `-ldflags="-X main.version=v1.2.3"`.
fn linked_version(setting: &str) -> Option<String> {
    const VARIABLES: [&str; 5] = ["appversion", "buildversion", "gitversion", "semver", "version"];
    let flags = setting.strip_prefix("-ldflags=")?;
    let words = flags.split(|letter: char| letter.is_whitespace() || "\"'".contains(letter));
    let versions = words.filter_map(|word| {
        let (variable, value) = word.trim_start_matches("-X=").split_once('=')?;
        let name = variable.rsplit('.').next()?.to_ascii_lowercase();
        let number = value.strip_prefix('v').unwrap_or(value);
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let numbers: Vec<&str> = number.split(['-', '+']).next()?.split('.').collect();
        let is_version = numbers.len() == 3 && numbers.into_iter().all(is_number);
        (VARIABLES.contains(&name.as_str()) && is_version).then(|| format!("v{number}"))
    });
    let versions: BTreeSet<String> = versions.collect();
    if versions.len() == 1 { versions.into_iter().next() } else { None }
}

fn broken(reason: impl Into<String>) -> AnalyzerError {
    AnalyzerError::format(FORMAT, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_toolchain_is_spelled_as_in_advisories() {
        let of = |text: &str| toolchain(text).unwrap_or_default();
        assert_eq!(of("go1.22.3"), "1.22.3");
        assert_eq!(of("go1.20"), "1.20");
        assert_eq!(of("go1.21rc2"), "1.21.0-rc.2");
        assert_eq!(of("go1.18beta1 X:regabi"), "1.18.0-beta.1");
        assert_eq!(of("go1.21.13 (Red Hat 1.21.13-1.el9)"), "1.21.13");
        assert_eq!(of("devel go1.23-0a1b2c3 Thu Jan 1 00:00:00 1970 +0000"), "1.23-0a1b2c3");
        assert_eq!(of("devel +0a1b2c3"), "");
    }

    #[test]
    fn what_stands_in_for_a_module_is_the_module() {
        let text = "path\texample.org/app\nmod\texample.org/app\t(devel)\t\ndep\ta.org/one\tv1.0.0\th1:x=\n\
                    dep\ta.org/two\tv1.0.0\n=>\tb.org/two\tv1.1.0\th1:y=\ndep\ta.org/three\tv0.0.0\n=>\t./three\t(devel)\t\n\
                    dep\ta.org/four\tv4.0.0+incompatible\nbuild\t-compiler=gc\n";
        let mut analysis = Analysis::default();
        take_modules(text, &mut analysis);
        let found: Vec<_> = analysis
            .packages
            .iter()
            .map(|one| (one.name.as_str(), one.version.as_str(), one.scope))
            .collect();
        assert_eq!(
            found,
            [
                ("example.org/app", "", Scope::Project),
                ("a.org/one", "v1.0.0", Scope::Runtime),
                ("b.org/two", "v1.1.0", Scope::Runtime),
                ("a.org/three", "", Scope::Project),
                ("a.org/four", "v4.0.0+incompatible", Scope::Runtime),
            ]
        );
    }

    #[test]
    fn a_program_may_be_told_its_version_by_the_linker() {
        let of = |flags: &str| linked_version(&format!("-ldflags={flags}"));
        assert_eq!(of(r#""-s -w -X main.version=v1.2.3""#).as_deref(), Some("v1.2.3"));
        let twice = "\"-X 'a.org/x/version.gitVersion=v1.27.16' -X=b.org/version.Version=1.27.16 -X main.commit=1.1.1\"";
        assert_eq!(of(twice).as_deref(), Some("v1.27.16"));
        assert_eq!(of("\"-X a.Version=1.0.0 -X b.Version=2.0.0\""), None);
        assert_eq!(of("\"-X main.goVersion=1.19.2 -X main.version=dev\""), None);
    }
}
