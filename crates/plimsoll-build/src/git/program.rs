//! Running `git` so that it does what it is told and nothing else.
//!
//! | what could run or leak | what is done |
//! | --- | --- |
//! | system and user configuration (aliases, filters, credential helpers, `insteadOf`) | not read: the only configuration is a file made here |
//! | hooks, templates with hooks, fsmonitor | no template, `core.hooksPath` leads nowhere |
//! | filters that a repository's attributes name | no filter is configured |
//! | transports that run programs (`ext::`), local paths in submodules | every protocol but https, http, ssh and git is refused |
//! | questions for passwords | no terminal, no askpass; ssh in batch mode |
//! | keys of the user | ssh reads no configuration and no key; only the agent or the keys that the caller gives sign |
//! | the token | in that file, for its host alone; never among the arguments |

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use plimsoll_diagnostics::sanitize;
use plimsoll_executor::{Passage, SecretSource, SshAgent};
use plimsoll_graph::GitSource;
use plimsoll_layer::Owners;

use super::{GitError, Repositories};

/// More than this many bytes of output are of no use.
const MOST_OUTPUT: u64 = 64 << 20;
/// How often it is looked whether the build is to stop.
const PAUSE: Duration = Duration::from_millis(20);

/// Where git is, and what it is given of the environment.
#[derive(Clone, Debug)]
pub struct GitProgram {
    /// The program.
    pub path: PathBuf,
    /// Where it looks for ssh.
    pub search_path: OsString,
    /// Variables that name proxies.
    pub proxies: Vec<(String, String)>,
    /// Keys of hosts that the user knows already.
    pub known_hosts: Option<PathBuf>,
    /// Certificates that all programs of this host trust.
    pub host_certificates: Option<PathBuf>,
}

/// What the commands for one source share.
pub(super) struct Session<'a> {
    program: &'a GitProgram,
    repositories: &'a Repositories<'a>,
    /// Configuration and home directory; gone with the session.
    directory: PathBuf,
    ssh: String,
    agent: Option<AgentSocket>,
}

/// Where `ssh` finds the agent.
struct AgentSocket {
    path: PathBuf,
    /// Keys of this process answer there as long as this lives.
    _passage: Option<Passage>,
}

fn agent_socket(agent: &SshAgent, directory: &Path) -> io::Result<AgentSocket> {
    if let SshAgent::Socket(path) = agent {
        return Ok(AgentSocket { path: path.clone(), _passage: None });
    }
    let path = directory.join("agent");
    let passage = Passage::open(&path, agent.clone(), 0o600, (0, 0), Owners::Recorded)?;
    Ok(AgentSocket { path, _passage: Some(passage) })
}

impl<'a> Session<'a> {
    pub(super) fn new(repositories: &'a Repositories<'a>, git: &GitSource) -> Result<Self, GitError> {
        let program = repositories.program.ok_or(GitError::NoProgram)?;
        let directory = repositories.store.temporary_directory()?;
        let agent =
            repositories.settings.ssh_agents.get("default").map(|agent| agent_socket(agent, &directory));
        let agent = agent.transpose().map_err(|source| GitError::Prepare { source })?;
        let known_hosts = repositories.store.root().join("ssh-known-hosts");
        let ssh = ssh_command(agent.is_some(), &known_hosts, program.known_hosts.as_deref());
        let session = Self { program, repositories, directory, ssh, agent };
        let certificates = session.certificates()?;
        let configuration = configuration(
            &session.header(git)?.map(|header| (scope(git), header)).into_iter().collect::<Vec<_>>(),
            certificates.as_deref(),
        );
        session.write("config", configuration.as_bytes())?;
        Ok(session)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, GitError> {
        let path = self.directory.join(name);
        let options = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).clone();
        options
            .open(&path)
            .and_then(|mut file| file.write_all(bytes))
            .map_err(|source| GitError::Prepare { source })?;
        Ok(path)
    }

    /// The host's certificates and the caller's in one file, which is what git takes.
    fn certificates(&self) -> Result<Option<PathBuf>, GitError> {
        let Some(own) = &self.repositories.settings.ca_bundle else { return Ok(None) };
        let mut all = match &self.program.host_certificates {
            Some(path) => fs::read(path).unwrap_or_default(),
            None => Vec::new(),
        };
        all.push(b'\n');
        all.extend_from_slice(own);
        self.write("certificates", &all).map(Some)
    }

    /// The header that proves who is asking, if the caller gave one.
    fn header(&self, git: &GitSource) -> Result<Option<String>, GitError> {
        let basic = |login: &str| {
            let text = base64::engine::general_purpose::STANDARD.encode(login);
            format!("Authorization: basic {text}")
        };
        let host = git.host();
        let bare = host.rsplit_once(':').map_or(host, |(host, _)| host);
        for suffix in [format!(".{host}"), format!(".{bare}"), String::new()] {
            if let Some(token) = self.secret(&format!("GIT_AUTH_TOKEN{suffix}"))? {
                return Ok(Some(basic(&format!("x-access-token:{token}"))));
            }
            if let Some(header) = self.secret(&format!("GIT_AUTH_HEADER{suffix}"))? {
                return Ok(Some(format!("Authorization: {header}")));
            }
        }
        Ok(git.login.as_ref().map(|login| basic(login.reveal())))
    }

    fn secret(&self, id: &str) -> Result<Option<String>, GitError> {
        let bytes = match self.repositories.settings.secrets.get(id) {
            None => return Ok(None),
            Some(SecretSource::Value(value)) => value.clone(),
            Some(SecretSource::File(path)) => {
                fs::read(path).map_err(|source| GitError::Secret { id: id.to_owned(), source })?
            }
        };
        Ok(Some(String::from_utf8_lossy(&bytes).trim().to_owned()).filter(|text| !text.is_empty()))
    }

    /// Runs git in a directory; gives what it wrote.
    pub(super) fn run<A: AsRef<OsStr>>(
        &self,
        directory: &Path,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Vec<u8>, GitError> {
        let mut command = Command::new(&self.program.path);
        command
            .args(arguments)
            .current_dir(directory)
            .env_clear()
            .env("PATH", &self.program.search_path)
            .env("HOME", &self.directory)
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .env("GIT_CONFIG_GLOBAL", self.directory.join("config"))
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_SSH_COMMAND", &self.ssh)
            .env("GIT_SSH_VARIANT", "ssh")
            .envs(self.program.proxies.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(agent) = &self.agent {
            command.env("SSH_AUTH_SOCK", &agent.path);
        }
        let failed = |source| GitError::Start { program: self.program.path.display().to_string(), source };
        let mut child = command.spawn().map_err(failed)?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        std::thread::scope(|scope| {
            let out = scope.spawn(|| read(stdout));
            let err = scope.spawn(|| read(stderr));
            let status = loop {
                match child.try_wait().map_err(failed)? {
                    Some(status) => break status,
                    None if self.repositories.cancel.is_raised() => {
                        child.kill().and_then(|()| child.wait()).map_err(failed)?;
                        return Err(GitError::Cancelled);
                    }
                    None => std::thread::sleep(PAUSE),
                }
            };
            let out = out.join().expect("a reading thread does not panic").map_err(failed)?;
            let err = err.join().expect("a reading thread does not panic").map_err(failed)?;
            if status.success() { Ok(out) } else { Err(failure(&String::from_utf8_lossy(&err))) }
        })
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        // What is left is swept when the process has ended; the file is readable by its owner only.
        let _removed = fs::remove_dir_all(&self.directory);
    }
}

fn read(pipe: Option<impl Read>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let Some(mut pipe) = pipe else { return Ok(bytes) };
    pipe.by_ref().take(MOST_OUTPUT).read_to_end(&mut bytes)?;
    // Whoever writes more must not wait for ever.
    io::copy(&mut pipe, &mut io::sink())?;
    Ok(bytes)
}

/// What git said last, in one line, and what helps.
fn failure(text: &str) -> GitError {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let fatal = lines.iter().rev().find(|line| line.starts_with("fatal:") || line.starts_with("error:"));
    let line = fatal.or(lines.last()).copied().unwrap_or("nothing");
    let line = line.trim_start_matches("fatal:").trim_start_matches("error:").trim();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let hint = if has(&["could not read Username", "Authentication failed", "returned error: 403"]) {
        Some("give a token with `--secret id=GIT_AUTH_TOKEN`")
    } else if has(&["Permission denied (publickey", "Permission denied ("]) {
        Some("give an ssh agent that has the key with `--ssh default`")
    } else if has(&["Host key verification failed", "HOST IDENTIFICATION HAS CHANGED"]) {
        Some("the host's key is another one than before; correct it in the file of known hosts")
    } else {
        None
    };
    // With ssh, git's own last line says less than the line before it.
    let ssh = lines.iter().find(|line| line.contains("Permission denied") || line.contains("ssh:"));
    let line = ssh.copied().unwrap_or(line);
    GitError::Failed { message: sanitize::line(line).into_owned(), hint }
}

/// The part of the network for which a header is sent: the repository's host, and no other.
fn scope(git: &GitSource) -> String {
    let scheme = git.remote.split_once("://").map_or("https", |(scheme, _)| scheme);
    format!("{scheme}://{}/", git.host())
}

fn configuration(headers: &[(String, String)], certificates: Option<&Path>) -> String {
    let mut text = String::from(
        "[core]\n\thooksPath = /dev/null\n\tfsmonitor = false\n\taskPass =\n\tsymlinks = true\n\tautocrlf = false\n\
         [init]\n\tdefaultBranch = main\n\ttemplateDir =\n\
         [credential]\n\thelper =\n\
         [protocol]\n\tallow = never\n\
         [protocol \"https\"]\n\tallow = always\n\
         [protocol \"http\"]\n\tallow = always\n\
         [protocol \"ssh\"]\n\tallow = always\n\
         [protocol \"git\"]\n\tallow = always\n\
         [gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n\
         [safe]\n\tdirectory = *\n\
         [uploadpack]\n\tallowAnySHA1InWant = true\n\
         [pack]\n\tthreads = 1\n\
         [http]\n\tlowSpeedLimit = 100\n\tlowSpeedTime = 60\n",
    );
    if let Some(path) = certificates {
        let _infallible = writeln!(text, "\tsslCAInfo = {}", quoted(&path.display().to_string()));
    }
    for (scope, header) in headers {
        let _infallible = writeln!(text, "[http {}]\n\textraHeader = {}", quoted(scope), quoted(header));
    }
    text
}

/// A value as git's configuration takes it; line feeds have no place in any of them.
fn quoted(value: &str) -> String {
    let value = value.replace(['\n', '\r'], "").replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{value}\"")
}

/// Keys of hosts that were never seen are taken and kept; a key that changed is refused.
fn ssh_command(has_agent: bool, kept: &Path, known: Option<&Path>) -> String {
    let files = [Some(kept), known].into_iter().flatten();
    let files: Vec<String> = files.map(|path| format!("\"{}\"", path.display())).collect();
    let agent = if has_agent { "SSH_AUTH_SOCK" } else { "none" };
    let options = [
        "BatchMode=yes".to_owned(),
        "StrictHostKeyChecking=accept-new".to_owned(),
        format!("UserKnownHostsFile={}", files.join(" ")),
        "IdentityFile=none".to_owned(),
        format!("IdentityAgent={agent}"),
        "ForwardAgent=no".to_owned(),
        "LogLevel=ERROR".to_owned(),
    ];
    let quoted = options.iter().map(|option| format!("-o '{}'", option.replace('\'', "'\\''")));
    format!("ssh -F none {}", quoted.collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_cannot_add_configuration() {
        let text = configuration(&[("https://host/".to_owned(), "a\"\n[alias]\nx = !sh".to_owned())], None);
        assert!(!text.contains("\n[alias]"), "{text}");
        assert!(text.contains(r#"extraHeader = "a\"[alias]x = !sh""#), "{text}");
    }

    #[test]
    fn the_last_words_are_one_line_with_a_way_out() {
        let text = "remote: no\nfatal: could not read Username for 'http://h': terminal prompts disabled\n";
        let message = failure(text).to_string();
        assert!(
            message.contains("could not read Username") && message.contains("GIT_AUTH_TOKEN"),
            "{message}"
        );
        let text = "git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.\n";
        let message = failure(text).to_string();
        assert!(message.contains("Permission denied") && message.contains("--ssh default"), "{message}");
        assert_eq!(failure("").to_string(), "git says: nothing");
    }

    #[test]
    fn paths_with_quotes_stay_one_word_for_the_shell() {
        let command = ssh_command(true, Path::new("/a'b/hosts"), None);
        assert!(command.contains(r#"UserKnownHostsFile="/a'\''b/hosts""#), "{command}");
    }
}
