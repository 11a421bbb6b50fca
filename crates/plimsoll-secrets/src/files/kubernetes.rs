//! Kubernetes manifests and configurations of its clients, whatever their files are called.

use super::fields::Field;
use super::json;
use super::value::{Holds, Value, decoded};

/// The secrets of a client's configuration.
pub(super) const KUBECONFIG: &[Field] = &[
    Field { rule: "kubeconfig-client-key", within: "user", key: "client-key-data", holds: Holds::Base64 },
    Field { rule: "kubeconfig-token", within: "user", key: "token", holds: Holds::Plain },
    Field { rule: "kubeconfig-token", within: "user", key: "id-token", holds: Holds::Plain },
    Field { rule: "kubeconfig-token", within: "user", key: "refresh-token", holds: Holds::Plain },
    Field { rule: "kubeconfig-password", within: "user", key: "password", holds: Holds::Plain },
];

/// Names of data that is no secret though it stands in a `Secret`.
const HARMLESS: [&str; 14] = [
    "ca.crt",
    "tls.crt",
    "namespace",
    "username",
    "user",
    "host",
    "port",
    "hostname",
    "database",
    "dbname",
    "server",
    "ca-cert",
    "cluster-ca",
    "email",
];

/// What a secret of a document is called by, and where it stands.
pub(super) type Hit<'a> = (&'static str, &'a Value);

/// The secrets of one document.
pub(super) fn secrets(document: &[Value]) -> Vec<Hit<'_>> {
    let text_of =
        |key: &str| document.iter().find(|value| value.keys == [key]).map(|value| value.text.as_str());
    match text_of("kind") {
        Some("Secret") => {
            document.iter().filter_map(|value| secret(value, text_of("type").unwrap_or_default())).collect()
        }
        Some("Config") => {
            let fields =
                |value: &Value| KUBECONFIG.iter().find(|field| field.takes(value)).map(|field| field.rule);
            document.iter().filter_map(|value| Some((fields(value)?, value))).collect()
        }
        _ => Vec::new(),
    }
}

fn secret<'a>(value: &'a Value, kind: &str) -> Option<Hit<'a>> {
    let [outer, key] = &value.keys[..] else { return None };
    let plain = match outer.as_str() {
        "data" => String::from_utf8(decoded(&value.text)?).ok(),
        "stringdata" => Some(value.text.clone()),
        _ => return None,
    };
    if matches!(key.as_str(), ".dockerconfigjson" | ".dockercfg") || kind.starts_with("kubernetes.io/docker")
    {
        let has_login = |text: String| {
            json::read(text.as_bytes()).iter().any(|value| match value.key() {
                "auth" => Holds::Login.is_held_by(&value.text),
                "password" | "identitytoken" => Holds::Plain.is_held_by(&value.text),
                _ => false,
            })
        };
        return plain.is_some_and(has_login).then_some(("kubernetes-docker-config", value));
    }
    let is_harmless =
        HARMLESS.contains(&key.as_str()) || matches!(key.rsplit_once('.'), Some((_, "crt" | "pub")));
    // Bytes that are no text are keys or packed data.
    let is_given =
        plain.is_none_or(|text| Holds::Plain.is_held_by(text.trim()) && !text.starts_with("-----BEGIN CERT"));
    (!is_harmless && is_given).then_some(("kubernetes-secret", value))
}
