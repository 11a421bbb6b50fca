//! What a Dockerfile consists of: instructions with their flags and words, each with its place.
//!
//! Words are kept *as written*: quotes, escapes and variables are still in them, and [`crate::words`] takes them out later, when the
//! values of the variables are known. Two things are taken out by the language before that, and so here as well: quotes and
//! backslashes in flags, and the syntax of JSON forms.

use std::time::Duration;

use plimsoll_diagnostics::{Span, Spanned, Text};

/// A parsed file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dockerfile {
    /// `# name=value` lines at the top, in order.
    pub directives: Vec<Directive>,
    /// All instructions in order, those that could not be understood included.
    pub instructions: Vec<Instruction>,
    /// All comments in order, also those inside a continued instruction; directives are not among them.
    pub comments: Vec<Comment>,
    /// The escape and line continuation character: a backslash or a backtick.
    pub escape: char,
}

impl Dockerfile {
    /// The directive of a kind, when the file has it.
    pub fn directive(&self, kind: DirectiveKind) -> Option<&Directive> {
        self.directives.iter().find(|directive| directive.kind == kind)
    }
}

/// Which directive a line at the top of the file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DirectiveKind {
    /// `syntax`: the frontend image the author wants.
    Syntax,
    /// `escape`: the escape character.
    Escape,
    /// `check`: what the linter does.
    Check,
}

/// A `# name=value` line at the top of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// Which one it is.
    pub kind: DirectiveKind,
    /// The name as written.
    pub name: Spanned<Text>,
    /// The value, without surrounding blanks.
    pub value: Spanned<Text>,
    /// The line from its first character to its last.
    pub span: Span,
}

/// A comment line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// The text behind the `#`, without surrounding blanks.
    pub text: Text,
    /// From the `#` to the end of the line.
    pub span: Span,
}

/// One instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// From the keyword to the last character, heredocs with their terminators included, the final line ending not.
    pub span: Span,
    /// The keyword as written.
    pub keyword: Spanned<Text>,
    /// What it says.
    pub kind: InstructionKind,
    /// The text with continued lines joined and comments removed, without the bodies of heredocs.
    pub original: Text,
    /// Blank lines inside the continued instruction.
    pub empty_continuations: Vec<Span>,
}

/// What an instruction says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstructionKind {
    /// `FROM`.
    From(Box<From>),
    /// `RUN`.
    Run(Box<Run>),
    /// `CMD`.
    Cmd(Spanned<CommandForm>),
    /// `ENTRYPOINT`.
    Entrypoint(Spanned<CommandForm>),
    /// `LABEL`.
    Label(Pairs),
    /// `MAINTAINER`: the whole rest of the line.
    Maintainer(Spanned<Text>),
    /// `EXPOSE`: words, each of which may expand to several ports.
    Expose(Vec<Spanned<Text>>),
    /// `ENV`.
    Env(Pairs),
    /// `ADD`.
    Add(Box<Add>),
    /// `COPY`.
    Copy(Box<Copy>),
    /// `VOLUME`.
    Volume(Vec<Spanned<Text>>),
    /// `USER`: the whole rest of the line.
    User(Spanned<Text>),
    /// `WORKDIR`: the whole rest of the line.
    Workdir(Spanned<Text>),
    /// `ARG`.
    Arg(Vec<ArgDefinition>),
    /// `ONBUILD`.
    Onbuild(Onbuild),
    /// `STOPSIGNAL`: the whole rest of the line.
    Stopsignal(Spanned<Text>),
    /// `HEALTHCHECK`.
    Healthcheck(Healthcheck),
    /// `SHELL`: the program and its arguments, never empty.
    Shell(Vec<Spanned<Text>>),
    /// Something that is no instruction or has an error; a diagnostic says why.
    Invalid,
}

impl InstructionKind {
    /// The keyword in its usual spelling; `?` for [`InstructionKind::Invalid`].
    pub const fn name(&self) -> &'static str {
        match self {
            Self::From(_) => "FROM",
            Self::Run(_) => "RUN",
            Self::Cmd(_) => "CMD",
            Self::Entrypoint(_) => "ENTRYPOINT",
            Self::Label(_) => "LABEL",
            Self::Maintainer(_) => "MAINTAINER",
            Self::Expose(_) => "EXPOSE",
            Self::Env(_) => "ENV",
            Self::Add(_) => "ADD",
            Self::Copy(_) => "COPY",
            Self::Volume(_) => "VOLUME",
            Self::User(_) => "USER",
            Self::Workdir(_) => "WORKDIR",
            Self::Arg(_) => "ARG",
            Self::Onbuild(_) => "ONBUILD",
            Self::Stopsignal(_) => "STOPSIGNAL",
            Self::Healthcheck(_) => "HEALTHCHECK",
            Self::Shell(_) => "SHELL",
            Self::Invalid => "?",
        }
    }

    /// What `COPY` and `ADD` have in common; nothing for others.
    pub fn transfer(&self) -> Option<&Transfer> {
        match self {
            Self::Copy(copy) => Some(&copy.transfer),
            Self::Add(add) => Some(&add.transfer),
            _ => None,
        }
    }

    /// Whether it is a `COPY` that takes its files from elsewhere than the build context.
    pub fn copies_from_elsewhere(&self) -> bool {
        matches!(self, Self::Copy(copy) if copy.from.is_some())
    }
}

/// A command for the shell, or a program with its arguments.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CommandForm {
    /// The text for the shell, exactly as it is passed to it.
    Shell(Text),
    /// The decoded strings of the JSON array.
    Exec(Vec<Text>),
}

impl CommandForm {
    /// Whether there is nothing to run: no text, or an empty array.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Shell(text) => text.is_empty(),
            Self::Exec(arguments) => arguments.is_empty(),
        }
    }
}

/// `FROM [--platform=…] image [AS name]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct From {
    /// `--platform`.
    pub platform: Option<Spanned<Text>>,
    /// Image, stage or named context.
    pub image: Spanned<Text>,
    /// The word `AS` as written.
    pub as_keyword: Option<Spanned<Text>>,
    /// Name of the stage as written; stage names are compared in lower case.
    pub name: Option<Spanned<Text>>,
}

/// `RUN`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Values of `--mount`; [`crate::Mount::parse`] reads one.
    pub mounts: Vec<Spanned<Text>>,
    /// `--network`.
    pub network: Option<Spanned<Text>>,
    /// `--security`.
    pub security: Option<Spanned<Text>>,
    /// Values of `--device`.
    pub devices: Vec<Spanned<Text>>,
    /// The command as written, without the bodies of heredocs; [`Run::invocation`] puts both together.
    pub command: Spanned<CommandForm>,
    /// The heredocs of the command in order.
    pub heredocs: Vec<Heredoc>,
    /// Whether the command is one heredoc and nothing else.
    pub lone_heredoc: bool,
}

/// What is to be run, heredocs considered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invocation {
    /// A text for the shell.
    Shell(Text),
    /// A program and its arguments.
    Exec(Vec<Text>),
    /// A script with a `#!` line: it is put into a file of this name and run as a program.
    Script {
        /// File name.
        name: Text,
        /// Contents.
        body: Text,
    },
}

impl Run {
    /// What is to be run.
    ///
    /// A lone heredoc is a script: a file that is run when it starts with `#!`, else the shell's text. Heredocs beside other words are
    /// handed to the shell with the command, which reads them itself.
    pub fn invocation(&self) -> Invocation {
        let text = match &self.command.value {
            CommandForm::Exec(arguments) => return Invocation::Exec(arguments.clone()),
            CommandForm::Shell(text) => text,
        };
        match self.heredocs.as_slice() {
            [] => Invocation::Shell(text.clone()),
            [heredoc, ..] if self.lone_heredoc => {
                let body = heredoc.content();
                if heredoc.body.value.starts_with("#!") {
                    Invocation::Script { name: heredoc.name.value.clone(), body }
                } else {
                    Invocation::Shell(body)
                }
            }
            heredocs => {
                let mut full = text.to_string();
                for heredoc in heredocs {
                    full.push('\n');
                    full.push_str(&heredoc.body.value);
                    full.push_str(&heredoc.name.value);
                }
                Invocation::Shell(full.into())
            }
        }
    }
}

/// A heredoc: `<<NAME` and the lines up to `NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heredoc {
    /// The name without quotes; the span is that of the whole `<<NAME` word.
    pub name: Spanned<Text>,
    /// The lines as written, each with its line ending.
    pub body: Spanned<Text>,
    /// Whether variables in the body are expanded: no part of the name is quoted.
    pub expand: bool,
    /// Whether leading tabs are removed (`<<-`).
    pub strip_tabs: bool,
    /// The number before `<<`; 0 when there is none.
    pub file_descriptor: u32,
    /// The line that ends the body.
    pub terminator: Span,
}

impl Heredoc {
    /// The body, leading tabs removed if asked for.
    pub fn content(&self) -> Text {
        if !self.strip_tabs {
            return self.body.value.clone();
        }
        self.body
            .value
            .split_inclusive('\n')
            .map(|line| line.trim_start_matches('\t'))
            .collect::<String>()
            .into()
    }
}

/// The pairs of `ENV` or `LABEL`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pairs {
    /// In order.
    pub pairs: Vec<Pair>,
    /// Whether the old form without `=` is used, which has one pair and whose value is the rest of the line.
    pub legacy: bool,
}

/// `key=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Left of the `=`.
    pub key: Spanned<Text>,
    /// Right of the `=`.
    pub value: Spanned<Text>,
}

/// One word of `ARG`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgDefinition {
    /// Left of the `=`.
    pub name: Spanned<Text>,
    /// Right of the `=`.
    pub default: Option<Spanned<Text>>,
}

/// One source of `COPY` or `ADD`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A path, pattern or address.
    Path(Spanned<Text>),
    /// A file that is written in the Dockerfile itself, under the heredoc's name.
    Inline(Box<Heredoc>),
}

/// Sources and destination of `COPY` or `ADD`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// At least one, in order.
    pub sources: Vec<Source>,
    /// The last word.
    pub destination: Spanned<Text>,
    /// Whether the JSON form is used.
    pub json: bool,
    /// `--chown`.
    pub chown: Option<Spanned<Text>>,
    /// `--chmod`.
    pub chmod: Option<Spanned<Text>>,
    /// `--link`.
    pub link: Option<Spanned<bool>>,
    /// Values of `--exclude`.
    pub excludes: Vec<Spanned<Text>>,
}

/// `COPY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    /// Sources, destination and the flags that `ADD` has too.
    pub transfer: Transfer,
    /// `--from`; variables in it are not expanded.
    pub from: Option<Spanned<Text>>,
    /// `--parents`.
    pub parents: Option<Spanned<bool>>,
}

/// `ADD`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Add {
    /// Sources, destination and the flags that `COPY` has too.
    pub transfer: Transfer,
    /// `--checksum`.
    pub checksum: Option<Spanned<Text>>,
    /// `--keep-git-dir`.
    pub keep_git_dir: Option<Spanned<bool>>,
    /// `--unpack`.
    pub unpack: Option<Spanned<bool>>,
}

/// `ONBUILD`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Onbuild {
    /// The trigger, parsed.
    pub instruction: Box<Instruction>,
    /// The text that is kept in the image config: the trigger with its heredocs.
    pub expression: Text,
}

/// `HEALTHCHECK`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Healthcheck {
    /// `NONE`: an inherited check is switched off.
    None,
    /// `CMD`.
    Check(Box<Check>),
}

/// `HEALTHCHECK … CMD …`. Times that are absent or zero mean the engine's default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// `--interval`.
    pub interval: Option<Spanned<Duration>>,
    /// `--timeout`.
    pub timeout: Option<Spanned<Duration>>,
    /// `--start-period`.
    pub start_period: Option<Spanned<Duration>>,
    /// `--start-interval`.
    pub start_interval: Option<Spanned<Duration>>,
    /// `--retries`.
    pub retries: Option<Spanned<u32>>,
    /// What is run.
    pub command: Spanned<CommandForm>,
}
