//! The unified hierarchy: a group has processes or it has controllers for the groups below it, never both.
//!
//! (Documentation/admin-guide/cgroup-v2.rst, "No Internal Process Constraint".) The builder is in a group with processes,
//! so a step's group is made in the nearest group above that may hand its controllers down. If nobody but the builder is
//! in the builder's group, the builder moves one level down instead: that is what a delegated group is for.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::hierarchy::{Controller, Hierarchy, make};
use super::set;
use crate::error::{NoControl, SandboxError};

/// The group into which the builder moves to make room.
const MAIN: &str = "builder";

/// The directory in which a group can be made that has these controllers.
pub(super) fn place(
    hierarchy: &Hierarchy,
    named: Option<&[String]>,
    controllers: &[Controller],
) -> Result<PathBuf, SandboxError> {
    if let Some(parts) = named {
        let mut path = hierarchy.mount.clone();
        for part in parts {
            hand_down(&path, controllers)?;
            path.push(part);
            make(&path)?;
        }
        hand_down(&path, controllers)?;
        return Ok(path);
    }
    let mut refused = None;
    let mut path = hierarchy.own.as_path();
    loop {
        let result = match hand_down(path, controllers) {
            Err(_) if path == hierarchy.own && leave(path) => hand_down(path, controllers),
            result => result,
        };
        match result {
            Ok(()) if may_divide(path) => return Ok(path.to_owned()),
            Ok(()) => {
                let source = io::Error::from(io::ErrorKind::PermissionDenied);
                refused.get_or_insert(SandboxError::ControlGroup { path: path.to_owned(), source });
            }
            Err(error) => {
                refused.get_or_insert(error);
            }
        }
        match path.parent() {
            Some(above) if path != hierarchy.mount && above.starts_with(&hierarchy.mount) => path = above,
            _ => break,
        }
    }
    let refused = refused.expect("the loop ends only behind a refusal");
    match controllers.first() {
        Some(controller) => Err(SandboxError::NoControl {
            controller: *controller,
            reason: NoControl::NotDelegated { source: Box::new(refused) },
        }),
        None => Err(refused),
    }
}

fn may_divide(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok()
}

/// Lets a group hand controllers down to those below it.
fn hand_down(path: &Path, controllers: &[Controller]) -> Result<(), SandboxError> {
    let read = |name: &str| fs::read_to_string(path.join(name)).unwrap_or_default();
    let has =
        |text: &str, controller: Controller| text.split_whitespace().any(|name| name == controller.name());
    let (available, enabled) = (read("cgroup.controllers"), read("cgroup.subtree_control"));
    for controller in controllers {
        if !has(&available, *controller) {
            return Err(SandboxError::NoControl { controller: *controller, reason: NoControl::Absent });
        }
        if !has(&enabled, *controller) {
            set(&path.join("cgroup.subtree_control"), &format!("+{}", controller.name()))?;
        }
    }
    Ok(())
}

/// Moves the builder one level down, if nobody else is in its group; false if somebody is, or it may not.
fn leave(path: &Path) -> bool {
    let own = std::process::id().to_string();
    let above = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().to_string());
    let same_program = above.as_ref().is_some_and(|above| {
        let program = |pid: &str| fs::read_link(format!("/proc/{pid}/exe")).ok();
        program(above).is_some_and(|program_above| Some(program_above) == program(&own))
    });
    let Ok(text) = fs::read_to_string(path.join("cgroup.procs")) else { return false };
    let processes: Vec<&str> = text.split_whitespace().collect();
    // A copy in a user namespace has the program that started it beside it.
    let ours = |pid: &str| pid == own || same_program && Some(pid) == above.as_deref();
    if processes.is_empty() || !processes.iter().all(|pid| ours(pid)) {
        return false;
    }
    let main = path.join(MAIN);
    make(&main).is_ok() && processes.iter().all(|pid| set(&main.join("cgroup.procs"), pid).is_ok())
}
