//! The words of every instruction, and their dump as S-expressions.
//!
//! The form of the dump is that of `BuildKit`'s own: one expression a line and instruction, the name in lower case, flags in
//! brackets, words in double quotes as Go writes strings. Each pair of `ENV` and `LABEL` has three words, the last of
//! which is what stood between the others; heredocs are words, and their bodies are not shown.

use std::fmt::{self, Write as _};

use plimsoll_diagnostics::{Diagnostic, SourceFile};

use super::Parser;

/// All instructions of a file, as they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// In order.
    pub instructions: Vec<Node>,
}

/// One instruction, whether or not there is one of that name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its name in lower case.
    pub name: String,
    /// Its flags without quotes, dashes included.
    pub flags: Vec<String>,
    /// Its words.
    pub parts: Vec<Part>,
}

/// A part of an instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A word.
    Word(String),
    /// The trigger of `ONBUILD`.
    Node(Box<Node>),
}

/// Errors without which there are no words. All others are errors of what the words say.
const WITHOUT_WORDS: [&str; 9] = [
    "bad-escape",
    "duplicate-directive",
    "empty-file",
    "long-line",
    "missing-equals",
    "missing-value",
    "not-strings",
    "too-many-heredocs",
    "unterminated-heredoc",
];

/// Takes a file apart without asking whether its instructions mean anything.
pub fn tree(file: &SourceFile) -> Result<Tree, Vec<Diagnostic>> {
    let mut parser = Parser::new(file.shared_text());
    parser.tree = Some(Vec::new());
    let parsed = parser.finish();
    let broken = |diagnostic: &Diagnostic| diagnostic.is_error() && WITHOUT_WORDS.contains(&diagnostic.code);
    let errors: Vec<Diagnostic> = parsed.1.diagnostics.into_iter().filter(broken).collect();
    if errors.is_empty() { Ok(Tree { instructions: parsed.0.unwrap_or_default() }) } else { Err(errors) }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, node) in self.instructions.iter().enumerate() {
            if place > 0 {
                f.write_char('\n')?;
            }
            write!(f, "({node})")?;
        }
        Ok(())
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if !self.flags.is_empty() {
            f.write_str(" [")?;
            for (place, flag) in self.flags.iter().enumerate() {
                if place > 0 {
                    f.write_char(' ')?;
                }
                quote(flag, f)?;
            }
            f.write_char(']')?;
        }
        for part in &self.parts {
            f.write_char(' ')?;
            match part {
                Part::Word(word) => quote(word, f)?,
                Part::Node(node) => write!(f, "({node})")?,
            }
        }
        Ok(())
    }
}

/// Writes a text as Go's `strconv.Quote` does.
fn quote(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_char('"')?;
    for character in text.chars() {
        match character {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\u{07}' => f.write_str("\\a")?,
            '\u{08}' => f.write_str("\\b")?,
            '\u{0c}' => f.write_str("\\f")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            '\u{0b}' => f.write_str("\\v")?,
            printable if is_printable(printable) => f.write_char(printable)?,
            other => match u32::from(other) {
                code @ (..=0x1f | 0x7f) => write!(f, "\\x{code:02x}")?,
                code @ ..=0xffff => write!(f, "\\u{code:04x}")?,
                code => write!(f, "\\U{code:08x}")?,
            },
        }
    }
    f.write_char('"')
}

/// Whether a character is a letter, mark, number, punctuation, symbol or the blank.
fn is_printable(character: char) -> bool {
    if character.is_ascii() {
        return matches!(character, ' '..='~');
    }
    // Behind another character, the standard library escapes exactly what is none of these.
    let text: String = ['a', character].into_iter().collect();
    text.escape_debug().skip(1).eq([character])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dump(text: &str) -> String {
        tree(&SourceFile::new("Dockerfile", text)).unwrap().to_string()
    }

    #[test]
    fn names_are_in_lower_case_and_words_are_quoted() {
        assert_eq!(dump("From Alpine  AS  Build\n"), r#"(from "Alpine" "AS" "Build")"#);
        assert_eq!(dump("RUN echo \"hi\" \\\n  there\n"), r#"(run "echo \"hi\"   there")"#);
        assert_eq!(dump("EXPOSE 80 \t443/udp"), r#"(expose "80" "443/udp")"#);
        assert_eq!(dump("MAINTAINER  Somebody <a@b> "), r#"(maintainer "Somebody <a@b>")"#);
    }

    #[test]
    fn json_is_words_and_what_is_none_is_a_text() {
        assert_eq!(dump("CMD [\"a\", \"b c\"]"), r#"(cmd "a" "b c")"#);
        assert_eq!(dump("CMD ['a']"), r#"(cmd "['a']")"#);
        assert_eq!(dump("COPY [\"a b\",\"c\"]"), r#"(copy "a b" "c")"#);
        assert_eq!(dump("VOLUME /a /b"), r#"(volume "/a" "/b")"#);
        assert_eq!(dump("CMD []"), "(cmd)");
    }

    #[test]
    fn flags_stand_in_brackets_without_their_quotes() {
        assert_eq!(
            dump("COPY --from=x --chown=\"a b\" src dst"),
            r#"(copy ["--from=x" "--chown=a b"] "src" "dst")"#
        );
        assert_eq!(
            dump("HEALTHCHECK --interval=5s CMD [\"x\", \"y\"]"),
            r#"(healthcheck ["--interval=5s"] "CMD" "x" "y")"#
        );
        assert_eq!(dump("HEALTHCHECK NONE"), r#"(healthcheck "NONE")"#);
        assert_eq!(dump("HEALTHCHECK CMD a  b"), r#"(healthcheck "CMD" "a  b")"#);
    }

    #[test]
    fn pairs_have_a_third_word() {
        assert_eq!(dump("ENV a=1 b=\"2 3\""), r#"(env "a" "1" "=" "b" "\"2 3\"" "=")"#);
        assert_eq!(dump("LABEL a b  c"), r#"(label "a" "b  c" "")"#);
        assert_eq!(dump("ARG a b=1"), r#"(arg "a" "b=1")"#);
    }

    #[test]
    fn a_trigger_is_an_expression_of_its_own() {
        assert_eq!(
            dump("ONBUILD ONBUILD RUN --network=none x"),
            r#"(onbuild (onbuild (run ["--network=none"] "x")))"#
        );
    }

    #[test]
    fn a_heredoc_is_a_word_and_what_is_no_instruction_an_empty_one() {
        assert_eq!(
            dump("RUN <<EOF cat\nbody\nEOF\nCOPY <<a <<b /x\na\nb\n"),
            "(run \"<<EOF cat\")\n(copy \"<<a\" \"<<b\" \"/x\")"
        );
        assert_eq!(dump("FOO bar\nRUN"), "(foo \"\")\n(run)");
        assert_eq!(dump("# escape=`\nRUN a `\n b\\c"), r#"(run "a  b\\c")"#);
    }

    #[test]
    fn strings_are_written_as_go_writes_them() {
        assert_eq!(
            dump("USER é\u{301}\u{200b}\u{7}\u{7f}\u{a0}\u{10ffff}😀\tx"),
            "(user \"é\u{301}\\u200b\\a\\x7f\\u00a0\\U0010ffff😀\\tx\")"
        );
    }

    #[test]
    fn what_has_no_words_is_an_error() {
        for text in ["", "ENV a", "LABEL a=b c", "CMD [1]", "RUN <<EOF\n", "# escape=x\nFROM a"] {
            assert!(tree(&SourceFile::new("Dockerfile", text)).is_err(), "{text}");
        }
        assert!(tree(&SourceFile::new("Dockerfile", "ENV =b\nCOPY x\nFROM a b\nRUN --x=y z\n")).is_ok());
    }
}
