//! `download-piped-to-shell`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "download-piped-to-shell",
    summary: "a script is run as it comes from the network",
    severity: Severity::Warning,
    aliases: &[],
    enabled: true,
    explanation: r"
What is downloaded and run at once has not been looked at by anybody: it may differ from build to build, it may be cut off
in the middle, and whoever controls the server controls the image.

```dockerfile
FROM debian:trixie
RUN curl -fsSL https://example.org/install.sh | sh
```

Fetch it with its checksum, then run it:

```dockerfile
FROM debian:trixie
ADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d https://example.org/install.sh /tmp/
RUN sh /tmp/install.sh
```
",
    check,
};

const DOWNLOADERS: [&str; 2] = ["curl", "wget"];
const INTERPRETERS: [&str; 9] = ["sh", "bash", "dash", "ash", "zsh", "python", "python3", "perl", "node"];

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for run in document.runs() {
        let calls = &run.calls;
        let mut pipelines = Vec::new();
        collect(&run.script.list, &mut pipelines);
        for pipeline in pipelines {
            let within = |span: Span| pipeline.span.start <= span.start && span.end <= pipeline.span.end;
            let mut names = calls.iter().filter(|call| within(call.span()));
            let Some(download) = names.find(|call| DOWNLOADERS.contains(&base_name(call))) else { continue };
            // `sudo -E bash -`: what runs the interpreter stands in front of it.
            let runs = |call: &&Call<'_>| {
                let words = call.words.iter().filter(|word| !word.text.starts_with('-'));
                words
                    .take(2)
                    .any(|word| INTERPRETERS.contains(&word.text.rsplit('/').next().unwrap_or_default()))
            };
            let Some(shell) = names.find(runs) else { continue };
            let message = format!("what `{}` fetches is run unseen", base_name(download));
            found.push(
                run.finding(&RULE, message, download.span().to(shell.span()))
                    .hint("fetch it with `ADD --checksum=… URL`, and run the file"),
            );
        }
    }
}

fn base_name<'s>(call: &Call<'s>) -> &'s str {
    call.name().rsplit('/').next().unwrap_or_default()
}

/// Every pipeline of several commands.
fn collect<'s>(list: &'s List, pipelines: &mut Vec<&'s Pipeline>) {
    for item in &list.items {
        if item.pipeline.commands.len() > 1 {
            pipelines.push(&item.pipeline);
        }
        for command in &item.pipeline.commands {
            if let Command::Compound(compound) = command {
                compound.bodies.iter().for_each(|body| collect(body, pipelines));
            }
        }
    }
}
