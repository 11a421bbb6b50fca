//! A registry on the loopback address, for the cases that push.

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::shell;

/// A `docker-registry` that this task has started.
pub(crate) struct Registry {
    process: Child,
    port: u16,
}

impl Registry {
    /// Starts the registry with its data in `scratch`; nothing when it is not installed.
    pub(crate) fn start(scratch: &Path) -> Result<Option<Self>> {
        let Some(program) = shell::find("docker-registry").or_else(|| shell::find("registry")) else {
            return Ok(None);
        };
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let configuration = scratch.join("registry.yml");
        std::fs::write(
            &configuration,
            format!(
                "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: \
                 127.0.0.1:{port}\n",
                scratch.join("registry").display(),
            ),
        )?;
        let log = File::create(scratch.join("registry.log"))?;
        let process = Command::new(program)
            .arg("serve")
            .arg(configuration)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let mut registry = Self { process, port };
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Some(status) = registry.process.try_wait()? {
                bail!("the registry ended: {status}");
            }
            if start.elapsed() > Duration::from_secs(20) {
                bail!("the registry was not ready after 20 s");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(Some(registry))
    }

    /// `address:port`.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // Both fail only when the process has ended already.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
