//! Node programs that npm installs.

use std::fmt::Write as _;

use serde_json::Value;

use super::naive::{Naive, Step, plain_words, quoted};
use super::project::{CLUTTER, Project, build_stage, copy_sources, finish, health, lines, own_health};
use super::{Refusal, refuse};
use crate::names::base_name;

const CACHE: &str = "--mount=type=cache,target=/root/.npm";

/// Scripts that npm runs by itself: they may need files that are not there yet.
const HOOKS: &[&str] = &["preinstall", "install", "postinstall", "prepare"];

pub(super) fn render(naive: &Naive, project: &Project<'_>) -> Result<(String, Vec<&'static str>), Refusal> {
    let package = package(naive, project)?;
    let runtime = project.runtime(naive, |name, tag| {
        let major = tag.split(['.', '-']).next().filter(|major| major.parse::<u32>().is_ok())?;
        (name == "node" && !tag.contains("alpine"))
            .then(|| format!("gcr.io/distroless/nodejs{major}-debian12:nonroot"))
    })?;
    let node = if runtime.is_debian {
        "/usr/bin/node"
    } else if runtime.image.contains("distroless/nodejs") {
        "/nodejs/bin/node"
    } else {
        "node"
    };
    let command = command(naive, &package, node)?;
    let (before, builds) = steps(naive)?;
    let entry = command.get(1).map(|entry| entry.trim_start_matches("./").to_owned()).unwrap_or_default();
    let output = if project.has(&entry) { None } else { entry.split_once('/').map(|(folder, _)| folder) };
    if builds.is_empty() != output.is_none() {
        let hint = "start a file that is in the context, or one in a folder that a build script makes";
        return Err(refuse(naive.command_span, format!("it is not clear what makes `{entry}`"), hint));
    }
    let lock = ["package-lock.json", "npm-shrinkwrap.json"].into_iter().find(|name| project.has(name));
    let install = if lock.is_some() { "npm ci" } else { "npm install" };
    let mut manifests = vec!["package.json"];
    manifests.extend(project.has(".npmrc").then_some(".npmrc"));
    manifests.extend(lock);
    let manifests = format!("COPY {} ./\n", manifests.join(" "));

    let mut out = naive.head.clone();
    out.push_str("# What the program needs at run time, from the manifests alone: a change of the source never installs again.\n");
    build_stage(&mut out, naive, "dependencies");
    lines(&mut out, &before);
    let _infallible = write!(out, "{manifests}RUN {CACHE} {install} --omit=dev\n\n");
    if output.is_some() {
        out.push_str("# The tools of the build stay in this stage.\n");
        build_stage(&mut out, naive, "build");
        // With `NODE_ENV=production` npm would leave out what builds.
        let tools = if naive.env_value("NODE_ENV").is_some() { " --include=dev" } else { "" };
        lines(&mut out, &before);
        let _infallible = writeln!(out, "{manifests}RUN {CACHE} {install}{tools}");
        copy_sources(&mut out, naive);
        for step in &builds {
            let _infallible = writeln!(out, "RUN {}", step.text());
        }
        out.push('\n');
    }
    let _infallible = writeln!(
        out,
        "# Node and what it loads: no npm, and the runtime image has no build tools.\nFROM {}",
        runtime.image
    );
    if naive.env_value("NODE_ENV").is_none() {
        out.push_str("ENV NODE_ENV=production\n");
    }
    lines(&mut out, &naive.settings);
    let _infallible =
        writeln!(out, "WORKDIR {0}\nCOPY --from=dependencies {0}/node_modules ./node_modules", naive.workdir);
    out.push_str("COPY package.json ./\n");
    let own = own_health(naive, &["node"], node)?;
    let found = found_health(project, &entry, output).map(|file| health(&[node.to_owned(), file]));
    let (folders, files) = if let Some(folder) = output {
        let _infallible = writeln!(out, "COPY --from=build {0}/{folder} ./{folder}", naive.workdir);
        (project.assets(), Vec::new())
    } else {
        project.sources()
    };
    if !files.is_empty() {
        let _infallible = writeln!(out, "COPY {} ./", files.join(" "));
    }
    for folder in folders {
        let _infallible = writeln!(out, "COPY {folder} ./{folder}");
    }
    finish(&mut out, naive, own.or(found), &command);
    let mut ignore = CLUTTER.to_vec();
    ignore.extend(["**/node_modules", "coverage"]);
    Ok((out, ignore))
}

fn package(naive: &Naive, project: &Project<'_>) -> Result<Value, Refusal> {
    let text = project.read("package.json").filter(|_| project.has("package.json"));
    let hint = "the build context must have a package.json that can be read";
    let package: Value = text
        .and_then(|text| serde_json::from_str(&text).ok())
        .ok_or_else(|| refuse(naive.from_span, "there is no readable package.json", hint))?;
    if let Some(hook) = HOOKS.iter().find(|hook| package["scripts"][**hook].is_string()) {
        let message = format!("npm runs the script `{hook}` when it installs, which may need the sources");
        return Err(refuse(naive.from_span, message, "rename the script and run it in a step of its own"));
    }
    if !package["workspaces"].is_null() {
        let hint = "give the program a Dockerfile and a manifest of its own";
        return Err(refuse(
            naive.from_span,
            "package.json has workspaces, whose manifests lie in other folders",
            hint,
        ));
    }
    Ok(package)
}

/// What runs before the installation, and after it.
fn steps(naive: &Naive) -> Result<(Vec<String>, Vec<&Step>), Refusal> {
    let (mut before, mut builds) = (Vec::new(), Vec::new());
    let mut packages: Vec<String> = Vec::new();
    for step in &naive.steps {
        let words: Vec<&str> = step.words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["npm", "ci" | "install" | "i", rest @ ..] if rest.iter().all(|word| word.starts_with('-')) => {}
            ["npm", "run", _] => builds.push(step),
            ["npm", "prune" | "cache", ..] => {}
            _ if step.is_build_only_packages() => packages.push(step.text()),
            _ => {
                let hint = "put what the program needs at run time into the image of `--runtime`, and the step out of this file";
                let message = format!("what `{}` leaves for the runtime image is not known", step.text());
                return Err(refuse(step.span, message, hint));
            }
        }
    }
    if !packages.is_empty() {
        before.push(format!("RUN {}", packages.join(" && ")));
    }
    Ok((before, builds))
}

/// The program behind `npm start`.
fn command(naive: &Naive, package: &Value, node: &str) -> Result<Vec<String>, Refusal> {
    let words: Vec<&str> = naive.command.iter().map(String::as_str).collect();
    let script = match words.as_slice() {
        ["npm", "start"] => Some("start"),
        ["npm", "run", script] => Some(*script),
        _ => None,
    };
    let words = match script {
        None => Some(naive.command.clone()),
        Some(name) => {
            let around = [format!("pre{name}"), format!("post{name}")];
            let is_alone = around.iter().all(|other| package["scripts"][other].is_null());
            package["scripts"][name].as_str().filter(|_| is_alone).and_then(plain_words)
        }
    };
    match words.as_deref() {
        Some([program, rest @ ..])
            if base_name(program) == "node" && rest.first().is_some_and(|one| !one.starts_with('-')) =>
        {
            Ok([&[node.to_owned()], rest].concat())
        }
        _ => {
            let shown = naive.command.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
            let message = format!(
                "`{shown}` does not come down to `node FILE`, and the runtime image has neither npm nor a shell"
            );
            Err(refuse(naive.command_span, message, "start the program with `node FILE`"))
        }
    }
}

/// A health check beside the entry; for one that is built, its source has to lie beside the source of the entry.
fn found_health(project: &Project<'_>, entry: &str, output: Option<&str>) -> Option<String> {
    let (folder, name) = entry.rsplit_once('/').unwrap_or(("", entry));
    let (stem, extension) = name.rsplit_once('.')?;
    let beside = |folder: &str, name: &str| {
        if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
    };
    let check = format!("healthcheck.{extension}");
    let is_there = if output.is_none() {
        project.has(&beside(folder, &check))
    } else {
        ["ts", "mts", "js", "mjs"].iter().any(|extension| {
            let has = |stem: &str| project.has(&format!("src/{stem}.{extension}"));
            has(stem) && has("healthcheck")
        })
    };
    is_there.then(|| beside(folder, &check))
}
