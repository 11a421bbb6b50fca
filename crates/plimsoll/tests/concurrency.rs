//! Several things at once: stages of one build, and builds of one store.

use std::time::Duration;

use crate::support::{BASE_STEPS, Lab};

#[test]
fn independent_stages_run_at_the_same_time() {
    let lab = Lab::new();
    lab.dockerfile("");
    lab.build().ok();
    lab.dockerfile(
        "FROM base AS a\nRUN sleep 1; echo a > /a\n\
         FROM base AS b\nRUN sleep 1; echo b > /b\n\
         FROM base AS c\nRUN sleep 1; echo c > /c\n\
         FROM base AS d\nRUN sleep 1; echo d > /d\n\
         FROM base\nCOPY --from=a /a /\nCOPY --from=b /b /\nCOPY --from=c /c /\nCOPY --from=d /d /\n",
    );
    let outcome = lab.build().ok();
    assert!(outcome.took < Duration::from_millis(2500), "took {:?}", outcome.took);
    let image = outcome.image();
    for name in ["a", "b", "c", "d"] {
        assert_eq!(image.file(name).text(), format!("{name}\n"));
    }
}

#[test]
fn stages_that_the_target_does_not_need_do_not_run() {
    let lab = Lab::new();
    lab.dockerfile(
        "FROM base AS unneeded\nRUN echo unneeded; exit 1\n\
         FROM base AS wanted\nRUN echo wanted\n\
         FROM unneeded AS last\nRUN echo last\n",
    );
    let outcome = lab.build().args(["--target", "wanted"]).ok();
    assert_eq!(outcome.steps_run(), BASE_STEPS + 1);
    assert_eq!(outcome.log(), ["wanted"]);
}

#[test]
fn two_builds_of_a_fresh_store_run_each_step_once() {
    const STEP: &str = "RUN --mount=type=cache,id=count,target=/count,sharing=locked";
    let lab = Lab::new();
    lab.dockerfile(&format!(
        "FROM base AS a\n{STEP} echo a1 >> /count/log; sleep 0.2; echo a > /a\n{STEP} echo a2 >> /count/log; echo a > /aa\n\
         FROM base AS b\nRUN sleep 0.2; echo b > /b\n{STEP} echo b2 >> /count/log\n\
         FROM base\nCOPY --from=a /a /\nCOPY --from=b /b /\n{STEP} echo c1 >> /count/log\n"
    ));
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let builds: Vec<_> = (0..2).map(|_| scope.spawn(|| lab.build().ok())).collect();
        builds.into_iter().map(|build| build.join().unwrap()).collect()
    });
    assert_eq!(outcomes[0].digest(), outcomes[1].digest());
    lab.dockerfile(&format!("{STEP} cat /count/log\n"));
    let mut lines = lab.build().ok().log().into_iter().map(str::to_owned).collect::<Vec<_>>();
    lines.sort();
    assert_eq!(lines, ["a1", "a2", "b2", "c1"]);
}
