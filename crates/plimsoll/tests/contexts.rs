//! Contexts that are no directories: archives on standard input and from a web server, lone Dockerfiles, layouts.

use std::io::Write;
use std::process::Command;

use crate::support::{Archive, Lab, MODIFIED, Page, Web, is_root, plain_user};

const DOCKERFILE: &str = "FROM scratch\nCOPY . /all/\nADD sub/inner /one\n";

fn archive() -> Vec<u8> {
    let mut archive = Archive::default();
    archive
        .file("Dockerfile", DOCKERFILE)
        .file("./sub/inner", "inner")
        .file("other", "FROM scratch\nCOPY sub /\n");
    archive.file(".dockerignore", "sub\n").finish()
}

/// The same bytes in every form that is recognised.
fn compressed(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bytes).unwrap();
    let pipe = |program: &str| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        Command::new(program).args(["--stdout"]).arg(file.path()).output().unwrap().stdout
    };
    let zstd = zstd::encode_all(bytes, 1).unwrap();
    vec![bytes.to_vec(), gzip.finish().unwrap(), pipe("bzip2"), pipe("xz"), zstd]
}

#[test]
fn an_archive_on_standard_input_is_a_context_in_any_compression() {
    let lab = Lab::new();
    for bytes in compressed(&archive()) {
        assert!(bytes.len() > 100, "a program that compresses is missing");
        let image = lab.build().context("-").stdin(bytes).ok().image();
        assert_eq!(image.file("all/sub/inner").text(), "inner");
        assert_eq!(image.file("one").text(), "inner");
        // Owners are those of the archive, and its ignore file is a file like others.
        assert_eq!((image.file("one").uid, image.file("one").gid), (12, 34));
        assert!(image.has("all/.dockerignore"));
    }
}

#[test]
fn an_archive_at_an_address_is_a_context() {
    let (web, lab) = (Web::start(), Lab::new());
    for bytes in compressed(&archive()) {
        let image = lab.build().context(web.put("any-name", bytes)).ok().image();
        assert_eq!(image.file("all/sub/inner").text(), "inner");
    }
    let build = lab.build().context(web.url("any-name"));
    assert_eq!(build.ok().steps_run(), 0);
    assert!(build.clone().args(["--file", "other"]).ok().image().has("inner"));
    let page = web.put("page", "FROM scratch\nCOPY other /elsewhere\n");
    assert!(build.clone().args(["--file", &page]).ok().image().has("elsewhere"));
    let missing = build.args(["--file", "missing"]).fails(2);
    assert!(missing.stderr.contains("has no file `missing`"), "{}", missing.stderr);
    let gone = lab.build().context(web.url("gone")).fails(2);
    assert!(gone.stderr.contains("404"), "{}", gone.stderr);
}

#[test]
fn a_lone_dockerfile_is_built_without_other_files() {
    let (web, lab) = (Web::start(), Lab::new());
    let image = lab.build().context(web.put("file", "FROM scratch\nCOPY . /\n")).ok().image();
    assert_eq!((image.file("context").mode, image.file("context").mtime), (0o600, MODIFIED.1));
    let nothing = lab.build().context("-").stdin("FROM scratch\nCOPY . /here/\n").ok().image();
    assert!(nothing.has("here"));
    let missing = lab.build().context("-").stdin("FROM scratch\nCOPY file /\n").fails(1);
    assert!(missing.stderr.contains("there is no build context"), "{}", missing.stderr);
}

#[test]
fn standard_input_is_one_thing_only() {
    let lab = Lab::new();
    let both = lab.build().context("-").args(["--file", "-"]).stdin(DOCKERFILE).fails(2);
    assert!(both.stderr.contains("cannot be both"), "{}", both.stderr);
    let two = lab.build().context("-").args(["--file", "x"]).stdin(DOCKERFILE).fails(2);
    assert!(two.stderr.contains("standard input holds no archive"), "{}", two.stderr);
}

#[test]
fn a_file_is_fetched_again_only_when_it_changed() {
    let (web, lab) = (Web::start(), Lab::new());
    let address = format!("{}?x=/y", web.put("a%20b", "old"));
    lab.dockerfile(&format!("ADD {address} /\nADD {} /root/\n", web.put("", "page")));
    let image = lab.build().ok().image();
    let file = image.file("a b");
    assert_eq!((file.text(), file.mode, file.uid, file.mtime), ("old", 0o600, 0, MODIFIED.1));
    assert!(image.has("root/__unnamed__"));
    web.requests();
    assert_eq!(lab.build().ok().steps_run(), 0);
    let requests = web.requests();
    assert!(requests.iter().any(|request| request.path == "/a%20b?x=/y"));
    assert!(requests.iter().all(|request| request.status == 304));
    web.put("a%20b", "new");
    assert_eq!(lab.build().ok().image().file("a b").text(), "new");
}

#[test]
fn a_file_is_named_by_its_address_and_not_by_the_server() {
    let (web, lab) = (Web::start(), Lab::new());
    let headers = vec![("Content-Disposition".to_owned(), "attachment; filename=\"../../evil\"".to_owned())];
    let named = web.page("named", Page { bytes: b"x".to_vec(), headers, ..Page::default() });
    let headers = vec![("Location".to_owned(), web.url("named"))];
    let moved = web.page("moved", Page { headers, ..Page::default() });
    lab.dockerfile(&format!("ADD {named} {moved} /to/\n"));
    let image = lab.build().ok().image();
    assert!(image.has("to/named") && image.has("to/moved") && !image.has("evil"));
}

#[test]
fn what_a_server_compresses_on_the_way_is_what_it_was_before() {
    let (web, lab) = (Web::start(), Lab::new());
    let headers = vec![("Content-Encoding".to_owned(), "gzip".to_owned())];
    let page = Page { bytes: compressed(b"text").swap_remove(1), headers, ..Page::default() };
    let half = Page { bytes: page.bytes[..15].to_vec(), ..page.clone() };
    let (whole, half) = (web.page("whole", page), web.page("half", half));
    lab.dockerfile(&format!("ADD {whole} /to/\n"));
    assert_eq!(lab.build().ok().image().file("to/whole").text(), "text");
    lab.dockerfile(&format!("ADD {half} /to/\n"));
    lab.build().fails(1);
}

#[test]
fn remote_archives_are_unpacked_when_that_is_asked_for() {
    let (web, lab) = (Web::start(), Lab::new());
    let address = web.put("files.tar", archive());
    lab.write("local.tar", archive());
    lab.dockerfile(&format!(
        "ADD {address} /as-it-is/\nADD --unpack {address} /unpacked/\nADD --unpack=false local.tar /local/\n\
         ADD --unpack --chown=5:6 --chmod=700 {address} /owned/\n"
    ));
    let image = lab.build().ok().image();
    assert!(
        image.has("as-it-is/files.tar") && image.has("unpacked/sub/inner") && image.has("local/local.tar")
    );
    let owned = image.file("owned/sub/inner");
    assert_eq!((owned.uid, owned.gid, owned.mode), (5, 6, 0o644));
}

#[test]
fn a_checksum_is_checked() {
    let (web, lab) = (Web::start(), Lab::new());
    let address = web.put("file", "file");
    let right = "sha256:3b9c358f36f0a31b6ad3e14f309c7cf198ac9246e8316f9ce543d5b19ac02b80";
    lab.dockerfile(&format!("ADD --checksum={right} {address} /file\n"));
    lab.build().ok();
    web.requests();
    // What is named by its digest need not be asked for again.
    lab.build().args(["--no-cache"]).ok();
    assert!(web.requests().is_empty());
    lab.dockerfile(&format!("ADD --checksum={} {address} /file\n", right.replace('3', "4")));
    let wrong = lab.build().fails(1);
    assert!(wrong.stderr.contains(right) && wrong.stderr.contains("Dockerfile:5:"), "{}", wrong.stderr);
}

#[test]
fn a_token_opens_a_private_file() {
    let (web, lab) = (Web::start(), Lab::new());
    let authorization = Some("Bearer t0ken".to_owned());
    let address = web.page("file", Page { bytes: b"x".to_vec(), authorization, ..Page::default() });
    lab.dockerfile(&format!("ADD {address} /file\n"));
    assert!(lab.build().fails(1).stderr.contains("401"));
    let secret = format!("id=HTTP_AUTH_TOKEN_127.0.0.1:{},env=TOKEN", web.port());
    lab.build().args(["--secret", &secret]).env("TOKEN", "t0ken").ok();
}

#[test]
fn named_contexts_are_of_every_kind() {
    let (web, lab) = (Web::start(), Lab::new());
    let layout = lab.beside("layout");
    lab.dockerfile("RUN echo layout > /from\n");
    lab.build().args(["--tag", "saved"]).ok();
    let packed = lab.beside("packed.tar");
    lab.build().arg("--output").arg(format!("type=oci,dest={}", packed.display())).ok();
    std::fs::create_dir(&layout).unwrap();
    let unpacked = Command::new("tar").arg("-xf").arg(&packed).arg("-C").arg(&layout).status().unwrap();
    assert!(unpacked.success());
    lab.write("Dockerfile", "FROM laid AS a\nCOPY --from=page . /page/\nRUN cat /from\n");
    let build = lab.build().args(["--build-context", &format!("page={}", web.put("x", archive()))]);
    let laid = format!("laid=oci-layout://{}", layout.display());
    let outcome = build.clone().args(["--build-context", &laid]).ok();
    outcome.assert_logged("layout");
    assert!(outcome.image().has("page/sub/inner"));
    let image = build.clone().args(["--build-context", "laid=docker-image://saved"]).ok().image();
    assert_eq!(image.file("from").text(), "layout\n");
    let host = if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" };
    let one = format!("laid::linux/{host}=docker-image://saved");
    build.clone().args(["--build-context", &one, "--build-context", "laid=nowhere/none"]).fails(2);
    let other = format!("laid={}", lab.context().display());
    let image = build.clone().args(["--build-context", &one, "--build-context", &other]).ok().image();
    assert_eq!(image.file("from").text(), "layout\n");
    for (context, words) in [
        (format!("{laid}:none"), "has no image `none`"),
        ("laid=oci-layout:///nowhere".to_owned(), "no OCI layout"),
        ("laid=target:x".to_owned(), "plimsoll bake"),
        ("laid=ftp://host/x".to_owned(), "`ftp://` are not known"),
        ("Laid=.".to_owned(), "`Laid` is not the name of a context"),
    ] {
        let outcome = build.clone().args(["--build-context", &context]).fails(2);
        assert!(outcome.stderr.contains(words), "{context}: {}", outcome.stderr);
    }
}

#[test]
fn users_without_root_use_archives_too() {
    if !is_root("users_without_root_use_archives_too") {
        return;
    }
    let (web, lab) = (Web::start(), Lab::of(Some(plain_user())));
    let image = lab.build().context(web.put("x", archive())).ok().image();
    assert_eq!((image.file("one").text(), image.file("one").uid), ("inner", 12));
    assert!(lab.build().context("-").stdin(archive()).ok().image().has("all/sub/inner"));
}

fn listed(lab: &Lab, arguments: &[&str]) -> serde_json::Value {
    let arguments = [&["context", "ls", "--format", "json"], arguments].concat();
    let output = lab.command(&arguments).current_dir(lab.path("")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_context_is_listed_with_the_lines_that_decide() {
    let lab = Lab::new();
    std::fs::remove_file(lab.path("busybox")).unwrap();
    lab.write(".dockerignore", "# nothing of these\nnode_modules\n*.log\n!keep.log\ndeep/**\n!deep/a/b\n");
    for (name, size) in [
        ("Dockerfile", 10),
        ("a.log", 1),
        ("keep.log", 2),
        ("node_modules/x/y.js", 1000),
        ("src/main.rs", 300),
        ("src/big", 5000),
        ("deep/a/b", 7),
        ("deep/a/c", 1),
    ] {
        lab.write(name, vec![b'x'; size]);
    }
    let answer = listed(&lab, &["--why"]);
    assert_eq!((&answer["files"], &answer["ignore_file"]), (&6.into(), &".dockerignore".into()));
    let folders: Vec<_> = answer["folders"].as_array().unwrap().iter().map(|one| &one["path"]).collect();
    assert_eq!(folders, ["src", ".", "deep"]);
    assert_eq!(answer["folders"][0]["size_bytes"], 5300);
    assert_eq!(answer["largest"][0]["path"], "src/big");
    let entries = answer["entries"].as_array().unwrap();
    let about = |path: &str| {
        let entry = entries.iter().find(|one| one["path"] == path).unwrap();
        (entry["in_context"].as_bool().unwrap(), entry["line"].as_u64(), entry["pattern"].as_str())
    };
    assert_eq!(about("node_modules"), (false, Some(2), Some("node_modules")));
    assert_eq!(about("a.log"), (false, Some(3), Some("*.log")));
    assert_eq!(about("keep.log"), (true, Some(4), Some("!keep.log")));
    assert_eq!(about("deep/a/b"), (true, Some(6), Some("!deep/a/b")));
    assert_eq!(about("deep/a/c"), (false, Some(5), Some("deep/**")));
    assert_eq!(about("src/main.rs"), (true, None, None));
    assert!(!entries.iter().any(|one| one["path"] == "node_modules/x"), "what is left out is not entered");

    let text = lab.command(&["context", "ls", "--why"]).current_dir(lab.path("")).output().unwrap();
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(
        text.lines().any(|line| line.starts_with("out") && line.contains(".dockerignore:3: *.log")),
        "{text}"
    );
    lab.write("Dockerfile.dockerignore", "src\n");
    assert_eq!(listed(&lab, &[])["ignore_file"], "Dockerfile.dockerignore");
    assert_eq!(listed(&lab, &["-f", "other"])["ignore_file"], ".dockerignore");
}

#[test]
fn a_listed_context_is_what_a_build_takes() {
    let lab = Lab::new();
    lab.write(".dockerignore", "*\n!src\nsrc/*.tmp\n!**/keep\n");
    for name in ["src/a", "src/b.tmp", "src/sub/c.tmp", "other/keep", "other/no", "top"] {
        lab.write(name, name);
    }
    lab.write("Dockerfile", "FROM scratch\nCOPY . /\n");
    lab.build()
        .args(["--file", lab.path("Dockerfile").to_str().unwrap(), "--output", "type=local,dest=out"])
        .ok();
    let answer = listed(&lab, &["--why"]);
    for entry in answer["entries"].as_array().unwrap() {
        let path = entry["path"].as_str().unwrap();
        assert_eq!(lab.beside("out").join(path).exists(), entry["in_context"] == true, "{path}");
    }
}
