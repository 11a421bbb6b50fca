//! The flags of `plimsoll build`, with Docker's names.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context as _, Result, bail};
use plimsoll_build::Entitlements;
use plimsoll_diagnostics::SourceFile;
use plimsoll_oci::{Platform, Reference};

use super::BuildArgs;
use super::attest::AttestArgs;
use super::call::Call;
use super::limits::LimitArgs;
use super::refused::RefusedArgs;
use super::scanned::ScanArgs;
use crate::progress::Mode;
use crate::variables;

/// Build an image from a Dockerfile
#[derive(clap::Args)]
#[command(args_override_self = true)]
pub(crate) struct Args {
    /// The build context: a directory, the address of a git repository or of a tar archive, or `-` for an archive or a Dockerfile
    /// on standard input
    #[arg(value_name = "CONTEXT")]
    pub(crate) context: PathBuf,
    /// The Dockerfile: a path, an http address, or `-` for standard input; in a context that is fetched, a path inside it
    /// [default: CONTEXT/Dockerfile]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Name the image (several times for several names)
    #[arg(short, long = "tag", value_name = "NAME[:TAG]")]
    pub(crate) tags: Vec<String>,
    /// Set a build argument; without a value it is taken from the environment
    #[arg(long = "build-arg", value_name = "NAME[=VALUE]")]
    pub(crate) build_arg: Vec<String>,
    /// Build this stage instead of the last one
    #[arg(long, value_name = "STAGE")]
    pub(crate) target: Option<String>,
    /// Run every step again
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false,
          hide_default_value = true, action = clap::ArgAction::Set, value_parser = truth, value_name = "BOOL")]
    pub(crate) no_cache: bool,
    /// Run every step of these stages again
    #[arg(long = "no-cache-filter", value_name = "STAGE", conflicts_with = "no_cache")]
    pub(crate) no_cache_filter: Vec<String>,
    /// Ask again what the names of base images stand for
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false,
          hide_default_value = true, action = clap::ArgAction::Set, value_parser = truth, value_name = "BOOL")]
    pub(crate) pull: bool,
    /// Fail when `plimsoll.lock` lacks the name of a base image
    #[arg(long)]
    pub(crate) locked: bool,
    /// Ask what the names of base images stand for, whatever `plimsoll.lock` says
    #[arg(long, conflicts_with = "locked")]
    pub(crate) no_lock: bool,
    /// The platforms to build for, after commas; several make one index
    #[arg(long = "platform", value_name = "OS/ARCH[/VARIANT]", value_delimiter = ',')]
    pub(crate) platforms: Vec<Platform>,
    /// Give a secret to steps that mount it
    #[arg(long = "secret", value_name = "id=ID[,src=FILE|,env=NAME]")]
    pub(crate) secrets: Vec<String>,
    /// Let an ssh agent, or keys in files, sign for steps that mount it
    #[arg(long, value_name = "default|ID[=SOCKET|KEY[,KEY…]]")]
    pub(crate) ssh: Vec<String>,
    /// A named context: a directory, a git or http address, `docker-image://NAME`, `oci-layout://DIRECTORY` or `debian://…`;
    /// replaces images of that name
    #[arg(long = "build-context", value_name = "NAME[::PLATFORM]=VALUE")]
    pub(crate) build_contexts: Vec<String>,
    /// Set a label
    #[arg(long = "label", value_name = "NAME=VALUE")]
    pub(crate) label: Vec<String>,
    /// Add a line to /etc/hosts in steps
    #[arg(long = "add-host", value_name = "HOST:IP")]
    pub(crate) add_hosts: Vec<String>,
    /// The network of steps: default, host or none
    #[arg(long, value_name = "MODE", default_value = "default")]
    pub(crate) network: String,
    /// Allow steps to ask for more: network.host, security.insecure, device, device=NAME
    #[arg(long, value_name = "ENTITLEMENT")]
    pub(crate) allow: Vec<String>,
    /// Answer a question instead of building: check, outline or targets, with `,format=json` behind it for JSON
    #[arg(long, value_name = "METHOD[,format=json]")]
    pub(crate) call: Option<Call>,
    /// The same as `--call=check`: say what is probably wrong with the Dockerfile
    #[arg(long, conflicts_with = "call", num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false,
          hide_default_value = true, action = clap::ArgAction::Set, value_parser = truth, value_name = "BOOL")]
    pub(crate) check: bool,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) scan: ScanArgs,
    #[command(flatten)]
    pub(crate) attest: AttestArgs,
    #[command(flatten)]
    pub(crate) refused: RefusedArgs,
    /// How to show progress
    #[arg(long, value_enum, default_value_t = Mode::Auto)]
    pub(crate) progress: Mode,
    /// Print the image's digest and nothing else
    #[arg(short, long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false,
          hide_default_value = true, action = clap::ArgAction::Set, value_parser = truth, value_name = "BOOL")]
    pub(crate) quiet: bool,
    /// Where the result goes, several times for several places: type=image|registry|docker|oci|local|tar|cacheonly, then
    /// attributes after commas (docs/outputs.md), such as dest=PATH, name=NAME, compression=zstd
    #[arg(short, long = "output", value_name = "SPEC")]
    pub(crate) outputs: Vec<String>,
    /// Push the image to the registry of its names, as `--output type=registry` does
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false,
          hide_default_value = true, action = clap::ArgAction::Set, value_parser = truth, value_name = "BOOL")]
    pub(crate) push: bool,
    /// Give the image to a Docker engine or podman: that of DOCKER_HOST or of Docker's context, else the one that runs here, as `--output type=docker` does
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false,
          hide_default_value = true, action = clap::ArgAction::Set, value_parser = truth, value_name = "BOOL")]
    pub(crate) load: bool,
    /// Export nothing and fail when the image is larger than this, unpacked, such as 200MB; `none` also overrides plimsoll.toml,
    /// else the smaller of both counts
    #[arg(long, value_name = "SIZE|none")]
    pub(crate) size_budget: Option<String>,
    /// Annotate manifests or indexes
    #[arg(long = "annotation", value_name = "[PLACE[PLATFORM],…:]KEY=VALUE")]
    pub(crate) annotations: Vec<String>,
    /// Write the image's digest into this file
    #[arg(long, value_name = "FILE")]
    pub(crate) iidfile: Option<PathBuf>,
    /// Write what is known of the result into this file, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) metadata_file: Option<PathBuf>,
    /// When a command fails, open a shell where it failed
    #[arg(long, value_name = "WHAT", value_enum)]
    pub(crate) debug_on_fail: Option<DebugOnFail>,
    /// Let steps and registries trust these certificates too; nothing of it stays in the image
    #[arg(long, value_name = "FILE", env = variables::CA_CERTS, hide_env_values = true)]
    pub(crate) ca_certs: Option<PathBuf>,
    /// The text of the Dockerfile, where a bake file holds it.
    #[arg(skip)]
    pub(crate) inline: Option<SourceFile>,
    /// Nothing is built, so there is nothing to keep a record of.
    #[arg(skip)]
    pub(crate) records_nothing: bool,
}

/// `true` and `false` in the spellings that Docker's flags take.
pub(crate) fn truth(text: &str) -> Result<bool, &'static str> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("it is true or false"),
    }
}

/// What is done when a command fails.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum DebugOnFail {
    /// A shell in the failed step's file system
    Shell,
}

impl Args {
    /// Flags about a result, which a question has none of.
    pub(crate) fn without_effect_on_questions(&self) -> Vec<&'static str> {
        let flags = [
            ("--output", !self.outputs.is_empty()),
            ("--push", self.push),
            ("--load", self.load),
            ("--iidfile", self.iidfile.is_some()),
            ("--metadata-file", self.metadata_file.is_some()),
            ("--debug-on-fail", self.debug_on_fail.is_some()),
        ];
        flags.into_iter().filter(|(_, given)| *given).map(|(flag, _)| flag).collect()
    }

    /// Whether standard input is needed.
    pub(crate) fn reads_stdin(&self) -> bool {
        self.context.as_os_str() == "-" || self.file.as_ref().is_some_and(|file| file.as_os_str() == "-")
    }

    /// `--build-arg` by name.
    pub(crate) fn build_args(&self) -> Result<BuildArgs> {
        let mut values = BuildArgs::new();
        for argument in &self.build_arg {
            match argument.split_once('=') {
                Some(("", _)) => bail!("`--build-arg {argument}` has no name; write it as `NAME=VALUE`"),
                Some((name, value)) => drop(values.insert(name.to_owned(), value.to_owned())),
                None => {
                    if let Ok(value) = std::env::var(argument) {
                        values.insert(argument.clone(), value);
                    }
                }
            }
        }
        Ok(values)
    }

    /// `--no-cache-filter`: names of stages, several after commas.
    pub(crate) fn no_cache_stages(&self) -> Result<Vec<String>> {
        let names = self.no_cache_filter.iter().flat_map(|names| names.split(','));
        let names: Vec<String> = names.map(|name| name.trim().to_owned()).collect();
        if names.iter().any(String::is_empty) {
            bail!("`--no-cache-filter` needs the name of a stage; `--no-cache` is for all of them");
        }
        Ok(names)
    }

    /// `--allow`.
    pub(crate) fn entitlements(&self) -> Result<Entitlements> {
        let mut entitlements = Entitlements::default();
        for allowed in &self.allow {
            match allowed.as_str() {
                "network.host" => entitlements.host_network = true,
                "security.insecure" => entitlements.insecure = true,
                "device" => entitlements.all_devices = true,
                other => match other.strip_prefix("device=").filter(|name| !name.is_empty()) {
                    Some(name) => {
                        entitlements.devices.insert(name.to_owned());
                    }
                    None => bail!(
                        "`--allow {other}` is not known; there are `network.host`, `security.insecure`, `device` and \
                         `device=NAME`"
                    ),
                },
            }
        }
        Ok(entitlements)
    }

    /// `--label` in order.
    pub(crate) fn labels(&self) -> Result<Vec<(String, String)>> {
        let split = |label: &String| {
            let (name, value) = label.split_once('=').unwrap_or((label, ""));
            if name.is_empty() {
                bail!("`--label {label}` has no name; write it as `NAME=VALUE`");
            }
            Ok((name.to_owned(), value.to_owned()))
        };
        self.label.iter().map(split).collect()
    }

    /// `--add-host` in order: `host:ip` or `host=ip`; an IPv6 address may stand in brackets.
    pub(crate) fn extra_hosts(&self) -> Result<Vec<(String, String)>> {
        let mut hosts = Vec::new();
        for entry in &self.add_hosts {
            let split = entry.split_once('=').or_else(|| entry.split_once(':'));
            let (name, address) =
                split.with_context(|| format!("`--add-host {entry}` is not of the form `HOST:IP`"))?;
            if address == "host-gateway" {
                bail!("`--add-host {entry}`: steps have no gateway to the host; name its address");
            }
            let address = address.trim_start_matches('[').trim_end_matches(']');
            if address.parse::<std::net::IpAddr>().is_err() {
                bail!("`--add-host {entry}`: `{address}` is not an IP address");
            }
            hosts.push((name.to_owned(), address.to_owned()));
        }
        Ok(hosts)
    }

    /// `--tag`: names of the image, made whole.
    pub(crate) fn references(&self) -> Result<Vec<String>> {
        let mut references = Vec::new();
        for name in &self.tags {
            references.push(tag(name)?);
        }
        references.dedup();
        Ok(references)
    }

    /// `--platform`, each once.
    pub(crate) fn platforms(&self) -> Vec<Platform> {
        let mut platforms: Vec<Platform> = Vec::new();
        for platform in &self.platforms {
            if !platforms.contains(platform) {
                platforms.push(platform.clone());
            }
        }
        platforms
    }
}

/// A name for an image, made whole.
pub(crate) fn tag(name: &str) -> Result<String> {
    let reference = Reference::from_str(name)?;
    if reference.digest().is_some() {
        bail!("`{name}` names a digest; an image is named by a tag, its digest comes from its bytes");
    }
    Ok(reference.to_string())
}
