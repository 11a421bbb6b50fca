//! The test registry's answers (distribution-spec, "Endpoints").

use std::io::{self, BufReader};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;

use plimsoll_oci::Digest;

use super::http::{Answer, RecordedRequest, read_body, read_head, write_answer};
use super::{Fault, State, StoredManifest, tokens};

/// Takes connections, each on a thread of its own, until the registry is dropped.
pub(super) fn accept(listener: &TcpListener, state: &Arc<State>) {
    for connection in listener.incoming() {
        let mut content = state.content();
        if content.stopping {
            return;
        }
        let Ok(connection) = connection else { continue };
        connection.set_nodelay(true).ok();
        content.connections.extend(connection.try_clone());
        drop(content);
        let state = Arc::clone(state);
        // A connection that breaks is the client's matter.
        std::thread::spawn(move || serve(&connection, &state).ok());
    }
}

fn serve(connection: &TcpStream, state: &State) -> io::Result<()> {
    let mut input = BufReader::new(connection);
    let mut output = connection;
    while let Some(mut request) = read_head(&mut input)? {
        let fault = next_fault(state, &request);
        if let Some(Fault::CutRequest { after }) = fault {
            read_body(&mut input, &mut request, Some(after))?;
            state.content().requests.push(request);
            return connection.shutdown(Shutdown::Both);
        }
        read_body(&mut input, &mut request, None)?;
        let mut cut = None;
        let mut answer = match &fault {
            Some(Fault::Status { status, retry_after, body }) => {
                let mut answer = Answer::new(*status).header("content-type", "text/plain").body(body.clone());
                answer.headers.extend(retry_after.clone().map(|value| ("retry-after", value)));
                answer
            }
            _ => respond(state, &request),
        };
        match fault {
            Some(Fault::CutAnswer { after }) => cut = Some(after),
            Some(Fault::Corrupt) => answer.body.iter_mut().take(1).for_each(|byte| *byte ^= 1),
            Some(Fault::Stall(time)) => std::thread::sleep(time),
            Some(Fault::LoseAnswer) => {
                state.content().requests.push(request);
                return connection.shutdown(Shutdown::Both);
            }
            _ => {}
        }
        let head_only = request.method == "HEAD";
        request.status = answer.status;
        state.content().requests.push(request);
        write_answer(&mut output, &answer, head_only, cut)?;
        if cut.is_some() {
            return connection.shutdown(Shutdown::Both);
        }
    }
    Ok(())
}

/// The fault that is due for a request, if one is.
fn next_fault(state: &State, request: &RecordedRequest) -> Option<Fault> {
    let mut content = state.content();
    for rule in &mut content.rules {
        if rule.times == 0 || rule.method != request.method || !request.path.contains(&rule.path_part) {
            continue;
        }
        if rule.skip > 0 {
            rule.skip -= 1;
            continue;
        }
        rule.times -= 1;
        return Some(rule.fault.clone());
    }
    None
}

fn respond(state: &State, request: &RecordedRequest) -> Answer {
    if request.path == "/token" {
        return tokens::answer(state, request);
    }
    let Some(path) = request.path.strip_prefix("/v2/") else {
        // Blobs under their plain names, for redirections to here.
        return match request.path.strip_prefix("/raw/").and_then(|digest| digest.parse().ok()) {
            Some(digest) if request.header("authorization").is_none() => blob_bytes(state, request, digest),
            Some(_) => Answer::error(400, "INVALID", "two ways of authorization at once"),
            None => Answer::new(404),
        };
    };
    if path.is_empty() {
        return tokens::refusal(state, request, "", "pull").unwrap_or(Answer::new(200).body("{}"));
    }
    let reads = matches!(request.method.as_str(), "GET" | "HEAD");
    for (kind, handler) in HANDLERS {
        if let Some((repository, rest)) = path.split_once(kind) {
            let action = if reads { "pull" } else { "push" };
            if let Some(refusal) = tokens::refusal(state, request, repository, action) {
                return refusal;
            }
            if request.method == "HEAD" && !state.options.head {
                return Answer::new(405);
            }
            let only = state.options.only_repositories.as_ref();
            if !reads && only.is_some_and(|only| !only.iter().any(|name| name == repository)) {
                return Answer::error(404, "NAME_UNKNOWN", "repository name not known to registry");
            }
            return handler(state, request, repository, rest);
        }
    }
    Answer::new(404)
}

type Handler = fn(&State, &RecordedRequest, &str, &str) -> Answer;
const HANDLERS: [(&str, Handler); 4] =
    [("/blobs/uploads/", upload), ("/blobs/", blob), ("/manifests/", manifest), ("/tags/", tags)];

fn blob(state: &State, request: &RecordedRequest, repository: &str, rest: &str) -> Answer {
    let unknown = || Answer::error(404, "BLOB_UNKNOWN", "blob unknown to registry");
    let Ok(digest) = rest.parse::<Digest>() else { return unknown() };
    let content = state.content();
    if !content.repositories.get(repository).is_some_and(|repository| repository.blobs.contains(&digest)) {
        return unknown();
    }
    drop(content);
    match &state.options.redirect_blobs_to {
        Some(base) if request.method == "GET" => {
            Answer::new(307).header("location", format!("{base}/raw/{digest}"))
        }
        _ => blob_bytes(state, request, digest),
    }
}

fn blob_bytes(state: &State, request: &RecordedRequest, digest: Digest) -> Answer {
    let content = state.content();
    let Some(bytes) = content.blobs.get(&digest) else { return Answer::new(404) };
    let start = request
        .header("range")
        .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    match start.filter(|_| state.options.ranges) {
        None => Answer::new(200).header("docker-content-digest", digest).body(bytes.clone()),
        Some(start) if start < bytes.len() => Answer::new(206)
            .header("content-range", format!("bytes {start}-{}/{}", bytes.len() - 1, bytes.len()))
            .body(&bytes[start..]),
        Some(_) => Answer::new(416),
    }
}

fn upload(state: &State, request: &RecordedRequest, repository: &str, rest: &str) -> Answer {
    let parameter = |name: &str| request.parameter(name).and_then(|text| text.parse::<Digest>().ok());
    let mount = parameter("mount").zip(request.parameter("from"));
    let may_mount =
        state.options.mounts && mount.is_some_and(|(_, from)| tokens::may_pull(state, request, from));
    let content = &mut *state.content();
    match request.method.as_str() {
        "POST" => {
            if let Some((digest, from)) = mount.filter(|_| may_mount)
                && content.repositories.get(from).is_some_and(|from| from.blobs.contains(&digest))
            {
                content.repositories.entry(repository.to_owned()).or_default().blobs.insert(digest);
                return Answer::new(201).header("docker-content-digest", digest);
            }
            content.upload_count += 1;
            let name = content.upload_count.to_string();
            content.uploads.insert(name.clone(), Vec::new());
            Answer::new(202).header("location", format!("/v2/{repository}/blobs/uploads/{name}?state=1"))
        }
        "PATCH" => {
            let Some(bytes) = content.uploads.get_mut(rest) else { return unknown_upload() };
            bytes.extend_from_slice(&request.body);
            Answer::new(202).header("location", format!("/v2/{repository}/blobs/uploads/{rest}?state=2"))
        }
        "PUT" => {
            if state.options.patch_only && !request.body.is_empty() {
                return Answer::error(405, "UNSUPPORTED", "send the bytes by PATCH");
            }
            let Some(mut bytes) = content.uploads.remove(rest) else { return unknown_upload() };
            bytes.extend_from_slice(&request.body);
            let found = Digest::of(&bytes);
            if parameter("digest") != Some(found) {
                return Answer::error(400, "DIGEST_INVALID", "the bytes have another digest");
            }
            content.blobs.insert(found, bytes);
            content.repositories.entry(repository.to_owned()).or_default().blobs.insert(found);
            Answer::new(201).header("docker-content-digest", found)
        }
        _ => Answer::new(405),
    }
}

fn unknown_upload() -> Answer {
    Answer::error(404, "BLOB_UPLOAD_UNKNOWN", "the upload is not known")
}

fn manifest(state: &State, request: &RecordedRequest, name: &str, reference: &str) -> Answer {
    let mut content = state.content();
    if request.method == "PUT" {
        let repository = content.repositories.entry(name.to_owned()).or_default();
        let digest = Digest::of(&request.body);
        if !reference.contains(':') {
            if state.options.immutable_tags && repository.tags.contains_key(reference) {
                let message = format!("the tag {reference} already exists and is immutable");
                return Answer::error(400, "TAG_INVALID", &message);
            }
            repository.tags.insert(reference.to_owned(), digest);
        } else if reference != digest.to_string() {
            return Answer::error(400, "DIGEST_INVALID", "the bytes have another digest");
        }
        let media_type = request.header("content-type").unwrap_or_default().to_owned();
        repository.manifests.insert(digest, StoredManifest { media_type, bytes: request.body.clone() });
        return Answer::new(201).header("docker-content-digest", digest);
    }
    let Some(repository) = content.repositories.get(name) else {
        return Answer::error(404, "NAME_UNKNOWN", "repository name not known to registry");
    };
    let digest = repository.tags.get(reference).copied().or_else(|| reference.parse().ok());
    match digest.and_then(|digest| Some((digest, repository.manifests.get(&digest)?))) {
        Some((digest, manifest)) => Answer::new(200)
            .header("content-type", &manifest.media_type)
            .header("docker-content-digest", digest)
            .body(manifest.bytes.clone()),
        None => Answer::error(404, "MANIFEST_UNKNOWN", "manifest unknown"),
    }
}

/// Tags in pages of two.
fn tags(state: &State, request: &RecordedRequest, name: &str, _rest: &str) -> Answer {
    let content = state.content();
    let Some(repository) = content.repositories.get(name) else {
        return Answer::error(404, "NAME_UNKNOWN", "repository name not known to registry");
    };
    let last = request.parameter("last").unwrap_or_default();
    let rest: Vec<_> = repository.tags.keys().filter(|tag| tag.as_str() > last).collect();
    let page: Vec<_> = rest.iter().take(2).collect();
    let body = serde_json::json!({ "name": name, "tags": page }).to_string();
    let answer = Answer::new(200).header("content-type", "application/json").body(body);
    match page.last() {
        Some(last) if rest.len() > page.len() => {
            answer.header("link", format!("</v2/{name}/tags/list?last={last}>; rel=\"next\""))
        }
        _ => answer,
    }
}
