//! A Dockerfile with one stage, sorted by what each instruction is for.

use plimsoll_diagnostics::{SourceFile, Span, Text};
use plimsoll_dockerfile::{
    Add, CommandForm, Dockerfile, Healthcheck, Instruction, InstructionKind, Run, Source, Transfer,
};

use super::{Refusal, refuse};
use crate::names::base_name;

/// A command of a RUN: assignments, program, arguments.
pub(super) struct Step {
    pub(super) assignments: Vec<String>,
    pub(super) words: Vec<String>,
    /// The command as written, when only a shell understands it; the words are then no more than a hint.
    pub(super) raw: Option<String>,
    pub(super) span: Span,
}

/// A HEALTHCHECK.
pub(super) struct Health {
    /// The keyword and its flags, as written.
    pub(super) flags: String,
    pub(super) words: Vec<String>,
    /// What it asks a server for, when it does nothing else.
    pub(super) url: Option<String>,
    pub(super) span: Span,
}

/// The one stage.
pub(super) struct Naive {
    pub(super) from_span: Span,
    pub(super) base: String,
    /// `# syntax=` and ARGs above FROM, as written.
    pub(super) head: String,
    /// The FROM line's words up to the image, as written.
    pub(super) from: String,
    pub(super) workdir: String,
    /// The working directory that is set later, if none is yet.
    planned: String,
    pub(super) steps: Vec<Step>,
    /// What is said to the build and to the image: ARG, and ENV with its names.
    pub(super) build_settings: Vec<String>,
    pub(super) settings: Vec<String>,
    /// The names and values of ENV.
    pub(super) env: Vec<(String, String)>,
    /// EXPOSE, LABEL, VOLUME, STOPSIGNAL, as written.
    pub(super) metadata: Vec<String>,
    pub(super) health: Option<Health>,
    pub(super) command: Vec<String>,
    pub(super) command_span: Span,
    /// CMD so far, which ENTRYPOINT may take back.
    cmd: Vec<String>,
    pub(super) copies_all: bool,
    /// COPY instructions as written, unless everything is copied.
    pub(super) copies: Vec<String>,
}

/// For steps of programs that are compiled.
pub(super) const TAKE_OUT: &str = "take the step out, and add to the proposal what it makes";
/// For steps of programs whose packages are installed.
pub(super) const INTO_RUNTIME: &str =
    "put what the program needs at run time into the image of `--runtime`, and the step out of this file";

const WAY_OUT: &str = "write the stages by hand, or take the instruction out and add it to the proposal";

impl Naive {
    pub(super) fn read(file: &SourceFile, dockerfile: &Dockerfile) -> Result<Self, Refusal> {
        let mut froms =
            dockerfile.instructions.iter().filter(|one| matches!(one.kind, InstructionKind::From(_)));
        let Some(first) = froms.next() else {
            return Err(refuse(
                Span::new(0, 0),
                "there is no FROM",
                "start with the image that builds the program",
            ));
        };
        if let Some(second) = froms.next() {
            let hint = "only a Dockerfile with one stage is rewritten; `plimsoll check` looks at this one";
            return Err(refuse(second.span, "the Dockerfile has several stages already", hint));
        }
        if dockerfile.escape != '\\' {
            return Err(refuse(first.span, "the escape character is changed", "write it with backslashes"));
        }
        let InstructionKind::From(from) = &first.kind else { unreachable!("it was filtered") };
        let directives = dockerfile.directives.iter().map(|one| format!("{}\n", file.slice(one.span)));
        let planned = dockerfile.instructions.iter().find_map(|one| match &one.kind {
            InstructionKind::Workdir(path) => Some(path.value.trim_end_matches('/').to_owned()),
            _ => None,
        });
        let mut naive = Self {
            from_span: first.span,
            base: from.image.to_string(),
            head: directives.collect(),
            from: file.slice(Span::new(first.span.start, from.image.span.end)).to_owned(),
            workdir: String::new(),
            planned: planned.unwrap_or_default(),
            steps: Vec::new(),
            build_settings: Vec::new(),
            settings: Vec::new(),
            env: Vec::new(),
            metadata: Vec::new(),
            health: None,
            command: Vec::new(),
            command_span: first.span,
            cmd: Vec::new(),
            copies_all: false,
            copies: Vec::new(),
        };
        let last_run =
            dockerfile.instructions.iter().rposition(|one| matches!(one.kind, InstructionKind::Run(_)));
        for (index, instruction) in dockerfile.instructions.iter().enumerate() {
            naive.take(file, instruction, last_run.is_some_and(|last| index < last))?;
        }
        let cmd = std::mem::take(&mut naive.cmd);
        naive.command.extend(cmd);
        if naive.command.is_empty() {
            return Err(refuse(first.span, "neither CMD nor ENTRYPOINT says what is run", "add a CMD"));
        }
        if naive.workdir.is_empty() {
            return Err(refuse(first.span, "there is no WORKDIR", "add one, for example `WORKDIR /app`"));
        }
        Ok(naive)
    }

    fn take(
        &mut self,
        file: &SourceFile,
        instruction: &Instruction,
        is_for_build: bool,
    ) -> Result<(), Refusal> {
        let text = file.slice(instruction.span).to_owned();
        match &instruction.kind {
            InstructionKind::From(_) | InstructionKind::User(_) => {}
            InstructionKind::Arg(_) if instruction.span.start < self.from_span.start => {
                self.head.push_str(&text);
                self.head.push('\n');
            }
            InstructionKind::Arg(_) => self.setting(text, is_for_build),
            InstructionKind::Env(pairs) => {
                let pairs = pairs.pairs.iter();
                self.env.extend(pairs.map(|pair| (pair.key.to_string(), pair.value.to_string())));
                self.setting(text, is_for_build);
            }
            InstructionKind::Expose(_)
            | InstructionKind::Label(_)
            | InstructionKind::Maintainer(_)
            | InstructionKind::Volume(_)
            | InstructionKind::Stopsignal(_)
            | InstructionKind::Healthcheck(Healthcheck::None) => self.metadata.push(text),
            InstructionKind::Healthcheck(Healthcheck::Check(check)) => {
                let flags = file.slice(Span::new(instruction.span.start, check.command.span.start));
                self.health = Some(Health::new(flags, &check.command.value, instruction)?);
            }
            InstructionKind::Workdir(path) => self.enter(&path.value, instruction)?,
            InstructionKind::Copy(copy) if copy.from.is_none() => {
                self.copy(&copy.transfer, text, instruction)?;
            }
            // What ADD does with files of the context that are no archives, COPY does too.
            InstructionKind::Add(add) if only_copies(add) => {
                self.copy(&add.transfer, format!("COPY{}", &text["ADD".len()..]), instruction)?;
            }
            InstructionKind::Run(run) => self.run(run, instruction)?,
            InstructionKind::Cmd(command) => {
                (self.cmd, self.command_span) = (words_of(&command.value, instruction)?, instruction.span);
            }
            InstructionKind::Entrypoint(command) => {
                (self.command, self.command_span) =
                    (words_of(&command.value, instruction)?, instruction.span);
                if matches!(command.value, CommandForm::Shell(_)) {
                    self.cmd.clear();
                }
            }
            other => {
                let message = format!("what {} does in the runtime image is not known", other.name());
                return Err(refuse(instruction.span, message, WAY_OUT));
            }
        }
        Ok(())
    }

    fn setting(&mut self, text: String, is_for_build: bool) {
        if is_for_build {
            self.build_settings.push(text.clone());
        }
        self.settings.push(text);
    }

    fn enter(&mut self, path: &str, instruction: &Instruction) -> Result<(), Refusal> {
        let path = path.trim_end_matches('/');
        let is_plain = path.starts_with('/') && !path.contains(['$', '"', '\'', '\\', ' ']);
        if !is_plain || !(self.workdir.is_empty() || self.workdir == path) {
            let hint = "use one absolute path, without variables, for the whole file";
            return Err(refuse(instruction.span, "the working directory changes or is not plain", hint));
        }
        path.clone_into(&mut self.workdir);
        Ok(())
    }

    /// Takes copies that leave paths as they are in the context: below the working directory.
    fn copy(&mut self, transfer: &Transfer, text: String, instruction: &Instruction) -> Result<(), Refusal> {
        let strip = |path: &str| path.trim_start_matches("./").trim_end_matches('/').to_owned();
        let destination = transfer.destination.value.as_str();
        let is_absolute = destination.starts_with('/');
        let below = self.below(destination);
        let to = strip(below);
        let to = if to == "." { String::new() } else { to };
        let is_whole = |path: &str| matches!(path, "." | "./");
        let stays = transfer.sources.iter().all(|source| match source {
            Source::Path(path) => {
                let path = path.value.as_str();
                is_whole(path) && to.is_empty()
                    || !path.contains(['$', ':'])
                        && (strip(path) == to || to.is_empty() && !strip(path).contains('/'))
            }
            Source::Inline(_) => false,
        });
        let has_place = if is_absolute { !below.starts_with('/') } else { !self.workdir.is_empty() };
        if !has_place || self.planned.is_empty() || !stays {
            let hint = "copy to the same paths below one WORKDIR, or write the stages by hand";
            return Err(refuse(
                instruction.span,
                "this COPY moves files to where the proposal does not follow",
                hint,
            ));
        }
        self.copies_all |= transfer
            .sources
            .iter()
            .any(|source| matches!(source, Source::Path(path) if is_whole(&path.value)));
        self.copies.push(text);
        Ok(())
    }

    fn run(&mut self, run: &Run, instruction: &Instruction) -> Result<(), Refusal> {
        let is_plain = run.heredocs.is_empty()
            && run.network.is_none()
            && run.security.is_none()
            && run.devices.is_empty();
        let only_caches = run.mounts.iter().all(|mount| mount.value.contains("type=cache"));
        if !is_plain || !only_caches {
            return Err(refuse(
                instruction.span,
                "this RUN has options that the proposal does not keep",
                WAY_OUT,
            ));
        }
        let parts: Vec<&str> = match &run.command.value {
            CommandForm::Exec(words) => {
                let words = words.iter().map(Text::to_string).collect();
                self.steps.push(Step { assignments: Vec::new(), words, raw: None, span: instruction.span });
                return Ok(());
            }
            CommandForm::Shell(text) => text.split("&&").collect(),
        };
        for part in parts {
            let mut words = match plain_words(part) {
                Some(words) => words,
                // A list of sources often comes out of a substitution.
                None if part.trim_start().starts_with("javac ") && !part.contains("||") => {
                    let words = part.split_whitespace().map(str::to_owned).collect();
                    let raw = Some(part.trim().to_owned());
                    self.steps.push(Step { assignments: Vec::new(), words, raw, span: instruction.span });
                    continue;
                }
                None => split(part, instruction)?,
            };
            // The working directory is made by WORKDIR.
            if let ["mkdir", .., path] = words.iter().map(String::as_str).collect::<Vec<_>>().as_slice()
                && path.trim_end_matches('/') == self.planned
            {
                continue;
            }
            let count = words.iter().take_while(|word| is_assignment(word)).count();
            let assignments = words.drain(..count).collect();
            self.steps.push(Step { assignments, words, raw: None, span: instruction.span });
        }
        Ok(())
    }

    /// A path as seen from the working directory; one that leads elsewhere stays as it is.
    pub(super) fn below<'p>(&self, path: &'p str) -> &'p str {
        let rest =
            path.strip_prefix(self.planned.as_str()).filter(|rest| rest.is_empty() || rest.starts_with('/'));
        rest.map_or_else(|| path.trim_start_matches("./"), |rest| rest.trim_start_matches('/'))
    }

    /// Whether a step runs a program.
    pub(super) fn runs(&self, program: &str) -> bool {
        self.steps.iter().any(|step| step.tool() == program)
    }

    /// Whether the image starts a program.
    pub(super) fn starts(&self, program: &str) -> bool {
        self.command.first().is_some_and(|first| base_name(first) == program)
    }

    pub(super) fn env_value(&self, name: &str) -> Option<&str> {
        self.env.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl Step {
    /// The program; `pip` under all of its names.
    pub(super) fn tool(&self) -> &str {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["pip" | "pip3", ..] | ["python" | "python3", "-m", "pip", ..] => "pip",
            [first, ..] => base_name(first),
            [] => "",
        }
    }

    /// The refusal of a step whose result nobody can tell.
    pub(super) fn refused(&self, way_out: &str) -> Refusal {
        let message = format!("what `{}` leaves for the runtime image is not known", self.text());
        refuse(self.span, message, way_out)
    }

    pub(super) fn text(&self) -> String {
        if let Some(raw) = &self.raw {
            return raw.clone();
        }
        self.assignments.iter().chain(&self.words).map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
    }

    /// Whether it installs nothing but what only a build has a use for.
    pub(super) fn is_build_only_packages(&self) -> bool {
        self.installs(|_| false)
    }

    /// The same for programs that need no library when they run: headers are for their build too.
    pub(super) fn is_packages_with_headers(&self) -> bool {
        self.installs(|name| name.ends_with("-dev") || name.ends_with("-headers"))
    }

    fn installs(&self, others: impl Fn(&str) -> bool) -> bool {
        const TOOLS: &[&str] = &["build-essential", "gcc", "g++", "make", "git", "pkg-config", "cmake"];
        let manager = matches!(self.tool(), "apt-get" | "apt" | "apk");
        let mut operands = self.words.iter().skip(1).filter(|word| !word.starts_with('-'));
        match operands.next().map(String::as_str) {
            Some("update" | "clean") => manager,
            Some("install" | "add") => {
                manager && operands.all(|name| TOOLS.contains(&name.as_str()) || others(name))
            }
            _ => self.tool() == "rm" && self.words.iter().any(|word| word.starts_with("/var/lib/apt/lists")),
        }
    }
}

impl Health {
    fn new(flags: &str, command: &CommandForm, instruction: &Instruction) -> Result<Self, Refusal> {
        let flags = flags.trim_end().trim_end_matches("CMD").trim_end().to_owned();
        let words = match command {
            // Any exit code but 0 and 1 is reserved, which is why many say this; other programs end with 1 by themselves.
            CommandForm::Shell(text) => match text.rsplit_once("||") {
                Some((first, last)) if matches!(last.trim(), "exit 1" | "false") => {
                    split(first, instruction)?
                }
                _ => split(text, instruction)?,
            },
            CommandForm::Exec(_) => words_of(command, instruction)?,
        };
        let is_asking = words.first().is_some_and(|first| ["curl", "wget"].contains(&base_name(first)));
        let mut urls =
            words.iter().filter(|word| word.starts_with("http://") || word.starts_with("https://"));
        let url = urls.next().filter(|_| is_asking && urls.next().is_none()).cloned();
        Ok(Self { flags, words, url, span: instruction.span })
    }
}

/// Whether ADD only copies: nothing is fetched, and no name is that of an archive.
fn only_copies(add: &Add) -> bool {
    const ARCHIVES: [&str; 7] = [".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".txz"];
    let is_plain = add.checksum.is_none() && add.keep_git_dir.is_none() && add.unpack.is_none();
    is_plain
        && add.transfer.sources.iter().all(|source| match source {
            Source::Path(path) => {
                let path = path.value.as_str();
                !path.contains("://")
                    && !path.starts_with("git@")
                    && !path.contains('*')
                    && !ARCHIVES.iter().any(|end| path.ends_with(end))
            }
            Source::Inline(_) => false,
        })
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|one| one.is_ascii_alphanumeric() || one == '_')
    })
}

fn words_of(command: &CommandForm, instruction: &Instruction) -> Result<Vec<String>, Refusal> {
    match command {
        CommandForm::Exec(words) => Ok(words.iter().map(Text::to_string).collect()),
        CommandForm::Shell(text) => split(text, instruction),
    }
}

fn split(text: &str, instruction: &Instruction) -> Result<Vec<String>, Refusal> {
    plain_words(text).ok_or_else(|| {
        let hint = "the runtime image has no shell: write plain programs with their arguments";
        refuse(instruction.span, "this command needs a shell", hint)
    })
}

/// The words of a command that means the same without a shell; nothing when it does not.
pub(super) fn plain_words(text: &str) -> Option<Vec<String>> {
    let text = text.replace("\\\n", " ");
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for one in text.chars() {
        match (quote, one) {
            (Some(open), _) if one == open => quote = None,
            (None | Some('"'), '$' | '`' | '\\') => return None,
            (None, '"' | '\'') => {
                quote = Some(one);
                word.get_or_insert_default();
            }
            (None, _) if one.is_whitespace() => words.extend(word.take()),
            (None, '|' | '&' | ';' | '<' | '>' | '(' | ')' | '{' | '}' | '#' | '~' | '?' | '[') => {
                return None;
            }
            _ => word.get_or_insert_default().push(one),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

/// A word for the shell.
pub(super) fn quoted(word: &str) -> String {
    let is_plain = |one: char| one.is_ascii_alphanumeric() || "-_./=:,+@%*".contains(one);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
