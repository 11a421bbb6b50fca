//! One logical line → one instruction.

use plimsoll_diagnostics::{Diagnostic, Span, Spanned, Text, did_you_mean};

use super::{
    Reader, Sink,
    flags::{self, Flags, Known, RawFlag, RawFlags, Takes},
    healthcheck, heredoc,
    json::{self, Json},
    line::{Body, Line, Words},
    shown,
    tree::{Node, Part},
};
use crate::ast::{
    Add, ArgDefinition, CommandForm, Copy, From, Heredoc, Instruction, InstructionKind, Onbuild, Pair, Pairs,
    Run, Source, Transfer,
};

/// The keywords of all instructions in their usual spelling, sorted.
pub const KEYWORDS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

const COPY_FLAGS: Known = &[
    ("from", Takes::Value),
    ("chown", Takes::Value),
    ("chmod", Takes::Value),
    ("link", Takes::Bool),
    ("parents", Takes::Bool),
    ("exclude", Takes::Values),
];

const ADD_FLAGS: Known = &[
    ("chown", Takes::Value),
    ("chmod", Takes::Value),
    ("link", Takes::Bool),
    ("exclude", Takes::Values),
    ("checksum", Takes::Value),
    ("keep-git-dir", Takes::Bool),
    ("unpack", Takes::Bool),
];

const RUN_FLAGS: Known = &[
    ("mount", Takes::Values),
    ("network", Takes::Value),
    ("security", Takes::Value),
    ("device", Takes::Values),
];

const FROM_FLAGS: Known = &[("platform", Takes::Value)];

fn known_flags(keyword: &str) -> Known {
    match keyword {
        "COPY" => COPY_FLAGS,
        "ADD" => ADD_FLAGS,
        "RUN" => RUN_FLAGS,
        "FROM" => FROM_FLAGS,
        "HEALTHCHECK" => healthcheck::FLAGS,
        _ => &[],
    }
}

/// The keyword that a word is, in its usual spelling.
fn known_keyword(word: &str) -> Option<&'static str> {
    KEYWORDS.into_iter().find(|keyword| keyword.eq_ignore_ascii_case(word))
}

/// The flags of an instruction, whose keyword is in upper case, without dashes; true for those that need a value.
pub fn flags_of(keyword: &str) -> impl Iterator<Item = (&'static str, bool)> {
    known_flags(keyword).iter().map(|(name, takes)| (*name, *takes != Takes::Bool))
}

/// What reading an instruction needs besides its line.
pub(super) struct Context<'c, 'a> {
    pub(super) escape: char,
    pub(super) diagnostics: &'c mut Sink,
    /// The lines behind the instruction, for heredocs.
    pub(super) reader: &'c mut Reader<'a>,
}

impl Context<'_, '_> {
    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.report(diagnostic);
    }
}

/// An instruction's line, taken apart.
struct Parts<'l> {
    keyword: Body<'l>,
    /// The keyword in its usual spelling, when it is one.
    name: Option<&'static str>,
    flags: RawFlags<'l>,
    arguments: Body<'l>,
}

impl<'l> Parts<'l> {
    fn new(body: Body<'l>) -> Self {
        let (keyword, rest) = body.trim().split_first();
        let (flags, arguments) = match rest {
            Some(rest) => flags::split(rest),
            None => (RawFlags::new(), keyword.from(keyword.text().len())),
        };
        Self { keyword, name: known_keyword(keyword.text()), flags, arguments }
    }

    fn is(&self, keyword: &str) -> bool {
        self.name == Some(keyword)
    }

    fn takes_heredocs(&self) -> bool {
        (self.is("RUN") || self.is("COPY") || self.is("ADD"))
            // Nearly no line has one, and a search for two bytes costs more than one for one.
            && memchr::memchr(b'<', self.arguments.whole_line().text().as_bytes()).is_some()
            && !matches!(json::parse(self.arguments), Json::Strings(_))
    }
}

/// Reads the instruction in a logical line, and its heredocs from the lines behind it.
pub(super) fn parse(line: &Line<'_>, context: &mut Context<'_, '_>) -> Instruction {
    let parts = Parts::new(line.body());
    if !parts.is("ONBUILD") {
        let heredocs = read_heredocs(&parts, context);
        return finish(line.body(), parts, heredocs, context);
    }
    let mut instruction = Instruction {
        span: line.body().trim().span(),
        keyword: parts.keyword.to_spanned(),
        kind: InstructionKind::Invalid,
        original: line.body().value(),
        empty_continuations: Vec::new(),
    };
    Flags::read(parts.flags, &[], "ONBUILD", context.diagnostics);
    if parts.arguments.is_empty() {
        context.report(missing(parts.keyword.span(), "ONBUILD", "an instruction"));
        return instruction;
    }
    let trigger = Parts::new(parts.arguments);
    let heredocs = read_heredocs(&trigger, context);
    if let Some(refused) = ["ONBUILD", "FROM", "MAINTAINER"].into_iter().find(|keyword| trigger.is(keyword)) {
        context.report(
            Diagnostic::error("onbuild-trigger", format!("`{refused}` cannot be the trigger of `ONBUILD`"))
                .at(trigger.keyword.span()),
        );
        return instruction;
    }
    let body = parts.arguments.to_line_end();
    let mut expression = body.text().to_owned();
    for heredoc in &heredocs {
        expression.push('\n');
        expression.push_str(&heredoc.body.value);
        expression.push_str(&heredoc.name.value);
    }
    let known = context.diagnostics.list.len();
    let inner = finish(body, trigger, heredocs, context);
    context.diagnostics.excuse(known);
    instruction.span = instruction.span.to(inner.span);
    instruction.kind =
        InstructionKind::Onbuild(Onbuild { instruction: Box::new(inner), expression: expression.into() });
    instruction
}

/// The words of an instruction, whether or not there is such an instruction.
pub(super) fn node(body: Body<'_>, escape: char) -> Node {
    let parts = Parts::new(body);
    let keyword = parts.name;
    let words = |words: Words<'_>| words.into_iter().map(|word| Part::Word(word.text().to_owned())).collect();
    let arguments = parts.arguments;
    let parts_of = |keyword| match keyword {
        // What is no instruction has one word, and that is empty.
        None => vec![Part::Word(String::new())],
        Some(_) if arguments.is_empty() => Vec::new(),
        Some("ONBUILD") => vec![Part::Node(Box::new(node(arguments, escape)))],
        Some("ENV" | "LABEL") => pair_words(arguments, escape),
        Some("ARG") => words(arguments.split_words(escape)),
        Some("EXPOSE" | "FROM") => words(arguments.split_blanks()),
        Some("ADD" | "COPY" | "VOLUME") => {
            json_words(arguments).unwrap_or_else(|| words(arguments.split_blanks()))
        }
        Some("HEALTHCHECK") => {
            let (kind, command) = arguments.split_first();
            let command = command.filter(|command| !command.is_empty()).map(text_or_json);
            [Part::Word(kind.text().to_owned())].into_iter().chain(command.into_iter().flatten()).collect()
        }
        Some("CMD" | "ENTRYPOINT" | "RUN" | "SHELL") => text_or_json(arguments),
        Some(_) => vec![Part::Word(arguments.text().to_owned())],
    };
    Node {
        name: parts.keyword.text().to_lowercase(),
        parts: parts_of(keyword),
        flags: parts.flags.into_iter().map(RawFlag::into_text).collect(),
    }
}

fn json_words(arguments: Body<'_>) -> Option<Vec<Part>> {
    match json::parse(arguments) {
        Json::Strings(strings) => {
            Some(strings.into_iter().map(|string| Part::Word(string.value.to_string())).collect())
        }
        Json::OtherArray | Json::Text => None,
    }
}

fn text_or_json(arguments: Body<'_>) -> Vec<Part> {
    json_words(arguments).unwrap_or_else(|| vec![Part::Word(arguments.text().to_owned())])
}

/// Name, value and what stands between them, for each pair.
fn pair_words(arguments: Body<'_>, escape: char) -> Vec<Part> {
    let words = arguments.split_words(escape);
    let part = |text: &str| Part::Word(text.to_owned());
    if words.first().is_some_and(|first| first.find(b'=').is_none()) {
        let (key, value) = arguments.split_first();
        return vec![part(key.text()), part(value.map_or("", Body::text)), part("")];
    }
    let pairs = words.iter().filter_map(|word| word.text().split_once('='));
    pairs.flat_map(|(key, value)| [part(key), part(value), part("=")]).collect()
}

fn read_heredocs(parts: &Parts<'_>, context: &mut Context<'_, '_>) -> Vec<Heredoc> {
    if !parts.takes_heredocs() {
        return Vec::new();
    }
    heredoc::read(parts.arguments.whole_line(), context.reader, context.diagnostics)
}

fn finish(
    body: Body<'_>,
    parts: Parts<'_>,
    heredocs: Vec<Heredoc>,
    context: &mut Context<'_, '_>,
) -> Instruction {
    let mut span = body.trim().span();
    if let Some(last) = heredocs.last() {
        span = span.to(last.terminator);
    }
    let keyword = parts.keyword.to_spanned();
    let kind = kind(parts, heredocs, context).unwrap_or(InstructionKind::Invalid);
    Instruction { span, keyword, kind, original: body.value(), empty_continuations: Vec::new() }
}

/// Reads the part of an instruction that is its own; nothing when it makes no sense, which is then reported.
fn kind(parts: Parts<'_>, heredocs: Vec<Heredoc>, context: &mut Context<'_, '_>) -> Option<InstructionKind> {
    let Some(name) = parts.name else {
        context.report(unknown_instruction(parts.keyword));
        return None;
    };
    // Two instructions do not look at the flags that they are given.
    let given = if matches!(name, "ARG" | "STOPSIGNAL") { RawFlags::new() } else { parts.flags };
    let mut flags = Flags::read(given, known_flags(name), name, context.diagnostics);
    let keyword = parts.keyword.span();
    let arguments = parts.arguments;
    // An instruction that means something without arguments says so itself.
    if arguments.is_empty() && !matches!(name, "RUN" | "CMD" | "ENTRYPOINT" | "COPY" | "ADD") {
        context.report(missing(keyword, name, expected_arguments(name)));
        return None;
    }
    Some(match name {
        "FROM" => InstructionKind::From(Box::new(from(arguments, &mut flags, context)?)),
        "RUN" => InstructionKind::Run(Box::new(run(name, arguments, flags, heredocs, context)?)),
        "CMD" => InstructionKind::Cmd(command(name, arguments, context)?),
        "ENTRYPOINT" => InstructionKind::Entrypoint(command(name, arguments, context)?),
        "LABEL" => InstructionKind::Label(pairs(name, arguments, context)?),
        "ENV" => InstructionKind::Env(pairs(name, arguments, context)?),
        "ARG" => InstructionKind::Arg(definitions(arguments, context)?),
        "EXPOSE" => {
            InstructionKind::Expose(arguments.split_blanks().into_iter().map(Body::to_spanned).collect())
        }
        "VOLUME" => InstructionKind::Volume(volumes(arguments, context)?),
        "MAINTAINER" => InstructionKind::Maintainer(arguments.to_spanned()),
        "USER" => InstructionKind::User(arguments.to_spanned()),
        "WORKDIR" => InstructionKind::Workdir(arguments.to_spanned()),
        "STOPSIGNAL" => InstructionKind::Stopsignal(arguments.to_spanned()),
        "SHELL" => InstructionKind::Shell(shell(arguments, context)?),
        "HEALTHCHECK" => InstructionKind::Healthcheck(healthcheck::parse(arguments, &mut flags, context)?),
        "COPY" => InstructionKind::Copy(Box::new(Copy {
            from: flags.value("from"),
            parents: flags.switch("parents"),
            transfer: transfer(name, keyword, arguments, &mut flags, &heredocs, context)?,
        })),
        "ADD" => InstructionKind::Add(Box::new(Add {
            checksum: flags.value("checksum"),
            keep_git_dir: flags.switch("keep-git-dir"),
            unpack: flags.switch("unpack"),
            transfer: transfer(name, keyword, arguments, &mut flags, &heredocs, context)?,
        })),
        _ => return None,
    })
}

fn unknown_instruction(keyword: Body<'_>) -> Diagnostic {
    let word = keyword.text();
    let diagnostic =
        Diagnostic::error("unknown-instruction", format!("no instruction is named `{}`", shown(word)))
            .at(keyword.span());
    match did_you_mean(word, KEYWORDS) {
        Some(meant) => diagnostic.hint(format!("did you mean `{meant}`?")),
        None => {
            diagnostic.hint("if it belongs to the line before, that line must end with the escape character")
        }
    }
}

fn missing(at: Span, name: &str, what: &str) -> Diagnostic {
    Diagnostic::error("missing-argument", format!("`{name}` needs {what}")).at(at)
}

fn expected_arguments(name: &str) -> &'static str {
    match name {
        "FROM" => "an image",
        "LABEL" | "ENV" => "`name=value`",
        "ARG" => "`name` or `name=value`",
        "EXPOSE" => "a port",
        "VOLUME" => "a path",
        "SHELL" => "a JSON array",
        "HEALTHCHECK" => "`CMD` and a command, or `NONE`",
        _ => "a value",
    }
}

fn from(arguments: Body<'_>, flags: &mut Flags, context: &mut Context<'_, '_>) -> Option<From> {
    let words = arguments.split_blanks();
    let platform = flags.value("platform");
    let image = words.first()?.to_spanned();
    let (as_keyword, name) = match words.as_slice() {
        [_] => (None, None),
        [_, keyword, name] if keyword.text().eq_ignore_ascii_case("as") => {
            check_stage_name(*name, context);
            (Some(keyword.to_spanned()), Some(name.to_spanned()))
        }
        [_, rest @ ..] => {
            let span = rest.first()?.span().to(rest.last()?.span());
            context.report(
                Diagnostic::error("bad-from", "`FROM` takes an image, or an image and a name for the stage")
                    .at(span)
                    .hint("write `FROM image AS name`"),
            );
            return None;
        }
        [] => return None,
    };
    Some(From { platform, image, as_keyword, name })
}

fn check_stage_name(name: Body<'_>, context: &mut Context<'_, '_>) {
    let text = name.text();
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if !(text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.bytes().all(letters)) {
        context.report(
            Diagnostic::error("bad-stage-name", format!("`{}` cannot be the name of a stage", shown(text)))
                .at(name.span())
                .hint("a name starts with a letter and goes on with letters, digits, `-`, `_` and `.`"),
        );
    }
}

fn run(
    name: &str,
    arguments: Body<'_>,
    mut flags: Flags,
    heredocs: Vec<Heredoc>,
    context: &mut Context<'_, '_>,
) -> Option<Run> {
    let command = command(name, arguments, context)?;
    let lone_heredoc = match &command.value {
        CommandForm::Shell(text) if heredocs.len() == 1 => heredoc::announced(text).is_some(),
        _ => false,
    };
    Some(Run {
        mounts: flags.values("mount"),
        network: flags.given("network"),
        security: flags.given("security"),
        devices: flags.values("device"),
        command,
        heredocs,
        lone_heredoc,
    })
}

/// Reads a command in shell or exec form.
pub(super) fn command(
    name: &str,
    arguments: Body<'_>,
    context: &mut Context<'_, '_>,
) -> Option<Spanned<CommandForm>> {
    let span = arguments.span();
    let form = match json::parse(arguments) {
        Json::Strings(strings) => CommandForm::Exec(strings.into_iter().map(|string| string.value).collect()),
        Json::OtherArray => {
            context.report(not_strings(arguments));
            return None;
        }
        Json::Text => {
            let text = arguments.text();
            if text.is_empty() {
                context.report(
                    Diagnostic::warning("empty-command", format!("`{name}` has no command"))
                        .at(span)
                        .hint(format!("to clear an inherited command, write `{name} []`")),
                );
            }
            warn_almost_json(name, arguments, context);
            CommandForm::Shell(arguments.value())
        }
    };
    Some(Spanned::new(form, span))
}

fn not_strings(arguments: Body<'_>) -> Diagnostic {
    Diagnostic::error("not-strings", "the JSON form takes strings only")
        .at(arguments.span())
        .hint("put each word in double quotes")
}

fn warn_almost_json(name: &str, arguments: Body<'_>, context: &mut Context<'_, '_>) {
    if json::is_almost_json(arguments.text()) {
        context.report(
            Diagnostic::warning("almost-json", format!("the text of `{name}` looks like JSON, but is none"))
                .at(arguments.span())
                .note("it is taken as plain text")
                .hint("the JSON form needs double quotes, commas between the words and `]` at the end"),
        );
    }
}

fn pairs(name: &str, arguments: Body<'_>, context: &mut Context<'_, '_>) -> Option<Pairs> {
    let words = arguments.split_words(context.escape);
    let first = words.first()?;
    if first.find(b'=').is_none() {
        let (key, value) = arguments.split_first();
        let Some(value) = value else {
            context.report(
                Diagnostic::error("missing-value", format!("`{name}` needs a name and a value"))
                    .at(key.span())
                    .hint(format!("write `{name} {}=value`", shown(key.text()))),
            );
            return None;
        };
        let pair = Pair { key: key.to_spanned(), value: value.to_spanned() };
        return Some(Pairs { pairs: vec![pair], legacy: true });
    }
    let mut pairs = Vec::with_capacity(words.len());
    let mut valid = true;
    for word in words {
        if context.diagnostics.is_full() {
            return None;
        }
        match word.find(b'=') {
            Some(0) => {
                context.report(blank_name(name, word));
                valid = false;
            }
            Some(at) => {
                pairs.push(Pair { key: word.until(at).to_spanned(), value: word.from(at + 1).to_spanned() });
            }
            None => {
                context.report(
                    Diagnostic::error(
                        "missing-equals",
                        format!("`{}` is not of the form `name=value`", shown(word.text())),
                    )
                    .at(word.span())
                    .hint("a value with blanks is put in quotes"),
                );
                valid = false;
            }
        }
    }
    valid.then_some(Pairs { pairs, legacy: false })
}

fn blank_name(name: &str, word: Body<'_>) -> Diagnostic {
    Diagnostic::error("blank-name", format!("a name of `{name}` is empty")).at(word.span())
}

fn definitions(arguments: Body<'_>, context: &mut Context<'_, '_>) -> Option<Vec<ArgDefinition>> {
    let mut definitions = Vec::new();
    for word in arguments.split_words(context.escape) {
        let (name, default) = match word.find(b'=') {
            Some(0) => {
                context.report(blank_name("ARG", word));
                return None;
            }
            Some(at) => (word.until(at), Some(word.from(at + 1).to_spanned())),
            None => (word, None),
        };
        definitions.push(ArgDefinition { name: name.to_spanned(), default });
    }
    if definitions.is_empty() {
        context.report(missing(arguments.span(), "ARG", expected_arguments("ARG")));
        return None;
    }
    Some(definitions)
}

/// Reads words in JSON form or separated by blanks; the second value tells whether it was JSON.
fn list(
    name: &str,
    arguments: Body<'_>,
    context: &mut Context<'_, '_>,
) -> Option<(Vec<Spanned<Text>>, bool)> {
    match json::parse(arguments) {
        Json::Strings(strings) => Some((strings, true)),
        Json::OtherArray => {
            context.report(not_strings(arguments));
            None
        }
        Json::Text => {
            warn_almost_json(name, arguments, context);
            Some((arguments.split_blanks().into_iter().map(Body::to_spanned).collect(), false))
        }
    }
}

fn volumes(arguments: Body<'_>, context: &mut Context<'_, '_>) -> Option<Vec<Spanned<Text>>> {
    let (paths, _) = list("VOLUME", arguments, context)?;
    if paths.is_empty() {
        context.report(missing(arguments.span(), "VOLUME", expected_arguments("VOLUME")));
        return None;
    }
    let mut trimmed = Vec::with_capacity(paths.len());
    for path in paths {
        let path = path.map(|text| text.substr_from(text.trim()));
        if path.value.is_empty() {
            context.report(Diagnostic::error("empty-path", "a path of `VOLUME` is empty").at(path.span));
            return None;
        }
        trimmed.push(path);
    }
    Some(trimmed)
}

fn shell(arguments: Body<'_>, context: &mut Context<'_, '_>) -> Option<Vec<Spanned<Text>>> {
    match json::parse(arguments) {
        Json::Strings(words) if !words.is_empty() => return Some(words),
        Json::Strings(_) => {
            context.report(
                Diagnostic::error("empty-shell", "`SHELL` needs at least the name of a program")
                    .at(arguments.span()),
            );
        }
        Json::OtherArray => context.report(not_strings(arguments)),
        Json::Text => {
            let words: Vec<String> = arguments
                .split_blanks()
                .iter()
                .take(10)
                .map(|word| format!("\"{}\"", shown(word.text())))
                .collect();
            context.report(
                Diagnostic::error("shell-not-json", "`SHELL` takes a JSON array only")
                    .at(arguments.span())
                    .hint(format!("write `SHELL [{}]`", words.join(", "))),
            );
        }
    }
    None
}

fn transfer(
    name: &str,
    keyword: Span,
    arguments: Body<'_>,
    flags: &mut Flags,
    heredocs: &[Heredoc],
    context: &mut Context<'_, '_>,
) -> Option<Transfer> {
    let (mut words, json) = list(name, arguments, context)?;
    if words.len() < 2 {
        let at = if arguments.is_empty() { keyword } else { arguments.span() };
        context.report(missing(at, name, "at least one source and a destination"));
        return None;
    }
    let destination = words.pop()?;
    if !json && heredoc::announced(&destination.value).is_some() {
        context.report(
            Diagnostic::error(
                "heredoc-destination",
                format!("the destination of `{name}` cannot be a heredoc"),
            )
            .at(destination.span)
            .hint("put the destination behind the heredoc"),
        );
        return None;
    }
    let mut used = 0;
    let mut sources = Vec::with_capacity(words.len());
    for word in words {
        let announced = if heredocs.is_empty() && !json { None } else { heredoc::announced(&word.value) };
        let Some(announced) = announced else {
            sources.push(Source::Path(word));
            continue;
        };
        if announced.name.trim_start_matches('/').contains('/') {
            context.report(
                Diagnostic::error("heredoc-name", "the name of a heredoc that is a file has no `/`")
                    .at(word.span)
                    .hint("give the heredoc a plain name, and the path as the destination"),
            );
            return None;
        }
        // Of several heredocs of one name, the last one's body counts for all. The JSON form has no bodies: its files are empty.
        let body = heredocs.iter().rfind(|doc| doc.name.value == announced.name);
        if json {
            sources.push(Source::Inline(Box::new(announced.into_empty(word.span))));
        } else if let Some(body) = body {
            used += 1;
            let mut heredoc = body.clone();
            heredoc.name.span = word.span;
            sources.push(Source::Inline(Box::new(heredoc)));
        } else {
            sources.push(Source::Path(word));
        }
    }
    if used < heredocs.len() {
        let heredoc = heredocs.iter().find(|doc| {
            !sources
                .iter()
                .any(|source| matches!(source, Source::Inline(used) if used.name.value == doc.name.value))
        });
        context.report(
            Diagnostic::error("stray-heredoc", format!("a heredoc is not one of the sources of `{name}`"))
                .at(heredoc.map_or(arguments.span(), |heredoc| heredoc.name.span))
                .hint("write `<<NAME` as one word, without blanks"),
        );
    }
    Some(Transfer {
        sources,
        destination,
        json,
        chown: flags.value("chown"),
        chmod: flags.value("chmod"),
        link: flags.switch("link"),
        excludes: flags.values("exclude"),
    })
}
