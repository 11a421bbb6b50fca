//! Exact pictures of a fixed build.

use plimsoll_solver::{Event, EventKind, Stream};

use super::*;

const NARROW: Size = Size { columns: 80, rows: 24 };
const WIDE: Size = Size { columns: 200, rows: 50 };

fn state(events: impl IntoIterator<Item = (f64, EventKind)>) -> State {
    let mut state = State::new();
    events.into_iter().for_each(|(at, kind)| state.apply(&Event { at, kind }));
    state
}

fn vertex(vertex: usize, name: &str) -> (f64, EventKind) {
    (0.0, EventKind::Vertex { vertex, name: name.to_owned(), stage: None, line: None })
}

fn started(at: f64, vertex: usize) -> (f64, EventKind) {
    (at, EventKind::VertexStarted { vertex })
}

fn log(vertex: usize, text: &str) -> (f64, EventKind) {
    (9.0, EventKind::Log { vertex, stream: Stream::Stdout, text: text.to_owned() })
}

fn building() -> Vec<(f64, EventKind)> {
    let pull = || "pull 1234567890ab".to_owned();
    let resolve = || "resolve".to_owned();
    let note = || Some(format!("sha256:{}", "1234567890abcdef".repeat(4)));
    let reason = |reason: &str| reason.to_owned();
    let mut events = vec![
        (0.1, EventKind::TaskStarted { task: resolve(), name: "[internal] resolve node:20".to_owned() }),
        (0.5, EventKind::TaskDone { task: resolve(), seconds: 0.4, note: note() }),
        vertex(0, "[builder 1/4] FROM node:20"),
        vertex(1, "[builder 2/4] WORKDIR /app"),
        vertex(2, "[builder 3/4] COPY package.json package-lock.json ./"),
        vertex(3, "[builder 4/4] RUN npm ci &&\n    npm run build -- --mode production --out 構築する"),
        vertex(4, "[tools 1/1] RUN apt-get install -y \x1b[2Jcurl"),
        vertex(5, "[stage-2 1/1] COPY --from=builder /app /app"),
        (0.6, EventKind::VertexCached { vertex: 1 }),
        (0.6, EventKind::VertexReason { vertex: 2, reason: reason("package.json changed") }),
        started(0.7, 2),
        (1.0, EventKind::VertexDone { vertex: 2, seconds: 0.3 }),
        (1.0, EventKind::VertexReason { vertex: 3, reason: reason("the step before it made other layers") }),
        started(1.0, 3),
        started(1.5, 4),
        (2.0, EventKind::TaskStarted { task: pull(), name: pull() }),
        (8.0, EventKind::Progress { task: pull(), done_bytes: 10_000_000, total_bytes: Some(40_100_000) }),
        (9.0, EventKind::Progress { task: pull(), done_bytes: 22_000_000, total_bytes: None }),
    ];
    for number in 1..=8 {
        events.push(log(3, &format!("line {number}")));
    }
    events.push(log(
        3,
        "\x1b[32m構築\x1b[0m\tdone 構築構築構築構築構築構築構築構築構築構築構築構築構築構築構築構築構築構築",
    ));
    events.push(log(4, "10%\r20%\x07"));
    events
}

fn picture(lines: &[String], columns: usize) -> String {
    for line in lines {
        assert!(width(line) <= columns, "wider than {columns}: {line:?}");
    }
    lines.join("\n")
}

#[test]
fn a_running_build_at_80_columns() {
    let lines = live(&state(building()), 10.0, NARROW, Paint::OFF);
    assert_eq!(
        picture(&lines, 80),
        r"[+] building 10.0s (2/5)
 ✔ [internal] resolve node:20 · sha256:1234567890ab…                        0.4s
 ✔ [builder 2/4] WORKDIR /app                                             cached
 ✔ [builder 3/4] COPY package.json package-lock.json ./                     0.3s
 ► [builder 4/4] RUN npm ci && npm run build -- --mode production --out…    9.0s
   │ line 5
   │ line 6
   │ line 7
   │ line 8
   │ 構築    done 構築構築構築構築構築構築構築構築構築構築構築構築構築構築構築…
 ► [tools 1/1] RUN apt-get install -y \x1b[2Jcurl                           8.5s
   │ 20%\x07
 ► pull 1234567890ab                ━━━━━─────   22.0/40.1 MB   6.0 MB/s    8.0s"
    );
}

#[test]
fn a_running_build_at_200_columns() {
    let lines = live(&state(building()), 10.0, WIDE, Paint::OFF);
    assert_eq!(
        picture(&lines, 200),
        r"[+] building 10.0s (2/5)
 ✔ [internal] resolve node:20 · sha256:1234567890ab…                                                                                                                                                0.4s
 ✔ [builder 2/4] WORKDIR /app                                                                                                                                                                     cached
 ✔ [builder 3/4] COPY package.json package-lock.json ./ · package.json changed                                                                                                                      0.3s
 ► [builder 4/4] RUN npm ci && npm run build -- --mode production --out 構築する · the step before it made other layers                                                                             9.0s
   │ line 5
   │ line 6
   │ line 7
   │ line 8
   │ 構築    done 構築構築構築構築構築構築構築構築構築構築構築構築構築構築構築構築構築構築
 ► [tools 1/1] RUN apt-get install -y \x1b[2Jcurl                                                                                                                                                   8.5s
   │ 20%\x07
 ► pull 1234567890ab                                                                                                                              ━━━━━━━━━━──────────   22.0/40.1 MB   6.0 MB/s    8.0s"
    );
}

#[test]
fn a_failed_build_leaves_the_whole_output_of_the_step() {
    let mut events = building();
    let message = "the command ended with code 1".to_owned();
    events.push((11.0, EventKind::VertexFailed { vertex: 3, seconds: 10.0, message }));
    events.push((11.2, EventKind::Finished { ok: false, seconds: 11.2, run: 0, cached: 0 }));
    let lines = last(&state(events), 20.0, 80, Paint::OFF);
    assert_eq!(
        picture(&lines, 80),
        r"[+] failed 11.2s (2/5)
 ✔ [internal] resolve node:20 · sha256:1234567890ab…                        0.4s
 ✔ [builder 2/4] WORKDIR /app                                             cached
 ✔ [builder 3/4] COPY package.json package-lock.json ./                     0.3s
 ✘ [builder 4/4] RUN npm ci && npm run build -- --mode production --out…   10.0s
   │ line 1
   │ line 2
   │ line 3
   │ line 4
   │ line 5
   │ line 6
   │ line 7
   │ line 8
   │ 構築    done 構築構築構築構築構築構築構築構築構築構築構築構築構築構築構築…
 – [tools 1/1] RUN apt-get install -y \x1b[2Jcurl · stopped                 9.7s
 – pull 1234567890ab · stopped                              22.0/40.1 MB    9.2s"
    );
}

/// Many steps of which every second is done.
fn crowd(steps: usize) -> State {
    let mut events = Vec::new();
    for number in 0..steps {
        events.push(vertex(number, &format!("RUN {number}")));
        events.push(started(1.0, number));
        if number % 2 == 0 {
            events.push((2.0, EventKind::VertexDone { vertex: number, seconds: 1.0 }));
        } else {
            (0..9).for_each(|line| events.push(log(number, &format!("line {line}"))));
        }
    }
    state(events)
}

#[test]
fn the_picture_never_is_higher_than_the_terminal() {
    for steps in 0..40 {
        let state = crowd(steps);
        for rows in 1..30 {
            let lines = live(&state, 3.0, Size { columns: 40, rows }, Paint::OFF);
            assert!(lines.len() <= rows.saturating_sub(1).max(1), "{steps} steps, {rows} rows: {lines:#?}");
        }
    }
}

#[test]
fn finished_steps_make_room_for_what_runs() {
    let lines = live(&crowd(9), 3.0, Size { columns: 30, rows: 12 }, Paint::OFF);
    assert_eq!(
        picture(&lines, 30),
        r"[+] building 3.0s (5/9)
 … 4 more
 ► RUN 1                  2.0s
   │ line 8
 ► RUN 3                  2.0s
   │ line 8
 ► RUN 5                  2.0s
   │ line 8
 ► RUN 7                  2.0s
   │ line 8
 ✔ RUN 8                  1.0s"
    );
}

#[test]
fn the_newest_running_steps_stay_when_not_all_fit() {
    let lines = live(&crowd(40), 3.0, Size { columns: 30, rows: 6 }, Paint::OFF);
    assert_eq!(
        picture(&lines, 30),
        r"[+] building 3.0s (20/40)
 … 37 more
 ► RUN 35                 2.0s
 ► RUN 37                 2.0s
 ► RUN 39                 2.0s"
    );
}

#[test]
fn any_width_is_kept() {
    let state = state(building());
    for columns in 1..220 {
        for line in live(&state, 10.0, Size { columns, rows: 40 }, Paint { color: true }) {
            assert!(width(&line) <= columns, "wider than {columns}: {line:?}");
        }
    }
}
