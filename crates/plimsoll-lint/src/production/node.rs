//! Node programs that npm, Yarn or pnpm installs.

use std::fmt::Write as _;

use serde_json::Value;

use super::naive::{INTO_RUNTIME, Naive, Step, plain_words, quoted};
use super::project::{CLUTTER, Project, build_stage, copy_sources, finish, health, health_check, lines};
use super::{Refusal, Rendered, refuse};
use crate::names::base_name;

/// Who installs.
struct Manager {
    name: &'static str,
    locks: &'static [&'static str],
    cache: &'static str,
    /// The installation without a lock file, and with one.
    install: [&'static str; 2],
    /// Leaves out what is for development.
    omit: &'static str,
    /// Takes it in although `NODE_ENV` says production.
    include: &'static str,
}

const MANAGERS: [Manager; 3] = [
    Manager {
        name: "pnpm",
        locks: &["pnpm-lock.yaml"],
        cache: "/root/.local/share/pnpm/store",
        install: ["pnpm install", "pnpm install --frozen-lockfile"],
        omit: "--prod",
        include: "--prod=false",
    },
    Manager {
        name: "yarn",
        locks: &["yarn.lock"],
        cache: "/usr/local/share/.cache/yarn",
        install: ["yarn install", "yarn install --frozen-lockfile"],
        omit: "--production",
        include: "--production=false",
    },
    Manager {
        name: "npm",
        locks: &["package-lock.json", "npm-shrinkwrap.json"],
        cache: "/root/.npm",
        install: ["npm install", "npm ci"],
        omit: "--omit=dev",
        include: "--include=dev",
    },
];

/// Whether the program is one for Node.
pub(super) fn is_meant(naive: &Naive) -> bool {
    naive.starts("node")
        || MANAGERS.iter().any(|manager| naive.runs(manager.name) || naive.starts(manager.name))
}

/// Scripts that npm runs by itself: they may need files that are not there yet.
const HOOKS: &[&str] = &["preinstall", "install", "postinstall", "prepare"];

/// What the renderer found out.
struct Parts<'p> {
    manager: &'static Manager,
    /// The installation, with the lock file if there is one.
    install: &'static str,
    /// The COPY of the manifests.
    manifests: String,
    /// Steps in front of the installation, and behind it.
    before: Vec<String>,
    builds: Vec<&'p Step>,
    /// The folder that the build makes.
    output: Option<&'p str>,
}

pub(super) fn render(naive: &Naive, project: &Project<'_>) -> Result<Rendered, Refusal> {
    let package = package(naive, project)?;
    let runtime = project.runtime(naive, "nodejs", |name, tag| {
        let major = tag.split(['.', '-']).next().filter(|major| major.parse::<u32>().is_ok())?;
        (name == "node" && !tag.contains("alpine"))
            .then(|| format!("gcr.io/distroless/nodejs{major}-debian12:nonroot"))
    })?;
    let node = if runtime.is_composed() {
        "/usr/bin/node"
    } else if runtime.image.contains("distroless/nodejs") {
        "/nodejs/bin/node"
    } else {
        "node"
    };
    let command = command(naive, &package, node)?;
    let entry = command.get(1).map(|entry| entry.trim_start_matches("./").to_owned()).unwrap_or_default();
    let parts = parts(naive, project, &entry)?;
    let mut out = naive.head.clone();
    build_stages(&mut out, naive, &parts);
    let _infallible = writeln!(
        out,
        "# Node and what it loads: no {}, and the runtime image has no build tools.\nFROM {}",
        parts.manager.name, runtime.image
    );
    if naive.env_value("NODE_ENV").is_none() {
        out.push_str("ENV NODE_ENV=production\n");
    }
    lines(&mut out, &naive.settings);
    let _infallible =
        writeln!(out, "WORKDIR {0}\nCOPY --from=dependencies {0}/node_modules ./node_modules", naive.workdir);
    out.push_str("COPY package.json ./\n");
    let (folders, files) = if let Some(folder) = parts.output {
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
    let found = found_health(project, &entry, parts.output).map(|file| health(&[node.to_owned(), file]));
    let check = health_check(naive, (&["node"], node), Some(ask), found)?;
    finish(&mut out, naive, check, &command);
    let mut ignore = CLUTTER.to_vec();
    ignore.extend(["**/node_modules", "coverage"]);
    Ok(Rendered { dockerfile: out, ignore, runtime })
}

/// Asks for an address; every Node since 18 can.
fn ask(url: &str) -> [String; 2] {
    let url = url.replace(['\'', '\\'], "");
    let code =
        format!("fetch('{url}').then(answer => process.exit(answer.ok ? 0 : 1), () => process.exit(1))");
    ["-e".to_owned(), code]
}

fn parts<'p>(naive: &'p Naive, project: &Project<'_>, entry: &'p str) -> Result<Parts<'p>, Refusal> {
    let manager = MANAGERS
        .iter()
        .find(|manager| naive.runs(manager.name) && manager.locks.iter().any(|lock| project.has(lock)))
        .or_else(|| MANAGERS.iter().rev().find(|manager| naive.runs(manager.name)))
        .ok_or_else(|| {
            refuse(naive.from_span, "no step installs packages", "add one, such as `RUN npm ci`")
        })?;
    let lock = manager.locks.iter().copied().find(|name| project.has(name));
    if lock == Some("yarn.lock") && project.read("yarn.lock").is_some_and(|text| text.contains("__metadata:"))
    {
        let hint = "the proposal knows Yarn 1, npm and pnpm; write the stages by hand";
        return Err(refuse(naive.from_span, "the packages are installed by Yarn 2 or newer", hint));
    }
    let (before, builds) = steps(naive, manager)?;
    let output = if project.has(entry) { None } else { entry.split_once('/').map(|(folder, _)| folder) };
    if builds.is_empty() != output.is_none() {
        let hint = "start a file that is in the context, or one in a folder that a build script makes";
        return Err(refuse(naive.command_span, format!("it is not clear what makes `{entry}`"), hint));
    }
    let mut manifests = vec!["package.json"];
    manifests.extend([".npmrc", ".yarnrc"].into_iter().filter(|name| project.has(name)));
    manifests.extend(lock);
    Ok(Parts {
        manager,
        install: manager.install[usize::from(lock.is_some())],
        manifests: format!("COPY {} ./\n", manifests.join(" ")),
        before,
        builds,
        output,
    })
}

/// The stages in front of the last one.
fn build_stages(out: &mut String, naive: &Naive, parts: &Parts<'_>) {
    let Parts { manager, install, manifests, .. } = parts;
    let cache = format!("--mount=type=cache,target={}", manager.cache);
    out.push_str("# What the program needs at run time, from the manifests alone: a change of the source never installs again.\n");
    build_stage(out, naive, "dependencies");
    lines(out, &parts.before);
    let _infallible = write!(out, "{manifests}RUN {cache} {install} {}\n\n", manager.omit);
    if parts.output.is_none() {
        return;
    }
    out.push_str("# The tools of the build stay in this stage.\n");
    build_stage(out, naive, "build");
    lines(out, &parts.before);
    // With `NODE_ENV=production` what builds would be left out.
    let tools = naive.env_value("NODE_ENV").map(|_| format!(" {}", manager.include)).unwrap_or_default();
    let _infallible = writeln!(out, "{manifests}RUN {cache} {install}{tools}");
    copy_sources(out, naive);
    for step in &parts.builds {
        let _infallible = writeln!(out, "RUN {}", step.text());
    }
    out.push('\n');
}

fn package(naive: &Naive, project: &Project<'_>) -> Result<Value, Refusal> {
    let text = project.read("package.json").filter(|_| project.has("package.json"));
    let hint = "the build context must have a package.json that can be read";
    let package: Value = text
        .and_then(|text| serde_json::from_str(&text).ok())
        .ok_or_else(|| refuse(naive.from_span, "there is no readable package.json", hint))?;
    if let Some(hook) = HOOKS.iter().find(|hook| package["scripts"][**hook].is_string()) {
        let message = format!("the script `{hook}` runs with the installation, and may need the sources");
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
fn steps<'n>(naive: &'n Naive, manager: &Manager) -> Result<(Vec<String>, Vec<&'n Step>), Refusal> {
    let (mut before, mut builds) = (Vec::new(), Vec::new());
    let mut packages: Vec<String> = Vec::new();
    for step in &naive.steps {
        let words: Vec<&str> = step.words.iter().map(String::as_str).collect();
        let flags = |words: &[&str]| words.iter().all(|word| word.starts_with('-'));
        match words.as_slice() {
            ["npm", "install" | "i", "-g" | "--global", tools @ ..]
                if tools.iter().all(|tool| tool.starts_with(manager.name)) =>
            {
                before.push(format!("RUN {}", step.text()));
            }
            ["corepack", ..] => before.push(format!("RUN {}", step.text())),
            [tool, "ci" | "install" | "i", rest @ ..] if *tool == manager.name && flags(rest) => {}
            ["yarn", rest @ ..] if manager.name == "yarn" && flags(rest) => {}
            [tool, "run", _] if *tool == manager.name => builds.push(step),
            ["yarn" | "pnpm", "build"] if words[0] == manager.name => builds.push(step),
            ["npm" | "yarn" | "pnpm", "prune" | "cache" | "store", ..] => {}
            _ if step.is_build_only_packages() => packages.push(step.text()),
            _ => return Err(step.refused(INTO_RUNTIME)),
        }
    }
    if !packages.is_empty() {
        before.push(format!("RUN {}", packages.join(" && ")));
    }
    Ok((before, builds))
}

/// The program behind a script such as `npm start`.
fn command(naive: &Naive, package: &Value, node: &str) -> Result<Vec<String>, Refusal> {
    let words: Vec<&str> = naive.command.iter().map(String::as_str).collect();
    let script = match words.as_slice() {
        ["npm" | "yarn" | "pnpm", "start"] => Some("start"),
        ["npm" | "yarn" | "pnpm", "run", script] => Some(*script),
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
                "`{shown}` does not come down to `node FILE`, and the runtime image has neither the tool for scripts nor a shell"
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
