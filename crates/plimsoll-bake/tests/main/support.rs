//! Files and inputs for tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use plimsoll_bake::{Bake, BakeError, Inputs, Machine, Resolved, Unreadable};
use plimsoll_diagnostics::SourceFile;

/// Files, arguments and environment of one call.
#[derive(Default)]
pub(crate) struct Call {
    pub(crate) files: Vec<(String, String)>,
    /// Files that those name, by their paths.
    pub(crate) others: BTreeMap<String, String>,
    pub(crate) targets: Vec<String>,
    pub(crate) set: Vec<String>,
    pub(crate) given: BTreeMap<String, String>,
    pub(crate) environment: BTreeMap<String, String>,
}

impl Call {
    pub(crate) fn hcl(text: &str) -> Self {
        Self { files: vec![("docker-bake.hcl".to_owned(), text.to_owned())], ..Self::default() }
    }

    pub(crate) fn compose(text: &str) -> Self {
        Self { files: vec![("compose.yaml".to_owned(), text.to_owned())], ..Self::default() }
    }

    pub(crate) fn targets(mut self, names: &[&str]) -> Self {
        self.targets = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    pub(crate) fn set(mut self, spec: &str) -> Self {
        self.set.push(spec.to_owned());
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn other(mut self, path: &str, text: &str) -> Self {
        self.others.insert(path.to_owned(), text.to_owned());
        self
    }

    pub(crate) fn read(&self) -> Result<Bake, BakeError> {
        self.with_inputs(Bake::read)
    }

    pub(crate) fn resolve(&self) -> Result<Resolved, BakeError> {
        self.with_inputs(|files, inputs| {
            let (resolved, _) = Bake::read(files, inputs)?.resolve(&self.targets, &self.set, inputs)?;
            Ok(resolved)
        })
    }

    fn with_inputs<T>(&self, work: impl FnOnce(&[Arc<SourceFile>], &Inputs<'_>) -> T) -> T {
        let files: Vec<_> =
            self.files.iter().map(|(name, text)| Arc::new(SourceFile::new(name, text.as_str()))).collect();
        let environment = |name: &str| self.environment.get(name).cloned();
        let others = |path: &str| match path {
            "secret.yaml" => Err(Unreadable { message: "no".to_owned(), hint: Some("ask".to_owned()) }),
            path => {
                let main = self.files.iter().find(|(name, _)| name == path).map(|(_, text)| text);
                let text = self.others.get(path).or(main);
                Ok(text.map(|text| Arc::new(SourceFile::new(path, text.as_str()))))
            }
        };
        let built_in = [("BAKE_CMD_CONTEXT", "cwd://"), ("BAKE_LOCAL_PLATFORM", "linux/amd64")];
        let inputs = Inputs {
            environment: &environment,
            given: self.given.clone(),
            built_in: built_in.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            compose_environment: self.environment.clone(),
            files: &others,
            machine: Machine { home: Some("/root".to_owned()), now: 1_700_000_000 },
        };
        work(&files, &inputs)
    }

    /// The text of all errors.
    pub(crate) fn errors(&self) -> String {
        let error = self.resolve().expect_err("this must be refused");
        error.problems.iter().map(|problem| problem.render(false)).collect()
    }
}
