//! Whatever a file system can hold comes through steps, copies, layers and outputs as it is.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::support::{Archive, Kind, Lab, from_gzip, is_root};

#[test]
fn paths_of_many_long_names_are_copied_and_kept() {
    let lab = Lab::new();
    let name = "d".repeat(250);
    lab.dockerfile(&format!(
        "FROM base AS made\n\
         RUN mkdir /deep && cd /deep && for i in $(seq 15); do mkdir {name} && cd {name} || exit 1; done; echo bottom > file\n\
         FROM base\nCOPY --from=made /deep /copied\nRUN find /copied | wc -l\n"
    ));
    let outcome = lab.build().ok();
    let files = outcome.image().files();
    let longest = files.keys().max_by_key(|path| path.len()).unwrap();
    assert!(longest.len() > 3_700 && longest.ends_with(b"/file"), "{}", longest.len());
    outcome.assert_logged("17");
    assert_eq!(lab.build().ok().steps_run(), 0);
}

#[test]
fn two_hundred_layers_are_one_file_system() {
    let lab = Lab::new();
    let mut steps = String::new();
    for number in 0..200 {
        writeln!(steps, "COPY <<N /n/{number}\n{number}\nN").unwrap();
    }
    lab.dockerfile(&format!(
        "{steps}RUN rm /n/0 && ls /n | wc -l && cat /n/199\nFROM scratch\nCOPY --from=base /n/1 /one\n"
    ));
    let outcome = lab.build().ok();
    assert_eq!(outcome.log(), ["199", "199"]);
    assert_eq!(outcome.image().file("one").text(), "1\n");
}

#[test]
fn a_sparse_file_takes_no_room_in_the_store() {
    let lab = Lab::new();
    lab.dockerfile(
        "FROM base AS made\nRUN dd if=/dev/zero of=/sparse bs=1M seek=300 count=1 2>/dev/null\n\
         FROM scratch\nCOPY --from=made /sparse /\n",
    );
    lab.build().ok();
    let kept = allocated(&lab.store());
    assert!(kept < 40 << 20, "the store takes {kept} bytes");
}

/// Bytes that a directory's files take on the disk.
fn allocated(directory: &Path) -> u64 {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| match entry.file_type().unwrap() {
            kind if kind.is_dir() => allocated(&entry.path()),
            _ => entry.metadata().unwrap().blocks() * 512,
        })
        .sum()
}

#[test]
fn file_capabilities_come_through_archives_stages_and_outputs() {
    if !is_root("file_capabilities_come_through_archives_stages_and_outputs") {
        return;
    }
    let lab = Lab::new();
    // CAP_NET_BIND_SERVICE, permitted and effective (capabilities(7), version 2).
    let value = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let name = b"SCHILY.xattr.security.capability";
    // A record begins with its own length in decimal digits (pax, "Extended Header").
    let length = "57 ".len() + name.len() + "=".len() + value.len() + "\n".len();
    let record = [format!("{length} ").as_bytes(), name, b"=", &value, b"\n"].concat();
    assert_eq!(record.len(), length);
    let mut archive = Archive::default();
    archive.entry("header", b'x', 0o644, "", &record).file("program", "x");
    lab.write("program.tar", archive.finish());
    lab.dockerfile("FROM base AS first\nADD program.tar /\nFROM base\nCOPY --from=first /program /second\n");
    let out = lab.beside("out");
    lab.build().args(["--output".to_owned(), format!("type=local,dest={}", out.display())]).ok();
    let mut found = [0; 32];
    let length = rustix::fs::getxattr(out.join("second"), "security.capability", &mut found).unwrap();
    assert_eq!(found[..length], value);
    let image = lab.build().ok();
    let attributes = pax_records(&lab, &image.digest());
    assert!(
        attributes.iter().any(|(path, key, kept)| {
            path.ends_with("second") && key == "SCHILY.xattr.security.capability" && *kept == value
        }),
        "{attributes:?}"
    );
}

/// The extended headers of all layers of an image: path, key, value.
fn pax_records(lab: &Lab, digest: &str) -> Vec<(PathBuf, String, Vec<u8>)> {
    let blob = |digest: &str| {
        let hex = digest.strip_prefix("sha256:").unwrap();
        std::fs::read(lab.store().join("blobs-v0/sha256").join(hex)).unwrap()
    };
    let manifest: serde_json::Value = serde_json::from_slice(&blob(digest)).unwrap();
    let mut found = Vec::new();
    for layer in manifest["layers"].as_array().unwrap() {
        let tar = from_gzip(&blob(layer["digest"].as_str().unwrap()));
        let mut archive = tar::Archive::new(tar.as_slice());
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().into_owned();
            let Some(extensions) = entry.pax_extensions().unwrap() else { continue };
            for extension in extensions {
                let extension = extension.unwrap();
                found.push((
                    path.clone(),
                    extension.key().unwrap().to_owned(),
                    extension.value_bytes().to_vec(),
                ));
            }
        }
    }
    found
}

#[test]
fn devices_and_pipes_of_a_step_are_in_its_layer() {
    if !is_root("devices_and_pipes_of_a_step_are_in_its_layer") {
        return;
    }
    let lab = Lab::new();
    lab.dockerfile("RUN mknod /null c 1 3 && mkfifo /pipe && chmod 600 /pipe\nRUN ls -l /null | cut -c1\n");
    let outcome = lab.build().ok();
    let image = outcome.image();
    let kind = |path: &str| match image.file(path).kind {
        Kind::Other(kind) => kind,
        other => panic!("{other:?}"),
    };
    assert_eq!((kind("null"), kind("pipe")), (b'3', b'6'));
    assert_eq!(image.file("pipe").mode, 0o600);
    assert_eq!(outcome.log(), ["c"]);
}

#[test]
fn a_name_may_have_any_byte_but_a_slash() {
    let lab = Lab::new();
    let odd: Vec<u8> = (1..=255).filter(|byte| *byte != b'/').collect();
    // Short enough for the plain field of a tar: its other readers split the long form at line feeds.
    for part in odd.chunks(80) {
        lab.write(Path::new("odd").join(OsStr::from_bytes(part)), "x");
    }
    lab.dockerfile("COPY odd /odd\nRUN cat /odd/*; rm /odd/*; ls /odd | wc -l\n");
    let outcome = lab.build().ok();
    outcome.assert_logged("xxxx0");
    let out = lab.beside("archive.tar");
    lab.dockerfile("FROM scratch\nCOPY odd /\n");
    lab.build().args(["--output".to_owned(), format!("type=tar,dest={}", out.display())]).ok();
    let mut bytes = Vec::new();
    std::fs::File::open(out).unwrap().read_to_end(&mut bytes).unwrap();
    let mut archive = tar::Archive::new(bytes.as_slice());
    let names: Vec<_> =
        archive.entries().unwrap().map(|entry| entry.unwrap().path_bytes().into_owned()).collect();
    for part in odd.chunks(80) {
        assert!(names.iter().any(|name| name.ends_with(part)), "{names:?}");
    }
}
