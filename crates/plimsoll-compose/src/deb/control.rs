//! The control tar: the package's stanza, its scripts and lists.

use std::collections::BTreeMap;
use std::io::Read;

use crate::deb822::{self, Paragraph};
use crate::decode::buffered_decoder;
use crate::error::ComposeError;

/// What the control tar holds.
#[derive(Debug, Clone)]
pub(crate) struct Control {
    /// The stanza as text, ending with a line feed.
    pub(crate) text: String,
    /// The stanza read.
    pub(crate) fields: Paragraph,
    /// All other files by name (`md5sums`, `conffiles`, `postinst` …) with their modes.
    pub(crate) files: BTreeMap<String, (u32, Vec<u8>)>,
}

/// More than any control tar has: templates of translations are the largest, at a few megabytes.
const LARGEST: u64 = 64 << 20;

impl Control {
    /// A file as text, empty if there is none.
    pub(crate) fn text_of(&self, name: &str) -> String {
        self.files.get(name).map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default()
    }

    /// The configuration files, without the leading slash.
    ///
    /// Lines with a flag in front, such as `remove-on-upgrade`, name files that are not in the package.
    pub(crate) fn conffiles(&self) -> Vec<String> {
        self.text_of("conffiles")
            .lines()
            .filter_map(|line| line.trim().strip_prefix('/').map(str::to_owned))
            .collect()
    }
}

pub(super) fn read(name: &str, input: impl Read, package: &str) -> Result<Control, ComposeError> {
    let bad = |problem| ComposeError::BadPackage { package: package.to_owned(), problem };
    let failed = |source| ComposeError::PackageData { package: package.to_owned(), source };
    let decoder = buffered_decoder(name, input).map_err(failed)?.take(LARGEST);
    let mut archive = tar::Archive::new(decoder);
    let mut files = BTreeMap::new();
    for entry in archive.entries().map_err(failed)? {
        let mut entry = entry.map_err(failed)?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let file = path.trim_start_matches("./").to_owned();
        if file.is_empty() || file.contains('/') {
            return Err(bad("its control part has folders"));
        }
        let mode = entry.header().mode().map_err(failed)? & 0o777;
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(failed)?;
        files.insert(file, (mode, bytes));
    }
    let (_, bytes) = files.remove("control").ok_or_else(|| bad("it has no control file"))?;
    let text = String::from_utf8_lossy(&bytes).trim_end().to_owned() + "\n";
    let paragraphs = deb822::parse(&text).map_err(|_| bad("its control file is malformed"))?;
    let fields = paragraphs.into_iter().next().ok_or_else(|| bad("its control file is empty"))?;
    if fields.field("Package") != Some(package) {
        return Err(bad("its control file names another package"));
    }
    Ok(Control { text, fields, files })
}
