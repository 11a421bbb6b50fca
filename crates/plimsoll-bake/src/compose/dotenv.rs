//! `.env` files: `NAME=value` lines, as compose reads them.

use std::collections::BTreeMap;

use super::interpolate::fill;

/// The most bytes that all values of a file may have, with variables filled in.
const MOST_BYTES: usize = 1 << 20;

/// Reads a file. Later lines see earlier ones, and those see what is already set.
///
/// # Errors
/// The line, and what is wrong with it.
pub fn parse_dotenv(
    text: &str,
    environment: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, (usize, String)> {
    let mut known = environment.clone();
    let mut found = BTreeMap::new();
    let lines: Vec<&str> = text.lines().collect();
    let (mut at, mut bytes) = (0, 0);
    while at < lines.len() {
        let number = at + 1;
        let line = lines[at].trim_start().trim_start_matches('\u{feff}');
        at += 1;
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").map_or(line, str::trim_start);
        let Some((name, value)) = line.split_once(['=', ':']) else {
            // A name alone takes the value that it has outside.
            let name = line.trim();
            if let Some(value) = environment.get(name) {
                found.insert(name.to_owned(), value.clone());
            }
            continue;
        };
        let name = name.trim();
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
        {
            return Err((number, format!("`{name}` cannot be the name of a variable")));
        }
        let value = value.trim_start();
        let value = if let Some(quote @ ('"' | '\'')) = value.chars().next() {
            let mut quoted = value[1..].to_owned();
            let end = loop {
                if let Some(end) = closing(&quoted, quote) {
                    break end;
                }
                let Some(next) = lines.get(at) else {
                    return Err((number, format!("the quote behind `{name}` is not closed")));
                };
                at += 1;
                quoted.push('\n');
                quoted.push_str(next);
            };
            let inner = &quoted[..end];
            if quote == '"' { expand(&unescape(inner), &known) } else { Ok(inner.to_owned()) }
        } else {
            let plain = value.split(" #").next().unwrap_or_default();
            expand(plain.trim_end(), &known)
        };
        let value = value.map_err(|error| (number, error))?;
        bytes += value.len();
        if bytes > MOST_BYTES {
            return Err((number, format!("the values take more than {} MiB", MOST_BYTES >> 20)));
        }
        known.entry(name.to_owned()).or_insert_with(|| value.clone());
        found.insert(name.to_owned(), value);
    }
    Ok(found)
}

fn expand(text: &str, known: &BTreeMap<String, String>) -> Result<String, String> {
    fill(text, known, &mut Vec::new(), 0)
}

fn closing(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        if character == quote && !escaped {
            return Some(at);
        }
        escaped = character == '\\' && !escaped && quote == '"';
    }
    None
}

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        match characters.next() {
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some(other @ ('"' | '\\')) => out.push(other),
            // What is no escape stays as it is; an escaped `$` is a plain one.
            Some('$') => out.push_str("$$"),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_quotes_and_references_are_read() {
        let text = "# c\nA=1\nexport B = \"x ${A}\\n\"\nC='$A' \nD=two # c\nE=\"a\nb\"\nHOME\nF=${HOME}\n";
        let environment = BTreeMap::from([("HOME".to_owned(), "/h".to_owned())]);
        let found = parse_dotenv(text, &environment).unwrap();
        let expected = [
            ("A", "1"),
            ("B", "x 1\n"),
            ("C", "$A"),
            ("D", "two"),
            ("E", "a\nb"),
            ("F", "/h"),
            ("HOME", "/h"),
        ];
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    }

    #[test]
    fn a_quote_that_is_not_closed_is_named_with_its_line() {
        assert_eq!(parse_dotenv("A=1\nB=\"x\n", &BTreeMap::new()).unwrap_err().0, 2);
    }

    #[test]
    fn values_that_double_each_other_come_to_an_end() {
        let lines = (1..60).map(|n| format!("A{n}=${{A{0}}}${{A{0}}}\n", n - 1));
        let text = format!("A0=0123456789\n{}", lines.collect::<String>());
        let (line, error) = parse_dotenv(&text, &BTreeMap::new()).unwrap_err();
        assert!(line < 20 && error.contains("more than 1 MiB"), "{line}: {error}");
    }
}
