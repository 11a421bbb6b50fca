//! What a build gives to all of its steps.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use plimsoll_layer::{Owners, XattrNamespace};
use plimsoll_sandbox::{ControlLimits, Identity, ResourceLimit, Step};

use crate::agent::SshAgent;

/// What a build gives to all of its steps. Nothing in here is in a key.
#[derive(Clone)]
pub struct Settings {
    /// How ids inside a step are ids of the host.
    pub identity: Identity,
    /// How the disk keeps owners.
    pub owners: Owners,
    /// Which attributes overlayfs reads.
    pub xattr_namespace: XattrNamespace,
    /// Whether this process may make and touch unpacked layers.
    pub may_run: bool,
    /// Threads for copying and hashing.
    pub threads: NonZeroUsize,
    /// The bytes of `/etc/resolv.conf` in steps.
    pub resolv_conf: Vec<u8>,
    /// `--add-host`: name and address.
    pub extra_hosts: Vec<(String, String)>,
    /// A bundle of certificates that steps trust besides their own.
    pub ca_bundle: Option<Vec<u8>>,
    /// What steps may use, and whether they may gain rights.
    pub limits: StepLimits,
    /// `--ssh`: agents by id.
    pub ssh_agents: BTreeMap<String, SshAgent>,
    /// `--secret`: where the values are.
    pub secrets: BTreeMap<String, SecretSource>,
    /// Directories of device specifications (CDI).
    pub device_directories: Vec<PathBuf>,
    /// The most entries of an archive that ADD unpacks (`store.max-archive-entries`).
    pub archive_entries: u64,
    /// Where the logs of this build's steps go.
    pub logs: PathBuf,
    /// `SOURCE_DATE_EPOCH`: results are said to be made then, in seconds since 1970.
    pub epoch: Option<i64>,
}

/// What a build's steps may use: the flags that Docker gives to builds and to containers alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepLimits {
    /// `--shm-size`: bytes of `/dev/shm`.
    pub shm_size: u64,
    /// `--ulimit`.
    pub resources: Vec<ResourceLimit>,
    /// `--memory`, `--cpu-quota`, `--cgroup-parent` and the like.
    pub control: ControlLimits,
    /// `--no-new-privileges`: set-user-ID programs and file capabilities give nothing.
    pub no_new_privileges: bool,
}

impl Default for StepLimits {
    fn default() -> Self {
        Self {
            shm_size: Step::DEFAULT_SHM_SIZE,
            resources: Vec::new(),
            control: ControlLimits::default(),
            no_new_privileges: false,
        }
    }
}

/// Where the value of a secret is.
#[derive(Clone)]
pub enum SecretSource {
    /// In a file, read when a step first needs it.
    File(PathBuf),
    /// At hand: it came from a variable.
    Value(Vec<u8>),
}

impl Settings {
    /// The bytes of `/etc/hosts` in steps.
    pub(crate) fn hosts(&self) -> Vec<u8> {
        let mut text = String::from("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
        for (name, address) in &self.extra_hosts {
            let _infallible = writeln!(text, "{address}\t{name}");
        }
        text.into_bytes()
    }
}
