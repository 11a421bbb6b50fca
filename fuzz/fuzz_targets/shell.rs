//! The shell parser: any text is a script, and everything in it has a place.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_lint::shell::Script;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let script = Script::of_text(&text);
    for call in script.calls() {
        let _name = call.name();
        let _operands = call.operands();
        let _text = &text[call.simple.span.range()];
        for word in &call.simple.words {
            let _text = &text[word.span.range()];
        }
        for redirect in &call.simple.redirects {
            let _text = &text[redirect.target.span.range()];
        }
    }
});
