//! JSON with places: enough to find strings by the names that lead to them.
//!
//! What is broken ends the reading; what was found before it counts.

use super::value::Value;

/// How deep objects and arrays may be.
const MOST_DEPTH: usize = 64;

/// All strings, with the names that lead to them.
pub(crate) fn read(text: &[u8]) -> Vec<Value> {
    let mut reader = Reader { text, at: 0, keys: Vec::new(), values: Vec::new() };
    reader.any(0);
    reader.values
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    keys: Vec<String>,
    values: Vec<Value>,
}

impl Reader<'_> {
    fn peek(&mut self) -> Option<u8> {
        self.at += self.text[self.at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.text.get(self.at).copied()
    }

    fn take(&mut self, wanted: u8) -> Option<()> {
        (self.peek()? == wanted).then(|| self.at += 1)
    }

    fn any(&mut self, depth: usize) -> Option<()> {
        if depth > MOST_DEPTH {
            return None;
        }
        match self.peek()? {
            b'{' => {
                self.at += 1;
                if self.take(b'}').is_some() {
                    return Some(());
                }
                loop {
                    let (_, key) = self.string()?;
                    self.take(b':')?;
                    self.keys.push(key.to_ascii_lowercase());
                    self.any(depth + 1)?;
                    self.keys.pop();
                    if self.take(b',').is_none() {
                        return self.take(b'}');
                    }
                }
            }
            b'[' => {
                self.at += 1;
                if self.take(b']').is_some() {
                    return Some(());
                }
                loop {
                    self.any(depth + 1)?;
                    if self.take(b',').is_none() {
                        return self.take(b']');
                    }
                }
            }
            b'"' => {
                let (place, text) = self.string()?;
                self.values.push(Value { keys: self.keys.clone(), place, text });
                Some(())
            }
            _ => {
                let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
                let length = self.text[self.at..].iter().take_while(|byte| is_part(byte)).count();
                self.at += length;
                (length > 0).then_some(())
            }
        }
    }

    fn string(&mut self) -> Option<(std::ops::Range<usize>, String)> {
        self.take(b'"')?;
        let start = self.at;
        loop {
            self.at += memchr::memchr2(b'"', b'\\', &self.text[self.at..])?;
            if self.text[self.at] == b'"' {
                break;
            }
            self.at += 2;
            self.text.get(self.at)?;
        }
        let place = start..self.at;
        self.at += 1;
        let text = unescaped(&self.text[place.clone()]);
        Some((place, text))
    }
}

fn unescaped(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    if !text.contains('\\') {
        return text.into_owned();
    }
    let mut result = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            result.push(character);
            continue;
        }
        match characters.next() {
            Some('n') => result.push('\n'),
            Some('r') => result.push('\r'),
            Some('t') => result.push('\t'),
            Some('u') => {
                let digits: String = characters.by_ref().take(4).collect();
                let code = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                result.push(code.unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            Some(other) => result.push(other),
            None => {}
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_have_their_names_and_places() {
        let text = br#"{"A": {"b": "x\ny", "c": [1, true, {"d": "\u0041"}]}, "e": "z"#;
        let values = read(text);
        let shown: Vec<_> = values.iter().map(|value| (value.keys.join("/"), value.text.as_str())).collect();
        assert_eq!(shown, [("a/b".to_owned(), "x\ny"), ("a/c/d".to_owned(), "A")]);
        assert_eq!(&text[values[0].place.clone()], br"x\ny");
    }

    #[test]
    fn depth_is_bounded() {
        assert!(read("[".repeat(100_000).as_bytes()).is_empty());
    }
}
