//! Gradle's lock files (Gradle's documentation, "Locking Versions"): one line `GROUP:ARTIFACT:VERSION=CONFIGURATIONS` a dependency
//! in `gradle.lockfile`, or without the configurations in `gradle/dependency-locks/CONFIGURATION.lockfile`.

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::collector::{Collector, development};
use crate::document::read_text;
use crate::package::Kind;
use crate::read_at::ReadAt;

pub(super) static ANALYZER: Analyzer = Analyzer { name: "gradle-lock", version: 1, wants, analyze };

fn wants(file: &File<'_>) -> bool {
    let name = file.name();
    name.ends_with(b"gradle.lockfile") || name.ends_with(b".lockfile") && is_in_locks(file)
}

fn is_in_locks(file: &File<'_>) -> bool {
    file.folder().ends_with(b"dependency-locks")
}

fn analyze(file: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let text = read_text(content)?;
    let name = String::from_utf8_lossy(file.name());
    // Plug-ins of the build.
    let is_of_build = name.starts_with("buildscript-") || name.starts_with("settings-");
    let own = name.strip_suffix(".lockfile").filter(|_| is_in_locks(file)).unwrap_or_default();
    let mut found = Collector::locked(Kind::Maven);
    let (mut understood, mut others) = (0, 0);
    for (line, number) in text.lines().zip(1..) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (dependency, configurations) = line.split_once('=').unwrap_or((line, own));
        // It names the configurations that have no dependencies.
        if dependency == "empty" {
            understood += 1;
            continue;
        }
        let mut parts = dependency.split(':');
        let (Some(group), Some(artifact), Some(version), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            others += 1;
            continue;
        };
        understood += 1;
        let only_tests = !configurations.is_empty() && configurations.split(',').all(is_for_tests);
        found.add(&format!("{group}:{artifact}"), version, development(is_of_build || only_tests), number);
    }
    if understood == 0 && others > 0 {
        return Err(AnalyzerError::format("a lock file of Gradle", "no line is `GROUP:ARTIFACT:VERSION`"));
    }
    Ok(found.finish())
}

/// `testRuntimeClasspath`, `debugUnitTestCompileClasspath`.
fn is_for_tests(configuration: &str) -> bool {
    configuration.starts_with("test") || configuration.contains("Test")
}
