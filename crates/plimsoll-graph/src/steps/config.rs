//! Instructions that change the image config, and `WORKDIR`.

use std::time::Duration;

use plimsoll_diagnostics::{Diagnostic, Spanned, Text};
use plimsoll_dockerfile::{ArgDefinition, CommandForm, Healthcheck, Instruction, Pairs};
use plimsoll_oci::{Empty, Healthcheck as HealthcheckConfig};

use super::signal::is_signal;
use crate::problems::{Reported, Reporting};
use crate::stage::StageLowering;
use crate::{MakeDirOp, Op, go, paths};

impl StageLowering<'_, '_> {
    pub(crate) fn arg(&mut self, definitions: &[ArgDefinition]) -> Reporting {
        let mut shown = Vec::new();
        for definition in definitions {
            let name = &definition.name.value;
            // A default that a build argument replaces is not even expanded.
            let value = match (self.lowering.request.build_args.get(name.as_str()), &definition.default) {
                (Some(value), _) => Some(value.clone()),
                (None, Some(default)) => {
                    Some(self.with_words(|words, problems| words.word(default, problems))?)
                }
                (None, None) => self.globals.value(name).map(str::to_owned),
            };
            // The later one of `ARG` and `ENV` counts. In stages built on this one `ENV` counts again: only it is in the config.
            if let Some(value) = &value
                && Self::is_variable(name)
            {
                self.state.variables.set(name, value);
            }
            shown.push(value.as_ref().map_or_else(|| name.to_string(), |value| format!("{name}={value}")));
            self.state.arguments.push((name.to_string(), value));
        }
        self.state.note(format!("ARG {}", shown.join(" ")));
        Ok(())
    }

    pub(crate) fn env(&mut self, pairs: &Pairs) -> Reporting {
        let pairs = self.pairs(pairs)?;
        for (name, value) in &pairs {
            self.state.variables.set(name, value);
            self.state.config.config.set_variable(name, value);
        }
        self.state.note(format!("ENV {}", joined(&pairs)));
        Ok(())
    }

    pub(crate) fn label(&mut self, pairs: &Pairs) -> Reporting {
        let pairs = self.pairs(pairs)?;
        self.state.note(format!("LABEL {}", joined(&pairs)));
        self.state.config.config.labels.extend(pairs);
        Ok(())
    }

    /// Keys and values, all expanded with the values from before the instruction.
    fn pairs(&mut self, pairs: &Pairs) -> Reporting<Vec<(String, String)>> {
        let mut expanded = Vec::new();
        for pair in &pairs.pairs {
            let (key, value) = self.with_words(|words, problems| {
                (words.word(&pair.key, problems), words.word(&pair.value, problems))
            });
            // A name may expand to nothing, and is then empty.
            expanded.push((key?, value?));
        }
        Ok(expanded)
    }

    pub(crate) fn cmd(&mut self, command: &CommandForm) {
        let command = self.command_line(command);
        self.state.note(format!("CMD {}", go::quoted_list(&command)));
        let container = &mut self.state.config.config;
        container.cmd = (!command.is_empty()).then_some(command);
        container.args_escaped = true;
        self.state.has_command = true;
    }

    pub(crate) fn entrypoint(&mut self, command: &CommandForm) {
        let command = self.command_line(command);
        self.state.note(format!("ENTRYPOINT {}", go::quoted_list(&command)));
        let container = &mut self.state.config.config;
        container.entrypoint = (!command.is_empty()).then_some(command);
        // Arguments that were meant for the base's program mean nothing to this one.
        if !self.state.has_command {
            container.cmd = None;
        }
    }

    fn command_line(&self, command: &CommandForm) -> Vec<String> {
        match command {
            CommandForm::Exec(arguments) => arguments.iter().map(Text::to_string).collect(),
            CommandForm::Shell(text) => self.state.with_shell(text),
        }
    }

    pub(crate) fn maintainer(&mut self, text: &Spanned<Text>) {
        self.state.config.author = Some(text.to_string());
        self.state.note(format!("MAINTAINER {}", text.value));
    }

    pub(crate) fn volume(&mut self, words: &[Spanned<Text>]) -> Reporting {
        let mut volumes = Vec::new();
        for word in words {
            let volume = self.with_words(|words, problems| words.word(word, problems))?;
            if volume.is_empty() {
                self.lowering
                    .problems
                    .report(Diagnostic::error("empty-volume", "the path of a volume is empty").at(word.span));
                return Err(Reported);
            }
            volumes.push(volume);
        }
        self.state.note(format!("VOLUME {}", go::list(&volumes)));
        let volumes = volumes.into_iter().map(|volume| (volume, Empty {}));
        self.state.config.config.volumes.extend(volumes);
        Ok(())
    }

    pub(crate) fn user(&mut self, user: &Spanned<Text>) -> Reporting {
        let user = self.with_words(|words, problems| words.word(user, problems))?;
        self.state.note(format!("USER {user}"));
        self.state.config.config.user = user;
        Ok(())
    }

    pub(crate) fn stopsignal(&mut self, signal: &Spanned<Text>) -> Reporting {
        let name = self.with_words(|words, problems| words.word(signal, problems))?;
        if !is_signal(&name) {
            self.lowering.problems.report(
                Diagnostic::error("bad-signal", format!("`{name}` is not a signal"))
                    .at(signal.span)
                    .hint("write a name such as `SIGTERM`, or a number"),
            );
            return Err(Reported);
        }
        self.state.note(format!("STOPSIGNAL {name}"));
        self.state.config.config.stop_signal = Some(name);
        Ok(())
    }

    pub(crate) fn shell(&mut self, words: &[Spanned<Text>]) {
        let words: Vec<String> = words.iter().map(Spanned::to_string).collect();
        self.state.note(format!("SHELL {}", go::list(&words)));
        self.state.config.config.shell = Some(words);
    }

    pub(crate) fn healthcheck(&mut self, check: &Healthcheck) {
        let config = match check {
            Healthcheck::None => {
                HealthcheckConfig { test: vec!["NONE".to_owned()], ..HealthcheckConfig::default() }
            }
            Healthcheck::Check(check) => {
                let test = match &check.command.value {
                    CommandForm::Shell(text) => vec!["CMD-SHELL".to_owned(), text.to_string()],
                    CommandForm::Exec(arguments) => std::iter::once("CMD".to_owned())
                        .chain(arguments.iter().map(Text::to_string))
                        .collect(),
                };
                HealthcheckConfig {
                    test,
                    interval: nanoseconds(check.interval.as_ref()),
                    timeout: nanoseconds(check.timeout.as_ref()),
                    start_period: nanoseconds(check.start_period.as_ref()),
                    start_interval: nanoseconds(check.start_interval.as_ref()),
                    retries: check.retries.as_ref().map_or(0, |retries| i64::from(retries.value)),
                }
            }
        };
        let time = |value: i64| go::quoted(&go::duration(value.unsigned_abs()));
        self.state.note(format!(
            "HEALTHCHECK &{{{} {} {} {} {} {}}}",
            go::quoted_list(&config.test),
            time(config.interval),
            time(config.timeout),
            time(config.start_period),
            time(config.start_interval),
            go::quoted_number(u32::try_from(config.retries).unwrap_or(u32::MAX)),
        ));
        self.state.config.config.healthcheck = Some(config);
    }

    pub(crate) fn workdir(&mut self, path: &Spanned<Text>, instruction: &Instruction) -> Reporting {
        let written = self.with_words(|words, problems| words.word(path, problems))?;
        let directory = paths::absolute(self.state.directory(), &written);
        let shown = self.shown(instruction);
        // An absolute path stays as it is written, with `..` and slashes at its end.
        let kept = if written.starts_with('/') { written } else { directory.clone() };
        let created_by = format!("WORKDIR {kept}");
        let is_root = kept == "/";
        self.state.config.config.working_dir = kept;
        if is_root {
            self.state.note(created_by);
            return Ok(());
        }
        let op = Op::MakeDir(MakeDirOp {
            path: directory,
            mode: 0o755,
            user: self.state.config.config.user.clone(),
        });
        let name = self.steps.name(&shown, &self.state.variables);
        let vertex = self.vertex(op, vec![self.state.root], name);
        self.state.advance(created_by, vertex);
        Ok(())
    }
}

fn nanoseconds(duration: Option<&Spanned<Duration>>) -> i64 {
    duration.map_or(0, |duration| i64::try_from(duration.value.as_nanos()).unwrap_or(i64::MAX))
}

fn joined(pairs: &[(String, String)]) -> String {
    let pairs: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={value}")).collect();
    pairs.join(" ")
}
