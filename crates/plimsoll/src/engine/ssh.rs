//! Engines behind ssh, as Docker's client reaches them: `ssh HOST docker system dial-stdio`.
//!
//! ssh itself decides about keys and hosts, by the user's own configuration. It may not ask for anything: the terminal
//! shows the progress of the build.

use std::ffi::OsString;

use anyhow::{Context as _, Result, bail};
use plimsoll_export::EngineAddress;

use crate::variables;

/// Reads what stands behind `ssh://`: `[USER@]HOST[:PORT][/PATH OF THE SOCKET]`.
pub(super) fn address(rest: &str, is_podman: bool) -> Result<EngineAddress> {
    let place = Place::parse(rest)?;
    let program = variables::search_path()
        .into_iter()
        // What lies in the current directory came with the sources.
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join("ssh"))
        .find(|path| path.is_file())
        .context("`ssh` is not on the PATH; install it (Debian: openssh-client)")?;
    let mut argv = vec![program.into_os_string()];
    argv.extend(["-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=30"].map(OsString::from));
    if let Some(key) = variables::path(variables::CONTAINER_SSHKEY).filter(|_| is_podman) {
        argv.extend(["-i".into(), key.into_os_string()]);
    }
    argv.extend(place.arguments(is_podman).into_iter().map(OsString::from));
    Ok(EngineAddress::Command { argv, shown: format!("ssh://{rest}") })
}

#[derive(Debug, PartialEq, Eq)]
struct Place {
    user: Option<String>,
    host: String,
    port: Option<u16>,
    socket: Option<String>,
}

impl Place {
    fn parse(rest: &str) -> Result<Self> {
        if rest.contains(['?', '#']) {
            bail!("an address behind ssh is `ssh://USER@HOST:PORT/PATH`, without `?` and `#`");
        }
        let (authority, path) =
            rest.split_once('/').map_or((rest, ""), |(authority, path)| (authority, path));
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        if user.is_some_and(|user| user.contains(':')) {
            bail!("an address behind ssh holds no password; ssh takes keys");
        }
        let (host, port) = match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':')),
            None => host.split_once(':').map_or((host, None), |(host, port)| (host, Some(port))),
        };
        let port = port.filter(|port| !port.is_empty()).map(|port| {
            port.parse().with_context(|| format!("`{port}` is no port: a number up to 65535 is one"))
        });
        for word in [Some(host), user].into_iter().flatten() {
            // ssh would take it for an option, or a shell for more than a word.
            let is_fine = |c: char| c.is_alphanumeric() || "._-+:%\\@".contains(c);
            if word.is_empty() || word.starts_with('-') || !word.chars().all(is_fine) {
                bail!("`{word}` is not the name of a host or a user");
            }
        }
        Ok(Self {
            user: user.map(str::to_owned),
            host: host.to_owned(),
            port: port.transpose()?,
            socket: (!path.is_empty()).then(|| format!("/{path}")),
        })
    }

    fn arguments(&self, is_podman: bool) -> Vec<String> {
        let mut words = Vec::new();
        if let Some(user) = &self.user {
            words.extend(["-l".to_owned(), user.clone()]);
        }
        if let Some(port) = self.port {
            words.extend(["-p".to_owned(), port.to_string()]);
        }
        words.extend(["--".to_owned(), self.host.clone()]);
        let (program, option) = if is_podman { ("podman", "--url") } else { ("docker", "--host") };
        words.push(program.to_owned());
        if let Some(socket) = &self.socket {
            // A shell reads it at the other end.
            words.extend([option.to_owned(), format!("'unix://{}'", socket.replace('\'', r"'\''"))]);
        }
        words.extend(["system".to_owned(), "dial-stdio".to_owned()]);
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(rest: &str, is_podman: bool) -> String {
        Place::parse(rest).unwrap().arguments(is_podman).join(" ")
    }

    #[test]
    fn an_address_becomes_a_command() {
        assert_eq!(line("host", false), "-- host docker system dial-stdio");
        assert_eq!(line("me@host:2222", false), "-l me -p 2222 -- host docker system dial-stdio");
        assert_eq!(
            line("me@[::1]:22/run/it's.sock", true),
            r"-l me -p 22 -- ::1 podman --url 'unix:///run/it'\''s.sock' system dial-stdio"
        );
    }

    #[test]
    fn what_ssh_could_take_for_something_else_is_refused() {
        for rest in [
            "-oProxyCommand=x",
            "a@-b",
            "-l@host",
            "a b",
            "",
            "@host",
            "me:secret@host",
            "host:x",
            "host?x",
            "h;x",
        ] {
            assert!(Place::parse(rest).is_err(), "{rest}");
        }
    }
}
