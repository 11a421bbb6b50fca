//! What a build gives to all of its steps.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use plimsoll_layer::{Owners, XattrNamespace};
use plimsoll_sandbox::Identity;

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
    /// Set `no_new_privs` for steps.
    pub no_new_privileges: bool,
    /// `--ssh`: sockets of agents by id.
    pub ssh_sockets: BTreeMap<String, PathBuf>,
    /// `--secret`: where the values are.
    pub secrets: BTreeMap<String, SecretSource>,
    /// Where the logs of this build's steps go.
    pub logs: PathBuf,
    /// `SOURCE_DATE_EPOCH`: results are said to be made then, in seconds since 1970.
    pub epoch: Option<i64>,
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
