//! The code of `RUN`, given to `ShellCheck`: a stand-in that counts its calls, and the real one where it is installed.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::support::Lab;

/// What the stand-in says about every script.
const COMMENT: &str = r#"{"file":"0","line":12,"endLine":12,"column":6,"endColumn":8,"level":"warning","code":2086,"message":"words of its own"}"#;

const FILE: &str = "FROM debian:trixie\nUSER 1\nRUN echo $x\n";

/// A program that says its version, and about the first script one thing; each call is a line of `calls`.
fn stand_in(lab: &Lab, folder: &str, version: &str) -> PathBuf {
    let folder = lab.beside(folder);
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("shellcheck");
    let calls = lab.beside("calls");
    let text = format!(
        "#!/bin/sh\nif [ \"$1\" = --version ]; then echo 'version: {version}'; exit; fi\n\
         echo \"$*\" >> {}\nhead -n1 0 > {}\necho '{{\"comments\":[{COMMENT}]}}'\nexit 1\n",
        calls.display(),
        lab.beside("first").display(),
    );
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    folder
}

fn calls(lab: &Lab) -> Vec<String> {
    let text = std::fs::read_to_string(lab.beside("calls")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// `plimsoll check --format json` in the context, with this `PATH` in front: exit code, findings of `ShellCheck`, standard error.
fn check(lab: &Lab, path: &[PathBuf], arguments: &[&str]) -> (i32, Vec<Value>, String) {
    let mut command = lab.command(&["check", "--format", "json"]);
    let usual = ["/usr/bin", "/bin"].map(PathBuf::from);
    command.env("PATH", std::env::join_paths(path.iter().chain(&usual)).unwrap());
    let output = command.args(arguments).current_dir(lab.path("")).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let findings = answer["findings"].as_array().cloned().unwrap_or_default();
    let findings = findings.into_iter().filter(|one| one["id"] == "shell-flaw").collect();
    (output.status.code().unwrap(), findings, stderr)
}

fn lab() -> Lab {
    let lab = Lab::new();
    lab.write("Dockerfile", FILE);
    lab
}

#[test]
fn one_call_is_about_all_files_and_answers_are_kept() {
    let lab = lab();
    lab.write(
        "b.Dockerfile",
        "FROM scratch\nUSER 1\nSHELL [\"/bin/bash\", \"-c\"]\nRUN echo $y\nRUN echo $x\n",
    );
    lab.write("c.Dockerfile", FILE);
    let bin = stand_in(&lab, "bin", "1.2.3");
    let (code, found, stderr) = check(&lab, std::slice::from_ref(&bin), &[]);
    assert_eq!(code, 1, "{stderr}");
    assert_eq!(calls(&lab).len(), 1);
    // Two files have the same script.
    let call = &calls(&lab)[0];
    assert!(call.starts_with("--norc ") && call.ends_with(" 0 1 2"), "{call}");
    assert!(!found.is_empty(), "{stderr}");
    assert_eq!((&found[0]["aliases"][0], &found[0]["severity"]), (&"SC2086".into(), &"warning".into()));
    assert_eq!(found[0]["message"], "words of its own");

    let (code, again, _) = check(&lab, std::slice::from_ref(&bin), &[]);
    assert_eq!((code, again.len(), calls(&lab).len()), (1, found.len(), 1));
    // Only what is new is asked about.
    lab.write("Dockerfile", "FROM scratch\nUSER 1\nRUN echo $z\n");
    check(&lab, std::slice::from_ref(&bin), &[]);
    assert!(calls(&lab).len() == 2 && calls(&lab)[1].ends_with(" 0"), "{:?}", calls(&lab));
    // Another version may say other things.
    stand_in(&lab, "bin", "1.2.4");
    check(&lab, std::slice::from_ref(&bin), &[]);
    assert_eq!(calls(&lab).len(), 3);
    assert!(!lab.store().exists(), "a check makes no store");
}

#[test]
fn codes_are_ignored_by_name_and_by_comment() {
    let lab = lab();
    let bin = [stand_in(&lab, "bin", "1.2.3")];
    let (code, found, stderr) = check(&lab, &bin, &["--ignore", "SC2086"]);
    assert!(found.is_empty() && stderr.contains("1 suppressed"), "{code} {stderr}");
    lab.write("Dockerfile", FILE.replace("RUN", "# hadolint ignore=SC2086\nRUN"));
    let (_, found, stderr) = check(&lab, &bin, &[]);
    assert!(found.is_empty() && stderr.contains("1 suppressed"), "{stderr}");
    let (_, found, _) = check(&lab, &bin, &["--no-inline-ignores"]);
    assert_eq!(found.len(), 1);
    let before = calls(&lab).len();
    for arguments in [["--shellcheck=off"], ["--ignore=shell-flaw"]] {
        let (_, found, stderr) = check(&lab, &bin, &arguments);
        assert!(found.is_empty() && !stderr.contains("note"), "{stderr}");
    }
    assert_eq!(calls(&lab).len(), before);
    assert!(lab.output(&["explain", "SC2086"]).starts_with("shell-flaw: "));
}

#[test]
fn no_program_of_the_context_is_run() {
    let lab = lab();
    let inside = stand_in(&lab, "context/bin", "1.2.3");
    for path in [inside.clone(), "bin".into(), ".".into()] {
        let (code, found, stderr) = check(&lab, std::slice::from_ref(&path), &["--shellcheck", "auto"]);
        let is_real = found.iter().all(|one| one["message"] != "words of its own");
        assert!(is_real && calls(&lab).is_empty(), "{} {code} {stderr}", path.display());
    }
    let (_, _, stderr) = check(&lab, std::slice::from_ref(&inside), &["Dockerfile"]);
    let is_real = installed();
    assert!(is_real || stderr.contains("lies in what is checked and is not run"), "{stderr}");
    // Whoever names it trusts it.
    let (code, found, _) = check(&lab, &[], &["--shellcheck=bin/shellcheck"]);
    assert_eq!((code, found.len(), calls(&lab).len()), (1, 1, 1));
}

#[test]
fn a_missing_or_broken_program_is_said_once_and_stops_nothing() {
    let lab = lab();
    lab.write("b.Dockerfile", FILE.replace("$x", "$y"));
    let mut command = lab.command(&["check", "--format=json", "--ignore=pipe-without-pipefail"]);
    let output = command.env("PATH", lab.beside("nothing")).current_dir(lab.path("")).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr.matches("`shellcheck` is not installed").count(), 1, "{stderr}");
    assert!(serde_json::from_slice::<Value>(&output.stdout).is_ok());

    let bin = stand_in(&lab, "bin", "1.2.3");
    for (text, said) in [
        ("#!/bin/sh\necho no >&2; exit 3\n", ": no\n"),
        (
            "#!/bin/sh\n[ $1 != --version ] || echo version: 1.0; echo nonsense\n",
            "cannot understand the answer",
        ),
        ("#!/bin/sh\necho version: ../../x\n", "does not say its version"),
        ("#!/no/such/interpreter\n", "cannot run"),
    ] {
        std::fs::write(bin.join("shellcheck"), text).unwrap();
        let (code, found, stderr) = check(&lab, std::slice::from_ref(&bin), &["--fail-on=error"]);
        assert!(code == 0 && found.is_empty() && stderr.matches(said).count() == 1, "{code} {stderr}");
        let path = format!("--shellcheck={}", bin.join("shellcheck").display());
        let (code, _, stderr) = check(&lab, &[], &[&path]);
        assert!(code == 2 && stderr.contains(said), "{code} {stderr}");
    }
    let (code, _, stderr) = check(&lab, &[], &["--shellcheck=/no/such/program"]);
    assert!(code == 2 && stderr.contains("there is no program at `/no/such/program`"), "{stderr}");
}

#[test]
fn the_real_program_finds_flaws_at_their_exact_place() {
    if !installed() {
        eprintln!("SKIPPED: this test needs `shellcheck`: install the package `shellcheck`");
        return;
    }
    let lab = Lab::new();
    let text = "FROM debian:trixie AS base\nARG VERSION\nSHELL [\"/bin/bash\", \"-c\"]\nFROM base\nUSER 1\n\
        RUN echo \"ä$VERSION\" && \\\n    # between\n    echo ä $unknown \\\n    && [[ -n $VERSION ]]\n\
        RUN <<EOF\n# shellcheck disable=SC2046\ntouch $(ls)\ntouch `ls`\nEOF\n\
        ONBUILD RUN source /x && echo $HTTP_PROXY\n";
    lab.write("Dockerfile", text);
    let (code, found, stderr) = check(&lab, &[], &[]);
    let number = |finding: &Value, member: &str| finding[member].as_u64().unwrap();
    let places: Vec<_> = found
        .iter()
        .map(|one| {
            let name = one["aliases"][0].as_str().unwrap().to_owned();
            (name, number(one, "line"), number(one, "column"), number(one, "end_column"))
        })
        .collect();
    let has = |name: &str, line, column, end| places.contains(&(name.to_owned(), line, column, end));
    assert!(has("SC2086", 8, 12, 20) && has("SC2154", 8, 12, 20), "{places:?} {stderr}");
    assert!(has("SC2046", 13, 7, 11) && has("SC2006", 13, 7, 11), "{places:?}");
    // What is defined, switched off or not at hand is not reported; `[[` is fine in bash.
    let lines: Vec<u64> = places.iter().map(|(_, line, ..)| *line).collect();
    assert!(!lines.contains(&6) && !lines.contains(&9) && !lines.contains(&12), "{places:?}");
    assert!(!places.iter().any(|(name, line, ..)| *line == 15 && name != "SC2086"), "{places:?}");
    assert_eq!(code, 1);
    let fix = &found.iter().find(|one| one["aliases"][0] == "SC2086").unwrap()["fix"];
    assert_eq!((&fix["safe"], fix["edits"].as_array().unwrap().len()), (&false.into(), 2));
    let (_, again, _) = check(&lab, &[], &[]);
    assert_eq!(again, found, "kept answers are the same");
}

fn installed() -> bool {
    Command::new("shellcheck").arg("--version").output().is_ok_and(|output| output.status.success())
}
