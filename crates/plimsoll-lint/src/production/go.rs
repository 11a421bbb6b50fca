//! Go programs: a static file in an image with nothing else.

use std::fmt::Write as _;

use super::naive::{Naive, Step, TAKE_OUT, quoted};
use super::project::{
    CLUTTER, Project, build_stage, copy_assets, copy_certificates, copy_sources, finish, health,
    health_check, lines,
};
use super::{Refusal, Rendered, refuse};
use crate::names::{base_name, has_extension};

const CACHES: &str = "--mount=type=cache,target=/root/.cache/go-build --mount=type=cache,target=/go/pkg/mod";

pub(super) fn render(naive: &Naive, project: &Project<'_>) -> Result<Rendered, Refusal> {
    if !project.has("go.mod") {
        return Err(refuse(
            naive.from_span,
            "there is no go.mod in the build context",
            "run `go mod init` in it",
        ));
    }
    let own_sources =
        || project.files().filter(|path| has_extension(path, "go") && !path.starts_with("vendor/"));
    let is_c = |path: &&str| project.read(path).is_some_and(|text| text.contains("import \"C\""));
    if let Some(path) = own_sources().find(is_c) {
        let hint = "a static program cannot call C: use a runtime image with the libraries, by hand";
        return Err(refuse(naive.from_span, format!("`{path}` calls C"), hint));
    }
    let runtime = project.runtime(naive, "", |_, _| Some("scratch".to_owned()))?;
    let has_vendor = project.has("vendor/modules.txt");
    let mut out = naive.head.clone();
    build_stage(&mut out, naive, "build");
    out.push_str("# The modules change rarely: they come before the sources.\n");
    let manifests = if project.has("go.sum") { "go.mod go.sum" } else { "go.mod" };
    let _infallible = writeln!(out, "COPY {manifests} ./");
    if has_vendor {
        out.push_str("COPY vendor ./vendor\n");
    } else {
        out.push_str("RUN --mount=type=cache,target=/go/pkg/mod GOMODCACHE=/go/pkg/mod go mod download\n");
    }
    copy_sources(&mut out, naive);
    let module = project.read("go.mod").unwrap_or_default();
    let binary = steps(&mut out, naive, (has_vendor, &module))?;
    let program = format!("/{}", base_name(&binary));
    out.push_str("\n# A static program needs no base.\n");
    let _infallible = writeln!(out, "FROM {}", runtime.image);
    lines(&mut out, &naive.settings);
    let base = naive.base.rsplit('/').next().unwrap_or_default();
    let stands_for = project.composed(&naive.base);
    let is_hub = base.starts_with("golang:") && !base.contains("alpine");
    if runtime.image == "scratch" && stands_for.map_or(is_hub, |value| value.contains("ca-certificates")) {
        copy_certificates(&mut out);
    }
    copy_assets(&mut out, naive, project);
    let _infallible = writeln!(out, "COPY --from=build /out{program} {program}");
    let has_flag =
        |path: &str| project.read(path).is_some_and(|text| text.contains("flag.Bool(\"healthcheck\""));
    let found = own_sources().any(has_flag).then(|| health(&[program.clone(), "-healthcheck".to_owned()]));
    let arguments = naive.command.get(1..).unwrap_or_default();
    let health = health_check(naive, (&[base_name(&binary)], &program), None, found)?;
    finish(&mut out, naive, health, &[&[program], arguments].concat());
    let mut ignore = CLUTTER.to_vec();
    let tests = naive.steps.iter().any(|step| step.words.iter().any(|word| word == "test"));
    ignore.extend((!tests).then_some("**/*_test.go"));
    Ok(Rendered { dockerfile: out, ignore, runtime })
}

/// Writes the steps; gives the path of the program that the image starts.
fn steps(out: &mut String, naive: &Naive, (has_vendor, module): (bool, &str)) -> Result<String, Refusal> {
    let started = naive.command.first().map(|first| base_name(first)).unwrap_or_default();
    let mut found = None;
    for step in &naive.steps {
        let words: Vec<&str> = step.words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["go", "build", rest @ ..] => {
                found = Some(build(out, step, rest, (has_vendor, module), started)?);
            }
            ["go", "mod", "download" | "verify"] => {}
            ["go", "vet" | "test" | "generate" | "mod", ..] => {
                let _infallible = writeln!(out, "RUN {CACHES} {}", step.text());
            }
            _ if step.is_packages_with_headers() => {
                let _infallible = writeln!(out, "RUN {}", step.text());
            }
            _ => return Err(step.refused(TAKE_OUT)),
        }
    }
    found.ok_or_else(|| {
        let message = format!("no `go build -o` makes `{started}`, which the image starts");
        refuse(naive.command_span, message, "name the same file in `-o` and in CMD")
    })
}

/// What `go build` calls the program when it is not told: after the package's folder, or the last part of the module's path.
fn usual_name<'n>(operands: &'n [String], module: &'n str) -> &'n str {
    let folder = operands.iter().map(|operand| operand.trim_end_matches('/')).find(|folder| *folder != ".");
    if let Some(folder) = folder {
        return base_name(folder).trim_end_matches(".go");
    }
    let path = module.lines().find_map(|line| line.trim().strip_prefix("module ")).unwrap_or_default().trim();
    let is_version = |part: &str| {
        part.strip_prefix('v')
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|one| one.is_ascii_digit()))
    };
    path.trim_matches('"').rsplit('/').find(|part| !is_version(part)).unwrap_or_default()
}

fn build(
    out: &mut String,
    step: &Step,
    rest: &[&str],
    (has_vendor, module): (bool, &str),
    started: &str,
) -> Result<String, Refusal> {
    let (mut flags, mut operands, mut path, mut linker) = (Vec::new(), Vec::new(), None, "-s -w".to_owned());
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        match *word {
            "-o" => path = words.next().map(|path| (*path).to_owned()),
            "-ldflags" => linker = format!("{linker} {}", words.next().unwrap_or(&"")),
            "-tags" => flags.push(format!("-tags {}", quoted(words.next().unwrap_or(&"")))),
            "-trimpath" | "-a" => {}
            _ if word.starts_with("-mod") => {}
            _ if word.starts_with("-ldflags=") => linker = format!("{linker} {}", &word["-ldflags=".len()..]),
            _ if word.starts_with('-') => flags.push(quoted(word)),
            _ => operands.push(quoted(word)),
        }
    }
    if step.assignments.iter().any(|one| one == "CGO_ENABLED=1") {
        let hint = "a static program cannot call C: use a runtime image with the libraries, by hand";
        return Err(refuse(step.span, "the program is built with C", hint));
    }
    let path = path.unwrap_or_else(|| usual_name(&operands, module).to_owned());
    if base_name(&path) != started {
        let message = format!("this makes another program than `{started}`, which the image starts");
        return Err(refuse(
            step.span,
            message,
            "name the same file in `-o` and in CMD, or take the step out",
        ));
    }
    let linker = linker.replace("-s -w -s -w", "-s -w");
    let others = step.assignments.iter().filter(|one| !one.starts_with("CGO_ENABLED="));
    let mut words: Vec<String> = others.map(|one| quoted(one)).collect();
    words.extend(["CGO_ENABLED=0", "go", "build"].map(str::to_owned));
    words.extend(has_vendor.then(|| "-mod=vendor".to_owned()));
    words.extend(["-trimpath".to_owned(), format!("-ldflags=\"{linker}\"")]);
    words.extend(flags);
    words.push(format!("-o /out/{started}"));
    words.extend(operands);
    let caches = if has_vendor { "--mount=type=cache,target=/root/.cache/go-build" } else { CACHES };
    let modules = if has_vendor { "" } else { "GOMODCACHE=/go/pkg/mod " };
    let _infallible = writeln!(
        out,
        "# Static, so that it runs in an empty image; without paths of the build and tables for debuggers.\n\
         RUN {caches} \\\n    {modules}{}",
        words.join(" ")
    );
    Ok(path)
}
