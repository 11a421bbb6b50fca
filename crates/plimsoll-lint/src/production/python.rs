//! Python programs that pip installs.

use std::fmt::Write as _;

use super::naive::{Naive, Step, quoted};
use super::project::{CLUTTER, Project, build_stage, finish, health, lines, own_health};
use super::{Refusal, refuse};
use crate::names::base_name;

/// Programs of packages that are modules too: their scripts name an interpreter that is somewhere else in the runtime image.
const MODULES: &[&str] = &["uvicorn", "gunicorn", "hypercorn", "flask", "celery", "daphne"];

const INTERPRETERS: &[&str] = &["python", "python3"];

pub(super) fn render(naive: &Naive, project: &Project<'_>) -> Result<(String, Vec<&'static str>), Refusal> {
    let runtime = project.runtime(naive, |name, tag| {
        let is_small = tag.contains("slim") || tag.contains("alpine");
        let version = tag.split('-').next().filter(|version| version.starts_with('3'))?;
        let image = if is_small { format!("python:{tag}") } else { format!("python:{version}-slim") };
        (name == "python").then_some(image)
    })?;
    let python = if runtime.is_debian {
        "/usr/bin/python3"
    } else if runtime.image.starts_with("python:") {
        "/usr/local/bin/python3"
    } else {
        "python3"
    };
    let command = command(naive, python)?;
    let mut out = naive.head.clone();
    out.push_str("# What the program needs at run time, from its list alone: a change of the source never installs again.\n");
    build_stage(&mut out, naive, "dependencies");
    install(&mut out, naive, project)?;
    out.push_str(
        "# Compiled where they stay, and bound to their source by content: the same input gives the same image.\n\
         RUN python3 -m compileall -q --invalidation-mode unchecked-hash /packages\n\n",
    );
    let _infallible =
        writeln!(out, "# The same Python as above, without the tools of the build.\nFROM {}", runtime.image);
    // It comes in one line with the folder of the packages.
    let is_path = |line: &str| line.starts_with("ENV PYTHONPATH=") && !line["ENV ".len()..].contains(' ');
    let settings: Vec<String> = naive.settings.iter().filter(|line| !is_path(line)).cloned().collect();
    lines(&mut out, &settings);
    let paths = naive.env_value("PYTHONPATH").map(|value| format!("{}:", value.trim_matches('"')));
    if paths.as_ref().is_some_and(|paths| paths.contains('$')) {
        let hint = "write the folders of PYTHONPATH without variables";
        return Err(refuse(naive.from_span, "PYTHONPATH has a variable in it", hint));
    }
    let _infallible = writeln!(
        out,
        "# Packages are found where they were installed; nothing is written beside the sources, and logs come at once.\n\
         ENV PYTHONPATH={}/packages \\\n    PYTHONDONTWRITEBYTECODE=1 \\\n    PYTHONUNBUFFERED=1",
        paths.unwrap_or_default()
    );
    let _infallible =
        writeln!(out, "WORKDIR {}\nCOPY --from=dependencies /packages /packages", naive.workdir);
    let (folders, files) = project.sources();
    if !files.is_empty() {
        let _infallible = writeln!(out, "COPY {} ./", files.join(" "));
    }
    for folder in folders {
        let _infallible = writeln!(out, "COPY {folder} ./{folder}");
    }
    let own = own_health(naive, INTERPRETERS, python)?;
    finish(&mut out, naive, own.or_else(|| found_health(project, &command)), &command);
    let mut ignore = CLUTTER.to_vec();
    ignore.extend(["**/__pycache__", "**/.venv", "**/.pytest_cache"]);
    Ok((out, ignore))
}

fn install(out: &mut String, naive: &Naive, project: &Project<'_>) -> Result<(), Refusal> {
    let mut has_installed = false;
    for step in &naive.steps {
        if step.is_build_only_packages() {
            let _infallible = writeln!(out, "RUN {}", step.text());
        } else if step.tool() == "pip" {
            has_installed |= pip(out, step, project)?;
        } else {
            let message = format!("what `{}` leaves for the runtime image is not known", step.text());
            let hint = "put what the program needs at run time into the image of `--runtime`, and the step out of this file";
            return Err(refuse(step.span, message, hint));
        }
    }
    if has_installed {
        return Ok(());
    }
    Err(refuse(
        naive.from_span,
        "no step installs packages",
        "a plain `COPY` into the runtime image is all it needs",
    ))
}

/// One installation; one of pip itself is left out.
fn pip(out: &mut String, step: &Step, project: &Project<'_>) -> Result<bool, Refusal> {
    let unclear =
        |message: String| refuse(step.span, message, "install with `pip install -r requirements.txt`");
    let mut words = step.words.iter().map(String::as_str).skip_while(|word| *word != "install").skip(1);
    let (mut options, mut manifests, mut packages) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(word) = words.next() {
        match word {
            "-r" | "--requirement" | "-c" | "--constraint" => {
                let file = words.next().unwrap_or_default().trim_start_matches("./");
                let (file, note) = if file == "requirements-dev.txt" && project.has("requirements.txt") {
                    ("requirements.txt", true)
                } else {
                    (file, false)
                };
                if !project.has(file) {
                    return Err(unclear(format!("`{file}` is not in the build context")));
                }
                if note {
                    out.push_str("# requirements.txt in place of requirements-dev.txt: tests and linters are not for production.\n");
                }
                manifests.push(file);
                options.push(format!("{word} {file}"));
            }
            "--no-cache-dir"
            | "--user"
            | "--break-system-packages"
            | "--upgrade"
            | "-U"
            | "--no-compile"
            | "pip"
            | "setuptools"
            | "wheel" => {}
            "--index-url" | "-i" | "--extra-index-url" | "--only-binary" | "--no-binary" => {
                options.push(format!("{word} {}", quoted(words.next().unwrap_or_default())));
            }
            _ if word.starts_with("--")
                && (word.contains('=') || matches!(word, "--no-deps" | "--require-hashes" | "--pre")) =>
            {
                options.push(quoted(word));
            }
            _ if word.starts_with(['-', '.', '/']) => {
                return Err(unclear(format!(
                    "`{word}` is not understood when packages go to a folder of their own"
                )));
            }
            _ => packages.push(quoted(word)),
        }
    }
    if manifests.is_empty() && packages.is_empty() {
        return Ok(false);
    }
    for manifest in &manifests {
        let text = project.read(manifest).unwrap_or_default();
        let others = text.lines().any(|line| {
            line.starts_with("-r")
                || line.starts_with("-c")
                || line.starts_with("-e")
                || line.starts_with('.')
        });
        if others {
            return Err(unclear(format!("`{manifest}` takes in other files")));
        }
        let _infallible = writeln!(out, "COPY {manifest} ./");
    }
    let _infallible = writeln!(
        out,
        "RUN --mount=type=cache,target=/root/.cache/pip \\\n    pip install --no-compile --target /packages {}",
        [options, packages].concat().join(" ")
    );
    Ok(true)
}

fn command(naive: &Naive, python: &str) -> Result<Vec<String>, Refusal> {
    let Some((first, rest)) = naive.command.split_first() else { return Ok(Vec::new()) };
    let name = base_name(first);
    if INTERPRETERS.contains(&name) {
        return Ok([&[python.to_owned()], rest].concat());
    }
    if MODULES.contains(&name) {
        return Ok([&[python.to_owned(), "-m".to_owned(), name.to_owned()], rest].concat());
    }
    let message = format!("`{first}` is not known to be a Python program");
    Err(refuse(naive.command_span, message, "start it with `python3 -m MODULE`"))
}

/// The module `healthcheck` of the package that is started.
fn found_health(project: &Project<'_>, command: &[String]) -> Option<String> {
    let [python, flag, module, ..] = command else { return None };
    let package = module.split(['.', ':']).next().filter(|_| flag == "-m")?;
    let file = format!("{package}/healthcheck.py");
    let is_there = project.files().any(|path| path == file || path.strip_prefix("src/") == Some(&file));
    is_there.then(|| health(&[python.clone(), "-m".to_owned(), format!("{package}.healthcheck")]))
}
