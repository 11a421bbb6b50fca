//! The token server of the test registry, and who may do what.

use std::collections::BTreeMap;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::http::{Answer, RecordedRequest};
use super::{State, TestAuthentication, TestTokens};

/// Tokens that were given, with what they allow and until when.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    given: BTreeMap<String, (Vec<String>, Instant)>,
    count: u32,
}

impl Tokens {
    pub(super) fn revoke(&mut self) {
        self.given.clear();
    }
}

/// Answers the token server's own address.
pub(super) fn answer(state: &State, request: &RecordedRequest) -> Answer {
    let TestAuthentication::Token(options) = &state.options.authentication else { return Answer::new(404) };
    let (known, scopes) = if request.method == "POST" {
        let form: Vec<_> = url::form_urlencoded::parse(&request.body).into_owned().collect();
        let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let refresh = field("grant_type").as_deref() == Some("refresh_token");
        let token = field("refresh_token");
        if !refresh || token.is_none() || token != options.identity_token {
            return Answer::error(401, "UNAUTHORIZED", "the refresh token is not valid");
        }
        (true, field("scope").unwrap_or_default())
    } else {
        let known = match request.header("authorization") {
            Some(header) if header == basic(&options.username, &options.password) => true,
            Some(_) => return Answer::new(401).body(r#"{"details":"incorrect username or password"}"#),
            None => false,
        };
        let scopes: Vec<_> = request.query.iter().filter(|(key, _)| key == "scope").collect();
        (known, scopes.iter().map(|(_, scope)| scope.as_str()).collect::<Vec<_>>().join(" "))
    };
    let wanted: Vec<_> = scopes.split(' ').filter(|scope| !scope.is_empty()).collect();
    let granted: Vec<_> = wanted.iter().filter(|scope| allowed(state, options, known, scope)).collect();
    if options.strict && granted.len() < wanted.len() {
        return Answer::error(403, "DENIED", "a scope is not allowed");
    }
    let granted = granted.into_iter().map(|scope| (*scope).to_owned()).collect();
    let tokens = &mut state.content().tokens;
    tokens.count += 1;
    let token = format!("token-{}", tokens.count);
    tokens.given.insert(token.clone(), (granted, Instant::now() + options.validity));
    let body = serde_json::json!({ "token": token, "expires_in": options.validity.as_secs() });
    Answer::new(200).header("content-type", "application/json").body(body.to_string())
}

fn allowed(state: &State, options: &TestTokens, known: bool, scope: &str) -> bool {
    let mut parts = scope.rsplitn(2, ':');
    let actions = parts.next().unwrap_or_default();
    let repository = parts.next().and_then(|rest| rest.strip_prefix("repository:")).unwrap_or_default();
    let private = state.options.private_repositories.iter().any(|name| name == repository);
    !private && (known || (options.anonymous_pull && actions == "pull"))
}

/// The refusal of a request that may not do `action` with `repository`; none if it may.
pub(super) fn refusal(
    state: &State,
    request: &RecordedRequest,
    repository: &str,
    action: &str,
) -> Option<Answer> {
    let header = request.header("authorization");
    let unauthorized = || Answer::error(401, "UNAUTHORIZED", "authentication required");
    match &state.options.authentication {
        TestAuthentication::None => None,
        TestAuthentication::Basic { username, password } => (header != Some(&basic(username, password)))
            .then(|| unauthorized().header("www-authenticate", "Basic realm=\"test\"")),
        TestAuthentication::Token(_) => {
            let token = header.and_then(|header| header.strip_prefix("Bearer "));
            if token.is_some_and(|token| covers(state, token, repository, action)) {
                return None;
            }
            let host = state.address;
            let mut challenge = format!("Bearer realm=\"http://{host}/token\",service=\"test\"");
            if !repository.is_empty() {
                challenge.extend([",scope=\"repository:", repository, ":", action, "\""]);
            }
            Some(unauthorized().header("www-authenticate", challenge))
        }
    }
}

fn covers(state: &State, token: &str, repository: &str, action: &str) -> bool {
    let content = state.content();
    let Some((scopes, end)) = content.tokens.given.get(token) else { return false };
    let prefix = format!("repository:{repository}:");
    let fits = |scope: &String| {
        scope.strip_prefix(&prefix).is_some_and(|actions| actions.split(',').any(|known| known == action))
    };
    *end > Instant::now() && (repository.is_empty() || scopes.iter().any(fits))
}

/// Whether a request's token lets a blob be taken from a repository.
pub(super) fn may_pull(state: &State, request: &RecordedRequest, repository: &str) -> bool {
    refusal(state, request, repository, "pull").is_none()
}

fn basic(username: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{username}:{password}")))
}
