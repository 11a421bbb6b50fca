//! Private keys in OpenSSH's own format (its `PROTOCOL.key`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ssh_key::PrivateKey;

use super::keys::{put, take};

const BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
const END: &str = "-----END OPENSSH PRIVATE KEY-----";
const MAGIC: &[u8] = b"openssh-key-v1\0";

/// The private part is filled up to a multiple of this when it is not encrypted.
const BLOCK: usize = 8;

/// Reads a private key; nothing if it is in another format or of an unknown kind.
pub(super) fn read(text: &str) -> Option<PrivateKey> {
    PrivateKey::from_openssh(text).ok().or_else(|| PrivateKey::from_bytes(&with_whole_scalar(text)?).ok())
}

/// The bytes of an ECDSA key with its number written in full.
///
/// OpenSSH writes the number without zeros in front, so every fourth key on P-521 is shorter than the curve's field; `ssh-key`
/// 0.6 takes full length only.
fn with_whole_scalar(text: &str) -> Option<Vec<u8>> {
    let (_, body) = text.split_once(BEGIN)?;
    let (body, _) = body.split_once(END)?;
    let body: String = body.split_ascii_whitespace().collect();
    let bytes = STANDARD.decode(body).ok()?;

    let mut rest = bytes.strip_prefix(MAGIC)?;
    let (cipher, _key_derivation, _options) = (take(&mut rest)?, take(&mut rest)?, take(&mut rest)?);
    let ([0, 0, 0, 1], behind) = rest.split_first_chunk()? else { return None };
    rest = behind;
    let _public = take(&mut rest)?;
    let head = &bytes[..bytes.len() - rest.len()];
    let mut private = take(&mut rest)?;
    if cipher != b"none" {
        return None;
    }

    let (check, behind) = private.split_first_chunk::<8>()?;
    private = behind;
    let (kind, curve, point) = (take(&mut private)?, take(&mut private)?, take(&mut private)?);
    let (scalar, comment) = (take(&mut private)?, take(&mut private)?);
    if !kind.starts_with(b"ecdsa-sha2-") {
        return None;
    }
    // An uncompressed point is a byte and two elements of the field.
    let missing = (point.len().checked_sub(1)? / 2).checked_sub(scalar.len())?;

    let mut whole = check.to_vec();
    for string in [kind, curve, point, &[vec![0; missing].as_slice(), scalar].concat(), comment] {
        put(&mut whole, string);
    }
    whole.extend((1..).take(whole.len().next_multiple_of(BLOCK) - whole.len()));
    let mut all = head.to_vec();
    put(&mut all, &whole);
    Some(all)
}

#[cfg(test)]
mod tests {
    use ssh_key::private::{EcdsaKeypair, EcdsaPrivateKey, KeypairData};

    use super::*;

    /// Made by `ssh-keygen` for this test: a number with two zero bytes in front.
    const P521: &str = "\
        b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAArAAAABNlY2RzYS\
        1zaGEyLW5pc3RwNTIxAAAACG5pc3RwNTIxAAAAhQQBnDPcv7TFZpmDtcy2YHdUeYozSmsq\
        WPFMWLswJMitZDbaSadcBS1OTDJhwIjPVWKXudh6Firrt2oVR4Zh+UT40r4BoaZPK3M8zL\
        w/h0ygmNYqMrvh/sEqRKMfGjecohWNlfPQ05DZG3fhgWMwM9l2hrJEQls4NpOLsIk5GlSR\
        YpaLtWAAAAEIq87WbKvO1mwAAAATZWNkc2Etc2hhMi1uaXN0cDUyMQAAAAhuaXN0cDUyMQ\
        AAAIUEAZwz3L+0xWaZg7XMtmB3VHmKM0prKljxTFi7MCTIrWQ22kmnXAUtTkwyYcCIz1Vi\
        l7nYehYq67dqFUeGYflE+NK+AaGmTytzPMy8P4dMoJjWKjK74f7BKkSjHxo3nKIVjZXz0N\
        OQ2Rt34YFjMDPZdoayREJbODaTi7CJORpUkWKWi7VgAAAAQHo9ORuXcOYIqUR/HxYX/Um5\
        S+9ZujNK24nvd8CJfgEm/DQ3EEVN7qMnXfiIqHtQKoGbAJAYP7jGPgtoRms0MdQAAAAFc2\
        hvcnQBAgMEBQYH";

    /// A number with one zero byte in front.
    const P256: &str = "\
        b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAaAAAABNlY2RzYS\
        1zaGEyLW5pc3RwMjU2AAAACG5pc3RwMjU2AAAAQQRJ/3I3xuuIm18Fal/w1W3gNjsK1iVK\
        otxtVKtr0Edv2fmQgVxKFQtQABSchaM6EkQDLoYqRVFRQJPtHFyKOsOjAAAAoCQn3QskJ9\
        0LAAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEn/cjfG64ibXwVq\
        X/DVbeA2OwrWJUqi3G1Uq2vQR2/Z+ZCBXEoVC1AAFJyFozoSRAMuhipFUVFAk+0cXIo6w6\
        MAAAAffLqGJUm1j6VvC+C+95qOR1oABo+l0ttbyHJqGV0XFQAAAAVzaG9ydAECAwQ=";

    fn pem(body: &str) -> String {
        let lines: Vec<&str> = body.as_bytes().chunks(70).map(|line| str::from_utf8(line).unwrap()).collect();
        format!("{BEGIN}\n{}\n{END}\n", lines.join("\n"))
    }

    #[test]
    fn numbers_with_zeros_in_front_are_read() {
        for (body, zeros) in [(P521, 2), (P256, 1)] {
            let text = pem(body);
            assert!(PrivateKey::from_openssh(&text).is_err(), "`ssh-key` reads this now: this module can go");
            let key = read(&text).unwrap();
            let KeypairData::Ecdsa(pair) = key.key_data() else { panic!("another kind") };
            let scalar = match pair {
                EcdsaKeypair::NistP256 { private, .. } => private.as_slice(),
                EcdsaKeypair::NistP521 { private, .. } => EcdsaPrivateKey::as_slice(private),
                EcdsaKeypair::NistP384 { .. } => panic!("another curve"),
            };
            assert_eq!(scalar.iter().take_while(|byte| **byte == 0).count(), zeros);
            assert_eq!(key.comment(), "short");
        }
    }

    #[test]
    fn half_a_key_is_none() {
        let whole = pem(P521);
        for length in 0..whole.trim_end().len() {
            assert!(read(&whole[..length]).is_none(), "{length}");
        }
        for length in 0..P521.len() {
            assert!(read(&pem(&P521[..length])).is_none(), "{length}");
        }
    }
}
