use plimsoll_diagnostics::SourceFile;

use super::*;
use crate::ast::{
    CommandForm, Healthcheck, Heredoc, Instruction, InstructionKind, Invocation, Run, Source, Transfer,
};

fn parsed(text: &str) -> (SourceFile, Parsed) {
    let file = SourceFile::new("Dockerfile", text);
    let parsed = parse(&file);
    (file, parsed)
}

fn clean(text: &str) -> Dockerfile {
    let (_, parsed) = parsed(text);
    assert_eq!(parsed.diagnostics, [], "{text}");
    parsed.dockerfile
}

fn one(text: &str) -> Instruction {
    let mut file = clean(text);
    assert_eq!(file.instructions.len(), 1, "{text}");
    file.instructions.remove(0)
}

/// Codes of the diagnostics, each with the text it points at.
fn findings(text: &str) -> Vec<(&'static str, String)> {
    let (file, parsed) = parsed(text);
    parsed
        .diagnostics
        .iter()
        .map(|found| (found.code, file.slice(found.span.unwrap_or_default()).to_owned()))
        .collect()
}

fn hint(text: &str) -> String {
    parsed(text).1.diagnostics[0].hint.clone().unwrap_or_default()
}

fn run(text: &str) -> Run {
    match one(text).kind {
        InstructionKind::Run(run) => *run,
        other => panic!("{other:?}"),
    }
}

fn copy(text: &str) -> Transfer {
    match one(text).kind {
        InstructionKind::Copy(copy) => copy.transfer,
        other => panic!("{other:?}"),
    }
}

fn paths(transfer: &Transfer) -> Vec<&str> {
    transfer
        .sources
        .iter()
        .map(|source| match source {
            Source::Path(path) => path.as_str(),
            Source::Inline(heredoc) => heredoc.name.as_str(),
        })
        .collect()
}

fn shell(text: &str) -> String {
    match run(text).invocation() {
        Invocation::Shell(text) => text.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn byte_order_mark_and_carriage_returns_are_accepted() {
    let file = clean("\u{feff}FROM a\r\nRUN b \\\r\n c\r\n");
    let originals: Vec<_> =
        file.instructions.iter().map(|instruction| instruction.original.as_str()).collect();
    assert_eq!(originals, ["FROM a", "RUN b  c"]);
}

#[test]
fn comments_are_kept_with_their_places() {
    let text = "# one\nFROM a\n  # two \nRUN b \\\n  # three\n  c # no comment\n";
    let file = clean(text);
    let comments: Vec<_> = file.comments.iter().map(|comment| comment.text.as_str()).collect();
    assert_eq!(comments, ["one", "two", "three"]);
    assert_eq!(&text[file.comments[1].span.range()], "# two ");
    assert_eq!(file.instructions[1].original, "RUN b   c # no comment");
}

#[test]
fn directives_stand_before_everything_else() {
    let text = "# syntax=a/b:1\n#Escape = `\n# check=skip=all\nFROM x\nRUN dir c:\\ `\n  && b\n";
    let file = clean(text);
    assert_eq!(file.escape, '`');
    assert_eq!(file.directives.len(), 3);
    assert_eq!(file.directive(DirectiveKind::Syntax).unwrap().value.as_str(), "a/b:1");
    assert_eq!(&text[file.directives[1].value.span.range()], "`");
    assert_eq!(file.instructions[1].original, "RUN dir c:\\   && b");
    assert_eq!(file.comments, []);
}

#[test]
fn a_line_that_is_no_directive_ends_them() {
    for text in [
        "# x\n# escape=`\nFROM a",
        "\n# escape=`\nFROM a",
        "FROM a\n# escape=`\n",
        "# foo=b\n# escape=`\nFROM a",
    ] {
        let file = clean(text);
        assert_eq!((file.escape, file.directives.len()), ('\\', 0), "{text}");
        assert!(!file.comments.is_empty());
    }
}

#[test]
fn behind_a_shebang_only_syntax_and_check_count() {
    let file = clean("#!/usr/bin/env x\n# syntax=a\n# escape=`\nFROM a");
    assert_eq!(file.directives.len(), 1);
    assert_eq!(file.escape, '\\');
}

#[test]
fn wrong_directives_are_errors() {
    assert_eq!(findings("# escape=x\nFROM a"), [("bad-escape", "x".to_owned())]);
    assert_eq!(
        findings("# syntax=a\n# syntax=b\nFROM a"),
        [("duplicate-directive", "# syntax=b".to_owned())]
    );
}

#[test]
fn lines_are_continued_with_the_escape_character() {
    assert_eq!(shell("RUN a \\\n  b \\  \t\n c"), "a   b  c");
    assert_eq!(shell("RUN a\\\nb"), "ab");
    // Doubled, it is a character of the command.
    assert_eq!(findings("RUN a \\\\\nRUN b"), []);
    assert_eq!(shell("RUN a \\"), "a");
    assert_eq!(shell("RUN \\\n a"), "a");
    assert_eq!(shell("\\\nRUN a"), "a");
}

#[test]
fn blank_lines_in_a_continuation_are_a_warning() {
    let text = "RUN a \\\n\n  # x\n\t\n  b\nRUN c\n";
    let (_, parsed) = parsed(text);
    assert_eq!(parsed.diagnostics.len(), 1);
    assert_eq!(parsed.diagnostics[0].code, "empty-continuation");
    assert!(parsed.is_ok());
    let first = &parsed.dockerfile.instructions[0];
    assert_eq!(first.original, "RUN a   b");
    assert_eq!(first.empty_continuations.len(), 2);
    assert_eq!(&text[first.span.range()], "RUN a \\\n\n  # x\n\t\n  b");
}

#[test]
fn places_lead_back_over_continuations() {
    let text = "FROM x\nCOPY \\\n  # note\n  --from=b \\\n  src/a \\\n  dst\n";
    let file = clean(text);
    let InstructionKind::Copy(copy) = &file.instructions[1].kind else { panic!("no copy") };
    assert_eq!(&text[copy.from.as_ref().unwrap().span.range()], "b");
    assert_eq!(&text[copy.transfer.destination.span.range()], "dst");
    let Source::Path(path) = &copy.transfer.sources[0] else { panic!("no path") };
    assert_eq!(&text[path.span.range()], "src/a");
    assert_eq!(&text[file.instructions[1].keyword.span.range()], "COPY");
}

#[test]
fn keywords_are_found_in_any_case_and_guessed_when_wrong() {
    assert_eq!(one("fRoM a").keyword.value, "fRoM");
    assert_eq!(findings("FORM a"), [("unknown-instruction", "FORM".to_owned())]);
    assert_eq!(hint("FORM a"), "did you mean `FROM`?");
    assert_eq!(hint("COPPY a b"), "did you mean `COPY`?");
    let (_, parsed) = parsed("FROM a\nxyzzy\nRUN b\n");
    assert_eq!(parsed.dockerfile.instructions.len(), 3);
    assert_eq!(parsed.dockerfile.instructions[1].kind, InstructionKind::Invalid);
    assert!(!parsed.is_ok());
}

#[test]
fn a_file_without_instructions_is_an_error() {
    assert_eq!(findings("")[0].0, "empty-file");
    assert_eq!(findings("# only\n\n")[0].0, "empty-file");
}

#[test]
fn flags_stand_before_the_arguments() {
    let run = run(
        "RUN --mount=type=cache,target=/c --network=none --mount='type=bind,target=/b c' --device=x a --b",
    );
    let mounts: Vec<_> = run.mounts.iter().map(Spanned::as_str).collect();
    assert_eq!(mounts, ["type=cache,target=/c", "type=bind,target=/b c"]);
    assert_eq!(run.network.unwrap().as_str(), "none");
    assert_eq!(run.devices.len(), 1);
    assert_eq!(run.command.value, CommandForm::Shell("a --b".into()));
    assert_eq!(shell("RUN -- --flag x"), "--flag x");
}

#[test]
fn wrong_flags_are_errors() {
    assert_eq!(findings("COPY --form=a b c"), [("unknown-flag", "--form=a".to_owned())]);
    assert_eq!(hint("COPY --form=a b c"), "did you mean `--from`?");
    assert_eq!(findings("COPY --from=a --from=b c d"), [("duplicate-flag", "--from=b".to_owned())]);
    assert_eq!(findings("COPY --from c d"), [("missing-flag-value", "--from".to_owned())]);
    assert_eq!(findings("COPY --link=maybe c d"), [("bad-flag-value", "maybe".to_owned())]);
    assert_eq!(findings("COPY --link= c d")[0].0, "bad-flag-value");
    assert_eq!(findings("ENV --x a=b"), [("unknown-flag", "--x".to_owned())]);
    assert_eq!(findings("FROM --after=x a"), [("unknown-flag", "--after=x".to_owned())]);
    assert_eq!(findings("ONBUILD --x RUN a"), [("unknown-flag", "--x".to_owned())]);
}

#[test]
fn copy_and_add_have_typed_flags() {
    let InstructionKind::Copy(copy) =
        one("COPY --link --parents=false --chown=a:b --chmod=755 --exclude=x --exclude=y a b/").kind
    else {
        panic!("no copy")
    };
    assert!(copy.transfer.link.as_ref().unwrap().value);
    assert!(!copy.parents.unwrap().value);
    assert_eq!(copy.transfer.excludes.len(), 2);
    assert_eq!(copy.transfer.excludes[0].as_str(), "x");
    let InstructionKind::Add(add) =
        one("ADD --checksum=sha256:x --keep-git-dir=TRUE --unpack=false --link=false a b").kind
    else {
        panic!("no add")
    };
    assert!(
        add.keep_git_dir.unwrap().value && !add.unpack.unwrap().value && !add.transfer.link.unwrap().value
    );
    assert_eq!(add.checksum.unwrap().as_str(), "sha256:x");
}

#[test]
fn copy_takes_words_or_json() {
    let transfer = copy("COPY a \t b  c/");
    assert_eq!((paths(&transfer), transfer.destination.as_str()), (vec!["a", "b"], "c/"));
    let transfer = copy(r#"COPY ["a b", "c"]"#);
    assert!(transfer.json);
    assert_eq!((paths(&transfer), transfer.destination.as_str()), (vec!["a b"], "c"));
    // Quotes do not hold words together here.
    assert_eq!(paths(&copy("COPY \"a b\" c")), ["\"a", "b\""]);
    for text in ["COPY a", "COPY", "ADD [\"a\"]"] {
        assert_eq!(findings(text)[0].0, "missing-argument", "{text}");
    }
}

#[test]
fn json_falls_back_to_the_shell_form() {
    assert_eq!(run(r#"RUN ["a", "b"]"#).command.value, CommandForm::Exec(vec!["a".into(), "b".into()]));
    assert_eq!(run("RUN [ -f x ]").command.value, CommandForm::Shell("[ -f x ]".into()));
    assert_eq!(findings("CMD ['a', 'b']"), [("almost-json", "['a', 'b']".to_owned())]);
    assert_eq!(findings("CMD [1, 2]"), [("not-strings", "[1, 2]".to_owned())]);
    assert_eq!(
        one("CMD []").kind,
        InstructionKind::Cmd(Spanned::new(CommandForm::Exec(vec![]), Span::new(4, 6)))
    );
    assert_eq!(findings("ENTRYPOINT")[0].0, "empty-command");
}

#[test]
fn from_takes_a_name() {
    let InstructionKind::From(from) = one("FROM --platform=$BUILDPLATFORM a:1@sha256:x As Name-1.x").kind
    else {
        panic!("no from")
    };
    assert_eq!(from.image.as_str(), "a:1@sha256:x");
    assert_eq!(from.platform.unwrap().as_str(), "$BUILDPLATFORM");
    assert_eq!((from.as_keyword.unwrap().as_str(), from.name.unwrap().as_str()), ("As", "Name-1.x"));
    assert_eq!(findings("FROM a AS 1x"), [("bad-stage-name", "1x".to_owned())]);
    assert_eq!(findings("FROM a b"), [("bad-from", "b".to_owned())]);
    assert_eq!(findings("FROM a is b"), [("bad-from", "is b".to_owned())]);
    assert_eq!(findings("FROM"), [("missing-argument", "FROM".to_owned())]);
}

#[test]
fn env_and_label_take_pairs_or_the_old_form() {
    let InstructionKind::Env(pairs) = one(r#"ENV a=b "c d"='e f' g= h=i\ j"#).kind else { panic!("no env") };
    let texts: Vec<_> = pairs.pairs.iter().map(|pair| (pair.key.as_str(), pair.value.as_str())).collect();
    assert_eq!(texts, [("a", "b"), ("\"c d\"", "'e f'"), ("g", ""), ("h", r"i\ j")]);
    let InstructionKind::Label(pairs) = one("LABEL key  some text = x").kind else { panic!("no label") };
    assert!(pairs.legacy);
    assert_eq!(pairs.pairs[0].value.as_str(), "some text = x");
    assert_eq!(findings("ENV a"), [("missing-value", "a".to_owned())]);
    assert_eq!(findings("ENV a=b c"), [("missing-equals", "c".to_owned())]);
    assert_eq!(findings("ENV =b"), [("blank-name", "=b".to_owned())]);
}

#[test]
fn arg_takes_several_names() {
    let InstructionKind::Arg(arguments) = one("ARG a b=c d='e f'").kind else { panic!("no arg") };
    assert_eq!(arguments.len(), 3);
    assert_eq!(arguments[0].default, None);
    assert_eq!(arguments[2].default.as_ref().unwrap().as_str(), "'e f'");
    assert_eq!(findings("ARG =x")[0].0, "blank-name");
}

#[test]
fn simple_instructions_take_the_rest_of_the_line() {
    assert!(matches!(one("WORKDIR /a b ").kind, InstructionKind::Workdir(path) if path.as_str() == "/a b"));
    assert!(matches!(one("USER a:b").kind, InstructionKind::User(user) if user.as_str() == "a:b"));
    assert!(
        matches!(one("STOPSIGNAL 9").kind, InstructionKind::Stopsignal(signal) if signal.as_str() == "9")
    );
    assert!(
        matches!(one("MAINTAINER a <b>").kind, InstructionKind::Maintainer(who) if who.as_str() == "a <b>")
    );
    assert!(matches!(one("EXPOSE 80 $P/tcp").kind, InstructionKind::Expose(ports) if ports.len() == 2));
    assert!(matches!(one("VOLUME /a /b").kind, InstructionKind::Volume(paths) if paths.len() == 2));
    assert!(
        matches!(one("VOLUME [\"/a b\"]").kind, InstructionKind::Volume(paths) if paths[0].as_str() == "/a b")
    );
    assert_eq!(findings("VOLUME [\"\"]")[0].0, "empty-path");
    for keyword in [
        "USER",
        "WORKDIR",
        "EXPOSE",
        "STOPSIGNAL",
        "MAINTAINER",
        "VOLUME",
        "ENV",
        "ARG",
        "SHELL",
        "ONBUILD",
        "HEALTHCHECK",
    ] {
        assert_eq!(findings(keyword), [("missing-argument", keyword.to_owned())]);
    }
}

#[test]
fn shell_takes_json_only() {
    assert!(matches!(one(r#"SHELL ["a", "-c"]"#).kind, InstructionKind::Shell(words) if words.len() == 2));
    assert_eq!(hint("SHELL bash -c"), "write `SHELL [\"bash\", \"-c\"]`");
    assert_eq!(findings("SHELL []")[0].0, "empty-shell");
}

#[test]
fn healthcheck_options_are_read() {
    let InstructionKind::Healthcheck(Healthcheck::Check(check)) =
        one("HEALTHCHECK --interval=1m30s --retries=3 --timeout=0 cmd curl x").kind
    else {
        panic!("no check")
    };
    assert_eq!(check.interval.unwrap().value.as_secs(), 90);
    assert_eq!((check.retries.unwrap().value, check.timeout.unwrap().value.as_secs()), (3, 0));
    assert_eq!(check.command.value, CommandForm::Shell("curl x".into()));
    assert_eq!(one("HEALTHCHECK none").kind, InstructionKind::Healthcheck(Healthcheck::None));
    assert_eq!(findings("HEALTHCHECK NONE x"), [("extra-argument", "x".to_owned())]);
    assert_eq!(findings("HEALTHCHECK CMDD x"), [("bad-healthcheck", "CMDD".to_owned())]);
    assert_eq!(findings("HEALTHCHECK --interval=5 CMD x"), [("bad-flag-value", "5".to_owned())]);
    assert_eq!(findings("HEALTHCHECK --interval=5us CMD x")[0].0, "bad-flag-value");
    assert_eq!(findings("HEALTHCHECK --retries=-1 CMD x")[0].0, "bad-flag-value");
    assert_eq!(findings("HEALTHCHECK CMD")[0].0, "missing-argument");
    assert_eq!(findings("HEALTHCHECK CMD []")[0].0, "missing-argument");
}

#[test]
fn onbuild_keeps_its_trigger() {
    let InstructionKind::Onbuild(onbuild) = one("ONBUILD  copy --from=x a \\\n b").kind else {
        panic!("no onbuild")
    };
    assert_eq!(onbuild.expression, "copy --from=x a  b");
    assert!(matches!(onbuild.instruction.kind, InstructionKind::Copy(_)));
    assert_eq!(onbuild.instruction.keyword.value, "copy");
    let InstructionKind::Onbuild(onbuild) = one("ONBUILD RUN <<EOF\na\nEOF\n").kind else {
        panic!("no onbuild")
    };
    assert_eq!(onbuild.expression, "RUN <<EOF\na\nEOF");
    for (text, trigger) in [
        ("ONBUILD ONBUILD RUN a", "ONBUILD"),
        ("onbuild from a", "from"),
        ("ONBUILD MAINTAINER a", "MAINTAINER"),
    ] {
        assert_eq!(findings(text), [("onbuild-trigger", trigger.to_owned())]);
    }
    assert_eq!(findings("ONBUILD RNU a")[0].0, "unknown-instruction");
}

#[test]
fn only_syntax_is_an_error_in_a_trigger_that_does_not_run() {
    for text in
        ["ONBUILD RNU a", "ONBUILD COPY --wat a b", "ONBUILD COPY a", "ONBUILD SHELL x", "ONBUILD ARG"]
    {
        assert!(parsed(text).1.is_ok(), "{text}");
    }
    for text in ["ONBUILD ENV a=b c", "ONBUILD CMD [1]", "ONBUILD RUN <<EOF\n", "ONBUILD FROM a"] {
        assert!(!parsed(text).1.is_ok(), "{text}");
    }
}

#[test]
fn a_line_has_a_longest_length() {
    let text = |length: usize| format!("FROM a\nLABEL a={}\n", "x".repeat(length - "LABEL a=".len()));
    assert!(parsed(&text(65_535)).1.is_ok());
    assert_eq!(findings(&text(65_536))[0].0, "long-line");
}

#[test]
fn a_lone_heredoc_is_a_script() {
    assert_eq!(shell("RUN <<EOF\na\nb\nEOF\n"), "a\nb\n");
    assert_eq!(shell("RUN <<-EOF\n\ta\n\t\tb\n\tEOF\n"), "a\nb\n");
    assert_eq!(shell("RUN --network=none <<'E F'\n# no comment\nE F"), "# no comment\n");
    let run = run("RUN <<EOF\n#!/usr/bin/python3\nx\nEOF\n");
    let body = "#!/usr/bin/python3\nx\n".to_owned();
    assert_eq!(run.invocation(), Invocation::Script { name: "EOF".into(), body: body.into() });
}

#[test]
fn heredocs_beside_other_words_are_for_the_shell() {
    assert_eq!(shell("RUN cat <<A <<B > f\n1\nA\n2\nB\n"), "cat <<A <<B > f\n1\nA\n2\nB");
    assert_eq!(shell("RUN python3 <<-PY\n\tx\n\tPY\n"), "python3 <<-PY\n\tx\nPY");
    let run = run("RUN cat 3<<'EOF' \\\n  && b\n\\\nEOF\n");
    let heredoc = &run.heredocs[0];
    assert_eq!((heredoc.file_descriptor, heredoc.expand, heredoc.body.as_str()), (3, false, "\\\n"));
}

#[test]
fn blanks_may_stand_before_the_name_of_a_heredoc() {
    assert_eq!(shell("RUN cat <<  EOF\nx\nEOF\n"), "cat <<  EOF\nx\nEOF");
    assert_eq!(shell("RUN <<  EOF\nx\nEOF\n"), "x\n");
}

#[test]
fn what_only_looks_like_a_heredoc_is_none() {
    for text in [
        "RUN echo '<<EOF'",
        "RUN cat <<<word",
        "RUN cat<<EOF",
        "RUN echo it's <<EOF",
        "RUN [\"a\", \"<<EOF\"]",
        "RUN a <<",
        "CMD <<EOF",
    ] {
        match one(text).kind {
            InstructionKind::Run(run) => assert_eq!(run.heredocs, [], "{text}"),
            kind => assert!(matches!(kind, InstructionKind::Cmd(_))),
        }
    }
}

#[test]
fn quoting_any_part_of_the_name_switches_expansion_off() {
    let heredoc = |text: &str| -> Heredoc { run(text).heredocs.remove(0) };
    assert!(heredoc("RUN cat <<EOF\nEOF\n").expand);
    assert!(!heredoc("RUN cat <<\"EOF\"\nEOF\n").expand);
    assert!(!heredoc("RUN cat <<E'O'F\nEOF\n").expand);
    assert!(heredoc("RUN cat <<eo\\'f\neo'f\n").expand);
    assert_eq!(heredoc("RUN cat <<$X\n$X\n").name.as_str(), "$X");
}

#[test]
fn heredocs_of_copy_are_files() {
    let text = "COPY <<a.txt <<-\"b\" c /dst/\n$x\na.txt\n\ty\n\tb\n";
    let transfer = copy(text);
    assert_eq!(paths(&transfer), ["a.txt", "b", "c"]);
    let [Source::Inline(first), Source::Inline(second), Source::Path(_)] = transfer.sources.as_slice() else {
        panic!("wrong sources")
    };
    assert_eq!((first.content().as_str(), first.expand), ("$x\n", true));
    assert_eq!((second.content().as_str(), second.expand), ("y\n", false));
    assert_eq!(&text[first.body.span.range()], "$x\n");
    assert_eq!(&text[first.name.span.range()], "<<a.txt");
    let instruction = one(text);
    assert_eq!(&text[instruction.span.range()], text.trim_end());
    assert_eq!(findings("COPY a <<EOF\nx\nEOF\n")[0].0, "heredoc-destination");
    assert_eq!(findings("COPY << EOF /x\nx\nEOF\n")[0], ("stray-heredoc", "<< EOF".to_owned()));
}

#[test]
fn heredocs_must_be_closed() {
    assert_eq!(findings("RUN <<EOF\na\n"), [("unterminated-heredoc", "<<EOF".to_owned())]);
    assert_eq!(findings("RUN <<EOF\na\n EOF\n")[0].0, "unterminated-heredoc");
    assert!(hint("RUN echo $((1 << 2))").contains("1<<2"));
    // Everything behind it belongs to it.
    assert_eq!(parsed("RUN <<EOF\na\nRUN b\n").1.dockerfile.instructions.len(), 1);
}

#[test]
fn carriage_returns_stay_in_heredocs() {
    assert_eq!(shell("RUN <<EOF\r\na\r\nEOF\r\n"), "a\r\n");
}

#[test]
fn instructions_follow_a_heredoc() {
    let file = clean("FROM a\nRUN <<EOF\nFROM b\nEOF\nRUN c\n");
    assert_eq!(file.instructions.len(), 3);
    assert_eq!(file.instructions[2].original, "RUN c");
}

#[test]
fn garbage_ends_soon() {
    let (_, parsed) = parsed(&"a\n".repeat(5000));
    assert_eq!(parsed.diagnostics.len(), MOST_ERRORS + 1);
    assert_eq!(parsed.diagnostics.last().unwrap().code, "too-many-errors");
    let (_, parsed) = self::parsed(&format!("RUN {}", "<<a ".repeat(1000)));
    assert!(parsed.diagnostics.iter().any(|found| found.code == "too-many-heredocs"));
    let long = "x".repeat(10_000);
    assert!(self::parsed(&long).1.diagnostics[0].message.len() < 200);
}
