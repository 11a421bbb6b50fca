//! `cargo xtask smoke`: builds every example, starts it from the image's own files and asks for its health.
//!
//! No engine is needed: the root file system is unpacked into a temporary directory, and the program that the image's
//! configuration names is started in it, as root by changing the root directory and the user, otherwise in a user namespace.

use std::fmt;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::examples::{self, EXAMPLES, Example, Variant};
use crate::image::{self, Image};
use crate::plimsoll::{self, Plimsoll};
use crate::shell;

/// Options of `smoke`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    plimsoll: plimsoll::Options,

    /// Only these examples
    examples: Vec<String>,

    /// Build and start the naive Dockerfiles as well
    #[arg(long)]
    naive: bool,

    /// Rewrite the naive Dockerfiles with `fix --production`, and build and start that as well: it may be a fifth larger
    /// than the one by hand
    #[arg(long)]
    proposed: bool,
}

/// How much larger than an image by hand a proposed one may be.
const MOST_LARGER: f64 = 1.2;

/// What was seen of a started image.
pub(crate) struct Seen {
    tag: String,
    unpacked_bytes: u64,
    compressed_bytes: u64,
    start_up: Duration,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ok  {:24} {:>7.1} MB unpacked, {:>6.1} MB compressed, healthy after {:.1} s, stopped on SIGTERM",
            self.tag,
            megabytes(self.unpacked_bytes),
            megabytes(self.compressed_bytes),
            self.start_up.as_secs_f64(),
        )
    }
}

/// Builds and starts the examples one after another.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let plimsoll = Plimsoll::open(&arguments.plimsoll)?;
    let chosen: Vec<&Example> = if arguments.examples.is_empty() {
        EXAMPLES.iter().collect()
    } else {
        arguments.examples.iter().map(|name| examples::find(name)).collect::<Result<_>>()?
    };
    for example in chosen {
        let look = |variant: Variant| {
            let seen = smoke(&plimsoll, example, variant)
                .with_context(|| format!("the {} image of `{}`", variant.name(), example.name))?;
            println!("{seen}");
            anyhow::Ok(seen)
        };
        let by_hand = look(Variant::Production)?;
        if arguments.naive {
            look(Variant::Naive)?;
        }
        if arguments.proposed {
            let larger =
                megabytes(look(Variant::Proposed)?.unpacked_bytes) / megabytes(by_hand.unpacked_bytes);
            println!(
                "    the proposed image of `{}` has {larger:.2} x the size of the one by hand",
                example.name
            );
            ensure!(larger <= MOST_LARGER, "the proposed image may have {MOST_LARGER} x the size at most");
        }
    }
    Ok(())
}

/// Builds, unpacks and starts one image; the line that comes back says what was seen.
pub(crate) fn smoke(plimsoll: &Plimsoll, example: &Example, variant: Variant) -> Result<Seen> {
    let folder = tempfile::tempdir()?;
    let files = folder.path().join("files.tar");
    let archive = folder.path().join("image.tar");
    let mut directory = example.directory();
    if variant == Variant::Proposed {
        directory = folder.path().join(example.name);
        example.copy_to(&directory)?;
        shell::run(&mut plimsoll.propose(&directory, &directory.join(variant.dockerfile())))?;
    }
    let tag = example.tag(variant);
    let mut build = plimsoll.build(&directory, &directory.join(variant.dockerfile()));
    build.args(["--tag", &tag]);
    build.arg("--output").arg(format!("type=tar,dest={}", files.display()));
    build.arg("--output").arg(format!("type=oci,dest={}", archive.display()));
    shell::run(&mut build)?;

    let root = folder.path().join("root");
    std::fs::create_dir(&root)?;
    let owner = if shell::is_root() { "--same-owner" } else { "--no-same-owner" };
    shell::capture(
        Command::new("tar").args(["--numeric-owner", owner, "-x", "-f"]).arg(&files).arg("-C").arg(&root),
    )?;
    let image = Image::read(&archive)?;
    let size = image::unpacked_bytes(&files)?;
    let log = folder.path().join("log");
    let start_up =
        Service::start(&root, &image, &log).and_then(|service| service.check(&image, &root)).with_context(
            || format!("the service wrote:\n{}", std::fs::read_to_string(&log).unwrap_or_default()),
        )?;
    Ok(Seen { tag, unpacked_bytes: size, compressed_bytes: image.compressed_bytes, start_up })
}

#[expect(clippy::cast_precision_loss, reason = "for people to read")]
pub(crate) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// A started image. Dropping it ends the process.
struct Service {
    process: Child,
    port: u16,
    started: Instant,
}

impl Service {
    /// Starts the image's program with its output in the file `log`.
    fn start(root: &Path, image: &Image, log: &Path) -> Result<Self> {
        // The port is free when it is chosen; the service takes it a moment later.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let log = File::create(log)?;
        let process = inside(root, image, &image.arguments, port)?
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .context("could not start `unshare`")?;
        Ok(Self { process, port, started: Instant::now() })
    }

    /// Waits until the service is healthy, runs the image's health check, asks the service to end and waits for it.
    fn check(mut self, image: &Image, root: &Path) -> Result<Duration> {
        let limit = Duration::from_secs(30);
        let start_up = loop {
            if let Some(status) = self.process.try_wait()? {
                bail!("the service ended by itself: {status}");
            }
            if get(self.port, "/health").is_ok_and(|answer| answer.starts_with("HTTP/1.1 200")) {
                break self.started.elapsed();
            }
            ensure!(
                self.started.elapsed() < limit,
                "the service was not healthy after {} s",
                limit.as_secs()
            );
            std::thread::sleep(Duration::from_millis(50));
        };
        if !image.health_check.is_empty() {
            let status = inside(root, image, &image.health_check, self.port)?.status()?;
            ensure!(status.success(), "the service is healthy, but its health check says: {status}");
        }
        self.stop()?;
        Ok(start_up)
    }

    fn stop(&mut self) -> Result<()> {
        let pid = i32::try_from(self.process.id()).ok().and_then(rustix::process::Pid::from_raw);
        let pid = pid.context("a process id is a positive number")?;
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        let asked = Instant::now();
        while asked.elapsed() < Duration::from_secs(8) {
            if self.process.try_wait()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!("the service did not end within 8 s of SIGTERM");
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // As with a container, what the program started ends with it: a shell leaves its child behind.
        let group = i32::try_from(self.process.id()).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(group) = group {
            // Fails when nothing of the group is left.
            rustix::process::kill_process_group(group, rustix::process::Signal::KILL).ok();
        }
        // Fails when the process was waited for before.
        self.process.wait().ok();
    }
}

/// Shows the processes in the root directory that is the first argument, and starts the rest. The image's own `PATH` is not
/// the one of this machine's programs.
const MOUNT_PROC: &str =
    "PATH=/usr/sbin:/usr/bin:/sbin:/bin mount --rbind /proc \"$1/proc\" && shift && exec \"$@\"";

/// A program of the image, in its files, with its user, environment and directory.
fn inside(root: &Path, image: &Image, arguments: &[String], port: u16) -> Result<Command> {
    ensure!(!arguments.is_empty(), "the image names no program");
    let unshare = shell::find("unshare").context("there is no `unshare`")?;
    let mut command = Command::new(&unshare);
    command.arg("--mount");
    if !shell::is_root() {
        // One id is all an ordinary user can count on: the program runs as the caller, who is called root inside.
        command.args(["--user", "--map-root-user"]);
    }
    // Some programs find their libraries with the help of `/proc`.
    std::fs::create_dir_all(root.join("proc"))?;
    command.args(["--", "/bin/sh", "-c", MOUNT_PROC, "sh"]).arg(root).arg(&unshare);
    if shell::is_root() {
        let (user, group) = ids(&image.user)?;
        command.arg(format!("--setuid={user}")).arg(format!("--setgid={group}"));
    }
    command.arg(format!("--root={}", root.display())).arg(format!("--wd={}", image.working_directory));
    command.arg("--").args(arguments).env_clear();
    for variable in &image.environment {
        let (name, value) = variable.split_once('=').unwrap_or((variable, ""));
        command.env(name, value);
    }
    command.env("PORT", port.to_string()).stdin(Stdio::null());
    Ok(command)
}

/// The numbers of a user as an image names it; a name needs a look into the image, and the examples use numbers.
fn ids(user: &str) -> Result<(u32, u32)> {
    if user.is_empty() {
        return Ok((0, 0));
    }
    let (user, group) = user.split_once(':').unwrap_or((user, user));
    let number = |text: &str| text.parse().with_context(|| format!("the user `{text}` is no number"));
    Ok((number(user)?, number(group)?))
}

fn get(port: u16, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_read_as_numbers() {
        assert_eq!(ids("").unwrap(), (0, 0));
        assert_eq!(ids("65532").unwrap(), (65532, 65532));
        assert_eq!(ids("1:2").unwrap(), (1, 2));
        assert!(ids("nobody").is_err());
    }

    #[test]
    fn a_get_returns_the_answer_with_its_status() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 256];
            let length = stream.read(&mut request).unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nfine").unwrap();
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        assert!(get(port, "/health").unwrap().ends_with("fine"));
        assert!(server.join().unwrap().starts_with("GET /health HTTP/1.1"));
    }
}
