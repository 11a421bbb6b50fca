//! What scripts read of a build: the digest, `--iidfile` and `--metadata-file`.

use anyhow::{Context as _, Result};
use plimsoll_build::{BuildRequest, BuildResult};
use serde_json::{Map, Value, json};

use super::{Args, Outputs};

/// Writes the digest to standard output, and the files that were asked for.
#[expect(clippy::print_stdout, reason = "the digest is the command's answer")]
pub(crate) fn answer(
    args: &Args,
    outputs: &Outputs,
    request: &BuildRequest,
    result: &BuildResult,
) -> Result<()> {
    let images = outputs.told(result);
    if let Some(images) = images {
        let digest = images.target().digest.to_string();
        if args.quiet {
            println!("{digest}");
        }
        if let Some(path) = &args.iidfile {
            std::fs::write(path, &digest).with_context(|| format!("cannot write `{}`", path.display()))?;
        }
    }
    if let Some(path) = &args.metadata_file {
        let text = serde_json::to_string_pretty(&metadata(outputs, request, result))?;
        std::fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    Ok(())
}

/// The fields have buildx's names, and ours where it has none. An index has no config, so there is no digest of one.
pub(crate) fn metadata(outputs: &Outputs, request: &BuildRequest, result: &BuildResult) -> Value {
    let images = outputs.told(result);
    let mut fields = Map::new();
    let mut add = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    add("buildx.build.ref", format!("plimsoll/plimsoll/{}", request.id).into());
    let bases = result.bases.iter();
    let locked: Map<String, Value> =
        bases.filter_map(|base| Some((base.name.clone(), base.locked?.to_string().into()))).collect();
    if !locked.is_empty() {
        add("plimsoll.locked-bases", locked.into());
    }
    if let Some(images) = images {
        add("containerimage.digest", images.target().digest.to_string().into());
        add("containerimage.descriptor", json!(images.target()));
        if images.index.is_none() {
            add("containerimage.config.digest", images.images[0].config_descriptor.digest.to_string().into());
        }
        let names = outputs.names();
        if !names.is_empty() {
            add("image.name", names.join(",").into());
        }
    }
    Value::Object(fields)
}
