//! Properties that hold for every input.

use plimsoll_dockerfile::{
    CommandForm, Healthcheck, Heredoc, Instruction, InstructionKind, Mount, Pairs, Parsed, Source,
    SourceFile, Span, Spanned, Transfer, detect_syntax, glob, ignore::IgnoreFile, parse, words,
};
use proptest::prelude::*;

/// Collects every place of a parsed file.
#[derive(Default)]
struct Places(Vec<Span>);

impl Places {
    fn of(parsed: &Parsed) -> Vec<Span> {
        let mut places = Self::default();
        for diagnostic in &parsed.diagnostics {
            places.0.extend(diagnostic.span);
            places.0.extend(diagnostic.labels.iter().map(|label| label.span));
        }
        let file = &parsed.dockerfile;
        places.0.extend(file.comments.iter().map(|comment| comment.span));
        for directive in &file.directives {
            places.0.extend([directive.span, directive.name.span, directive.value.span]);
        }
        file.instructions.iter().for_each(|instruction| places.instruction(instruction));
        places.0
    }

    fn one<T>(&mut self, value: &Spanned<T>) {
        self.0.push(value.span);
    }

    fn all<'a, T: 'a>(&mut self, values: impl IntoIterator<Item = &'a Spanned<T>>) {
        values.into_iter().for_each(|value| self.one(value));
    }

    fn heredoc(&mut self, heredoc: &Heredoc) {
        self.0.extend([heredoc.name.span, heredoc.body.span, heredoc.terminator]);
    }

    fn pairs(&mut self, pairs: &Pairs) {
        self.all(pairs.pairs.iter().flat_map(|pair| [&pair.key, &pair.value]));
    }

    fn transfer(&mut self, transfer: &Transfer) {
        for source in &transfer.sources {
            match source {
                Source::Path(path) => self.one(path),
                Source::Inline(heredoc) => self.heredoc(heredoc),
            }
        }
        self.one(&transfer.destination);
        self.all(transfer.chown.iter().chain(&transfer.chmod).chain(&transfer.excludes));
        self.all(&transfer.link);
    }

    fn instruction(&mut self, instruction: &Instruction) {
        self.0.extend([instruction.span, instruction.keyword.span]);
        self.0.extend(&instruction.empty_continuations);
        match &instruction.kind {
            InstructionKind::From(from) => {
                self.one(&from.image);
                self.all(from.platform.iter().chain(&from.as_keyword).chain(&from.name));
            }
            InstructionKind::Run(run) => {
                self.one(&run.command);
                self.all(run.mounts.iter().chain(&run.network).chain(&run.security).chain(&run.devices));
                run.heredocs.iter().for_each(|heredoc| self.heredoc(heredoc));
            }
            InstructionKind::Cmd(command) | InstructionKind::Entrypoint(command) => self.one(command),
            InstructionKind::Label(pairs) | InstructionKind::Env(pairs) => self.pairs(pairs),
            InstructionKind::Maintainer(text)
            | InstructionKind::User(text)
            | InstructionKind::Workdir(text)
            | InstructionKind::Stopsignal(text) => self.one(text),
            InstructionKind::Expose(words)
            | InstructionKind::Volume(words)
            | InstructionKind::Shell(words) => {
                self.all(words);
            }
            InstructionKind::Add(add) => self.transfer(&add.transfer),
            InstructionKind::Copy(copy) => self.transfer(&copy.transfer),
            InstructionKind::Arg(arguments) => {
                self.all(
                    arguments.iter().flat_map(|argument| argument.default.iter().chain([&argument.name])),
                );
            }
            InstructionKind::Onbuild(onbuild) => self.instruction(&onbuild.instruction),
            InstructionKind::Healthcheck(Healthcheck::Check(check)) => self.one(&check.command),
            InstructionKind::Healthcheck(Healthcheck::None) | InstructionKind::Invalid => {}
        }
    }
}

fn check_places(text: &str) -> Result<(), TestCaseError> {
    let file = SourceFile::new("Dockerfile", text);
    let parsed = parse(&file);
    for place in Places::of(&parsed) {
        prop_assert!(place.start <= place.end, "{place:?}");
        prop_assert!(text.get(place.range()).is_some(), "{place:?} in {text:?}");
    }
    let mut end = 0;
    for instruction in &parsed.dockerfile.instructions {
        prop_assert!(instruction.span.start >= end, "instructions overlap in {text:?}");
        prop_assert!(instruction.span.start <= instruction.keyword.span.start);
        prop_assert!(instruction.keyword.span.end <= instruction.span.end);
        end = instruction.span.end;
    }
    Ok(())
}

/// Text that resembles a Dockerfile.
fn dockerfile() -> impl Strategy<Value = String> {
    let pieces = [
        "FROM",
        "run",
        "COPY",
        "ADD",
        "ENV",
        "ARG",
        "LABEL",
        "ONBUILD",
        "HEALTHCHECK",
        "CMD",
        "SHELL",
        "VOLUME",
        "EXPOSE",
        "USER",
        "a",
        "=",
        "b c",
        "--from=",
        "--mount=type=cache,target=",
        "--link",
        "--",
        "$x",
        "${x:-",
        "}",
        "'",
        "\"",
        "[",
        "]",
        ",",
        "[\"a\"]",
        "<<EOF",
        "<<-'E F'",
        "EOF",
        "E F",
        "\\",
        "`",
        "#",
        "# escape=`",
        "# syntax=x",
        "\n",
        "\n",
        "\n",
        "\\\n",
        "`\n",
        "\r\n",
        " ",
        " ",
        " ",
        "\t",
        "ä",
        "\u{2028}",
        "\u{feff}",
        "\u{a0}",
        "as",
        "NONE",
        "--interval=5s",
        ".",
        "/",
        "AS",
        "😀",
        "\\\r\n",
        "\n\n",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..60).prop_map(|pieces| pieces.concat())
}

/// Matches as the words of the specification say, without any cleverness.
fn slow_match(pattern: &[char], path: &[char]) -> bool {
    match pattern.first() {
        None => path.is_empty(),
        Some('*') => {
            slow_match(&pattern[1..], path)
                || path.first().is_some_and(|first| *first != '/') && slow_match(pattern, &path[1..])
        }
        Some('?') => path.first().is_some_and(|first| *first != '/') && slow_match(&pattern[1..], &path[1..]),
        Some(literal) => path.first() == Some(literal) && slow_match(&pattern[1..], &path[1..]),
    }
}

/// The regular expression that a pattern with `**` stands for, as a backtracking function.
fn slow_match_deep(pattern: &[char], path: &[char]) -> bool {
    if let ['*', '*', rest @ ..] = pattern {
        let rest = if rest.first() == Some(&'/') { &rest[1..] } else { rest };
        if rest.is_empty() {
            return true;
        }
        return slow_match_deep(rest, path)
            || path
                .iter()
                .enumerate()
                .any(|(at, next)| *next == '/' && slow_match_deep(rest, &path[at + 1..]));
    }
    match pattern.first() {
        None => path.is_empty(),
        Some('*') => {
            slow_match_deep(&pattern[1..], path)
                || path.first().is_some_and(|first| *first != '/') && slow_match_deep(pattern, &path[1..])
        }
        Some(literal) => path.first() == Some(literal) && slow_match_deep(&pattern[1..], &path[1..]),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn any_text_is_parsed_with_places_inside_it(text in any::<String>()) {
        check_places(&text)?;
        detect_syntax(&text);
    }

    #[test]
    fn text_like_a_dockerfile_is_parsed_with_places_inside_it(text in dockerfile()) {
        check_places(&text)?;
    }

    #[test]
    fn an_unquoted_word_covers_itself(words in prop::collection::vec("[a-z./]{1,8}", 2..6)) {
        let text = format!("COPY {}", words.join(" \\\n  "));
        let parsed = parse(&SourceFile::new("f", text.as_str()));
        let InstructionKind::Copy(copy) = &parsed.dockerfile.instructions[0].kind else { panic!("no copy") };
        for (source, word) in copy.transfer.sources.iter().zip(&words) {
            let Source::Path(path) = source else { panic!("no path") };
            prop_assert_eq!(&path.value, word);
            prop_assert_eq!(&text[path.span.range()], word);
        }
    }

    #[test]
    fn exec_forms_are_read_as_json_writes_them(arguments in prop::collection::vec(any::<String>(), 0..5)) {
        let text = format!("RUN {}", serde_json::to_string(&arguments).unwrap());
        let parsed = parse(&SourceFile::new("f", text));
        let InstructionKind::Run(run) = &parsed.dockerfile.instructions[0].kind else { panic!("no run") };
        prop_assert_eq!(&run.command.value, &CommandForm::Exec(arguments.into_iter().map(Into::into).collect()));
    }

    #[test]
    fn any_word_is_expanded_or_refused(word in "([$a{}:#%/'\"\\\\<* +?-]|\\PC){0,40}") {
        let lookup = |name: &str| (name.len() < 2).then(|| format!("<{name} *>"));
        let _ = words::expand(&word, '\\', &lookup);
        let _ = words::expand_words(&word, '`', &lookup);
        let _ = words::expand_body(&word, &lookup);
        let _ = Mount::parse(&word, |value| words::expand(value, '\\', &lookup));
    }

    #[test]
    fn single_quotes_keep_everything(text in "[^']*") {
        prop_assert_eq!(words::expand(&format!("'{text}'"), '\\', &|_| None).unwrap(), text);
    }

    #[test]
    fn globs_match_as_specified(pattern in "[ab*?/]{0,8}", path in "[ab/]{0,8}") {
        let expected = slow_match(&pattern.chars().collect::<Vec<_>>(), &path.chars().collect::<Vec<_>>());
        prop_assert_eq!(glob::matches(&pattern, path.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn patterns_match_as_specified(
        parts in prop::collection::vec("[ab*]|\\*\\*|a\\*b|a\\*\\*b|b\\*\\*", 1..5),
        path in prop::collection::vec("[ab]{1,3}", 1..5),
    ) {
        let (pattern, path) = (parts.join("/"), path.join("/"));
        // A pattern that is `**text` only has a meaning of its own, tested elsewhere; this alphabet cannot make one.
        let expected = slow_match_deep(&pattern.chars().collect::<Vec<_>>(), &path.chars().collect::<Vec<_>>());
        prop_assert_eq!(glob::Pattern::new(&pattern).unwrap().matches(path.as_bytes()), expected, "{} {}", pattern, path);
    }

    #[test]
    fn no_kept_file_is_hidden_from_a_walker(
        rules in prop::collection::vec("!?([ab*]|\\*\\*)(/([ab*]|\\*\\*|a\\*\\*b)){0,2}", 1..5),
        path in prop::collection::vec("[ab]{1,2}", 2..5),
    ) {
        let file = IgnoreFile::from_patterns(rules.iter().map(String::as_str)).unwrap();
        let whole = path.join("/");
        if !file.matches(whole.as_bytes()).ignored {
            for depth in 1..path.len() {
                let directory = path[..depth].join("/");
                prop_assert!(
                    !file.matches(directory.as_bytes()).ignored
                        || file.may_contain_exception_below(directory.as_bytes()),
                    "{:?} hides {} at {}", rules, whole, directory
                );
            }
        }
    }

    #[test]
    fn any_ignore_file_is_read(text in "([a*?!/\\[\\]#.\\\\^-]|\n|\\PC){0,60}", path in "\\PC{0,20}") {
        let (file, diagnostics) = IgnoreFile::parse(&text);
        for diagnostic in diagnostics {
            prop_assert!(text.get(diagnostic.span.unwrap().range()).is_some());
        }
        file.matches(path.as_bytes());
        file.may_contain_exception_below(path.as_bytes());
    }
}

#[test]
fn hostile_files_are_read_in_bounded_time() {
    let size = 1 << 17;
    let start = std::time::Instant::now();
    for unit in [
        "a",
        "\\\n",
        "RUN a \\\n",
        "#\n",
        "x\n",
        "<<a ",
        "RUN <<a\n",
        "--a ",
        "ENV a=b ",
        "'",
        "\"",
        "[",
        "${a:-",
        "ONBUILD ",
        "\u{2028}",
        "FROM a\n",
        "COPY <<A b\nA\n",
        "HEALTHCHECK --retries=x CMD a\n",
        "ENV a b=c d\n",
        "[\"a\",",
    ] {
        for head in ["", "RUN ", "COPY ", "ENV a=", "RUN cat <<EOF ", "ARG ", "CMD ["] {
            let text = format!("{head}{}", unit.repeat(size / unit.len()));
            parse(&SourceFile::new("f", text));
        }
    }
    // Unoptimised and on a busy machine; a quadratic step would take minutes.
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}
