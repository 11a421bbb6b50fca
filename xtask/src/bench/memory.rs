//! Peak memory of processes, from the kernel's own high-water mark: `VmHWM` in proc(5), `status`.

use std::path::PathBuf;
use std::process::{Child, ExitStatus};
use std::time::Duration;

use anyhow::{Context, Result};

/// A peak of resident memory, in KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Peak(u64);

impl Peak {
    /// In MiB.
    #[expect(clippy::cast_precision_loss, reason = "for people to read")]
    pub(crate) fn mebibytes(self) -> f64 {
        self.0 as f64 / 1024.0
    }
}

impl std::ops::Add for Peak {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

/// Waits for a process and reads its peak every few milliseconds until it ends.
///
/// The mark only grows, so the last reading is at most that interval short. Processes that it starts are not in it: a
/// step's compiler is not the builder's memory.
pub(crate) fn wait(process: &mut Child) -> Result<(ExitStatus, Option<Peak>)> {
    // A reader of its own: the wait must not sleep, or every measured time would be rounded up.
    let pid = process.id();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let reader = std::thread::spawn(move || {
        let mut highest = None;
        loop {
            highest = peak(pid).max(highest);
            match stopped.recv_timeout(Duration::from_millis(5)) {
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
                _ => return highest,
            }
        }
    });
    let status = process.wait()?;
    drop(stop);
    let highest = reader.join().ok().context("the thread that reads the memory panicked")?;
    Ok((status, highest))
}

/// The high-water mark of a process that is running.
pub(crate) fn peak(pid: u32) -> Option<Peak> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok().map(Peak)
}

/// Sets the high-water mark of a process to what it uses now: proc(5), `clear_refs`, 5.
pub(crate) fn reset(pid: u32) -> Result<()> {
    let path = PathBuf::from(format!("/proc/{pid}/clear_refs"));
    std::fs::write(&path, "5").with_context(|| format!("could not write `{}`", path.display()))
}

/// The short name of a process.
pub(crate) fn name(pid: u32) -> Option<String> {
    Some(std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim().to_owned())
}

/// All processes below a process.
pub(crate) fn descendants(pid: u32) -> Vec<u32> {
    let Ok(tasks) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let mut found = Vec::new();
    for task in tasks.flatten() {
        let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace().filter_map(|word| word.parse().ok()) {
            found.push(child);
            found.extend(descendants(child));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn the_peak_of_a_process_is_read_while_it_runs() {
        let mut process = Command::new("sleep").arg("0.05").spawn().unwrap();
        let (status, peak) = wait(&mut process).unwrap();
        assert!(status.success());
        assert!(peak.unwrap().mebibytes() > 0.1);
    }

    #[test]
    fn descendants_include_children_of_children() {
        let mut process = Command::new("sh").args(["-c", "sh -c 'sleep 5 & wait' & wait"]).spawn().unwrap();
        let start = std::time::Instant::now();
        let mut found = Vec::new();
        while found.len() < 2 && start.elapsed() < Duration::from_secs(4) {
            found = descendants(process.id());
            std::thread::sleep(Duration::from_millis(10));
        }
        let names: Vec<_> = found.iter().filter_map(|pid| name(*pid)).collect();
        for pid in found.iter().rev().filter_map(|pid| i32::try_from(*pid).ok()) {
            rustix::process::kill_process(
                rustix::process::Pid::from_raw(pid).unwrap(),
                rustix::process::Signal::KILL,
            )
            .ok();
        }
        process.kill().ok();
        process.wait().unwrap();
        assert!(names.len() >= 2, "{names:?}");
    }
}
