//! What the parser makes of shell code.

use plimsoll_dockerfile::{InstructionKind, SourceFile, Span, parse};

use proptest::prelude::*;

use super::{Command, Joint, Script};

fn script(command: &str) -> Script {
    let file = SourceFile::new("Dockerfile", format!("RUN {command}"));
    of(&file)
}

fn of(file: &SourceFile) -> Script {
    let parsed = parse(file);
    match &parsed.dockerfile.instructions[0].kind {
        InstructionKind::Run(run) => Script::of_run(file, run, '\\'),
        other => panic!("{other:?}"),
    }
}

/// Every command as its words, joined by `|`.
fn calls(command: &str) -> Vec<String> {
    let script = script(command);
    let words = |call: &super::Call<'_>| {
        call.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join("|")
    };
    script.calls().iter().map(words).collect()
}

#[test]
fn commands_are_found_wherever_they_are() {
    for (text, expected) in [
        ("a b && c || d; e & f | g |& h", &["a|b", "c", "d", "e", "f", "g", "h"][..]),
        ("( a; b ) && { c; d; }", &["a", "b", "c", "d"]),
        ("if a; then b; elif c; then d; else e; fi; f", &["a", "b", "c", "d", "e", "f"]),
        ("for x in $(a) 1 2; do b \"$x\"; done; c", &["a", "b|$x", "c"]),
        ("while read -r x; do a; done < file; b", &["read|-r|x", "a", "b"]),
        ("case \"$(a)\" in x|y) b ;; (z) c;; *) d; e ;; esac; f", &["a", "b", "c", "d", "e", "f"]),
        ("f() { a; }; function g { b; }; f", &["a", "b", "f"]),
        ("X=1 Y=$(a) b; Z=2", &["b", "a", ""]),
        (
            "echo `a b` \"$(c \"$(d)\")\" $((1 + 2)) ${x:-$(e)}",
            &["echo|`a b`|$(c \"$(d)\")|$((1 + 2))|${x:-$(e)}", "a|b", "c|$(d)", "d", "e"],
        ),
        ("diff <(a) >(b)", &["diff|<(a)|>(b)", "a", "b"]),
        ("[[ a == b || -n c ]] && d", &["[[|a|==|b|-n|c|]]", "d"]),
        ("[ -f x ] && ! a", &["[|-f|x|]", "a"]),
        ("exec a b; command c; time d", &["a|b", "c", "d"]),
        ("a # b && c", &["a"]),
        ("a#b c", &["a#b|c"]),
        ("(( i++ )); a", &["a"]),
        ("a) b", &["a", "b"]),
        ("for ((i=0;i<3;i++)); do a; done", &["a"]),
        ("a=(b c) d", &["d"]),
    ] {
        assert_eq!(calls(text), expected, "{text}");
    }
}

#[test]
fn words_lose_quotes_and_escapes_and_keep_expansions() {
    for (text, expected) in [
        (r#"a 'b c' "d $e" f\ g"#, r"a|b c|d $e|f g"),
        (r#"a "\"" "\n" '\n' $'x\ty'"#, r#"a|"|\n|\n|x\ty"#),
        ("a \"b\"c'd'", "a|bcd"),
        ("a $1b $? ${x} $ x$", "a|$1b|$?|${x}|$|x$"),
        ("a !(b|c) @(d)", "a|!(b|c)|@(d)"),
        ("a ''", "a|"),
        ("a \"open b", "a|open b"),
        ("a $(open b", "a|$(open b"),
    ] {
        assert_eq!(calls(text)[0], expected, "{text}");
    }
}

#[test]
fn redirections_are_no_arguments() {
    let script = script("a 2>&1 >/dev/null b <<< c &> d 3< e");
    let call = script.calls()[0];
    let words: Vec<_> = call.words.iter().map(|word| word.text.as_str()).collect();
    assert_eq!(words, ["a", "b"]);
    let redirects: Vec<_> =
        call.simple.redirects.iter().map(|one| (one.operator, one.target.text.as_str())).collect();
    assert_eq!(redirects, [(">&", "1"), (">", "/dev/null"), ("<<<", "c"), ("&>", "d"), ("<", "e")]);
}

#[test]
fn heredocs_are_no_commands() {
    assert_eq!(calls("cat <<EOF > x && a\nb && c\nEOF\n"), ["cat", "a"]);
    let file = SourceFile::new("Dockerfile", "RUN <<EOF\na b\nif c; then\n  d\nfi\nEOF\n");
    let script = of(&file);
    let found = script.calls();
    assert_eq!(found.iter().map(super::Call::name).collect::<Vec<_>>(), ["a", "c", "d"]);
    assert_eq!(file.slice(script.place(found[2].span())), "d");
    let file = SourceFile::new("Dockerfile", "RUN <<-EOF\n\t#!/usr/bin/env bash\n\ta b\n\tEOF\n");
    let script = of(&file);
    assert_eq!(script.interpreter.as_deref(), Some("/usr/bin/env bash"));
    assert_eq!(file.slice(script.place(script.calls()[0].span())), "a b");
}

#[test]
fn every_part_knows_its_place_in_the_file() {
    let text = "RUN apt-get update && \\\n  # why\n\n    apt-get install \\\n      'curl' wget\n";
    let file = SourceFile::new("Dockerfile", text);
    let script = of(&file);
    let found = script.calls();
    assert_eq!(file.slice(script.place(found[0].span())), "apt-get update");
    let words: Vec<_> = found[1].words.iter().map(|word| file.slice(script.place(word.span))).collect();
    assert_eq!(words, ["apt-get", "install", "'curl'", "wget"]);
    assert!(script.is_verbatim(&file, found[1].words[2].span));
    assert!(!script.is_verbatim(&file, found[1].span()));
}

#[test]
fn exec_form_is_one_command() {
    let file = SourceFile::new("Dockerfile", "RUN [\"apt-get\", \"install\", \"a && b\"]");
    let script = of(&file);
    assert!(script.is_exec);
    assert_eq!(script.calls()[0].arguments()[1].text, "a && b");
    assert_eq!(script.place(Span::new(0, 0)), Span::new(4, 36));
}

#[test]
fn flags_and_operands_are_told_apart() {
    let script =
        script("apt-get -qqy install --no-install-recommends -t trixie --target-release=x a=1 -- -b");
    let call = script.calls()[0];
    assert!(call.is("apt-get", &["install"]) && !call.is("apt-get", &["update"]));
    assert_eq!(call.count_flag("q"), 2);
    assert!(call.has_flag(&["y"]) && call.has_flag(&["no-install-recommends"]) && !call.has_flag(&["b"]));
    let operands: Vec<_> = call.operands_without(&["t"]).iter().map(|word| word.text.as_str()).collect();
    assert_eq!(operands, ["install", "a=1", "-b"]);
    assert_eq!(call.flag_value(&["t"]), Some("trixie"));
    assert_eq!(call.flag_value(&["target-release"]), Some("x"));
}

#[test]
fn pipelines_and_joints_are_kept() {
    let script = script("a | b && c || d; e");
    let joints: Vec<_> = script.list.items.iter().map(|item| item.joint).collect();
    assert_eq!(joints, [Joint::Start, Joint::And, Joint::Or, Joint::Then]);
    assert_eq!(script.list.items[0].pipeline.commands.len(), 2);
    assert!(matches!(script.list.items[0].pipeline.commands[1], Command::Simple(_)));
}

#[test]
fn nothing_makes_it_stop_or_run_forever() {
    for part in [
        "(",
        "$(",
        "{ ",
        "`",
        "if ",
        "case x in ",
        "\"$(",
        "<(",
        "((",
        "$((",
        "${",
        "<<a\n",
        "f()",
        "[[ ",
        ")",
        ";;",
        "'",
        "\\",
        "&",
        "|",
        "é\\",
    ] {
        let text = part.repeat(3000);
        let _any_result_will_do = super::parser::parse(&text);
        let _any_result_will_do = super::parser::parse(&format!("a {text} b"));
    }
}

#[test]
fn what_is_open_inside_of_braces_ends_with_them() {
    assert_eq!(calls("echo ${a:-$(ls} && rm x"), ["echo|${a:-$(ls}", "ls", "rm|x"]);
    // The last character has several bytes.
    assert_eq!(calls("echo ${a:-$(ls é").len(), 2);
}

proptest! {
    #[test]
    fn every_span_lies_in_the_text(text in "(RUN )?[a-c \\\\\n\t'\"$(){}`|&;<>#=!é\\[\\]-]{0,60}") {
        let list = super::parser::parse(&text);
        let script = Script { list, text: text.clone(), ..Script::default() };
        for call in script.calls() {
            for word in call.words {
                prop_assert!(text.get(word.span.range()).is_some());
            }
            prop_assert!(text.get(call.span().range()).is_some());
        }
    }
}
