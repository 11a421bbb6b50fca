//! A step that failed, as a diagnostic at its place in the Dockerfile.

use plimsoll_diagnostics::{Diagnostic, sanitize};
use plimsoll_executor::{ExecuteError, how};
use plimsoll_graph::{Op, Vertex};

use crate::emulation::{self, NO_EMULATOR};
use crate::error::BuildError;

/// The error of a vertex, in the form in which it is shown.
pub(crate) fn failure(vertex: &Vertex, error: &ExecuteError) -> BuildError {
    interruption(error)
        .unwrap_or_else(|| BuildError::Diagnostics { diagnostics: vec![diagnostic(vertex, error)] })
}

/// What is no fault of a vertex: the build was stopped, or must go on elsewhere.
pub(crate) fn interruption(error: &ExecuteError) -> Option<BuildError> {
    match error {
        ExecuteError::Cancelled => Some(BuildError::Cancelled),
        ExecuteError::NeedsNamespace
        | ExecuteError::Snapshot { source: plimsoll_snapshot::SnapshotError::NeedsNamespace } => {
            Some(BuildError::NeedsNamespace)
        }
        _ => None,
    }
}

fn diagnostic(vertex: &Vertex, error: &ExecuteError) -> Diagnostic {
    let foreign = emulation::explain(vertex, error);
    let (code, message) = match (error, &foreign) {
        (_, Some((message, _))) => (NO_EMULATOR, message.clone()),
        (error, None) => kind(error),
    };
    let mut diagnostic = Diagnostic::error(code, sanitize::line(&message).into_owned());
    if let Some((_, hint)) = &foreign {
        diagnostic = diagnostic.hint(hint.clone());
    }
    if let Some(span) = vertex.span {
        diagnostic = diagnostic.at(span).label("failed here");
    } else {
        diagnostic = diagnostic.note(format!("in `{}`", sanitize::line(&vertex.name)));
    }
    if let ExecuteError::Failed { tail, log, out_of_memory, .. } = error {
        if *out_of_memory {
            diagnostic =
                diagnostic.note("the kernel ended a process because the limit of memory was reached");
        }
        if !tail.is_empty() {
            diagnostic = diagnostic.note("the last lines that it wrote:");
        }
        for line in tail {
            diagnostic = diagnostic.note(format!("  {}", sanitize::log_line(line)));
        }
        if let Some((build, step)) = names(log) {
            diagnostic =
                diagnostic.note(format!("`plimsoll debug shell {build} {step}` opens a shell there"));
        }
        let place = format!("the whole log is in {}", log.display());
        diagnostic = if tail.iter().any(|line| distrusts(line)) {
            diagnostic.note(place).hint(
                "if a proxy opens TLS on the way, name its certificates with `--ca-certs FILE`: steps trust them, and \
                 the image does not keep them",
            )
        } else {
            diagnostic.hint(place)
        };
    }
    if let (ExecuteError::SourceMissing { path }, Op::Copy(_)) = (error, &vertex.op) {
        diagnostic = diagnostic
            .hint(format!("check that `{path}` exists where it is copied from, spelled exactly so"));
    }
    diagnostic
}

/// The code and the message of an error.
fn kind(error: &ExecuteError) -> (&'static str, String) {
    match error {
        ExecuteError::Failed { status, .. } => ("step-failed", format!("the command {}", how(*status))),
        ExecuteError::SourceMissing { .. } | ExecuteError::SourceIgnored { .. } => {
            ("source-missing", with_causes(error))
        }
        ExecuteError::NoContext => ("no-context", error.to_string()),
        ExecuteError::SecretMissing { .. } => ("secret-missing", error.to_string()),
        ExecuteError::SshMissing { .. } => ("ssh-missing", error.to_string()),
        ExecuteError::UnknownUser { .. } | ExecuteError::UnknownGroup { .. } => {
            ("unknown-user", error.to_string())
        }
        _ => ("step-impossible", with_causes(error)),
    }
}

/// Whether a line of a program's output says that it does not trust a certificate.
fn distrusts(line: &str) -> bool {
    // OpenSSL and curl, npm, Java, Go, GnuTLS, rustls.
    const WORDS: [&str; 8] = [
        "self-signed certificate",
        "self signed certificate",
        "unable to get local issuer certificate",
        "self_signed_cert_in_chain",
        "unable to find valid certification path",
        "certificate signed by unknown authority",
        "the certificate is not trusted",
        "unknownissuer",
    ];
    let line = line.to_ascii_lowercase();
    WORDS.into_iter().any(|word| line.contains(word))
}

/// The build and the number of the step that a log is of.
fn names(log: &std::path::Path) -> Option<(&str, &str)> {
    let build = log.parent()?.file_name()?.to_str()?;
    let step = log.file_stem()?.to_str()?.strip_prefix("step-")?;
    Some((build, step))
}

/// An error with everything that caused it, in one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let part = error.to_string();
        if !text.contains(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        cause = error.source();
    }
    text
}
