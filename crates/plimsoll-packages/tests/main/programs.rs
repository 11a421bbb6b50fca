//! Go's and Rust's programs in the formats that their linkers write, made here byte by byte; and real ones where there is a `go`.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Command;

use plimsoll_packages::{Analysis, File, OpenFile, ReadAt, Scope, analyze};

const INFO: &str =
    "path\texample.org/app\nmod\texample.org/app\tv1.4.0\th1:a=\ndep\texample.org/dep\tv0.1.2\th1:b=\n";

fn analysis(analyzer: &str, content: &dyn ReadAt) -> Analysis {
    let file = File { path: b"usr/bin/app", size: content.size(), is_executable: true };
    let mut results = analyze(&file, content).into_iter();
    let result = results.find(|(name, _)| *name == analyzer).expect("the analyzer wants a program");
    result.1.unwrap_or_else(|error| panic!("{analyzer}: {error}"))
}

fn found(analysis: &Analysis) -> Vec<String> {
    let one = |package: &plimsoll_packages::Package| format!("{} {}", package.name, package.version);
    analysis.packages.iter().map(one).collect()
}

/// The list of modules between its sentinels.
fn list() -> Vec<u8> {
    let mut list = b"0w\xaf\x0c\x92t\x08\x02A\xe1\xc1\x07\xe6\xd6\x18\xe6".to_vec();
    list.extend_from_slice(INFO.as_bytes());
    list.extend_from_slice(b"\xf92C1\x86\x18 r\x00\x82B\x10A\x16\xd8\xf2");
    list
}

/// Build information with its texts behind it, as Go 1.18 and later write it.
fn inline() -> Vec<u8> {
    let mut info = b"\xff Go buildinf:\x08\x02".to_vec();
    info.resize(32, 0);
    for text in [b"go1.22.3".as_slice(), &list()] {
        let mut length = text.len();
        while length >= 0x80 {
            info.push(u8::try_from(length & 0x7f).expect("seven bits") | 0x80);
            length >>= 7;
        }
        info.push(u8::try_from(length).expect("seven bits"));
        info.extend_from_slice(text);
    }
    info
}

/// Build information with the addresses of its texts; all of it is loaded at `address`.
fn pointers(address: u32) -> Vec<u8> {
    let list = list();
    let mut info = b"\xff Go buildinf:\x04\x01".to_vec();
    let (version_at, list_at) = (address + 40, address + 64);
    for number in [address + 24, address + 32] {
        info.extend_from_slice(&number.to_be_bytes());
    }
    for number in [version_at, 8, list_at, u32::try_from(list.len()).expect("short")] {
        info.extend_from_slice(&number.to_be_bytes());
    }
    info.extend_from_slice(b"go1.16.5");
    info.resize(64, 0);
    info.extend_from_slice(&list);
    info
}

fn put(bytes: &mut Vec<u8>, at: usize, part: &[u8]) {
    bytes.resize(bytes.len().max(at + part.len()).max(20 << 10), 0);
    bytes[at..at + part.len()].copy_from_slice(part);
}

/// A program of 64-bit ELF with one section of this name.
fn elf(name: &str, section: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    put(&mut bytes, 0, b"\x7fELF\x02\x01\x01");
    put(&mut bytes, 40, &4096u64.to_le_bytes());
    put(&mut bytes, 58, &64u16.to_le_bytes());
    put(&mut bytes, 60, &3u16.to_le_bytes());
    put(&mut bytes, 62, &2u16.to_le_bytes());
    for (index, name, offset, size) in [(1, 1u32, 8192u64, section.len()), (2, 0, 1024, name.len() + 2)] {
        let at = 4096 + 64 * index;
        put(&mut bytes, at, &name.to_le_bytes());
        put(&mut bytes, at + 4, &1u32.to_le_bytes());
        put(&mut bytes, at + 24, &offset.to_le_bytes());
        put(&mut bytes, at + 32, &(size as u64).to_le_bytes());
    }
    put(&mut bytes, 1025, name.as_bytes());
    put(&mut bytes, 8192, section);
    bytes
}

/// A program of 32-bit, big-endian ELF without sections, with one segment for data.
fn stripped_elf(address: u32, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    put(&mut bytes, 0, b"\x7fELF\x01\x02\x01");
    put(&mut bytes, 28, &64u32.to_be_bytes());
    put(&mut bytes, 42, &32u16.to_be_bytes());
    put(&mut bytes, 44, &1u16.to_be_bytes());
    let size = u32::try_from(data.len()).expect("short");
    for (index, number) in [1, 8192, address, 0, size, size, 6].into_iter().enumerate() {
        put(&mut bytes, 64 + 4 * index, &u32::to_be_bytes(number));
    }
    put(&mut bytes, 8192, data);
    bytes
}

fn pe(name: &[u8], data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    put(&mut bytes, 0, b"MZ");
    put(&mut bytes, 60, &128u32.to_le_bytes());
    put(&mut bytes, 128, b"PE\0\0");
    put(&mut bytes, 134, &2u16.to_le_bytes());
    put(&mut bytes, 148, &112u16.to_le_bytes());
    put(&mut bytes, 152, &0x20bu16.to_le_bytes());
    let size = u32::try_from(data.len()).expect("short");
    for (at, name, numbers, flags) in [
        (264, b".text".as_slice(), [512u32, 4096, 512, 1024], 0x6000_0020u32),
        (304, name, [size, 8192, size, 8192], 0xc000_0040),
    ] {
        put(&mut bytes, at, name);
        for (index, number) in numbers.into_iter().enumerate() {
            put(&mut bytes, at + 8 + 4 * index, &number.to_le_bytes());
        }
        put(&mut bytes, at + 36, &flags.to_le_bytes());
    }
    put(&mut bytes, 8192, data);
    bytes
}

fn macho(name: &[u8], data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    put(&mut bytes, 0, &0xfeed_facfu32.to_le_bytes());
    put(&mut bytes, 16, &1u32.to_le_bytes());
    put(&mut bytes, 20, &152u32.to_le_bytes());
    put(&mut bytes, 32, &0x19u32.to_le_bytes());
    put(&mut bytes, 36, &152u32.to_le_bytes());
    put(&mut bytes, 40, b"__DATA");
    put(&mut bytes, 96, &1u32.to_le_bytes());
    put(&mut bytes, 104, name);
    put(&mut bytes, 144, &(data.len() as u64).to_le_bytes());
    put(&mut bytes, 152, &8192u32.to_le_bytes());
    put(&mut bytes, 8192, data);
    bytes
}

fn fat(thin: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    put(&mut bytes, 0, &0xcafe_babeu32.to_be_bytes());
    put(&mut bytes, 4, &1u32.to_be_bytes());
    put(&mut bytes, 16, &4096u32.to_be_bytes());
    put(&mut bytes, 20, &u32::try_from(thin.len()).expect("short").to_be_bytes());
    put(&mut bytes, 4096, thin);
    bytes
}

#[test]
fn go_modules_are_found_in_every_format() {
    let new = ["stdlib 1.22.3", "example.org/app v1.4.0", "example.org/dep v0.1.2"];
    for (what, bytes) in [
        ("ELF", elf(".go.buildinfo", &inline())),
        ("PE", pe(b".data", &[&[0; 4096], inline().as_slice()].concat())),
        ("Mach-O", macho(b"__go_buildinfo", &inline())),
        ("Mach-O for several processors", fat(&macho(b"__go_buildinfo", &inline()))),
    ] {
        assert_eq!(found(&analysis("go-binary", &bytes)), new, "{what}");
    }
    let old = analysis("go-binary", &stripped_elf(0x40_0000, &pointers(0x40_0000)));
    assert_eq!(found(&old), ["stdlib 1.16.5", "example.org/app v1.4.0", "example.org/dep v0.1.2"]);
}

#[test]
fn crates_are_found_in_every_format() {
    let json = br#"{"packages":[{"name":"app","version":"0.1.0","source":"local","root":true,"dependencies":[1,2]},
        {"name":"libc","version":"0.2.1","source":"crates.io"},{"name":"cc","version":"1.0.0","source":"crates.io","kind":"build"},
        {"name":"own","version":"1.0.0","source":"git"}]}"#;
    let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(json).expect("pack");
    let packed = packer.finish().expect("pack");
    for bytes in [elf(".dep-v0", &packed), pe(b".dep-v0", &packed), macho(b".dep-v0", &packed)] {
        let analysis = analysis("rust-binary", &bytes);
        assert_eq!(found(&analysis), ["app 0.1.0", "libc 0.2.1", "cc 1.0.0"]);
        let scopes: Vec<Scope> = analysis.packages.iter().map(|package| package.scope).collect();
        assert_eq!(scopes, [Scope::Project, Scope::Runtime, Scope::Development]);
    }
}

#[test]
fn a_list_of_crates_that_unpacks_to_very_much_is_refused() {
    let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    for _ in 0..64 {
        packer.write_all(&vec![b' '; 1 << 20]).expect("pack");
    }
    let bytes = elf(".dep-v0", &packer.finish().expect("pack"));
    let file = File { path: b"bomb", size: bytes.size(), is_executable: true };
    let errors: Vec<String> = analyze(&file, &bytes)
        .into_iter()
        .filter_map(|(_, result)| result.err())
        .map(|e| e.to_string())
        .collect();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].contains("unpacks to more than"), "{errors:?}");
}

#[test]
fn programs_cut_off_anywhere_do_not_panic() {
    for whole in [
        elf(".go.buildinfo", &inline()),
        stripped_elf(0x40_0000, &pointers(0x40_0000)),
        pe(b".data", &inline()),
        fat(&macho(b"__go_buildinfo", &inline())),
    ] {
        let end = 8192 + 600;
        for length in (0..end).step_by(13).chain([whole.len()]) {
            let mut cut = whole[..length.min(whole.len())].to_vec();
            cut.resize(cut.len().max(16 << 10), 0xff);
            let file = File { path: b"cut", size: cut.size(), is_executable: true };
            analyze(&file, &cut);
        }
    }
}

/// The modules of a program, as Go's own tool lists them.
fn as_go_says(path: &std::path::Path) -> Option<Vec<String>> {
    let output = Command::new("go").args(["version", "-m"]).arg(path).output().ok()?;
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let mut lines = text.lines();
    let mut found = Vec::new();
    let go = lines.next()?.rsplit_once(": go").map(|(_, version)| version.to_owned())?;
    found.push(format!("stdlib {go}"));
    for line in lines {
        let fields: Vec<&str> = line.split('\t').collect();
        match fields[..] {
            ["", "mod" | "dep", path, version, ..] => {
                found.push(format!("{path} {}", version.trim_start_matches("(devel)")));
            }
            ["", "=>", path, version, ..] => {
                let replaced = found.pop().expect("a module before what stands in for it");
                let name = replaced.split(' ').next().expect("its name");
                let is_folder = version.is_empty() || version == "(devel)";
                found.push(if is_folder { format!("{name} ") } else { format!("{path} {version}") });
            }
            _ => {}
        }
    }
    Some(found)
}

#[test]
fn a_real_program_has_what_go_says() {
    if Command::new("go").arg("version").output().is_err() {
        eprintln!("skipped: there is no `go` here");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut paths: Vec<std::path::PathBuf> =
        std::env::var_os("PLIMSOLL_GO_PROGRAMS").iter().flat_map(std::env::split_paths).collect();
    let source = "package main\n\nfunc main() { println(1) }\n";
    std::fs::write(folder.path().join("main.go"), source).expect("write");
    let mut module = String::new();
    writeln!(module, "module example.org/real").expect("write");
    std::fs::write(folder.path().join("go.mod"), module).expect("write");
    let built = Command::new("go")
        .args(["build", "-o", "real", "."])
        .env("GOCACHE", folder.path().join("cache"))
        .env("GOFLAGS", "-mod=mod")
        .env("CGO_ENABLED", "0")
        .current_dir(folder.path())
        .status()
        .expect("run go");
    assert!(built.success());
    paths.push(folder.path().join("real"));
    for path in paths {
        let content = OpenFile::new(std::fs::File::open(&path).expect("open")).expect("its size");
        let said = as_go_says(&path).expect("what go says");
        let found = found(&analysis("go-binary", &content));
        assert_eq!(found.len(), said.len(), "{}", path.display());
        // The linker may have told the program its own version, which `go version` does not show.
        let is_said = |(found, said): (&String, &String)| {
            found == said || (said.ends_with(' ') && found.starts_with(said))
        };
        let other: Vec<_> = found.iter().zip(&said).filter(|pair| !is_said(*pair)).collect();
        assert!(other.is_empty(), "{}: {other:?}", path.display());
    }
}
