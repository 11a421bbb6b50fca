//! What the caller wants, and what it knows.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_dockerfile::ignore::IgnoreFile;
use plimsoll_oci::Platform;

use plimsoll_diagnostics::Severity;

use crate::context::BuildContext;
use crate::document::BaseFacts;
use crate::labels::LabelType;
use crate::shellcheck::Answers;

/// Which stages are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope<'a> {
    /// All.
    #[default]
    All,
    /// The last one, and those that it needs.
    Last,
    /// The one of this name or number, and those that it needs.
    Target(&'a str),
}

/// Answers what is known of a base image, for a platform.
pub type Bases<'a> = dyn Fn(&str, &Platform) -> Option<BaseFacts> + 'a;

/// Everything besides the text that decides what is found. [`Options::default`] knows nothing and asks for the usual.
#[derive(Default)]
pub struct Options<'a> {
    /// Which stages are looked at.
    pub scope: Scope<'a>,
    /// Build arguments.
    pub build_args: BTreeMap<String, String>,
    /// The platform that is built for; the host's when there is none.
    pub platform: Option<Platform>,
    /// Rules to run besides the usual ones, by any of their names.
    pub enable: Vec<String>,
    /// Rules whose findings are not wanted, by any of their names.
    pub ignore: Vec<String>,
    /// Registries that images may come from, `*` for any text; none when every one may.
    pub trusted_registries: Vec<String>,
    /// Labels that an image must have, with what their values are.
    pub label_schema: Vec<(String, LabelType)>,
    /// Whether no other labels are allowed.
    pub strict_labels: bool,
    /// Severities of rules, by any of their names.
    pub severities: Vec<(String, Severity)>,
    /// What the build context leaves out.
    pub ignore_file: Option<&'a IgnoreFile>,
    /// Answers what the build context holds.
    pub context: Option<&'a dyn BuildContext>,
    /// Names of named contexts: they stand in for images.
    pub contexts: Vec<String>,
    /// Names of images, whole, that the project's lock has a digest for; nothing when there is no lock.
    pub locked: Option<BTreeSet<String>>,
    /// Answers what is known of base images, by their expanded name.
    pub bases: Option<&'a Bases<'a>>,
    /// The date, as it is written: `2027-01-31`. Without it no suppression ends.
    pub today: Option<String>,
    /// Whether comments that suppress findings are not honoured.
    pub no_inline_ignores: bool,
    /// Answers what `ShellCheck` says about a script; without it nothing is.
    pub shellcheck: Option<&'a Answers<'a>>,
}
