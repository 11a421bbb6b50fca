//! What safe fixes leave as it is: files that were fixed have nothing left to fix, and only some fixes change what is built.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_diagnostics::{Diagnostic, SourceFile};
use plimsoll_graph::{BaseImage, BaseRequest, Lowered, Request, lower};
use plimsoll_lint::{Options, check, fix, rules};
use plimsoll_oci::{Digest, ImageConfig, Platform};

use crate::support::platform;

/// Rules whose fixes change a command, a path or the image's configuration. All others only change how it is written.
const CHANGE_THE_BUILD: [&str; 15] = [
    "apk-index-left",
    "apt-get-without-yes",
    "apt-in-script",
    "apt-lists-left",
    "apt-recommends",
    "dnf-without-yes",
    "maintainer-instruction",
    "obsolete-install-flag",
    "pip-cache-left",
    "several-sources-without-slash",
    "shell-form-command",
    "useradd-with-high-id",
    "wget-progress",
    "yum-without-yes",
    "zypper-without-yes",
];

/// Lines of Dockerfiles as people write them, most of them with something to fix.
const LINES: [&str; 44] = [
    "RUN apt-get update && apt-get install curl",
    "RUN apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*",
    "RUN apt install -y git",
    "run echo lower",
    "Run echo mixed",
    "RUN apk add curl",
    "RUN apk add --no-cache \\\n    curl \\\n\n    git",
    "RUN yum install httpd",
    "RUN dnf install httpd && dnf clean all",
    "RUN zypper install nginx",
    "RUN pip install flask==3.0.0",
    "RUN pip3 install --user flask",
    "RUN npm ci --only=production",
    "RUN wget http://example.com/a.tar.gz",
    "RUN useradd -u 1234567 service",
    "RUN set -o pipefail && curl -fsSL https://example.com/x | tar x",
    "RUN <<EOF\napt-get install vim\necho done\nEOF",
    "RUN --mount=type=cache,target=/var/lib/apt apt-get install -y vim",
    "ENV KEY value with blanks",
    "ENV A=1 B=\"two words\"",
    "LABEL description a text",
    "LABEL version=\"1.0\"",
    "MAINTAINER Somebody <somebody@example.com>",
    "EXPOSE 8080/TCP",
    "EXPOSE 127.0.0.1:80:8080",
    "EXPOSE 8080 9090/udp",
    "COPY a b /dir",
    "COPY a b /dir/",
    "COPY --chown=1:1 a /a",
    "ADD a.txt /a.txt",
    "ADD https://example.com/b.tgz /b/",
    "WORKDIR /app",
    "WORKDIR relative",
    "USER nobody",
    "USER 1000",
    "CMD node server.js",
    "CMD [\"node\", \"server.js\"]",
    "ENTRYPOINT exec server --port 80",
    "HEALTHCHECK CMD curl -f http://localhost/",
    "STOPSIGNAL SIGTERM",
    "VOLUME /data",
    "SHELL [\"/bin/bash\", \"-c\"]",
    "ARG VERSION=1",
    "# a comment that stays where it is",
];

const STARTS: [&str; 6] = [
    "FROM debian:12",
    "FROM debian:12 as Build",
    "from alpine:3.20 AS base",
    "FROM --platform=$TARGETPLATFORM debian:12",
    "FROM python:3.12-slim\r",
    "FROM node:22 AS Deps",
];

/// Files by chance, the same ones every time.
fn generated() -> impl Iterator<Item = String> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut below = move |count: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % count as u64).expect("it is below the count")
    };
    (0..200).map(move |_| {
        let mut text = String::new();
        for _ in 0..=below(2) {
            text.push_str(STARTS[below(STARTS.len())]);
            text.push('\n');
            for _ in 0..=below(12) {
                text.push_str(LINES[below(LINES.len())]);
                text.push('\n');
            }
        }
        text
    })
}

/// Every file: those by chance, the examples', and those in the rules' documents.
fn files() -> Vec<String> {
    let here = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<String> = generated().collect();
    for example in std::fs::read_dir(here.join("../../examples")).unwrap() {
        for name in ["Dockerfile", "Dockerfile.naive"] {
            files.extend(std::fs::read_to_string(example.as_ref().unwrap().path().join(name)));
        }
    }
    for rule in rules() {
        let document = std::fs::read_to_string(here.join(format!("tests/rules/{}.md", rule.name))).unwrap();
        let parts = document.split("```dockerfile").skip(1);
        files.extend(
            parts.filter_map(|part| Some(part.split_once('\n')?.1.split("```\n").next()?.to_owned())),
        );
    }
    files
}

/// What is built from a text: every step, the configuration and the history; nothing when it cannot be built.
fn built(text: &str) -> Option<String> {
    let source = SourceFile::new("Dockerfile", text);
    let parsed = plimsoll_dockerfile::parse(&source);
    let (arguments, contexts) = (BTreeMap::new(), BTreeMap::new());
    let base = |wanted: &BaseRequest| {
        Some(BaseImage {
            manifest: Digest::of(b""),
            reference: wanted.name.clone(),
            config: ImageConfig::empty(&wanted.platform),
        })
    };
    if parsed.diagnostics.iter().any(Diagnostic::is_error) {
        return None;
    }
    let platform: Platform = platform();
    let mut request =
        Request::new(&parsed.dockerfile, &source, &arguments, &contexts, platform.clone(), &base);
    request.build_platform = platform;
    let Ok(Lowered::Graph { graph, .. }) = lower(&request) else { return None };
    let steps: Vec<String> =
        graph.vertices.iter().map(|vertex| format!("{:?} {:?}", vertex.op, vertex.inputs)).collect();
    Some(format!("{steps:#?}\n{:#?}", graph.images))
}

#[test]
fn a_fixed_file_has_nothing_left_to_fix_and_parses_no_worse() {
    let errors = |text: &str| {
        let parsed = plimsoll_dockerfile::parse(&SourceFile::new("Dockerfile", text));
        parsed.diagnostics.iter().filter(|one| one.is_error()).count()
    };
    let options = Options { platform: Some(platform()), ..Options::default() };
    for text in files() {
        let once = fix(&SourceFile::new("Dockerfile", text.as_str()), &options);
        let twice = fix(&SourceFile::new("Dockerfile", once.text.as_str()), &options);
        assert_eq!(once.text, twice.text, "from\n{text}");
        assert_eq!(twice.count, 0, "from\n{text}");
        assert!(errors(&once.text) <= errors(&text), "{text}\nbecame\n{}", once.text);
        let comments = |text: &str| text.matches("# a comment that stays").count();
        assert_eq!(comments(&once.text), comments(&text));
    }
}

#[test]
fn only_some_fixes_change_what_is_built() {
    let mut changing = BTreeSet::new();
    for text in files() {
        let file = SourceFile::new("Dockerfile", text.as_str());
        let all = Options { platform: Some(platform()), ..Options::default() };
        let report = check(&file, &plimsoll_dockerfile::parse(&file).dockerfile, &all);
        let fixable: BTreeSet<&'static str> = report
            .findings
            .iter()
            .filter(|finding| finding.fix_is_safe)
            .map(|finding| finding.rule.name)
            .collect();
        for rule in fixable.difference(&changing.clone()).copied() {
            let others = rules().iter().map(|other| other.name.to_owned()).filter(|other| other != rule);
            let options =
                Options { platform: Some(platform()), ignore: others.collect(), ..Options::default() };
            let fixed = fix(&file, &options).text;
            let Some(before) = built(&text) else { continue };
            let after =
                built(&fixed).unwrap_or_else(|| panic!("{rule}:\n{text}\ncannot be built as\n{fixed}"));
            if before != after {
                assert!(CHANGE_THE_BUILD.contains(&rule), "{rule}:\n{text}\nbecame\n{fixed}");
                changing.insert(rule);
            }
        }
    }
    // What never changes anything here does not belong on the list.
    let unseen: Vec<_> = CHANGE_THE_BUILD.iter().filter(|name| !changing.contains(**name)).collect();
    assert!(unseen.is_empty(), "{unseen:?} changed nothing");
}
