//! The words of a line.

use std::path::Path;

use plimsoll_dockerfile::glob;

/// A line, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) words: Vec<String>,
    /// The file that takes what the command shows.
    pub(super) output: Option<String>,
}

/// Splits a line at blanks, and puts in variables and names of files.
pub(super) fn split(line: &str) -> Result<Command, String> {
    let mut command = Command::default();
    let mut characters = line.chars().peekable();
    let mut to_file = false;
    loop {
        while characters.next_if(|character| character.is_whitespace()).is_some() {}
        match characters.peek() {
            None | Some('#') => break,
            Some('>') => {
                characters.next();
                to_file = true;
                continue;
            }
            Some('|' | '&' | ';' | '<') => {
                return Err("pipes, lists and input from files are not for this shell".to_owned());
            }
            Some(_) => {}
        }
        let (word, is_pattern) = word(&mut characters)?;
        if std::mem::take(&mut to_file) {
            command.output = Some(word);
        } else if is_pattern {
            command.words.extend(expand(word));
        } else {
            command.words.push(word);
        }
    }
    if to_file { Err("`>` needs the name of a file".to_owned()) } else { Ok(command) }
}

/// Reads one word; tells whether it has wildcards that are not quoted.
fn word(characters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<(String, bool), String> {
    let mut word = String::new();
    let mut is_pattern = false;
    let mut quote = None;
    while let Some(character) = characters.peek().copied() {
        if quote.is_none() && (character.is_whitespace() || matches!(character, '>' | '|' | '&' | ';' | '<'))
        {
            break;
        }
        characters.next();
        match (character, quote) {
            (_, Some(open)) if character == open => quote = None,
            ('\'' | '"', None) => quote = Some(character),
            ('\\', None | Some('"')) => word.extend(characters.next()),
            ('$', None | Some('"')) => {
                let mut name = String::new();
                let is_name = |character: &char| character.is_ascii_alphanumeric() || *character == '_';
                while let Some(letter) = characters.next_if(is_name) {
                    name.push(letter);
                }
                if name.is_empty() {
                    word.push('$');
                } else {
                    word.push_str(&std::env::var(&name).unwrap_or_default());
                }
            }
            ('*' | '?', None) => {
                is_pattern = true;
                word.push(character);
            }
            _ => word.push(character),
        }
    }
    if quote.is_some() { Err("a quote is not closed".to_owned()) } else { Ok((word, is_pattern)) }
}

/// The paths that a pattern stands for, or itself where there are none.
fn expand(pattern: String) -> Vec<String> {
    let (directory, last) = match pattern.rsplit_once('/') {
        Some((directory, last)) => (format!("{directory}/"), last.to_owned()),
        None => (String::new(), pattern.clone()),
    };
    let place = if directory.is_empty() { Path::new(".") } else { Path::new(&directory) };
    let mut found: Vec<String> = std::fs::read_dir(place)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.') || last.starts_with('.'))
        .filter(|name| glob::matches(&last, name.as_bytes()).unwrap_or(false))
        .map(|name| format!("{directory}{name}"))
        .collect();
    found.sort_unstable();
    if found.is_empty() { vec![pattern] } else { found }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        split(line).unwrap().words
    }

    #[test]
    fn quotes_hold_words_together() {
        assert_eq!(words(r#"  echo 'a  b' "c d"e f\ g # end"#), ["echo", "a  b", "c de", "f g"]);
        assert_eq!(words("echo '$HOME' \"\" $"), ["echo", "$HOME", "", "$"]);
        assert!(split("echo 'a").is_err() && split("a | b").is_err() && split("a >").is_err());
        assert_eq!(split("env > /x y").unwrap().output.as_deref(), Some("/x"));
    }

    #[test]
    fn variables_and_wildcards_are_put_in() {
        let path = std::env::var("PATH").unwrap();
        assert_eq!(words("$PATH x$NO_SUCH_VARIABLE"), [path.as_str(), "x"]);
        let manifest = env!("CARGO_MANIFEST_DIR");
        assert_eq!(words(&format!("ls {manifest}/Cargo.t*")), ["ls", &format!("{manifest}/Cargo.toml")]);
        assert_eq!(words("ls '*' /no/such/*"), ["ls", "*", "/no/such/*"]);
    }
}
