//! A file of more than 8 GiB, which is more than a tar header holds in octal digits, on every way through the program.
//!
//! It is one hole but for its last bytes, so that it takes no disk. The tests take minutes and a release build, and run
//! when they are asked for only: `cargo test --release -p plimsoll --test main -- --ignored large_files`.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use plimsoll_registry::testing::TestRegistry;

use crate::support::Lab;

const SIZE: u64 = (1 << 33) + 3;
const LAST: &[u8] = b"end";
/// The most memory that a build may take, in KiB.
const MOST_MEMORY: u64 = 150 << 10;

fn lab() -> Lab {
    let lab = Lab::new();
    write_large(&lab.path("large"));
    lab.write("Dockerfile", "FROM scratch\nCOPY large /\n");
    lab
}

fn write_large(path: &Path) {
    let mut file = File::create(path).unwrap();
    file.set_len(SIZE).unwrap();
    file.seek(SeekFrom::End(-3)).unwrap();
    file.write_all(LAST).unwrap();
}

/// Runs a command to its end; it must succeed within its memory. What it writes goes to `read`.
fn run(mut command: Command, what: &str, read: impl FnOnce(&mut dyn Read)) {
    let started = Instant::now();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let status = format!("/proc/{}/status", child.id());
    let (ended, watching) = std::sync::mpsc::channel::<()>();
    let watch = std::thread::spawn(move || {
        // The mark only grows: the last reading before the end is the peak.
        let mut peak = 0;
        while watching
            .recv_timeout(std::time::Duration::from_millis(5))
            .is_err_and(|e| e == std::sync::mpsc::RecvTimeoutError::Timeout)
        {
            let text = std::fs::read_to_string(&status).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let mark = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
            peak = peak.max(mark.unwrap_or(0));
        }
        peak
    });
    let errors = std::thread::spawn(move || {
        let mut text = String::new();
        stderr.read_to_string(&mut text).unwrap();
        text
    });
    read(&mut stdout);
    let status = child.wait().unwrap();
    drop(ended);
    let peak = watch.join().unwrap();
    assert!(status.success(), "{what}: {}", errors.join().unwrap());
    eprintln!("{what}: {:.1} s, {} MiB", started.elapsed().as_secs_f64(), peak >> 10);
    assert!(peak > 0 && peak < MOST_MEMORY, "{what}: {peak} KiB");
}

fn build(lab: &Lab, arguments: &[&str]) -> Command {
    let mut command = lab.command(&["build", "--quiet"]);
    command.args(arguments).arg(lab.context());
    command
}

fn to_its_end(reader: &mut dyn Read) {
    std::io::copy(reader, &mut std::io::sink()).unwrap();
}

/// The sizes of the entries, each with the last bytes of its content.
fn entries(reader: &mut dyn Read) -> Vec<(u64, Vec<u8>)> {
    let mut archive = tar::Archive::new(reader);
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let (mut size, mut last) = (0, Vec::new());
        let mut buffer = vec![0; 1 << 20];
        loop {
            let count = entry.read(&mut buffer).unwrap();
            if count == 0 {
                return (size, last);
            }
            size += count as u64;
            last.extend_from_slice(&buffer[..count]);
            last.drain(..last.len().saturating_sub(LAST.len()));
        }
    });
    entries.collect()
}

#[test]
#[ignore = "takes minutes"]
fn a_large_file_goes_to_every_destination() {
    let lab = lab();
    let path = |name: &str| lab.beside(name).to_str().unwrap().to_owned();
    run(build(&lab, &[]), "COPY", to_its_end);
    for kind in ["oci", "docker"] {
        let output = format!("type={kind},dest={}", path(kind));
        run(build(&lab, &["-o", &output]), kind, to_its_end);
        assert!(std::fs::metadata(lab.beside(kind)).unwrap().len() < 64 << 20);
    }
    let mut found = Vec::new();
    run(build(&lab, &["-o", "type=tar,dest=-"]), "tar", |stdout| found = entries(stdout));
    assert_eq!(found, [(SIZE, LAST.to_vec())]);

    run(build(&lab, &["-o", &path("out")]), "local", to_its_end);
    let written = lab.beside("out").join("large");
    let metadata = std::fs::metadata(&written).unwrap();
    assert_eq!(metadata.len(), SIZE);
    assert!(metadata.blocks() * 512 < 64 << 20, "holes stay holes");
    let mut file = File::open(&written).unwrap();
    file.seek(SeekFrom::End(-3)).unwrap();
    let mut last = Vec::new();
    file.read_to_end(&mut last).unwrap();
    assert_eq!(last, LAST);

    let registry = TestRegistry::start().unwrap();
    let name = format!("{}/large:1", registry.host());
    run(build(&lab, &["-t", &name, "--push"]), "push", to_its_end);
    let other = Lab::new();
    run(other.command(&["pull", &name]), "pull", to_its_end);
}

#[test]
#[ignore = "takes minutes"]
fn a_large_file_is_added_by_itself_and_out_of_a_sparse_archive() {
    let lab = lab();
    for format in ["gnu", "posix"] {
        let archive = lab.path(format!("{format}.tar"));
        let status = Command::new("tar")
            .args(["--sparse", &format!("--format={format}"), "-cf"])
            .arg(&archive)
            .arg("large")
            .current_dir(lab.context())
            .status();
        assert!(status.unwrap().success());
    }
    for source in ["large", "gnu.tar", "posix.tar"] {
        lab.write("Dockerfile", format!("FROM scratch\nADD {source} /\n"));
        let mut found = Vec::new();
        let output = ["-o", "type=tar,dest=-"];
        run(build(&lab, &output), &format!("ADD {source}"), |stdout| found = entries(stdout));
        assert_eq!(found, [(SIZE, LAST.to_vec())], "{source}");
    }
}
