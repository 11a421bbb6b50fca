//! Private keys and signed tokens in their text forms.

use std::ops::Range;

use crate::engine::{jwt, keys};
use crate::finding::Severity::{Critical, High, Low, Medium};
use crate::rule::{Rule, code, named, token, words};

pub(super) static RULES: &[Rule] = &[
    code("private-key", "private key", Critical, words!["-----begin"], keys::plain),
    code(
        "private-key-encrypted",
        "private key, protected by a passphrase",
        Low,
        words!["-----begin", "---- begin"],
        keys::encrypted,
    ),
    code("pgp-private-key", "OpenPGP private key", High, words!["-----begin pgp"], pgp),
    code(
        "putty-private-key",
        "PuTTY private key",
        Critical,
        words!["putty-user-key-file-"],
        keys::putty_plain,
    ),
    code(
        "putty-private-key-encrypted",
        "PuTTY private key, protected by a passphrase",
        Low,
        words!["putty-user-key-file-"],
        keys::putty_encrypted,
    ),
    code("json-web-key", "private JSON web key", High, words!["\"kty\""], keys::json_web_key),
    token(
        "private-key-base64",
        "private key, encoded in base64",
        Critical,
        words!["ls0tls1crudjti"],
        r"LS0tLS1CRUdJTi[A-Za-z0-9+/]{60,16000}={0,2}",
    )
    .checked(|context| keys::is_encoded_key(context.value())),
    token(
        "age-secret-key",
        "age secret key",
        Critical,
        words!["age-secret-key-1", "age-secret-key-pq-1"],
        r"AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{58,80}",
    ),
    code("jwt", "signed JSON web token", Medium, words!["eyj"], jwt::signed),
    named(
        "wireguard-private-key",
        "WireGuard private or preshared key",
        Critical,
        words!["privatekey", "private_key", "presharedkey", "preshared_key", "wg_"],
        &["key"],
        r"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=",
    ),
    token(
        "minisign-secret-key",
        "minisign or signify secret key",
        High,
        words!["untrusted comment: "],
        r"untrusted comment: [^\n]{0,80}secret key[^\n]{0,80}\r?\n(RW[A-Za-z0-9+/]{100,300}={0,2})",
    ),
    token("nostr-secret-key", "Nostr secret key", High, words!["nsec1"], r"nsec1[02-9ac-hj-np-z]{58}"),
    token(
        "bitcoin-extended-private-key",
        "extended private key of a wallet",
        Critical,
        words!["xprv", "yprv", "zprv", "tprv"],
        r"[xyzt]prv[1-9A-HJ-NP-Za-km-z]{107,108}",
    ),
    named(
        "ethereum-private-key",
        "private key of a wallet",
        Critical,
        words!["private_key", "privatekey", "private-key", "wallet"],
        &["key"],
        r"0x[0-9a-fA-F]{64}",
    ),
    token(
        "pkcs12-base64",
        "PKCS#12 store, encoded in base64",
        High,
        words!["miikqgi", "miikegi", "miij"],
        r"MII[JK][A-Za-z0-9+/]{20}BgkqhkiG9w0BBwGg[A-Za-z0-9+/]{1000,15000}={0,2}",
    ),
];

/// The body of an `OpenPGP` key: the keyword is longer than that of the other keys.
fn pgp(window: &[u8], hit: Range<usize>) -> Option<Range<usize>> {
    keys::pgp(window, hit.start..hit.start + "-----BEGIN".len())
}
