//! The flags of `plimsoll bake`, with Docker's names.

use std::path::PathBuf;
use std::str::FromStr;

use crate::commands::build::truth;
use crate::progress::Mode;

/// Build the targets that a bake file or a compose file defines
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Targets and groups to build [default: the group or target `default`]
    #[arg(value_name = "TARGET")]
    pub(crate) targets: Vec<String>,
    /// A bake file (HCL or JSON) or a compose file, or `-` for standard input (several times for several files)
    /// [default: compose.yaml, docker-compose.yml, docker-bake.json, docker-bake.hcl and docker-bake.override.*, all that exist]
    #[arg(short, long = "file", value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Change an attribute of targets; `+=` adds to a list, wildcards in the name mean several targets
    #[arg(long = "set", value_name = "TARGET.KEY[.NAME]=VALUE")]
    pub(crate) set: Vec<String>,
    /// Set a variable of the bake file
    #[arg(long = "var", value_name = "NAME=VALUE")]
    pub(crate) variables: Vec<String>,
    /// Print what would be built, as JSON, and build nothing
    #[arg(long)]
    pub(crate) print: bool,
    /// List targets or variables, and build nothing
    #[arg(long, value_name = "targets|variables[,format=json]")]
    pub(crate) list: Option<List>,
    /// Answer a question about each target instead of building: check, outline or targets, with `,format=json` behind it for JSON
    #[arg(long, value_name = "METHOD[,format=json]")]
    pub(crate) call: Option<String>,
    /// The same as `--call=check`: say what is probably wrong with the Dockerfiles
    #[arg(long, conflicts_with = "call", num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false,
          hide_default_value = true, action = clap::ArgAction::Set, value_parser = truth, value_name = "BOOL")]
    pub(crate) check: bool,
    /// Let the files use what is outside of the project: fs=PATH, fs.read=PATH, fs.write=PATH, network.host, security.insecure,
    /// device, ssh; `*` as a path is every path
    #[arg(long, value_name = "PRIVILEGE")]
    pub(crate) allow: Vec<String>,
    /// Push the images to the registries of their names
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false,
          hide_default_value = true, action = clap::ArgAction::Set, value_parser = truth, value_name = "BOOL")]
    pub(crate) push: bool,
    /// Give the images to a Docker engine or podman: that of DOCKER_HOST or of Docker's context, else the one that runs here
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false,
          hide_default_value = true, action = clap::ArgAction::Set, value_parser = truth, value_name = "BOOL")]
    pub(crate) load: bool,
    /// Run every step again
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub(crate) no_cache: Option<bool>,
    /// Ask again what the names of base images stand for
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub(crate) pull: Option<bool>,
    /// Fail when `plimsoll.lock` lacks the name of a base image
    #[arg(long)]
    pub(crate) locked: bool,
    /// Ask what the names of base images stand for, whatever `plimsoll.lock` says
    #[arg(long, conflicts_with = "locked")]
    pub(crate) no_lock: bool,
    /// Export nothing and fail when an image is larger than this, unpacked, as of `plimsoll build`
    #[arg(long, value_name = "SIZE|none")]
    pub(crate) size_budget: Option<String>,
    /// Attach a list of the packages to the images
    #[arg(long, value_name = "OPTIONS")]
    pub(crate) sbom: Option<String>,
    /// Attach a record of how the images were built
    #[arg(long, value_name = "OPTIONS")]
    pub(crate) provenance: Option<String>,
    /// Write what is known of the results into this file, as JSON, by target
    #[arg(long, value_name = "FILE")]
    pub(crate) metadata_file: Option<PathBuf>,
    /// How to show progress
    #[arg(long, value_enum, default_value_t = Mode::Auto)]
    pub(crate) progress: Mode,
}

/// The value of `--list`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct List {
    /// Variables; else targets.
    pub(crate) variables: bool,
    /// Whether the answer is JSON.
    pub(crate) json: bool,
}

impl FromStr for List {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (mut variables, mut json) = (None, false);
        for part in text.split(',') {
            match part.split_once('=').unwrap_or(("type", part)) {
                ("type", "targets") => variables = Some(false),
                ("type", "variables") => variables = Some(true),
                ("format", "json") => json = true,
                ("format", "table" | "") => json = false,
                _ => {
                    return Err(format!(
                        "`{part}` is not `targets`, `variables`, `format=json` or `format=table`"
                    ));
                }
            }
        }
        let variables = variables.ok_or("say what to list: `targets` or `variables`")?;
        Ok(Self { variables, json })
    }
}

impl Args {
    /// Everything that `--set` and its shorthands change, in the order in which it counts.
    pub(crate) fn overrides(&self) -> Vec<String> {
        let mut all = self.set.clone();
        if self.push {
            all.push("*.push=true".to_owned());
        }
        if self.load {
            all.push("*.load=true".to_owned());
        }
        if let Some(call) = self.method() {
            let method = call.split(',').next().unwrap_or_default();
            all.push(format!("*.call={}", if method == "check" { "lint" } else { method }));
        }
        all.extend(self.no_cache.map(|value| format!("*.no-cache={value}")));
        all.extend(self.pull.map(|value| format!("*.pull={value}")));
        all.extend(self.sbom.as_deref().map(|options| attest("sbom", options)));
        all.extend(self.provenance.as_deref().map(|options| attest("provenance", options)));
        all
    }

    /// `--call` and `--check`; nothing for an ordinary build.
    pub(crate) fn method(&self) -> Option<&str> {
        let method = if self.check { Some("check") } else { self.call.as_deref() };
        method.filter(|method| *method != "build")
    }
}

/// `--sbom` and `--provenance`: true, false, or options.
fn attest(kind: &str, options: &str) -> String {
    match options {
        "true" | "" => format!("*.attest=type={kind}"),
        "false" => format!("*.attest=type={kind},disabled=true"),
        options => format!("*.attest=type={kind},{options}"),
    }
}
