//! What a registry says when it refuses, and which error that is.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::Response;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use serde_json::Value;

use crate::config::Scheme;
use crate::endpoint::Endpoint;
use crate::error::{Action, Error, Refusal};
use crate::request::Conversation;
use crate::secret::Secret;
use crate::text::sanitized;

/// Errors beyond this size are not read to their end.
const LONGEST_ANSWER: usize = 64 << 10;
/// More messages than this say nothing new.
const MOST_MESSAGES: usize = 5;
/// How long the text of an error is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// A refusal as it came.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) codes: Vec<String>,
    pub(crate) messages: Vec<String>,
    pub(crate) retry_after: Option<Duration>,
    /// The text speaks of https: said by servers that were spoken to without TLS.
    mentions_https: bool,
}

impl Answer {
    /// Reads the text of a refusal; `secrets` are masked in it, should the server repeat one.
    pub(crate) async fn read(mut response: Response, secrets: &[Secret]) -> Self {
        let mut answer = Self {
            status: response.status().as_u16(),
            retry_after: retry_after(response.headers(), SystemTime::now()),
            ..Self::default()
        };
        let mut body = Vec::new();
        let read = async {
            while let Ok(Some(chunk)) = response.chunk().await {
                body.extend_from_slice(&chunk);
                if body.len() > LONGEST_ANSWER {
                    body.truncate(LONGEST_ANSWER);
                    break;
                }
            }
        };
        // What came until then is good enough for a message.
        let _timed_out = tokio::time::timeout(PATIENCE, read).await.is_err();
        let mut text = String::from_utf8_lossy(&body).into_owned();
        for secret in secrets.iter().filter(|secret| secret.expose().len() > 3) {
            text = text.replace(secret.expose(), "****");
        }
        answer.mentions_https = text.to_ascii_lowercase().contains("https");
        answer.read_text(&text, response.headers());
        answer
    }

    /// A refusal with this text.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn of_text(text: &str, headers: &HeaderMap) -> Self {
        let mut answer = Self::default();
        answer.read_text(text, headers);
        answer
    }

    fn read_text(&mut self, text: &str, headers: &HeaderMap) {
        let Ok(document) = serde_json::from_str::<Value>(text) else {
            let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
            let line = text.trim().lines().next().unwrap_or_default();
            if kind.starts_with("text/plain") && !line.is_empty() {
                self.messages.push(sanitized(line));
            }
            return;
        };
        let text_of = |value: &Value, key: &str| {
            value.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(sanitized)
        };
        let errors = document.get("errors").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for error in errors.iter().take(MOST_MESSAGES) {
            self.codes.extend(text_of(error, "code"));
            self.messages.extend(text_of(error, "message"));
        }
        if errors.is_empty() {
            // Token servers and proxies have forms of their own.
            let keys = ["error_description", "details", "message", "error"];
            self.messages.extend(keys.iter().find_map(|key| text_of(&document, key)));
        }
    }

    /// True when the same request may succeed a little later.
    pub(crate) fn is_temporary(&self) -> bool {
        matches!(self.status, 408 | 429 | 500 | 502 | 503 | 504)
    }

    /// True when a registry cannot take an upload's bytes with the request that ends it.
    pub(crate) fn demands_patch(&self) -> bool {
        matches!(self.status, 405 | 415 | 501) || self.has_code("UNSUPPORTED")
    }

    fn has_code(&self, code: &str) -> bool {
        self.codes.iter().any(|found| found.eq_ignore_ascii_case(code))
    }

    fn mentions(&self, words: &[&str]) -> bool {
        let text = self.messages.join(" ").to_ascii_lowercase();
        words.iter().any(|word| text.contains(word))
    }

    /// Registries have not agreed on a status or a code for a tag that may not move; their messages have these words in common.
    fn is_immutable_tag(&self) -> bool {
        let status = matches!(self.status, 400 | 403 | 405 | 409 | 412);
        let words = ["immutable", "cannot be overwritten", "does not allow updating", "already exists"];
        status && (self.mentions(&words) || (self.has_code("TAG_INVALID") && self.status == 409))
    }

    /// The error that this refusal is.
    pub(crate) fn into_error(
        self,
        conversation: &Conversation<'_>,
        endpoint: &Endpoint,
        attempts: u32,
        elapsed: Duration,
    ) -> Error {
        let registry = endpoint.name().to_owned();
        let (action, name) = (conversation.action, conversation.name.to_owned());
        let immutable = conversation.writes_tag && self.is_immutable_tag();
        let missing = self.has_code("NAME_UNKNOWN") || self.mentions(&["repository does not exist"]);
        let https_wanted =
            self.mentions_https && self.status == 400 && endpoint.config.scheme == Scheme::Http;
        let retry_after = self.retry_after;
        let refusal = Box::new(Refusal {
            status: self.status,
            codes: self.codes,
            messages: self.messages,
            attempts,
            elapsed,
        });
        let pushes = action == Action::Push;
        match refusal.status {
            _ if https_wanted => Error::SpeaksHttps { registry },
            _ if immutable => Error::ImmutableTag { name, registry, refusal },
            404 if pushes => Error::MissingRepository { name, registry, refusal },
            400 | 401 | 403 if pushes && missing => Error::MissingRepository { name, registry, refusal },
            401 | 403 => {
                let authenticated = endpoint.authentication.has_credential();
                Error::Denied { action, name, registry, authenticated, refusal }
            }
            404 => Error::NotFound { name, registry, refusal },
            429 => Error::RateLimited { name, registry, retry_after, refusal },
            _ => Error::Refused { action, name, registry, refusal },
        }
    }
}

/// `Retry-After` in either of its forms (RFC 9110, section 10.2.3).
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let now = now.duration_since(UNIX_EPOCH).ok()?;
    Some(Duration::from_secs(http_date(value)?).saturating_sub(now))
}

/// Seconds since 1970 of a date such as `Sun, 06 Nov 1994 08:49:37 GMT`; the two obsolete forms are not read.
fn http_date(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words: Vec<_> = text.split(' ').collect();
    let [_, day, month, year, time, "GMT"] = words[..] else { return None };
    let month = MONTHS.iter().position(|name| *name == month)? as u64;
    let (day, year): (u64, u64) = (day.parse().ok()?, year.parse().ok()?);
    if !(1970..10_000).contains(&year) || !(1..=31).contains(&day) {
        return None;
    }
    let clock: Vec<u64> = time.split(':').map(str::parse).collect::<Result<_, _>>().ok()?;
    let [hours, minutes, seconds] = clock[..] else { return None };
    // Years counted from March put the leap day at their end.
    let (shifted_year, shifted_month) = if month < 2 { (year - 1, month + 10) } else { (year, month - 2) };
    let leap_days = shifted_year / 4 - shifted_year / 100 + shifted_year / 400;
    let days = shifted_year * 365 + leap_days + (153 * shifted_month + 2) / 5 + day - 1;
    let days = days.checked_sub(719_468)?;
    Some(days * 86_400 + hours.min(23) * 3600 + minutes.min(59) * 60 + seconds.min(60))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        let mut answer = Answer { status, ..Answer::default() };
        answer.read_text(body, &HeaderMap::new());
        answer
    }

    #[test]
    fn reads_dates() {
        assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(http_date("Thu, 29 Feb 2024 00:00:00 GMT"), Some(1_709_164_800));
        assert_eq!(http_date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(http_date("Sunday, 06-Nov-94 08:49:37 GMT"), None);
        assert_eq!(http_date("x"), None);
    }

    #[test]
    fn reads_both_forms_of_retry_after() {
        let mut headers = HeaderMap::new();
        assert_eq!(retry_after(&headers, UNIX_EPOCH), None);
        headers.insert(RETRY_AFTER, "7".parse().unwrap());
        assert_eq!(retry_after(&headers, UNIX_EPOCH), Some(Duration::from_secs(7)));
        headers.insert(RETRY_AFTER, "Sun, 06 Nov 1994 08:49:37 GMT".parse().unwrap());
        let before = UNIX_EPOCH + Duration::from_secs(784_111_700);
        assert_eq!(retry_after(&headers, before), Some(Duration::from_secs(77)));
        assert_eq!(retry_after(&headers, SystemTime::now()), Some(Duration::ZERO));
    }

    #[test]
    fn reads_the_forms_of_errors_that_registries_have() {
        let found = answer(
            404,
            r#"{"errors":[{"code":"NAME_UNKNOWN","message":"no \u001b[31msuch name","detail":{}}]}"#,
        );
        assert_eq!(found.codes, ["NAME_UNKNOWN"]);
        assert!(found.messages[0].ends_with("[31msuch name") && !found.messages[0].contains('\u{1b}'));
        assert_eq!(answer(401, r#"{"details":"incorrect username or password"}"#).messages.len(), 1);
        assert_eq!(
            answer(400, r#"{"error":"invalid_grant","error_description":"ended"}"#).messages,
            ["ended"]
        );
        assert!(answer(500, "<html>").messages.is_empty());
        assert!(answer(500, r#"{"errors":"x"}"#).messages.is_empty());
    }

    #[test]
    fn knows_tags_that_may_not_move() {
        let ecr = r#"{"errors":[{"code":"TAG_INVALID","message":"The image tag '1' already exists in the 'a' repository and cannot be overwritten because the tag is immutable."}]}"#;
        assert!(answer(400, ecr).is_immutable_tag());
        assert!(
            answer(412, r#"{"errors":[{"code":"PRECONDITION","message":"configured as immutable"}]}"#)
                .is_immutable_tag()
        );
        assert!(
            !answer(400, r#"{"errors":[{"code":"MANIFEST_INVALID","message":"manifest invalid"}]}"#)
                .is_immutable_tag()
        );
        assert!(!answer(404, ecr).is_immutable_tag());
    }
}
