//! Which emulators the kernel starts for programs of other processors (admin-guide/binfmt-misc.rst).

use std::fs;
use std::path::{Path, PathBuf};

/// Where the kernel lists what is registered.
const LIST: &str = "/proc/sys/fs/binfmt_misc";

/// Every emulator that is registered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Emulators {
    /// Whether the kernel's list can be seen; if not, nothing is known.
    pub is_mounted: bool,
    /// The emulators, by the name under which they are registered.
    pub list: Vec<Emulator>,
}

/// One emulator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emulator {
    /// The name under which it is registered.
    pub name: String,
    /// The instruction set whose programs it runs, in Go's words.
    pub architecture: String,
    /// The program.
    pub interpreter: PathBuf,
    /// The kernel holds it open (flag F), so that it works inside of a step, which does not see the host's files.
    pub is_held_open: bool,
}

impl Emulators {
    /// Reads the kernel's list.
    pub fn detect() -> Self {
        Self::read(Path::new(LIST))
    }

    fn read(directory: &Path) -> Self {
        let is_mounted = directory.join("status").exists();
        let mut list = Vec::new();
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if matches!(name.as_str(), "status" | "register") {
                continue;
            }
            if let Ok(text) = fs::read_to_string(entry.path())
                && let Some(emulator) = parse(&name, &text)
            {
                list.push(emulator);
            }
        }
        list.sort_by(|a, b| (&a.architecture, &a.name).cmp(&(&b.architecture, &b.name)));
        Self { is_mounted, list }
    }

    /// The emulator of an instruction set that does not work inside of a step, when there is no better one.
    pub fn loose(&self, architecture: &str) -> Option<&Emulator> {
        let mut fitting = self.list.iter().filter(|emulator| emulator.architecture == architecture);
        if fitting.clone().any(|emulator| emulator.is_held_open) { None } else { fitting.next() }
    }
}

/// One entry: `enabled`, `interpreter PATH`, `flags: OCF`, `offset 0`, `magic HEX`, `mask HEX`.
fn parse(name: &str, text: &str) -> Option<Emulator> {
    let mut lines = text.lines();
    if lines.next() != Some("enabled") {
        return None;
    }
    let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
    let magic = value("magic ")?;
    Some(Emulator {
        name: name.to_owned(),
        architecture: architecture(magic)?.to_owned(),
        interpreter: value("interpreter ")?.into(),
        is_held_open: value("flags:").is_some_and(|flags| flags.contains('F')),
    })
}

/// The instruction set in the header of an ELF file (elf(5), `e_machine`), given in hexadecimal digits.
fn architecture(magic: &str) -> Option<&'static str> {
    let bytes: Vec<u8> = (0..magic.len() / 2)
        .map(|place| u8::from_str_radix(magic.get(2 * place..2 * place + 2)?, 16).ok())
        .collect::<Option<_>>()?;
    if bytes.len() < 20 || !bytes.starts_with(b"\x7fELF") {
        return None;
    }
    let (is_64, is_little) = (bytes[4] == 2, bytes[5] == 1);
    let machine = [bytes[18], bytes[19]];
    let machine = if is_little { u16::from_le_bytes(machine) } else { u16::from_be_bytes(machine) };
    Some(match (machine, is_64, is_little) {
        (3, false, true) => "386",
        (62, true, true) => "amd64",
        (40, false, true) => "arm",
        (183, true, true) => "arm64",
        (243, true, true) => "riscv64",
        (21, true, true) => "ppc64le",
        (21, true, false) => "ppc64",
        (22, true, false) => "s390x",
        (258, true, true) => "loong64",
        (8, true, true) => "mips64le",
        (8, true, false) => "mips64",
        (8, false, true) => "mipsle",
        (8, false, false) => "mips",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARM64: &str = "enabled\ninterpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P\nflags: POCF\noffset 0\n\
         magic 7f454c460201010000000000000000000200b700\nmask ffffffffffffff00fffffffffffffffffeffffff\n";

    #[test]
    fn an_emulator_is_known_by_the_header_of_the_programs_it_takes() {
        let emulator = parse("qemu-aarch64", ARM64).unwrap();
        assert_eq!(emulator.architecture, "arm64");
        assert_eq!(emulator.interpreter, Path::new("/usr/libexec/qemu-binfmt/aarch64-binfmt-P"));
        assert!(emulator.is_held_open);
        let big_endian = ARM64
            .replace("7f454c460201010000000000000000000200b700", "7f454c4602020100000000000000000000020016");
        assert_eq!(parse("qemu-s390x", &big_endian).unwrap().architecture, "s390x");
    }

    #[test]
    fn what_is_off_or_no_processor_is_no_emulator() {
        assert_eq!(parse("qemu-aarch64", &ARM64.replace("enabled", "disabled")), None);
        assert_eq!(
            parse(
                "python3.11",
                "enabled\ninterpreter /usr/bin/python3.11\nflags: \noffset 0\nmagic a70d0d0a\n"
            ),
            None
        );
        assert_eq!(parse("jar", "enabled\ninterpreter /usr/bin/jexec\nflags: \nextension .jar\n"), None);
    }

    #[test]
    fn an_emulator_that_is_not_held_open_is_not_seen_in_steps() {
        let held = parse("qemu-aarch64", ARM64).unwrap();
        let loose = parse("qemu-aarch64", &ARM64.replace("POCF", "POC")).unwrap();
        let of = |list: &[Emulator]| Emulators { is_mounted: true, list: list.to_vec() };
        assert_eq!(of(std::slice::from_ref(&loose)).loose("arm64"), Some(&loose));
        assert_eq!(of(&[loose.clone(), held]).loose("arm64"), None);
        assert_eq!(of(std::slice::from_ref(&loose)).loose("riscv64"), None);
    }
}
