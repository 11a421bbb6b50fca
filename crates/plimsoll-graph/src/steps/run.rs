//! `RUN`.

use plimsoll_diagnostics::{Diagnostic, Spanned, Text, did_you_mean};
use plimsoll_dockerfile::{Instruction, Invocation, Run};

use crate::paths;
use crate::problems::{Reported, Reporting};
use crate::stage::{StageLowering, State, upper_keyword};
use crate::{DeviceRequest, ExecOp, InlineFile, NetworkMode, Op, SecurityMode};

/// Where scripts written in the Dockerfile are found by the command.
const SCRIPTS: &str = "/dev/pipes";

impl StageLowering<'_, '_> {
    pub(crate) fn run(&mut self, run: &Run, instruction: &Instruction) -> Reporting {
        let devices = self.devices(&run.devices);
        let network = self.network(run.network.as_ref());
        let security = self.security(run.security.as_ref());
        let mounts = self.mounts(&run.mounts);
        let (args, files) = self.invocation(run)?;
        let (network, security, mounts, devices) = (network?, security?, mounts?, devices?);

        let mut env = self.state.variables.pairs().to_vec();
        if let Some(socket) = mounts.agent
            && self.state.variables.value("SSH_AUTH_SOCK").is_none()
        {
            env.push(("SSH_AUTH_SOCK".to_owned(), socket));
        }
        let proxy_env = self
            .lowering
            .proxies
            .iter()
            .filter(|(name, _)| self.state.variables.value(name).is_none())
            .cloned()
            .collect();
        let created_by = format!("RUN {}{} # buildkit", arguments_in_effect(&self.state), args.join(" "));
        let op = Op::Exec(ExecOp {
            args,
            env,
            proxy_env,
            cwd: paths::absolute("/", self.state.directory()),
            user: self.state.config.config.user.clone(),
            network,
            security,
            mounts: mounts.list,
            hostname: self.hostname(),
            devices,
            files,
        });
        let name = self.steps.name(&shown(run, instruction), &self.state.variables);
        let mut inputs = vec![self.state.root];
        inputs.extend(mounts.inputs);
        let vertex = self.vertex(op, inputs, name);
        self.state.advance(created_by, vertex);
        Ok(())
    }

    fn invocation(&mut self, run: &Run) -> Reporting<(Vec<String>, Vec<InlineFile>)> {
        match run.invocation() {
            Invocation::Shell(text) => Ok((self.state.with_shell(&text), Vec::new())),
            Invocation::Exec(args) if args.is_empty() => {
                self.lowering.problems.report(
                    Diagnostic::error("empty-command", "`RUN` has nothing to run").at(run.command.span),
                );
                Err(Reported)
            }
            Invocation::Exec(args) => Ok((args.iter().map(Text::to_string).collect(), Vec::new())),
            Invocation::Script { name, body } => {
                let path = paths::absolute(SCRIPTS, &paths::relative(&name));
                let args = self.state.with_shell(&path);
                Ok((args, vec![InlineFile { path, text: body.to_string(), mode: 0o755 }]))
            }
        }
    }

    fn network(&mut self, flag: Option<&Spanned<Text>>) -> Reporting<NetworkMode> {
        const MODES: [&str; 3] = ["default", "none", "host"];
        let default = self.lowering.request.network;
        let Some(flag) = flag else { return Ok(default) };
        // Variables are not expanded here.
        let value = flag.value.clone();
        match value.as_str() {
            "default" => Ok(default),
            "none" => Ok(NetworkMode::None),
            "host" => Ok(NetworkMode::Host),
            _ => {
                self.bad_value("--network", flag, &value, &MODES);
                Err(Reported)
            }
        }
    }

    fn security(&mut self, flag: Option<&Spanned<Text>>) -> Reporting<SecurityMode> {
        const MODES: [&str; 2] = ["sandbox", "insecure"];
        let Some(flag) = flag else { return Ok(SecurityMode::Sandbox) };
        // Variables are not expanded here.
        let value = flag.value.clone();
        match value.as_str() {
            "sandbox" => Ok(SecurityMode::Sandbox),
            "insecure" => Ok(SecurityMode::Insecure),
            _ => {
                self.bad_value("--security", flag, &value, &MODES);
                Err(Reported)
            }
        }
    }

    fn devices(&mut self, flags: &[Spanned<Text>]) -> Reporting<Vec<DeviceRequest>> {
        let mut devices = Vec::new();
        let mut complete = true;
        for flag in flags {
            let value = self.with_words(|words, problems| words.word(flag, problems))?;
            match device(&value) {
                Ok(device) => devices.push(device),
                Err(reason) => {
                    complete = false;
                    let message = format!("`{value}` is not a value for `--device`: {reason}");
                    self.lowering.problems.report(
                        Diagnostic::error("bad-flag-value", message).at(flag.span).hint(
                            "write `--device=vendor.example/kind=name`, with `,required` if it must be there",
                        ),
                    );
                }
            }
        }
        if complete { Ok(devices) } else { Err(Reported) }
    }

    fn bad_value(&mut self, flag: &str, place: &Spanned<Text>, value: &str, known: &[&str]) {
        let near = did_you_mean(value, known.iter().copied());
        self.lowering.problems.report(
            Diagnostic::error("bad-flag-value", format!("`{value}` is not a value for `{flag}`"))
                .at(place.span)
                .note(format!("it takes `{}`", known.join("`, `")))
                .maybe_hint(near.map(|near| format!("did you mean `{near}`?"))),
        );
    }

    fn hostname(&self) -> Option<String> {
        let request = self.lowering.request;
        request
            .hostname
            .map(str::to_owned)
            .or_else(|| request.build_args.get("BUILDKIT_SANDBOX_HOSTNAME").cloned())
            .filter(|name| !name.is_empty())
    }
}

/// `|2 A=1 B=2 `: the declared arguments, in front of the command of a history entry.
fn arguments_in_effect(state: &State) -> String {
    let mut shown: Vec<&str> = Vec::new();
    let mut text = String::new();
    for (name, value) in &state.arguments {
        // An argument that is declared twice keeps its first place; its value is the one that counts now.
        if shown.contains(&name.as_str()) {
            continue;
        }
        shown.push(name);
        let value = state.variables.value(name).or_else(|| last_value(state, name)).or(value.as_deref());
        text.push_str(name);
        text.push('=');
        text.push_str(value.unwrap_or_default());
        text.push(' ');
    }
    if shown.is_empty() { text } else { format!("|{} {text}", shown.len()) }
}

fn last_value<'s>(state: &'s State, name: &str) -> Option<&'s str> {
    state
        .arguments
        .iter()
        .rev()
        .find(|(argument, _)| argument == name)
        .and_then(|(_, value)| value.as_deref())
}

/// Reads `NAME[,required[=BOOL]]`; `name=NAME` is the long form.
fn device(value: &str) -> Result<DeviceRequest, String> {
    let mut name: Option<&str> = None;
    let mut required = false;
    for field in value.split(',') {
        let given = match field.split_once('=').map_or((field, None), |(key, value)| (key, Some(value))) {
            (key, None) if key.eq_ignore_ascii_case("required") => {
                required = true;
                continue;
            }
            (key, Some(value)) if key.eq_ignore_ascii_case("required") => {
                required = match value {
                    "1" | "t" | "T" | "true" | "TRUE" | "True" => true,
                    "0" | "f" | "F" | "false" | "FALSE" | "False" => false,
                    _ => return Err(format!("`{value}` is neither true nor false")),
                };
                continue;
            }
            (key, Some(value)) if key.eq_ignore_ascii_case("name") => value,
            _ => field,
        };
        match name {
            Some(first) => return Err(format!("`{first}` and `{given}` cannot both be its name")),
            None if given.is_empty() => return Err("the name is empty".to_owned()),
            None => name = Some(given),
        }
    }
    let name = name.ok_or("it has no name")?.to_owned();
    Ok(DeviceRequest { name, required })
}

/// The command for the name of its step; a script that is all there is shows its first line.
fn shown(run: &Run, instruction: &Instruction) -> String {
    let text = upper_keyword(&instruction.original);
    let Some(heredoc) = run.heredocs.first().filter(|_| run.lone_heredoc) else { return text };
    let body = heredoc.body.value.trim();
    let first = body.lines().next().unwrap_or_default();
    let more = if body.lines().count() > 1 { "..." } else { "" };
    format!("{text} ({first}{more})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_has_a_name_and_may_be_required() {
        let read = |value: &str| device(value).map(|device| (device.name, device.required));
        let one = |name: &str, required| Ok((name.to_owned(), required));
        assert_eq!(read("vendor.example/gpu=all"), one("vendor.example/gpu=all", false));
        assert_eq!(read("gpu,required"), one("gpu", true));
        assert_eq!(read("name=v/g=0,REQUIRED=false"), one("v/g=0", false));
        for bad in ["", "required", "a,b", "a,required=maybe", "name="] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
