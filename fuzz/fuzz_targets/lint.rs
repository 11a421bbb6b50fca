//! The linter: all rules, the findings shown, and the safe fixes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_diagnostics::{SourceFile, render};
use plimsoll_dockerfile::parse;
use plimsoll_lint::{Options, check, fix, rules};

fn errors(text: &str) -> usize {
    let parsed = parse(&SourceFile::new("Dockerfile", text));
    parsed.diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count()
}

fuzz_target!(|data: &[u8]| {
    let file = SourceFile::new("Dockerfile", String::from_utf8_lossy(data).into_owned());
    let options = Options {
        enable: rules().iter().map(|rule| rule.name.to_owned()).collect(),
        trusted_registries: vec!["*.example".to_owned()],
        strict_labels: true,
        ..Options::default()
    };
    let report = check(&file, &parse(&file).dockerfile, &options);
    for finding in &report.findings {
        if let Some(span) = finding.diagnostic.span {
            let _text = &file.text()[span.range()];
        }
        for edit in finding.diagnostic.fix.iter().flat_map(|fix| &fix.edits) {
            let _text = &file.text()[edit.span.range()];
        }
    }
    if let Some(first) = report.findings.first() {
        let _shown = render(&file, &first.diagnostic, false);
    }
    let fixed = fix(&file, &options);
    assert!(errors(&fixed.text) <= errors(file.text()), "a fixed file parses no worse");
    let again = fix(&SourceFile::new("Dockerfile", fixed.text.clone()), &options);
    assert_eq!(again.text, fixed.text, "a fixed file has nothing left to fix");
});
