//! DNS messages, as far as addresses need them (RFC 1035, section 4; RFC 3596).

use std::net::IpAddr;

/// Longest name in its written form (RFC 1035, section 3.1).
const LONGEST_NAME: usize = 253;
const LONGEST_LABEL: usize = 63;
const HEADER: usize = 12;
const CLASS_INTERNET: u16 = 1;
const FLAG_RESPONSE: u8 = 0x80;
const FLAG_TRUNCATED: u8 = 0x02;

/// Which addresses are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    V4,
    V6,
}

impl Kind {
    fn number(self) -> u16 {
        match self {
            Self::V4 => 1,
            Self::V6 => 28,
        }
    }
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    /// The addresses; none when the name has others only.
    Addresses(Vec<IpAddr>),
    /// There is no such name.
    NoName,
    /// The answer did not fit: ask by TCP.
    Truncated,
    /// The server could or would not answer.
    Failed,
}

/// The message that asks for the addresses of a name; none if no such name can exist.
pub(super) fn question(id: u16, name: &str, kind: Kind) -> Option<Vec<u8>> {
    if name.is_empty() || name.len() > LONGEST_NAME {
        return None;
    }
    // Recursion is desired; one question.
    let mut message = vec![0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    message[..2].copy_from_slice(&id.to_be_bytes());
    for label in name.split('.') {
        let length = u8::try_from(label.len())
            .ok()
            .filter(|length| (1..=LONGEST_LABEL).contains(&usize::from(*length)))?;
        message.push(length);
        message.extend(label.bytes());
    }
    message.push(0);
    message.extend(kind.number().to_be_bytes());
    message.extend(CLASS_INTERNET.to_be_bytes());
    Some(message)
}

/// Reads the answer to a question; none if it is not the answer to this one.
pub(super) fn reply(question: &[u8], message: &[u8], kind: Kind) -> Option<Reply> {
    let asked = question.get(HEADER..)?;
    let header = message.get(..HEADER)?;
    let repeated = message.get(HEADER..HEADER + asked.len())?;
    if header[..2] != question[..2] || header[2] & FLAG_RESPONSE == 0 || !repeated.eq_ignore_ascii_case(asked)
    {
        return None;
    }
    if header[2] & FLAG_TRUNCATED != 0 {
        return Some(Reply::Truncated);
    }
    match header[3] & 0x0f {
        0 => {}
        3 => return Some(Reply::NoName),
        _ => return Some(Reply::Failed),
    }
    let count = u16::from_be_bytes([header[6], header[7]]);
    let mut rest = &message[HEADER + asked.len()..];
    let mut addresses = Vec::new();
    for _ in 0..count {
        let Some((record_type, data, after)) = record(rest) else { return Some(Reply::Failed) };
        rest = after;
        // Aliases are followed by the server; their targets' addresses are in the same answer.
        if record_type != kind.number() {
            continue;
        }
        if let Ok(v4) = <[u8; 4]>::try_from(data) {
            addresses.push(IpAddr::from(v4));
        } else if let Ok(v6) = <[u8; 16]>::try_from(data) {
            addresses.push(IpAddr::from(v6));
        }
    }
    Some(Reply::Addresses(addresses))
}

/// Type and data of the first record of some bytes, and the bytes after it.
fn record(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let fields = after_name(bytes)?;
    let record_type = u16::from_be_bytes([*fields.first()?, *fields.get(1)?]);
    let length = usize::from(u16::from_be_bytes([*fields.get(8)?, *fields.get(9)?]));
    let data = fields.get(10..10 + length)?;
    Some((record_type, data, &fields[10 + length..]))
}

/// Passes over a name: labels up to an empty one, or a pointer, which is never followed.
fn after_name(mut bytes: &[u8]) -> Option<&[u8]> {
    loop {
        match *bytes.first()? {
            0 => return bytes.get(1..),
            length if length & 0xc0 == 0xc0 => return bytes.get(2..),
            length if length & 0xc0 == 0 => bytes = bytes.get(1 + usize::from(length)..)?,
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(question: &[u8], records: &[(u16, &[u8])]) -> Vec<u8> {
        let mut message = question.to_vec();
        message[2] |= FLAG_RESPONSE;
        message[7] = u8::try_from(records.len()).unwrap();
        for (record_type, data) in records {
            message.extend([0xc0, 12]);
            message.extend(record_type.to_be_bytes());
            message.extend([0, 1, 0, 0, 0, 9]);
            message.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
            message.extend(*data);
        }
        message
    }

    #[test]
    fn reads_addresses_and_passes_over_aliases() {
        let asked = question(7, "registry.example", Kind::V4).unwrap();
        let message = answer(&asked, &[(5, b"\x01x\xc0\x0c"), (1, &[10, 0, 0, 1]), (1, &[10, 0, 0, 2])]);
        let expected = vec!["10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()];
        assert_eq!(reply(&asked, &message, Kind::V4), Some(Reply::Addresses(expected)));
        let asked = question(7, "registry.example", Kind::V6).unwrap();
        let message = answer(&asked, &[(28, &[0; 16])]);
        assert_eq!(reply(&asked, &message, Kind::V6), Some(Reply::Addresses(vec!["::".parse().unwrap()])));
    }

    #[test]
    fn believes_only_the_answer_to_its_own_question() {
        let asked = question(7, "a.example", Kind::V4).unwrap();
        for other in [
            question(8, "a.example", Kind::V4),
            question(7, "b.example", Kind::V4),
            question(7, "a.example", Kind::V6),
        ] {
            assert_eq!(reply(&asked, &answer(&other.unwrap(), &[]), Kind::V4), None);
        }
        assert_eq!(reply(&asked, &asked, Kind::V4), None, "a question is no answer");
    }

    #[test]
    fn tells_failures_apart() {
        let asked = question(7, "a.example", Kind::V4).unwrap();
        let mut message = answer(&asked, &[]);
        assert_eq!(reply(&asked, &message, Kind::V4), Some(Reply::Addresses(vec![])));
        message[3] = 3;
        assert_eq!(reply(&asked, &message, Kind::V4), Some(Reply::NoName));
        message[3] = 2;
        assert_eq!(reply(&asked, &message, Kind::V4), Some(Reply::Failed));
        message[2] |= FLAG_TRUNCATED;
        assert_eq!(reply(&asked, &message, Kind::V4), Some(Reply::Truncated));
    }

    #[test]
    fn survives_every_cut_and_flipped_byte() {
        let asked = question(7, "a.example", Kind::V4).unwrap();
        let message = answer(&asked, &[(5, b"\x01x\xc0\x0c"), (1, &[10, 0, 0, 1])]);
        for end in 0..message.len() {
            assert!(
                !matches!(reply(&asked, &message[..end], Kind::V4), Some(Reply::Addresses(found)) if !found.is_empty())
            );
            for value in [0, 0x3f, 0x7f, 0xbf, 0xff] {
                let mut broken = message.clone();
                broken[end] = value;
                reply(&asked, &broken, Kind::V4);
            }
        }
    }

    #[test]
    fn refuses_names_that_cannot_be() {
        for name in ["", "a..b", ".a", &"x".repeat(64), &"ab.".repeat(100)] {
            assert_eq!(question(1, name, Kind::V4), None, "{name}");
        }
    }
}
