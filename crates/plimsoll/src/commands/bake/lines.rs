//! A target as the command line of `plimsoll build`: each attribute becomes the flags that mean the same.

use clap::{CommandFactory as _, Parser};
use plimsoll_bake::{Problem, Target, clean, local_path};
use plimsoll_diagnostics::SourceFile;

use crate::commands::build;

/// The arguments of `plimsoll build`, alone.
#[derive(Parser)]
#[command(name = "build", no_binary_name = true, disable_help_flag = true, disable_version_flag = true)]
struct Line {
    #[command(flatten)]
    args: build::Args,
}

/// What an attribute becomes.
struct Flags {
    attribute: &'static str,
    flags: Vec<String>,
}

/// The arguments of a target's build.
///
/// # Errors
/// Each attribute that the build cannot do, or whose value it does not take, at its place.
pub(super) fn arguments(target: &Target) -> Result<build::Args, Vec<Problem>> {
    let all = flags(target);
    let mut problems: Vec<Problem> = all.iter().filter_map(|flags| check(target, flags)).collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    let line = all.into_iter().flat_map(|flags| flags.flags);
    match Line::try_parse_from(line.chain(context(target))) {
        Ok(line) => Ok(build::Args { inline: inline(target), ..line.args }),
        Err(error) => {
            problems.push(place(target, "", "bad-value", first_line(&error)));
            Err(problems)
        }
    }
}

/// The Dockerfile that stands in the bake file, under a name that says so.
fn inline(target: &Target) -> Option<SourceFile> {
    let text = target.dockerfile_inline.as_deref()?;
    let file = target.place("dockerfile-inline").map_or("the command line", |place| place.source.name());
    Some(SourceFile::new(format!("{file} (dockerfile-inline of {})", target.name), text))
}

/// The context, behind a mark, so that nothing in it is taken for a flag.
fn context(target: &Target) -> [String; 2] {
    let context = target.context.as_deref().unwrap_or(".");
    [
        "--".to_owned(),
        context
            .strip_prefix("cwd://")
            .map_or(context, |path| if path.is_empty() { "." } else { path })
            .to_owned(),
    ]
}

/// Tries the flags of one attribute alone.
fn check(target: &Target, flags: &Flags) -> Option<Problem> {
    let attribute = flags.attribute;
    for flag in &flags.flags {
        let Some(name) = flag.strip_prefix("--") else { continue };
        let name = name.split('=').next().unwrap_or_default();
        if !Line::command().get_arguments().any(|argument| argument.get_long() == Some(name)) {
            let message =
                format!("`{attribute}` cannot be done: this version of plimsoll builds without `--{name}`");
            return Some(place(target, attribute, "unsupported-attribute", message).hint("remove it"));
        }
    }
    let line = flags.flags.iter().cloned().chain(["--".to_owned(), ".".to_owned()]);
    let error = Line::try_parse_from(line).err()?;
    Some(place(target, attribute, "bad-value", format!("`{attribute}`: {}", first_line(&error))))
}

fn place(target: &Target, attribute: &str, code: &'static str, message: String) -> Problem {
    match target.place(attribute) {
        Some(place) => Problem::at(place, code, message),
        None => Problem::nowhere(code, format!("target `{}`: {message}", target.name)),
    }
}

fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

fn flags(target: &Target) -> Vec<Flags> {
    let mut all = Vec::new();
    let mut add = |attribute: &'static str, flags: Vec<String>| {
        if !flags.is_empty() {
            all.push(Flags { attribute, flags });
        }
    };
    let each = |flag: &str, values: Option<&Vec<String>>| -> Vec<String> {
        values.into_iter().flatten().map(|value| format!("--{flag}={value}")).collect()
    };
    let one = |flag: &str, value: Option<&String>| -> Vec<String> {
        value.into_iter().filter(|value| !value.is_empty()).map(|value| format!("--{flag}={value}")).collect()
    };
    if target.dockerfile_inline.is_none() {
        add("dockerfile", vec![format!("--file={}", dockerfile(target))]);
    }
    add("args", target.args.iter().map(|(name, value)| format!("--build-arg={name}={value}")).collect());
    add("labels", target.labels.iter().map(|(name, value)| format!("--label={name}={value}")).collect());
    add("tags", each("tag", target.tags.as_ref()));
    add("call", one("call", target.call.as_ref()));
    add("target", one("target", target.target.as_ref()));
    add("annotations", each("annotation", target.annotations.as_ref()));
    let attest = target.attest.iter().flatten().filter(|attest| attest.is_wanted());
    add("attest", attest.map(|attest| format!("--attest={}", attest.0.to_csv())).collect());
    // What another target makes has no address: the build gets it when it is made.
    let contexts = target.contexts.iter().flatten().filter(|(_, value)| !value.starts_with("target:"));
    add("contexts", contexts.map(|(name, value)| format!("--build-context={name}={value}")).collect());
    let caches = |flag: &str, caches: &Option<Vec<plimsoll_bake::Cache>>| -> Vec<String> {
        caches.iter().flatten().map(|cache| format!("--{flag}={}", cache.0.to_csv())).collect()
    };
    add("cache-from", caches("cache-from", &target.cache_from));
    add("cache-to", caches("cache-to", &target.cache_to));
    add("secret", target.secrets.iter().flatten().map(|one| format!("--secret={}", one.to_csv())).collect());
    add("ssh", target.ssh.iter().flatten().map(|one| format!("--ssh={}", one.to_text())).collect());
    let platforms = target.platforms.iter().flatten().cloned().collect::<Vec<_>>().join(",");
    add("platforms", one("platform", Some(&platforms)));
    add(
        "output",
        target.outputs.iter().flatten().map(|one| format!("--output={}", one.0.to_csv())).collect(),
    );
    add("pull", target.pull.filter(|pull| *pull).map(|_| "--pull".to_owned()).into_iter().collect());
    add("no-cache", target.no_cache.filter(|no| *no).map(|_| "--no-cache".to_owned()).into_iter().collect());
    add("network", one("network", target.network.as_ref()));
    add("no-cache-filter", each("no-cache-filter", target.no_cache_filter.as_ref()));
    add("shm-size", one("shm-size", target.shm_size.as_ref()));
    add("ulimits", each("ulimit", target.ulimits.as_ref()));
    add("entitlements", each("allow", target.entitlements.as_ref()));
    let hosts = target.extra_hosts.iter().flat_map(|(name, addresses)| {
        addresses.split(',').map(move |address| format!("--add-host={name}={address}"))
    });
    add("extra-hosts", hosts.collect());
    all
}

/// The Dockerfile is named from its context; `--file` names it from the working directory, unless the context is far away.
fn dockerfile(target: &Target) -> String {
    let file = target.dockerfile.as_deref().unwrap_or("Dockerfile");
    if let Some(path) = file.strip_prefix("cwd://") {
        return path.to_owned();
    }
    match local_path(target.context.as_deref().unwrap_or(".")) {
        Some(context) if !file.starts_with('/') && !file.contains("://") => {
            clean(&format!("{context}/{file}"))
        }
        _ => file.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn attributes_become_flags() {
        let mut target = Target::new("web");
        target.context = Some("./web".to_owned());
        target.args = BTreeMap::from([("A".to_owned(), "x y".to_owned())]);
        target.tags = Some(vec!["web:1".to_owned(), "web:2".to_owned()]);
        target.extra_hosts = BTreeMap::from([("h".to_owned(), "1.1.1.1,2.2.2.2".to_owned())]);
        let args = arguments(&target).unwrap();
        assert_eq!(args.context.to_str(), Some("./web"));
        assert_eq!(args.file.as_deref().and_then(|file| file.to_str()), Some("web/Dockerfile"));
        assert_eq!(args.build_arg, ["A=x y"]);
        assert_eq!(args.tags, ["web:1", "web:2"]);
        assert_eq!(args.add_hosts, ["h=1.1.1.1", "h=2.2.2.2"]);
    }

    #[test]
    fn a_value_that_the_build_does_not_take_is_told_with_its_attribute() {
        let mut target = Target::new("web");
        target.platforms = Some(vec!["no/such/platform/at/all".to_owned()]);
        let problems = arguments(&target).err().unwrap();
        assert!(problems[0].render(false).contains("`platforms`"), "{}", problems[0].render(false));
    }
}
