//! `pip-cache-left`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "pip-cache-left",
    summary: "the cache of pip stays in the layer",
    severity: Severity::Warning,
    aliases: &["DL3042"],
    enabled: true,
    explanation: r"
pip keeps what it downloads under the home directory, to save a second download. Nothing in the image will ever need it.

```dockerfile
FROM python:3.13
RUN pip install flask==3.1.0
```

Switch the cache off, or share it between builds without putting it into the layer:

```dockerfile
FROM python:3.13
RUN --mount=type=cache,target=/root/.cache/pip pip install flask==3.1.0
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for run in document.runs() {
        let is_off = |name| {
            document
                .expand(run.stage, run.step, &format!("${{{name}:-}}"))
                .is_some_and(|value| is_true(&value))
        };
        let is_mounted = run.volatile_mounts(document).iter().any(|target| target.contains(".cache/pip"))
            || run.mounts_over(document, "/root/.cache/pip");
        let is_exported = run.calls.iter().any(|call| {
            let words = call.simple.assignments.iter().chain(call.words);
            let mut values = words.filter_map(|word| word.text.strip_prefix("PIP_NO_CACHE_DIR="));
            values.any(is_true)
        });
        if is_off("PIP_NO_CACHE_DIR") || is_mounted || is_exported {
            continue;
        }
        for call in &run.calls {
            let verb = call.operands().into_iter().find(|word| word.text == "install");
            let (true, Some(verb)) = (is_pip(call), verb) else { continue };
            if call.has_flag(&["no-cache-dir"]) {
                continue;
            }
            let mut finding = run
                .finding(&RULE, "what pip downloads stays in the layer", verb.span)
                .alias("DL3042")
                .hint("add `--no-cache-dir`, or mount a cache on `/root/.cache/pip`");
            if run.is_editable(document, verb) {
                finding =
                    finding.safe_fix("add `--no-cache-dir`", run.insert_behind(verb, " --no-cache-dir"));
            }
            found.push(finding);
        }
    }
}

/// Whether a call runs pip: `pip`, `pip3.13`, `python -m pip`.
pub(super) fn is_pip(call: &Call<'_>) -> bool {
    let version = |name: &str, program: &str| {
        let name = name.rsplit('/').next().unwrap_or(name);
        name.strip_prefix(program)
            .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-')))
    };
    let through_python = version(call.name(), "python")
        && call.arguments().windows(2).any(|pair| pair[0].text == "-m" && pair[1].text == "pip");
    version(call.name(), "pip") || through_python
}

/// What pip takes for yes; it once took `off` and the like for yes, too.
fn is_true(value: &str) -> bool {
    ["1", "true", "on", "yes", "t", "y"].contains(&value.trim_matches(['"', '\'']).to_lowercase().as_str())
}
