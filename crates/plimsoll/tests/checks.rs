//! What is said about a Dockerfile: as warnings of a build, and as answers to `--call`.

use plimsoll_registry::testing::TestRegistry;
use serde_json::Value;

use crate::support::Lab;

const SLOPPY: &str = "FROM scratch AS Unused\nFROM scratch AS app\nWORKDIR sub\nCMD node server.js\n";

fn lab(text: &str) -> Lab {
    let lab = Lab::new();
    lab.write("Dockerfile", text);
    lab
}

#[test]
fn a_check_answers_in_dockers_text_with_exit_code_1() {
    let lab = lab(SLOPPY);
    for arguments in [&["--check"][..], &["--call=check"], &["--call", "lint,format=text"]] {
        let outcome = lab.build().args(arguments).run_as_typed();
        assert_eq!(outcome.code, 1, "{}", outcome.stderr);
        assert!(
            outcome.stdout.starts_with("Check complete, 3 warnings have been found!\n"),
            "{}",
            outcome.stdout
        );
        let headlines: Vec<_> =
            outcome.stdout.lines().filter_map(|line| line.strip_prefix("WARNING: ")).collect();
        let names: Vec<_> = headlines.iter().map(|line| line.split(" - https://").next().unwrap()).collect();
        assert_eq!(names, ["StageNameCasing", "WorkdirRelativePath", "JSONArgsRecommended"]);
        assert!(outcome.stdout.contains("   4 | >>> CMD node server.js\n"), "{}", outcome.stdout);
        assert_eq!(outcome.stderr, "");
    }
}

#[test]
fn a_check_answers_in_dockers_json() {
    let lab = lab(SLOPPY);
    let outcome = lab.build().arg("--call=check,format=json").run_as_typed();
    assert_eq!(outcome.code, 1, "{}", outcome.stderr);
    let answer: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(answer["warnings"].as_array().unwrap().len(), 3);
    assert_eq!(answer["warnings"][2]["location"]["ranges"][0]["start"]["line"], 4);
}

#[test]
fn a_clean_file_is_exit_code_0() {
    let outcome = lab("FROM scratch\nWORKDIR /\n").build().arg("--check").run_as_typed();
    assert_eq!((outcome.code, outcome.stdout.as_str()), (0, "Check complete, no warnings found.\n"));
}

#[test]
fn an_error_is_said_beside_the_findings() {
    let lab = lab("FROM scratch AS A\nCOPY --from=nowhere: a /\n");
    let outcome = lab.build().arg("--check").run_as_typed();
    assert_eq!(outcome.code, 1);
    assert!(outcome.stdout.contains("StageNameCasing"), "{}", outcome.stdout);
    assert!(
        outcome.stderr.contains("ERROR: ") && outcome.stderr.contains("   2 | >>> COPY"),
        "{}",
        outcome.stderr
    );
}

/// The ids of the findings about a Dockerfile.
fn findings(lab: &Lab, arguments: &[&str]) -> Vec<String> {
    let path = lab.path("Dockerfile");
    let mut command = lab.command(&["check", "--format=json", "--shellcheck=off"]);
    let output = command.args(arguments).arg(path).output().unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let ids = answer["findings"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned());
    ids.collect()
}

#[test]
fn the_files_of_an_image_in_the_store_are_known() {
    let lab = Lab::new();
    let service = "COPY Dockerfile /server\nHEALTHCHECK CMD curl -f http://localhost/\nCMD exec /server\n";
    let check = |base: &str| {
        lab.write("Dockerfile", format!("FROM {base}\n{service}"));
        let mut ids = findings(&lab, &["--ignore=root-user"]);
        ids.retain(|id| matches!(id.as_str(), "missing-shell" | "health-check-without-program"));
        ids
    };
    let known = ["health-check-without-program", "missing-shell", "missing-shell"];
    assert!(check("own:1").is_empty(), "nothing is known of it");
    lab.write("Dockerfile", "FROM scratch\nCOPY Dockerfile /opt/curl\nENV PATH=/bin\n");
    lab.build().args(["-t", "own:1"]).ok();
    let mut ids = check("own:1");
    ids.sort();
    assert_eq!(ids, known);
    // A file that a later layer takes away is not there, and a link leads to what it names.
    lab.dockerfile("COPY Dockerfile /bin/curl\nRUN rm /bin/curl\n");
    lab.build().args(["-t", "own:2"]).ok();
    assert_eq!(check("own:2"), ["health-check-without-program"]);
    lab.dockerfile("COPY Dockerfile /opt/curl\nRUN ln -s /opt/curl /bin/curl\n");
    lab.build().args(["-t", "own:3"]).ok();
    assert!(check("own:3").is_empty());
}

#[test]
fn registries_are_asked_for_bases_only_when_that_is_wanted() {
    let (registry, lab, maker) = (TestRegistry::start().unwrap(), Lab::new(), Lab::new());
    let name = format!("{}/base:1", registry.host());
    maker.write("Dockerfile", "FROM scratch\nCOPY busybox /bin/sh\nUSER 1000\n");
    maker.build().args(["-t", &name, "--push"]).ok();
    registry.clear_requests();
    lab.write("Dockerfile", format!("FROM {name}\nCOPY Dockerfile /\nCMD [\"/server\"]\n"));
    let is_root = |arguments: &[&str]| findings(&lab, arguments).contains(&"root-user".to_owned());
    assert!(is_root(&[]) && registry.requests().is_empty());
    assert!(!is_root(&["--online"]), "the base's own user is known");
    assert!(registry.count("GET", "/blobs/") <= 1, "only the config is fetched");
    // What was answered is in the store.
    registry.clear_requests();
    assert!(!is_root(&[]) && registry.requests().is_empty());
}

#[test]
fn names_that_the_lock_has_are_as_good_as_digests() {
    let lab = Lab::new();
    lab.write("Dockerfile", "FROM debian\nFROM debian:latest\nFROM debian:trixie\n");
    let about_names = || {
        let mut ids = findings(&lab, &[]);
        ids.retain(|id| id.ends_with("base-image") || id == "base-without-digest");
        ids
    };
    assert_eq!(about_names(), ["untagged-base-image", "latest-base-image"]);
    let digest = "a".repeat(64);
    let name = "docker.io/library/debian:latest";
    let lock = format!("version = 1\n[[base]]\nname = \"{name}\"\ndigest = \"sha256:{digest}\"\n");
    lab.write("plimsoll.lock", lock);
    assert_eq!(about_names(), ["base-without-digest"]);
}

#[test]
fn a_check_leaves_no_record_of_a_build() {
    let lab = lab(SLOPPY);
    lab.build().arg("--check").run_as_typed();
    let logs = lab.store().join("logs-v0");
    assert_eq!(std::fs::read_dir(&logs).map_or(0, Iterator::count), 0);
}

#[test]
fn a_build_warns_of_the_stages_that_it_builds() {
    let outcome = lab(SLOPPY).build().args(["--progress", "plain"]).run_as_typed();
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    for (text, said) in [
        ("warning[WorkdirRelativePath]", true),
        ("--> ", true),
        ("Dockerfile:3:9", true),
        ("warning[JSONArgsRecommended]", true),
        // The names of stages are looked at in any case, as Docker does.
        ("warning[StageNameCasing]", true),
    ] {
        assert_eq!(outcome.stderr.contains(text), said, "{text}: {}", outcome.stderr);
    }
    let text = "FROM scratch AS other\nWORKDIR sub\nFROM scratch\nWORKDIR /\n";
    let outcome = lab(text).build().args(["--progress", "plain"]).run_as_typed();
    assert!(!outcome.stderr.contains("WorkdirRelativePath"), "{}", outcome.stderr);
}

#[test]
fn a_strict_file_fails_before_anything_runs() {
    let lab = Lab::new();
    lab.write("Dockerfile", "# check=error=true\nFROM scratch\nCOPY Dockerfile /\nCMD node\n");
    let outcome = lab.build().fails(1);
    assert!(outcome.stderr.contains("error[JSONArgsRecommended]"), "{}", outcome.stderr);
    assert!(outcome.names("vertex-started").is_empty(), "{}", outcome.stderr);
    let skip = ["--build-arg", "BUILDKIT_DOCKERFILE_CHECK=skip=JSONArgsRecommended;error=true"];
    lab.build().args(skip).ok();
}

#[test]
fn targets_and_outline_are_listed_without_a_store() {
    let text = "# VER of it\nARG VER=1\nFROM scratch AS a\nARG VER\n# b the second\nFROM a AS b\nARG X=2\n";
    let lab = lab(text);
    let ask = |arguments: &[&str]| {
        let outcome = lab.build().args(arguments).run_as_typed();
        assert_eq!(outcome.code, 0, "{}", outcome.stderr);
        outcome.stdout
    };
    assert_eq!(ask(&["--call=targets"]), "TARGET      DESCRIPTION\na           \nb (default) the second\n");
    let outline = "TARGET: a\n\nBUILD ARG   VALUE   DESCRIPTION\nVER         7       of it\n\n";
    assert_eq!(ask(&["--call=outline", "--target", "a", "--build-arg", "VER=7"]), outline);
    let json: Value = serde_json::from_str(&ask(&["--call=outline,format=json"])).unwrap();
    assert_eq!(json["args"][1]["name"], "X");
    assert!(!lab.store().exists());

    let outcome = lab.build().args(["--call=outline", "--target", "c"]).run_as_typed();
    assert_eq!(outcome.code, 2, "{}", outcome.stderr);
    let outcome = lab.build().arg("--call=nonsense").run_as_typed();
    assert_eq!(outcome.code, 2, "{}", outcome.stderr);
}

#[test]
fn a_check_looks_at_each_platform_and_says_everything_once() {
    let lab = Lab::new();
    lab.write("Dockerfile", "FROM scratch\nCOPY busybox /\n");
    lab.build().args(["-t", "native:1"]).ok();
    lab.write("Dockerfile", "FROM native:1\nWORKDIR sub\n");
    let host = plimsoll_oci::Platform::host();
    let other = if host.architecture == "arm64" { "linux/amd64" } else { "linux/arm64" };
    let both = format!("{host},{other}");
    let names = |platforms: &str| {
        let outcome = lab.build().args(["--check", "--platform", platforms]).run_as_typed();
        assert_eq!(outcome.code, 1, "{}", outcome.stderr);
        let lines = outcome.stdout.lines().filter_map(|line| line.strip_prefix("WARNING: "));
        lines.map(|line| line.split(" - ").next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&host.to_string()), ["WorkdirRelativePath"]);
    assert_eq!(names(&both), ["InvalidBaseImagePlatform", "WorkdirRelativePath"]);

    let outcome = lab.build().args(["--platform", &both, "--progress", "plain"]).run_as_typed();
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    for name in ["warning[InvalidBaseImagePlatform]", "warning[WorkdirRelativePath]"] {
        assert_eq!(outcome.stderr.matches(name).count(), 1, "{name}: {}", outcome.stderr);
    }
}

#[test]
fn an_outline_lists_what_any_of_the_platforms_takes() {
    let text = "FROM scratch AS for-amd64\nARG ONE=1\nRUN --mount=type=secret,id=both true\n\
                FROM scratch AS for-arm64\nARG TWO=2\nRUN --mount=type=secret,id=both,required=true true\nRUN --mount=type=ssh true\n\
                FROM for-${TARGETARCH}\nARG LAST=3\n";
    let lab = lab(text);
    let outline = |platforms: &str| {
        let outcome =
            lab.build().args(["--call=outline,format=json", "--platform", platforms]).run_as_typed();
        assert_eq!(outcome.code, 0, "{}", outcome.stderr);
        serde_json::from_str::<Value>(&outcome.stdout).unwrap()
    };
    let arguments = |outline: &Value| {
        let names = outline["args"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap());
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    let (one, both) = (outline("linux/amd64"), outline("linux/amd64,linux/arm64"));
    assert_eq!(
        (arguments(&one), arguments(&both)),
        (vec!["ONE".into(), "LAST".into()], vec!["ONE".into(), "TWO".into(), "LAST".into()])
    );
    assert_eq!(
        (&one["secrets"][0]["required"], &both["secrets"][0]["required"]),
        (&Value::Null, &Value::Bool(true))
    );
    assert_eq!((&one["ssh"], &both["ssh"][0]["name"]), (&Value::Null, &Value::from("default")));
}

/// `plimsoll check` in the context: exit code, standard output, standard error.
fn check(lab: &Lab, arguments: &[&str]) -> (i32, String, String) {
    let output = lab.command(&["check"]).args(arguments).current_dir(lab.path("")).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

const NAIVE: &str =
    "from debian:trixie\nRUN apt-get update && apt-get install curl # tools\nCMD node server.js\n";

#[test]
fn check_shows_findings_with_their_lines_and_counts_them() {
    let lab = lab(NAIVE);
    let (code, stdout, stderr) = check(&lab, &[]);
    assert_eq!(code, 1, "{stderr}");
    assert!(
        stdout.contains("warning[apt-get-without-yes]") && stdout.contains("--> Dockerfile:2:31"),
        "{stdout}"
    );
    assert!(stdout.contains("also known as DL3014, DS-0021"), "{stdout}");
    assert!(stderr.contains(" findings: ") && stderr.ends_with("; 0 suppressed\n"), "{stderr}");
    assert!(!lab.store().exists(), "a check makes no store");

    let (code, _, _) = check(&lab, &["--fail-on", "none", "Dockerfile"]);
    assert_eq!(code, 0);
    let (_, stdout, stderr) = check(&lab, &["--ignore", "DS021", "--ignore", "apt-lists-left"]);
    assert!(!stdout.contains("without-yes") && stderr.contains("; 2 suppressed"), "{stderr}");
    let (code, _, stderr) = check(&lab, &["--ignore", "DL9999"]);
    assert!(code == 2 && stderr.contains("no rule is named `DL9999`"), "{stderr}");
}

#[test]
fn check_answers_as_json_and_sarif() {
    let lab = lab(NAIVE);
    let (code, stdout, _) = check(&lab, &["--format", "json"]);
    let answer: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &answer["version"]), (1, &Value::from(1)));
    let findings = answer["findings"].as_array().unwrap();
    let found = findings.iter().find(|one| one["id"] == "apt-get-without-yes").unwrap();
    assert_eq!(found["aliases"], serde_json::json!(["DL3014", "DS-0021", "AVD-DS-0021", "DS021"]));
    assert_eq!(
        (&found["file"], &found["line"], &found["column"]),
        (&"Dockerfile".into(), &2.into(), &31.into())
    );
    assert_eq!(found["fix"]["edits"][0]["text"], " -y");
    let (_, stdout, _) = check(&lab, &["--format", "sarif"]);
    let answer: Value = serde_json::from_str(&stdout).unwrap();
    let run = &answer["runs"][0];
    assert_eq!(answer["version"], "2.1.0");
    assert_eq!(run["results"].as_array().unwrap().len(), findings.len());
    assert!(
        run["tool"]["driver"]["rules"]
            .as_array()
            .unwrap()
            .iter()
            .any(|rule| rule["id"] == "apt-get-without-yes")
    );
}

#[test]
fn check_writes_several_formats_at_once() {
    let lab = lab(NAIVE);
    let formats = ["text", "json", "sarif", "github", "gitlab", "junit", "checkstyle"];
    let outputs: Vec<_> = formats.iter().map(|format| format!("{format}=out.{format}")).collect();
    let mut arguments = vec!["--format", "github"];
    outputs.iter().for_each(|output| arguments.extend(["-o", output]));
    let (code, stdout, _) = check(&lab, &arguments);
    assert!(code == 1 && stdout.starts_with("::warning file=Dockerfile,line=1,"), "{stdout}");
    for format in formats {
        let written = std::fs::read_to_string(lab.path(format!("out.{format}"))).unwrap();
        let (_, shown, _) = check(&lab, &["--format", format]);
        assert_eq!(written, shown);
        assert!(written.contains("apt-get-without-yes"), "{written}");
    }
    for (output, said) in
        [("json", "FORMAT=FILE"), ("yaml=x", "there are text, json"), ("json=-", "--format")]
    {
        let (code, stdout, stderr) = check(&lab, &["-o", output]);
        assert!(code == 2 && stdout.is_empty() && stderr.contains(said), "{stderr}");
    }
    let (code, stdout, stderr) = check(&lab, &["--format", "json", "-o", "json=no/where"]);
    assert!(code == 2 && stderr.contains("cannot write `no/where`"), "{stderr}");
    assert!(serde_json::from_str::<Value>(&stdout).is_ok(), "{stdout}");
}

#[test]
fn what_cannot_be_read_is_said_beside_the_findings() {
    let lab = lab(NAIVE);
    let (code, stdout, stderr) = check(&lab, &["--format", "json", "missing", "Dockerfile"]);
    let answer: Value = serde_json::from_str(&stdout).unwrap();
    assert!(code == 2 && stderr.contains("cannot read the Dockerfile `missing`"), "{stderr}");
    assert!(answer["files"] == 1 && !answer["findings"].as_array().unwrap().is_empty());
}

#[test]
fn text_in_a_log_of_a_ci_system_holds_no_command() {
    let lab = lab("FROM scratch AS A##vso[x]\n::set-output name=a::b\n");
    let mut command = lab.command(&["check", "--fail-on", "none"]);
    let output = command.env("CI", "true").current_dir(lab.path("")).output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.contains("#vso[x]") && !stdout.contains("##vso["), "{stdout}");
    assert!(!stdout.lines().any(|line| line.trim_start().starts_with("::")), "{stdout}");
}

#[test]
fn files_keep_the_names_that_they_were_given() {
    let lab = lab("FROM scratch AS A\n");
    lab.write("sub/Dockerfile.017", "FROM scratch AS A\nCOPY secret /\n");
    lab.write("sub/.dockerignore", "secret\n");
    lab.write(".dockerignore", "nothing\n");
    let files = |arguments: &[&str]| {
        let (_, stdout, _) = check(&lab, &[&["--format", "json"], arguments].concat());
        let answer: Value = serde_json::from_str(&stdout).unwrap();
        let found = answer["findings"].as_array().unwrap().iter();
        found
            .map(|one| format!("{} {}", one["file"].as_str().unwrap(), one["id"].as_str().unwrap()))
            .collect()
    };
    let found: Vec<String> = files(&["./sub/Dockerfile.017"]);
    assert!(found.contains(&"./sub/Dockerfile.017 copy-of-ignored-file".to_owned()), "{found:?}");
    // With another context, its ignore file counts.
    let found: Vec<String> = files(&["-f", "sub/Dockerfile.017", "."]);
    assert!(found.contains(&"sub/Dockerfile.017 stage-name-casing".to_owned()), "{found:?}");
    assert!(!found.iter().any(|one| one.contains("ignored")), "{found:?}");
}

#[test]
fn check_goes_on_in_a_broken_file() {
    let lab = lab("FROM scratch AS A\nRUNN x\nCMD y\n");
    let (code, stdout, _) = check(&lab, &["--format", "json"]);
    let answer: Value = serde_json::from_str(&stdout).unwrap();
    let ids: Vec<_> =
        answer["findings"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!((code, ids[0]), (1, "unknown-instruction"));
    assert!(ids.contains(&"stage-name-casing") && ids.contains(&"shell-form-command"), "{ids:?}");
    assert_eq!(answer["findings"][0]["aliases"][0], "DL1000");
}

#[test]
fn fixes_are_shown_and_applied() {
    let lab = lab(NAIVE);
    let (code, diff, _) = check(&lab, &["--diff"]);
    assert_eq!(code, 0);
    for line in ["-CMD node server.js\n", "+CMD [\"node\", \"server.js\"]\n"] {
        assert!(diff.contains(line), "{diff}");
    }
    assert_eq!(std::fs::read_to_string(lab.path("Dockerfile")).unwrap(), NAIVE);
    let (_, _, stderr) = check(&lab, &["--fix"]);
    assert!(stderr.starts_with("fixed "), "{stderr}");
    let fixed = std::fs::read_to_string(lab.path("Dockerfile")).unwrap();
    assert!(fixed.starts_with("FROM debian:trixie\nRUN apt-get update && apt-get install"), "{fixed}");
    assert!(fixed.contains(" -y") && fixed.contains(" --no-install-recommends"), "{fixed}");
    let (_, diff, _) = check(&lab, &["--diff"]);
    assert_eq!(diff, "");
}

#[test]
fn folders_are_searched_and_standard_input_is_read() {
    let lab = lab("FROM scratch\n");
    for name in ["a/Dockerfile", "a/b/web.Dockerfile", "c/Containerfile", "c/Dockerfile.dev"] {
        lab.write(name, "FROM scratch AS A\n");
    }
    for name in ["c/Dockerfile.dev.dockerignore", "node_modules/x/Dockerfile", "c/notes.txt"] {
        lab.write(name, "FROM scratch AS A\n");
    }
    let (_, stdout, stderr) = check(&lab, &["--format", "json", "."]);
    let answer: Value = serde_json::from_str(&stdout).unwrap();
    let cased = answer["findings"].as_array().unwrap().iter().filter(|one| one["id"] == "stage-name-casing");
    let files: Vec<_> = cased.map(|one| one["file"].as_str().unwrap()).collect();
    assert_eq!(files, ["a/Dockerfile", "a/b/web.Dockerfile", "c/Containerfile", "c/Dockerfile.dev"]);
    assert!(stderr.contains("in 5 files"), "{stderr}");
    let (code, _, stderr) = check(&lab, &["c/missing"]);
    assert!(code == 2 && stderr.contains("c/missing"), "{stderr}");
}

#[test]
fn rules_are_listed_and_explained() {
    let lab = Lab::new();
    assert!(lab.output(&["check", "--list-rules"]).lines().any(|line| line.starts_with("relative-workdir ")));
    for name in ["DL3000", "ds-0009", "WorkdirRelativePath", "relative-workdir"] {
        assert!(lab.output(&["explain", name]).starts_with("relative-workdir: "), "{name}");
    }
    let output = lab.command(&["explain", "relative-workdirs"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("did you mean `relative-workdir`?"));
}

#[test]
fn the_projects_files_choose_among_findings_and_the_command_line_wins() {
    let lab = lab("FROM debian\nUSER root\nWORKDIR a\n");
    lab.write(
        ".hadolint.yaml",
        "failure-threshold: error\nignored: [DL3006]\noverride:\n  info: [DL3000]\ntrustedRegistries: [example.org]\n\
         label-schema: {team: text}\nmirror: x\n",
    );
    lab.write(".trivyignore", "# ours\nAVD-DS-0009\nCVE-2020-1\n");
    lab.write(".trivyignore.yaml", "misconfigurations:\n  - id: DS-0002\n    paths: ['Dockerfile']\n");
    let (code, stdout, stderr) = check(&lab, &[]);
    assert_eq!(code, 1, "{stderr}");
    for (rule, is_there) in [
        ("error[untrusted-registry]", true),
        ("info[missing-label]", true),
        ("untagged-base-image", false),
        ("relative-workdir", false),
        ("root-user", false),
    ] {
        assert_eq!(stdout.contains(rule), is_there, "{rule}: {stdout}");
    }
    assert!(stderr.contains("`mirror` means nothing"), "{stderr}");

    let arguments = ["--trusted-registry", "docker.io", "--require-label", "a:url", "--enable", "DL3006"];
    let (code, stdout, _) = check(&lab, &arguments);
    assert_eq!(code, 0, "{stdout}");
    assert!(stdout.contains("warning[untagged-base-image]"), "{stdout}");
    assert!(
        !stdout.contains("untrusted-registry") && stdout.contains("the label `a` is missing"),
        "{stdout}"
    );
    let (code, _, _) = check(&lab, &[&arguments[..], &["--fail-on", "warning"]].concat());
    assert_eq!(code, 1);

    let (code, stdout, _) = check(&lab, &["--no-config"]);
    assert_eq!(code, 1);
    assert!(stdout.contains("root-user") && !stdout.contains("missing-label"), "{stdout}");

    lab.write("own.yaml", "ignored: [DL3000, DL3006, DL3002]\n");
    let (code, stdout, _) = check(&lab, &["--config", "own.yaml"]);
    assert_eq!(code, 0, "{stdout}");
    lab.write("own.yaml", "failure-threshold: bad\n");
    let (code, _, stderr) = check(&lab, &["--config", "own.yaml"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("own.yaml") && stderr.contains("`bad`"), "{stderr}");
}

#[test]
fn fix_writes_the_fixes_and_nothing_of_what_is_left() {
    let lab = lab(NAIVE);
    let path = lab.path("Dockerfile");
    let fix = |arguments: &[&str]| lab.output(&[&["fix"], arguments, &[path.to_str().unwrap()]].concat());
    assert!(fix(&["--diff"]).contains("+CMD [\"node\", \"server.js\"]\n"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), NAIVE);
    assert_eq!(fix(&[]), "");
    assert!(std::fs::read_to_string(&path).unwrap().ends_with("CMD [\"node\", \"server.js\"]\n"));
    assert_eq!(fix(&["--diff"]), "");
}
