//! Python programs that pip, uv or Poetry installs.

use std::fmt::Write as _;

use super::naive::{INTO_RUNTIME, Naive, Step, quoted};
use super::project::{CLUTTER, Project, build_stage, finish, health, health_check, lines};
use super::{Refusal, Rendered, refuse};
use crate::names::base_name;

/// Programs of packages that are modules too: their scripts name an interpreter that is somewhere else in the runtime image.
const MODULES: &[&str] = &["uvicorn", "gunicorn", "hypercorn", "flask", "celery", "daphne"];

const INTERPRETERS: &[&str] = &["python", "python3"];

pub(super) fn render(naive: &Naive, project: &Project<'_>) -> Result<Rendered, Refusal> {
    let runtime = project.runtime(naive, "python3", |name, tag| {
        let is_small = tag.contains("slim") || tag.contains("alpine");
        let version = tag.split('-').next().filter(|version| version.starts_with('3'))?;
        let image = if is_small { format!("python:{tag}") } else { format!("python:{version}-slim") };
        (name == "python").then_some(image)
    })?;
    let python = if runtime.is_composed() {
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
    // The project itself was installed too; its packages are in the usual folder.
    let has_src = locked(naive).is_some() && project.files().any(|path| path.starts_with("src/"));
    let paths = paths.or_else(|| has_src.then(|| format!("{}/src:", naive.workdir)));
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
    let check = health_check(naive, (INTERPRETERS, python), Some(ask), found_health(project, &command))?;
    finish(&mut out, naive, check, &command);
    let mut ignore = CLUTTER.to_vec();
    ignore.extend(["**/__pycache__", "**/.venv", "**/.pytest_cache"]);
    Ok(Rendered { dockerfile: out, ignore, runtime })
}

/// Asks for an address; an answer that is an error raises one.
fn ask(url: &str) -> [String; 2] {
    let url = url.replace(['\'', '\\'], "");
    ["-c".to_owned(), format!("import urllib.request; urllib.request.urlopen('{url}', timeout=3)")]
}

/// Installs by the project's own lock file.
struct Locked {
    tool: &'static str,
    lock: &'static str,
    cache: &'static str,
    /// The environment lies beside the manifest, without the project itself and without what is for development.
    command: &'static str,
}

const LOCKED: [Locked; 2] = [
    Locked {
        tool: "poetry",
        lock: "poetry.lock",
        cache: "/root/.cache/pypoetry",
        command: "POETRY_VIRTUALENVS_CREATE=true POETRY_VIRTUALENVS_IN_PROJECT=true \\\n    \
                  poetry install --no-interaction --no-root --only main",
    },
    Locked {
        tool: "uv",
        lock: "uv.lock",
        cache: "/root/.cache/uv",
        command: "UV_LINK_MODE=copy uv sync --frozen --no-dev --no-install-project",
    },
];

/// Whether the program is one for Python.
pub(super) fn is_meant(naive: &Naive) -> bool {
    ["pip", "poetry", "uv"].into_iter().any(|tool| naive.runs(tool))
        || INTERPRETERS.iter().any(|name| naive.starts(name))
}

/// The tool that installs the project by its lock file.
fn locked(naive: &Naive) -> Option<&'static Locked> {
    LOCKED.iter().find(|locked| {
        let verbs = |step: &Step| step.words.get(1).is_some_and(|verb| verb == "install" || verb == "sync");
        naive.steps.iter().any(|step| step.tool() == locked.tool && verbs(step))
    })
}

fn install(out: &mut String, naive: &Naive, project: &Project<'_>) -> Result<(), Refusal> {
    let mut has_installed = false;
    let locked = locked(naive);
    for step in &naive.steps {
        let words: Vec<&str> = step.words.iter().map(String::as_str).collect();
        if step.is_build_only_packages() {
            let _infallible = writeln!(out, "RUN {}", step.text());
        } else if let (Some(locked), ["pip" | "pip3", "install", tools @ ..]) = (locked, words.as_slice())
            && tools.iter().all(|tool| tool.starts_with('-') || tool.starts_with(locked.tool))
        {
            let _infallible = writeln!(out, "RUN --mount=type=cache,target=/root/.cache/pip {}", step.text());
        } else if let Some(locked) = locked.filter(|locked| step.tool() == locked.tool) {
            if matches!(words.get(1), Some(&("install" | "sync"))) && !has_installed {
                by_lock(out, step, locked, project)?;
                has_installed = true;
            }
        } else if step.tool() == "pip" || matches!(words.as_slice(), ["uv", "pip", "install", ..]) {
            has_installed |= pip(out, step, project)?;
        } else {
            return Err(step.refused(INTO_RUNTIME));
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

/// An installation of what the lock file says.
fn by_lock(out: &mut String, step: &Step, locked: &Locked, project: &Project<'_>) -> Result<(), Refusal> {
    let files = ["pyproject.toml", locked.lock];
    if let Some(missing) = files.into_iter().find(|file| !project.has(file)) {
        let hint = format!("run `{} lock` and keep `{}` with the sources", locked.tool, locked.lock);
        return Err(refuse(step.span, format!("`{missing}` is not in the build context"), hint));
    }
    let _infallible = writeln!(
        out,
        "COPY {} ./\n# Without what is for development, and in a folder that does not depend on the place of Python.\n\
         RUN --mount=type=cache,target={} \\\n    {} && \\\n    mv .venv/lib/python3*/site-packages /packages",
        files.join(" "),
        locked.cache,
        locked.command,
    );
    Ok(())
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
            | "--system"
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
    let (cache, tool) = if step.tool() == "uv" {
        ("/root/.cache/uv", "UV_LINK_MODE=copy uv pip install")
    } else {
        ("/root/.cache/pip", "pip install --no-compile")
    };
    let _infallible = writeln!(
        out,
        "RUN --mount=type=cache,target={cache} \\\n    {tool} --target /packages {}",
        [options, packages].concat().join(" ")
    );
    Ok(true)
}

fn command(naive: &Naive, python: &str) -> Result<Vec<String>, Refusal> {
    let words = match naive.command.as_slice() {
        [tool, run, rest @ ..] if run == "run" && LOCKED.iter().any(|locked| locked.tool == tool) => rest,
        words => words,
    };
    let Some((first, rest)) = words.split_first() else { return Ok(Vec::new()) };
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
