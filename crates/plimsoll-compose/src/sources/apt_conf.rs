//! The few settings of apt.conf(5) that bear on fetching: proxies and `Check-Valid-Until`.

use std::collections::BTreeMap;

/// Values by lower-case name, the last one counts.
#[derive(Debug, Default)]
pub(super) struct Settings {
    values: BTreeMap<String, String>,
}

impl Settings {
    /// Adds the settings of one file. What it cannot read it passes over: apt has many settings, few matter
    /// here.
    pub(super) fn read(&mut self, text: &str) {
        let mut scopes: Vec<String> = Vec::new();
        let mut words: Vec<String> = Vec::new();
        for token in tokens(text) {
            match token {
                Token::Word(word) => words.push(word),
                Token::Open => scopes.push(words.drain(..).next().unwrap_or_default()),
                Token::Close => {
                    scopes.pop();
                    words.clear();
                }
                Token::End => {
                    if let [name, value] = words.as_slice() {
                        let path: Vec<&str> = scopes.iter().chain([name]).map(String::as_str).collect();
                        self.values.insert(path.join("::").to_ascii_lowercase(), value.clone());
                    }
                    words.clear();
                }
            }
        }
    }

    /// The value of a setting, by its lower-case name.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// A setting that is yes or no.
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        match self.value(name)?.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" | "with" | "enable" => Some(true),
            "false" | "no" | "off" | "0" | "without" | "disable" => Some(false),
            _ => None,
        }
    }
}

enum Token {
    Word(String),
    Open,
    Close,
    End,
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, tail)| tail);
        } else if rest.starts_with("//") || first == '#' {
            rest = rest.split_once('\n').map_or("", |(_, tail)| tail);
        } else if let Some(quoted) = rest.strip_prefix('"') {
            let (word, tail) = quoted.split_once('"').unwrap_or((quoted, ""));
            tokens.push(Token::Word(word.to_owned()));
            rest = tail;
        } else {
            rest = match first {
                '{' | '}' | ';' => {
                    tokens.push(match first {
                        '{' => Token::Open,
                        '}' => Token::Close,
                        _ => Token::End,
                    });
                    &rest[1..]
                }
                _ if first.is_whitespace() => rest.trim_start(),
                _ => {
                    let end =
                        rest.find(|c: char| c.is_whitespace() || "{};\"".contains(c)).unwrap_or(rest.len());
                    tokens.push(Token::Word(rest[..end].to_owned()));
                    &rest[end..]
                }
            };
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_and_flat_settings_are_the_same() {
        let mut settings = Settings::default();
        settings.read("Acquire::http::Proxy \"http://a.example//x\"; // note\n/* x */ APT { NeverAutoRemove { \"^x\"; }; };\n");
        settings.read("ACQUIRE { Check-Valid-Until \"no\"; HTTP { Proxy http://b.example; } };\n# end");
        assert_eq!(settings.value("acquire::http::proxy"), Some("http://b.example"));
        assert_eq!(settings.flag("acquire::check-valid-until"), Some(false));
        assert_eq!(settings.flag("acquire::check-date"), None);
    }
}
