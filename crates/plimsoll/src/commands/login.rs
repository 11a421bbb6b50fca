//! `plimsoll login`: credentials for a registry, kept where Docker keeps them.

use std::io::{IsTerminal as _, Read as _, Write as _};

use anyhow::{Context as _, Result, bail};
use plimsoll_registry::{Credential, LoginStore, Secret};
use rustix::termios::{self, LocalModes, OptionalActions, SpecialCodeIndex, Termios};

use crate::environment::{GlobalArgs, Host, docker_config};
use crate::exit;
use crate::namespace::Standing;
use crate::variables;

/// A password longer than this many bytes is none.
const LONGEST: u64 = 64 << 10;

/// Keep credentials for a registry
///
/// They are checked with the registry first, and kept in Docker's configuration, with its credential helper if it
/// names one.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// User name [default: asked for]
    #[arg(short, long, value_name = "NAME")]
    username: Option<String>,
    /// Read the password, or an access token, from standard input
    #[arg(long)]
    password_stdin: bool,
    /// Trust these certificates, besides the system's
    #[arg(long, value_name = "FILE", env = variables::CA_CERTS, hide_env_values = true)]
    ca_certs: Option<std::path::PathBuf>,
    /// The registry [default: docker.io]
    registry: Option<String>,
}

#[expect(clippy::print_stderr, reason = "speaks with the user")]
pub(crate) fn run(args: &Args, global: &GlobalArgs, standing: Standing) -> Result<u8> {
    let registry = registry_name(args.registry.as_deref());
    if args.password_stdin && args.username.is_none() {
        bail!("`--password-stdin` needs `--username` too, because standard input cannot be asked twice");
    }
    if !args.password_stdin && !std::io::stdin().is_terminal() {
        bail!(
            "there is no terminal to ask for the password; send it to standard input with `--password-stdin`"
        );
    }
    let store = docker_config()
        .context("neither HOME nor DOCKER_CONFIG is set: there is no place for credentials")?;
    let host = Host::open(global, standing)?;
    let username = match &args.username {
        Some(name) => name.clone(),
        None => ask_name(&registry)?,
    };
    let password = if args.password_stdin { read_password()? } else { ask_password()? };
    let Some(password) = password else { return Ok(exit::INTERRUPTED) };
    if password.is_empty() {
        bail!("the password is empty");
    }
    let credential = Credential::Password { username, password };
    let ca_bundle = host.ca_bundle(args.ca_certs.as_deref())?;
    let client = host.client(ca_bundle.as_deref());
    client.check_login(&registry, &credential).with_context(|| format!("cannot log in to `{registry}`"))?;
    match store.login(&registry, &credential)? {
        LoginStore::Helper(name) => {
            eprintln!("logged in to {registry}; the credential helper `{name}` keeps it");
        }
        LoginStore::File(path) => {
            eprintln!("logged in to {registry}");
            eprintln!("warning: `{}` keeps the password, readable by you and not encrypted", path.display());
            eprintln!("hint: a credential helper (`credsStore` in that file) keeps it better");
        }
    }
    Ok(exit::DONE)
}

/// A registry's name as it stands in references, whatever was pasted.
pub(crate) fn registry_name(text: Option<&str>) -> String {
    let text = text.unwrap_or("docker.io");
    let text = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(text);
    match text.split('/').next().unwrap_or(text) {
        "index.docker.io" | "registry-1.docker.io" => "docker.io".to_owned(),
        name => name.to_owned(),
    }
}

fn read_password() -> Result<Option<Secret>> {
    let mut text = String::new();
    std::io::stdin().take(LONGEST).read_to_string(&mut text).context("cannot read the password")?;
    Ok(Some(Secret::new(text.trim_end_matches(['\r', '\n']))))
}

#[expect(clippy::print_stderr, reason = "asks the user")]
fn ask_name(registry: &str) -> Result<String> {
    eprint!("user name for {registry}: ");
    std::io::stderr().flush()?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    let name = line.trim();
    if name.is_empty() {
        bail!("without a user name there is nothing to log in with");
    }
    Ok(name.to_owned())
}

/// Puts a terminal back as it was.
struct Restore(Termios);

impl Drop for Restore {
    fn drop(&mut self) {
        let _restored = termios::tcsetattr(std::io::stdin(), OptionalActions::Flush, &self.0);
    }
}

/// Reads a line that is not shown; nothing when the user gives up with control-C.
#[expect(clippy::print_stderr, reason = "asks the user")]
fn ask_password() -> Result<Option<Secret>> {
    eprint!("password: ");
    std::io::stderr().flush()?;
    let before = termios::tcgetattr(std::io::stdin()).context("cannot hide the password on this terminal")?;
    let mut hidden = before.clone();
    // Signals are read as keys: one that ended this process would leave the terminal without its echo.
    hidden.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
    hidden.special_codes[SpecialCodeIndex::VMIN] = 1;
    hidden.special_codes[SpecialCodeIndex::VTIME] = 0;
    let restore = Restore(before);
    termios::tcsetattr(std::io::stdin(), OptionalActions::Flush, &hidden)
        .context("cannot hide the password on this terminal")?;
    let typed = typed_line(&mut std::io::stdin().lock())?;
    drop(restore);
    eprintln!();
    Ok(typed.map(Secret::new))
}

fn typed_line(keys: &mut dyn std::io::Read) -> Result<Option<String>> {
    let mut line = Vec::new();
    // The terminal gives each key as it is typed, and edits nothing.
    let mut key = [0];
    while keys.read(&mut key)? > 0 {
        match key[0] {
            b'\r' | b'\n' | 0x04 => break,
            0x03 => return Ok(None),
            0x08 | 0x7f => {
                // A character is as many bytes as it has continuation bytes, and one more.
                while line.pop().is_some_and(|byte: u8| byte & 0xc0 == 0x80) {}
            }
            0x15 => line.clear(),
            byte => line.push(byte),
        }
    }
    String::from_utf8(line).map(Some).context("the password is not valid UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_become_names() {
        for (text, name) in [
            (None, "docker.io"),
            (Some("https://index.docker.io/v1/"), "docker.io"),
            (Some("registry.example:5000/"), "registry.example:5000"),
        ] {
            assert_eq!(registry_name(text), name);
        }
    }

    #[test]
    fn typing_errors_can_be_taken_back() {
        let typed = |keys: &[u8]| typed_line(&mut &*keys).unwrap();
        assert_eq!(typed(b"sec\x7f\x7fx\n").as_deref(), Some("sx"));
        assert_eq!(typed("aé\x7fb\r".as_bytes()).as_deref(), Some("ab"));
        assert_eq!(typed(b"old\x15new\n").as_deref(), Some("new"));
        assert_eq!(typed(b"abc\x03"), None);
    }
}
