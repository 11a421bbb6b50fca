//! Steps for another processor: how long they ran, and why they cannot.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use plimsoll_executor::ExecuteError;
use plimsoll_graph::{Graph, Op, Vertex};
use plimsoll_oci::Platform;
use plimsoll_sandbox::{Emulators, SandboxError};
use plimsoll_solver::{EventKind, EventSink};

use crate::request::EmulatedStep;

/// The code of the diagnostic that says that this machine cannot execute a step's program.
pub(crate) const NO_EMULATOR: &str = "cannot-execute";

/// Passes events on, and remembers how long each vertex ran.
pub(crate) struct Stopwatch<'e> {
    events: &'e dyn EventSink,
    seconds: Mutex<BTreeMap<usize, f64>>,
}

impl<'e> Stopwatch<'e> {
    pub(crate) fn new(events: &'e dyn EventSink) -> Self {
        Self { events, seconds: Mutex::default() }
    }

    /// The commands that ran for another processor, in the order of the graph.
    pub(crate) fn emulated(&self, graph: &Graph) -> Vec<EmulatedStep> {
        let host = Platform::host();
        let seconds = self.seconds.lock().unwrap_or_else(PoisonError::into_inner);
        let ran = seconds.iter().map(|(vertex, seconds)| (&graph.vertices[*vertex], *seconds));
        ran.filter(|(vertex, _)| matches!(vertex.op, Op::Exec(_)) && !vertex.platform.runs_natively_on(&host))
            .map(|(vertex, seconds)| EmulatedStep {
                name: vertex.name.clone(),
                platform: vertex.platform.clone(),
                seconds,
            })
            .collect()
    }
}

impl EventSink for Stopwatch<'_> {
    fn send(&self, event: EventKind) {
        if let EventKind::VertexDone { vertex, seconds } = event {
            self.seconds.lock().unwrap_or_else(PoisonError::into_inner).insert(vertex, seconds);
        }
        self.events.send(event);
    }
}

/// What to tell of a program that this machine cannot execute: the reason, and the way out.
pub(crate) fn explain(vertex: &Vertex, error: &ExecuteError) -> Option<(String, String)> {
    let ExecuteError::Sandbox { source } = error else { return None };
    let host = Platform::host();
    let platform = &vertex.platform;
    let is_foreign = !platform.runs_natively_on(&host);
    let emulators = Emulators::detect();
    match source {
        SandboxError::NotExecutable { name, .. } if source.is_unknown_format() => {
            let name = name.display();
            if !is_foreign {
                let message = format!("`{name}` is not a program for this machine's processor ({host})");
                let hint = "is it for another platform, or a script without a `#!` line?".to_owned();
                return Some((message, hint));
            }
            let architecture = &platform.architecture;
            if let Some(emulator) = emulators.list.iter().find(|one| one.architecture == *architecture) {
                let message = format!(
                    "`{name}` is no program for {platform}, which the emulator `{}` would run",
                    emulator.interpreter.display()
                );
                let hint = "is it for another platform, or a script without a `#!` line?".to_owned();
                return Some((message, hint));
            }
            let known = if emulators.is_mounted { "is registered" } else { "is known to be registered" };
            let message = format!(
                "`{name}` is for {platform}, this machine is {host}, and no emulator for {architecture} {known}"
            );
            Some((message, install_hint(&emulators)))
        }
        SandboxError::ExecutableNotFound { name } if is_foreign => {
            // The kernel looks for an emulator without the flag F inside of the step's root.
            let loose = emulators.loose(&platform.architecture)?;
            let message = format!(
                "`{}` is for {platform}, and its emulator `{}` is not to be seen inside of a step",
                name.display(),
                loose.interpreter.display()
            );
            let hint = format!(
                "register the emulator with the flag F, which keeps it open: {}",
                install_hint(&emulators)
            );
            Some((message, hint))
        }
        _ => None,
    }
}

/// How to get emulators on this machine.
fn install_hint(emulators: &Emulators) -> String {
    let register = "install `qemu-user-static` (Debian and its relatives register it by themselves; elsewhere \
         `systemctl restart systemd-binfmt` does), or build that stage with `FROM --platform=$BUILDPLATFORM` and cross-compile";
    if emulators.is_mounted {
        format!("{register}; `plimsoll doctor` lists what is registered")
    } else {
        format!(
            "{register}; the kernel's list is not mounted here: `mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc`"
        )
    }
}
