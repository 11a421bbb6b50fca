//! Links the program statically against glibc, so that one file runs on every Linux of its architecture.
//!
//! `-C target-feature=+crt-static` cannot be given for one crate only, and given for all it breaks procedural macros
//! when the host is the target. So the linker is told the same by hand: a static, position-independent executable,
//! and the C libraries that rustc names as shared ones found as scripts that lead to their archives.

use std::path::Path;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=PLIMSOLL_DYNAMIC");
    let target = env::var("TARGET").unwrap_or_default();
    if !target.ends_with("-linux-gnu") || env::var_os("PLIMSOLL_DYNAMIC").is_some() {
        return;
    }
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR for build scripts");
    let libraries = [
        ("gcc_s", "-l:libgcc_eh.a -l:libgcc.a -l:libc.a"),
        ("c", "-l:libc.a"),
        ("m", "-l:libm.a"),
        ("pthread", "-l:libc.a"),
        ("dl", "-l:libc.a"),
        ("rt", "-l:libc.a"),
        ("util", "-l:libc.a"),
    ];
    for (name, archives) in libraries {
        let script = Path::new(&out).join(format!("lib{name}.so"));
        fs::write(script, format!("GROUP ( {archives} )\n")).expect("OUT_DIR can be written");
    }
    // Both for the program alone: tests are linked as usual.
    println!("cargo:rustc-link-arg-bins=-L{out}");
    println!("cargo:rustc-link-arg-bins=-static-pie");
}
