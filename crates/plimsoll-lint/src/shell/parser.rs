//! Text to lists of commands. Never fails: what makes no sense is skipped or becomes words.

use plimsoll_diagnostics::Span;

use super::ast::{Command, Compound, Item, Joint, List, Pipeline, Redirect, Simple, Word};
use super::heredoc::Announced;
use super::word::ends_word;

/// How deep commands may lie in each other; what is deeper is not looked at.
const DEEPEST: usize = 50;

/// Operators of redirections, longer ones first.
const REDIRECTS: [&str; 12] = ["&>>", "<<<", "<<-", "<<", ">>", "<>", ">&", "<&", ">|", "&>", ">", "<"];

/// Parses a whole script.
pub(super) fn parse(text: &str) -> List {
    let mut parser = Parser { text, position: 0, depth: 0, heredocs: Vec::new() };
    let mut list = List::default();
    loop {
        list.items.extend(parser.list(&[]).items);
        if parser.position >= text.len() {
            return list;
        }
        // A closing bracket or word that nothing opened.
        if parser.word().is_none() {
            parser.position += text[parser.position..].chars().next().map_or(1, char::len_utf8);
        }
    }
}

/// A pipeline of one command.
pub(super) fn alone(command: Command, span: Span) -> Item {
    Item { joint: Joint::Start, pipeline: Pipeline { commands: vec![command], span } }
}

pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    pub(super) position: usize,
    depth: usize,
    /// Heredocs whose bodies follow behind the line.
    heredocs: Vec<Announced>,
}

impl Parser<'_> {
    /// The list inside of `(…)` of a substitution, whose closing bracket is consumed.
    pub(super) fn nested(&mut self) -> List {
        if self.depth >= DEEPEST {
            let open = self.position - 1;
            self.position = self.matching(open, b'(', b')');
            return List::default();
        }
        let list = self.list(&[")"]);
        self.accept(")");
        list
    }

    /// The list in a part of the text, which is left as it is.
    pub(super) fn part(&mut self, start: usize, end: usize) -> List {
        if self.depth >= DEEPEST {
            return List::default();
        }
        let mut inner =
            Parser { text: &self.text[..end], position: start, depth: self.depth + 1, heredocs: Vec::new() };
        inner.list(&[])
    }

    /// Pipelines up to one of the words in `stop`, which is not consumed, or to what nothing opened.
    fn list(&mut self, stop: &[&str]) -> List {
        let mut list = List::default();
        let mut joint = Joint::Start;
        self.depth += 1;
        loop {
            self.blanks_and_lines();
            if self.position >= self.text.len() || stop.iter().any(|word| self.at_word(word)) {
                break;
            }
            let before = self.position;
            let Some(pipeline) = self.pipeline() else { break };
            list.items.push(Item { joint, pipeline });
            self.blanks();
            joint = if self.accept("&&") {
                Joint::And
            } else if self.accept("||") {
                Joint::Or
            } else {
                if !self.at(";;") && !self.at(";&") {
                    let _separators = self.accept(";") || self.accept("&");
                }
                Joint::Then
            };
            if self.position == before {
                break;
            }
        }
        self.depth -= 1;
        list
    }

    fn pipeline(&mut self) -> Option<Pipeline> {
        let start = self.position;
        let mut commands = Vec::new();
        while self.at_word("!") {
            self.position += 1;
            self.blanks();
        }
        loop {
            self.blanks_and_lines();
            commands.extend(self.command());
            let end = self.position;
            self.blanks();
            let piped = !self.at("||") && (self.accept("|&") || self.accept("|"));
            if !piped {
                return (!commands.is_empty())
                    .then(|| Pipeline { commands, span: Span::new(start, end.max(start)) });
            }
        }
    }

    fn command(&mut self) -> Option<Command> {
        if self.depth >= DEEPEST {
            return self.simple().map(Command::Simple);
        }
        if self.at("((") {
            self.position = self.matching(self.position, b'(', b')');
            return Some(self.compound(Vec::new(), Vec::new(), false));
        }
        if self.accept("(") {
            let body = self.list(&[")"]);
            self.accept(")");
            return Some(self.compound(vec![body], Vec::new(), true));
        }
        for (word, read) in [
            ("if", Self::conditional as fn(&mut Self) -> Command),
            ("while", Self::repetition),
            ("until", Self::repetition),
            ("for", Self::iteration),
            ("select", Self::iteration),
            ("case", Self::selection),
            ("{", Self::group),
            ("function", Self::function),
        ] {
            if self.accept_word(word) {
                return Some(read(self));
            }
        }
        if self.at_function() {
            return Some(self.function());
        }
        self.simple().map(Command::Simple)
    }

    fn compound(&mut self, bodies: Vec<List>, words: Vec<Word>, is_subshell: bool) -> Command {
        let mut redirects = Vec::new();
        loop {
            self.blanks();
            match self.redirect() {
                Some(redirect) => redirects.push(redirect),
                None => return Command::Compound(Compound { bodies, words, redirects, is_subshell }),
            }
        }
    }

    /// Behind `if`.
    fn conditional(&mut self) -> Command {
        let mut bodies = Vec::new();
        loop {
            bodies.push(self.list(&["then", "fi", "elif", "else"]));
            if self.accept_word("fi") {
                break;
            }
            let again = ["then", "elif", "else"].iter().any(|word| self.accept_word(word));
            if !again {
                break;
            }
        }
        self.compound(bodies, Vec::new(), false)
    }

    /// Behind `while` and `until`.
    fn repetition(&mut self) -> Command {
        let condition = self.list(&["do", "done"]);
        let body = self.body();
        self.compound(vec![condition, body], Vec::new(), false)
    }

    /// Behind `for`.
    fn iteration(&mut self) -> Command {
        self.blanks();
        let mut words = Vec::new();
        if self.at("((") {
            self.position = self.matching(self.position, b'(', b')');
        } else {
            while let Some(word) = self.word() {
                words.push(word);
                self.blanks();
                if self.at_word("do") {
                    break;
                }
            }
        }
        self.blanks_and_lines();
        self.accept(";");
        self.blanks_and_lines();
        let body = self.body();
        self.compound(vec![body], words, false)
    }

    /// `do … done`.
    fn body(&mut self) -> List {
        self.accept_word("do");
        let body = self.list(&["done"]);
        self.accept_word("done");
        body
    }

    /// Behind `case`.
    fn selection(&mut self) -> Command {
        self.blanks();
        let words: Vec<Word> = self.word().into_iter().collect();
        self.blanks_and_lines();
        self.accept_word("in");
        let mut bodies = Vec::new();
        loop {
            self.blanks_and_lines();
            if self.position >= self.text.len() || self.accept_word("esac") {
                break;
            }
            // The patterns, up to their bracket.
            self.accept("(");
            let before = self.position;
            while !self.accept(")") && self.position < self.text.len() {
                self.blanks();
                if self.word().is_none() && !self.at(")") {
                    self.position += self.text[self.position..].chars().next().map_or(1, char::len_utf8);
                }
                self.blanks();
            }
            bodies.push(self.list(&["esac", ";;", ";&"]));
            let _end_of_branch = self.accept(";;&") || self.accept(";;") || self.accept(";&");
            if self.position == before {
                break;
            }
        }
        self.compound(bodies, words, false)
    }

    /// Behind `{`.
    fn group(&mut self) -> Command {
        let body = self.list(&["}"]);
        self.accept_word("}");
        self.compound(vec![body], Vec::new(), false)
    }

    /// `name()` and a command; behind `function` the brackets may be absent.
    fn function(&mut self) -> Command {
        self.blanks();
        self.word();
        self.blanks();
        if self.accept("(") {
            self.blanks();
            self.accept(")");
        }
        self.blanks_and_lines();
        self.depth += 1;
        let body = self.command();
        self.depth -= 1;
        let items = body.into_iter().map(|command| alone(command, Span::at(self.position))).collect();
        self.compound(vec![List { items }], Vec::new(), false)
    }

    /// Whether `name()` stands here.
    fn at_function(&self) -> bool {
        let rest = &self.text.as_bytes()[self.position..];
        let name =
            rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"_-.:".contains(byte)).count();
        let behind = &rest[name..];
        let blanks = behind.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        name > 0 && behind[blanks..].starts_with(b"()")
    }

    fn simple(&mut self) -> Option<Simple> {
        let mut simple = Simple::default();
        let start = self.position;
        let mut end = start;
        loop {
            self.blanks();
            if let Some(redirect) = self.redirect() {
                simple.redirects.push(redirect);
            } else if let Some(word) = self.word() {
                if simple.words.is_empty() && is_assignment(&self.text[word.span.range()]) {
                    let array = word.text.ends_with('=') && self.at("(");
                    simple.assignments.push(word);
                    if array {
                        self.position = self.matching(self.position, b'(', b')');
                    }
                } else {
                    let opens_test = simple.words.is_empty() && word.text == "[[";
                    simple.words.push(word);
                    if opens_test {
                        self.test(&mut simple);
                    }
                }
            } else {
                break;
            }
            end = self.position;
        }
        simple.span = Span::new(start, end);
        let is_empty =
            simple.words.is_empty() && simple.assignments.is_empty() && simple.redirects.is_empty();
        (!is_empty).then_some(simple)
    }

    /// Behind `[[`: operators are words there.
    fn test(&mut self, simple: &mut Simple) {
        loop {
            self.blanks_and_lines();
            let start = self.position;
            match self.word() {
                Some(word) => {
                    let closes = word.text == "]]";
                    simple.words.push(word);
                    if closes {
                        return;
                    }
                }
                None => match self.text[start..].chars().next() {
                    Some(operator) => self.position += operator.len_utf8(),
                    None => return,
                },
            }
        }
    }

    fn redirect(&mut self) -> Option<Redirect> {
        let start = self.position;
        let bytes = self.text.as_bytes();
        let mut at = start;
        while at < bytes.len() && bytes[at].is_ascii_digit() {
            at += 1;
        }
        let rest = &self.text[at..];
        // `<(` and `>(` are words.
        if rest.starts_with("<(") || rest.starts_with(">(") {
            return None;
        }
        let operator = REDIRECTS.into_iter().find(|operator| rest.starts_with(operator))?;
        if operator.starts_with('&') && at > start {
            return None;
        }
        self.position = at + operator.len();
        self.blanks();
        let target = self.word().unwrap_or_default();
        if operator == "<<" || operator == "<<-" {
            self.heredocs.push(Announced { name: target.text.clone(), strip_tabs: operator == "<<-" });
        }
        Some(Redirect { operator, target })
    }

    fn blanks(&mut self) {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.position) {
                Some(b' ' | b'\t' | b'\r') => self.position += 1,
                Some(b'\\') if bytes.get(self.position + 1) == Some(&b'\n') => self.position += 2,
                Some(b'#') if self.position == 0 || ends_word(bytes[self.position - 1]) => {
                    let rest = &self.text[self.position..];
                    self.position += rest.find('\n').unwrap_or(rest.len());
                }
                _ => return,
            }
        }
    }

    /// Blanks, comments and ends of lines, with the bodies of heredocs behind those.
    fn blanks_and_lines(&mut self) {
        loop {
            self.blanks();
            if !self.at("\n") {
                return;
            }
            self.position += 1;
            for announced in std::mem::take(&mut self.heredocs) {
                self.position = announced.behind(self.text, self.position);
            }
        }
    }

    fn at(&self, text: &str) -> bool {
        self.text[self.position..].starts_with(text)
    }

    fn accept(&mut self, text: &str) -> bool {
        let found = self.at(text);
        if found {
            self.position += text.len();
        }
        found
    }

    /// Whether a word of its own stands here; operators are always that.
    fn at_word(&self, word: &str) -> bool {
        if !self.at(word) {
            return false;
        }
        let is_operator = word.bytes().all(|byte| matches!(byte, b')' | b';' | b'&'));
        let next = self.text.as_bytes().get(self.position + word.len());
        is_operator || next.is_none_or(|byte| ends_word(*byte))
    }

    fn accept_word(&mut self, word: &str) -> bool {
        let found = self.at_word(word);
        if found {
            self.position += word.len();
        }
        found
    }
}

/// Whether a word is `NAME=…`, `NAME+=…` or `NAME[…]=…`.
fn is_assignment(text: &str) -> bool {
    let name = text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    if name == 0 || text.as_bytes()[0].is_ascii_digit() {
        return false;
    }
    let rest = &text[name..];
    let rest = match rest.strip_prefix('[').and_then(|inner| inner.find(']').map(|at| &inner[at + 1..])) {
        Some(behind) => behind,
        None => rest,
    };
    rest.starts_with('=') || rest.starts_with("+=")
}
