//! Rust programs: one file, with the C library that it was linked against, or alone when it is static.

use std::fmt::Write as _;

use super::naive::{Naive, Step, TAKE_OUT, quoted};
use super::project::{
    CLUTTER, Project, build_stage, copy_assets, copy_certificates, copy_sources, finish, health,
    health_check, lines,
};
use super::{Refusal, Rendered, refuse};
use crate::names::{base_name, has_extension};

/// Crates that are linked against a library of the build image, which the runtime image would have to have.
const SYSTEM_LIBRARIES: &[(&str, &str)] = &[
    ("pq-sys", "libpq"),
    ("mysqlclient-sys", "libmysqlclient"),
    ("rdkafka-sys", "librdkafka"),
    ("openssl-sys", "OpenSSL"),
];

/// Crates that read the system's certificates when the program runs.
const NEEDS_CERTIFICATES: &[&str] = &["openssl-probe", "rustls-native-certs", "rustls-platform-verifier"];

pub(super) fn render(naive: &Naive, project: &Project<'_>) -> Result<Rendered, Refusal> {
    let Some(manifest) = project.read("Cargo.toml").filter(|_| project.has("Cargo.toml")) else {
        let hint = "put it there, or let the ignore file pass it";
        return Err(refuse(naive.from_span, "there is no Cargo.toml in the build context", hint));
    };
    let lock = project.read("Cargo.lock").filter(|_| project.has("Cargo.lock"));
    check(naive, project, lock.as_deref())?;
    let runtime = project.runtime(naive, "libc6,libgcc-s1", family)?;
    let program = started(naive, &manifest)?;
    let mut out = naive.head.clone();
    build_stage(&mut out, naive, "build");
    copy_sources(&mut out, naive);
    steps(&mut out, naive, project, &program, lock.as_deref())?;
    let why = if runtime.image == "scratch" {
        "# A static program needs no base."
    } else {
        "# The libraries that the program loads, and no compiler."
    };
    let _infallible = writeln!(out, "\n{why}\nFROM {}", runtime.image);
    lines(&mut out, &naive.settings);
    let wants = has_crate(lock.as_deref(), NEEDS_CERTIFICATES);
    let lacks = runtime.image == "scratch"
        || runtime.is_composed()
            && !runtime.has_package("ca-certificates")
            && project.composed(&naive.base).is_some_and(|base| base.contains("ca-certificates"));
    if wants && lacks {
        copy_certificates(&mut out);
    }
    copy_assets(&mut out, naive, project);
    let path = format!("/{program}");
    let _infallible = writeln!(out, "COPY --from=build /out/{program} {path}");
    let arguments = arguments(naive);
    let found = found_health(project).map(|flag| health(&[path.clone(), flag.to_owned()]));
    let health = health_check(naive, (&[&program], &path), None, found)?;
    finish(&mut out, naive, health, &[&[path], arguments].concat());
    let mut ignore = CLUTTER.to_vec();
    ignore.push("**/target");
    Ok(Rendered { dockerfile: out, ignore, runtime })
}

/// The hub image's counterpart without a compiler. A program runs with a newer C library than its own, never with an older one.
fn family(name: &str, tag: &str) -> Option<String> {
    let release = match tag {
        _ if name != "rust" => return None,
        _ if tag.contains("alpine") => return Some("scratch".to_owned()),
        _ if tag.contains("bullseye") => 11,
        _ if tag.contains("bookworm") => 12,
        _ => 13,
    };
    Some(format!("gcr.io/distroless/cc-debian{release}:nonroot"))
}

/// Refuses what the runtime image would lack.
fn check(naive: &Naive, project: &Project<'_>, lock: Option<&str>) -> Result<(), Refusal> {
    let is_used = |(name, _): &&(&str, &str)| {
        has_crate(lock, &[name]) && !(*name == "openssl-sys" && has_crate(lock, &["openssl-src"]))
    };
    if let Some((name, library)) = SYSTEM_LIBRARIES.iter().find(is_used) {
        let hint = "use rustls or the crate's `vendored` feature, or write the stages by hand with an image that has it";
        let message = format!("the program is linked against {library} of the build image (`{name}`)");
        return Err(refuse(naive.from_span, message, hint));
    }
    let config = project.read(".cargo/config.toml").or_else(|| project.read(".cargo/config"));
    let moves = |line: &str| line.starts_with("target =") || line.starts_with("target-dir");
    if config.is_some_and(|config| config.lines().any(|line| moves(line.trim()))) {
        let hint = "take `target` and `target-dir` out of it, or write the stages by hand";
        return Err(refuse(naive.from_span, "Cargo's configuration says where programs are put", hint));
    }
    Ok(())
}

/// Whether the program is built from one of these crates.
fn has_crate(lock: Option<&str>, names: &[&str]) -> bool {
    let is_one = |line: &str| names.iter().any(|name| line == format!("name = \"{name}\""));
    lock.is_some_and(|lock| lock.lines().any(is_one))
}

/// The name of the program that the image starts.
fn started(naive: &Naive, manifest: &str) -> Result<String, Refusal> {
    let words: Vec<&str> = naive.command.iter().map(String::as_str).collect();
    let name = match words.as_slice() {
        ["cargo", "run", options @ ..] => {
            let options: Vec<&str> = options.iter().copied().take_while(|word| *word != "--").collect();
            let named = options.iter().position(|word| *word == "--bin").and_then(|at| options.get(at + 1));
            let named =
                named.copied().or_else(|| options.iter().find_map(|word| word.strip_prefix("--bin=")));
            named.map(str::to_owned).or_else(|| only_program(manifest))
        }
        [first, ..] if *first != "cargo" => Some(base_name(first).to_owned()),
        _ => None,
    };
    name.filter(|name| quoted(name) == *name).ok_or_else(|| {
        let hint = "let CMD start the program itself, for example `./target/release/NAME`";
        refuse(naive.command_span, "which program of the package is started is not said", hint)
    })
}

/// The program of a package that has one.
fn only_program(manifest: &str) -> Option<String> {
    let table: toml::Table = manifest.parse().ok()?;
    let name = |table: &toml::Value| Some(table.get("name")?.as_str()?.to_owned());
    let package = table.get("package")?;
    if let Some(default) = package.get("default-run") {
        return default.as_str().map(str::to_owned);
    }
    match table.get("bin").and_then(toml::Value::as_array).map(Vec::as_slice) {
        Some([one]) => name(one),
        Some([_, ..]) => None,
        _ => name(package),
    }
}

/// What the program itself is given.
fn arguments(naive: &Naive) -> &[String] {
    let words = &naive.command;
    if words.first().is_some_and(|first| first == "cargo") {
        let at = words.iter().position(|word| word == "--");
        return at.map_or(&[], |at| &words[at + 1..]);
    }
    words.get(1..).unwrap_or_default()
}

/// The flag by which the program asks for its own health.
fn found_health(project: &Project<'_>) -> Option<&'static str> {
    const FLAGS: [&str; 3] = ["--healthcheck", "-healthcheck", "healthcheck"];
    let sources = || project.files().filter(|path| has_extension(path, "rs"));
    FLAGS.into_iter().find(|flag| {
        let literal = format!("\"{flag}\"");
        sources().any(|path| project.read(path).is_some_and(|text| text.contains(&literal)))
    })
}

/// Writes the steps; one of them makes the program.
fn steps(
    out: &mut String,
    naive: &Naive,
    project: &Project<'_>,
    program: &str,
    lock: Option<&str>,
) -> Result<(), Refusal> {
    let home = match naive.env_value("CARGO_HOME") {
        Some(home) => home,
        None if project.composed(&naive.base).is_some() => "/root/.cargo",
        None if naive.base.starts_with("debian:") || naive.base.starts_with("ubuntu:") => "/root/.cargo",
        None => "/usr/local/cargo",
    };
    let mut caches = format!("--mount=type=cache,target={home}/registry \\\n    ");
    if lock.is_some_and(|lock| lock.contains("\"git+")) {
        let _infallible = write!(caches, "--mount=type=cache,target={home}/git \\\n    ");
    }
    let _infallible = write!(caches, "--mount=type=cache,target={}/target \\\n    ", naive.workdir);
    let mut is_built = false;
    for step in &naive.steps {
        let words: Vec<&str> = step.words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["cargo", "build" | "install" | "b", rest @ ..] => {
                is_built = true;
                build(out, step, rest, (program, &caches), lock.is_some())?;
            }
            ["cargo", "fetch" | "update" | "generate-lockfile", ..] => {}
            ["cargo", "test" | "clippy" | "fmt" | "check" | "vendor", ..] => {
                let _infallible = writeln!(out, "RUN {caches}{}", step.text());
            }
            ["rustup", ..] => {
                let _infallible = writeln!(out, "RUN {}", step.text());
            }
            _ if step.is_packages_with_headers() => {
                let _infallible = writeln!(out, "RUN {}", step.text());
            }
            _ => return Err(step.refused(TAKE_OUT)),
        }
    }
    if !is_built && naive.starts("cargo") {
        let step = Step { assignments: Vec::new(), words: Vec::new(), raw: None, span: naive.command_span };
        return build(out, &step, &[], (program, &caches), lock.is_some());
    }
    if is_built {
        return Ok(());
    }
    let message = format!("no `cargo build` makes `{program}`, which the image starts");
    Err(refuse(naive.command_span, message, "let a step build it, and CMD start it"))
}

fn build(
    out: &mut String,
    step: &Step,
    rest: &[&str],
    (program, caches): (&str, &str),
    has_lock: bool,
) -> Result<(), Refusal> {
    let (mut flags, mut profile, mut target) = (Vec::new(), None, None);
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        match *word {
            "--release" | "-r" | "--locked" | "--frozen" | "--force" | "-f" | "--no-track" => {}
            "--path" | "--root" | "--target-dir" => drop(words.next()),
            "--profile" => profile = words.next().copied(),
            "--target" => target = words.next().copied(),
            "--manifest-path" => {
                let hint = "use the folder of the manifest as the working directory";
                return Err(refuse(step.span, "the manifest is in another folder", hint));
            }
            _ if word.starts_with("--target=") => target = word.strip_prefix("--target="),
            _ if word.starts_with("--profile=") => profile = word.strip_prefix("--profile="),
            _ => flags.push(quoted(word)),
        }
    }
    let profile = profile.filter(|profile| !matches!(*profile, "dev" | "release"));
    let mut folder = profile.unwrap_or("release").to_owned();
    let flag = profile.map_or("--release".to_owned(), |profile| format!("--profile={}", quoted(profile)));
    let mut words: Vec<String> = step.assignments.iter().map(|one| quoted(one)).collect();
    words.push(format!("CARGO_PROFILE_{}_STRIP=symbols", folder.to_uppercase().replace('-', "_")));
    words.extend(["cargo".to_owned(), "build".to_owned(), flag]);
    words.extend(has_lock.then(|| "--locked".to_owned()));
    if let Some(target) = target {
        folder = format!("{target}/{folder}");
        words.push(format!("--target={}", quoted(target)));
    }
    words.extend(flags);
    let _infallible = writeln!(
        out,
        "# What was downloaded and compiled before stays in the cache mounts; the program is taken out of them.\n\
         RUN {caches}{} && \\\n    mkdir -p /out && cp target/{folder}/{program} /out/{program}",
        words.join(" ")
    );
    Ok(())
}
