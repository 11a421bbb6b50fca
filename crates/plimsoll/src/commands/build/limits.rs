//! What steps may use: the flags of limits, and those that mean nothing here.

use std::str::FromStr;

use anyhow::{Context as _, Result, bail};
use plimsoll_dockerfile::memory_size;
use plimsoll_executor::StepLimits;
use plimsoll_sandbox::{ControlLimits, ResourceLimit, Swap};

/// Flags of limits.
#[derive(clap::Args)]
#[command(next_help_heading = "Limits of steps")]
pub(crate) struct LimitArgs {
    /// Size of /dev/shm in steps
    #[arg(long, value_name = "SIZE")]
    shm_size: Option<String>,
    /// Limit what each process may use, such as nofile=1024:2048
    #[arg(long = "ulimit", value_name = "NAME=SOFT[:HARD]")]
    ulimits: Vec<String>,
    /// The control group that the steps' groups are made in
    #[arg(long, value_name = "GROUP")]
    cgroup_parent: Option<String>,
    /// Limit the memory of a step
    #[arg(short, long, value_name = "SIZE")]
    memory: Option<String>,
    /// Limit memory and swap of a step together; -1 is no limit
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    memory_swap: Option<String>,
    /// Weight of a step's processor time; 1024 is the usual one
    #[arg(short, long, value_name = "N")]
    cpu_shares: Option<String>,
    /// Length of the period of --cpu-quota in microseconds
    #[arg(long, value_name = "N")]
    cpu_period: Option<String>,
    /// Processor time of a step in each period in microseconds
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    cpu_quota: Option<String>,
    /// Processors that steps may run on, such as 0-3,5
    #[arg(long, value_name = "LIST")]
    cpuset_cpus: Option<String>,
    /// Memory nodes that steps may use
    #[arg(long, value_name = "LIST")]
    cpuset_mems: Option<String>,
    /// Any of the limits above by its name, such as memory=2g
    #[arg(long = "resource", value_name = "NAME=VALUE")]
    resources: Vec<String>,
    /// Let set-user-ID programs and file capabilities give no rights
    #[arg(long)]
    no_new_privileges: bool,
    /// `no-new-privileges` is the only one that means something
    #[arg(long = "security-opt", value_name = "OPTION", hide = true)]
    security_options: Vec<String>,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    compress: Option<String>,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    force_rm: Option<String>,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    rm: Option<String>,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    squash: Option<String>,
    #[arg(long, hide = true, value_name = "NAME")]
    isolation: Option<String>,
    #[arg(short = 'D', long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    debug: Option<String>,
}

/// The names that `--resource` takes.
const RESOURCES: [&str; 7] =
    ["memory", "memory-swap", "cpu-shares", "cpu-period", "cpu-quota", "cpuset-cpus", "cpuset-mems"];

impl LimitArgs {
    /// What the flags say together. A flag of its own beats `--resource`.
    pub(crate) fn limits(&self) -> Result<StepLimits> {
        let mut limits = StepLimits { no_new_privileges: self.no_new_privileges, ..StepLimits::default() };
        if let Some(size) = &self.shm_size {
            limits.shm_size = bytes("--shm-size", size)?;
        }
        for limit in &self.ulimits {
            let limit = ResourceLimit::from_str(limit).with_context(|| format!("`--ulimit {limit}`"))?;
            // Docker keeps one limit a resource, the last one.
            limits.resources.retain(|known| known.resource != limit.resource);
            limits.resources.push(limit);
        }
        for option in &self.security_options {
            if let "no-new-privileges" | "no-new-privileges=true" | "no-new-privileges:true" = option.as_str()
            {
                limits.no_new_privileges = true;
            }
        }
        limits.control = self.control()?;
        Ok(limits)
    }

    fn control(&self) -> Result<ControlLimits> {
        let mut control = ControlLimits {
            parent: self.cgroup_parent.clone().filter(|parent| !parent.is_empty()),
            ..ControlLimits::default()
        };
        for resource in &self.resources {
            let form = || {
                format!("`--resource {resource}` is not `NAME=VALUE` with one of {}", RESOURCES.join(", "))
            };
            let (name, value) = resource.split_once('=').with_context(form)?;
            let name = RESOURCES.iter().copied().find(|known| *known == name).with_context(form)?;
            set(&mut control, name, value).with_context(|| format!("`--resource {resource}`"))?;
        }
        let flags = [
            &self.memory,
            &self.memory_swap,
            &self.cpu_shares,
            &self.cpu_period,
            &self.cpu_quota,
            &self.cpuset_cpus,
            &self.cpuset_mems,
        ];
        for (name, value) in RESOURCES.into_iter().zip(flags) {
            if let Some(value) = value {
                set(&mut control, name, value).with_context(|| format!("`--{name} {value}`"))?;
            }
        }
        match (control.memory, control.memory_and_swap) {
            (None, Some(Swap::Total(_))) => {
                bail!("`--memory-swap` is memory and swap together, and so needs `--memory`")
            }
            (Some(memory), Some(Swap::Total(total))) if total < memory => {
                bail!("`--memory-swap` is memory and swap together, and cannot be less than `--memory`")
            }
            _ => Ok(control),
        }
    }

    /// Says which flags were given that mean nothing here.
    pub(crate) fn ignored(&self) -> Vec<String> {
        let flags = [
            ("--compress", &self.compress),
            ("--force-rm", &self.force_rm),
            ("--rm", &self.rm),
            ("--squash", &self.squash),
            ("--isolation", &self.isolation),
            ("--debug", &self.debug),
        ];
        let flags = flags.iter().filter(|(_, value)| value.is_some()).map(|(flag, _)| (*flag).to_owned());
        let options = self.security_options.iter().filter(|option| !option.starts_with("no-new-privileges"));
        let options = options.map(|option| format!("--security-opt {option}"));
        flags.chain(options).map(|flag| format!("`{flag}` means nothing here and is ignored")).collect()
    }
}

/// Sets one limit. Zero is no limit, as in Docker.
fn set(control: &mut ControlLimits, name: &str, value: &str) -> Result<()> {
    let number = || {
        let number = value.parse::<u64>().with_context(|| format!("`{value}` is not a number"))?;
        Ok::<_, anyhow::Error>(Some(number).filter(|number| *number > 0))
    };
    match name {
        "memory" => control.memory = Some(bytes(name, value)?).filter(|bytes| *bytes > 0),
        "memory-swap" => {
            control.memory_and_swap = match value {
                "-1" => Some(Swap::Unlimited),
                _ => Some(bytes(name, value)?).filter(|bytes| *bytes > 0).map(Swap::Total),
            };
        }
        "cpu-shares" => control.cpu_shares = number()?,
        "cpu-period" => control.cpu_period = number()?,
        "cpu-quota" => control.cpu_quota = if value == "-1" { None } else { number()? },
        "cpuset-cpus" => control.cpuset_cpus = list(value)?,
        _ => control.cpuset_mems = list(value)?,
    }
    Ok(())
}

fn bytes(name: &str, value: &str) -> Result<u64> {
    memory_size(value).with_context(|| {
        format!("`{name} {value}`: this is not a size; write a number of bytes, or one with a unit such as `512m` or `2g`")
    })
}

/// A list of numbers and ranges.
fn list(value: &str) -> Result<Option<String>> {
    if value.is_empty() {
        return Ok(None);
    }
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let fits =
        |part: &str| part.split_once('-').map_or(is_number(part), |(a, b)| is_number(a) && is_number(b));
    if !value.split(',').all(fits) {
        bail!("`{value}` is not a list of numbers and ranges such as `0-3,5`");
    }
    Ok(Some(value.to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        limits: LimitArgs,
    }

    fn limits(words: &[&str]) -> Result<StepLimits> {
        Line::try_parse_from(["x"].iter().chain(words)).unwrap().limits.limits()
    }

    #[test]
    fn limits_are_read_as_docker_reads_them() {
        let limits = limits(&[
            "--shm-size=1g",
            "-m",
            "512m",
            "--memory-swap=-1",
            "--resource=cpu-quota=50000",
            "--resource=memory=1",
            "--cpuset-cpus=0-1,3",
            "--ulimit=nofile=5",
            "--ulimit=nofile=6:7",
            "--security-opt=no-new-privileges",
        ]);
        let limits = limits.unwrap();
        assert_eq!(limits.shm_size, 1 << 30);
        assert_eq!(limits.control.memory, Some(512 << 20));
        assert_eq!(limits.control.memory_and_swap, Some(Swap::Unlimited));
        assert_eq!(limits.control.cpu_quota, Some(50_000));
        assert_eq!(limits.control.cpuset_cpus.as_deref(), Some("0-1,3"));
        assert_eq!(limits.resources.len(), 1);
        assert_eq!((limits.resources[0].soft, limits.resources[0].hard), (Some(6), Some(7)));
        assert!(limits.no_new_privileges);
    }

    #[test]
    fn what_is_no_limit_is_refused() {
        for word in [
            "--memory=much",
            "--memory-swap=1g",
            "--cpuset-cpus=a",
            "--ulimit=files=1",
            "--resource=memory",
            "--resource=disk=1",
            "--cpu-shares=-3",
        ] {
            assert!(limits(&[word]).is_err(), "{word}");
        }
        assert!(limits(&["-m1g", "--memory-swap=1m"]).is_err());
        assert_eq!(limits(&["-m0", "--cpu-quota=-1"]).unwrap().control, ControlLimits::default());
    }

    #[test]
    fn flags_without_a_meaning_are_named() {
        let line =
            ["x", "--rm", "--squash=false", "--isolation=default", "--security-opt=seccomp=unconfined"];
        let ignored = Line::try_parse_from(line).unwrap().limits.ignored();
        assert_eq!(ignored.len(), 4);
        assert!(ignored[3].contains("seccomp=unconfined"));
    }
}
