//! What a scan reports of a value's place, which files it reads, and that blocks of any size give the same.

use std::io::{self, Read};
use std::sync::LazyLock;

use plimsoll_secrets::{
    Allow, Config, ConfigError, CustomRule, FileFindings, Finding, Scanner, Severity, Skipped,
};
use proptest::prelude::*;

/// One for all tests: its automaton is large.
fn scanner() -> &'static Scanner {
    static SCANNER: LazyLock<Scanner> = LazyLock::new(|| Scanner::new(&Config::default()).unwrap());
    &SCANNER
}

/// A token that no service gave out, put together here so that no scanner of the repository takes it for one.
fn token() -> String {
    ["gh", "p_", "Zk3vQ9sT1mXw7LbR5nYc2HfJ8dGp4VaE6uKo"].concat()
}

fn scan(path: &str, content: &[u8]) -> FileFindings {
    scanner().scan(path, content).unwrap()
}

fn place(finding: &Finding) -> (&str, u64, u64, u64) {
    (&finding.rule, finding.line, finding.column, finding.length)
}

#[test]
fn a_token_has_its_place() {
    let text = format!("one\r\ntwo \u{e4} {} three\r\n", token());
    let found = scan("app/notes.txt", text.as_bytes());
    assert_eq!(found.findings.len(), 1);
    assert_eq!(place(&found.findings[0]), ("github-pat", 2, 8, 40));
    assert_eq!(found.findings[0].excerpt, "ghp_…");
    assert_eq!(found.read_bytes, text.len() as u64);
}

#[test]
fn the_value_is_in_no_output() {
    let found = scan("a", token().as_bytes());
    let shown = format!("{found:?} {}", serde_json::to_string(&found).unwrap());
    assert!(!shown.contains(&token()[8..]), "{shown}");
    let again: FileFindings = serde_json::from_str(&serde_json::to_string(&found).unwrap()).unwrap();
    assert_eq!(again, found);
}

#[test]
fn broken_text_and_long_lines() {
    let mut text = vec![b'x'; 3_000_000];
    text.extend(b" \xff\xc3 ");
    text.extend(token().bytes());
    text.extend(b"\xff\n");
    let found = scan("app/blob", &text);
    assert_eq!(found.findings.iter().map(place).collect::<Vec<_>>(), [("github-pat", 1, 3_000_005, 40)]);
}

#[test]
fn utf_16() {
    let text = format!("line\n\u{1f511} {}\n", token());
    for (mark, big) in [([0xff, 0xfe], false), ([0xfe, 0xff], true)] {
        let units =
            text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() });
        let bytes: Vec<u8> = mark.into_iter().chain(units).collect();
        assert_eq!(
            scan("a.txt", &bytes).findings.iter().map(place).collect::<Vec<_>>(),
            [("github-pat", 2, 6, 40)]
        );
    }
}

#[test]
fn what_is_not_text() {
    let mut binary = b"\x7fELF\0\0password = 'k2#vT9xQ'\0".to_vec();
    binary.extend(token().bytes());
    binary.push(0);
    let found = scan("bin/app", &binary);
    assert_eq!(found.skipped, Some(Skipped::BinaryTokensOnly));
    assert_eq!(found.findings.iter().map(|finding| &*finding.rule).collect::<Vec<_>>(), ["github-pat"]);

    let without = Scanner::new(&Config { binaries: false, ..Config::default() }).unwrap();
    let found = without.scan("bin/app", &binary[..]).unwrap();
    assert_eq!((found.findings.len(), found.skipped), (0, Some(Skipped::Binary)));

    assert_eq!(scan("a", b"\x1f\x8b\x08rest").skipped, Some(Skipped::Compressed));
    assert_eq!(scan("a.png", b"text").skipped, Some(Skipped::MediaName));
}

#[test]
fn files_that_are_not_wanted() {
    let scanner = Scanner::new(&Config { max_size_bytes: Some(100), ..Config::default() }).unwrap();
    assert!(scanner.wants("app/config.yml", 100));
    assert!(!scanner.wants("app/config.yml", 101));
    assert!(!scanner.wants("app/config.yml", 0));
    assert!(!scanner.wants("usr/share/doc/x/README", 10));
    assert_eq!(scanner.skips("usr/share/doc/x/README", 10), Some(Skipped::AllowedPath));
    let all = Scanner::new(&Config { allow_known_paths: false, ..Config::default() }).unwrap();
    assert!(all.wants("usr/share/doc/x/README", 10));
}

#[test]
fn texts_that_are_no_files() {
    let found = scanner().scan_text("env", &format!("API_TOKEN={}", token()));
    assert_eq!(found.iter().map(place).collect::<Vec<_>>(), [("github-pat", 1, 11, 40)]);
    assert_eq!(found[0].path, "env");
    assert!(scanner().scan_text("env", "PATH=/usr/bin:/bin").is_empty());
}

#[test]
fn too_many_findings_end_the_search() {
    let line = format!("{}\n", token());
    let found = scan("a", line.repeat(5000).as_bytes());
    assert_eq!(found.skipped, Some(Skipped::TooManyFindings));
    assert_eq!(found.findings.len(), 1000);
}

#[test]
fn a_faulty_reader_is_an_error() {
    struct Faulty;
    impl Read for Faulty {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("no"))
        }
    }
    assert!(scanner().scan("a", Faulty).is_err());
}

#[test]
fn allowed_findings() {
    let content = token();
    let fingerprint = scan("app/a.txt", content.as_bytes()).findings[0].fingerprint.clone();
    let count = |allow: Allow, path: &str| {
        let config = Config { allow: vec![allow], ..Config::default() };
        Scanner::new(&config).unwrap().scan(path, content.as_bytes()).unwrap().findings.len()
    };
    let by_print = Allow { fingerprint: Some(fingerprint), ..Allow::default() };
    assert_eq!(count(by_print.clone(), "any/where"), 0);
    let by_both = Allow { path: Some("app/*.txt".to_owned()), ..by_print };
    assert_eq!((count(by_both.clone(), "app/a.txt"), count(by_both, "b.txt")), (0, 1));
    let by_rule = Allow { rule: Some("github-pat".to_owned()), ..Allow::default() };
    assert_eq!(count(by_rule, "app/a.txt"), 0);
    let by_path = Allow { path: Some("/app".to_owned()), ..Allow::default() };
    assert_eq!((count(by_path.clone(), "app/a.txt"), count(by_path, "apps/a.txt")), (0, 1));
}

#[test]
fn rules_of_the_user() {
    let rule = |keywords: &[&str]| CustomRule {
        id: "corp-token".to_owned(),
        title: None,
        severity: Severity::Critical,
        keywords: keywords.iter().map(|word| (*word).to_owned()).collect(),
        pattern: "corp:([a-z]{8})".to_owned(),
        entropy: 0.0,
    };
    for keywords in [&["CORP:"][..], &[]] {
        let scanner = Scanner::new(&Config { rules: vec![rule(keywords)], ..Config::default() }).unwrap();
        let text = format!("{}\nx=corp:hgfwqopz;\n", "y".repeat(20_000));
        let found = scanner.scan("a", text.as_bytes()).unwrap().findings;
        assert_eq!(found.iter().map(place).collect::<Vec<_>>(), [("corp-token", 2, 8, 8)], "{keywords:?}");
    }
}

#[test]
fn faults_of_a_configuration() {
    let fault = |config: &Config| Scanner::new(config).err().unwrap();
    let unknown = Config { disable: vec!["no-such-rule".to_owned()], ..Config::default() };
    assert!(matches!(fault(&unknown), ConfigError::UnknownRule { id, .. } if id == "no-such-rule"));
    let empty = Config { allow: vec![Allow::default()], ..Config::default() };
    assert!(matches!(fault(&empty), ConfigError::EmptyAllow { .. }));
    let custom = |id: &str, pattern: &str, keyword: &str| CustomRule {
        id: id.to_owned(),
        title: None,
        severity: Severity::Low,
        keywords: vec![keyword.to_owned()],
        pattern: pattern.to_owned(),
        entropy: 0.0,
    };
    let with = |rule: CustomRule| Config { rules: vec![rule], ..Config::default() };
    assert!(matches!(fault(&with(custom("a", "(", "k"))), ConfigError::Pattern { .. }));
    assert!(matches!(fault(&with(custom("github-pat", "a", "k"))), ConfigError::SameId { .. }));
    assert!(matches!(fault(&with(custom("a", "a", ""))), ConfigError::EmptyKeyword { .. }));
}

#[test]
fn rules_can_be_switched() {
    let text = format!("{}\nDB_PASSWORD=k2#vT9xQ1\n", token());
    let rules = |config: &Config| -> Vec<String> {
        let found = Scanner::new(config).unwrap().scan("a", text.as_bytes()).unwrap().findings;
        found.into_iter().map(|finding| finding.rule).collect()
    };
    assert_eq!(rules(&Config::default()), ["github-pat", "generic-password"]);
    let only = Config { enable: vec!["github-pat".to_owned()], ..Config::default() };
    assert_eq!(rules(&only), ["github-pat"]);
    let without = Config { disable: vec!["github-pat".to_owned()], ..Config::default() };
    assert_eq!(rules(&without), ["generic-password"]);
}

/// Gives a few bytes at a time.
struct Trickle<'a>(&'a [u8], usize);

impl Read for Trickle<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.0.len().min(into.len()).min(self.1);
        into[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

/// Pieces of files: fillers of any length, and things that rules look at.
fn piece() -> impl Strategy<Value = String> {
    let key = [
        "-----BEGIN RSA PRIV",
        "ATE KEY-----\n",
        &"MIIEq7Zx".repeat(9),
        "\n",
        &"p0Lk".repeat(16),
        "\n-----END",
    ]
    .concat();
    prop_oneof![
        (0..30_000_usize).prop_map(|count| "lorem ipsum dolor ".repeat(count / 18)),
        (0..2000_usize).prop_map(|count| "\n".repeat(count)),
        "[ -~\n]{0,80}",
        Just(token()),
        Just(format!(" {} ", token())),
        Just(key),
        Just("password = \"k2#vT9xQ1\"\n".to_owned()),
        Just("postgres://u:k2vT9xQ1@db/x\n".to_owned()),
        Just("password = \"".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn blocks_of_any_size_give_the_same(pieces in prop::collection::vec(piece(), 0..20), block in 0..90_000_usize, step in 1..9000_usize) {
        let text = pieces.concat();
        let whole = scanner().scan("a", text.as_bytes()).unwrap();
        let cut = scanner().scan_in_blocks(block, "a", Trickle(text.as_bytes(), step)).unwrap();
        prop_assert_eq!(whole, cut);
    }

    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..4000), name in "(a|\\.npmrc|\\.netrc|a\\.json|a\\.yaml|settings\\.xml|\\.pgpass|\\.env)") {
        let found = scanner().scan(&name, &bytes[..]).unwrap();
        for finding in found.findings {
            prop_assert!(finding.line > 0 && finding.column > 0 && finding.length > 0);
        }
    }
}
