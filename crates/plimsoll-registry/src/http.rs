//! What every HTTP client of this program has in common.

use crate::dns::NameResolution;

/// A builder for a client that speaks TLS with this program's cryptography and finds hosts in the given way.
///
/// The cryptography is `ring`'s: the HTTP library's own choice brings a much larger C library to compile.
pub fn http_client(resolution: NameResolution) -> reqwest::ClientBuilder {
    // An error only says that it was chosen before.
    rustls::crypto::ring::default_provider().install_default().ok();
    resolution.apply(reqwest::Client::builder())
}
