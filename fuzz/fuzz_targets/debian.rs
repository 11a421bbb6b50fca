//! What a Debian mirror sends: release files, indexes, packages; and the sources that name mirrors.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_compose::{DebianSpec, fuzzing, parse_deb822, parse_sources_list, select};

fuzz_target!(|data: &[u8]| {
    fuzzing::release(data);
    fuzzing::index(data);
    fuzzing::package(data);
    fuzzing::keyring(data);
    let text = String::from_utf8_lossy(data);
    for sources in [parse_deb822(&text), parse_sources_list(&text)].into_iter().flatten() {
        let _archives = select(&sources, "bookworm");
    }
    if let Ok(spec) = DebianSpec::parse(&text) {
        let again = DebianSpec::parse(&spec.to_string()).expect("an address is written as it is read");
        assert_eq!(spec.to_string(), again.to_string());
    }
});
