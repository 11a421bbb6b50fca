//! Where this process stands: root, a plain user, or the copy of a plain user in a user namespace.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use plimsoll_sandbox::Identity;
use plimsoll_sandbox::{Enter, Ladder, Rung, copy_identity, copy_marker, enter};
use plimsoll_store::{Owner, XattrNamespace};

use crate::variables;

/// Where this process stands.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    /// How ids inside steps are ids of the host.
    pub(crate) identity: Identity,
    /// Whether unpacked layers may be touched here.
    pub(crate) may_run: bool,
    /// Whose store it is, as seen from outside.
    pub(crate) owner: Owner,
}

/// Takes the marker of a copy out of the arguments.
pub(crate) fn take_marker(arguments: &mut Vec<OsString>) -> Option<Identity> {
    let identity = copy_identity(arguments.get(1)?)?;
    arguments.remove(1);
    Some(identity)
}

impl Standing {
    /// Finds out; `copy` is what the marker among the arguments said.
    pub(crate) fn detect(copy: Option<Identity>) -> Result<Self> {
        if let Some(identity) = copy {
            let outer = variables::text(variables::OUTER).context(
                "the copy in the user namespace was not told whose it is; start plimsoll without its marker",
            )?;
            let (uid, id_map) = outer.split_once(' ').context("the copy was told nonsense about its user")?;
            let uid = uid.parse().context("the copy was told nonsense about its user")?;
            let owner = Owner { uid, id_map: id_map.to_owned(), xattr_namespace: XattrNamespace::User };
            return Ok(Self { identity, may_run: true, owner });
        }
        let ladder = Ladder::detect();
        let uid = ladder.facts.user_id;
        let standing = |identity, may_run, xattr_namespace| Self {
            identity,
            may_run,
            owner: Owner { uid, id_map: id_map(&ladder.rung), xattr_namespace },
        };
        Ok(match &ladder.rung {
            Rung::Root => standing(Identity::Host, true, XattrNamespace::Trusted),
            Rung::SubordinateIds { .. } => standing(Identity::Mapped, false, XattrNamespace::User),
            Rung::SingleId | Rung::Unavailable => standing(Identity::Emulated, false, XattrNamespace::User),
        })
    }
}

/// The id map as a text that is equal for equal maps.
fn id_map(rung: &Rung) -> String {
    match rung {
        Rung::Root => "host".to_owned(),
        Rung::SubordinateIds { uids, gids } => format!("uids {uids:?} gids {gids:?}"),
        Rung::SingleId | Rung::Unavailable => "single".to_owned(),
    }
}

/// What stands in front of a command that the user's own programs are run with.
const AS_USER: &str = "--as-user=";

impl Standing {
    /// A command as it finds the user's own home and files: in the copy, root is a plain user again for it.
    pub(crate) fn as_user(&self, command: Vec<OsString>) -> Vec<OsString> {
        if self.owner.uid == 0 || !self.may_run {
            return command;
        }
        let own = ["/proc/self/exe".into(), format!("{AS_USER}{}", self.owner.uid).into()];
        own.into_iter().chain(command).collect()
    }
}

/// Becomes the command that [`Standing::as_user`] was given; nothing if the arguments are none of its.
pub(crate) fn become_command(arguments: &[OsString]) -> Option<anyhow::Error> {
    let uid = arguments.get(1)?.to_str()?.strip_prefix(AS_USER)?.parse().ok()?;
    let program = arguments.get(2)?;
    if let Err(error) = plimsoll_sandbox::become_user(uid) {
        return Some(anyhow::Error::new(error).context(format!("cannot be the user {uid} in here")));
    }
    let error = Command::new(program).args(&arguments[3..]).exec();
    Some(anyhow::Error::new(error).context(format!("cannot run `{}`", program.to_string_lossy())))
}

/// Starts this program once more, in a user namespace, with the same arguments; gives its exit code.
pub(crate) fn enter_copy(arguments: &[OsString]) -> Result<u8> {
    let ladder = Ladder::detect();
    let Some(identity) = ladder.rung.identity() else {
        let reasons: Vec<String> =
            ladder.obstacles.iter().map(|obstacle| format!("{obstacle}; {}", obstacle.hint())).collect();
        bail!("this user cannot run steps here: {}", reasons.join("; "));
    };
    let mut argv = arguments.to_vec();
    argv.insert(1, copy_marker(identity));
    let outer = format!("{} {}", ladder.facts.user_id, id_map(&ladder.rung));
    let env = std::env::vars_os().chain([(variables::OUTER.into(), outer.into())]).collect();
    let copy = Enter { program: "/proc/self/exe".into(), argv, env, descriptors: Vec::new() };
    let status =
        enter(&ladder, copy).context("cannot enter a user namespace; `plimsoll doctor` says more")?;
    Ok(u8::try_from(status.code()).unwrap_or(crate::exit::IMPOSSIBLE))
}

/// Says that a command must run in the user namespace; the dispatcher then starts the copy there.
#[derive(Debug)]
pub(crate) struct NeedsCopy;

impl std::fmt::Display for NeedsCopy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("this needs the user namespace")
    }
}

impl std::error::Error for NeedsCopy {}
