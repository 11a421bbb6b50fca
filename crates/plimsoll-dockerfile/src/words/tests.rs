use super::*;

fn lookup(name: &str) -> Option<String> {
    let value = match name {
        "a" => "value",
        "empty" => "",
        "path" => "/usr/local/lib/x.tar.gz",
        "list" => "80 443/tcp  ",
        "quoted" => "it's \"q\" $a",
        "1" => "one",
        "lines" => "ab\ncd",
        _ => return None,
    };
    Some(value.to_owned())
}

fn ok(word: &str) -> String {
    expand(word, '\\', &lookup).unwrap_or_else(|error| panic!("{word}: {error}"))
}

fn kind(word: &str) -> WordErrorKind {
    expand(word, '\\', &lookup).expect_err(word).kind
}

#[test]
fn plain_words_stay_as_they_are() {
    assert_eq!(ok("abc ü <x>"), "abc ü <x>");
    assert_eq!(ok(""), "");
}

#[test]
fn quotes_go_and_single_ones_are_literal() {
    assert_eq!(ok(r#"'$a' "$a" x"y"z"#), "$a value xyz");
    assert_eq!(ok(r#"'a\'b"'""#), r"a\b'");
    assert_eq!(ok(r#""a'b" 'c"d'"#), "a'b c\"d");
}

#[test]
fn escapes_outside_of_quotes_always_go() {
    assert_eq!(ok(r"\$a \a \\ \' \ x"), r"$a a \ '  x");
    assert_eq!(ok("a\\"), "a");
}

#[test]
fn escapes_in_double_quotes_go_before_three_characters_only() {
    assert_eq!(ok(r#""\$a \" \\ \n \'""#), r#"$a " \ \n \'"#);
}

#[test]
fn the_escape_character_may_be_a_backtick() {
    assert_eq!(expand(r"c:\dir\`$a`` $a", '`', &lookup).unwrap(), r"c:\dir\$a` value");
}

#[test]
fn variables_are_put_in() {
    assert_eq!(ok("$a/${a}b"), "value/valueb");
    assert_eq!(ok("[$unset][${unset}]"), "[][]");
    assert_eq!(ok("$a-$"), "value-$");
    assert_eq!(ok("$1x $12"), "onex ");
    assert_eq!(ok("a$ b $/"), "a$ b $/");
    assert_eq!(ok("$quoted"), "it's \"q\" $a");
}

#[test]
fn defaults_and_alternatives() {
    assert_eq!(ok("${unset:-d} ${unset-d} ${empty:-d} [${empty-d}] ${a:-d}"), "d d d [] value");
    assert_eq!(ok("[${unset:+d}] [${unset+d}] [${empty:+d}] ${empty+d} ${a:+d}"), "[] [] [] d d");
    assert_eq!(ok("${unset:-${empty:-${a}}}x"), "valuex");
    assert_eq!(ok(r#"${unset:-"a } b"} ${unset:-a\}b}"#), "a } b a}b");
    assert_eq!(ok("${unset:-}"), "");
}

#[test]
fn required_variables() {
    assert_eq!(ok("${a?x} ${a:?x} [${empty?x}]"), "value value []");
    assert_eq!(
        kind("${unset?give $a}"),
        WordErrorKind::Required { name: "unset".to_owned(), message: "give value".to_owned() }
    );
    assert!(matches!(kind("${unset?}"), WordErrorKind::Required { .. }));
    assert!(matches!(kind("${empty:?}"), WordErrorKind::Required { .. }));
}

#[test]
fn prefixes_and_suffixes_are_trimmed() {
    assert_eq!(ok("${path#*/} ${path##*/}"), "usr/local/lib/x.tar.gz x.tar.gz");
    assert_eq!(ok("${path%.*} ${path%%.*}"), "/usr/local/lib/x.tar /usr/local/lib/x");
    assert_eq!(
        ok("${path#/usr/?ocal} ${path#nothing} ${path%}"),
        "/lib/x.tar.gz /usr/local/lib/x.tar.gz /usr/local/lib/x.tar.gz"
    );
    assert_eq!(ok(r"${a#v?} ${a%*} [${a%%*}]"), "lue value []");
}

#[test]
fn text_is_replaced() {
    assert_eq!(ok("${path/lib/bin} ${path//l/L}"), "/usr/local/bin/x.tar.gz /usr/LocaL/Lib/x.tar.gz");
    assert_eq!(ok("${path//\\//-}"), "-usr-local-lib-x.tar.gz");
    assert_eq!(ok("${path/l*l/X} ${a//?/.} ${a/x/y} ${a/a*/}"), "/usr/Xib/x.tar.gz ..... value v");
    assert_eq!(ok("${a///-} [${unset/a/b}]"), "-v-a-l-u-e- []");
    assert_eq!(ok("${a//*/x}"), "x");
    assert_eq!(ok("${lines/*/x}"), "x\ncd");
}

#[test]
fn broken_words_are_refused() {
    assert_eq!(kind("'a"), WordErrorKind::UnclosedQuote { quote: '\'' });
    assert_eq!(kind("b\"a"), WordErrorKind::UnclosedQuote { quote: '"' });
    assert_eq!(expand("b\"a", '\\', &lookup).unwrap_err().offset, 1);
    assert_eq!(kind("${a"), WordErrorKind::UnclosedBrace);
    assert_eq!(kind("${a:-x"), WordErrorKind::UnclosedBrace);
    assert_eq!(kind("${a:"), WordErrorKind::UnclosedBrace);
    assert_eq!(kind("${"), WordErrorKind::UnclosedBrace);
    for bad in ["${}", "${{a}}", "${:-a}"] {
        assert_eq!(kind(bad), WordErrorKind::BadSubstitution, "{bad}");
    }
    assert_eq!(kind("${a^}"), WordErrorKind::UnknownOperator { operator: "^".to_owned() });
    assert_eq!(kind("${a:=x}"), WordErrorKind::UnknownOperator { operator: ":=".to_owned() });
    assert_eq!(kind("${a/x}"), WordErrorKind::MissingSlash);
    assert_eq!(kind("${a/x/y"), WordErrorKind::UnclosedBrace);
    assert_eq!(kind(r"${a#\x}"), WordErrorKind::BadPatternEscape);
}

#[test]
fn words_are_split_after_expansion() {
    let words = |word: &str| expand_words(word, '\\', &lookup).unwrap();
    assert_eq!(words("$list"), ["80", "443/tcp"]);
    assert_eq!(words("\"$list\""), ["80 443/tcp  "]);
    assert_eq!(words("a  b\\ c 'd e'f"), ["a", "b c", "d ef"]);
    assert_eq!(words("$unset"), Vec::<String>::new());
    assert_eq!(words("x$list"), ["x80", "443/tcp"]);
    assert_eq!(words("'' a"), ["a"]);
}

#[test]
fn bodies_keep_their_quotes() {
    assert_eq!(expand_body("'$a' \"${a}\" \\$a it's\n", &lookup).unwrap(), "'value' \"value\" $a it's\n");
}

#[test]
fn unset_variables_are_told_unless_the_word_handles_them() {
    let found = process("$x ${y} ${z:-d} ${w+d} $a ${v#p}", Options::new('\\'), &lookup).unwrap();
    assert_eq!(found.unset.iter().map(String::as_str).collect::<Vec<_>>(), ["v", "x", "y"]);
    assert_eq!(found.used.iter().map(String::as_str).collect::<Vec<_>>(), ["a"]);
    let kept = Options { keep_unset: true, ..Options::new('\\') };
    let text = "$x ${y} ${z:-d} ${v#p} ${u/a/b} ${u//a/b}";
    assert_eq!(process(text, kept, &lookup).unwrap().text, text);
}

#[test]
fn everything_can_be_kept() {
    let options = Options { quotes: Quotes::Keep, keep_escapes: true, ..Options::new('\\') };
    let found = process(r#"a\ b "c \" d" 'e'"#, options, &lookup).unwrap();
    assert_eq!(found.text, r#"a\ b "c \" d" 'e'"#);
    let words: Vec<_> = found.words.iter().map(|word| (word.text.as_str(), word.start, word.end)).collect();
    assert_eq!(words, [(r"a\ b", 0, 4), (r#""c \" d""#, 5, 13), ("'e'", 14, 17)]);
}

#[test]
fn hostile_words_are_refused_quickly() {
    let deep = "${a:+".repeat(10_000) + &"}".repeat(10_000);
    assert_eq!(kind(&deep), WordErrorKind::TooDeep);
    let big = |_: &str| Some("x".repeat(1 << 20));
    let error = expand(&"$x".repeat(100), '\\', &big).unwrap_err();
    assert_eq!(error.kind, WordErrorKind::TooLong);
    let error = expand(&format!("\"{}\"", "$x".repeat(100)), '\\', &big).unwrap_err();
    assert_eq!(error.kind, WordErrorKind::TooLong);
    let error = expand(&format!("${{x//{}/y}}", "a*".repeat(100)), '\\', &big).unwrap_err();
    assert_eq!(error.kind, WordErrorKind::PatternTooLarge);
}
