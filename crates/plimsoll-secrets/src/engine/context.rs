//! What a rule's condition may look at.

use std::ops::Range;

/// What kind of file a name stands for, as far as it says how values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileClass {
    /// Settings: an unquoted word behind `=` or `:` is a value.
    Settings,
    /// Source code: only literals are values, an unquoted word is a name.
    Source,
    /// Prose and all the rest: an unquoted word may be a value.
    Other,
}

/// Endings of settings.
const SETTINGS: [&str; 23] = [
    "cfg",
    "cnf",
    "conf",
    "config",
    "cred",
    "creds",
    "credentials",
    "env",
    "envrc",
    "hcl",
    "ini",
    "json",
    "json5",
    "netrc",
    "npmrc",
    "plist",
    "properties",
    "tf",
    "tfvars",
    "toml",
    "xml",
    "yaml",
    "yml",
];

/// Endings of source code, whose names and types look like assignments.
const SOURCE: [&str; 60] = [
    "adb", "ads", "asm", "awk", "bas", "c", "cc", "cjs", "cl", "clj", "coffee", "cpp", "cs", "css", "cts",
    "cxx", "d", "dart", "el", "erl", "ex", "exs", "f90", "go", "groovy", "h", "hh", "hpp", "hs", "html",
    "htm", "java", "jl", "js", "jsx", "kt", "less", "lisp", "lua", "m", "m4", "map", "ml", "mjs", "mts",
    "nim", "php", "pl", "pm", "proto", "py", "pyi", "r", "rb", "rs", "scala", "scss", "swift", "ts", "tsx",
];

impl FileClass {
    pub(crate) fn of(path: &str) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
        let Some((_, ending)) = name.rsplit_once('.') else { return Self::Other };
        if name.starts_with(".env") || SETTINGS.contains(&ending) {
            Self::Settings
        } else if SOURCE.contains(&ending)
            || matches!(ending, "rbs" | "svg" | "svelte" | "vue" | "zig" | "sql" | "pod" | "vim")
        {
            Self::Source
        } else {
            Self::Other
        }
    }
}

/// A value and what stands around it.
pub(crate) struct Context<'a> {
    /// The bytes around the keyword.
    pub(crate) window: &'a [u8],
    /// Where the value is in them.
    pub(crate) place: Range<usize>,
    /// The name that it is assigned to; empty where there is none.
    pub(crate) name: &'a [u8],
    /// Whether it stands in quotes.
    pub(crate) quoted: bool,
    pub(crate) class: FileClass,
}

impl Context<'_> {
    /// Whether the value stands in a comment of a program, where examples of its use are.
    pub(crate) fn is_comment(&self) -> bool {
        let before = &self.window[..self.place.start];
        let line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or(before).trim_ascii_start();
        let is_marked =
            [&b"#"[..], b"//", b"*", b"/*", b"--", b";", b">>>"].iter().any(|mark| line.starts_with(mark));
        self.class == FileClass::Source && is_marked
    }

    pub(crate) fn value(&self) -> &[u8] {
        &self.window[self.place.clone()]
    }
}
