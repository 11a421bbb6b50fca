//! `apt-lists-left`.

use super::packages::{APT_GET, removes};
use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "apt-lists-left",
    summary: "the package lists of apt stay in the layer",
    severity: Severity::Info,
    aliases: &["DL3009"],
    enabled: true,
    explanation: r"
`apt-get update` fetches lists of all packages, some tens of megabytes. They are of no use in the image, and old by the
time somebody looks. Removing them in a later `RUN` does not make the image smaller: they are in the layer below.

```dockerfile
FROM debian:trixie
RUN apt-get update && apt-get install -y --no-install-recommends curl
```

Remove them in the same step, or keep them out of the layer with a cache mount:

```dockerfile
FROM debian:trixie
RUN --mount=type=cache,target=/var/lib/apt,sharing=locked \
    --mount=type=cache,target=/var/cache/apt,sharing=locked \
    apt-get update && apt-get install -y --no-install-recommends curl
```

Stages whose files do not reach the image are not looked at.
",
    check,
};

const LISTS: &str = "/var/lib/apt/lists";

const MANAGERS: [&str; 3] = ["apt-get", "apt", "aptitude"];

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for run in document.runs().filter(|run| document.is_in_image(run.stage)) {
        let updates = |call: &&Call<'_>| MANAGERS.iter().any(|name| call.is(name, &["update"]));
        let Some(update) = run.calls.iter().find(updates) else { continue };
        if run.calls.iter().any(|call| removes(call, &[LISTS])) || is_mounted(document, &run) {
            continue;
        }
        let message = if run.mounts_over(document, LISTS) {
            format!("what `{}` downloads stays in `/var/cache/apt`", update.name())
        } else {
            format!("the package lists that `{} update` fetches stay in the layer", update.name())
        };
        // hadolint takes any `rm -rf` for the cleaning.
        let for_hadolint = !run.calls.iter().any(|call| call.name() == "rm" && call.has_argument("-rf"));
        let mut finding = run
            .finding(&RULE, message, update.span())
            .alias_if(for_hadolint, "DL3009")
            .hint("add `&& rm -rf /var/lib/apt/lists/*` to this step, or mount caches on `/var/lib/apt` and `/var/cache/apt`");
        if let Some(edit) = clean_up(document, &run) {
            finding = finding.safe_fix("remove the lists in this step", vec![edit]);
        }
        found.push(finding);
    }
}

/// Whether neither lists nor downloaded packages get into the layer: `/var/lib/apt` alone leaves the latter.
fn is_mounted(document: &Document<'_>, run: &RunView<'_, '_>) -> bool {
    let mounts = run.volatile_mounts(document);
    let on = |directory: &str| mounts.iter().any(|target| target.trim_end_matches('/') == directory);
    on(LISTS) || (run.mounts_over(document, LISTS) && (!on("/var/lib/apt") || on("/var/cache/apt")))
}

/// Puts the cleaning behind a plain chain of commands.
fn clean_up(document: &Document<'_>, run: &RunView<'_, '_>) -> Option<Edit> {
    let is_chain = run.script.list.items.iter().skip(1).all(|item| item.joint == Joint::And);
    let is_plain = run
        .script
        .list
        .items
        .iter()
        .all(|item| matches!(item.pipeline.commands.as_slice(), [Command::Simple(_)]));
    let last = run.script.list.items.last()?.pipeline.commands.first()?;
    let Command::Simple(last) = last else { return None };
    let word = last.words.last()?;
    // Of an update alone the next step has need.
    let installs = run.calls.iter().any(|call| APT_GET.verb(call).is_some());
    let fits = installs && is_chain && is_plain && last.redirects.is_empty() && run.run.heredocs.is_empty();
    (fits && run.is_editable(document, word) && word.span.end == last.span.end).then(|| {
        let place = run.script.place(word.span);
        replace(Span::at(place.end), format!(" && rm -rf {LISTS}/*"))
    })
}
