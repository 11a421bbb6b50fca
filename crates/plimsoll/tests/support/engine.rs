//! An engine that has nothing and takes everything.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A running engine.
pub(crate) struct Engine {
    place: Place,
    requests: JoinHandle<Vec<(String, Vec<u8>)>>,
}

enum Place {
    Socket(PathBuf),
    Port(SocketAddr),
}

impl Engine {
    /// Listens at a socket, with containerd's storage or Docker's own.
    pub(crate) fn at_socket(socket: &Path, is_containerd: bool) -> Self {
        let listener = UnixListener::bind(socket).unwrap();
        let connections = std::iter::from_fn(move || Some(listener.accept().unwrap().0));
        let requests = std::thread::spawn(move || answer(connections, is_containerd));
        Self { place: Place::Socket(socket.to_owned()), requests }
    }

    /// Listens at a port of the loopback.
    pub(crate) fn at_port() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let connections = std::iter::from_fn(move || Some(listener.accept().unwrap().0));
        Self { place: Place::Port(address), requests: std::thread::spawn(move || answer(connections, false)) }
    }

    /// The same with TLS.
    pub(crate) fn with_tls(config: ServerConfig) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let config = Arc::new(config);
        let connections = std::iter::from_fn(move || {
            let session = ServerConnection::new(Arc::clone(&config)).unwrap();
            Some(Tls { session: StreamOwned::new(session, listener.accept().unwrap().0) })
        });
        Self { place: Place::Port(address), requests: std::thread::spawn(move || answer(connections, false)) }
    }

    /// The port that it listens at.
    pub(crate) fn port(&self) -> u16 {
        match &self.place {
            Place::Port(address) => address.port(),
            Place::Socket(path) => panic!("the engine listens at {}", path.display()),
        }
    }

    /// Ends it; gives what it was asked: the first line of each request, and its body.
    pub(crate) fn end(self) -> Vec<(String, Vec<u8>)> {
        // A connection without a request is the end.
        match &self.place {
            Place::Socket(path) => drop(UnixStream::connect(path).unwrap().write_all(b"\n")),
            Place::Port(address) => drop(TcpStream::connect(address).unwrap().write_all(b"\n")),
        }
        self.requests.join().unwrap()
    }
}

/// A connection that the client only ends well when it is told so.
struct Tls {
    session: StreamOwned<ServerConnection, TcpStream>,
}

impl Read for Tls {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.session.read(buffer)
    }
}

impl Write for Tls {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.session.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.session.flush()
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        self.session.conn.send_close_notify();
        self.session.flush().ok();
    }
}

/// Answers one request a connection: a client may well open a second one before the first is known to be free.
fn answer<C: Read + Write>(
    connections: impl Iterator<Item = C>,
    is_containerd: bool,
) -> Vec<(String, Vec<u8>)> {
    let mut requests: Vec<(String, Vec<u8>)> = Vec::new();
    let mut is_loaded = false;
    for connection in connections {
        let mut reader = BufReader::new(connection);
        let (line, body) = match request(&mut reader) {
            Ok(Some(request)) => request,
            Ok(None) => return requests,
            // A client that was not let in.
            Err(error) => {
                requests.push((format!("refused: {error}"), Vec::new()));
                if error.kind() == io::ErrorKind::InvalidData && error.to_string().contains("corrupt") {
                    return requests;
                }
                continue;
            }
        };
        let driver = if is_containerd { "io.containerd.snapshotter.v1" } else { "overlay2" };
        let (status, answer) = match line.split(' ').nth(1).unwrap() {
            "/version" => (200, r#"{"Components":[{"Name":"Engine"}]}"#.to_owned()),
            "/info" => (200, format!(r#"{{"DriverStatus":[["driver-type","{driver}"]]}}"#)),
            "/images/json?all=1" => (200, "[]".to_owned()),
            path if path.starts_with("/images/load") => {
                is_loaded = true;
                (200, r#"{"stream":"Loaded image: app:1"}"#.to_owned())
            }
            path if path.contains("/tag?") => (201, String::new()),
            _ if is_loaded => (200, "{}".to_owned()),
            _ => (404, r#"{"message":"No such image"}"#.to_owned()),
        };
        requests.push((line, body));
        let length = answer.len();
        let head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
        reader.get_mut().write_all((head + &answer).as_bytes()).unwrap();
    }
    requests
}

/// One request with its body; nothing when the connection holds none.
fn request(reader: &mut impl BufRead) -> io::Result<Option<(String, Vec<u8>)>> {
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        Ok::<_, io::Error>(line.trim_end().to_owned())
    };
    let first = line()?;
    if first.is_empty() {
        return Ok(None);
    }
    let mut is_chunked = false;
    loop {
        let header = line()?;
        if header.is_empty() {
            break;
        }
        is_chunked |= header.eq_ignore_ascii_case("transfer-encoding: chunked");
    }
    let mut body = Vec::new();
    while is_chunked {
        let mut size = String::new();
        reader.read_line(&mut size)?;
        let size = u64::from_str_radix(size.trim(), 16).unwrap();
        reader.by_ref().take(size).read_to_end(&mut body)?;
        reader.read_line(&mut String::new())?;
        is_chunked = size > 0;
    }
    Ok(Some((first, body)))
}
