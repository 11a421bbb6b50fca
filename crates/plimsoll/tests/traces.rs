//! What is lent to a step stays nowhere.

use std::io::Read;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use crate::support::Lab;

const SECRET_FILE: &str = "Secret-In-A-File-4711";
const SECRET_VARIABLE: &str = "Secret-In-A-Variable-4712";
const PROXY: &str = "http://proxyuser:proxypass4713@127.0.0.1:9";
const BUNDLE: &str = "Marker-In-The-Bundle-4714";
const CACHED: &str = "Marker-In-The-Cache-4715";
const SOCKET: &str = "agent-4716";

/// A certificate that signs itself, made for this test; nobody has its key.
const CERTIFICATE: &str = include_str!("fixtures/certificate.pem");

/// Every file below a directory, with the cache mounts left out.
fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() && entry.file_name() != "mounts-v0" {
            files(&entry.path(), found);
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
}

/// The bytes of a file as they are, and what is compressed in them.
fn readings(path: &Path) -> Vec<Vec<u8>> {
    let raw = match std::fs::read(path) {
        // What is written back in the background comes and goes.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        other => other.unwrap(),
    };
    let mut all = Vec::new();
    if raw.starts_with(b"\x1f\x8b") {
        let mut out = Vec::new();
        flate2::read::MultiGzDecoder::new(&raw[..]).read_to_end(&mut out).unwrap();
        all.push(out);
    }
    for at in
        raw.windows(4).enumerate().filter(|(_, window)| *window == b"\x28\xb5\x2f\xfd").map(|(at, _)| at)
    {
        // The four bytes may also be chance.
        if let Ok(bytes) = zstd::stream::decode_all(&raw[at..]) {
            all.push(bytes);
        }
    }
    all.push(raw);
    all
}

/// Files of the store in which one of the markers is found, by content or by name.
fn found_in(store: &Path, markers: &[&str]) -> Vec<String> {
    let mut paths = Vec::new();
    files(store, &mut paths);
    let mut found = Vec::new();
    for path in paths {
        let mut readings = readings(&path);
        readings.push(path.to_string_lossy().into_owned().into_bytes());
        for marker in markers {
            let holds =
                |bytes: &Vec<u8>| bytes.windows(marker.len()).any(|window| window == marker.as_bytes());
            if readings.iter().any(holds) {
                found.push(format!("{marker} in {}", path.display()));
            }
        }
    }
    found
}

#[test]
fn what_a_step_is_lent_is_found_nowhere_afterwards() {
    let lab = Lab::new();
    let (secret, bundle, socket) = (lab.beside("secret"), lab.beside("bundle.pem"), lab.beside(SOCKET));
    std::fs::write(&secret, SECRET_FILE).unwrap();
    std::fs::write(&bundle, format!("# {BUNDLE}\n{CERTIFICATE}")).unwrap();
    let _listener = UnixListener::bind(&socket).unwrap();
    lab.dockerfile(
        "RUN --mount=type=secret,id=file --mount=type=secret,id=variable,env=WORD --mount=type=ssh \
             --mount=type=cache,target=/cache \
             cat /run/secrets/file && echo \"with $WORD inside\" >&2 && test -S $SSH_AUTH_SOCK && \
             test -n \"$HTTP_PROXY\" && grep -q Marker-In \"$SSL_CERT_FILE\" && \
             printf '%s%s' Marker-In-The-Cache -4715 > /cache/kept && echo fine > /result\n\
         RUN test -z \"$SSH_AUTH_SOCK$WORD\" && ! test -e /run/secrets && ! test -e /cache\n",
    );
    let build = lab
        .build()
        .arg("--secret")
        .arg(format!("id=file,src={}", secret.display()))
        .args(["--secret", "id=variable,env=WORD"])
        .env("WORD", SECRET_VARIABLE)
        .arg("--ssh")
        .arg(format!("default={}", socket.display()))
        .args(["--build-arg", &format!("HTTP_PROXY={PROXY}")])
        .arg("--ca-certs")
        .arg(&bundle);
    let outcome = build.ok();
    for secret in [SECRET_FILE, SECRET_VARIABLE] {
        assert!(!outcome.stderr.contains(secret), "shown: {}", outcome.stderr);
    }
    let masked = outcome.log().iter().any(|line| line.starts_with("with ") && line.ends_with(" inside"));
    assert!(masked, "{:?}", outcome.log());
    let image = outcome.image();
    let mut names: Vec<_> =
        image.layers[2].iter().map(|entry| String::from_utf8_lossy(&entry.path)).collect();
    names.retain(|name| !name.is_empty());
    assert_eq!(names, ["result"]);
    assert!(image.layers[3].is_empty());
    let markers = [SECRET_FILE, SECRET_VARIABLE, "proxypass4713", BUNDLE, CACHED, SOCKET];
    assert_eq!(found_in(&lab.store(), &markers), Vec::<String>::new());
    // The search itself finds what is there.
    assert!(!found_in(&lab.store(), &["with "]).is_empty());
    let kept =
        std::process::Command::new("grep").args(["-rq", CACHED]).arg(lab.store().join("mounts-v0")).status();
    assert!(kept.unwrap().success(), "the cache mount does not hold what was put there");
}

#[test]
fn a_step_that_does_not_trust_a_certificate_says_how_it_can() {
    let lab = Lab::new();
    lab.dockerfile("RUN echo 'curl: (60) SSL certificate problem: self-signed certificate' >&2; exit 60\n");
    let outcome = lab.build().fails(1);
    assert!(outcome.stderr.contains("--ca-certs FILE"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("the whole log is in"), "{}", outcome.stderr);
    lab.dockerfile("RUN echo 'certificate renewed' >&2; exit 60\n");
    let outcome = lab.build().fails(1);
    assert!(!outcome.stderr.contains("--ca-certs FILE"), "{}", outcome.stderr);
}

#[test]
fn a_secret_stays_nowhere_when_its_step_fails() {
    let lab = Lab::new();
    lab.dockerfile(
        "RUN --mount=type=secret,id=variable,env=WORD echo \"a $WORD b\"; sh -c \"echo $WORD; exit 3\"\n",
    );
    let build = lab.build().args(["--secret", "id=variable,env=WORD"]).env("WORD", SECRET_VARIABLE);
    let outcome = build.fails(1);
    assert!(!outcome.stderr.contains(SECRET_VARIABLE), "{}", outcome.stderr);
    assert!(!outcome.stdout.contains(SECRET_VARIABLE), "{}", outcome.stdout);
    assert_eq!(found_in(&lab.store(), &[SECRET_VARIABLE]), Vec::<String>::new());
}

#[test]
fn a_secret_of_several_lines_is_masked_line_by_line() {
    let lab = Lab::new();
    let secret = lab.beside("secret");
    std::fs::write(&secret, "First-Line-4717\nSecond-Line-4718\n").unwrap();
    lab.dockerfile("RUN --mount=type=secret,id=file cat /run/secrets/file; echo shown\n");
    let outcome = lab.build().arg("--secret").arg(format!("id=file,src={}", secret.display())).ok();
    outcome.assert_logged("shown");
    let markers = ["First-Line-4717", "Second-Line-4718"];
    assert!(markers.iter().all(|marker| !outcome.stderr.contains(marker)), "{}", outcome.stderr);
    assert_eq!(found_in(&lab.store(), &markers), Vec::<String>::new());
}

#[test]
fn a_proxy_is_in_the_key_only_when_it_is_declared() {
    let lab = Lab::new();
    lab.dockerfile("RUN echo \"proxy ${HTTP_PROXY:-none}\"\n");
    let first = lab.build().ok();
    let second = lab.build().args(["--build-arg", "HTTP_PROXY=http://one:1"]).ok();
    assert_eq!(second.steps_run(), 0);
    assert_eq!(first.digest(), second.digest());
    lab.dockerfile("ARG HTTP_PROXY\nRUN echo \"declared ${HTTP_PROXY:-none}\"\n");
    lab.build().args(["--build-arg", "HTTP_PROXY=http://one:1"]).ok().assert_logged("declared http://one:1");
    assert_eq!(lab.build().args(["--build-arg", "HTTP_PROXY=http://two:2"]).ok().steps_run(), 1);
}
