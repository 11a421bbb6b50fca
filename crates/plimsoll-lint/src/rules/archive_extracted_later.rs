//! `archive-extracted-later`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "archive-extracted-later",
    summary: "an archive is copied, and unpacked by a later step",
    severity: Severity::Info,
    aliases: &["DL3010"],
    enabled: true,
    explanation: r"
The archive stays in the layer of the `COPY`, and its files come once more in the layer of the `RUN`. `ADD` unpacks a
local archive while it copies.

```dockerfile
FROM debian:trixie
COPY app.tar.gz /tmp/
RUN tar -xzf /tmp/app.tar.gz -C /opt
```

Write instead:

```dockerfile
FROM debian:trixie
ADD app.tar.gz /opt/
```
",
    check,
};

const UNPACKERS: [&str; 12] = [
    "bunzip2",
    "gunzip",
    "gzcat",
    "uncompress",
    "unlzma",
    "unxz",
    "unzip",
    "unzstd",
    "xzcat",
    "zcat",
    "bzcat",
    "zgz",
];

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for stage in document.wanted_stages() {
        for (index, step) in stage.steps.iter().enumerate() {
            let InstructionKind::Copy(copy) = &step.instruction.kind else { continue };
            for source in copy.transfer.sources.iter().filter(|_| copy.from.is_none()) {
                let Source::Path(path) = source else { continue };
                let name = base_name(&path.value);
                if !is_archive(name) {
                    continue;
                }
                let target = base_name(&copy.transfer.destination.value);
                let names = if is_archive(target) { [target, target] } else { [name, name] };
                let mut for_hadolint = false;
                let unpacks = document.runs().any(|run| {
                    let is_later =
                        stage.steps[index + 1..].iter().any(|later| later.span() == run.step.span());
                    run.stage.index == stage.index
                        && is_later
                        && run.calls.iter().any(|call| {
                            let found = unpacks(call)
                                && call.arguments().iter().any(|word| names.contains(&base_name(&word.text)));
                            // hadolint knows no `tar x` without a dash.
                            let is_dashed = call.name() != "tar" || call.has_flag(&["x", "extract", "get"]);
                            for_hadolint |= found && is_dashed && !step.is_onbuild();
                            found
                        })
                });
                if unpacks {
                    found.push(
                        Finding::new(&RULE, format!("`{name}` is copied, and unpacked by a later step"))
                            .at(path.span, step.span())
                            .alias_if(for_hadolint && is_unpacked(name), "DL3010")
                            .hint("use `ADD`, which unpacks it while it copies"),
                    );
                }
            }
        }
    }
}

fn unpacks(call: &Call<'_>) -> bool {
    let is_tar_extract = call.name() == "tar"
        && (call.has_flag(&["x", "extract", "get"])
            || call
                .arguments()
                .first()
                .is_some_and(|word| !word.text.starts_with('-') && word.text.contains('x')));
    is_tar_extract || UNPACKERS.contains(&call.name())
}

fn base_name(path: &str) -> &str {
    path.trim_matches(['"', '\'']).rsplit(['/', '\\']).next().unwrap_or(path)
}
