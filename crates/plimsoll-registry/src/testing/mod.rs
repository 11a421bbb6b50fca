//! A registry inside the process, for tests: it listens on a free port of 127.0.0.1, keeps everything in memory, records each
//! request, and can be told to misbehave.

mod http;
mod server;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use plimsoll_oci::{Digest, Reference};

pub use http::RecordedRequest;

use tokens::Tokens;

/// Whom the registry lets in.
#[derive(Debug, Clone, Default)]
pub enum TestAuthentication {
    /// Everybody.
    #[default]
    None,
    /// One user, by name and password in each request.
    Basic {
        /// The user.
        username: String,
        /// The password.
        password: String,
    },
    /// Bearers of tokens from its own token server.
    Token(TestTokens),
}

/// The token server of a registry.
#[derive(Debug, Clone)]
pub struct TestTokens {
    /// The user who gets tokens for everything.
    pub username: String,
    /// The user's password.
    pub password: String,
    /// An identity token that stands for the user, by POST.
    pub identity_token: Option<String>,
    /// Give everybody tokens for pulls.
    pub anonymous_pull: bool,
    /// Refuse the whole request when one of the scopes is not allowed, instead of leaving that one out.
    pub strict: bool,
    /// How long tokens are said to be valid.
    pub validity: Duration,
}

impl Default for TestTokens {
    fn default() -> Self {
        Self {
            username: "user".to_owned(),
            password: "password".to_owned(),
            identity_token: None,
            anonymous_pull: false,
            strict: false,
            validity: Duration::from_mins(5),
        }
    }
}

/// What a test registry can and cannot do.
#[derive(Debug, Clone)]
pub struct TestRegistryOptions {
    /// Whom it lets in.
    pub authentication: TestAuthentication,
    /// Mounts blobs from other repositories; without it, starts an upload instead.
    pub mounts: bool,
    /// Answers HEAD; without it, with status 405.
    pub head: bool,
    /// Answers `Range`; without it, with the whole blob.
    pub ranges: bool,
    /// Refuses to change a tag.
    pub immutable_tags: bool,
    /// Refuses pushes to repositories other than these.
    pub only_repositories: Option<Vec<String>>,
    /// Takes the bytes of uploads by PATCH only.
    pub patch_only: bool,
    /// Repositories that nobody gets a token for.
    pub private_repositories: Vec<String>,
    /// Sends blobs from another address, to which no authorization may go: the one of this port.
    pub redirect_blobs_to: Option<String>,
}

impl Default for TestRegistryOptions {
    fn default() -> Self {
        Self {
            authentication: TestAuthentication::None,
            mounts: true,
            head: true,
            ranges: true,
            immutable_tags: false,
            only_repositories: None,
            patch_only: false,
            private_repositories: Vec::new(),
            redirect_blobs_to: None,
        }
    }
}

/// One way to misbehave.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Answer with a status and, if given, `Retry-After`.
    Status {
        /// The status.
        status: u16,
        /// The value of `Retry-After`.
        retry_after: Option<String>,
        /// The body, as JSON or plain text.
        body: String,
    },
    /// Close the connection after that many bytes of the answer's body.
    CutAnswer {
        /// Bytes that are still sent.
        after: u64,
    },
    /// Close the connection after that many bytes of the request's body were read, without an answer.
    CutRequest {
        /// Bytes that are still read.
        after: u64,
    },
    /// Do as asked, and close the connection instead of the answer.
    LoseAnswer,
    /// Change the first byte of the answer's body.
    Corrupt,
    /// Do not answer for this long.
    Stall(Duration),
}

impl Fault {
    /// A status without anything else.
    pub fn status(status: u16) -> Self {
        Self::Status { status, retry_after: None, body: String::new() }
    }
}

#[derive(Debug)]
struct Rule {
    method: String,
    path_part: String,
    skip: u32,
    times: u32,
    fault: Fault,
}

#[derive(Debug, Clone)]
struct StoredManifest {
    media_type: String,
    bytes: Vec<u8>,
}

#[derive(Debug, Default)]
struct Repository {
    blobs: BTreeSet<Digest>,
    manifests: BTreeMap<Digest, StoredManifest>,
    tags: BTreeMap<String, Digest>,
}

#[derive(Debug, Default)]
struct Content {
    blobs: BTreeMap<Digest, Vec<u8>>,
    repositories: BTreeMap<String, Repository>,
    uploads: BTreeMap<String, Vec<u8>>,
    upload_count: u32,
    tokens: Tokens,
    rules: Vec<Rule>,
    requests: Vec<RecordedRequest>,
    connections: Vec<TcpStream>,
    stopping: bool,
}

#[derive(Debug)]
struct State {
    options: TestRegistryOptions,
    address: SocketAddr,
    content: Mutex<Content>,
}

impl State {
    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A registry inside the process; it ends when it is dropped.
#[derive(Debug)]
pub struct TestRegistry {
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

impl TestRegistry {
    /// A registry that does everything and lets everybody in.
    pub fn start() -> io::Result<Self> {
        Self::start_with(TestRegistryOptions::default())
    }

    /// A registry with options.
    pub fn start_with(options: TestRegistryOptions) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let state = Arc::new(State { options, address, content: Mutex::default() });
        let shared = Arc::clone(&state);
        let thread = std::thread::Builder::new()
            .name("test-registry".to_owned())
            .spawn(move || server::accept(&listener, &shared))?;
        Ok(Self { state, thread: Some(thread) })
    }

    /// Its name in references: `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        self.state.address.to_string()
    }

    /// A reference to something in it, such as `app:1`.
    pub fn reference(&self, rest: &str) -> Reference {
        format!("{}/{rest}", self.host()).parse().expect("the test names a valid repository")
    }

    /// Misbehaves for the next request whose method is `method` and whose path contains `path_part`.
    pub fn fail_next(&self, method: &str, path_part: &str, fault: Fault) {
        self.fail(method, path_part, 0, 1, fault);
    }

    /// Lets `skip` requests of that kind pass, then misbehaves for the next `times`.
    pub fn fail(&self, method: &str, path_part: &str, skip: u32, times: u32, fault: Fault) {
        let (method, path_part) = (method.to_owned(), path_part.to_owned());
        self.state.content().rules.push(Rule { method, path_part, skip, times, fault });
    }

    /// Everything that was asked, in its order.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.state.content().requests.clone()
    }

    /// How many requests had this method and a path that contains `path_part`.
    pub fn count(&self, method: &str, path_part: &str) -> usize {
        let content = self.state.content();
        content.requests.iter().filter(|r| r.method == method && r.path.contains(path_part)).count()
    }

    /// Forgets what was asked.
    pub fn clear_requests(&self) {
        self.state.content().requests.clear();
    }

    /// Makes all tokens that were given invalid.
    pub fn revoke_tokens(&self) {
        self.state.content().tokens.revoke();
    }

    /// Puts a blob into a repository.
    pub fn put_blob(&self, repository: &str, bytes: impl Into<Vec<u8>>) -> Digest {
        let bytes = bytes.into();
        let digest = Digest::of(&bytes);
        let mut content = self.state.content();
        content.blobs.insert(digest, bytes);
        content.repositories.entry(repository.to_owned()).or_default().blobs.insert(digest);
        digest
    }

    /// Puts a manifest or index into a repository, under a tag if there is one.
    pub fn put_manifest(
        &self,
        repository: &str,
        tag: Option<&str>,
        media_type: &str,
        bytes: impl Into<Vec<u8>>,
    ) -> Digest {
        let manifest = StoredManifest { media_type: media_type.to_owned(), bytes: bytes.into() };
        let digest = Digest::of(&manifest.bytes);
        let mut content = self.state.content();
        let repository = content.repositories.entry(repository.to_owned()).or_default();
        repository.manifests.insert(digest, manifest);
        repository.tags.extend(tag.map(|tag| (tag.to_owned(), digest)));
        digest
    }

    /// A blob of a repository.
    pub fn blob(&self, repository: &str, digest: Digest) -> Option<Vec<u8>> {
        let content = self.state.content();
        let there = content.repositories.get(repository)?.blobs.contains(&digest);
        there.then(|| content.blobs.get(&digest).cloned()).flatten()
    }

    /// Type and bytes of a manifest by its tag or digest.
    pub fn manifest(&self, repository: &str, reference: &str) -> Option<(String, Vec<u8>)> {
        let content = self.state.content();
        let repository = content.repositories.get(repository)?;
        let digest = repository.tags.get(reference).copied().or_else(|| reference.parse().ok())?;
        repository.manifests.get(&digest).map(|found| (found.media_type.clone(), found.bytes.clone()))
    }
}

impl Drop for TestRegistry {
    fn drop(&mut self) {
        let connections = {
            let mut content = self.state.content();
            content.stopping = true;
            std::mem::take(&mut content.connections)
        };
        for connection in connections {
            connection.shutdown(Shutdown::Both).ok();
        }
        // Wakes the listener, which then sees that it is to stop.
        TcpStream::connect(self.state.address).ok();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}
