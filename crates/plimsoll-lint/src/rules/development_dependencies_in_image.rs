//! `development-dependencies-in-image`.

use super::platforms::lineage;
use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "development-dependencies-in-image",
    summary: "dependencies for development are installed into the image",
    severity: Severity::Info,
    aliases: &[],
    enabled: true,
    explanation: r#"
Test runners, linters and type checkers are often the larger part of a project's packages. In the image they cost pulls, and every
flaw found in them has to be looked at.

```dockerfile
FROM node:24-slim
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY src ./src
CMD ["node", "src/server.js"]
```

Install what the program needs when it runs:

```dockerfile
FROM node:24-slim
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev
COPY src ./src
CMD ["node", "src/server.js"]
```

When the build itself needs the others, it gets them in a stage of its own. An installation that is pruned later in the same `RUN`,
or with `NODE_ENV=production`, is not reported.
"#,
    check,
};

/// An installation of everything, and the way to have less of it.
struct Tool {
    names: &'static [&'static str],
    verbs: &'static [&'static str],
    /// Flags that leave dependencies for development out.
    flags: &'static [&'static str],
    /// A variable that does, and what stands in its value then.
    variable: Option<(&'static str, &'static str)>,
    advice: &'static str,
}

const TOOLS: [Tool; 6] = [
    Tool {
        names: &["npm"],
        verbs: &["ci", "clean-install", "install", "i"],
        flags: &["omit", "production", "only", "prod"],
        variable: Some(("NODE_ENV", "production")),
        advice: "`--omit=dev`",
    },
    Tool {
        names: &["yarn"],
        verbs: &["install", "workspaces"],
        flags: &["production", "prod"],
        variable: Some(("NODE_ENV", "production")),
        advice: "`--production`",
    },
    Tool {
        names: &["pnpm"],
        verbs: &["install", "i"],
        flags: &["prod", "P", "production"],
        variable: Some(("NODE_ENV", "production")),
        advice: "`--prod`",
    },
    Tool {
        names: &["composer", "composer.phar"],
        verbs: &["install"],
        flags: &["no-dev"],
        variable: Some(("COMPOSER_NO_DEV", "1")),
        advice: "`--no-dev`",
    },
    Tool {
        names: &["poetry"],
        verbs: &["install"],
        flags: &["only", "without", "no-dev", "only-root"],
        variable: None,
        advice: "`--only main`",
    },
    Tool {
        names: &["bundle", "bundler"],
        verbs: &["install"],
        flags: &["without"],
        variable: Some(("BUNDLE_WITHOUT", "development")),
        advice: "`bundle config set without 'development test'` in front of it",
    },
];

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    let Some(last) = document.target().map(|index| &document.stages[index]).filter(|stage| stage.wanted)
    else {
        return;
    };
    let stages = lineage(document, last);
    // A file without FROM is a piece of another, of which the end is not known.
    if last.base.is_none() {
        return;
    }
    for run in document.runs().filter(|run| stages.iter().any(|stage| stage.index == run.stage.index)) {
        let prunes = run.calls.iter().any(|call| {
            call.has_argument("prune") || (call.name() == "bundle" && call.has_argument("config"))
        });
        if prunes {
            continue;
        }
        for call in &run.calls {
            if let Some(advice) = advice(document, &run, call) {
                let message = format!("`{}` installs what only development needs", title(call));
                found.push(run.finding(&RULE, message, call.span()).hint(advice));
            }
        }
    }
}

/// The first words of a call.
fn title(call: &Call<'_>) -> String {
    let words = call.words.iter().take_while(|word| !word.text.starts_with('-')).take(2);
    words.map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
}

fn advice(document: &Document<'_>, run: &RunView<'_, '_>, call: &Call<'_>) -> Option<String> {
    if let Some(file) = requirements(call) {
        return Some(format!("install the list of what production needs, not `{file}`"));
    }
    let tool = TOOLS.iter().find(|tool| tool.names.contains(&call.name()))?;
    let operands = call.operands();
    let is_whole = match operands.as_slice() {
        // Yarn installs when it is told nothing.
        [] => call.name() == "yarn" && !call.has_flag(&["version", "v", "help", "h"]),
        [verb] => tool.verbs.contains(&verb.text.as_str()),
        // Named packages are wanted.
        _ => false,
    };
    let is_elsewhere = call.has_flag(&["g", "global", "dry-run", "package-lock-only"]);
    if !is_whole || is_elsewhere || call.has_flag(tool.flags) {
        return None;
    }
    if let Some((name, wanted)) = tool.variable {
        let set = |text: &str| {
            text.split_once('=').is_some_and(|(key, value)| key == name && value.contains(wanted))
        };
        let given = document.expand(run.stage, run.step, &format!("${{{name}}}"));
        if given.is_some_and(|value| value.contains(wanted))
            || run.script.text.split_whitespace().any(set)
            || document.base_config(run.stage).is_some_and(|config| config.env.iter().any(|line| set(line)))
        {
            return None;
        }
    }
    Some(format!("{} leaves it out", tool.advice))
}

/// A list of packages for development that pip installs.
fn requirements<'s>(call: &Call<'s>) -> Option<&'s str> {
    let is_pip = matches!(call.name(), "pip" | "pip3")
        || matches!(call.name(), "python" | "python3") && call.has_argument("pip")
        || call.name() == "uv" && call.has_argument("pip");
    let file = call.flag_value(&["r", "requirement"]).filter(|_| is_pip && call.has_argument("install"))?;
    let name = base_name(file);
    let stem = name.strip_suffix(".txt")?;
    let mut parts = stem.split(['-', '_', '.']);
    parts.any(|part| matches!(part, "dev" | "development" | "test" | "tests" | "lint")).then_some(file)
}
