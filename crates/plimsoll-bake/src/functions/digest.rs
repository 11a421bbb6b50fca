//! Digests, identifiers and what is made of random bytes.

use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::pkcs8::DecodePrivateKey as _;
use rsa::{Pkcs1v15Encrypt, RsaPrivateKey};
use sha1::Digest as _;
use sha2::Digest as _;

use super::encoding::decode_base64;
use super::{Args, Function};
use crate::language::Value;
use crate::problem::Outcome;

pub(super) const TABLE: &[(&str, Function)] = &[
    ("bcrypt", bcrypt),
    ("md5", |args| digest(args, |bytes| hex::encode(md5::Md5::digest(bytes)))),
    ("rsadecrypt", rsadecrypt),
    ("sha1", |args| digest(args, |bytes| hex::encode(sha1::Sha1::digest(bytes)))),
    ("sha256", |args| digest(args, |bytes| hex::encode(sha2::Sha256::digest(bytes)))),
    ("sha512", |args| digest(args, |bytes| hex::encode(sha2::Sha512::digest(bytes)))),
    ("uuidv4", |args| {
        args.exactly(0)?;
        let bytes = random(args)?;
        Ok(Value::String(uuid(bytes, 4)))
    }),
    ("uuidv5", uuidv5),
];

fn digest(args: &Args<'_>, apply: impl Fn(&[u8]) -> String) -> Outcome<Value> {
    args.exactly(1)?;
    Ok(Value::String(apply(args.text(0)?.as_bytes())))
}

fn random(args: &Args<'_>) -> Outcome<[u8; 16]> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| args.fail(0, format!("no random bytes: {error}")))?;
    Ok(bytes)
}

fn bcrypt(args: &Args<'_>) -> Outcome<Value> {
    args.between(1, 2)?;
    let cost = if args.len() == 2 { args.integer(1)? } else { 10 };
    let cost = u32::try_from(cost).ok().filter(|cost| (4..=16).contains(cost));
    let cost = cost.ok_or_else(|| args.fail(1, "the cost must be between 4 and 16"))?;
    let hash =
        bcrypt::hash_with_salt(args.text(0)?, cost, random(args)?).map_err(|error| args.fail(0, error))?;
    Ok(Value::String(hash.format_for_version(bcrypt::Version::TwoA)))
}

/// Bytes as a UUID of a version (RFC 9562, section 4).
fn uuid(mut bytes: [u8; 16], version: u8) -> String {
    bytes[6] = (bytes[6] & 0x0f) | (version << 4);
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = hex::encode(bytes);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn uuidv5(args: &Args<'_>) -> Outcome<Value> {
    args.exactly(2)?;
    let namespace = match args.text(0)?.as_str() {
        "dns" => "6ba7b8109dad11d180b400c04fd430c8".to_owned(),
        "url" => "6ba7b8119dad11d180b400c04fd430c8".to_owned(),
        "oid" => "6ba7b8129dad11d180b400c04fd430c8".to_owned(),
        "x500" => "6ba7b8149dad11d180b400c04fd430c8".to_owned(),
        other => other.replace('-', ""),
    };
    let namespace = hex::decode(namespace).ok().filter(|bytes| bytes.len() == 16);
    let namespace = namespace
        .ok_or_else(|| args.fail(0, "the namespace must be `dns`, `url`, `oid`, `x500` or a UUID"))?;
    let mut hasher = sha1::Sha1::new();
    hasher.update(namespace);
    hasher.update(args.text(1)?.as_bytes());
    let digest = hasher.finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Ok(Value::String(uuid(bytes, 5)))
}

fn rsadecrypt(args: &Args<'_>) -> Outcome<Value> {
    args.exactly(2)?;
    let bytes = decode_base64(&args.text(0)?).ok_or_else(|| args.fail(0, "the text is not base64"))?;
    let pem = args.text(1)?;
    let key = RsaPrivateKey::from_pkcs1_pem(&pem)
        .ok()
        .or_else(|| RsaPrivateKey::from_pkcs8_pem(&pem).ok())
        .ok_or_else(|| args.fail(1, "the text is not an RSA private key in PEM form"))?;
    let plain =
        key.decrypt(Pkcs1v15Encrypt, &bytes).map_err(|_| args.fail(0, "the key does not open the text"))?;
    String::from_utf8(plain).map(Value::String).map_err(|_| args.fail(0, "the decrypted text is not UTF-8"))
}
