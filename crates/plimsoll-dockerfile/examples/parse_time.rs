//! Measures how long files take to parse, and fails above the budget: `cargo run --release --example parse_time`.
//!
//! An ordinary file of 4,000 instructions takes less than one millisecond, and one megabyte of garbage gives its errors in
//! less than fifty. Processor time counts, and of that the best of several runs: the budget is the program's, whatever
//! else the machine does.

#![expect(clippy::print_stdout, reason = "the figures are the answer")]

use std::process::ExitCode;
use std::time::Duration;

use plimsoll_dockerfile::{SourceFile, parse};
use rustix::time::{ClockId, clock_gettime};

/// The lines of an ordinary stage, over and over.
const ORDINARY: [&str; 8] = [
    "ENV NAME=value OTHER=\"two words\"",
    "RUN apt-get update && apt-get install -y curl",
    "COPY --chown=1000:1000 src/ /app/src/",
    "WORKDIR /app",
    "LABEL org.example.key=\"a value\"",
    "ARG VERSION=1.2.3",
    "RUN --mount=type=cache,target=/root/.cache make all",
    "CMD [\"/app/server\", \"--port\", \"80\"]",
];

fn ordinary() -> String {
    let lines = ORDINARY.iter().cycle().take(3999);
    lines.fold("FROM alpine:3\n".to_owned(), |text, line| text + line + "\n")
}

/// Texts of one megabyte that are no Dockerfiles, each hostile in another way.
fn garbage() -> Vec<(&'static str, String)> {
    const SIZE: usize = 1 << 20;
    let repeated = |part: &str| part.repeat(SIZE / part.len());
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b' ' + u8::try_from(state % 95).expect("below 95"))
    };
    let noise: String = (0..SIZE).map(|place| if place % 61 == 60 { '\n' } else { random() }).collect();
    vec![
        ("noise", noise),
        ("one line", repeated("x")),
        ("one line of blanks", format!("RUN{}", repeated(" "))),
        ("continued lines", repeated("RUN \\\n")),
        ("unknown instructions", repeated("FOO bar\n")),
        ("open brackets", format!("RUN {}", repeated("["))),
        ("open quotes", format!("ENV a={}", repeated("\"' "))),
        ("flags", format!("RUN {}", repeated("--a "))),
        ("heredocs", format!("RUN {}", repeated("<<A "))),
        ("comments", repeated("#\n")),
        ("pairs", format!("ENV {}", repeated("a=b "))),
        ("zero bytes", repeated("\0")),
        ("variables", format!("FROM {}", repeated("${a:-"))),
    ]
}

/// The shortest time that a file took.
fn best(text: &str, runs: usize) -> Duration {
    let file = SourceFile::new("Dockerfile", text);
    let time = || {
        let start = processor_time();
        let parsed = std::hint::black_box(parse(&file));
        let took = processor_time().saturating_sub(start);
        drop(parsed);
        took
    };
    (0..runs).map(|_| time()).min().unwrap_or_default()
}

/// What this thread has taken so far.
fn processor_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

fn main() -> ExitCode {
    // Only the texts with this in their names, when something is looked into.
    let wanted = std::env::args().nth(1).unwrap_or_default();
    let mut within = true;
    let mut check = |name: &str, took: Duration, budget: Duration| {
        println!("{name}: {took:.2?}, of at most {budget:?}");
        within &= took < budget;
    };
    if "4000 instructions".contains(&wanted) {
        check("4000 instructions", best(&ordinary(), 50), Duration::from_millis(1));
    }
    for (name, text) in garbage().into_iter().filter(|(name, _)| name.contains(&wanted)) {
        check(name, best(&text, 5), Duration::from_millis(50));
    }
    if within { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
