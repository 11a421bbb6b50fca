//! A loopback web server with faults on demand.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use plimsoll_oci::Digest;

/// What a client asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) range: Option<String>,
    pub(crate) conditional: bool,
}

#[derive(Debug, Default)]
struct State {
    files: Mutex<BTreeMap<String, Vec<u8>>>,
    /// Answers that end after so many bytes, once.
    cuts: Mutex<BTreeMap<String, usize>>,
    /// How often a path is answered with this status before its file.
    failures: Mutex<BTreeMap<String, (u16, usize)>>,
    seen: Mutex<Vec<Seen>>,
    active: AtomicUsize,
    most_active: AtomicUsize,
    delay: Mutex<Duration>,
}

/// Serves until the process ends; each test has its own.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    address: String,
    state: Arc<State>,
}

impl Server {
    pub(crate) fn start(files: BTreeMap<String, Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State { files: Mutex::new(files), ..State::default() });
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let state = Arc::clone(&shared);
                // A client that goes away early is a part of some tests.
                thread::spawn(move || answer(&state, &stream.unwrap()).ok());
            }
        });
        Self { address, state }
    }

    pub(crate) fn uri(&self) -> String {
        format!("{}/debian", self.address)
    }

    pub(crate) fn put(&self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.state.files.lock().unwrap().insert(path.to_owned(), bytes.into());
    }

    pub(crate) fn remove(&self, part: &str) {
        self.state.files.lock().unwrap().retain(|path, _| !path.contains(part));
    }

    pub(crate) fn replace(&self, files: BTreeMap<String, Vec<u8>>) {
        *self.state.files.lock().unwrap() = files;
    }

    pub(crate) fn cut(&self, path: &str, after: usize) {
        self.state.cuts.lock().unwrap().insert(path.to_owned(), after);
    }

    pub(crate) fn fail(&self, path: &str, status: u16, times: usize) {
        self.state.failures.lock().unwrap().insert(path.to_owned(), (status, times));
    }

    pub(crate) fn delay(&self, delay: Duration) {
        *self.state.delay.lock().unwrap() = delay;
    }

    /// What was asked since the last call.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.state.seen.lock().unwrap())
    }

    pub(crate) fn most_active(&self) -> usize {
        self.state.most_active.load(Ordering::SeqCst)
    }
}

fn answer(state: &State, stream: &TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().trim_start_matches("/debian/").to_owned();
    let (mut range, mut etag) = (None, None);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "range" => range = Some(value.trim().to_owned()),
            "if-none-match" => etag = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    state.seen.lock().unwrap().push(Seen {
        path: path.clone(),
        range: range.clone(),
        conditional: etag.is_some(),
    });
    let active = state.active.fetch_add(1, Ordering::SeqCst) + 1;
    state.most_active.fetch_max(active, Ordering::SeqCst);
    let delay = *state.delay.lock().unwrap();
    thread::sleep(delay);
    let outcome = respond(state, stream, &path, range.as_deref(), etag.as_deref());
    state.active.fetch_sub(1, Ordering::SeqCst);
    outcome
}

fn respond(
    state: &State,
    mut stream: &TcpStream,
    path: &str,
    range: Option<&str>,
    etag: Option<&str>,
) -> std::io::Result<()> {
    if let Some((status, left)) = state.failures.lock().unwrap().get_mut(path)
        && *left > 0
    {
        *left -= 1;
        return write!(stream, "HTTP/1.1 {status} Failed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    let Some(bytes) = state.files.lock().unwrap().get(path).cloned() else {
        return write!(stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    };
    let own = format!("\"{}\"", Digest::of(&bytes).short());
    if etag == Some(own.as_str()) {
        return write!(stream, "HTTP/1.1 304 Not Modified\r\nETag: {own}\r\nConnection: close\r\n\r\n");
    }
    let start: usize = range
        .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok())
        .filter(|start| *start < bytes.len())
        .unwrap_or(0);
    let status = if start > 0 { "206 Partial Content" } else { "200 OK" };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nETag: {own}\r\nConnection: close\r\n",
        bytes.len() - start
    )?;
    if start > 0 {
        write!(stream, "Content-Range: bytes {start}-{}/{}\r\n", bytes.len() - 1, bytes.len())?;
    }
    write!(stream, "\r\n")?;
    let end = state.cuts.lock().unwrap().remove(path).map_or(bytes.len(), |after| start + after);
    stream.write_all(&bytes[start..end.min(bytes.len())])
}
