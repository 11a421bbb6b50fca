//! What the values of labels may have to be.

use std::str::FromStr;

/// What a label's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelType {
    /// Any text.
    Text,
    /// A time as in RFC 3339.
    Time,
    /// A semantic version.
    Version,
    /// An address with a scheme.
    Url,
    /// The hash of a git commit, whole or short.
    Hash,
    /// The id of a licence in the SPDX list.
    License,
    /// An e-mail address.
    Email,
}

impl LabelType {
    /// The names of all types.
    pub const NAMES: [&'static str; 7] = ["text", "rfc3339", "semver", "url", "hash", "spdx", "email"];

    /// What a value has to be, for messages.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Time => "a time as in RFC 3339, such as `2026-01-31T12:00:00Z`",
            Self::Version => "a semantic version, such as `1.2.3`",
            Self::Url => "an address with a scheme, such as `https://example.org`",
            Self::Hash => "the hash of a commit, 7 or 40 digits",
            Self::License => "the id of a licence in the SPDX list, such as `MIT`",
            Self::Email => "an e-mail address",
        }
    }

    /// Whether a value is what the type says.
    pub fn accepts(self, value: &str) -> bool {
        match self {
            Self::Text => true,
            Self::Time => is_time(value),
            Self::Version => is_version(value),
            Self::Url => is_url(value),
            Self::Hash => {
                matches!(value.len(), 7 | 40)
                    && value.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            }
            Self::License => {
                spdx::license_id(value).is_some_and(|id| id.name == value && !id.is_deprecated())
            }
            Self::Email => is_email(value),
        }
    }
}

impl FromStr for LabelType {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Ok(match name {
            "text" | "rawtext" => Self::Text,
            "rfc3339" => Self::Time,
            "semver" => Self::Version,
            "url" => Self::Url,
            "hash" => Self::Hash,
            "spdx" => Self::License,
            "email" => Self::Email,
            _ => return Err(()),
        })
    }
}

/// `2026-01-31T12:00:00.5+01:00`; the colon of the offset may be absent.
fn is_time(value: &str) -> bool {
    let Some((date, rest)) = value.split_once(['T', 't']) else { return false };
    let numbers = |text: &str, separator: char, lengths: [usize; 3]| -> Option<[u32; 3]> {
        let parts: Vec<&str> = text.split(separator).collect();
        let [first, second, third] = parts.as_slice() else { return None };
        let mut out = [0; 3];
        for ((part, length), number) in [first, second, third].into_iter().zip(lengths).zip(&mut out) {
            if part.len() != length || !part.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            *number = part.parse().ok()?;
        }
        Some(out)
    };
    let Some([year, month, day]) = numbers(date, '-', [4, 2, 2]) else { return false };
    let end = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let (clock, offset) = rest.split_at(end);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let Some([hour, minute, second]) = numbers(clock, ':', [2, 2, 2]) else { return false };
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return false,
    };
    let is_offset = matches!(offset, "Z" | "z") || {
        let digits = offset.get(1..).unwrap_or_default().replacen(':', "", 1);
        digits.len() == 4
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && digits[..2] <= *"23"
            && digits[2..] <= *"59"
    };
    let is_fraction = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    (1..=days).contains(&day) && hour < 24 && minute < 60 && second <= 60 && is_fraction && is_offset
}

/// `1.2.3-rc.1+build`.
fn is_version(value: &str) -> bool {
    let end = value.find(['-', '+']).unwrap_or(value.len());
    let (numbers, rest) = value.split_at(end);
    let parts: Vec<&str> = numbers.split('.').collect();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (release, build) = rest.split_once('+').map_or((rest, None), |(head, build)| (head, Some(build)));
    let is_list = |text: &str| {
        text.split('.').all(|part| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
    };
    parts.len() == 3
        && parts.iter().all(is_number)
        && (release.is_empty() || is_list(&release[1..]))
        && build.is_none_or(is_list)
}

/// `scheme:` and characters that may stand in an address.
fn is_url(value: &str) -> bool {
    let Some((scheme, rest)) = value.split_once(':') else { return false };
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte);
    is_scheme && !rest.is_empty() && rest.bytes().all(allowed)
}

/// `name@host`, also with an address in brackets.
fn is_email(value: &str) -> bool {
    let Some((local, domain)) = value.rsplit_once('@') else { return false };
    let is_atom = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&byte))
    };
    let is_dotted = |text: &str| text.split('.').all(is_atom);
    let is_literal = |text: &str| {
        let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        inner.is_some_and(|inner| !inner.is_empty() && !inner.contains(['[', ']']))
    };
    let is_host = |text: &str| {
        text.split('.').all(|part| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !part.starts_with('-')
                && !part.ends_with('-')
        })
    };
    is_dotted(local) && (is_host(domain) || is_literal(domain))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(kind: LabelType, good: &[&str], bad: &[&str]) {
        for value in good {
            assert!(kind.accepts(value), "{value}");
        }
        for value in bad {
            assert!(!kind.accepts(value), "{value}");
        }
    }

    #[test]
    fn values_are_what_their_type_says() {
        all(
            LabelType::Time,
            &["2021-03-10T10:26:33.564595127+01:00", "2024-02-29t10:26:33z", "2021-03-10T10:26:33+0100"],
            &[
                "2021-02-29T10:26:33Z",
                "2021-03-10",
                "2021-03-10 10:26:33Z",
                "2021-03-10T10:26Z",
                "2021-03-10T24:00:00Z",
                "",
            ],
        );
        all(
            LabelType::Version,
            &["1.2.3", "1.2.3-rc.1+b.2"],
            &["1.2", "v1.2.3", "1.2.3.4", "1.2.3 ", "1.2.3+a+b", "1.2.3-a..b", "1.2.3-"],
        );
        all(
            LabelType::Url,
            &["https://example.org/x?y#z", "mailto:a@b.c", "http://[::1]/x"],
            &["example.org", "https://a b", "/x", "https:", "1x:y"],
        );
        all(
            LabelType::Hash,
            &["abcdef1", "43c572f1272b6b6f9b6d6b6d7e6f6e6f6e6f6e6f"],
            &["ABCDEF1", "abcdef", "abcdefg"],
        );
        all(
            LabelType::License,
            &["MIT", "GPL-3.0-or-later"],
            &["mit", "GPL-3.0", "MIT OR Apache-2.0", "Proprietary"],
        );
        all(
            LabelType::Email,
            &["a@b.c", "a.b+c@d", "a@[127.0.0.1]"],
            &["a@", "@b", "a b@c", "a@b..c", "a", "a@b_c.d", "a@-b.c"],
        );
    }

    #[test]
    fn every_name_is_a_type() {
        for name in LabelType::NAMES {
            assert!(name.parse::<LabelType>().is_ok(), "{name}");
        }
        assert!("date".parse::<LabelType>().is_err());
    }
}
