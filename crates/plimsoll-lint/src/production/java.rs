//! Java programs that Maven or Gradle packs: the archive, on a Java without a compiler.

use std::fmt::Write as _;

use super::naive::{Naive, Step, quoted};
use super::project::{
    CLUTTER, Project, Runtime, build_stage, copy_assets, copy_sources, finish, health, health_check, lines,
};
use super::{Refusal, refuse};
use crate::names::base_name;

/// Where packages of Debian put the Java that others use, for every architecture.
const DEBIAN_JAVA: &str = "/usr/lib/jvm/default-java/bin/java";

/// Whether the program is a Java one.
pub(super) fn is_meant(naive: &Naive) -> bool {
    ["mvn", "mvnw", "gradle", "gradlew", "javac"].into_iter().any(|tool| naive.runs(tool))
        || naive.starts("java")
}

/// What the image starts.
struct Start {
    /// Flags for Java, in front of `-jar`.
    options: Vec<String>,
    /// The archive as the command names it.
    archive: String,
    arguments: Vec<String>,
}

pub(super) fn render(naive: &Naive, project: &Project<'_>) -> Result<(String, Vec<&'static str>), Refusal> {
    const MANIFESTS: [&str; 3] = ["pom.xml", "build.gradle", "build.gradle.kts"];
    let manifests =
        MANIFESTS.into_iter().filter(|path| project.has(path)).filter_map(|path| project.read(path));
    let manifests = manifests.collect::<Vec<_>>().join("\n");
    if manifests.is_empty() {
        let hint = "put it there, or let the ignore file pass it";
        return Err(refuse(
            naive.from_span,
            "there is neither pom.xml nor build.gradle in the build context",
            hint,
        ));
    }
    if ["classpathPrefix", "addClasspath"].into_iter().any(|word| manifests.contains(word)) {
        let hint = "let the build put all into one archive, or write the stages by hand";
        return Err(refuse(naive.from_span, "the archive needs other archives beside it", hint));
    }
    let runtime = project.runtime(naive, family)?;
    let java = java(naive, project, &runtime)?;
    let start = start(naive)?;
    let mut out = naive.head.clone();
    build_stage(&mut out, naive, "build");
    copy_sources(&mut out, naive);
    let made = steps(&mut out, naive, project, &start)?;
    let _infallible =
        writeln!(out, "\n# Java without its compiler and the tools of the build.\nFROM {}", runtime.image);
    lines(&mut out, &naive.settings);
    copy_assets(&mut out, naive, project);
    let archive = install(&mut out, naive, &made);
    let found = found_health(project, &manifests)
        .map(|class| health(&[java.to_owned(), "-cp".to_owned(), archive.clone(), class]));
    let jar = ["-jar".to_owned(), archive.clone()];
    let command = [&[java.to_owned()], start.options.as_slice(), &jar, &start.arguments].concat();
    let health = health_check(naive, (&["java"], java), None, found)?;
    finish(&mut out, naive, health, &command);
    let mut ignore = CLUTTER.to_vec();
    ignore.extend(["**/target", "**/build", "**/.gradle"]);
    Ok((out, ignore))
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
fn java(naive: &Naive, project: &Project<'_>, runtime: &Runtime) -> Result<&'static str, Refusal> {
    if !runtime.is_debian {
        return Ok("java");
    }
    if project.stands_for(&runtime.image).is_some_and(|value| value.contains("default-jre")) {
        return Ok(DEBIAN_JAVA);
    }
    let message = format!("where Java lies in `{}` depends on the architecture", runtime.image);
    Err(refuse(naive.from_span, message, "compose it with the package `default-jre-headless`"))
}

fn start(naive: &Naive) -> Result<Start, Refusal> {
    let mut words = naive.command.iter();
    let is_java = words.next().is_some_and(|first| base_name(first) == "java");
    let mut options = Vec::new();
    if is_java {
        while let Some(word) = words.next() {
            if word == "-jar" {
                let Some(archive) = words.next() else { break };
                return Ok(Start { options, archive: archive.clone(), arguments: words.cloned().collect() });
            }
            options.push(word.clone());
        }
    }
    let hint = "let the build make an archive that can be started, and CMD start it with `java -jar`";
    Err(refuse(naive.command_span, "the image does not start an archive", hint))
}

/// The archive that the build leaves, relative to the working directory.
struct Made {
    path: String,
}

/// Writes the steps.
fn steps(out: &mut String, naive: &Naive, project: &Project<'_>, start: &Start) -> Result<Made, Refusal> {
    let below = |path: &str| {
        let path = path.strip_prefix(naive.workdir.as_str()).unwrap_or(path);
        path.trim_start_matches("./").trim_start_matches('/').to_owned()
    };
    let mut path = below(&start.archive);
    let mut is_packed = false;
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
            _ if step.is_build_only_packages() => {
                let _infallible = writeln!(out, "RUN {}", step.text());
            }
            _ => {
                let message = format!("what `{}` leaves for the runtime image is not known", step.text());
                let hint = "take the step out, and add to the proposal what it makes";
                return Err(refuse(step.span, message, hint));
            }
        }
    }
    let is_made =
        ["target/", "build/libs/", "build/quarkus-app/"].into_iter().any(|part| path.contains(part));
    if is_packed && is_made && quoted(&path) == path {
        return Ok(Made { path });
    }
    let message = format!("no step is known to make `{}`, which the image starts", start.archive);
    let hint =
        "let CMD start the archive in `target` or `build/libs` that `mvn package` or `gradle build` makes";
    Err(refuse(naive.command_span, message, hint))
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
    rest.iter().any(|word| matches!(*word, "package" | "verify" | "install"))
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

/// Copies what the build made; gives the archive's path in the image.
fn install(out: &mut String, naive: &Naive, made: &Made) -> String {
    let from = format!("{}/{}", naive.workdir, made.path);
    // Quarkus starts an archive that reads others beside it.
    if let Some((folder, archive)) =
        from.rsplit_once('/').filter(|(folder, _)| folder.ends_with("/quarkus-app"))
    {
        let _infallible = writeln!(out, "COPY --from=build {folder} /app");
        return format!("/app/{archive}");
    }
    let name = base_name(&made.path);
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
