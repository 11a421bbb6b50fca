//! `missing-cache-mount`.

use std::collections::BTreeSet;

use super::platforms::{lineage, root_image, short_name};
use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "missing-cache-mount",
    summary: "a `RUN` downloads or compiles everything again whenever it runs",
    severity: Severity::Info,
    aliases: &[],
    enabled: true,
    explanation: r"
When a step runs again, because one line of a lock file has changed, its package manager starts with an empty cache. A cache
mount keeps what was downloaded and compiled between builds, and out of the layers.

```dockerfile
FROM golang:1.25
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
```

Write instead:

```dockerfile
FROM golang:1.25
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
```

A step with any cache mount, and one that switches the cache off or removes it, is passed over: other rules ask for just
that. pip, yarn and the package managers of distributions are theirs altogether, but for apt in stages that are not in
the image.
",
    check,
};

/// What downloads or compiles, and where it keeps that.
struct Manager {
    names: &'static [&'static str],
    /// One of these is the first operand; without any, the name alone does.
    verbs: &'static [&'static str],
    /// Whether words behind the verb are packages, so that it is not the project's own.
    takes_names: bool,
    /// Flags that switch the cache or the download off.
    off: &'static [&'static str],
    directory: &'static str,
}

const MANAGERS: [Manager; 12] = [
    Manager {
        names: &["npm"],
        verbs: &["ci", "clean-install", "install", "i"],
        takes_names: true,
        off: &["g", "global", "offline"],
        directory: "/root/.npm",
    },
    Manager {
        names: &["pnpm"],
        verbs: &["install", "i", "fetch"],
        takes_names: true,
        off: &["g", "global", "offline"],
        directory: "/root/.local/share/pnpm/store",
    },
    Manager {
        names: &["bun"],
        verbs: &["install", "i"],
        takes_names: true,
        off: &["g", "global", "no-cache"],
        directory: "/root/.bun/install/cache",
    },
    Manager {
        names: &["uv"],
        verbs: &["sync", "pip"],
        takes_names: false,
        off: &["no-cache", "n", "offline", "cache-dir"],
        directory: "/root/.cache/uv",
    },
    Manager {
        names: &["poetry"],
        verbs: &["install", "sync"],
        takes_names: false,
        off: &["no-cache"],
        directory: "/root/.cache/pypoetry",
    },
    Manager {
        names: &["go"],
        verbs: &["build", "install", "mod"],
        takes_names: false,
        off: &["mod"],
        directory: "/go/pkg/mod",
    },
    Manager {
        names: &["cargo"],
        verbs: &["build", "b", "fetch", "chef"],
        takes_names: false,
        off: &["offline"],
        directory: "/usr/local/cargo/registry",
    },
    Manager {
        names: &["mvn", "mvnw", "./mvnw"],
        verbs: &[],
        takes_names: false,
        off: &["o", "offline"],
        directory: "/root/.m2",
    },
    Manager {
        names: &["gradle", "gradlew", "./gradlew"],
        verbs: &[],
        takes_names: false,
        off: &["offline"],
        directory: "/root/.gradle",
    },
    Manager {
        names: &["composer"],
        verbs: &["install", "i"],
        takes_names: false,
        off: &["no-cache"],
        directory: "/tmp/cache",
    },
    Manager {
        names: &["bundle", "bundler"],
        verbs: &["install"],
        takes_names: false,
        off: &["no-cache", "local"],
        directory: "/usr/local/bundle/cache",
    },
    Manager {
        names: &["dotnet"],
        verbs: &["restore", "build", "publish"],
        takes_names: false,
        off: &["no-restore", "no-cache"],
        directory: "/root/.nuget/packages",
    },
];

impl Manager {
    fn is_called(&self, call: &Call<'_>) -> bool {
        if !self.names.contains(&call.name())
            || call.has_flag(self.off)
            || call.has_flag(&["help", "version"])
        {
            return false;
        }
        let operands = call.operands();
        let first = operands.first().map(|word| word.text.as_str());
        match (self.verbs, first) {
            ([], _) => first.is_some(),
            (_, None) => false,
            (verbs, Some(first)) => {
                let is_download = match first {
                    "mod" => call.has_argument("download"),
                    "pip" => call.has_argument("install"),
                    "chef" => call.has_argument("cook"),
                    _ => true,
                };
                verbs.contains(&first) && is_download && !(self.takes_names && operands.len() > 1)
            }
        }
    }
}

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    let mut seen: BTreeSet<(usize, &str)> = BTreeSet::new();
    for run in document.runs().filter(|run| !run.step.is_onbuild()) {
        if !run.volatile_mounts(document).is_empty() || cleans(&run) || has_own_cache(document, &run) {
            continue;
        }
        for call in &run.calls {
            let Some(manager) = MANAGERS.iter().find(|manager| manager.is_called(call)) else { continue };
            // What an earlier step has downloaded into a layer is there, also in stages that are built on it.
            let is_seen = |stage: &&Stage<'_>| seen.contains(&(stage.index, manager.names[0]));
            if lineage(document, run.stage).iter().any(is_seen) {
                continue;
            }
            seen.insert((run.stage.index, manager.names[0]));
            let words = call.operands();
            let has_two = words.first().is_some_and(|word| TWO_WORDS.contains(&word.text.as_str()));
            let verbs = &words[..words.len().min(if has_two { 2 } else { 1 })];
            let verb = verbs.last().map_or(call.words[0].span, |word| word.span);
            let shown: Vec<&str> = verbs.iter().map(|word| word.text.as_str()).collect();
            let message = format!(
                "`{} {}` starts with an empty cache whenever this step runs",
                call.name(),
                shown.join(" ")
            );
            let hint = hint(document, run.stage, manager);
            found.push(run.finding(&RULE, message, call.words[0].span.to(verb)).hint(hint));
        }
        report_apt(document, &run, &mut seen, found);
    }
}

/// Verbs that say what they do with the word behind them.
const TWO_WORDS: [&str; 3] = ["mod", "pip", "chef"];

fn hint(document: &Document<'_>, stage: &Stage<'_>, manager: &Manager) -> String {
    let image = root_image(document, stage).and_then(short_name);
    let more = match manager.names[0] {
        "go" => ", another on `/root/.cache/go-build`",
        // Its own image says where the cache is; elsewhere that depends on what else is installed.
        "composer" if image.is_none_or(|(name, _)| name != "composer") => {
            ", with `ENV COMPOSER_CACHE_DIR=/tmp/cache`"
        }
        _ => "",
    };
    format!("mount a cache: `--mount=type=cache,target={}`{more}", manager.directory)
}

/// In stages that are in the image, `apt-lists-left` asks for either.
fn report_apt(
    document: &Document<'_>,
    run: &RunView<'_, '_>,
    seen: &mut BTreeSet<(usize, &str)>,
    found: &mut Vec<Finding>,
) {
    let install = run.calls.iter().find(|call| super::packages::APT_GET.verb(call).is_some());
    let Some(call) = install.filter(|_| !document.is_in_image(run.stage)) else { return };
    if seen.insert((run.stage.index, "apt-get")) {
        found.push(
            run.finding(&RULE, "`apt-get install` downloads everything whenever this step runs", call.span())
                .note("images of Debian and Ubuntu delete packages behind an installation: remove `/etc/apt/apt.conf.d/docker-clean` first")
                .hint("mount caches on `/var/lib/apt` and `/var/cache/apt`, with `sharing=locked`"),
        );
    }
}

/// Whether the step removes a cache: somebody has thought of it.
fn cleans(run: &RunView<'_, '_>) -> bool {
    run.calls.iter().any(|call| {
        let removes = call.name() == "rm"
            && call.operands().iter().any(|word| {
                ["cache", ".npm", ".m2", ".gradle", "/pkg/mod", "registry", "/lists"]
                    .iter()
                    .any(|part| word.text.contains(part))
            });
        let cleans = call.operands().iter().any(|word| {
            ["cache", "clean", "distclean", "clear-cache", "clearcache", "prune"]
                .contains(&word.text.as_str())
        }) && !call.name().starts_with("gradle")
            && !["mvn", "mvnw", "./mvnw", "./gradlew"].contains(&call.name());
        removes || cleans
    })
}

/// Whether a variable moves a cache or switches it off.
fn has_own_cache(document: &Document<'_>, run: &RunView<'_, '_>) -> bool {
    const VARIABLES: [&str; 6] = [
        "UV_NO_CACHE",
        "UV_CACHE_DIR",
        "COMPOSER_CACHE_DIR",
        "GOFLAGS",
        "POETRY_CACHE_DIR",
        "npm_config_cache",
    ];
    let names = document.variable_names(run.stage, run.step);
    let is_assigned = |name: &str| {
        run.calls
            .iter()
            .any(|call| call.simple.assignments.iter().any(|word| word.text.split('=').next() == Some(name)))
    };
    VARIABLES.iter().any(|name| names.iter().any(|known| known == name) || is_assigned(name))
}
