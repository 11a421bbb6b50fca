//! What a registry asks for: the `WWW-Authenticate` header (RFC 9110, section 11.6.1; distribution, "Token Authentication").

use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

/// How a registry wants to be convinced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// By a token from a token server.
    Bearer {
        /// The address of the token server.
        realm: String,
        /// Its name for the registry.
        service: Option<String>,
        /// The access that the request would have needed.
        scope: Option<String>,
    },
    /// By user name and password in each request.
    Basic,
}

impl Challenge {
    /// The strongest challenge in an answer's headers that can be met.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let values = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let challenges: Vec<_> = values.flat_map(parse).collect();
        let bearer = challenges.iter().find(|challenge| matches!(challenge, Self::Bearer { .. }));
        bearer.or(challenges.first()).cloned()
    }
}

/// All challenges of one header value: `scheme key="value",key=value, scheme …`.
fn parse(value: &str) -> Vec<Challenge> {
    let mut challenges = Vec::new();
    let mut scheme = "";
    let mut parameters: Vec<(String, String)> = Vec::new();
    let mut rest = value.trim_start_matches([' ', ',']);
    loop {
        let end = rest.find(['=', ' ', ',']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if let Some(after) = after.strip_prefix('=') {
            let (text, after) = parameter(after);
            parameters.push((word.to_ascii_lowercase(), text));
            rest = after;
        } else {
            challenges.extend(challenge(scheme, &parameters));
            parameters.clear();
            scheme = word;
            rest = after;
        }
        rest = rest.trim_start_matches([' ', ',']);
        if rest.is_empty() {
            challenges.extend(challenge(scheme, &parameters));
            return challenges;
        }
    }
}

/// A parameter's value, quoted or not, and what comes after it.
fn parameter(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

fn challenge(scheme: &str, parameters: &[(String, String)]) -> Option<Challenge> {
    let parameter =
        |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    match scheme.to_ascii_lowercase().as_str() {
        "basic" => Some(Challenge::Basic),
        "bearer" => Some(Challenge::Bearer {
            realm: parameter("realm")?,
            service: parameter("service"),
            scope: parameter("scope").filter(|scope| !scope.is_empty()),
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_bearer_challenge_with_commas_in_its_scope() {
        let header = r#"Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push""#;
        let expected = Challenge::Bearer {
            realm: "https://auth.example/token".to_owned(),
            service: Some("registry.example".to_owned()),
            scope: Some("repository:a/b:pull,push".to_owned()),
        };
        assert_eq!(parse(header), [expected]);
    }

    #[test]
    fn reads_several_challenges_and_unquoted_and_escaped_values() {
        let header = r#"Negotiate, Basic realm="a \"b\", c", bearer Realm=https://t.example/x , service = "#;
        let found = parse(header);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0], Challenge::Basic);
        assert!(matches!(&found[1], Challenge::Bearer { realm, .. } if realm == "https://t.example/x"));
    }

    #[test]
    fn survives_nonsense() {
        for header in
            ["", "Bearer", "=", "Bearer realm=\"", "Bearer realm=\"a\\", "\"\"\"", ",,,", "Bearer =,= =\"\""]
        {
            parse(header);
        }
        assert_eq!(parse("Bearer service=\"a\""), []);
    }
}
