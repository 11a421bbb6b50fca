//! Lowers texts, with a handful of base images that are always the same.

use std::collections::BTreeMap;

use plimsoll_diagnostics::{Diagnostic, SourceFile};
use plimsoll_dockerfile::parse;
use plimsoll_graph::{
    BaseImage, BaseRequest, CopyOp, ExecOp, Graph, ImagePlan, Lowered, MissingBase, NamedContext, Op,
    Request, Vertex, lower,
};
use plimsoll_oci::{ContainerConfig, DiffId, Digest, History, ImageConfig, Platform};

/// A build that can be adjusted before it is lowered.
pub(crate) struct Build {
    text: String,
    pub(crate) arguments: BTreeMap<String, String>,
    pub(crate) contexts: BTreeMap<String, NamedContext>,
    pub(crate) adjust: Box<dyn Fn(&mut Request<'_>)>,
    pub(crate) bases: BTreeMap<String, ContainerConfig>,
    hollow: Option<String>,
}

/// What came out.
pub(crate) struct Outcome {
    pub(crate) graph: Graph,
    pub(crate) warnings: Vec<Diagnostic>,
}

pub(crate) fn amd64() -> Platform {
    Platform::new("linux", "amd64")
}

pub(crate) fn arm64() -> Platform {
    Platform::new("linux", "arm64")
}

pub(crate) fn build(text: &str) -> Build {
    Build {
        text: text.to_owned(),
        arguments: BTreeMap::new(),
        contexts: BTreeMap::new(),
        adjust: Box::new(|_| {}),
        bases: BTreeMap::new(),
        hollow: None,
    }
}

/// Lowers a text that has no problems.
pub(crate) fn graph(text: &str) -> Outcome {
    build(text).graph()
}

/// Lowers a text that has errors.
pub(crate) fn errors(text: &str) -> Vec<Diagnostic> {
    build(text).errors()
}

impl Build {
    pub(crate) fn arg(mut self, name: &str, value: &str) -> Self {
        self.arguments.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn directory(mut self, name: &str) -> Self {
        self.contexts.insert(name.to_owned(), NamedContext::Directory);
        self
    }

    pub(crate) fn image(mut self, name: &str, reference: &str) -> Self {
        let context = NamedContext::Image { reference: reference.to_owned() };
        self.contexts.insert(name.to_owned(), context);
        self
    }

    /// Gives the image of this reference a config of its own.
    pub(crate) fn base(mut self, reference: &str, config: ContainerConfig) -> Self {
        self.bases.insert(reference.to_owned(), config);
        self
    }

    /// Takes the layers away from the image of this reference.
    pub(crate) fn without_layers(mut self, reference: &str) -> Self {
        self.hollow = Some(reference.to_owned());
        self
    }

    pub(crate) fn with(mut self, adjust: impl Fn(&mut Request<'_>) + 'static) -> Self {
        self.adjust = Box::new(adjust);
        self
    }

    pub(crate) fn lower(&self, known: &dyn Fn(&BaseRequest) -> bool) -> Result<Lowered, Vec<Diagnostic>> {
        let source = SourceFile::new("Dockerfile", self.text.as_str());
        let parsed = parse(&source);
        let broken: Vec<_> = parsed.diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).collect();
        assert!(broken.is_empty(), "the test's own text does not parse: {broken:?}");
        let bases = |request: &BaseRequest| known(request).then(|| self.fake(request));
        let mut request =
            Request::new(&parsed.dockerfile, &source, &self.arguments, &self.contexts, amd64(), &bases);
        (self.adjust)(&mut request);
        lower(&request)
    }

    pub(crate) fn graph(&self) -> Outcome {
        match self.lower(&|_| true) {
            Ok(Lowered::Graph { graph, warnings }) => Outcome { graph, warnings },
            other => panic!("expected a graph, got {other:?}"),
        }
    }

    pub(crate) fn errors(&self) -> Vec<Diagnostic> {
        match self.lower(&|_| true) {
            Err(diagnostics) => diagnostics,
            other => panic!("expected errors, got {other:?}"),
        }
    }

    /// The single error.
    pub(crate) fn error(&self) -> Diagnostic {
        let errors: Vec<_> = self.errors().into_iter().filter(Diagnostic::is_error).collect();
        assert_eq!(errors.len(), 1, "{errors:?}");
        errors[0].clone()
    }

    /// The text that an error marks.
    pub(crate) fn marked(&self, diagnostic: &Diagnostic) -> &str {
        &self.text[diagnostic.span.expect("a place").range()]
    }

    pub(crate) fn missing(&self, known: &dyn Fn(&BaseRequest) -> bool) -> Vec<MissingBase> {
        match self.lower(known) {
            Ok(Lowered::NeedsBases(missing)) => missing,
            other => panic!("expected missing bases, got {other:?}"),
        }
    }

    fn fake(&self, request: &BaseRequest) -> BaseImage {
        let config = self.bases.get(&request.name).cloned().unwrap_or_else(|| ContainerConfig {
            env: vec!["PATH=/usr/bin:/bin".into(), "BASE=base".into()],
            cmd: Some(vec!["/bin/sh".into()]),
            ..ContainerConfig::default()
        });
        let mut image = ImageConfig::empty(&request.platform);
        image.config = config;
        image.created = Some("2026-01-02T03:04:05Z".into());
        image.rootfs.diff_ids = vec![DiffId(Digest::of(&request.name))];
        image.history = vec![History { created_by: Some("base".into()), ..History::default() }];
        if self.hollow.as_ref() == Some(&request.name) {
            image.rootfs.diff_ids.clear();
            image.history[0].empty_layer = true;
        }
        BaseImage {
            manifest: Digest::of(format!("{} {}", request.name, request.platform)),
            reference: request.name.clone(),
            config: image,
        }
    }
}

impl Outcome {
    pub(crate) fn image(&self) -> &ImagePlan {
        assert_eq!(self.graph.images.len(), 1);
        &self.graph.images[0]
    }

    pub(crate) fn container(&self) -> &ContainerConfig {
        &self.image().config.config
    }

    pub(crate) fn history(&self) -> Vec<&str> {
        self.image().history.iter().map(|entry| entry.created_by.as_str()).collect()
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.graph.vertices.iter().map(|vertex| vertex.name.as_str()).collect()
    }

    pub(crate) fn vertices(&self, wanted: impl Fn(&Op) -> bool) -> Vec<&Vertex> {
        self.graph.vertices.iter().filter(|vertex| wanted(&vertex.op)).collect()
    }

    /// All commands.
    pub(crate) fn execs(&self) -> Vec<&ExecOp> {
        self.graph
            .vertices
            .iter()
            .filter_map(|vertex| match &vertex.op {
                Op::Exec(exec) => Some(exec),
                _ => None,
            })
            .collect()
    }

    /// The only command.
    pub(crate) fn exec(&self) -> &ExecOp {
        let execs = self.execs();
        assert_eq!(execs.len(), 1);
        execs[0]
    }

    /// All copies.
    pub(crate) fn copies(&self) -> Vec<&CopyOp> {
        self.graph
            .vertices
            .iter()
            .filter_map(|vertex| match &vertex.op {
                Op::Copy(copy) => Some(copy),
                _ => None,
            })
            .collect()
    }

    /// The only copy.
    pub(crate) fn copy(&self) -> &CopyOp {
        let copies = self.copies();
        assert_eq!(copies.len(), 1);
        copies[0]
    }

    /// The value of a variable of the only command.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        value(self.exec(), name)
    }
}

pub(crate) fn value<'e>(exec: &'e ExecOp, name: &str) -> Option<&'e str> {
    exec.env.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}
