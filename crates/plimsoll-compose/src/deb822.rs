//! Paragraphs of `Name: value` fields: control files, package indexes, release files, apt sources.
//!
//! Follows deb822(5) and Debian Policy 5.1. Field names compare without case.

/// One paragraph; values keep their line breaks, without the one leading space of continuation lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Paragraph {
    fields: Vec<(String, String)>,
}

impl Paragraph {
    /// The value of a field; the first one where a field is repeated.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The words of a field, none if it is absent.
    pub(crate) fn words<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.field(name).unwrap_or_default().split_ascii_whitespace()
    }
}

/// A line that is no field, no continuation and no comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadLine {
    /// Counted from 1.
    pub(crate) line: usize,
}

/// Reads all paragraphs of `text`; lines that start with `#` are comments.
pub(crate) fn parse(text: &str) -> Result<Vec<Paragraph>, BadLine> {
    let mut paragraphs = Vec::new();
    let mut current = Paragraph::default();
    for (number, line) in text.lines().enumerate() {
        if line.starts_with('#') {
            continue;
        }
        if line.trim().is_empty() {
            if !current.fields.is_empty() {
                paragraphs.push(std::mem::take(&mut current));
            }
        } else if line.starts_with([' ', '\t']) {
            let (_, value) = current.fields.last_mut().ok_or(BadLine { line: number + 1 })?;
            value.push('\n');
            value.push_str(line[1..].trim_end());
        } else {
            let (name, value) = line.split_once(':').ok_or(BadLine { line: number + 1 })?;
            current.fields.push((name.trim_end().to_owned(), value.trim().to_owned()));
        }
    }
    if !current.fields.is_empty() {
        paragraphs.push(current);
    }
    Ok(paragraphs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_continuations_and_comments_are_read() {
        let text = "# head\nA: 1\nB: two\n  words\n# inside\n .\n\n\nC:3\n";
        let paragraphs = parse(text).unwrap();
        assert_eq!(paragraphs.len(), 2);
        assert_eq!(paragraphs[0].field("b"), Some("two\n words\n."));
        assert_eq!(paragraphs[0].words("B").collect::<Vec<_>>(), ["two", "words", "."]);
        assert_eq!(paragraphs[1].field("C"), Some("3"));
        assert_eq!(paragraphs[1].field("D"), None);
    }

    #[test]
    fn a_line_without_a_colon_is_named() {
        assert_eq!(parse("A: 1\nnonsense\n"), Err(BadLine { line: 2 }));
        assert_eq!(parse(" x\n"), Err(BadLine { line: 1 }));
    }
}
