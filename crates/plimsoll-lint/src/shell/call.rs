//! A command as rules ask about it: its name, flags and arguments.

use plimsoll_diagnostics::Span;

use super::ast::{Simple, Word};

/// Commands that run the command behind them.
const WRAPPERS: [&str; 6] = ["builtin", "busybox", "command", "coproc", "exec", "time"];

/// A command with a name.
#[derive(Clone, Copy, Debug)]
pub struct Call<'s> {
    /// The command.
    pub simple: &'s Simple,
    /// Its words from the name on, without wrappers such as `exec`.
    pub words: &'s [Word],
}

impl<'s> Call<'s> {
    pub(super) fn new(simple: &'s Simple) -> Self {
        let mut words = simple.words.as_slice();
        while let [first, rest @ ..] = words {
            if rest.is_empty() || !WRAPPERS.contains(&first.text.as_str()) || rest[0].text.starts_with('-') {
                break;
            }
            words = rest;
        }
        Self { simple, words }
    }

    /// The name; empty for assignments alone.
    pub fn name(&self) -> &'s str {
        self.words.first().map_or("", |word| word.text.as_str())
    }

    /// The name and its arguments, in the script.
    pub fn span(&self) -> Span {
        match self.words {
            [first, .., last] => first.span.to(last.span),
            [only] => only.span,
            [] => self.simple.span,
        }
    }

    /// Everything behind the name.
    pub fn arguments(&self) -> &'s [Word] {
        self.words.get(1..).unwrap_or_default()
    }

    /// The arguments that are no flags, in order. Behind `--` everything is one.
    pub fn operands(&self) -> Vec<&'s Word> {
        self.operands_without(&[])
    }

    /// The operands, without those that are the values of these flags; a flag is named without its dashes.
    pub fn operands_without(&self, valued: &[&str]) -> Vec<&'s Word> {
        let mut operands = Vec::new();
        let mut arguments = self.arguments().iter();
        while let Some(word) = arguments.next() {
            if word.text == "--" {
                operands.extend(arguments.by_ref());
            } else if let Some(flag) = flag_text(word) {
                let name = flag.trim_start_matches('-');
                if !flag.contains('=') && takes_value(flag, name, valued) {
                    arguments.next();
                }
            } else {
                operands.push(word);
            }
        }
        operands
    }

    /// Whether any of these flags is given; single letters may be grouped (`-qy`), others stand behind two dashes or one.
    pub fn has_flag(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.count_flag(name) > 0)
    }

    /// How often a flag is given.
    pub fn count_flag(&self, name: &str) -> usize {
        let mut count = 0;
        for word in self.arguments().iter().take_while(|word| word.text != "--") {
            let Some(flag) = flag_text(word) else { continue };
            let head = flag.split('=').next().unwrap_or_default();
            if let Some(long) = head.strip_prefix("--") {
                count += usize::from(long == name);
            } else if name.len() == 1 {
                count += head[1..].matches(name).count();
            } else {
                count += usize::from(&head[1..] == name);
            }
        }
        count
    }

    /// The value of a flag, `--name=value`, `--name value` or, as the last letter of a group, `-xn value`.
    pub fn flag_value(&self, names: &[&str]) -> Option<&'s str> {
        let mut arguments = self.arguments().iter();
        while let Some(word) = arguments.next() {
            let Some(flag) = flag_text(word) else { continue };
            let (head, value) = match flag.split_once('=') {
                Some((head, value)) => (head, Some(value)),
                None => (flag, None),
            };
            if takes_value(head, head.trim_start_matches('-'), names) {
                return value.or_else(|| arguments.next().map(|word| word.text.as_str()));
            }
        }
        None
    }

    /// Whether these words stand among the operands, in this order at the front: `is("apt-get", &["install"])`.
    pub fn is(&self, name: &str, operands: &[&str]) -> bool {
        self.name() == name && {
            let found = self.operands();
            operands.iter().all(|operand| found.iter().any(|word| word.text == *operand))
        }
    }

    /// Whether an argument of this text is among the words.
    pub fn has_argument(&self, text: &str) -> bool {
        self.arguments().iter().any(|word| word.text == text)
    }
}

/// The text of a word that is a flag.
fn flag_text(word: &Word) -> Option<&str> {
    (word.text.len() > 1 && word.text.starts_with('-')).then_some(word.text.as_str())
}

fn takes_value(flag: &str, name: &str, valued: &[&str]) -> bool {
    if flag.starts_with("--") {
        return valued.contains(&name);
    }
    // In a group the last letter may take the next word.
    valued.contains(&name)
        || name.chars().last().is_some_and(|last| valued.contains(&last.to_string().as_str()))
}
