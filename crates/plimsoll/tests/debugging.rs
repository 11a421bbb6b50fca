//! Looking into Dockerfiles and failed steps.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use crate::support::{Lab, Terminal, is_root, plain_user, user_with_subordinate_ids};

/// Runs a command with a text as its standard input.
fn piped(mut command: Command, input: &str) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_dockerfile_is_shown_as_its_words() {
    let lab = Lab::new();
    lab.write("D", "FROM --platform=$X scratch AS a\nENV a=1\nONBUILD RUN [\"x\"]\nRUN <<E\nx\nE\n");
    let path = lab.path("D");
    let expected = "(from [\"--platform=$X\"] \"scratch\" \"AS\" \"a\")\n(env \"a\" \"1\" \"=\")\n\
                    (onbuild (run \"x\"))\n(run \"<<E\")\n";
    assert_eq!(lab.output(&["debug", "parse", path.to_str().unwrap()]), expected);
    let output = piped(lab.command(&["debug", "parse", "-"]), "FROM a\nENV a\n");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("Dockerfile:2:"), "{}", text(&output.stderr));
}

#[test]
fn pairs_of_versions_are_answered_line_by_line() {
    let lab = Lab::new();
    let compare = |ecosystem: &str, input: &str| piped(lab.command(&["debug", "vercmp", ecosystem]), input);

    let output = compare("deb", "1.0~rc1\t1.0\n1.0\t1.0-0\r\n2:1\t10\n1 0\t1");
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(0), "<\n=\n>\n!\n"));

    let output = compare("pypi", "1.0\n1.0\t1.1\n\n1\t2\t3\n1\t1.0");
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(2), "!\n<\n!\n!\n=\n"));
    let errors = text(&output.stderr);
    for line in ["line 1: 0 tabs", "line 3: 0 tabs", "line 4: 2 tabs", "3 of 5 lines"] {
        assert!(errors.contains(line), "{errors}");
    }

    let output = compare("cargo-cult", "");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("apk, cran, composer, deb"), "{}", text(&output.stderr));
}

#[test]
fn versions_in_broken_text_are_answered() {
    let lab = Lab::new();
    let mut child = lab.command(&["debug", "vercmp", "rpm"]);
    child.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = child.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"1.\xff\t1.2\n\xc3\t\xc3\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(0), "<\n=\n"));
}

#[test]
fn a_shell_opens_where_a_command_failed() {
    let users = if is_root("as plain users: a_shell_opens_where_a_command_failed") {
        vec![None, Some(plain_user()), Some(user_with_subordinate_ids())]
    } else {
        vec![None]
    };
    for user in users {
        let lab = Lab::of(user);
        lab.write("src/word", "of the context\n");
        std::fs::write(lab.beside("secret"), "a secret value").unwrap();
        lab.dockerfile(
            "ENV KIND=test\nWORKDIR /work\nUSER 0\n\
             RUN --mount=target=/ctx --mount=type=secret,id=s --mount=type=cache,target=/cache \
             echo half > done; echo kept > /cache/file; false\n",
        );
        let secret = format!("id=s,src={}", lab.beside("secret").display());
        let context = lab.context();
        let command = lab.command(&[
            "build",
            "--progress=plain",
            "--debug-on-fail=shell",
            "--secret",
            &secret,
            context.to_str().unwrap(),
        ]);
        let mut terminal = Terminal::start(&as_user(&lab, command), 31, 99);
        terminal.wait_for("/work # ");
        terminal.type_in(
            "echo $KIND in $(pwd): $(cat done) $(cat /cache/file) $(cat /ctx/src/word), $(cat /run/secrets/s); \
             tty; stty size; echo fir''st\n",
        );
        terminal.wait_for("first\n");
        let shown = terminal.shown();
        assert!(shown.contains("test in /work: half kept of the context, a secret value"), "{shown}");
        assert!(shown.contains("/dev/pts/0\n31 99\n"), "{shown}");
        // The size changes with the terminal, and an interrupt ends the job in front only.
        terminal.resize(20, 50);
        terminal.type_in("while ! stty size | grep 50; do sleep 0.1; done; echo sec''ond; sleep 1000\n");
        terminal.wait_for("second\n");
        std::thread::sleep(std::time::Duration::from_millis(300));
        terminal.type_in("\x03");
        terminal.type_in("echo thi''rd; exit 9\n");
        terminal.wait_for("third");
        let (status, shown) = terminal.end();
        // The build's own exit code stays: a step failed.
        assert_eq!(status.code(), Some(1), "{shown}");
    }
}

/// A command with everything that it needs to be started by another program: the user of a lab with one.
fn as_user(lab: &Lab, command: Command) -> Command {
    let Some((uid, gid)) = lab.ids() else { return command };
    let mut through = Command::new("setpriv");
    through.args([format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned()]);
    through.arg(command.get_program()).args(command.get_args());
    through.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    through
}

#[test]
fn a_shell_opens_later_too_and_runs_what_it_is_told() {
    let lab = Lab::new();
    lab.dockerfile("RUN echo one > /one\nRUN echo two > /two; exit 7\n");
    let failed = lab.build().fails(1);
    let hint = failed.stderr.split("plimsoll debug shell ").nth(1).unwrap();
    let words: Vec<&str> = hint.split('`').next().unwrap().split(' ').collect();
    let [build, step] = words[..] else { panic!("{words:?}") };
    let shell = |arguments: &[&str], input: &str| {
        let output = piped(lab.command(&[&["debug", "shell"], arguments].concat()), input);
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, shown, said) = shell(&[build, step], "cat /one /two\nexit 4\n");
    assert_eq!((code, shown.as_str()), (Some(4), "one\ntwo\n"), "{said}");
    let (code, shown, said) = shell(&["last", "--", "/bin/cat", "/two"], "");
    assert_eq!((code, shown.as_str()), (Some(0), "two\n"), "{said}");
    // Where a command succeeded, its own files are there and what is done to them is not kept.
    let (_, shown, said) = shell(&["last", "echo one"], "cat /one; rm /one; ls /two\n");
    assert!(shown == "one\n" && said.contains("/two"), "{shown}{said}");
    assert_eq!(shell(&["last", "echo one"], "cat /one\n").1, "one\n");
    let (code, _, said) = shell(&["last", "99"], "");
    assert!(code == Some(2) && said.contains("(failed)"), "{said}");
    assert_eq!(shell(&["zzz"], "").0, Some(2));
}

#[test]
fn an_image_without_a_shell_is_lent_one() {
    let lab = Lab::new();
    lab.write(
        "Dockerfile",
        "FROM scratch\nENV NAME=value\nCOPY busybox /app/tool\nCOPY Dockerfile /app/\nRUN [\"/app/tool\", \"x\"]\n",
    );
    lab.build().fails(1);
    let lines = "ls /app\ncd /app\necho $NAME *\nA=1 /app/tool true\n/app/tool\npwd > /place\ncat /place\n\
                 head -1 Dockerfile\nrm /place\nfind /place\nexit 6\n";
    let output = piped(lab.command(&["debug", "shell", "last"]), lines);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(6), "{shown}{}", text(&output.stderr));
    for line in ["value Dockerfile tool", "/app", "FROM scratch"] {
        assert!(shown.lines().any(|shown| shown == line), "no `{line}` in\n{shown}");
    }
    assert!(shown.lines().next().unwrap().ends_with("Dockerfile"), "{shown}");
}

#[test]
fn the_files_of_the_last_failures_are_kept_and_no_more() {
    let lab = Lab::new();
    for number in 0..5 {
        lab.dockerfile(&format!("RUN echo {number} > /n; false\n"));
        lab.build().fails(1);
    }
    let kept =
        Command::new("find").arg(lab.store().join("logs-v0")).args(["-name", "*.failed"]).output().unwrap();
    assert_eq!(text(&kept.stdout).lines().count(), 3);
    let output = piped(lab.command(&["debug", "shell", "last"]), "cat /n\n");
    assert_eq!(text(&output.stdout), "4\n");
}
