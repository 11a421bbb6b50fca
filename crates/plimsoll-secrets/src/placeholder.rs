//! Values that are none: examples, blanks to fill in, references to a value elsewhere.

/// Parts of values that say that somebody wrote them to be replaced.
const MADE_UP_PARTS: [&str; 18] = [
    "example",
    "changeme",
    "change_me",
    "change-me",
    "placeholder",
    "redacted",
    "replace",
    "insert",
    "yourtoken",
    "your_",
    "your-",
    "dummy",
    "notreal",
    "not-a-real",
    "fake",
    "deadbeef",
    "xxxx",
    "....",
];

/// Whole values that are words.
const WORDS: [&str; 59] = [
    "abc",
    "abc123",
    "admin",
    "api_key",
    "apikey",
    "auto",
    "bar",
    "basic",
    "baz",
    "bearer",
    "changeit",
    "credentials",
    "default",
    "disabled",
    "empty",
    "enabled",
    "false",
    "foo",
    "foobar",
    "guest",
    "hidden",
    "key",
    "latin1",
    "login",
    "me",
    "mypassword",
    "mysecret",
    "mytoken",
    "mypass",
    "nil",
    "no",
    "none",
    "null",
    "off",
    "on",
    "optional",
    "pass",
    "passphrase",
    "passwd",
    "password",
    "prompt",
    "pwd",
    "required",
    "sample",
    "secret",
    "some",
    "string",
    "test",
    "test123",
    "testing",
    "testpass",
    "testpassword",
    "text",
    "token",
    "true",
    "undefined",
    "user",
    "username",
    "yes",
];

/// Keys and tokens that everybody knows, in small letters: those of Azure's emulators, and of the examples in RFC 6749, RFC 7617 and
/// RFC 7617's readers (`Aladdin:open sesame`, `username:password`, `user:pass`).
const KNOWN: [&str; 9] = [
    "eby8vdm02xnocqflqu",
    "c2y6ydjf5/r+ob0n8a7cgv30vr",
    "2yotnfzfejr1zcsicmwpaa",
    "tgzv3jokf0xg5qx2tlkwia",
    "czzcagrsa3f0mzpnwdfmqmf0m2jw",
    "qwxhzgrpbjpvcgvuihnlc2ft",
    "dxnlcm5hbwu6cgfzc3dvcmq",
    "dxnlcjpwyxnz",
    "b77a5c561934e089",
];

/// A row of so many characters, each the next of the one before it, is typed.
const LONGEST_RUN: usize = 8;

/// Whether a value is an example by its characters, whatever it is assigned to.
pub(crate) fn is_made_up(value: &[u8]) -> bool {
    // Keys have rows of one letter in their heads, and are checked by their form.
    if value.len() > 400 {
        return false;
    }
    let lower = value.to_ascii_lowercase();
    let distinct = distinct(&lower);
    (value.len() >= 8 && distinct <= 3)
        || longest_row(&lower) >= (value.len() / 4).max(6)
        || longest_run(&lower) >= LONGEST_RUN
        || KNOWN.iter().any(|known| lower.starts_with(known.as_bytes()))
        || MADE_UP_PARTS.iter().any(|part| contains(&lower, part.as_bytes()))
}

/// Whether an assigned value stands for another one, or for none.
pub(crate) fn is_placeholder(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    let lower = value.to_ascii_lowercase();
    value.is_empty()
        || is_reference(value)
        || std::str::from_utf8(&lower).is_ok_and(|text| WORDS.contains(&text))
        || contains(&lower, b"your")
        || contains(&lower, b"password") && lower.len() <= 10
        || distinct(&lower) <= 2
        || is_made_up(value)
}

/// Whether a value is put in when it is used.
pub(crate) fn is_reference(value: &[u8]) -> bool {
    let (Some(first), Some(last)) = (value.first(), value.last()) else { return true };
    let names_variable = value.len() > 1
        && *first == b'$'
        && value[1..].iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':'));
    names_variable
        || [&b"${"[..], b"$(", b"{{", b"}}", b"#{", b"<%", b"%>", b"%(", b"$$"]
            .iter()
            .any(|mark| contains(value, mark))
        || matches!(
            (first, last),
            (b'<', b'>')
                | (b'{', b'}')
                | (b'[', b']')
                | (b'%', b'%')
                | (b'@', b'@')
                | (b'*', b'*')
                | (b'_', b'_')
        )
        || (value.len() <= 4 && *first == b'%')
        || contains(value, b"%s")
}

/// The entropy of a value in bits for each of its characters (Shannon).
pub(crate) fn entropy(value: &[u8]) -> f32 {
    let mut counts = [0_u16; 256];
    let value = &value[..value.len().min(4096)];
    for byte in value {
        counts[usize::from(*byte)] += 1;
    }
    let total = f32::from(u16::try_from(value.len()).expect("it is cut above"));
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f32::from(*count) / total)
        .map(|share| -share * share.log2())
        .sum()
}

/// Whether a value is a UUID: a name for something, seldom a secret.
pub(crate) fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(text, part).is_some()
}

fn distinct(value: &[u8]) -> usize {
    let mut seen = [false; 256];
    for byte in value {
        seen[usize::from(*byte)] = true;
    }
    seen.iter().filter(|seen| **seen).count()
}

/// The longest row of one character.
fn longest_row(value: &[u8]) -> usize {
    value.chunk_by(|one, next| one == next).map(<[u8]>::len).max().unwrap_or(0)
}

/// The longest row of characters that follow each other: `12345678`, `abcdefgh`.
fn longest_run(value: &[u8]) -> usize {
    value
        .chunk_by(|one, next| *next == one.wrapping_add(1) || *one == b'9' && *next == b'0')
        .map(<[u8]>::len)
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_stand_for_others() {
        for value in [
            "${TOKEN}",
            "$TOKEN",
            "{{ .Values.token }}",
            "<your token>",
            "%TOKEN%",
            "@TOKEN@",
            "changeme",
            "xxxxxxxx",
            "********",
            "password",
            "None",
            "your-api-key",
            "$(cat file)",
            "#{token}",
            "%(token)s",
            "",
        ] {
            assert!(is_placeholder(value.as_bytes()), "{value}");
        }
        for value in ["hunter2", "p@ssw0rd!", "correct-horse", "a$b7Kq", "Zq3$vT9_x"] {
            assert!(!is_placeholder(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn values_that_are_typed() {
        for value in [
            "AKIAIOSFODNN7EXAMPLE",
            "ghp_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "npm_0123456789abcdefghij",
            "key-xxxx",
        ] {
            assert!(is_made_up(value.as_bytes()), "{value}");
        }
        assert!(!is_made_up(b"Zk3vQ9sT1mXw7LbR5nYc"));
    }

    #[test]
    fn entropy_counts_bits() {
        assert!(entropy(b"aaaa").abs() < 0.001);
        assert!((entropy(b"abcd") - 2.0).abs() < 0.001);
        assert!((entropy(b"0123456789abcdef") - 4.0).abs() < 0.001);
    }
}
