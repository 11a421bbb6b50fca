//! Limits of one process and its children: `setrlimit(2)`, as `--ulimit` names them.

use std::fmt;
use std::str::FromStr;

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// Largest core file in bytes.
    Core,
    /// Processor time in seconds.
    Cpu,
    /// Data segment in bytes.
    Data,
    /// Largest file in bytes.
    Fsize,
    /// File locks.
    Locks,
    /// Locked memory in bytes.
    Memlock,
    /// Bytes in message queues.
    Msgqueue,
    /// Highest niceness.
    Nice,
    /// Open files.
    Nofile,
    /// Processes of the user.
    Nproc,
    /// Resident memory in bytes; Linux ignores it.
    Rss,
    /// Highest real-time priority.
    Rtprio,
    /// Real-time processor time in microseconds.
    Rttime,
    /// Pending signals.
    Sigpending,
    /// Stack in bytes.
    Stack,
}

impl Resource {
    /// Every one with its name on the command line and its number in the kernel.
    const ALL: [(&'static str, Self, u32); 15] = [
        ("core", Self::Core, libc::RLIMIT_CORE),
        ("cpu", Self::Cpu, libc::RLIMIT_CPU),
        ("data", Self::Data, libc::RLIMIT_DATA),
        ("fsize", Self::Fsize, libc::RLIMIT_FSIZE),
        ("locks", Self::Locks, libc::RLIMIT_LOCKS),
        ("memlock", Self::Memlock, libc::RLIMIT_MEMLOCK),
        ("msgqueue", Self::Msgqueue, libc::RLIMIT_MSGQUEUE),
        ("nice", Self::Nice, libc::RLIMIT_NICE),
        ("nofile", Self::Nofile, libc::RLIMIT_NOFILE),
        ("nproc", Self::Nproc, libc::RLIMIT_NPROC),
        ("rss", Self::Rss, libc::RLIMIT_RSS),
        ("rtprio", Self::Rtprio, libc::RLIMIT_RTPRIO),
        ("rttime", Self::Rttime, libc::RLIMIT_RTTIME),
        ("sigpending", Self::Sigpending, libc::RLIMIT_SIGPENDING),
        ("stack", Self::Stack, libc::RLIMIT_STACK),
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, resource, _)| *resource == self).map_or("", |(name, _, _)| name)
    }

    /// Its number in the kernel.
    pub(crate) fn number(self) -> u32 {
        Self::ALL.iter().find(|(_, resource, _)| *resource == self).map_or(u32::MAX, |(_, _, number)| *number)
    }
}

/// One limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourceLimit {
    /// What is limited.
    pub resource: Resource,
    /// What holds; a process may raise it up to `hard`. Nothing is no limit.
    pub soft: Option<u64>,
    /// What only root may raise.
    pub hard: Option<u64>,
}

/// Why a text is no limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResourceLimitError {
    /// It has no `=`.
    #[error("it is not of the form `NAME=SOFT[:HARD]`")]
    Form,
    /// There is no such resource.
    #[error("`{name}` is not a resource; there are {}", Names)]
    Name {
        /// The name as written.
        name: String,
    },
    /// A number that is none.
    #[error("`{number}` is not a number; -1 is no limit")]
    Number {
        /// The number as written.
        number: String,
    },
    /// The soft limit is above the hard one.
    #[error("the soft limit is above the hard one")]
    Order,
}

/// The names of all resources.
struct Names;

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = Resource::ALL.iter().map(|(name, _, _)| *name).collect();
        f.write_str(&names.join(", "))
    }
}

impl FromStr for ResourceLimit {
    type Err = ResourceLimitError;

    /// Reads `nofile=1024:2048`; one number is both limits, -1 is none.
    fn from_str(text: &str) -> Result<Self, ResourceLimitError> {
        let (name, values) = text.split_once('=').ok_or(ResourceLimitError::Form)?;
        let resource = Resource::ALL
            .iter()
            .find(|(known, _, _)| *known == name)
            .map(|(_, resource, _)| *resource)
            .ok_or_else(|| ResourceLimitError::Name { name: name.to_owned() })?;
        let (soft, hard) = values.split_once(':').map_or((values, values), |(soft, hard)| (soft, hard));
        let (soft, hard) = (number(soft)?, number(hard)?);
        let above = match (soft, hard) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(soft), Some(hard)) => soft > hard,
        };
        if above { Err(ResourceLimitError::Order) } else { Ok(Self { resource, soft, hard }) }
    }
}

fn number(text: &str) -> Result<Option<u64>, ResourceLimitError> {
    if text == "-1" {
        return Ok(None);
    }
    let number = text.parse().map_err(|_| ResourceLimitError::Number { number: text.to_owned() })?;
    Ok(Some(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_written_as_docker_writes_them() {
        let limit = |text: &str| text.parse::<ResourceLimit>();
        let nofile = |soft, hard| Ok(ResourceLimit { resource: Resource::Nofile, soft, hard });
        assert_eq!(limit("nofile=1024:2048"), nofile(Some(1024), Some(2048)));
        assert_eq!(limit("nofile=512"), nofile(Some(512), Some(512)));
        assert_eq!(limit("nofile=5:-1"), nofile(Some(5), None));
        assert_eq!(limit("nofile=2:1"), Err(ResourceLimitError::Order));
        assert_eq!(limit("nofile=-1:1"), Err(ResourceLimitError::Order));
        assert_eq!(limit("nofile"), Err(ResourceLimitError::Form));
        assert!(matches!(limit("files=1"), Err(ResourceLimitError::Name { .. })));
        assert!(matches!(limit("nofile=many"), Err(ResourceLimitError::Number { .. })));
        assert!(limit("files=1").unwrap_err().to_string().ends_with("sigpending, stack"));
    }
}
