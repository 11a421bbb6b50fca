//! The one-line format: `deb [option=value …] uri suite component…`.

use super::{AptSource, SignedBy, SourcesError};

/// Reads a `sources.list` file. Flat repositories (a suite that ends in `/`) have no suites and are passed
/// over.
pub fn parse_sources_list(text: &str) -> Result<Vec<AptSource>, SourcesError> {
    let mut sources = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let entry = line.split('#').next().unwrap_or_default().trim();
        if entry.is_empty() {
            continue;
        }
        let source = parse_entry(entry)
            .ok_or_else(|| SourcesError::BadEntry { line: number + 1, text: entry.to_owned() })?;
        if !source.suites.is_empty() {
            sources.push(source);
        }
    }
    Ok(sources)
}

/// `None` for a malformed entry; a flat repository has no suites.
fn parse_entry(entry: &str) -> Option<AptSource> {
    let (kind, rest) = entry.split_once([' ', '\t'])?;
    if !matches!(kind, "deb" | "deb-src") {
        return None;
    }
    let mut source = AptSource { types: vec![kind.to_owned()], ..AptSource::default() };
    let mut rest = rest.trim_start();
    if let Some(inside) = rest.strip_prefix('[') {
        let (options, tail) = inside.split_once(']')?;
        for option in options.split_ascii_whitespace() {
            let (name, value) = option.split_once('=')?;
            match name.trim_end_matches(['+', '-']) {
                "arch" => source.architectures = value.split(',').map(str::to_owned).collect(),
                "signed-by" => source.signed_by = Some(SignedBy::parse(value)),
                "check-valid-until" => source.check_valid_until = Some(value != "no"),
                _ => {}
            }
        }
        rest = tail.trim_start();
    }
    let mut words = rest.split_ascii_whitespace().map(str::to_owned);
    source.uris.push(words.next()?);
    let suite = words.next()?;
    if suite.ends_with('/') {
        return Some(source);
    }
    source.suites.push(suite);
    source.components = words.collect();
    (!source.components.is_empty()).then_some(source)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn options_suites_and_components_are_read() {
        let text = "# c\ndeb [arch=amd64,arm64 signed-by=/k.gpg check-valid-until=no] http://m.example/debian sid main contrib # x\n\
                    deb-src http://m.example/debian sid main\n";
        let sources = parse_sources_list(text).unwrap();
        assert_eq!(sources.len(), 2);
        assert_eq!(sources[0].architectures, ["amd64", "arm64"]);
        assert_eq!(sources[0].signed_by.as_ref().unwrap().files, [PathBuf::from("/k.gpg")]);
        assert_eq!(sources[0].check_valid_until, Some(false));
        assert_eq!(sources[0].components, ["main", "contrib"]);
        assert_eq!(sources[1].types, ["deb-src"]);
    }

    #[test]
    fn flat_repositories_are_passed_over_and_nonsense_is_refused() {
        assert!(parse_sources_list("deb http://m.example/x ./\n").unwrap().is_empty());
        for text in [
            "deb http://m.example/debian sid",
            "rpm http://m.example sid main",
            "deb [arch http://m.example sid main",
        ] {
            assert!(
                matches!(parse_sources_list(text), Err(SourcesError::BadEntry { line: 1, .. })),
                "{text}"
            );
        }
    }
}
