//! What this machine lets this user do: root, subordinate ids, a single id, or nothing.
//!
//! Detection tries: it makes a user namespace and mounts an overlay and a `/proc` in it. System settings are read only
//! to explain a refusal.

use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::enter::probe;
use crate::error::Stage;
use crate::helpers::{Capabilities, number};
use crate::step::Identity;
use crate::subordinate::{self, IdRange};

/// Where `newuidmap` and `newgidmap` may be.
const PROGRAM_DIRECTORIES: [&str; 7] =
    ["/run/wrappers/bin", "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Ids an image may use: up to 65535.
const USUAL_IDS: u64 = 65_535;

/// How steps can be run here.
#[derive(Debug, Clone)]
pub struct Ladder {
    /// The highest rung that can be reached.
    pub rung: Rung,
    /// What was found.
    pub facts: Facts,
    /// What keeps the user from a higher rung, the most important first.
    pub obstacles: Vec<Obstacle>,
}

/// A way to run steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rung {
    /// Namespaces directly.
    Root,
    /// A user namespace with these ids besides the user's own.
    SubordinateIds {
        /// User ids.
        uids: Vec<IdRange>,
        /// Group ids.
        gids: Vec<IdRange>,
    },
    /// A user namespace with the user's own id; owners are emulated.
    SingleId,
    /// No step can be run.
    Unavailable,
}

impl Rung {
    /// How ids of a step are ids of the host on this rung; none where no step can be run.
    pub fn identity(&self) -> Option<Identity> {
        match self {
            Self::Root => Some(Identity::Host),
            Self::SubordinateIds { .. } => Some(Identity::Mapped),
            Self::SingleId => Some(Identity::Emulated),
            Self::Unavailable => None,
        }
    }
}

/// What detection found.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The effective user id.
    pub user_id: u32,
    /// The effective group id.
    pub group_id: u32,
    /// Its login name, when `/etc/passwd` has one.
    pub user_name: Option<String>,
    /// Effective capabilities.
    pub capabilities: Capabilities,
    /// `newuidmap`, when found.
    pub newuidmap: Option<PathBuf>,
    /// `newgidmap`, when found.
    pub newgidmap: Option<PathBuf>,
    /// Ranges in `/etc/subuid`.
    pub uids: Vec<IdRange>,
    /// Ranges in `/etc/subgid`.
    pub gids: Vec<IdRange>,
    /// `user.max_user_namespaces`, when the kernel has it.
    pub max_user_namespaces: Option<u64>,
    /// `kernel.unprivileged_userns_clone`, when the kernel has it.
    pub unprivileged_user_namespaces: Option<bool>,
    /// Whether `AppArmor` takes the rights away that come with a user namespace.
    pub apparmor_restriction: bool,
}

/// Something that keeps the user from a higher rung.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Obstacle {
    /// Root lacks the capability to mount, as in an unprivileged container.
    #[error("root lacks the capability CAP_SYS_ADMIN here")]
    RootWithoutCapabilities,
    /// A program that writes id maps is missing.
    #[error("`{program}` is not installed")]
    MissingMapper {
        /// `newuidmap` or `newgidmap`.
        program: &'static str,
    },
    /// A program that writes id maps has no rights.
    #[error("`{}` is neither set-user-ID root nor has file capabilities", .path.display())]
    PowerlessMapper {
        /// Where it is.
        path: PathBuf,
    },
    /// The user has no range.
    #[error("`{file}` has no range for user `{user}`")]
    NoRange {
        /// `/etc/subuid` or `/etc/subgid`.
        file: &'static str,
        /// Login name or number.
        user: String,
    },
    /// The user has fewer ids than images use.
    #[error("`{file}` gives user `{user}` only {count} ids; images use up to {USUAL_IDS}")]
    FewIds {
        /// `/etc/subuid` or `/etc/subgid`.
        file: &'static str,
        /// Login name or number.
        user: String,
        /// How many there are.
        count: u64,
    },
    /// A system setting forbids user namespaces.
    #[error("the system setting `{setting}` is {value}")]
    Setting {
        /// Name for sysctl(8).
        setting: &'static str,
        /// What it is.
        value: u64,
    },
    /// `AppArmor` restricts user namespaces of programs without a profile.
    #[error("AppArmor restricts user namespaces")]
    AppArmor,
    /// The kernel refused a user namespace.
    #[error("the kernel refused a user namespace: {source}")]
    Refused {
        /// What the kernel said.
        source: io::Error,
    },
    /// The kernel refused something inside a user namespace.
    #[error("inside a user namespace the kernel refused to {stage}: {source}")]
    RefusedInside {
        /// What was attempted.
        stage: Stage,
        /// What the kernel said.
        source: io::Error,
    },
}

impl Clone for Obstacle {
    fn clone(&self) -> Self {
        let copy = |source: &io::Error| {
            source.raw_os_error().map_or_else(|| source.kind().into(), io::Error::from_raw_os_error)
        };
        match self {
            Self::RootWithoutCapabilities => Self::RootWithoutCapabilities,
            Self::MissingMapper { program } => Self::MissingMapper { program },
            Self::PowerlessMapper { path } => Self::PowerlessMapper { path: path.clone() },
            Self::NoRange { file, user } => Self::NoRange { file, user: user.clone() },
            Self::FewIds { file, user, count } => Self::FewIds { file, user: user.clone(), count: *count },
            Self::Setting { setting, value } => Self::Setting { setting, value: *value },
            Self::AppArmor => Self::AppArmor,
            Self::Refused { source } => Self::Refused { source: copy(source) },
            Self::RefusedInside { stage, source } => {
                Self::RefusedInside { stage: stage.clone(), source: copy(source) }
            }
        }
    }
}

impl Obstacle {
    /// How to get it out of the way.
    pub fn hint(&self) -> String {
        match self {
            Self::RootWithoutCapabilities => {
                "start the container with `--privileged`, or run as a plain user where user namespaces are allowed"
                    .to_owned()
            }
            Self::MissingMapper { .. } => {
                "install the package `uidmap` (Debian, Ubuntu) or `shadow-utils` (Fedora, Alpine: `shadow-uidmap`)"
                    .to_owned()
            }
            Self::PowerlessMapper { path } => format!("as root: chmod u+s {}", path.display()),
            Self::NoRange { file, user } | Self::FewIds { file, user, .. } => {
                let option = if file.ends_with("subuid") { "--add-subuids" } else { "--add-subgids" };
                format!("as root: usermod {option} 100000-165535 {user} (another range if that one is taken)")
            }
            Self::Setting { setting, .. } => {
                let value = if *setting == "user.max_user_namespaces" { 15_000 } else { 1 };
                format!("as root: sysctl -w {setting}={value}")
            }
            Self::AppArmor => "as root: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or give the \
                               program an AppArmor profile with the rule `userns`"
                .to_owned(),
            Self::Refused { .. } => {
                "in a container, its system-call filter may forbid it: `--security-opt seccomp=unconfined`".to_owned()
            }
            Self::RefusedInside { stage: Stage::Proc, .. } => {
                "start the container with `--security-opt systempaths=unconfined`".to_owned()
            }
            Self::RefusedInside { .. } => "Linux 5.13 or newer is needed".to_owned(),
        }
    }
}

impl Ladder {
    /// Finds the highest rung. As a plain user this makes a user namespace for a moment.
    pub fn detect() -> Self {
        let facts = Facts::collect();
        if facts.user_id == 0 && facts.capabilities.contains(number::SYS_ADMIN) {
            return Self { rung: Rung::Root, facts, obstacles: Vec::new() };
        }
        let mut obstacles = Vec::new();
        if facts.user_id == 0 {
            obstacles.push(Obstacle::RootWithoutCapabilities);
        }
        if let Err(refusal) = probe(facts.user_id, facts.group_id) {
            facts.explain_refusal(&mut obstacles);
            obstacles.push(refusal);
            return Self { rung: Rung::Unavailable, facts, obstacles };
        }
        let before = obstacles.len();
        facts.mapper_obstacles(&mut obstacles);
        let mapped = obstacles.len() == before;
        facts.few_ids(&mut obstacles);
        let rung = if mapped {
            Rung::SubordinateIds { uids: facts.uids.clone(), gids: facts.gids.clone() }
        } else {
            Rung::SingleId
        };
        Self { rung, facts, obstacles }
    }
}

impl Facts {
    fn collect() -> Self {
        let user_id = rustix::process::geteuid().as_raw();
        let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let user_name = subordinate::user_name(&passwd, user_id);
        let name = user_name.as_deref();
        Self {
            user_id,
            group_id: rustix::process::getegid().as_raw(),
            capabilities: Capabilities::effective().unwrap_or(Capabilities::NONE),
            newuidmap: find_program("newuidmap"),
            newgidmap: find_program("newgidmap"),
            uids: subordinate::ranges(Path::new("/etc/subuid"), user_id, name),
            gids: subordinate::ranges(Path::new("/etc/subgid"), user_id, name),
            max_user_namespaces: setting("/proc/sys/user/max_user_namespaces"),
            unprivileged_user_namespaces: setting("/proc/sys/kernel/unprivileged_userns_clone")
                .map(|value| value != 0),
            apparmor_restriction: setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
                == Some(1),
            user_name,
        }
    }

    fn user(&self) -> String {
        self.user_name.clone().unwrap_or_else(|| self.user_id.to_string())
    }

    fn explain_refusal(&self, obstacles: &mut Vec<Obstacle>) {
        if self.max_user_namespaces == Some(0) {
            obstacles.push(Obstacle::Setting { setting: "user.max_user_namespaces", value: 0 });
        }
        if self.unprivileged_user_namespaces == Some(false) {
            obstacles.push(Obstacle::Setting { setting: "kernel.unprivileged_userns_clone", value: 0 });
        }
        if self.apparmor_restriction {
            obstacles.push(Obstacle::AppArmor);
        }
    }

    fn mapper_obstacles(&self, obstacles: &mut Vec<Obstacle>) {
        for (program, found) in [("newuidmap", &self.newuidmap), ("newgidmap", &self.newgidmap)] {
            match found {
                None => obstacles.push(Obstacle::MissingMapper { program }),
                Some(path) if !has_rights(path) => {
                    obstacles.push(Obstacle::PowerlessMapper { path: path.clone() });
                }
                Some(_) => {}
            }
        }
        for (file, ranges) in [("/etc/subuid", &self.uids), ("/etc/subgid", &self.gids)] {
            if ranges.is_empty() {
                obstacles.push(Obstacle::NoRange { file, user: self.user() });
            }
        }
    }

    fn few_ids(&self, obstacles: &mut Vec<Obstacle>) {
        for (file, ranges) in [("/etc/subuid", &self.uids), ("/etc/subgid", &self.gids)] {
            let count = subordinate::total(ranges);
            if count > 0 && count < USUAL_IDS {
                obstacles.push(Obstacle::FewIds { file, user: self.user(), count });
            }
        }
    }
}

fn setting(path: &str) -> Option<u64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn find_program(name: &str) -> Option<PathBuf> {
    PROGRAM_DIRECTORIES.iter().map(|directory| Path::new(directory).join(name)).find(|path| {
        path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    })
}

/// Whether a program gets rights when it is executed: set-user-ID root, or file capabilities.
fn has_rights(path: &Path) -> bool {
    let set_user_id = path
        .metadata()
        .is_ok_and(|found| found.uid() == 0 && found.permissions().mode() & libc::S_ISUID != 0);
    let mut value = [0u8; 64];
    set_user_id
        || rustix::fs::getxattr(path, "security.capability", &mut value).is_ok_and(|length| length > 0)
}
