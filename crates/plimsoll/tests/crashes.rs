//! `kill -9` at any instant leaves a store that the next build uses.

use std::time::{Duration, Instant, SystemTime};

use crate::support::{Lab, assert_nothing_left, has_command, is_root, user_with_subordinate_ids};

const STEPS: &str = "FROM base AS a\n\
    RUN echo 1 > /1\n\
    RUN mkdir /deep && echo 2 > /deep/2 && rm /1\n\
    FROM base AS b\n\
    RUN i=0; while [ $i -lt 200 ]; do echo $i > /f$i; i=$((i+1)); done\n\
    FROM a\n\
    COPY --from=b /f1 /f2 /files/\n\
    COPY src /src\n\
    RUN cat /files/* /src/main > /all\n";

/// How often to kill.
fn rounds() -> u32 {
    if std::env::var_os("PLIMSOLL_LONG_TESTS").is_some() { 50 } else { 8 }
}

/// A part of a duration that nobody chose.
fn some_of(whole: Duration, round: u32) -> Duration {
    let clock = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let random =
        clock.subsec_nanos().wrapping_mul(2_654_435_761).wrapping_add(round.wrapping_mul(40_503)) % 1000;
    whole * random / 1000
}

fn survives_kills(lab: impl Fn() -> Lab, rounds: u32, who: &str) {
    // The same in every store, since it is in the image.
    let mark = format!("plimsoll-crash-{who}-{}", std::process::id());
    let fresh = || {
        let lab = lab();
        lab.write("src/main", "source\n");
        lab.dockerfile(&format!("ENV MARK={mark}\n{STEPS}"));
        lab
    };
    let whole = fresh();
    let reference = whole.build().epoch().ok();
    let mut lab = fresh();
    for round in 0..rounds {
        // Half of the kills hit a store that is being made, half one that is full.
        if round % 2 == 0 {
            lab = fresh();
        }
        let build = lab.build().epoch();
        let build = if round % 2 == 1 { build.arg("--no-cache") } else { build };
        let pause = some_of(reference.took, round);
        let mut child = build.start();
        std::thread::sleep(pause);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_nothing_left(&[lab.mark(), &mark]);
        let next = lab.build().epoch().ok();
        assert_eq!(next.digest(), reference.digest(), "killed after {pause:?}");
        assert_nothing_left(&[lab.mark(), &mark]);
        assert_eq!(lab.build().epoch().ok().steps_run(), 0);
    }
    if has_command("df") {
        assert_df_is_exact(&lab);
    }
}

/// What `df` counts is what `du` finds.
fn assert_df_is_exact(lab: &Lab) {
    let store = lab.store();
    let du = || {
        let text = lab.output(&["unshare", "du", "-s", "-B1", store.to_str().unwrap()]);
        text.split_whitespace().next().unwrap().parse::<u64>().unwrap()
    };
    let df = || {
        let df: serde_json::Value = serde_json::from_str(&lab.output(&["df", "--format", "json"])).unwrap();
        df["total"]
            .as_u64()
            .or_else(|| df["total_bytes"].as_u64())
            .unwrap_or_else(|| panic!("no total in {df:#}"))
    };
    // Opening the database moves its own files by a page or two, so an equal pair is awaited.
    let deadline = Instant::now() + Duration::from_secs(2);
    loop {
        let (counted, found) = (df(), du());
        if counted == found {
            return;
        }
        assert!(Instant::now() < deadline, "`df` says {counted}, `du` says {found}");
    }
}

#[test]
fn a_killed_build_harms_nothing() {
    survives_kills(Lab::new, rounds(), "root");
}

#[test]
fn a_killed_build_of_a_plain_user_harms_nothing() {
    if is_root("a_killed_build_of_a_plain_user_harms_nothing") {
        let user = user_with_subordinate_ids();
        survives_kills(|| Lab::of(Some(user.clone())), rounds() / 2, "user");
    }
}
