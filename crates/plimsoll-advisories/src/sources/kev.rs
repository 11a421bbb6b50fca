//! CISA's catalogue of vulnerabilities that are known to be exploited.

use std::path::Path;

use serde::de::DeserializeSeed;
use serde_json::Value;

use crate::build::Sink;
use crate::error::BuildError;
use crate::sources::input::visit;
use crate::sources::stream::Items;

pub(crate) fn read(path: &Path, sink: &mut Sink<'_>) -> Result<(), BuildError> {
    visit(path, &mut |entry| {
        let mut each = |item: Value| {
            let id = item.get("cveID").and_then(Value::as_str).unwrap_or_default();
            if sink.known_exploited(id) {
                sink.count_record();
            } else {
                sink.skip(entry.name, format_args!("`{id}` is no CVE identifier"));
            }
        };
        let mut document = serde_json::Deserializer::from_reader(&mut *entry.content);
        Items::of(&["vulnerabilities"], &mut each)
            .deserialize(&mut document)
            .map_err(|error| BuildError::read(path, error.into()))?;
        Ok(())
    })
}
