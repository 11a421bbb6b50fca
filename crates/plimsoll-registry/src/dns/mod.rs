//! Finding the addresses of names without the C library.
//!
//! A program that is linked statically against glibc cannot rely on the library's own resolver: that loads the modules which
//! `/etc/nsswitch.conf` names from the machine it runs on, made for another version of the library. This one reads `/etc/hosts` and
//! `/etc/resolv.conf` anew for each name and asks the servers named there, as the modules `files` and `dns` would. Other modules (mDNS, LDAP,
//! machine names) are not known to it; servers of such setups mostly listen on an address in `/etc/resolv.conf` too.

mod files;
mod message;

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket as StdUdpSocket};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use files::Configuration;
use message::{Kind, Reply};

/// How host names become addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameResolution {
    /// By the C library.
    System,
    /// By this crate, from `/etc/hosts` and the servers in `/etc/resolv.conf`.
    BuiltIn,
}

impl NameResolution {
    /// Lets an HTTP client find addresses in this way.
    pub(crate) fn apply(self, builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
        match self {
            Self::System => builder,
            Self::BuiltIn => builder.dns_resolver(Resolver::new()),
        }
    }
}

impl Default for NameResolution {
    /// The C library's, except in a program that is linked statically against glibc.
    fn default() -> Self {
        if cfg!(all(target_env = "gnu", target_feature = "crt-static")) {
            Self::BuiltIn
        } else {
            Self::System
        }
    }
}

/// Why a name has no address.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResolveError {
    #[error("there is no host `{name}`")]
    NoName { name: String },
    #[error("no name server answered for `{name}`")]
    NoAnswer { name: String },
}

/// A resolver that reads two files and asks the servers they name.
#[derive(Debug, Clone)]
pub(crate) struct Resolver {
    files: Arc<Files>,
}

#[derive(Debug)]
struct Files {
    hosts: PathBuf,
    configuration: PathBuf,
}

impl Resolver {
    pub(crate) fn new() -> Self {
        let (hosts, configuration) = ("/etc/hosts".into(), "/etc/resolv.conf".into());
        Self { files: Arc::new(Files { hosts, configuration }) }
    }

    async fn lookup(&self, name: &str) -> Result<Vec<IpAddr>, ResolveError> {
        // A file that is not there says nothing, as for the C library.
        let hosts = fs::read_to_string(&self.files.hosts).unwrap_or_default();
        let found = files::hosts(&hosts, name);
        if !found.is_empty() {
            return Ok(found);
        }
        let plain = name.trim_end_matches('.').to_ascii_lowercase();
        if plain == "localhost" || plain.ends_with(".localhost") {
            return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
        }
        let text = fs::read_to_string(&self.files.configuration).unwrap_or_default();
        lookup_by_servers(&Configuration::parse(&text), name).await
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let found = resolver.lookup(name.as_str()).await?;
            let addresses: Addrs = Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}

async fn lookup_by_servers(configuration: &Configuration, name: &str) -> Result<Vec<IpAddr>, ResolveError> {
    let mut answered = false;
    for candidate in configuration.candidates(name) {
        let (v4, v6) =
            tokio::join!(ask(configuration, &candidate, Kind::V4), ask(configuration, &candidate, Kind::V6));
        answered |= v4.is_some() || v6.is_some();
        let (v4, v6) = (v4.unwrap_or_default(), v6.unwrap_or_default());
        if v4.is_empty() && v6.is_empty() {
            continue;
        }
        // The family that comes first is tried first, and the other one soon after if that is slow.
        let v6_first = v6.first().is_some_and(|address| has_route(*address));
        return Ok(if v6_first { [v6, v4].concat() } else { [v4, v6].concat() });
    }
    let name = name.to_owned();
    Err(if answered { ResolveError::NoName { name } } else { ResolveError::NoAnswer { name } })
}

/// The addresses of one kind; none if no server gave an answer.
async fn ask(configuration: &Configuration, name: &str, kind: Kind) -> Option<Vec<IpAddr>> {
    for _ in 0..configuration.attempts {
        for server in &configuration.servers {
            // Any number will do when there is no randomness: the port is random as well.
            let id = getrandom::u32().unwrap_or_default().to_be_bytes();
            let question = message::question(u16::from_be_bytes([id[0], id[1]]), name, kind);
            let Some(question) = question else { return Some(Vec::new()) };
            let mut reply = by_udp(*server, &question, kind, configuration.timeout).await;
            if matches!(reply, Ok(Reply::Truncated)) {
                reply = by_tcp(*server, &question, kind, configuration.timeout).await;
            }
            match reply {
                Ok(Reply::Addresses(addresses)) => return Some(addresses),
                Ok(Reply::NoName) => return Some(Vec::new()),
                Ok(Reply::Truncated | Reply::Failed) | Err(_) => {}
            }
        }
    }
    None
}

async fn by_udp(server: SocketAddr, question: &[u8], kind: Kind, patience: Duration) -> io::Result<Reply> {
    let socket = UdpSocket::bind(any_address(server.ip())).await?;
    socket.connect(server).await?;
    socket.send(question).await?;
    let wait = async {
        let mut buffer = [0; 4096];
        loop {
            let length = socket.recv(&mut buffer).await?;
            // Whatever else comes, late or forged, is passed over.
            if let Some(reply) = message::reply(question, &buffer[..length], kind) {
                return Ok(reply);
            }
        }
    };
    timeout(patience, wait).await?
}

/// By TCP, each message has its length in front (RFC 1035, section 4.2.2).
async fn by_tcp(server: SocketAddr, question: &[u8], kind: Kind, patience: Duration) -> io::Result<Reply> {
    let talk = async {
        let mut stream = TcpStream::connect(server).await?;
        let length = u16::try_from(question.len()).map_err(io::Error::other)?;
        stream.write_all(&[&length.to_be_bytes(), question].concat()).await?;
        let mut buffer = vec![0; usize::from(stream.read_u16().await?)];
        stream.read_exact(&mut buffer).await?;
        Ok(message::reply(question, &buffer, kind).unwrap_or(Reply::Failed))
    };
    timeout(patience, talk).await?
}

fn any_address(like: IpAddr) -> SocketAddr {
    match like {
        IpAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        IpAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    }
}

/// Whether this machine knows a way to an address; nothing is sent.
fn has_route(address: IpAddr) -> bool {
    StdUdpSocket::bind(any_address(address)).is_ok_and(|socket| socket.connect((address, 9)).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    /// A server that knows `big.example` (by TCP only), `a.example` and `short.example`, and nothing else.
    fn server() -> SocketAddr {
        let udp = StdUdpSocket::bind("127.0.0.1:0").unwrap();
        let address = udp.local_addr().unwrap();
        let tcp = TcpListener::bind(address).unwrap();
        std::thread::spawn(move || {
            let mut buffer = [0; 512];
            while let Ok((length, from)) = udp.recv_from(&mut buffer) {
                udp.send_to(b"noise that is no answer", from).ok();
                udp.send_to(&answer(&buffer[..length], false), from).ok();
            }
        });
        std::thread::spawn(move || {
            for stream in tcp.incoming() {
                let mut stream = stream.unwrap();
                let mut length = [0; 2];
                stream.read_exact(&mut length).unwrap();
                let mut question = vec![0; usize::from(u16::from_be_bytes(length))];
                stream.read_exact(&mut question).unwrap();
                let answer = answer(&question, true);
                let length = u16::try_from(answer.len()).unwrap();
                stream.write_all(&[&length.to_be_bytes(), answer.as_slice()].concat()).unwrap();
            }
        });
        address
    }

    fn answer(question: &[u8], by_tcp: bool) -> Vec<u8> {
        let mut message = question.to_vec();
        message[2] |= 0x80;
        let has = |name: &[u8]| question.windows(name.len()).any(|window| window == name);
        let wants_v4 = question[question.len() - 3] == 1;
        if has(b"\x03big\x07example") && !by_tcp {
            message[2] |= 0x02;
        } else if !(has(b"\x03big\x07example") || has(b"\x01a\x07example") || has(b"\x05short\x07example")) {
            message[3] = 3;
        } else if wants_v4 {
            message[7] = 1;
            message.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 10, 9, 8, 7]);
        }
        message
    }

    fn configuration(servers: Vec<SocketAddr>) -> Configuration {
        let mut configuration = Configuration::parse("search nowhere.example example\noptions attempts:1\n");
        configuration.servers = servers;
        configuration.timeout = Duration::from_millis(300);
        configuration
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    #[test]
    fn asks_by_udp_by_tcp_and_through_the_search_list() {
        let configuration = configuration(vec![server()]);
        for name in ["a.example", "big.example", "short", "a.example."] {
            let found = run(lookup_by_servers(&configuration, name)).unwrap();
            assert_eq!(found, ["10.9.8.7".parse::<IpAddr>().unwrap()], "{name}");
        }
        let error = run(lookup_by_servers(&configuration, "b.example")).unwrap_err();
        assert!(matches!(error, ResolveError::NoName { .. }));
    }

    #[test]
    fn a_silent_server_is_followed_by_the_next() {
        let silent = StdUdpSocket::bind("127.0.0.1:0").unwrap();
        let silent_address = silent.local_addr().unwrap();
        let found =
            run(lookup_by_servers(&configuration(vec![silent_address, server()]), "a.example")).unwrap();
        assert_eq!(found.len(), 1);
        let error = run(lookup_by_servers(&configuration(vec![silent_address]), "a.example.")).unwrap_err();
        assert!(matches!(error, ResolveError::NoAnswer { .. }));
    }

    #[test]
    fn the_hosts_file_comes_first_and_localhost_needs_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let (hosts, configuration) = (folder.path().join("hosts"), folder.path().join("resolv.conf"));
        fs::write(&hosts, "10.1.1.1 registry.example\n").unwrap();
        let resolver = Resolver { files: Arc::new(Files { hosts, configuration }) };
        assert_eq!(
            run(resolver.lookup("registry.example")).unwrap(),
            ["10.1.1.1".parse::<IpAddr>().unwrap()]
        );
        assert_eq!(run(resolver.lookup("localhost")).unwrap().len(), 2);
    }
}
