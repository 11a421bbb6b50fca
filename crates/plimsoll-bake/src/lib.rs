//! Bake files (HCL, JSON) and compose files to the targets that they define.
//!
//! [`Bake::read`] takes the files in the order in which they were named and gives definitions; [`Bake::resolve`] picks the
//! targets that were asked for, with groups, inheritance, links between targets and `--set` applied. The result is what
//! `docker buildx bake --print` prints for the same files. The crate is pure: environment variables, the home directory,
//! the time and further files come from the caller.
//!
//! The language is HCL as its specification says, read with `hcl-edit`; the functions are those of the bake reference.
//! Files are not trusted: what they may compute is limited, and what they ask for beyond the project is listed by
//! [`privileges()`] for the caller to refuse.

mod attributes;
mod compose;
mod csv;
mod definition;
mod entry;
mod functions;
mod language;
mod overrides;
mod paths;
mod print;
mod privileges;
mod problem;
mod resolve;
mod syntax;
mod target;
mod variables;

use std::collections::BTreeMap;
use std::sync::Arc;

use plimsoll_diagnostics::SourceFile;

pub use compose::parse_dotenv;
pub use entry::{Attest, Cache, Entry, Output, Secret, Ssh};
pub use functions::Machine;
pub use overrides::Granted;
pub use paths::clean;
pub use print::{print, print_answers};
pub use privileges::{Privilege, Required, local_path, privileges};
pub use problem::{BakeError, Place, Problem};
pub use resolve::Resolved;
pub use target::{Group, Target};
pub use variables::Variable;

use compose::Compose;
use definition::{Defined, Module};
use overrides::Overrides;
use resolve::Definitions;

/// The files that are read when none is named, in this order.
pub const DEFAULT_FILES: [&str; 8] = [
    "compose.yaml",
    "compose.yml",
    "docker-compose.yml",
    "docker-compose.yaml",
    "docker-bake.json",
    "docker-bake.hcl",
    "docker-bake.override.json",
    "docker-bake.override.hcl",
];

/// What files may depend on besides themselves.
pub struct Inputs<'a> {
    /// Environment variables, which set the variables of bake files.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    /// `--var`: beats the environment.
    pub given: BTreeMap<String, String>,
    /// Variables that are there without being declared.
    pub built_in: BTreeMap<String, String>,
    /// The environment and `.env`, for compose files.
    pub compose_environment: BTreeMap<String, String>,
    /// Reads what compose files include and extend, and environment files, by their paths from the working directory;
    /// nothing when there is no such file.
    pub files: ReadFile<'a>,
    /// What functions may know of the machine.
    pub machine: Machine,
}

/// Gives a file by its path; nothing when there is none.
pub type ReadFile<'a> = &'a dyn Fn(&str) -> Result<Option<Arc<SourceFile>>, Unreadable>;

/// Why a file is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// What is wrong.
    pub message: String,
    /// The way out.
    pub hint: Option<String>,
}

/// Everything that files define.
pub struct Bake {
    definitions: Definitions,
    /// The variables of all files, by name.
    pub variables: Vec<Variable>,
    /// Remarks: what has no effect, and probably was meant to have one.
    pub warnings: Vec<Problem>,
}

/// One line of the list of targets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The name of a target or group.
    pub name: String,
    /// For people; of a group without one, its targets.
    pub description: String,
    /// Whether it is a group.
    pub is_group: bool,
}

impl Bake {
    /// Reads files.
    ///
    /// # Errors
    /// Everything that is wrong, each at its place.
    pub fn read(files: &[Arc<SourceFile>], inputs: &Inputs<'_>) -> Result<Self, BakeError> {
        let (mut bodies, mut compose_files, mut problems) = (Vec::new(), Vec::new(), Vec::new());
        for file in files {
            if compose::is_compose(file) {
                compose_files.push(Arc::clone(file));
                continue;
            }
            match syntax::parse(file) {
                Ok(body) => bodies.push(body),
                Err(problem) => problems.push(problem),
            }
        }
        if !problems.is_empty() {
            return Err(BakeError { problems });
        }
        let mut definitions = Definitions::default();
        let mut warnings = Vec::new();
        if !compose_files.is_empty() {
            let compose = Compose::read(&compose_files, inputs)?;
            definitions.add(compose.definitions);
            warnings.extend(compose.warnings);
        }
        let Defined { definitions: defined, variables, warnings: more } =
            Module::new(bodies, inputs)?.define()?;
        definitions.add(defined);
        warnings.extend(more);
        Ok(Self { definitions, variables, warnings })
    }

    /// Finds the targets behind names of targets and groups; no name is `default`.
    ///
    /// # Errors
    /// An unknown target, a loop, a bad value of `--set`.
    pub fn resolve(
        &self,
        names: &[String],
        set: &[String],
        inputs: &Inputs<'_>,
    ) -> Result<(Resolved, Granted), BakeError> {
        let overrides = Overrides::parse(&self.definitions, set, inputs.environment)?;
        let names: Vec<String> = match names {
            [] => vec!["default".to_owned()],
            names => names.iter().map(|name| name.replace('.', "_")).collect(),
        };
        Ok((self.definitions.resolve(&names, &overrides)?, overrides.granted()))
    }

    /// Groups and targets, each by name.
    pub fn list(&self) -> Vec<Listed> {
        let mut groups: Vec<Listed> = self
            .definitions
            .groups
            .iter()
            .map(|group| Listed {
                name: group.name.clone(),
                description: if group.description.is_empty() {
                    group.targets.join(", ")
                } else {
                    group.description.clone()
                },
                is_group: true,
            })
            .collect();
        let mut targets: Vec<Listed> = self
            .definitions
            .targets
            .iter()
            .filter(|target| groups.iter().all(|group| group.name != target.name))
            .map(|target| Listed {
                name: target.name.clone(),
                description: target.description.clone(),
                is_group: false,
            })
            .collect();
        groups.append(&mut targets);
        groups.sort_by(|a, b| a.name.cmp(&b.name));
        groups
    }
}

/// Checks that a name can be one of a target.
pub(crate) fn check_target_name(name: &str) -> Result<(), String> {
    let is_fine = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(is_fine) {
        return Ok(());
    }
    Err(format!("`{name}` cannot be a name: only letters, digits, `_` and `-` can be in one"))
}
