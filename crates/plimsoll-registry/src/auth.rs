//! Which `Authorization` goes with a request: tokens for each set of scopes, fetched once and kept until they expire.
//!
//! Follows distribution, "Token Authentication" and "Authenticate with `OAuth2`". The challenge of an endpoint is learnt from the
//! first request that it refuses; after that a token is fetched before a request, without asking the registry again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;
use reqwest::{Method, Url};
use serde::Deserialize;
use tokio::sync::{Mutex as AsyncMutex, OnceCell};

use crate::challenge::Challenge;
use crate::config::is_loopback;
use crate::credentials::{Credential, CredentialSource};
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::request::{Body, Call, Conversation};
use crate::secret::Secret;

/// What a token is valid for when its server does not say (distribution, "Token Response Fields").
const DEFAULT_VALIDITY: Duration = Duration::from_mins(1);
/// A token is replaced this long before its end, so that it does not end on its way.
const SAFETY_MARGIN: Duration = Duration::from_secs(10);
const CLIENT_ID: &str = "plimsoll";
/// Token servers answer with a few kilobytes; signed tokens with many scopes can be larger.
const LARGEST_ANSWER: u64 = 1 << 20;

/// The access that a request needs, such as `repository:library/node:pull`; sorted, without repetitions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Scopes(Vec<String>);

impl Scopes {
    pub(crate) fn pull(repository: &str) -> Self {
        Self(vec![format!("repository:{repository}:pull")])
    }

    pub(crate) fn push(repository: &str) -> Self {
        Self(vec![format!("repository:{repository}:pull,push")])
    }

    /// The same access, and what `other` stands for.
    pub(crate) fn and(&self, other: &str) -> Self {
        let mut scopes = self.0.clone();
        scopes.extend(other.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned));
        scopes.sort();
        scopes.dedup();
        Self(scopes)
    }
}

#[derive(Debug, Clone)]
struct Token {
    value: Secret,
    expires: Instant,
}

type TokenSlot = Arc<AsyncMutex<Option<Token>>>;

/// What an endpoint asked for and what it was given.
pub(crate) struct Authentication {
    source: Arc<dyn CredentialSource>,
    credential: OnceCell<Option<Credential>>,
    challenge: Mutex<Option<Challenge>>,
    tokens: Mutex<BTreeMap<Scopes, TokenSlot>>,
}

/// What goes into the `Authorization` header, and how it can be recognised when it is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Authorization(Secret);

impl Authorization {
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(self.0.expose()).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// The part after the scheme's name.
    pub(crate) fn text(&self) -> Secret {
        let whole = self.0.expose();
        Secret::new(whole.split_once(' ').map_or(whole, |(_, text)| text))
    }
}

#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
}

impl Authentication {
    pub(crate) fn new(source: Arc<dyn CredentialSource>) -> Self {
        Self {
            source,
            credential: OnceCell::new(),
            challenge: Mutex::new(None),
            tokens: Mutex::new(BTreeMap::new()),
        }
    }

    /// The authorization for a request with these scopes; none while nothing was asked for, or when there is no credential for it.
    pub(crate) async fn authorization(
        &self,
        conversation: &Conversation<'_>,
        endpoint: &Endpoint,
        scopes: &Scopes,
    ) -> Result<Option<Authorization>> {
        let challenge = self.challenge.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match challenge {
            None => Ok(None),
            Some(Challenge::Basic) => Ok(self.credential(endpoint).await?.and_then(basic)),
            Some(Challenge::Bearer { realm, service, .. }) => {
                let token = self.token(conversation, endpoint, scopes, &realm, service.as_deref()).await?;
                Ok(Some(Authorization(Secret::new(format!("Bearer {}", token.expose())))))
            }
        }
    }

    /// Takes note of a refusal (status 401). Gives the scopes to try again with, or none when that would not help:
    /// `rounds` counts the refusals of this request before.
    pub(crate) async fn refused(
        &self,
        challenge: Option<Challenge>,
        used: Option<&Authorization>,
        scopes: &Scopes,
        rounds: u32,
    ) -> Option<Scopes> {
        let challenge = challenge?;
        let wanted = match &challenge {
            Challenge::Bearer { scope, .. } => scope.clone(),
            Challenge::Basic => None,
        };
        let basic = challenge == Challenge::Basic;
        *self.challenge.lock().unwrap_or_else(PoisonError::into_inner) = Some(challenge);
        match (used, rounds) {
            (None, 0) => Some(scopes.clone()),
            // A password does not get better by repetition.
            _ if basic => None,
            // The token ended early, or its server forgot it: once more with a fresh one.
            (Some(used), 0 | 1) => {
                self.forget(scopes, used).await;
                // Some registries need more access than the protocol says, and name it here.
                Some(
                    wanted
                        .filter(|_| rounds == 1)
                        .map_or_else(|| scopes.clone(), |wanted| scopes.and(&wanted)),
                )
            }
            _ => None,
        }
    }

    /// True when there is a credential, as opposed to an anonymous token.
    pub(crate) fn has_credential(&self) -> bool {
        matches!(self.credential.get(), Some(Some(_)))
    }

    /// The credential's own texts, for keeping them out of messages.
    pub(crate) fn secret_texts(&self) -> Vec<Secret> {
        match self.credential.get() {
            Some(Some(Credential::Password { password, .. })) => vec![password.clone()],
            Some(Some(Credential::IdentityToken(token))) => vec![token.clone()],
            _ => Vec::new(),
        }
    }

    /// Throws a token away that was refused.
    pub(crate) async fn forget(&self, scopes: &Scopes, used: &Authorization) {
        let slot = self.slot(scopes);
        let mut token = slot.lock().await;
        // Another request may have fetched a new one meanwhile.
        if token.as_ref().is_some_and(|token| token.value == used.text()) {
            *token = None;
        }
    }

    fn slot(&self, scopes: &Scopes) -> TokenSlot {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(tokens.entry(scopes.clone()).or_default())
    }

    /// A helper may take seconds; it runs on a thread of its own, and once.
    async fn credential(&self, endpoint: &Endpoint) -> Result<Option<&Credential>> {
        let lookup = || async {
            let source = Arc::clone(&self.source);
            let registry = endpoint.credential_name().to_owned();
            let name = registry.clone();
            let found = tokio::task::spawn_blocking(move || source.credential(&name)).await;
            let found = found
                .expect("a credential source does not panic, and the runtime lives as long as its callers");
            found.map_err(|source| Error::Credentials { registry, source })
        };
        Ok(self.credential.get_or_try_init(lookup).await?.as_ref())
    }

    /// The token for some scopes. Whoever comes first fetches it, the others wait for it.
    async fn token(
        &self,
        conversation: &Conversation<'_>,
        endpoint: &Endpoint,
        scopes: &Scopes,
        realm: &str,
        service: Option<&str>,
    ) -> Result<Secret> {
        let slot = self.slot(scopes);
        let mut kept = slot.lock().await;
        if let Some(token) = kept.as_ref().filter(|token| token.expires > Instant::now()) {
            return Ok(token.value.clone());
        }
        let credential = self.credential(endpoint).await?;
        let protocol = |problem| Error::Protocol { registry: endpoint.name().to_owned(), problem };
        let mut realm =
            Url::parse(realm).map_err(|_| protocol("the address of its token server is not valid"))?;
        let host = realm.host_str().unwrap_or_default().to_owned();
        if realm.scheme() != "https"
            && credential.is_some()
            && !is_loopback(&host)
            && endpoint.encrypted().await?
        {
            return Err(Error::InsecureTokenServer { registry: endpoint.name().to_owned(), host });
        }
        // Credentials in the realm itself would end in messages.
        if realm.set_username("").is_err() || realm.set_password(None).is_err() {
            return Err(protocol("the address of its token server is not valid"));
        }
        let call = token_call(endpoint, realm, service, scopes, credential);
        let authorization = credential.and_then(basic);
        let asked = Instant::now();
        let answer = conversation.fetch_with(&call, authorization.as_ref(), LARGEST_ANSWER).await?;
        let answer: TokenAnswer = serde_json::from_slice(&answer)
            .map_err(|_| protocol("its token server's answer cannot be read"))?;
        let value = [answer.token, answer.access_token].into_iter().flatten().find(|token| !token.is_empty());
        let value = Secret::from(value.ok_or_else(|| protocol("its token server's answer has no token"))?);
        let validity = answer.expires_in.map_or(DEFAULT_VALIDITY, Duration::from_secs);
        // An absurd validity must not overflow the clock.
        let validity = validity.min(Duration::from_hours(24));
        let expires = asked + validity.saturating_sub(SAFETY_MARGIN.min(validity / 4));
        *kept = Some(Token { value: value.clone(), expires });
        Ok(value)
    }
}

fn basic(credential: &Credential) -> Option<Authorization> {
    match credential {
        Credential::Password { username, password } => {
            let text = STANDARD.encode(format!("{username}:{}", password.expose()));
            Some(Authorization(Secret::new(format!("Basic {text}"))))
        }
        Credential::IdentityToken(_) => None,
    }
}

/// The request for a token: by POST with an identity token, else by GET, with the password if there is one.
fn token_call<'a>(
    endpoint: &'a Endpoint,
    realm: Url,
    service: Option<&str>,
    scopes: &Scopes,
    credential: Option<&Credential>,
) -> Call<'a> {
    let mut call = Call::new(endpoint, Method::GET, realm, Scopes::default());
    if let Some(Credential::IdentityToken(token)) = credential {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "refresh_token").append_pair("client_id", CLIENT_ID);
        form.append_pair("refresh_token", token.expose()).append_pair("scope", &scopes.0.join(" "));
        if let Some(service) = service {
            form.append_pair("service", service);
        }
        call.method = Method::POST;
        call.body = Body::Form(Secret::from(form.finish()));
        return call;
    }
    let mut query = call.url.query_pairs_mut();
    if let Some(service) = service {
        query.append_pair("service", service);
    }
    for scope in &scopes.0 {
        query.append_pair("scope", scope);
    }
    if let Some(Credential::Password { username, .. }) = credential {
        query.append_pair("account", username).append_pair("client_id", CLIENT_ID);
    }
    drop(query);
    call
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_a_set() {
        let scopes = Scopes::push("b").and("repository:a:pull").and("repository:a:pull registry:catalog:*");
        assert_eq!(scopes.0, ["registry:catalog:*", "repository:a:pull", "repository:b:pull,push"]);
    }

    #[test]
    fn an_authorization_is_never_printed() {
        let credential =
            Credential::Password { username: "ann".to_owned(), password: Secret::new("hunter2") };
        let authorization = basic(&credential).unwrap();
        assert!(!format!("{authorization:?} {:?}", authorization.header()).contains("YW5u"));
    }
}
