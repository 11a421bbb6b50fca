//! What a registry says when it refuses: its text, and the header by which it asks for credentials.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_registry::fuzzing;

fuzz_target!(|data: &[u8]| {
    let split = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    let (header, body) = data.split_at(split);
    fuzzing::challenge(header);
    fuzzing::refusal(&String::from_utf8_lossy(body.get(1..).unwrap_or_default()));
    fuzzing::refusal(&String::from_utf8_lossy(data));
});
