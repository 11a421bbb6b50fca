//! `health-check-without-program`.

use super::platforms::{is_distroless, lineage, root_image, short_name};
use super::prelude::*;
use crate::document::DEFAULT_PATH;

pub(super) static RULE: Rule = Rule {
    name: "health-check-without-program",
    summary: "the health check runs a program that the image does not have",
    severity: Severity::Warning,
    aliases: &[],
    enabled: true,
    explanation: r#"
Small images have no `curl`: those of Debian, Ubuntu and Alpine, the slim ones of languages, and of course `scratch` and distroless
ones; the files of an image that the store has are looked at. A check that cannot start fails like one that found something, and the container is unhealthy for ever.

```dockerfile
FROM python:3.13-slim
COPY app.py /
HEALTHCHECK CMD curl -f http://localhost:8000/health
CMD ["python3", "/app.py"]
```

Let the program's own language ask, with a few lines that are there anyway:

```dockerfile
FROM python:3.13-slim
COPY app.py healthcheck.py /
HEALTHCHECK CMD ["python3", "/healthcheck.py"]
CMD ["python3", "/app.py"]
```

Or install `curl`; a package more is a package to keep up to date.
"#,
    check,
};

/// Programs that ask a server something.
const PROGRAMS: [&str; 3] = ["curl", "wget", "nc"];

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    let Some(last) = document.target().map(|index| &document.stages[index]).filter(|stage| stage.wanted)
    else {
        return;
    };
    let Some(image) = root_image(document, last) else { return };
    let stages = lineage(document, last);
    // The last check counts.
    let mut steps =
        stages.iter().flat_map(|stage| stage.steps.iter().rev()).filter(|step| !step.is_onbuild());
    let check = steps.find_map(|step| match step.kind() {
        InstructionKind::Healthcheck(check) => Some((step, check)),
        _ => None,
    });
    let Some((step, Healthcheck::Check(check))) = check else { return };
    for program in programs(document, &check.command) {
        let lacks = files_lack(document, last, program).unwrap_or_else(|| lacks(image, program));
        if lacks && !may_bring(document, &stages, program) {
            found.push(
                Finding::new(
                    &RULE,
                    format!("the health check runs `{program}`, which `{image}` does not have"),
                )
                .at(check.command.span, step.span())
                .hint("ask with a program that the image has, such as the service's own, or install it"),
            );
            return;
        }
    }
}

/// Whether a source is one program: it lies in a directory of programs.
fn is_file_in_bin(source: &Source) -> bool {
    let Source::Path(path) = source else { return false };
    let directory = path.value.rsplit_once('/').map_or("", |(directory, _)| directory);
    base_name(directory) == "bin" && !path.value.ends_with(['/', '*'])
}

/// The programs of this kind that a check runs.
fn programs(document: &Document<'_>, command: &Spanned<CommandForm>) -> Vec<&'static str> {
    let script = Script::of_command(document.file, command, document.dockerfile.escape);
    let mut names: Vec<String> =
        script.calls().iter().map(|call| base_name(call.name()).to_owned()).collect();
    // A shell in the form of an array gets its text as one word.
    if let CommandForm::Exec(words) = &command.value
        && let [shell, flag, text, ..] = words.as_slice()
        && ["sh", "bash", "ash"].contains(&base_name(shell))
        && flag.starts_with('-')
    {
        names.extend(Script::of_text(text).calls().iter().map(|call| base_name(call.name()).to_owned()));
    }
    PROGRAMS.into_iter().filter(|program| names.iter().any(|name| name == program)).collect()
}

/// Whether none of the directories in `PATH` of the image has a program, as far as its files are known.
fn files_lack(document: &Document<'_>, stage: &Stage<'_>, program: &str) -> Option<bool> {
    let files = document.base_files(stage)?;
    let environment = document.base_config(stage).map_or(&[][..], |config| config.env.as_slice());
    let path = environment.iter().rev().find_map(|variable| variable.strip_prefix("PATH="));
    for directory in path.unwrap_or(DEFAULT_PATH).split(':') {
        if files.has_file(&format!("{directory}/{program}"))? {
            return Some(false);
        }
    }
    Some(true)
}

/// Whether an image lacks a program, as its name says it.
fn lacks(image: &str, program: &str) -> bool {
    if image == "scratch" {
        return true;
    }
    if let Some(query) = image.strip_prefix("debian://") {
        return !query.contains(program) && !query.contains("busybox") && !query.contains("netcat");
    }
    let Some((name, tag)) = short_name(image) else { return false };
    if is_distroless(image) {
        return !tag.contains("debug");
    }
    let parts = |text: &str| tag.split('-').any(|part| part.starts_with(text));
    let is_language =
        ["node", "python", "ruby", "php", "golang", "rust", "perl", "openjdk"].contains(&name.as_str());
    // Alpine's shell brings the other two.
    if name == "alpine" || is_language && parts("alpine") {
        return program == "curl" && name != "php";
    }
    let is_small = is_language && name != "php" && parts("slim");
    is_small || matches!(name.as_str(), "debian" | "ubuntu")
}

/// Whether a step may bring the program: its name stands in a RUN, or files come from elsewhere to where programs are.
fn may_bring(document: &Document<'_>, stages: &[&Stage<'_>], program: &str) -> bool {
    let is_in = |stage: &Stage<'_>| stages.iter().any(|one| one.index == stage.index);
    let names = match program {
        "nc" => &["nc", "netcat", "ncat", "nmap"][..],
        "curl" => &["curl"],
        _ => &["wget"],
    };
    if document.runs().filter(|run| is_in(run.stage)).any(|run| {
        names.iter().any(|name| run.script.text.contains(name))
            || run.script.text.contains('$')
            || !run.run.heredocs.is_empty()
    }) {
        return true;
    }
    stages.iter().flat_map(|stage| &stage.steps).any(|step| {
        let Some(transfer) = step.kind().transfer() else { return false };
        let destination = transfer.destination.value.trim_end_matches('/');
        let sources = transfer.sources.iter().filter_map(|source| match source {
            Source::Path(path) => Some(base_name(path.value.trim_end_matches('/'))),
            Source::Inline(_) => None,
        });
        let is_named =
            sources.chain([base_name(destination)]).any(|name| name.contains(program) || name == "busybox");
        let is_wide = ["", ".", "/bin", "/usr/bin", "/usr/local/bin", "/usr", "/usr/local"]
            .contains(&destination)
            && step.kind().copies_from_elsewhere()
            && !transfer.sources.iter().all(is_file_in_bin);
        is_named || is_wide
    })
}
