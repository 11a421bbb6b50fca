//! What a build must not leave behind: processes and mounts.

use std::path::Path;
use std::time::{Duration, Instant};

/// Processes that have this directory in their arguments or among their mounts, with what was found.
///
/// A step lives in a mount namespace of its own, whose root is an overlay of directories in the store; so its mounts tell
/// whose it is. A mount that is left in the tests' own namespace shows as a mount of every process there.
pub(crate) fn processes_of(directory: &Path) -> Vec<String> {
    let needle = directory.to_str().unwrap().as_bytes();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap() {
        let path = entry.unwrap().path();
        if !path.file_name().unwrap().to_string_lossy().bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        for name in ["cmdline", "environ", "mountinfo"] {
            // A process may end at any time.
            let Ok(bytes) = std::fs::read(path.join(name)) else { continue };
            if bytes.windows(needle.len()).any(|window| window == needle) {
                let command = std::fs::read(path.join("cmdline")).unwrap_or_default();
                found.push(format!("{} ({name}): {}", path.display(), String::from_utf8_lossy(&command)));
                break;
            }
        }
    }
    found
}

/// Fails when something of the store is still there after the time that ending takes.
pub(crate) fn assert_nothing_left(directory: &Path) {
    let deadline = Instant::now() + Duration::from_secs(2);
    loop {
        let left = processes_of(directory);
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "left behind: {left:#?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
