//! The word expander: a word, and the value of the variables in it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_dockerfile::words::{Options, Quotes, expand, expand_body, expand_words, process};

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(rest);
    let (word, value) = text.split_once('\0').unwrap_or((&text, "a b/c"));
    let lookup = |name: &str| match name.as_bytes() {
        [b'u', ..] => None,
        [b'e', ..] => Some(String::new()),
        _ => Some(value.to_owned()),
    };
    let escape = if first & 1 == 0 { '\\' } else { '`' };
    let _expanded = expand(word, escape, &lookup);
    let _words = expand_words(word, escape, &lookup);
    let _body = expand_body(word, &lookup);
    for quotes in [Quotes::Remove, Quotes::Keep, Quotes::Literal] {
        let options = Options {
            quotes,
            keep_escapes: first & 2 != 0,
            keep_unset: first & 4 != 0,
            ..Options::new(escape)
        };
        if let Ok(expansion) = process(word, options, &lookup) {
            for found in &expansion.words {
                let _written = &word[found.start..found.end];
            }
        }
    }
});
