//! The rule of the crates: each depends only on crates of lower levels.

use anyhow::{Result, bail};

use crate::metadata::{self, Member};

/// The crates from the lowest level to the highest, as in the architecture's table.
const LEVELS: &[&[&str]] = &[
    &["plimsoll-oci", "plimsoll-diagnostics", "plimsoll-versions"],
    &["plimsoll-dockerfile", "plimsoll-layer", "plimsoll-store", "plimsoll-sandbox", "plimsoll-packages"],
    &["plimsoll-graph", "plimsoll-solver", "plimsoll-snapshot", "plimsoll-registry", "plimsoll-scan"],
    &["plimsoll-export", "plimsoll-compose", "plimsoll-lint", "plimsoll-bake", "plimsoll-report"],
    &["plimsoll-executor"],
    &["plimsoll-build"],
    &["plimsoll"],
];

/// Checks every member of the workspace.
pub(crate) fn check() -> Result<()> {
    let faults = faults(&metadata::members()?);
    if !faults.is_empty() {
        bail!("the levels of the crates are not kept:\n  {}", faults.join("\n  "));
    }
    Ok(())
}

fn faults(members: &[Member]) -> Vec<String> {
    let mut faults = Vec::new();
    for member in members.iter().filter(|member| member.name != "xtask") {
        let Some(own) = level(&member.name) else {
            faults
                .push(format!("`{}` has no level: add it to the table in xtask/src/levels.rs", member.name));
            continue;
        };
        for dependency in &member.dependencies {
            if let Some(other) = level(dependency).filter(|other| *other >= own) {
                faults.push(format!(
                    "`{}` (level {own}) depends on `{dependency}` (level {other})",
                    member.name
                ));
            }
        }
    }
    faults
}

fn level(name: &str) -> Option<usize> {
    LEVELS.iter().position(|level| level.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, dependencies: &[&str]) -> Member {
        Member {
            name: name.to_owned(),
            directory: "/".into(),
            dependencies: dependencies.iter().map(|name| (*name).to_owned()).collect(),
            roots: Vec::new(),
        }
    }

    #[test]
    fn a_crate_may_depend_on_a_lower_level() {
        assert!(faults(&[member("plimsoll-graph", &["plimsoll-oci", "plimsoll-dockerfile"])]).is_empty());
    }

    #[test]
    fn a_crate_may_not_depend_on_its_own_level_or_a_higher_one() {
        let faults = faults(&[member("plimsoll-store", &["plimsoll-layer", "plimsoll-build"])]);
        assert_eq!(faults.len(), 2, "{faults:?}");
    }

    #[test]
    fn a_crate_without_a_level_is_named() {
        assert!(faults(&[member("plimsoll-new", &[])])[0].contains("has no level"));
    }

    #[test]
    fn the_workspace_keeps_its_levels() {
        check().unwrap();
    }
}
