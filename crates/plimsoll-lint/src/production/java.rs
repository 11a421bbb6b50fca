//! Java programs that Maven, Gradle or the JDK itself builds: archives or classes, on a Java without a compiler.

use std::fmt::Write as _;

use super::naive::{Naive, Step, TAKE_OUT, quoted};
use super::project::{
    CLUTTER, Project, Runtime, build_stage, copy_assets, copy_sources, finish, health, health_check, lines,
};
use super::{Refusal, Rendered, refuse};
use crate::names::{base_name, has_extension};

/// Where packages of Debian put the Java that others use, for every architecture.
const DEBIAN_JAVA: &str = "/usr/lib/jvm/default-java/bin/java";

/// Whether the program is a Java one.
pub(super) fn is_meant(naive: &Naive) -> bool {
    ["mvn", "mvnw", "gradle", "gradlew", "javac"].into_iter().any(|tool| naive.runs(tool))
        || naive.starts("java")
}

/// What the image starts.
struct Start {
    /// Flags for Java, in front of `-jar` or the class.
    options: Vec<String>,
    program: Program,
    arguments: Vec<String>,
}

/// A program as the command names it.
enum Program {
    Archive(String),
    Class { name: String, path: Vec<String> },
}

/// Where a JDK's compiler puts classes when it is not told in the original.
const CLASSES: &str = "classes";

pub(super) fn render(naive: &Naive, project: &Project<'_>) -> Result<Rendered, Refusal> {
    const MANIFESTS: [&str; 3] = ["pom.xml", "build.gradle", "build.gradle.kts"];
    let manifests =
        MANIFESTS.into_iter().filter(|path| project.has(path)).filter_map(|path| project.read(path));
    let manifests = manifests.collect::<Vec<_>>().join("\n");
    if ["classpathPrefix", "addClasspath"].into_iter().any(|word| manifests.contains(word)) {
        let hint = "let the build put all into one archive, or write the stages by hand";
        return Err(refuse(naive.from_span, "the archive needs other archives beside it", hint));
    }
    let runtime = project.runtime(naive, "default-jre-headless", family)?;
    let java = java(naive, &runtime)?;
    let start = start(naive)?;
    let mut out = naive.head.clone();
    build_stage(&mut out, naive, "build");
    copy_sources(&mut out, naive);
    let made = steps(&mut out, naive, project, &start)?;
    let _infallible =
        writeln!(out, "\n# Java without its compiler and the tools of the build.\nFROM {}", runtime.image);
    lines(&mut out, &naive.settings);
    copy_assets(&mut out, naive, project);
    let path = install(&mut out, naive, &made);
    let found = found_health(project, &manifests)
        .map(|class| health(&[java.to_owned(), "-cp".to_owned(), path.clone(), class]));
    let program = match start.program {
        Program::Archive(_) => vec!["-jar".to_owned(), path],
        Program::Class { name, .. } => vec!["-cp".to_owned(), path, name],
    };
    let command = [&[java.to_owned()], start.options.as_slice(), &program, &start.arguments].concat();
    let health = health_check(naive, (&["java"], java), None, found)?;
    finish(&mut out, naive, health, &command);
    let mut ignore = CLUTTER.to_vec();
    ignore.extend(["**/target", "**/build", "**/.gradle"]);
    Ok(Rendered { dockerfile: out, ignore, runtime })
}

/// A Java of the same version without a compiler.
fn family(name: &str, tag: &str) -> Option<String> {
    const NAMES: [&str; 5] = ["maven", "gradle", "eclipse-temurin", "openjdk", "amazoncorretto"];
    if !NAMES.contains(&name) {
        return None;
    }
    let number = |text: &str| {
        let digits = text.len() - text.trim_start_matches(|one: char| one.is_ascii_digit()).len();
        text[..digits].parse::<u32>().ok()
    };
    // The build tools' own versions stand in front: `3.9-eclipse-temurin-21`, `8.5-jdk21`.
    let behind = ["temurin-", "corretto-", "openjdk-", "jdk-", "jdk"]
        .into_iter()
        .find_map(|word| tag.split_once(word).and_then(|(_, rest)| number(rest)));
    let alone = || (!matches!(name, "maven" | "gradle")).then(|| number(tag)).flatten();
    match behind.or_else(alone)? {
        version @ (17 | 21) => Some(format!("gcr.io/distroless/java{version}-debian12:nonroot")),
        version => Some(format!("eclipse-temurin:{version}-jre")),
    }
}

/// The path of Java in the runtime image.
fn java(naive: &Naive, runtime: &Runtime) -> Result<&'static str, Refusal> {
    if !runtime.is_composed() {
        return Ok("java");
    }
    if runtime.has_package("default-jre") {
        return Ok(DEBIAN_JAVA);
    }
    let message = format!("where Java lies in `{}` depends on the architecture", runtime.image);
    Err(refuse(naive.from_span, message, "compose it with the package `default-jre-headless`"))
}

fn start(naive: &Naive) -> Result<Start, Refusal> {
    let hint = "let the build make an archive or classes, and CMD start them with `java -jar` or `java -cp`";
    let refused =
        || refuse(naive.command_span, "what the image starts is neither an archive nor a class", hint);
    let mut words = naive.command.iter();
    if words.next().is_none_or(|first| base_name(first) != "java") {
        return Err(refused());
    }
    let (mut options, mut path) = (Vec::new(), vec![".".to_owned()]);
    while let Some(word) = words.next() {
        match word.as_str() {
            "-jar" => {
                let archive = words.next().ok_or_else(refused)?.clone();
                let arguments = words.cloned().collect();
                return Ok(Start { options, program: Program::Archive(archive), arguments });
            }
            "-cp" | "-classpath" | "--class-path" => {
                path = words.next().ok_or_else(refused)?.split(':').map(str::to_owned).collect();
            }
            "-m" | "--module" | "-p" | "--module-path" => return Err(refused()),
            option if option.starts_with('-') => options.push(word.clone()),
            // A source is compiled when it starts, which takes a compiler.
            source if has_extension(source, "java") => return Err(refused()),
            _ => {
                let program = Program::Class { name: word.clone(), path };
                return Ok(Start { options, program, arguments: words.cloned().collect() });
            }
        }
    }
    Err(refused())
}

/// What the build leaves for the image, relative to the working directory.
enum Made {
    Archive(String),
    /// Entries of a class path: folders, archives, and folders of archives (`lib/*`).
    Classes(Vec<String>),
}

/// Writes the steps.
fn steps(out: &mut String, naive: &Naive, project: &Project<'_>, start: &Start) -> Result<Made, Refusal> {
    let below = |path: &str| naive.below(path).trim_end_matches('/').to_owned();
    let mut path = match &start.program {
        Program::Archive(archive) => below(archive),
        Program::Class { .. } => String::new(),
    };
    let (mut is_packed, mut is_compiled, mut archives) = (false, false, Vec::new());
    for step in &naive.steps {
        let words: Vec<&str> = step.words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["mvn" | "mvnw" | "./mvnw", rest @ ..] => {
                is_packed |= maven(out, step, rest);
            }
            ["gradle" | "gradlew" | "./gradlew", rest @ ..] => {
                is_packed |= gradle(out, naive, project, step, rest);
            }
            // Wrappers lose the bit on some file systems, and archives get a plain name.
            ["chmod", _, "mvnw" | "./mvnw" | "gradlew" | "./gradlew"] => {
                let _infallible = writeln!(out, "RUN {}", step.text());
            }
            ["cp" | "mv", from, to] if below(to) == path => path = below(from),
            ["javac", rest @ ..] => {
                is_compiled = true;
                let text = step.text();
                let is_placed = rest.contains(&"-d");
                let text =
                    if is_placed { text } else { text.replacen("javac", &format!("javac -d {CLASSES}"), 1) };
                let _infallible = writeln!(out, "RUN {text}");
            }
            ["jar", rest @ ..] => {
                archives.extend(rest.iter().find(|word| has_extension(word, "jar")).map(|word| below(word)));
                let _infallible = writeln!(out, "RUN {}", step.text());
            }
            _ if step.is_build_only_packages() => {
                let _infallible = writeln!(out, "RUN {}", step.text());
            }
            _ => return Err(step.refused(TAKE_OUT)),
        }
    }
    if let Program::Class { path, .. } = &start.program {
        let entries = class_path(naive, path).filter(|_| is_packed || is_compiled);
        let hint = "compile with `javac -d classes …`, and start with `java -cp classes Main`";
        return entries.map(Made::Classes).ok_or_else(|| {
            refuse(naive.command_span, "no step is known to make the classes that are started", hint)
        });
    }
    let is_made =
        ["target/", "build/libs/", "build/quarkus-app/"].into_iter().any(|part| path.contains(part));
    if (is_packed && is_made || archives.contains(&path)) && quoted(&path) == path {
        return Ok(Made::Archive(path));
    }
    let message = format!("no step is known to make `{path}`, which the image starts");
    let hint =
        "let CMD start the archive in `target` or `build/libs` that `mvn package` or `gradle build` makes";
    Err(refuse(naive.command_span, message, hint))
}

/// The entries of a class path below the working directory; nothing when one is elsewhere.
fn class_path(naive: &Naive, path: &[String]) -> Option<Vec<String>> {
    path.iter()
        .map(|entry| {
            let entry = naive.below(entry).trim_end_matches('/');
            let entry = if matches!(entry, "" | ".") { CLASSES } else { entry };
            (quoted(entry) == entry && !entry.starts_with('/')).then(|| entry.to_owned())
        })
        .collect()
}

/// Writes a call of Maven; tells whether it packs.
fn maven(out: &mut String, step: &Step, rest: &[&str]) -> bool {
    if rest.iter().any(|word| word.starts_with("dependency:")) {
        return false;
    }
    let mut words: Vec<String> = step.assignments.iter().map(|one| quoted(one)).collect();
    words.push(step.words[0].clone());
    if !rest.iter().any(|word| matches!(*word, "-B" | "--batch-mode")) {
        words.push("--batch-mode".to_owned());
    }
    // There is nothing to clean in a new stage.
    words.extend(rest.iter().filter(|word| **word != "clean").map(|word| quoted(word)));
    let _infallible = writeln!(
        out,
        "# What Maven downloads stays in the cache mount.\n\
         RUN --mount=type=cache,target=/root/.m2 \\\n    {}",
        words.join(" ")
    );
    rest.iter().any(|word| matches!(*word, "package" | "verify" | "install" | "compile"))
}

/// Tasks of Gradle that make an archive.
const PACKS: [&str; 7] = ["build", "assemble", "jar", "bootJar", "shadowJar", "quarkusBuild", "installDist"];

/// Writes a call of Gradle; tells whether it packs.
fn gradle(out: &mut String, naive: &Naive, project: &Project<'_>, step: &Step, rest: &[&str]) -> bool {
    if rest.contains(&"dependencies") {
        return false;
    }
    let is_hub = naive.base.rsplit('/').next().is_some_and(|name| name.starts_with("gradle:"));
    let home = match naive.env_value("GRADLE_USER_HOME") {
        Some(home) => home,
        None if is_hub && project.stands_for(&naive.base).is_none() => "/home/gradle/.gradle",
        None => "/root/.gradle",
    };
    let mut words: Vec<String> = step.assignments.iter().map(|one| quoted(one)).collect();
    words.push(step.words[0].clone());
    // A process that stays behind is of no use when the step ends.
    words.extend((!rest.contains(&"--no-daemon")).then(|| "--no-daemon".to_owned()));
    words.extend(rest.iter().filter(|word| **word != "clean").map(|word| quoted(word)));
    let _infallible = writeln!(
        out,
        "# What Gradle downloads stays in the cache mount.\n\
         RUN --mount=type=cache,target={home} \\\n    {}",
        words.join(" ")
    );
    rest.iter().any(|word| PACKS.contains(&word.rsplit(':').next().unwrap_or_default()))
}

/// Copies what the build made; gives the archive's path in the image, or the class path.
fn install(out: &mut String, naive: &Naive, made: &Made) -> String {
    let path = match made {
        Made::Archive(path) => path,
        Made::Classes(entries) => {
            for entry in entries {
                let folder = entry.trim_end_matches("/*");
                let _infallible = writeln!(out, "COPY --from=build {}/{folder} /app/{folder}", naive.workdir);
            }
            let entries: Vec<String> = entries.iter().map(|entry| format!("/app/{entry}")).collect();
            return entries.join(":");
        }
    };
    let from = format!("{}/{path}", naive.workdir);
    // Quarkus starts an archive that reads others beside it.
    let quarkus = from.rsplit_once('/').filter(|(folder, _)| folder.ends_with("/quarkus-app"));
    if let Some((folder, archive)) = quarkus {
        let _infallible = writeln!(out, "COPY --from=build {folder} /app");
        return format!("/app/{archive}");
    }
    let name = base_name(path);
    let name = if name.contains('*') { "app.jar" } else { name };
    let _infallible = writeln!(out, "COPY --from=build {from} /app/{name}");
    format!("/app/{name}")
}

/// The class that asks for the service's health, when the archive holds it at its top.
fn found_health(project: &Project<'_>, manifests: &str) -> Option<String> {
    // Spring's archives keep classes in a folder that only their own loader reads.
    if manifests.contains("spring-boot") || manifests.contains("org.springframework.boot") {
        return None;
    }
    project.files().find_map(|path| {
        let class = ["Healthcheck", "HealthCheck"]
            .into_iter()
            .find(|class| base_name(path) == format!("{class}.java"))?;
        let text = project.read(path).filter(|text| text.contains("static void main("))?;
        let package = text.lines().find_map(|line| line.trim().strip_prefix("package "));
        let package = package.map(|package| format!("{}.", package.trim_end_matches(';').trim()));
        Some(format!("{}{class}", package.unwrap_or_default()))
    })
}
