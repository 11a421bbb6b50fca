//! What a build must not leave behind: processes and mounts.

use std::time::{Duration, Instant};

/// Processes with one of these texts in their arguments or their environment, and mounts of overlays in the tests' namespace.
///
/// The program has its store in its environment. A step is known by a variable that the test's Dockerfile sets: its mounts
/// name descriptors only.
pub(crate) fn traces_of(marks: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap() {
        let path = entry.unwrap().path();
        if !path.file_name().unwrap().to_string_lossy().bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        // A process may end at any time.
        let [arguments, environment] =
            ["cmdline", "environ"].map(|name| std::fs::read(path.join(name)).unwrap_or_default());
        let holds =
            |bytes: &[u8], mark: &str| bytes.windows(mark.len()).any(|window| window == mark.as_bytes());
        if marks.iter().any(|mark| holds(&arguments, mark) || holds(&environment, mark)) {
            found.push(format!("{}: {}", path.display(), String::from_utf8_lossy(&arguments)));
        }
    }
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let ours = |line: &&str| {
        line.contains("lowerdir+=/proc/self/fd/") || marks.iter().any(|mark| line.contains(mark))
    };
    found.extend(mounts.lines().filter(ours).map(str::to_owned));
    found
}

/// Fails when something is still there after the time that ending takes.
pub(crate) fn assert_nothing_left(marks: &[&str]) {
    let deadline = Instant::now() + Duration::from_secs(2);
    loop {
        let left = traces_of(marks);
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "left behind: {left:#?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
