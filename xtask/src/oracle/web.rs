//! A web server for one case: hands out a folder, and git repositories in it, on loopback.
//!
//! A file `NAME.http` beside `NAME` says how it is answered: header fields, one a line, of which `Status` is the status.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use anyhow::{Context, Result};

/// A running server; it ends when this is dropped.
pub(super) struct Web {
    address: SocketAddr,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// A status, header fields and a body.
struct Reply {
    status: String,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Web {
    /// Serves a folder at a free port.
    pub(super) fn start(folder: PathBuf) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let ends = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&ends);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if until.load(Ordering::Relaxed) {
                    break;
                }
                let folder = folder.clone();
                // A client that goes away early is no failure of the server.
                std::thread::spawn(move || drop(serve(stream, &folder)));
            }
        });
        Ok(Self { address, ends, thread: Some(thread) })
    }

    /// `127.0.0.1:PORT`.
    pub(super) fn host(&self) -> String {
        self.address.to_string()
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        // The thread waits for the next connection: this is the last one.
        TcpStream::connect(self.address).ok();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn serve(mut stream: TcpStream, folder: &Path) -> Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next().context("no method")?, words.next().context("no address")?);
    let mut fields = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        fields.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = fields.get("content-length").map_or(Ok(0), |length| length.parse())?;
    let mut body = Vec::new();
    reader.take(length).read_to_end(&mut body)?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = unescape(path);
    let reply = if path.contains(".git/") {
        repository(folder, method, (&path, query), &fields, body)?
    } else {
        file(&folder.join(path.trim_start_matches('/')))
    };
    let length = reply.body.len();
    write!(stream, "HTTP/1.1 {} -\r\nConnection: close\r\nContent-Length: {length}\r\n", reply.status)?;
    reply.fields.iter().try_for_each(|(name, value)| write!(stream, "{name}: {value}\r\n"))?;
    stream.write_all(b"\r\n")?;
    if method != "HEAD" {
        stream.write_all(&reply.body)?;
    }
    Ok(())
}

fn file(path: &Path) -> Reply {
    let mut described = path.as_os_str().to_owned();
    described.push(".http");
    let described = std::fs::read_to_string(described).ok();
    let body = std::fs::read(path).ok();
    let found = if body.is_some() || described.is_some() { "200" } else { "404" };
    let (status, fields) = split_status(&described.unwrap_or_default());
    Reply { status: status.unwrap_or_else(|| found.to_owned()), fields, body: body.unwrap_or_default() }
}

/// Header fields, of which `Status` is the status.
fn split_status(text: &str) -> (Option<String>, Vec<(String, String)>) {
    let mut status = None;
    let mut fields = Vec::new();
    for (name, value) in text.lines().filter_map(|line| line.split_once(": ")) {
        if name == "Status" {
            status = value.split(' ').next().map(str::to_owned);
        } else {
            fields.push((name.to_owned(), value.to_owned()));
        }
    }
    (status, fields)
}

/// What git's own program answers, which speaks CGI (RFC 3875).
fn repository(
    folder: &Path,
    method: &str,
    (path, query): (&str, &str),
    fields: &BTreeMap<String, String>,
    body: Vec<u8>,
) -> Result<Reply> {
    let mut command = Command::new("git");
    command
        .args(["-c", "safe.directory=*", "http-backend"])
        .env("GIT_PROJECT_ROOT", folder)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("REQUEST_METHOD", method)
        .env("CONTENT_LENGTH", body.len().to_string());
    for (name, variable) in [
        ("content-type", "CONTENT_TYPE"),
        ("git-protocol", "GIT_PROTOCOL"),
        ("content-encoding", "HTTP_CONTENT_ENCODING"),
    ] {
        if let Some(value) = fields.get(name) {
            command.env(variable, value);
        }
    }
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("`git` is not installed")?;
    let mut input = child.stdin.take().context("its standard input is a pipe")?;
    // It need not read all of it.
    let writer = std::thread::spawn(move || drop(input.write_all(&body)));
    let output = child.wait_with_output()?.stdout;
    writer.join().ok();
    let end = output.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap_or(output.len());
    let (status, fields) = split_status(&String::from_utf8_lossy(&output[..end]));
    let body = output.get(end + 4..).unwrap_or_default().to_vec();
    Ok(Reply { status: status.unwrap_or_else(|| "200".to_owned()), fields, body })
}

/// A path without its `%XX`.
fn unescape(path: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(web: &Web, target: &str) -> String {
        let mut stream = TcpStream::connect(web.host()).unwrap();
        write!(stream, "GET {target} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn files_are_answered_as_what_lies_beside_them_says() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a b"), "text").unwrap();
        std::fs::write(folder.path().join("moved.http"), "Status: 302\nLocation: /a%20b\n").unwrap();
        let web = Web::start(folder.path().to_owned()).unwrap();
        assert!(ask(&web, "/a%20b?c=d").ends_with("\r\n\r\ntext"));
        let moved = ask(&web, "/moved");
        assert!(moved.starts_with("HTTP/1.1 302 ") && moved.contains("\r\nLocation: /a%20b\r\n"), "{moved}");
        assert!(ask(&web, "/nothing").starts_with("HTTP/1.1 404 "));
    }
}
