//! The example services, and the change of one source file that the measurements make.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::shell;

/// A service in `examples/`.
pub(crate) struct Example {
    /// The folder's name, which is also the image's.
    pub(crate) name: &'static str,
    /// A source file that reaches the image.
    source: &'static str,
    /// A text in that file, once, that may be any other text: changing it changes the program.
    text: &'static str,
}

/// All examples.
pub(crate) const EXAMPLES: &[Example] = &[
    Example { name: "go-service", source: "cmd/go-service/routes.go", text: "no such name" },
    Example { name: "java-service", source: "src/main/java/berths/Main.java", text: "no berth is free" },
    Example { name: "node-api", source: "src/app.ts", text: "no such ship" },
    Example { name: "python-app", source: "src/tides/app.py", text: "predicting" },
    Example { name: "rust-service", source: "src/main.rs", text: "no such page" },
];

/// The ways in which every example is built.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Variant {
    /// As it is often written: one stage, everything copied first.
    Naive,
    /// As it should run in production.
    Production,
    /// The naive one after `plimsoll fix --production`.
    Proposed,
}

impl Variant {
    /// The word for it in tags and tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Naive => "naive",
            Self::Production => "production",
            Self::Proposed => "proposed",
        }
    }

    /// The file's name in the example's folder.
    pub(crate) fn dockerfile(self) -> &'static str {
        match self {
            Self::Naive | Self::Proposed => "Dockerfile.naive",
            Self::Production => "Dockerfile",
        }
    }
}

impl Example {
    /// The folder with the service and its Dockerfiles.
    pub(crate) fn directory(&self) -> PathBuf {
        shell::workspace().join("examples").join(self.name)
    }

    /// The tag of a variant's image.
    pub(crate) fn tag(&self, variant: Variant) -> String {
        format!("{}:{}", self.name, variant.name())
    }

    /// Copies what belongs to the example, and nothing that was built or installed beside it, into `destination`.
    pub(crate) fn copy_to(&self, destination: &Path) -> Result<()> {
        copy(&self.directory(), destination)
    }

    /// Changes one source file in a copy of the example; every `nonce` gives another program.
    pub(crate) fn change(&self, copy: &Path, nonce: &str) -> Result<()> {
        let path = copy.join(self.source);
        // Always from the original: the change replaces the one before.
        let original = std::fs::read_to_string(self.directory().join(self.source))
            .with_context(|| format!("could not read `{}` of `{}`", self.source, self.name))?;
        if original.matches(self.text).count() != 1 {
            bail!("`{}` of `{}` must contain `{}` once", self.source, self.name, self.text);
        }
        std::fs::write(path, original.replace(self.text, &format!("{} {nonce}", self.text)))?;
        Ok(())
    }
}

/// The example of that name.
pub(crate) fn find(name: &str) -> Result<&'static Example> {
    EXAMPLES.iter().find(|example| example.name == name).with_context(|| {
        let names: Vec<_> = EXAMPLES.iter().map(|example| example.name).collect();
        format!("no example is named `{name}`; there are {}", names.join(", "))
    })
}

fn copy(source: &Path, destination: &Path) -> Result<()> {
    const LEFT_BEHIND: &[&str] = &["node_modules", "dist", "target", ".venv", "__pycache__", ".pytest_cache"];
    std::fs::create_dir_all(destination)?;
    for entry in
        std::fs::read_dir(source).with_context(|| format!("could not read `{}`", source.display()))?
    {
        let entry = entry?;
        let name = entry.file_name();
        if LEFT_BEHIND.iter().any(|left| name == *left) {
            continue;
        }
        let target = destination.join(&name);
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_can_be_changed_and_has_both_dockerfiles() {
        for example in EXAMPLES {
            let folder = tempfile::tempdir().unwrap();
            example.copy_to(folder.path()).unwrap();
            example.change(folder.path(), "one").unwrap();
            let changed = std::fs::read_to_string(folder.path().join(example.source)).unwrap();
            assert!(changed.contains(&format!("{} one", example.text)));
            for variant in [Variant::Naive, Variant::Production] {
                assert!(folder.path().join(variant.dockerfile()).is_file());
            }
        }
    }
}
