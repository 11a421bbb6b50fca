//! A Dockerfile: text → instructions → vertices, the directives, the values of `--mount`, and the dump of the tree.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use plimsoll_diagnostics::{SourceFile, render};
use plimsoll_dockerfile::{CheckOptions, DirectiveKind, InstructionKind, Mount, detect_syntax, parse, tree};
use plimsoll_graph::{BaseImage, BaseRequest, Lowered, NamedContext, Request, canonical, lower};
use plimsoll_oci::{Digest, ImageConfig, Platform};

/// A base that has a trigger, so that triggers are lowered too.
fn base(request: &BaseRequest) -> Option<BaseImage> {
    let mut config = ImageConfig::empty(&request.platform);
    config.config.set_variable("PATH", "/bin");
    if request.name.contains("onbuild") {
        config.config.on_build = vec!["RUN echo $PATH".to_owned(), "COPY . /x".to_owned()];
    }
    Some(BaseImage { manifest: Digest::of(&request.name), reference: request.name.clone(), config })
}

fuzz_target!(|data: &[u8]| {
    let file = SourceFile::new("Dockerfile", String::from_utf8_lossy(data).into_owned());
    let _syntax = detect_syntax(file.text());
    let _tree = tree(&file).map(|tree| tree.to_string());
    let parsed = parse(&file);
    // Every place must be one in the text.
    for diagnostic in parsed.diagnostics.iter().take(3) {
        let _shown = render(&file, diagnostic, false);
    }
    for instruction in &parsed.dockerfile.instructions {
        let _text = &file.text()[instruction.span.range()];
        if let InstructionKind::Run(run) = &instruction.kind {
            for mount in &run.mounts {
                let _mount = Mount::parse(&mount.value, |value| Ok(value.to_owned()));
            }
        }
    }
    if let Some(check) = parsed.dockerfile.directive(DirectiveKind::Check) {
        let _options = CheckOptions::parse(&check.value.value);
    }
    if !parsed.is_ok() {
        return;
    }
    let arguments = BTreeMap::from([("A".to_owned(), "value".to_owned())]);
    let contexts = BTreeMap::from([("ctx".to_owned(), NamedContext::Directory)]);
    let bases = |request: &BaseRequest| base(request);
    let request = Request::new(
        &parsed.dockerfile,
        &file,
        &arguments,
        &contexts,
        Platform::new("linux", "amd64"),
        &bases,
    );
    match lower(&request) {
        Ok(Lowered::Graph { graph, .. }) => {
            for vertex in &graph.vertices {
                let _key = canonical(&vertex.op);
                assert!(vertex.inputs.iter().all(|input| input.0 < graph.vertices.len()));
            }
        }
        Ok(Lowered::NeedsBases(missing)) => panic!("every base was given, but {missing:?}"),
        Err(diagnostics) => {
            assert!(!diagnostics.is_empty());
            let _shown = render(&file, &diagnostics[0], false);
        }
    }
});
