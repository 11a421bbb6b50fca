//! `root-user`.

use super::platforms::root_image;
use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "root-user",
    summary: "the program runs as root",
    severity: Severity::Warning,
    aliases: &["DL3002", "DS-0002"],
    enabled: true,
    explanation: r#"
A program that is taken over can do in its container what its user can. As root it can change every file of the image,
and is one flaw of the kernel away from the host.

```dockerfile
FROM node:22
CMD ["node", "server.js"]
```

Write instead:

```dockerfile
FROM node:22
USER 1000
CMD ["node", "server.js"]
```

Where the base image is known, its user counts.
"#,
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    let users: Vec<_> = document
        .stages
        .iter()
        .flat_map(|stage| stage.steps.iter().map(move |step| (stage, step)))
        .filter(|(_, step)| matches!(step.instruction.kind, InstructionKind::User(_)))
        .collect();
    for (index, (stage, step)) in users.iter().enumerate() {
        let InstructionKind::User(user) = &step.instruction.kind else { continue };
        let is_last = users.get(index + 1).is_none_or(|(next, _)| next.index != stage.index);
        if !stage.wanted || !is_last || !is_root(&user.value) {
            continue;
        }
        found.push(
            Finding::new(&RULE, format!("the last `USER` of this stage is `{}`", user.value))
                .at(user.span, step.span())
                .alias_if(stage.base.is_some(), "DL3002")
                .alias_if(index + 1 == users.len(), "DS-0002")
                .hint("switch to another user at the end of the stage"),
        );
    }
    let Some(last) = document.stages.last().filter(|stage| stage.wanted && users.is_empty()) else { return };
    let Some(place) =
        last.base.as_ref().map(|base| base.instruction).or(last.steps.first().map(|step| step.instruction))
    else {
        return;
    };
    let of_base = document.base_config(last).map(|config| config.user.as_str());
    // Such images say in their names that they set another user.
    let says_so = root_image(document, last)
        .is_some_and(|image| ["nonroot", "rootless", "unprivileged"].iter().any(|word| image.contains(word)));
    if says_so || of_base.is_some_and(|user| !user.is_empty() && !is_root(user)) {
        return;
    }
    found.push(
        Finding::new(
            &RULE,
            "no `USER` is set, so the program runs as the base image's user, which is root as a rule",
        )
        .at(place.keyword.span, place.span)
        .alias("DS-0002")
        .hint("add `USER` with a number, such as `USER 65532`"),
    );
}

fn is_root(user: &str) -> bool {
    let name = user.trim().trim_matches('"').split(':').next().unwrap_or_default();
    matches!(name, "root" | "0")
}
