//! What to do about an error: one short sentence for each situation that users meet.

use crate::config::is_loopback;
use crate::error::{Action, CredentialError, Error};

/// The way out of an error, if one is known.
pub(crate) fn of(error: &Error) -> Option<String> {
    match error {
        Error::UntrustedCertificate { registry, .. } => Some(format!(
            "if its certificate is from an authority of your own, pass that authority's certificate with `--ca`, or set \
             `ca = \"FILE\"` under `[registries.\"{registry}\"]` in the user configuration"
        )),
        Error::SpeaksHttp { registry, .. } => Some(format!(
            "if that is intended, set `plain-http = true` under `[registries.\"{registry}\"]` in the user configuration"
        )),
        Error::SpeaksHttps { registry } => {
            Some(format!("remove `plain-http = true` under `[registries.\"{registry}\"]` in the user configuration"))
        }
        Error::Setup { .. } => Some(
            "install the system's CA certificates (package `ca-certificates`), or name a bundle in `SSL_CERT_FILE`"
                .to_owned(),
        ),
        Error::Unreachable { registry, .. } if is_loopback(registry) => {
            Some("no registry may be running there".to_owned())
        }
        Error::Unreachable { .. } => Some(
            "check the registry's name, the network, and the proxy variables `HTTPS_PROXY` and `NO_PROXY`".to_owned(),
        ),
        Error::Denied { action, registry, authenticated, name, .. } => {
            Some(denied(*action, registry, name, *authenticated))
        }
        Error::MissingRepository { registry, name, .. } => Some(create_repository(registry, name)),
        Error::ImmutableTag { .. } => {
            Some("push under a new tag, or let tags be overwritten in the repository's settings".to_owned())
        }
        Error::RateLimited { registry, retry_after, .. } => Some(rate_limited(registry, retry_after.map(|d| d.as_secs()))),
        Error::DigestMismatch { .. } | Error::SizeMismatch { .. } => {
            Some("something between here and the registry, such as a proxy or a mirror, changes its answers".to_owned())
        }
        Error::NotFound { name, .. } => Some(format!(
            "check the spelling of `{name}`; many registries also answer so when the image is private: then log in first"
        )),
        Error::Refused { refusal, .. } if refusal.status == 413 => {
            Some("something in front of the registry, such as a proxy, limits the size of uploads".to_owned())
        }
        Error::Credentials { source, .. } => credential(source),
        _ => None,
    }
}

fn denied(action: Action, registry: &str, name: &str, authenticated: bool) -> String {
    if !authenticated {
        return format!("log in with `plimsoll login {registry}`");
    }
    match action {
        Action::Push => format!(
            "these credentials may not push there; check the repository's name and that the account may write to it. {}",
            create_repository(registry, name)
        ),
        Action::Pull => {
            "these credentials may not read there; check the image's name and the account's rights".to_owned()
        }
        Action::Login | Action::Reach => {
            "check user name and password; many registries want an access token as password".to_owned()
        }
    }
}

/// How a repository is made with the registries that do not make one on the first push.
fn create_repository(registry: &str, name: &str) -> String {
    let repository = name.split_once('/').map_or(name, |(_, repository)| repository);
    let repository = repository.split(['@', ':']).next().unwrap_or(repository);
    if is_ecr(registry) {
        format!("create it first: `aws ecr create-repository --repository-name {repository}`")
    } else if is_google(registry) {
        "create it first: `gcloud artifacts repositories create NAME --repository-format=docker --location=REGION`"
            .to_owned()
    } else {
        "some registries want a repository or project to be created before the first push".to_owned()
    }
}

fn rate_limited(registry: &str, seconds: Option<u64>) -> String {
    let wait = seconds.map_or_else(|| "wait".to_owned(), |seconds| format!("wait {seconds} s"));
    format!(
        "{wait}, log in (accounts have higher limits), or set a mirror under `[registries.\"{registry}\"]`"
    )
}

fn credential(error: &CredentialError) -> Option<String> {
    match error {
        CredentialError::HelperMissing { program } => Some(match program.as_str() {
            "docker-credential-ecr-login" => {
                "install the Amazon ECR credential helper (package `amazon-ecr-credential-helper`), or log in with \
                 `aws ecr get-login-password | plimsoll login --username AWS --password-stdin REGISTRY`"
                    .to_owned()
            }
            "docker-credential-gcloud" | "docker-credential-gcr" => {
                "install the Google Cloud CLI, which brings `docker-credential-gcloud`, or log in with \
                 `gcloud auth print-access-token | plimsoll login --username oauth2accesstoken --password-stdin REGISTRY`"
                    .to_owned()
            }
            "docker-credential-acr-env" | "docker-credential-acr-linux" => {
                "install the Azure helper of that name, or log in with `az acr login --expose-token` and \
                 `plimsoll login --username 00000000-0000-0000-0000-000000000000 --password-stdin REGISTRY`"
                    .to_owned()
            }
            program => format!(
                "install `{program}` on the search path, or remove it from `credHelpers` and `credsStore` of Docker's \
                 configuration file and log in again"
            ),
        }),
        CredentialError::HelperFailed { .. } => {
            Some("run the helper's own log-in again; its session has often ended".to_owned())
        }
        CredentialError::Parse { .. } | CredentialError::Entry { .. } => {
            Some("correct the file, or remove the entry and log in again".to_owned())
        }
        _ => None,
    }
}

/// Amazon ECR, private.
pub(crate) fn is_ecr(registry: &str) -> bool {
    registry.contains(".dkr.ecr.") || registry.contains(".dkr-ecr.")
}

/// Google Artifact Registry and Container Registry.
pub(crate) fn is_google(registry: &str) -> bool {
    registry.ends_with("-docker.pkg.dev") || registry == "gcr.io" || registry.ends_with(".gcr.io")
}
