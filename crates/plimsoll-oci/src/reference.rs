//! Image references, with Docker's shorthand (`node`, `user/app:1`) made whole (distribution `reference` grammar).

use std::fmt;
use std::str::FromStr;

use crate::Digest;

/// `registry/repository[:tag][@digest]`, always with its registry; without tag and digest the tag is `latest`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// Why a text is no image reference.
#[derive(Debug, thiserror::Error)]
pub enum ReferenceError {
    /// A part breaks the grammar.
    #[error("`{text}` is not an image reference: {part} `{value}` {reason}")]
    Part {
        /// The whole text.
        text: String,
        /// Which part: registry, repository, tag or digest.
        part: &'static str,
        /// The part's text.
        value: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// The registry that a reference without one means.
const DEFAULT_REGISTRY: &str = "docker.io";

impl Reference {
    /// The registry's host, with its port if it has one, such as `docker.io` or `127.0.0.1:5000`.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository, such as `library/node`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag; none when the reference has only a digest.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, if the reference is pinned.
    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// `registry/repository`, without tag and digest.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// The same repository at a digest, without a tag.
    #[must_use]
    pub fn with_digest(&self, digest: Digest) -> Self {
        Self { tag: None, digest: Some(digest), ..self.clone() }
    }

    /// What the distribution API puts after `/manifests/`: the digest if there is one, else the tag.
    pub fn manifest_reference(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(tag)) => tag.clone(),
            (None, None) => "latest".to_owned(),
        }
    }

    /// The reference as people write it: without Docker's default registry and `library/`.
    pub fn familiar(&self) -> String {
        let whole = self.to_string();
        let Some(rest) = whole.strip_prefix("docker.io/") else { return whole };
        let short = rest.strip_prefix("library/").filter(|rest| !rest.contains('/')).unwrap_or(rest);
        // Some short forms are other names: in `docker.io/a.b/c` it is the first part that looks like a registry.
        if short.parse().is_ok_and(|read: Self| read == *self) { short.to_owned() } else { whole }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        self.digest.map_or(Ok(()), |digest| write!(f, "@{digest}"))
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let error = |part, value: &str, reason| ReferenceError::Part {
            text: text.to_owned(),
            part,
            value: value.to_owned(),
            reason,
        };
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => {
                let parsed = digest.parse().map_err(|_| {
                    error("digest", digest, "must be `sha256:` and 64 lower-case hexadecimal digits")
                })?;
                (rest, Some(parsed))
            }
            None => (text, None),
        };
        let (name, tag) = match rest.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (rest, None),
        };
        if let Some(tag) = tag
            && !is_tag(tag)
        {
            return Err(error("tag", tag, "must be at most 128 letters, digits, `_`, `.` or `-`"));
        }
        let (registry, repository) = match name.split_once('/') {
            Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => {
                (first, rest.to_owned())
            }
            Some(_) => (DEFAULT_REGISTRY, name.to_owned()),
            None => (DEFAULT_REGISTRY, format!("library/{name}")),
        };
        let registry = if registry == "index.docker.io" { DEFAULT_REGISTRY } else { registry };
        let repository = match (registry, repository.contains('/')) {
            (DEFAULT_REGISTRY, false) => format!("library/{repository}"),
            _ => repository,
        };
        if !is_registry(registry) {
            return Err(error("registry", registry, "must be a host name with an optional port"));
        }
        if repository.len() > 255 || !repository.split('/').all(is_path_component) {
            let reason = if repository.bytes().any(|b| b.is_ascii_uppercase()) {
                "must be lower case"
            } else {
                "must be lower-case letters and digits, separated by `.`, `_`, `__`, `-` or `/`"
            };
            return Err(error("repository", &repository, reason));
        }
        let tag = tag.map(str::to_owned).or_else(|| digest.is_none().then(|| "latest".to_owned()));
        Ok(Self { registry: registry.to_owned(), repository, tag, digest })
    }
}

fn is_tag(tag: &str) -> bool {
    let mut bytes = tag.bytes();
    tag.len() <= 128
        && bytes.next().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
}

fn is_registry(registry: &str) -> bool {
    let (host, port) = match registry.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => match registry.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (registry, None),
        },
    };
    let host_is_fine =
        !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:".contains(&b));
    host_is_fine && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

fn is_path_component(component: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = component.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    if !word(*first) || !word(*last) {
        return false;
    }
    bytes.split(|byte| word(*byte)).all(|separator| {
        matches!(separator, b"" | b"." | b"_" | b"__") || separator.iter().all(|byte| *byte == b'-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> String {
        text.parse::<Reference>().unwrap().to_string()
    }

    #[test]
    fn shorthand_is_made_whole() {
        assert_eq!(whole("node"), "docker.io/library/node:latest");
        assert_eq!(whole("user/app:1.2"), "docker.io/user/app:1.2");
        assert_eq!(whole("docker.io/node"), "docker.io/library/node:latest");
        assert_eq!(whole("127.0.0.1:5000/a/b"), "127.0.0.1:5000/a/b:latest");
        assert_eq!(whole("localhost/a"), "localhost/a:latest");
        assert_eq!(whole("[::1]:5000/a:x"), "[::1]:5000/a:x");
        let digest = Digest::of("x");
        assert_eq!(whole(&format!("a@{digest}")), format!("docker.io/library/a@{digest}"));
        assert_eq!(whole(&format!("a:b@{digest}")), format!("docker.io/library/a:b@{digest}"));
    }

    #[test]
    fn familiar_is_read_back_to_the_same_reference() {
        for text in [
            "node",
            "user/app:1",
            "quay.io/a/b:c",
            "localhost:5000/a",
            "docker.io/library/x/y:1",
            "docker.io/a.b/c",
        ] {
            let reference: Reference = text.parse().unwrap();
            assert_eq!(reference.familiar().parse::<Reference>().unwrap(), reference, "{text}");
        }
    }

    #[test]
    fn broken_references_name_the_part() {
        for (text, part) in [
            ("Node", "repository"),
            ("a:b c", "tag"),
            ("a@sha256:12", "digest"),
            ("a..b/c/", "repository"),
            ("", "repository"),
        ] {
            let ReferenceError::Part { part: found, .. } = text.parse::<Reference>().unwrap_err();
            assert_eq!(found, part, "{text}");
        }
    }
}
