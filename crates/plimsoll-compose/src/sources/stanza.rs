//! The stanza format: one paragraph an entry, in files named `*.sources`.

use super::{AptSource, SignedBy, SourcesError};
use crate::deb822;

/// Reads a `*.sources` file; stanzas with `Enabled: no` and flat repositories are passed over.
pub fn parse_deb822(text: &str) -> Result<Vec<AptSource>, SourcesError> {
    let stanzas = deb822::parse(text).map_err(|bad| SourcesError::BadField { line: bad.line })?;
    let mut sources = Vec::new();
    for (place, stanza) in stanzas.iter().enumerate() {
        if stanza.field("Enabled").is_some_and(|value| matches!(value, "no" | "false" | "0")) {
            continue;
        }
        let list = |field: &'static str| {
            let words: Vec<String> = stanza.words(field).map(str::to_owned).collect();
            if words.is_empty() {
                Err(SourcesError::MissingField { stanza: place + 1, field })
            } else {
                Ok(words)
            }
        };
        let suites = list("Suites")?;
        if suites.iter().any(|suite| suite.ends_with('/')) {
            continue;
        }
        sources.push(AptSource {
            types: list("Types")?,
            uris: list("URIs")?,
            suites,
            components: list("Components")?,
            signed_by: stanza.field("Signed-By").map(SignedBy::parse),
            architectures: stanza.words("Architectures").map(str::to_owned).collect(),
            check_valid_until: stanza.field("Check-Valid-Until").map(|value| value != "no"),
        });
    }
    Ok(sources)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stanzas_with_comments_and_several_suites_are_read() {
        let text = "Types: deb deb-src\n# a comment\nURIs: http://m.example/debian\nSuites: sid sid-x\nComponents: main\n\
                    Signed-By: /k.gpg\n\nTypes: deb\nEnabled: no\n";
        let sources = parse_deb822(text).unwrap();
        assert_eq!(sources.len(), 1);
        assert_eq!(sources[0].types, ["deb", "deb-src"]);
        assert_eq!(sources[0].suites, ["sid", "sid-x"]);
        assert_eq!(sources[0].check_valid_until, None);
    }

    #[test]
    fn a_missing_field_is_named() {
        let error = parse_deb822("Types: deb\nURIs: http://m.example/debian\nSuites: sid\n").unwrap_err();
        assert_eq!(error.to_string(), "stanza 1 has no `Components`");
    }
}
