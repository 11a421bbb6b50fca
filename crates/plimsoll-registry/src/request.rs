//! Sending requests: authorization, repetition with growing pauses, and the reading of small answers.
//!
//! Repeated are broken connections, 408, 429 and the 5xx that pass by themselves; nothing else. `Retry-After` is honoured.

use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Response, Url};

use crate::answer::Answer;
use crate::auth::{Authorization, Scopes};
use crate::challenge::Challenge;
use crate::client::RetryPolicy;
use crate::config::Scheme;
use crate::endpoint::Endpoint;
use crate::error::{Action, Error, Result, TransportError};
use crate::progress::{Progress, TransferEvent};
use crate::secret::Secret;

/// A host that refuses connections or has no address seldom changes its mind.
pub(crate) const MOST_CONNECTS: u32 = 3;
/// Before the next endpoint takes over, a mirror gets this many attempts.
const MOST_MIRROR_ATTEMPTS: u32 = 2;

/// What goes with a request.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    Empty,
    Bytes(Bytes),
    /// A form with secrets in it.
    Form(Secret),
}

/// One request, which can be sent any number of times.
pub(crate) struct Call<'a> {
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) scopes: Scopes,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    /// Statuses that are answers, besides those of success.
    pub(crate) accepted: &'static [u16],
}

impl<'a> Call<'a> {
    pub(crate) fn new(endpoint: &'a Endpoint, method: Method, url: Url, scopes: Scopes) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        Self { endpoint, method, url, scopes, headers, body: Body::Empty, accepted: &[] }
    }
}

/// Why one attempt gave nothing.
pub(crate) enum Failure {
    /// Another attempt would not help.
    Final(Error),
    Transport(TransportError),
    Answer(Answer),
    /// A token that was good before was refused, and has been thrown away.
    Expired(Answer),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        Self::Transport(error.into())
    }
}

/// The attempts at one thing.
#[derive(Debug)]
pub(crate) struct Tries {
    failed: u32,
    started: Instant,
}

impl Tries {
    pub(crate) fn new() -> Self {
        Self { failed: 0, started: Instant::now() }
    }

    /// Progress was made: what failed before counts no longer.
    pub(crate) fn forgive(&mut self) {
        self.failed = 0;
    }
}

/// What all requests of one verb have in common.
pub(crate) struct Conversation<'a> {
    pub(crate) policy: RetryPolicy,
    pub(crate) idle_timeout: Duration,
    pub(crate) progress: &'a dyn Progress,
    pub(crate) action: Action,
    /// The image or blob, for people.
    pub(crate) name: &'a str,
    /// A tag is written: only then a refusal can mean that it may not move.
    pub(crate) writes_tag: bool,
}

impl Conversation<'_> {
    /// Sends a request until there is an answer, and gives it if it is a success or an accepted status.
    pub(crate) async fn send(&self, call: &Call<'_>) -> Result<Response> {
        let mut tries = Tries::new();
        loop {
            match self.once(call).await {
                Ok(response) => return Ok(response),
                Err(failure) => self.pause(&mut tries, call.endpoint, failure).await?,
            }
        }
    }

    /// Sends a request and reads its answer, at most `limit` bytes of it; both are repeated when the connection breaks.
    pub(crate) async fn fetch(&self, call: &Call<'_>, limit: u64) -> Result<(HeaderMap, Bytes)> {
        let mut tries = Tries::new();
        loop {
            let failure = match self.once(call).await {
                Ok(response) => match self.read(response, call.endpoint, limit).await {
                    Ok(answer) => return Ok(answer),
                    Err(failure) => failure,
                },
                Err(failure) => failure,
            };
            self.pause(&mut tries, call.endpoint, failure).await?;
        }
    }

    /// As [`Self::fetch`], with an authorization given and none looked for: for the token server itself.
    pub(crate) async fn fetch_with(
        &self,
        call: &Call<'_>,
        authorization: Option<&Authorization>,
        limit: u64,
    ) -> Result<Bytes> {
        let mut tries = Tries::new();
        loop {
            let failure = match self.attempt(call, authorization).await {
                Ok(response) if response.status().is_success() => {
                    match self.read(response, call.endpoint, limit).await {
                        Ok((_, bytes)) => return Ok(bytes),
                        Err(failure) => failure,
                    }
                }
                Ok(response) => Failure::Answer(self.refusal(call, response, authorization).await),
                Err(failure) => failure,
            };
            self.pause(&mut tries, call.endpoint, failure).await?;
        }
    }

    /// Sends a request once, with the authorization it needs.
    pub(crate) async fn once(&self, call: &Call<'_>) -> Result<Response, Failure> {
        let authentication = &call.endpoint.authentication;
        let mut scopes = call.scopes.clone();
        let mut rounds = 0;
        loop {
            let authorization = authentication.authorization(self, call.endpoint, &scopes).await?;
            let response = self.attempt(call, authorization.as_ref()).await?;
            let status = response.status();
            if status.is_success() || call.accepted.contains(&status.as_u16()) {
                return Ok(response);
            }
            if status == 401 {
                let challenge = Challenge::of(response.headers());
                let again = authentication.refused(challenge, authorization.as_ref(), &scopes, rounds).await;
                if let Some(again) = again {
                    scopes = again;
                    rounds += 1;
                    continue;
                }
            }
            return Err(Failure::Answer(self.refusal(call, response, authorization.as_ref()).await));
        }
    }

    /// Waits for the next attempt, or says why there is none.
    pub(crate) async fn pause(&self, tries: &mut Tries, endpoint: &Endpoint, failure: Failure) -> Result<()> {
        tries.failed += 1;
        let most = if endpoint.is_mirror() {
            self.policy.attempts.min(MOST_MIRROR_ATTEMPTS)
        } else {
            self.policy.attempts
        };
        let elapsed = tries.started.elapsed();
        let (wished, reason) = match failure {
            Failure::Final(error) => return Err(error),
            Failure::Transport(error) => {
                let connects = matches!(&error, TransportError::Http(error) if error.is_connect());
                let most = if connects { most.min(MOST_CONNECTS) } else { most };
                let error = match Self::permanent(endpoint, error) {
                    Ok(error) => return Err(error),
                    Err(error) => error,
                };
                if tries.failed >= most {
                    return Err(self.unreachable(endpoint, error, tries));
                }
                (None, chain(&error))
            }
            Failure::Expired(answer) if tries.failed < most => (None, format!("status {}", answer.status)),
            Failure::Answer(answer) | Failure::Expired(answer) => {
                let too_long = answer.retry_after.is_some_and(|wished| wished > self.policy.longest_pause);
                if !answer.is_temporary() || tries.failed >= most || too_long {
                    return Err(answer.into_error(self, endpoint, tries.failed, elapsed));
                }
                (answer.retry_after, format!("status {}", answer.status))
            }
        };
        let pause = self.policy.pause(tries.failed, wished);
        self.progress.event(TransferEvent::Retrying {
            registry: endpoint.name().to_owned(),
            name: self.name.to_owned(),
            attempt: tries.failed,
            pause,
            elapsed,
            reason,
        });
        tokio::time::sleep(pause).await;
        Ok(())
    }

    /// Sends a request once, as it is.
    pub(crate) async fn attempt(
        &self,
        call: &Call<'_>,
        authorization: Option<&Authorization>,
    ) -> Result<Response, Failure> {
        let http = call.endpoint.http().await?;
        let mut request = http.request(call.method.clone(), call.url.clone()).headers(call.headers.clone());
        if let Some(header) = authorization.and_then(Authorization::header) {
            request = request.header(AUTHORIZATION, header);
        }
        request = match &call.body {
            Body::Empty if call.method == Method::GET || call.method == Method::HEAD => request,
            Body::Empty => request.header(CONTENT_LENGTH, 0),
            Body::Bytes(bytes) => request.body(bytes.clone()),
            Body::Form(form) => request
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form.expose().to_owned()),
        };
        match tokio::time::timeout(self.idle_timeout, request.send()).await {
            Ok(response) => Ok(response?),
            Err(_) => Err(Failure::Transport(TransportError::Idle(self.idle_timeout))),
        }
    }

    /// The next piece of an answer, unless nothing comes for too long.
    pub(crate) async fn chunk(&self, response: &mut Response) -> Result<Option<Bytes>, TransportError> {
        match tokio::time::timeout(self.idle_timeout, response.chunk()).await {
            Ok(chunk) => Ok(chunk?),
            Err(_) => Err(TransportError::Idle(self.idle_timeout)),
        }
    }

    async fn read(
        &self,
        mut response: Response,
        endpoint: &Endpoint,
        limit: u64,
    ) -> Result<(HeaderMap, Bytes), Failure> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.chunk(&mut response).await.map_err(Failure::Transport)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() as u64 > limit {
                let (name, registry) = (self.name.to_owned(), endpoint.name().to_owned());
                return Err(Failure::Final(Error::TooLarge { name, registry, limit }));
            }
        }
        Ok((response.headers().clone(), bytes.into()))
    }

    /// Reads a refusal, without whatever secret went into the request.
    pub(crate) async fn refusal(
        &self,
        call: &Call<'_>,
        response: Response,
        authorization: Option<&Authorization>,
    ) -> Answer {
        let mut secrets = call.endpoint.authentication.secret_texts();
        secrets.extend(authorization.map(Authorization::text));
        Answer::read(response, &secrets).await
    }

    /// The error for a connection that fails in the same way every time; otherwise the failure is given back.
    fn permanent(endpoint: &Endpoint, error: TransportError) -> Result<Error, TransportError> {
        let registry = endpoint.name().to_owned();
        let TransportError::Http(http) = &error else { return Err(error) };
        let text = chain(&error);
        if http.is_redirect() {
            return Ok(Error::Redirect { registry, source: error });
        }
        if http.is_builder() {
            return Ok(Error::Setup { registry, source: error });
        }
        // The library of TLS has no public type for these; the texts are tested against real connections.
        if text.contains("invalid peer certificate") {
            return Ok(Error::UntrustedCertificate { registry, source: error });
        }
        if text.contains("InvalidContentType") {
            return Ok(Error::SpeaksHttp { registry, source: error });
        }
        if endpoint.config.scheme == Scheme::Http && text.contains("invalid HTTP version") {
            return Ok(Error::SpeaksHttps { registry });
        }
        Err(error)
    }

    fn unreachable(&self, endpoint: &Endpoint, source: TransportError, tries: &Tries) -> Error {
        Error::Unreachable {
            action: self.action,
            name: self.name.to_owned(),
            registry: endpoint.name().to_owned(),
            attempts: tries.failed,
            elapsed: tries.started.elapsed(),
            source,
        }
    }
}

impl RetryPolicy {
    /// The pause after a number of failures: doubled each time, of random length between the half and the whole, so that many
    /// clients do not come back at the same moment; never shorter than the registry wishes.
    pub(crate) fn pause(&self, failed: u32, wished: Option<Duration>) -> Duration {
        let doubled = self.first_pause.saturating_mul(1 << failed.saturating_sub(1).min(16));
        let whole = doubled.min(self.longest_pause);
        // Without randomness the pause is just as long as it can be.
        let random = getrandom::u32().unwrap_or(u32::MAX);
        let pause = whole / 2 + (whole / 2).mul_f64(f64::from(random) / f64::from(u32::MAX));
        wished.map_or(pause, |wished| pause.max(wished))
    }
}

/// An error and all that caused it, on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_limit_and_honour_the_registry() {
        let policy = RetryPolicy {
            attempts: 9,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(10),
        };
        for (failed, whole) in [(1, 1), (2, 2), (3, 4), (4, 8), (5, 10), (40, 10)] {
            let pause = policy.pause(failed, None);
            let whole = Duration::from_secs(whole);
            assert!(pause >= whole / 2 && pause <= whole, "{failed}: {pause:?}");
        }
        assert_eq!(policy.pause(1, Some(Duration::from_secs(7))), Duration::from_secs(7));
    }
}
