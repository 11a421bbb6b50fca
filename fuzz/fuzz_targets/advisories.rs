//! Databases of advisories: everything that a reader does with one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_advisories::{Database, Query};

fuzz_target!(|data: &[u8]| {
    let Ok(database) = Database::from_bytes(data.to_vec(), "fuzz") else { return };
    let own = database.ecosystems().iter().take(8).map(String::as_str);
    let ecosystems: Vec<&str> = own.chain(["npm", "Debian:12", "Red Hat:enterprise_linux:9"]).collect();
    for ecosystem in ecosystems {
        for name in ["example", "example-lib", ""] {
            for version in ["1:2.3-4", "1.0.0", "latest"] {
                let query = Query { ecosystem, name, version, with_summaries: true };
                let _found = database.find(&query);
            }
        }
    }
    let _details = database.details("CVE-2024-1001");
});
