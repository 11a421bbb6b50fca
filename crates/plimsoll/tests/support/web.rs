//! A web server on loopback that hands out files and git repositories, and remembers what it was asked.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

/// The time that every file has on the server.
pub(crate) const MODIFIED: (&str, u64) = ("Sun, 13 Sep 2020 12:26:40 GMT", 1_600_000_000);

/// A file of the server.
#[derive(Clone, Default)]
pub(crate) struct Page {
    pub(crate) bytes: Vec<u8>,
    /// Further headers of the answer.
    pub(crate) headers: Vec<(String, String)>,
    /// The request must carry this `Authorization`.
    pub(crate) authorization: Option<String>,
}

/// One request, and the status of its answer.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) status: u16,
}

#[derive(Default)]
struct State {
    pages: BTreeMap<String, Page>,
    requests: Vec<Request>,
    /// What requests for repositories must carry.
    authorization: Option<String>,
}

/// The server; its thread ends with the test.
pub(crate) struct Web {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    repositories: TempDir,
}

impl Web {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let repositories = tempfile::tempdir().unwrap();
        let (shared, root) = (Arc::clone(&state), repositories.path().to_owned());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (state, root) = (Arc::clone(&shared), root.clone());
                std::thread::spawn(move || {
                    // A client that goes away early is no failure of the server.
                    let _gone = serve(stream, &state, &root);
                });
            }
        });
        Self { address, state, repositories }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    pub(crate) fn put(&self, path: &str, bytes: impl Into<Vec<u8>>) -> String {
        self.page(path, Page { bytes: bytes.into(), ..Page::default() })
    }

    pub(crate) fn page(&self, path: &str, page: Page) -> String {
        self.state.lock().unwrap().pages.insert(format!("/{path}"), page);
        self.url(path)
    }

    /// Everything that was asked since the last call.
    pub(crate) fn requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.state.lock().unwrap().requests)
    }

    pub(crate) fn require(&self, authorization: &str) {
        self.state.lock().unwrap().authorization = Some(authorization.to_owned());
    }

    /// The directory of the repositories.
    pub(crate) fn repositories(&self) -> &Path {
        self.repositories.path()
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }
}

fn serve(mut stream: TcpStream, state: &Mutex<State>, root: &Path) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return Ok(()) };
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let mut body = Vec::new();
    if let Some(length) = headers.get("content-length") {
        reader.take(length.parse().unwrap()).read_to_end(&mut body)?;
    } else if headers.contains_key("transfer-encoding") {
        loop {
            let mut size = String::new();
            reader.read_line(&mut size)?;
            let size = u64::from_str_radix(size.trim(), 16).unwrap();
            reader.by_ref().take(size).read_to_end(&mut body)?;
            reader.read_line(&mut String::new())?;
            if size == 0 {
                break;
            }
        }
    }
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let answer = if let Some(path) = path.strip_prefix("/git") {
        repository(&method, path, query, &headers, &body, state, root)
    } else {
        file(path, &headers, state)
    };
    let status = answer.0;
    state.lock().unwrap().requests.push(Request { path: target.clone(), status });
    write!(stream, "HTTP/1.1 {status} x\r\nConnection: close\r\nContent-Length: {}\r\n", answer.2.len())?;
    answer.1.iter().try_for_each(|(name, value)| write!(stream, "{name}: {value}\r\n"))?;
    stream.write_all(b"\r\n")?;
    stream.write_all(&answer.2)
}

type Answer = (u16, Vec<(String, String)>, Vec<u8>);

fn file(path: &str, headers: &BTreeMap<String, String>, state: &Mutex<State>) -> Answer {
    let Some(page) = state.lock().unwrap().pages.get(path).cloned() else {
        return (404, Vec::new(), Vec::new());
    };
    if page.authorization.is_some() && page.authorization.as_ref() != headers.get("authorization") {
        return (401, Vec::new(), Vec::new());
    }
    let tag =
        format!("\"{}\"", page.bytes.iter().fold(7_u64, |sum, byte| sum * 31 % 1_000_003 + u64::from(*byte)));
    if headers.get("if-none-match") == Some(&tag) {
        return (304, Vec::new(), Vec::new());
    }
    let mut answer = vec![("ETag".to_owned(), tag), ("Last-Modified".to_owned(), MODIFIED.0.to_owned())];
    answer.extend(page.headers);
    let status = if answer.iter().any(|(name, _)| name == "Location") { 302 } else { 200 };
    (status, answer, page.bytes)
}

fn repository(
    method: &str,
    path: &str,
    query: &str,
    headers: &BTreeMap<String, String>,
    body: &[u8],
    state: &Mutex<State>,
    root: &Path,
) -> Answer {
    let wanted = state.lock().unwrap().authorization.clone();
    if wanted.is_some() && wanted.as_ref() != headers.get("authorization") {
        return (401, vec![("WWW-Authenticate".to_owned(), "Basic realm=\"x\"".to_owned())], Vec::new());
    }
    let mut command = Command::new("git");
    command
        .args(["-c", "safe.directory=*", "http-backend"])
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("REQUEST_METHOD", method)
        .env("CONTENT_LENGTH", body.len().to_string());
    for (header, variable) in [
        ("content-type", "CONTENT_TYPE"),
        ("git-protocol", "GIT_PROTOCOL"),
        ("content-encoding", "HTTP_CONTENT_ENCODING"),
    ] {
        if let Some(value) = headers.get(header) {
            command.env(variable, value);
        }
    }
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let body = body.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&body));
    let output = child.wait_with_output().unwrap().stdout;
    let _backend_need_not_read_all = writer.join().unwrap();
    let end = output.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap_or(output.len());
    let head = String::from_utf8_lossy(&output[..end]).into_owned();
    let mut status = 200;
    let mut answer = Vec::new();
    for line in head.lines() {
        match line.split_once(": ") {
            Some(("Status", value)) => status = value[..3].parse().unwrap(),
            Some((name, value)) => answer.push((name.to_owned(), value.to_owned())),
            None => {}
        }
    }
    (status, answer, output.get(end + 4..).unwrap_or_default().to_vec())
}

/// A working tree whose commits can be published on the server.
pub(crate) struct Repository {
    directory: TempDir,
    published: PathBuf,
    time: u64,
}

impl Repository {
    /// An empty one, which the server has as `git/NAME.git`.
    pub(crate) fn new(web: &Web, name: &str) -> Self {
        let repository = Self {
            directory: tempfile::tempdir().unwrap(),
            published: web.repositories().join(format!("{name}.git")),
            time: 1_700_000_000,
        };
        repository.git(&["init", "--quiet", "-b", "main"]);
        repository
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Runs git in the working tree; gives what it wrote.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let date = format!("{} +0000", self.time);
        let output = Command::new("git")
            .args(["-c", "protocol.file.allow=always", "-c", "safe.directory=*"])
            .args(arguments)
            .current_dir(self.directory.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs(["AUTHOR", "COMMITTER"].iter().flat_map(|who| {
                let value = |what: &str, value: &str| (format!("GIT_{who}_{what}"), value.to_owned());
                [value("NAME", "a"), value("EMAIL", "a@b"), value("DATE", &date)]
            }))
            .output()
            .expect("these tests need the program `git`");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Commits everything, one second later than the commit before; gives the commit's id.
    pub(crate) fn commit(&mut self) -> String {
        self.time += 1;
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", "message"]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// The time of the last commit.
    pub(crate) fn time(&self) -> u64 {
        self.time
    }

    /// Puts the present state on the server.
    pub(crate) fn publish(&self) {
        if self.published.exists() {
            std::fs::remove_dir_all(&self.published).unwrap();
        }
        self.git(&["clone", "--quiet", "--mirror", ".", self.published.to_str().unwrap()]);
        self.git(&["--git-dir", self.published.to_str().unwrap(), "update-server-info"]);
    }
}
