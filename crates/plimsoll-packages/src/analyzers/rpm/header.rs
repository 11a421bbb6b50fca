//! The record of a package, a "header": an index of tagged values and the store that these lie in (rpm, "RPM V4 file format").
//!
//! All numbers are big-endian. In the database the magic number that begins a header in a file is missing.

use crate::bytes::{Endian, until_zero};

const ENTRY: usize = 16;
const INT32: u32 = 4;
const STRING: u32 = 6;
const STRING_ARRAY: u32 = 8;
const STRING_I18N: u32 = 9;
/// Longer paths are none on Linux.
const LONGEST_PATH: usize = 4096;

const NAME: u32 = 1000;
const VERSION: u32 = 1001;
const RELEASE: u32 = 1002;
const EPOCH: u32 = 1003;
const VENDOR: u32 = 1011;
const LICENSE: u32 = 1014;
const ARCHITECTURE: u32 = 1022;
const OLD_FILE_NAMES: u32 = 1027;
const SOURCE_RPM: u32 = 1044;
const DIRECTORY_INDEXES: u32 = 1116;
const BASE_NAMES: u32 = 1117;
const DIRECTORY_NAMES: u32 = 1118;
const MODULARITY_LABEL: u32 = 5096;

/// What a header says of its package.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) release: String,
    pub(super) epoch: u32,
    pub(super) architecture: Option<String>,
    pub(super) source_rpm: Option<String>,
    pub(super) vendor: Option<String>,
    pub(super) license: Option<String>,
    pub(super) module: Option<String>,
    /// From the root, without a leading slash.
    pub(super) paths: Vec<String>,
}

/// Reads a header. Its paths are taken off `path_bytes`; when that is used up, the header is refused.
pub(super) fn parse(blob: &[u8], path_bytes: &mut usize) -> Result<Header, String> {
    let values = Values::new(blob).ok_or("its header ends too early")?;
    let required = |tag, name| values.text(tag).ok_or_else(|| format!("its header has no {name}"));
    Ok(Header {
        name: required(NAME, "name")?,
        version: required(VERSION, "version")?,
        release: required(RELEASE, "release")?,
        epoch: values.numbers(EPOCH).next().unwrap_or_default(),
        architecture: values.text(ARCHITECTURE),
        source_rpm: values.text(SOURCE_RPM),
        vendor: values.text(VENDOR),
        license: values.text(LICENSE),
        module: values.text(MODULARITY_LABEL),
        paths: paths(&values, path_bytes)?,
    })
}

fn paths(values: &Values<'_>, path_bytes: &mut usize) -> Result<Vec<String>, String> {
    let folders: Vec<&[u8]> = values.texts(DIRECTORY_NAMES).collect();
    let split = values.texts(BASE_NAMES).zip(values.numbers(DIRECTORY_INDEXES));
    let mut paths = Vec::new();
    let mut push = |folder: &[u8], name: &[u8]| {
        let length = folder.len() + name.len();
        if length > LONGEST_PATH {
            return Err("a path in its header is too long".to_owned());
        }
        *path_bytes =
            path_bytes.checked_sub(length).ok_or("the paths of the database are too long in all")?;
        let path = [folder, name].concat();
        paths.push(String::from_utf8_lossy(&path).trim_start_matches('/').to_owned());
        Ok(())
    };
    for (name, folder) in split {
        let folder = usize::try_from(folder).ok().and_then(|index| folders.get(index));
        push(folder.ok_or("a file in its header has no folder")?, name)?;
    }
    for path in values.texts(OLD_FILE_NAMES) {
        push(b"", path)?;
    }
    Ok(paths)
}

/// Index and store.
struct Values<'a> {
    index: &'a [u8],
    store: &'a [u8],
}

impl<'a> Values<'a> {
    fn new(blob: &'a [u8]) -> Option<Self> {
        let entries = Endian::Big.usize32(blob, 0)?;
        let bytes = Endian::Big.usize32(blob, 4)?;
        let rest = blob.get(8..)?;
        let (index, store) = rest.split_at_checked(entries.checked_mul(ENTRY)?)?;
        Some(Self { index, store: store.get(..bytes)? })
    }

    /// Type, place and number of the values of a tag.
    fn entry(&self, tag: u32) -> Option<(u32, usize, usize)> {
        let entry = self.index.chunks_exact(ENTRY).find(|entry| Endian::Big.u32(entry, 0) == Some(tag))?;
        let place = Endian::Big.usize32(entry, 8)?;
        Some((Endian::Big.u32(entry, 4)?, place, Endian::Big.usize32(entry, 12)?))
    }

    fn text(&self, tag: u32) -> Option<String> {
        let (kind, at, _) = self.entry(tag)?;
        if !matches!(kind, STRING | STRING_ARRAY | STRING_I18N) {
            return None;
        }
        let text = String::from_utf8_lossy(until_zero(self.store, at)?);
        Some(text.into_owned()).filter(|text| !text.is_empty())
    }

    fn texts(&self, tag: u32) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let (at, count) = match self.entry(tag) {
            Some((STRING | STRING_ARRAY | STRING_I18N, at, count)) => (at, count),
            _ => (0, 0),
        };
        let store = self.store;
        let mut at = at;
        std::iter::from_fn(move || {
            let text = until_zero(store, at)?;
            at += text.len() + 1;
            Some(text)
        })
        .take(count)
    }

    fn numbers(&self, tag: u32) -> impl Iterator<Item = u32> + use<'a> {
        let bytes = match self.entry(tag) {
            Some((INT32, at, count)) => {
                let rest = self.store.get(at..).unwrap_or_default();
                &rest[..rest.len().min(count.saturating_mul(4))]
            }
            _ => &[],
        };
        bytes.chunks_exact(4).filter_map(|number| Endian::Big.u32(number, 0))
    }
}
