//! What a builder makes of a case.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::tree::{Node, Tree};

/// What a builder makes of a case.
#[derive(Serialize, Deserialize)]
pub(super) enum Answer {
    /// It refuses.
    Refused {
        /// The end of what it says.
        message: String,
    },
    /// An image.
    Built(Box<Image>),
}

/// An image, as far as it is compared.
#[derive(Serialize, Deserialize)]
pub(super) struct Image {
    /// When the build began, in seconds since 1970: what is older was there before.
    pub(super) started: i64,
    /// The configuration without history and layers.
    pub(super) config: Value,
    /// The history.
    pub(super) history: Vec<Value>,
    /// Every path of the root file system.
    pub(super) files: BTreeMap<String, Node>,
}

impl Answer {
    pub(super) fn is_refused(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }

    /// Whether it refuses for a flag that it does not know.
    pub(super) fn knows_no_such_flag(&self) -> bool {
        const WORDS: [&str; 2] = ["unknown flag", "only supported in Dockerfile frontend"];
        matches!(self, Self::Refused { message } if WORDS.iter().any(|words| message.contains(words)))
    }

    /// The same with another text in place of one, in the configuration and the history.
    pub(super) fn replacing(self, text: &str, other: &str) -> Result<Self> {
        let replaced = |value: &Value| serde_json::from_str(&value.to_string().replace(text, other));
        let Self::Built(mut image) = self else { return Ok(self) };
        image.config = replaced(&image.config)?;
        image.history = image.history.iter().map(replaced).collect::<Result<_, _>>()?;
        Ok(Self::Built(image))
    }

    /// In a few words.
    pub(super) fn summary(&self) -> String {
        match self {
            Self::Refused { message } => {
                let lines: Vec<&str> = message.lines().collect();
                format!("refuses it: {}", lines[lines.len().saturating_sub(4)..].join("\n"))
            }
            Self::Built(_) => "builds it".to_owned(),
        }
    }

    /// Reads an OCI archive (image-spec, "image-layout.md").
    pub(super) fn read(archive: &Path, started: i64) -> Result<Self> {
        let mut documents = BTreeMap::new();
        let mut layers = tar::Archive::new(File::open(archive)?);
        for entry in layers.entries()? {
            let mut entry = entry?;
            let path = entry.path()?.to_string_lossy().into_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            documents.insert(path, bytes);
        }
        let mut manifest: Value =
            serde_json::from_slice(documents.get("index.json").context("no index.json")?)?;
        // One nested index is allowed: exporters may name the image through it.
        while let Some(first) = manifest["manifests"].get(0) {
            manifest = serde_json::from_slice(blob(&documents, first)?)?;
        }
        let mut config: Value = serde_json::from_slice(blob(&documents, &manifest["config"])?)?;
        let mut tree = Tree::default();
        for layer in manifest["layers"].as_array().into_iter().flatten() {
            tree.apply(blob(&documents, layer)?).context("reading a layer")?;
        }
        let config = config.as_object_mut().context("the configuration is no object")?;
        let history = match config.remove("history") {
            Some(Value::Array(entries)) => entries,
            _ => Vec::new(),
        };
        for name in ["created", "rootfs"] {
            config.remove(name);
        }
        let history = history.into_iter().map(without_time).collect();
        let mut config = Value::Object(std::mem::take(config));
        prune(&mut config);
        Ok(Self::Built(Box::new(Image { started, config, history, files: tree.into_files() })))
    }
}

fn blob<'d>(documents: &'d BTreeMap<String, Vec<u8>>, descriptor: &Value) -> Result<&'d [u8]> {
    let digest = descriptor["digest"].as_str().context("a descriptor has no digest")?;
    let path = format!("blobs/{}", digest.replace(':', "/"));
    documents.get(&path).map(Vec::as_slice).with_context(|| format!("the archive has no `{path}`"))
}

fn without_time(mut entry: Value) -> Value {
    if let Some(fields) = entry.as_object_mut() {
        fields.remove("created");
    }
    prune(&mut entry);
    entry
}

/// Takes out members that say nothing: whether an empty list is written or left out means the same to every reader.
fn prune(value: &mut Value) {
    let Value::Object(members) = value else { return };
    members.retain(|_, member| {
        // What is inside of a map of names is a name, even where its value is empty.
        let says_nothing = match member {
            Value::Null | Value::Bool(false) => true,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(members) => members.is_empty(),
            _ => false,
        };
        !says_nothing
    });
    for name in ["config", "Healthcheck"] {
        if let Some(member) = members.get_mut(name) {
            prune(member);
        }
    }
}
