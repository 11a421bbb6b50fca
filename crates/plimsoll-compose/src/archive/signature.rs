//! Verification of clear-signed release files (RFC 9580, section 7).
//!
//! What counts is the text inside the signature, never the file around it. One good signature by a key of the
//! keyring is enough: archives sign with several keys, and a keyring may know only some of them. A signature is
//! good when it is over the text (not a certification), with a digest algorithm that still holds, by a key that
//! may sign, is not revoked and has not expired.

use std::io::Read;

use jiff::Timestamp;
use pgp::composed::{CleartextSignedMessage, SignedPublicKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Signature, SignatureType};
use pgp::types::{Duration, KeyDetails, Tag, Timestamp as Time, VerifyingKey};

use super::Keyring;
use crate::error::ComposeError;

/// Bounds on what is accepted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Accept<'a> {
    /// If there are any, only keys with these fingerprints, in upper case.
    pub(crate) fingerprints: &'a [String],
    /// Seconds since 1970.
    pub(crate) now: i64,
    /// For snapshots: a key counts that had not expired when it signed.
    pub(crate) keys_of_then: bool,
}

/// A text whose signature is good.
#[derive(Debug)]
pub(crate) struct Verified {
    /// With single line feeds.
    pub(crate) text: String,
    /// Of the primary key, in upper case.
    pub(crate) fingerprint: String,
}

/// Verifies a clear-signed file; `uri` is for messages.
pub(crate) fn verify(
    bytes: &[u8],
    keyring: &Keyring,
    accept: Accept<'_>,
    uri: &str,
) -> Result<Verified, ComposeError> {
    let (message, _) = CleartextSignedMessage::from_armor(bytes)
        .map_err(|source| ComposeError::NotSigned { uri: uri.to_owned(), source: Box::new(source) })?;
    let text = message.signed_text();
    let mut problems = Vec::new();
    for signature in message.signatures() {
        match judge(signature, text.as_bytes(), keyring, accept) {
            Ok(fingerprint) => return Ok(Verified { text: text.replace("\r\n", "\n"), fingerprint }),
            Err(problem) => problems.push(format!("{}: {problem}", issuer(signature))),
        }
    }
    if problems.is_empty() {
        problems.push("the file holds no signature".to_owned());
    }
    Err(ComposeError::BadSignature { uri: uri.to_owned(), signatures: problems })
}

fn issuer(signature: &Signature) -> String {
    if let Some(fingerprint) = signature.issuer_fingerprint().first() {
        return format!("key {fingerprint:X}");
    }
    match signature.issuer_key_id().first() {
        Some(id) => format!("key {}", id.to_string().to_ascii_uppercase()),
        None => "a key that is not named".to_owned(),
    }
}

/// The fingerprint of the key that made a good signature, or why it is not good.
fn judge(
    signature: &Signature,
    text: impl AsRef<[u8]>,
    keyring: &Keyring,
    accept: Accept<'_>,
) -> Result<String, String> {
    if !matches!(signature.typ(), Some(SignatureType::Binary | SignatureType::Text)) {
        return Err("it is no signature of a text".to_owned());
    }
    let strong = [
        HashAlgorithm::Sha256,
        HashAlgorithm::Sha384,
        HashAlgorithm::Sha512,
        HashAlgorithm::Sha3_256,
        HashAlgorithm::Sha3_512,
    ];
    if !signature.hash_alg().is_some_and(|algorithm| strong.contains(&algorithm)) {
        return Err("its digest algorithm is too weak".to_owned());
    }
    let created = signature.created().ok_or("it has no time")?.as_secs();
    let lifetime = signature.signature_expiration_time().map_or(0, Duration::as_secs);
    if lifetime > 0 && !accept.keys_of_then && i64::from(created) + i64::from(lifetime) < accept.now {
        return Err("it has expired".to_owned());
    }
    let moment = if accept.keys_of_then { i64::from(created) } else { accept.now };
    let mut problem = "the key is not in the keyring".to_owned();
    for key in &keyring.keys {
        let fingerprint = format!("{:X}", key.primary_key.fingerprint());
        let wanted = &accept.fingerprints;
        if !wanted.is_empty() && !wanted.iter().any(|wanted| fingerprint.ends_with(wanted.as_str())) {
            continue;
        }
        let made_by_primary = verifies(signature, &key.primary_key, text.as_ref());
        let subkey = key
            .public_subkeys
            .iter()
            .find(|subkey| !made_by_primary && verifies(signature, &subkey.key, text.as_ref()));
        let usable = match subkey {
            None if !made_by_primary => {
                // The key is known, so the text is not what it signed.
                if is_issuer(signature, key) {
                    "the text was changed after it was signed".clone_into(&mut problem);
                }
                continue;
            }
            None => primary_is_usable(key, moment, true),
            Some(subkey) => {
                primary_is_usable(key, moment, false).and_then(|()| subkey_is_usable(key, subkey, moment))
            }
        };
        match usable {
            Ok(()) => return Ok(fingerprint),
            Err(why) => problem = why,
        }
    }
    Err(problem)
}

fn verifies(signature: &Signature, key: &impl VerifyingKey, text: &[u8]) -> bool {
    let mut bytes = text;
    signature.verify(key, bytes.by_ref()).is_ok()
}

fn is_issuer(signature: &Signature, key: &SignedPublicKey) -> bool {
    let names = |candidate: &dyn KeyDetails| {
        signature.issuer_key_id().contains(&&candidate.legacy_key_id())
            || signature.issuer_fingerprint().contains(&&candidate.fingerprint())
    };
    names(&key.primary_key) || key.public_subkeys.iter().any(|subkey| names(&subkey.key))
}

/// Whether the primary key is valid at `moment` and, if `to_sign`, may sign texts.
fn primary_is_usable(key: &SignedPublicKey, moment: i64, to_sign: bool) -> Result<(), String> {
    let primary = &key.primary_key;
    if key.details.revocation_signatures.iter().any(|revocation| revocation.verify_key(primary).is_ok()) {
        return Err("the key is revoked".to_owned());
    }
    let of_users = key.details.users.iter().flat_map(|user| {
        user.signatures.iter().filter(|own| {
            own.typ() != Some(SignatureType::CertRevocation)
                && own.verify_certification(primary, Tag::UserId, &user.id).is_ok()
        })
    });
    let direct = key.details.direct_signatures.iter().filter(|own| own.verify_key(primary).is_ok());
    let newest = of_users.chain(direct).max_by_key(|own| own.created().map_or(0, Time::as_secs));
    let newest = newest.ok_or("the key has no valid signature of its own")?;
    within_lifetime(primary, newest, moment)?;
    if to_sign && !may_sign(newest) {
        return Err("the key is not meant for signing".to_owned());
    }
    Ok(())
}

fn subkey_is_usable(
    key: &SignedPublicKey,
    subkey: &pgp::composed::SignedPublicSubKey,
    moment: i64,
) -> Result<(), String> {
    let bindings: Vec<&Signature> = subkey
        .signatures
        .iter()
        .filter(|binding| binding.verify_subkey_binding(&key.primary_key, &subkey.key).is_ok())
        .collect();
    if bindings.iter().any(|binding| binding.typ() == Some(SignatureType::SubkeyRevocation)) {
        return Err("the subkey is revoked".to_owned());
    }
    let newest = bindings.into_iter().max_by_key(|binding| binding.created().map_or(0, Time::as_secs));
    let newest = newest.ok_or("the subkey is not bound to its key")?;
    within_lifetime(&subkey.key, newest, moment)?;
    // A signing subkey confirms in turn that it belongs to the key (RFC 9580, 5.2.1.9).
    let confirmed = newest
        .embedded_signature()
        .is_some_and(|back| back.verify_primary_key_binding(&subkey.key, &key.primary_key).is_ok());
    if !newest.key_flags().sign() || !confirmed {
        return Err("the subkey is not meant for signing".to_owned());
    }
    Ok(())
}

/// A key without flags may do everything its algorithm can.
fn may_sign(own: &Signature) -> bool {
    let flags = own.key_flags();
    flags.sign()
        || !(flags.certify() || flags.encrypt_comms() || flags.encrypt_storage() || flags.authentication())
}

fn within_lifetime(key: &impl KeyDetails, own: &Signature, moment: i64) -> Result<(), String> {
    let lifetime = own.key_expiration_time().map_or(0, Duration::as_secs);
    let end = i64::from(key.created_at().as_secs()) + i64::from(lifetime);
    if lifetime > 0 && end < moment {
        let day = Timestamp::from_second(end).map(|end| end.strftime("%F").to_string()).unwrap_or_default();
        return Err(format!("the key expired on {day}; install a newer keyring package"));
    }
    Ok(())
}
