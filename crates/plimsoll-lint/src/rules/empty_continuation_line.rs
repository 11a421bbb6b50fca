//! `empty-continuation-line`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "empty-continuation-line",
    summary: "a continued instruction has an empty line in it",
    severity: Severity::Warning,
    aliases: &["NoEmptyContinuation"],
    enabled: true,
    explanation: r"
An instruction that ends with the continuation character goes on behind empty lines, so what looks like the next
instruction may be the rest of this one. Builders only put up with it, and may refuse it one day.

```dockerfile
FROM debian:trixie
RUN apt-get update && \

    apt-get install -y curl
```

Remove the line, or make it a comment:

```dockerfile
FROM debian:trixie
RUN apt-get update && \
    # what the health check needs
    apt-get install -y curl
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for instruction in document.instructions() {
        let (Some(first), Some(last)) =
            (instruction.empty_continuations.first(), instruction.empty_continuations.last())
        else {
            continue;
        };
        // Where the instruction ends is where its reader is surprised; that line is the one that is reported.
        let end = document.file.line_span(document.lines(instruction.span).1);
        let edits = instruction.empty_continuations.iter().map(|line| remove_line(document, *line)).collect();
        let swallowed = instruction.span.end > last.end;
        found.push(
            Finding::new(&RULE, format!("`{}` goes on behind an empty line", instruction.keyword))
                .at(first.to(*last), if swallowed { end } else { instruction.span })
                .alias("NoEmptyContinuation")
                .hint("remove the line, or put a `#` at its start")
                .safe_fix("remove the empty lines", edits),
        );
    }
}

/// Removes a line with its end.
fn remove_line(document: &Document<'_>, line: Span) -> Edit {
    let rest = &document.file.text()[line.end..];
    let length = rest.find('\n').map_or(rest.len(), |at| at + 1);
    replace(Span::new(line.start, line.end + length), String::new())
}
