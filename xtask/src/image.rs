//! Reads exported images: the configuration from an OCI archive (image-spec, "config.md"), the files from a plain tar.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

/// What is needed to start an image's program.
pub(crate) struct Image {
    /// Entrypoint and command.
    pub(crate) arguments: Vec<String>,
    /// `NAME=value`.
    pub(crate) environment: Vec<String>,
    /// The directory that the program starts in.
    pub(crate) working_directory: String,
    /// As in the configuration: empty, a number or a name, with or without a group.
    pub(crate) user: String,
    /// The command of the health check, without the word that says how it is run.
    pub(crate) health_check: Vec<String>,
    /// The sum of the layers as they are stored and pulled, in bytes.
    pub(crate) compressed_bytes: u64,
}

impl Image {
    /// Reads the first manifest of an OCI archive.
    pub(crate) fn read(archive: &Path) -> Result<Self> {
        let documents = documents(archive)?;
        let mut manifest = document(&documents, "index.json")?;
        // One nested index is allowed: exporters may name the image through it.
        while let Some(first) = manifest["manifests"].get(0) {
            manifest = blob(&documents, first)?;
        }
        let image = blob(&documents, &manifest["config"])?;
        let config = &image["config"];
        let layers = manifest["layers"].as_array().cloned().unwrap_or_default();
        let mut arguments = words(&config["Entrypoint"]);
        arguments.extend(words(&config["Cmd"]));
        Ok(Self {
            arguments,
            environment: words(&config["Env"]),
            working_directory: match config["WorkingDir"].as_str() {
                None | Some("") => "/".to_owned(),
                Some(directory) => directory.to_owned(),
            },
            user: config["User"].as_str().unwrap_or_default().to_owned(),
            health_check: words(&config["Healthcheck"]["Test"]).into_iter().skip(1).collect(),
            compressed_bytes: layers.iter().filter_map(|layer| layer["size"].as_u64()).sum(),
        })
    }
}

/// The sum of the sizes of all files in a root file system's tar, in bytes.
pub(crate) fn unpacked_bytes(archive: &Path) -> Result<u64> {
    let mut total = 0;
    for entry in tar::Archive::new(open(archive)?).entries()? {
        let entry = entry?;
        if entry.header().entry_type().is_file() {
            total += entry.size();
        }
    }
    Ok(total)
}

/// The small files of an archive, by name: all JSON of an image is among them.
fn documents(archive: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    const LARGEST: u64 = 4 << 20;
    let mut documents = BTreeMap::new();
    for entry in tar::Archive::new(open(archive)?).entries()? {
        let mut entry = entry?;
        if entry.size() <= LARGEST {
            let name = entry.path()?.to_string_lossy().trim_start_matches("./").to_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            documents.insert(name, bytes);
        }
    }
    Ok(documents)
}

fn open(archive: &Path) -> Result<File> {
    File::open(archive).with_context(|| format!("could not open `{}`", archive.display()))
}

fn document(documents: &BTreeMap<String, Vec<u8>>, name: &str) -> Result<Value> {
    let bytes = documents.get(name).with_context(|| format!("the archive has no `{name}`"))?;
    serde_json::from_slice(bytes).with_context(|| format!("`{name}` is no JSON"))
}

fn blob(documents: &BTreeMap<String, Vec<u8>>, descriptor: &Value) -> Result<Value> {
    let digest = descriptor["digest"].as_str().context("a descriptor has a digest")?;
    document(documents, &format!("blobs/{}", digest.replace(':', "/")))
}

fn words(list: &Value) -> Vec<String> {
    list.as_array()
        .map(|words| words.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(files: &[(&str, &str)]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut builder = tar::Builder::new(file.reopen().unwrap());
        for (name, text) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            builder.append_data(&mut header, name, text.as_bytes()).unwrap();
        }
        builder.finish().unwrap();
        file
    }

    #[test]
    fn the_start_of_an_image_is_read_from_its_archive() {
        let config = r#"{"config":{"Entrypoint":["/app"],"Cmd":["-v"],"User":"65532:65532","Env":["A=b"],
            "Healthcheck":{"Test":["CMD","/app","-healthcheck"]}}}"#;
        let manifest = r#"{"config":{"digest":"sha256:c"},"layers":[{"size":3},{"size":4}]}"#;
        let archive = archive(&[
            ("index.json", r#"{"manifests":[{"digest":"sha256:m"}]}"#),
            ("blobs/sha256/m", manifest),
            ("blobs/sha256/c", config),
        ]);
        let image = Image::read(archive.path()).unwrap();
        assert_eq!(image.arguments, ["/app", "-v"]);
        assert_eq!(image.health_check, ["/app", "-healthcheck"]);
        assert_eq!((image.working_directory.as_str(), image.compressed_bytes), ("/", 7));
    }

    #[test]
    fn unpacked_bytes_are_those_of_the_files() {
        assert_eq!(unpacked_bytes(archive(&[("a", "12345"), ("b", "678")]).path()).unwrap(), 8);
    }
}
