//! What `ADD` makes of archives that nobody would make by accident.

use crate::support::{Archive, Image, Kind, Lab, Outcome, is_root, plain_user};

/// A root file system with links in it, over which an archive is unpacked.
const OVER: &str = "RUN mkdir -p /usr/lib /usr/abs && echo old > /usr/file && echo lib > /usr/lib/lf && ln -s usr/lib /lib && \
    ln -s /usr/abs /abs && ln -s ../usr/lib /usr/up && ln -s ../../../usr/lib /usr/out && ln -s /usr/file /flink\n\
    ADD a.tar /\n";

fn build(lab: &Lab, archive: &Archive, rest: &str) -> Outcome {
    lab.write("a.tar", archive.finish());
    lab.dockerfile(rest);
    lab.build().run()
}

fn over(fill: impl FnOnce(&mut Archive)) -> Image {
    let (lab, mut archive) = (Lab::new(), Archive::default());
    fill(&mut archive);
    let outcome = build(&lab, &archive, OVER);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    outcome.image()
}

fn refused(fill: impl FnOnce(&mut Archive), words: &str) {
    let (lab, mut archive) = (Lab::new(), Archive::default());
    fill(&mut archive);
    let outcome = build(&lab, &archive, OVER);
    assert_eq!(outcome.code, 1, "{}", outcome.stderr);
    assert!(outcome.stderr.contains(words), "`{words}` is not in\n{}", outcome.stderr);
}

#[test]
fn links_below_the_destination_are_followed_on_the_way() {
    let image = over(|archive| {
        archive.file("lib/a", "a").file("abs/b", "b").file("usr/up/c", "c");
    });
    assert!(image.has("usr/lib/a") && image.has("usr/abs/b") && image.has("usr/lib/c"));
    assert_eq!(image.file("lib").kind, Kind::Symlink("usr/lib".to_owned()));
}

#[test]
fn nothing_is_written_outside_of_the_destination() {
    refused(
        |archive| {
            archive.file("usr/out/f", "x");
        },
        "leads out of the destination",
    );
    refused(
        |archive| {
            archive.file("../f", "x");
        },
        "leads out of the archive",
    );
    refused(
        |archive| {
            archive.file("a/../../f", "x");
        },
        "leads out of the archive",
    );
    refused(
        |archive| {
            archive.symlink("l", "../../etc").file("l/f", "x");
        },
        "leads out of the destination",
    );
    refused(
        |archive| {
            archive.hard_link("h", "../etc/passwd");
        },
        "leads out of the archive",
    );
    refused(
        |archive| {
            archive.symlink("l", "l").file("l/f", "x");
        },
        "too many symbolic links",
    );
    let image = over(|archive| {
        archive.file("/abs2/f", "absolute").file("a/../b", "cleaned").symlink("l", "../../etc/passwd");
    });
    assert_eq!((image.file("abs2/f").text(), image.file("b").text()), ("absolute", "cleaned"));
    assert_eq!(image.file("l").kind, Kind::Symlink("../../etc/passwd".to_owned()));
    assert_eq!(image.file("l").mode, 0o777);
}

#[test]
fn what_is_there_is_replaced_unless_both_are_directories() {
    let image = over(|archive| {
        archive.directory("lib", 0o700).file("lib/own", "own");
        archive.file("flink", "file");
        archive.directory("usr/file", 0o711).file("usr/file/x", "x");
        archive.directory("usr/lib", 0o750);
    });
    assert_eq!((image.file("lib").mode, image.file("lib/own").text()), (0o700, "own"));
    assert_eq!((image.file("flink").text(), image.file("usr/file/x").text()), ("file", "x"));
    assert_eq!((image.file("usr/lib").mode, image.file("usr/lib/lf").text()), (0o750, "lib\n"));
    let image = over(|archive| {
        archive.file("usr", "now a file");
    });
    assert_eq!(image.file("usr").text(), "now a file");
    assert!(!image.has("usr/lib"));
    // A directory, then a file, then a directory again: nothing of the first one comes back.
    let lab = Lab::new();
    let mut archive = Archive::default();
    archive.file("usr", "x").directory("usr", 0o755).file("usr/new", "new");
    let outcome = build(&lab, &archive, &format!("{OVER}RUN ls /usr\n"));
    assert_eq!(outcome.log(), ["new"], "{}", outcome.stderr);
    let image = over(|archive| {
        archive.file("f", "1").directory("f", 0o700).file("f/x", "x").file("g/y", "y").file("g", "2");
    });
    assert_eq!((image.file("f/x").text(), image.file("g").text()), ("x", "2"));
}

#[test]
fn hard_links_name_files_of_the_archive_and_of_the_image() {
    let image = over(|archive| {
        archive.file("z", "z").hard_link("a", "z").hard_link("/m", "./z");
        archive.symlink("s", "z").hard_link("t", "s");
        archive.hard_link("second", "usr/lib/lf").hard_link("third", "lib/lf");
    });
    assert_eq!(image.file("a").text(), "z");
    assert_eq!(image.file("m").kind, Kind::HardLink("a".to_owned()));
    assert_eq!(image.file("z").kind, Kind::HardLink("a".to_owned()));
    assert_eq!(image.file("t").kind, Kind::Symlink("z".to_owned()));
    assert_eq!(image.file("second").text(), "lib\n");
    assert_eq!(image.file("usr/lib/lf").kind, Kind::HardLink("second".to_owned()));
    refused(
        |archive| {
            archive.hard_link("h", "nothing");
        },
        "names `/nothing`",
    );
    refused(
        |archive| {
            archive.file("f", "x").hard_link("f", "f");
        },
        "which is no file",
    );
    refused(
        |archive| {
            archive.hard_link("h", "usr/lib");
        },
        "which is no file",
    );
    // A name whose first one is replaced keeps the bytes.
    let image = over(|archive| {
        archive.file("f", "old").hard_link("h", "f").file("f", "new");
    });
    assert_eq!((image.file("f").text(), image.file("h").text()), ("new", "old"));
}

#[test]
fn an_archive_ends_with_its_end_mark() {
    let lab = Lab::new();
    let mut archive = Archive::default();
    archive.file("f", "f");
    let mut bytes = archive.finish();
    bytes.extend_from_slice(b"anything");
    lab.write("a.tar", &bytes);
    lab.dockerfile("ADD a.tar /x/\n");
    assert!(lab.build().ok().image().has("x/f"));
    // Without it, it ends with the last content.
    lab.write("a.tar", &bytes[..513]);
    assert!(lab.build().ok().image().has("x/f"));
    lab.write("a.tar", &bytes[..1024]);
    assert!(lab.build().ok().image().has("x/f"));
    lab.write("a.tar", [&bytes[..1024], &[1; 600]].concat());
    assert!(lab.build().fails(1).stderr.contains("is not valid"));
}

#[test]
fn unknown_types_are_refused_and_devices_and_pipes_are_kept() {
    for kind in [b'7', b'V', b'Z'] {
        refused(
            |archive| {
                archive.entry("f", kind, 0o644, "", b"");
            },
            "unknown tar type",
        );
    }
    let devices = |archive: &mut Archive| {
        archive.entry("null", b'3', 0o666, "", b"").entry("pipe", b'6', 0o600, "", b"");
    };
    let image = over(devices);
    assert_eq!(image.file("null").kind, Kind::Other(b'3'));
    assert_eq!(image.file("pipe").kind, Kind::Other(b'6'));
    if !is_root("unknown_types_are_refused_and_devices_and_pipes_are_kept") {
        return;
    }
    // Without root the disk cannot hold a device; the layer has it all the same.
    let (lab, mut archive) = (Lab::of(Some(plain_user())), Archive::default());
    devices(&mut archive);
    let outcome = build(&lab, &archive, "ADD a.tar /\n");
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert_eq!(outcome.image().file("null").kind, Kind::Other(b'3'));
}

#[test]
fn names_of_whiteouts_are_names() {
    let (lab, mut archive) = (Lab::new(), Archive::default());
    archive.file("kept", "kept").file(".wh.kept", "").file(".wh..wh..opq", "");
    lab.write("a.tar", archive.finish());
    lab.dockerfile("ADD a.tar /\nRUN ls -a / | grep -c wh\n");
    let target = lab.beside("root.tar");
    let outcome = lab.build().arg("--output").arg(format!("type=tar,dest={}", target.display())).run();
    outcome.assert_logged("2");
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    // A layer cannot say it: its readers would take a file away.
    let outcome = lab.build().fails(2);
    assert!(outcome.stderr.contains("mean removal in a layer"), "{}", outcome.stderr);
}

#[test]
fn a_bomb_stops_at_the_limit_of_the_store() {
    let lab = Lab::new();
    let mut archive = Archive::default();
    archive.file("zeros", "");
    lab.dockerfile("ADD a.tar.gz /\n");
    // Three hundred megabytes of zeros in one.
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut block = archive.finish()[..512].to_vec();
    block[124..136].copy_from_slice(format!("{:011o}\0", 300 << 20).as_bytes());
    block[148..156].copy_from_slice(b"        ");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    std::io::Write::write_all(&mut gzip, &block).unwrap();
    let zeros = vec![0; 1 << 20];
    for _ in 0..300 {
        std::io::Write::write_all(&mut gzip, &zeros).unwrap();
    }
    lab.write("a.tar.gz", gzip.finish().unwrap());
    let config = lab.beside("config.toml");
    std::fs::write(&config, "[store]\nmax-size = \"100MB\"\n").unwrap();
    let outcome = lab.build().arg("--config").arg(&config).run();
    assert_ne!(outcome.code, 0);
    assert!(outcome.stderr.contains("store.max-size"), "{}", outcome.stderr);
}

#[test]
fn an_archive_stops_at_the_number_of_entries_that_is_set() {
    let lab = Lab::new();
    let mut archive = Archive::default();
    for name in ["a", "b", "c"] {
        archive.file(name, "");
    }
    lab.write("a.tar", archive.finish());
    lab.write("Dockerfile", "FROM scratch\nADD a.tar /\n");
    let config = lab.beside("config.toml");
    let build = |entries: u64| {
        std::fs::write(&config, format!("[store]\nmax-archive-entries = {entries}\n")).unwrap();
        lab.build().arg("--config").arg(&config).run()
    };
    let outcome = build(2);
    assert_eq!(outcome.code, 1, "{}", outcome.stderr);
    for part in ["Dockerfile:2:1", "more than 2 entries", "`store.max-archive-entries`"] {
        assert!(outcome.stderr.contains(part), "{part}: {}", outcome.stderr);
    }
    assert_eq!(build(3).code, 0);
    let outcome = build(20_000_001);
    assert_eq!(outcome.code, 2, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("from 1 to 20000000"), "{}", outcome.stderr);
}
