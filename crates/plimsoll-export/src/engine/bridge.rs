//! A socket of this process alone whose connections lead through a command: `ssh HOST docker system dial-stdio`.
//!
//! The HTTP client knows sockets and no commands. Each connection to the socket starts the command once, with the
//! connection as its standard input and output.

use std::ffi::OsString;
use std::fs::{self, DirBuilder};
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// What a command may say about why it failed; the rest is left out.
const MOST_WORDS: u64 = 16 << 10;
/// Bytes that are passed on at once.
const BUFFER: usize = 64 << 10;
/// How long a command may take to end when its connection has ended.
const PATIENCE: Duration = Duration::from_secs(2);

/// The socket; gone when this is dropped.
pub(super) struct Bridge {
    directory: PathBuf,
    /// Keeps the directory open: the path of the socket goes by way of it, because sockets take 107 bytes of path.
    handle: fs::File,
    shared: Arc<Shared>,
}

struct Shared {
    argv: Vec<OsString>,
    ended: AtomicBool,
    /// What the last command that failed said.
    said: Mutex<Option<String>>,
}

impl Bridge {
    /// Begins to listen in a new directory inside of `scratch`.
    pub(super) fn open(argv: &[OsString], scratch: &Path) -> io::Result<Self> {
        let directory = scratch.join("engine");
        DirBuilder::new().mode(0o700).create(&directory)?;
        let handle = fs::File::open(&directory)?;
        let shared = Shared { argv: argv.to_vec(), ended: AtomicBool::new(false), said: Mutex::default() };
        let bridge = Self { directory, handle, shared: Arc::new(shared) };
        let listener = UnixListener::bind(bridge.socket())?;
        let shared = Arc::clone(&bridge.shared);
        thread::spawn(move || {
            for connection in listener.incoming() {
                if shared.ended.load(Ordering::Acquire) {
                    return;
                }
                let shared = Arc::clone(&shared);
                if let Ok(connection) = connection {
                    thread::spawn(move || lead(&connection, &shared));
                }
            }
        });
        Ok(bridge)
    }

    /// Where it listens.
    pub(super) fn socket(&self) -> PathBuf {
        format!("/proc/self/fd/{}/socket", self.handle.as_raw_fd()).into()
    }

    /// What the command says about why there is no connection.
    pub(super) fn said(&self) -> Option<String> {
        self.shared.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Release);
        // Wakes the thread that waits for connections; if that fails, it has ended already.
        let _woken = UnixStream::connect(self.socket());
        // What is left is swept when the process has ended.
        let _removed = fs::remove_dir_all(&self.directory);
    }
}

/// Runs the command for one connection, to its end.
fn lead(connection: &UnixStream, shared: &Shared) {
    if let Err(error) = try_lead(connection, shared) {
        let program = shared.argv.first().map(|name| name.to_string_lossy().into_owned());
        say(shared, format!("cannot run `{}`: {error}", program.unwrap_or_default()));
    }
    // Ends the client's waiting; it may have ended the connection itself.
    let _ended = connection.shutdown(Shutdown::Both);
}

fn try_lead(connection: &UnixStream, shared: &Shared) -> io::Result<()> {
    let Some((program, arguments)) = shared.argv.split_first() else { return Ok(()) };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(mut stdin), Some(mut stdout), Some(stderr)) = (stdin, stdout, stderr) else { return Ok(()) };
    let (mut from, mut to) = (connection.try_clone()?, connection.try_clone()?);
    let child = Mutex::new(child);
    thread::scope(|scope| {
        let words = scope.spawn(move || {
            let mut words = Vec::new();
            let mut stderr = stderr;
            let read = stderr.by_ref().take(MOST_WORDS).read_to_end(&mut words);
            // Whoever says more must not wait for ever.
            read.and_then(|_| io::copy(&mut stderr, &mut io::sink())).ok();
            String::from_utf8_lossy(&words).trim().to_owned()
        });
        let child = &child;
        scope.spawn(move || {
            // Either side may end; both ends are normal.
            pass_on(&mut from, &mut stdin).ok();
            drop(stdin);
            end(child);
        });
        pass_on(&mut stdout, &mut to).ok();
        drop(stdout);
        // What went wrong must be known before the client sees that the connection is over.
        let words = words.join().unwrap_or_default();
        let status = child.lock().unwrap_or_else(PoisonError::into_inner).wait()?;
        if !status.success() {
            say(shared, if words.is_empty() { format!("the command ended with {status}") } else { words });
        }
        // Lets the other direction end, which waits for the client.
        connection.shutdown(Shutdown::Both).ok();
        Ok(())
    })
}

/// Copies to the end, whatever has come at once.
///
/// The standard library's copy uses splice(2) here, which keeps the pipe locked while it waits for the socket: the command
/// could not read what is in the pipe already.
fn pass_on(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return to.flush(),
            Ok(bytes) => to.write_all(&buffer[..bytes])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Ends a command that does not end by itself once nobody writes to it.
fn end(child: &Mutex<Child>) {
    let started = Instant::now();
    loop {
        let mut locked = child.lock().unwrap_or_else(PoisonError::into_inner);
        match locked.try_wait() {
            Ok(None) if started.elapsed() < PATIENCE => {}
            Ok(None) => {
                locked.kill().ok();
                return;
            }
            _ => return,
        }
        drop(locked);
        thread::sleep(Duration::from_millis(10));
    }
}

fn say(shared: &Shared, words: String) {
    *shared.said.lock().unwrap_or_else(PoisonError::into_inner) = Some(words);
}
