//! Arguments, exit codes, and what goes to which stream.

use serde_json::Value;

use crate::support::{BASE, BASE_STEPS, Lab};

#[test]
fn quiet_prints_the_digest_only() {
    let lab = Lab::new();
    lab.dockerfile("RUN echo noise; echo noise >&2\n");
    let outcome = lab.build().arg("--quiet").run_as_typed();
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert_eq!(outcome.stderr, "");
    assert_eq!(outcome.stdout, format!("{}\n", lab.build().ok().digest()));
}

#[test]
fn progress_goes_to_standard_error() {
    let lab = Lab::new();
    lab.dockerfile("RUN echo noise\n");
    let outcome = lab.build().args(["--progress", "plain"]).run_as_typed();
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert_eq!(outcome.stdout, "");
    assert!(outcome.stderr.contains("noise"), "{}", outcome.stderr);
}

#[test]
fn a_wrong_use_is_exit_code_2() {
    let lab = Lab::new();
    lab.dockerfile("");
    for arguments in [
        &["--no-such-flag"][..],
        &["--add-host", "name"],
        &["--add-host", "name:nonsense"],
        &["--secret", "id=x,src=/does/not/exist"],
        &["--secret", "nonsense"],
        &["--ssh", "default=/does/not/exist"],
        &["--output", "type=nonsense"],
        &["--network", "nonsense"],
        &["--platform", "linux/"],
        &["--build-context", "nonsense"],
        &["--build-arg", "=x"],
        &["--tag", "UPPER:CASE:NAME"],
        &["--file", "/does/not/exist"],
        &["--push"],
    ] {
        let outcome = lab.build().args(arguments).run_as_typed();
        assert_eq!(outcome.code, 2, "{arguments:?}: {}", outcome.stderr);
        assert!(outcome.stderr.starts_with("error: "), "{arguments:?}: {}", outcome.stderr);
    }
    let outcome = lab.build().context("/does/not/exist").run_as_typed();
    assert_eq!(outcome.code, 2, "{}", outcome.stderr);
}

#[test]
fn an_error_in_the_dockerfile_is_exit_code_1_with_its_place() {
    let lab = Lab::new();
    for (text, place, message) in [
        ("COP x y\n", "5:1", "`COP`"),
        ("COPY --nonsense x y\n", "5:6", "nonsense"),
        ("RUN --mount=type=nonsense true\n", "5:", "nonsense"),
        ("RUN --network=host true\n", "5:", "network.host"),
    ] {
        lab.dockerfile(text);
        let outcome = lab.build().fails(1);
        assert!(outcome.stderr.contains(&format!("Dockerfile:{place}")), "{text}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(message), "{text}: {}", outcome.stderr);
    }
}

#[test]
fn an_image_that_is_not_to_be_had_is_exit_code_2_and_names_the_stage_that_was_meant() {
    let lab = Lab::new();
    lab.dockerfile("COPY --from=baes /x /y\n");
    let outcome = lab.build().fails(2);
    assert!(outcome.stderr.contains("Dockerfile:5:"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("a stage named `base`"), "{}", outcome.stderr);
}

#[test]
fn an_unknown_target_names_the_stages() {
    let lab = Lab::new();
    lab.dockerfile("FROM base AS other\n");
    let outcome = lab.build().args(["--target", "nonsense"]).fails(1);
    assert!(
        outcome.stderr.contains("`nonsense`") && outcome.stderr.contains("`other`"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_dockerfile_on_standard_input_builds_the_context() {
    let lab = Lab::new();
    lab.write("word", "hello\n");
    let text = format!("{BASE}COPY word /\nRUN cat /word\n");
    lab.build().args(["-f", "-"]).stdin(text).ok().assert_logged("hello");
}

#[test]
fn a_dockerfile_on_standard_input_builds_without_a_context() {
    let lab = Lab::new();
    let outcome =
        lab.build().context("-").stdin("FROM scratch\nLABEL a=b\nCOPY <<word /there\nhello\nword\n").ok();
    assert_eq!(outcome.image().file("there").text(), "hello\n");
    assert_eq!(outcome.image().config["config"]["Labels"]["a"], "b");
    let without = lab.build().context("-").stdin("FROM scratch\nCOPY busybox /\n").fails(1);
    assert!(without.stderr.contains("busybox") || without.stderr.contains("context"), "{}", without.stderr);
}

#[test]
fn digests_are_written_to_files() {
    let lab = Lab::new();
    lab.dockerfile("");
    let file = lab.beside("iid");
    let outcome = lab.build().arg("--iidfile").arg(&file).args(["-t", "name:tag"]).ok();
    assert_eq!(std::fs::read_to_string(file).unwrap(), outcome.digest());
    let metadata = outcome.metadata.as_ref().unwrap();
    assert_eq!(metadata["image.name"], "docker.io/library/name:tag");
    assert_eq!(metadata["containerimage.descriptor"]["digest"], Value::from(outcome.digest()));
    assert!(metadata["containerimage.config.digest"].as_str().unwrap().starts_with("sha256:"));
}

#[test]
fn labels_arguments_and_metadata_reach_the_config() {
    let lab = Lab::new();
    lab.dockerfile(
        "ARG WORD\nLABEL word=$WORD given=dockerfile\nENV A=1 B=two\\ words\nEXPOSE 80 53/udp\nVOLUME /v\n\
         USER 5:6\nWORKDIR /w\nWORKDIR sub\nENTRYPOINT [\"/bin/sh\"]\nCMD [\"-c\", \"true\"]\nSTOPSIGNAL SIGINT\n",
    );
    let outcome =
        lab.build().args(["--build-arg", "WORD=w", "--label", "given=flag", "--label", "x=y=z"]).ok();
    let image = outcome.image();
    let config = &image.config["config"];
    assert_eq!(config["Labels"], serde_json::json!({ "word": "w", "given": "flag", "x": "y=z" }));
    assert_eq!(config["Env"], serde_json::json!(["PATH=/bin", "A=1", "B=two words"]));
    assert_eq!(config["ExposedPorts"], serde_json::json!({ "53/udp": {}, "80/tcp": {} }));
    assert_eq!(config["Volumes"], serde_json::json!({ "/v": {} }));
    assert_eq!(config["User"], "5:6");
    assert_eq!(config["WorkingDir"], "/w/sub");
    assert_eq!(config["Entrypoint"], serde_json::json!(["/bin/sh"]));
    assert_eq!(config["Cmd"], serde_json::json!(["-c", "true"]));
    assert_eq!(config["StopSignal"], "SIGINT");
    let history = image.config["history"].as_array().unwrap();
    let layers = history.iter().filter(|entry| entry["empty_layer"] != true).count();
    assert_eq!(layers, image.layers.len());
}

#[test]
fn an_argument_without_a_value_comes_from_the_environment() {
    let lab = Lab::new();
    lab.dockerfile("ARG WORD=default\nRUN echo word=$WORD\n");
    lab.build().args(["--build-arg", "WORD"]).env("WORD", "outside").ok().assert_logged("word=outside");
    lab.build().args(["--build-arg", "WORD"]).ok().assert_logged("word=default");
}

#[test]
fn metadata_instructions_are_no_steps() {
    let lab = Lab::new();
    lab.dockerfile("LABEL a=b\nCMD [\"x\"]\n");
    assert_eq!(lab.build().ok().steps_run(), BASE_STEPS);
    lab.dockerfile("LABEL a=c\nCMD [\"y\"]\n");
    assert_eq!(lab.build().ok().steps_run(), 0);
}

#[test]
fn a_store_that_is_none_of_ours_is_left_alone() {
    let lab = Lab::new();
    std::fs::create_dir(lab.store()).unwrap();
    std::fs::write(lab.store().join("precious"), "x").unwrap();
    let output = lab.command(&["reset", "--force"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(lab.store().join("precious").exists());
}

#[test]
fn flags_that_are_true_or_false_take_a_value_as_dockers_do() {
    let lab = Lab::new();
    lab.write("Dockerfile", "FROM scratch\nCOPY busybox /\n");
    let run = |arguments: &[&str]| lab.build().args(arguments).run_as_typed();
    assert_eq!(run(&["-q"]).code, 0);
    let outcome = run(&["--no-cache=true", "--pull=1", "--push=false", "--load=f", "-qt", "app:1"]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
    assert!(outcome.stdout.starts_with("sha256:"), "{}", outcome.stdout);
    let cached = run(&["--no-cache=false", "--quiet=false", "--check=false"]);
    assert!(cached.stderr.contains("the only step is cached"), "{}", cached.stderr);
    assert!(run(&["--check=true"]).stdout.starts_with("Check complete"));
    let outcome = run(&["--no-cache=maybe"]);
    assert_eq!(outcome.code, 2);
    assert!(outcome.stderr.contains("it is true or false"), "{}", outcome.stderr);
}

#[test]
fn no_flag_is_left_aside_without_a_word() {
    let lab = Lab::new();
    lab.write("Dockerfile", "FROM scratch AS one\nCOPY busybox /\n");
    let run = |arguments: &[&str]| lab.build().args(arguments).run_as_typed();
    for (arguments, code, reason) in [
        (&["--cache-from", "type=local,src=x"][..], 2, "caches elsewhere are not read"),
        (&["--cache-to=type=inline"], 2, "caches elsewhere are not read"),
        (&["--attest", "type=other"], 2, "there are sbom and provenance"),
        (&["--provenance=version=v0.2"], 2, "only version v1"),
        (&["--sbom=generator=x"], 2, "runs no other generator"),
        (&["--policy", "x"], 2, "policies about sources are not read"),
        (&["--builder", "x"], 2, "there is one builder"),
        (&["--add-host", "h:host-gateway"], 2, "no gateway to the host"),
        (&["--label", "=x"], 2, "`--label =x` has no name"),
        (&["--no-cache-filter", "tow"], 0, "no stage is named `tow`"),
        (&["-D"], 0, "`--debug` means nothing here"),
        (&["--check", "--push", "-o", "out"], 0, "note: nothing is built, so --output, --push has no effect"),
    ] {
        let outcome = run(arguments);
        assert_eq!(outcome.code, code, "{arguments:?}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(reason), "{arguments:?}: {}", outcome.stderr);
    }
    let outcome = run(&["--provenance=false", "--sbom=false", "--attest", "type=sbom,disabled=true", "-q"]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
}
