//! Permission bits as `--chmod` takes them: octal, or symbolic as in POSIX `chmod` (`u=rw,go+rX`).

/// The mode, if the text is octal.
pub(crate) fn octal(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    u32::from_str_radix(text, 8).ok().filter(|bits| digits && *bits <= 0o7777)
}

/// Applies a mode text to the bits that a file has now; none if the text is no mode.
pub(crate) fn apply(text: &str, current: u32, is_directory: bool) -> Option<u32> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return octal(text);
    }
    text.split(',').try_fold(current, |bits, clause| apply_clause(clause, bits, is_directory))
}

fn apply_clause(clause: &str, current: u32, is_directory: bool) -> Option<u32> {
    let operator = clause.find(['+', '-', '='])?;
    let (who, mut rest) = clause.split_at(operator);
    let mut classes = 0;
    for class in who.bytes() {
        classes |= match class {
            b'u' => 0o4700,
            b'g' => 0o2070,
            b'o' => 0o7,
            b'a' => 0o6777,
            _ => return None,
        };
    }
    if who.is_empty() {
        classes = 0o6777;
    }
    let mut bits = current;
    while let Some(operator) = rest.bytes().next() {
        let end = rest[1..].find(['+', '-', '=']).map_or(rest.len(), |end| end + 1);
        let letters = &rest[1..end];
        // The sticky bit is nobody's, but only others' bits are not enough to name it.
        let sticky = if letters.contains('t') && classes & 0o770 != 0 { 0o1000 } else { 0 };
        let wanted = permissions(letters, bits, is_directory)? & (classes | sticky);
        bits = match operator {
            b'+' => bits | wanted,
            b'-' => bits & !wanted,
            _ => (bits & !classes) | wanted,
        };
        rest = &rest[end..];
    }
    Some(bits)
}

fn permissions(letters: &str, current: u32, is_directory: bool) -> Option<u32> {
    if let [class] = letters.as_bytes()
        && let Some(shift) = match class {
            b'u' => Some(6),
            b'g' => Some(3),
            b'o' => Some(0),
            _ => None,
        }
    {
        return Some((current >> shift & 7) * 0o111);
    }
    letters.bytes().try_fold(0, |bits, letter| {
        Some(
            bits | match letter {
                b'r' => 0o444,
                b'w' => 0o222,
                b'x' => 0o111,
                b'X' if is_directory || current & 0o111 != 0 => 0o111,
                b'X' => 0,
                b's' => 0o6000,
                b't' => 0o1000,
                _ => return None,
            },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::apply;

    #[test]
    fn octal_replaces_everything() {
        assert_eq!(apply("755", 0o4600, false), Some(0o755));
        assert_eq!(apply("4755", 0, false), Some(0o4755));
        assert_eq!(apply("8", 0, false), None);
        assert_eq!(apply("17777", 0, false), None);
    }

    #[test]
    fn symbolic_modes_change_what_they_name() {
        assert_eq!(apply("u=rwX,go=rX", 0o600, false), Some(0o644));
        assert_eq!(apply("u=rwX,go=rX", 0o700, true), Some(0o755));
        assert_eq!(apply("+x", 0o644, false), Some(0o755));
        assert_eq!(apply("g-w,o=", 0o666, false), Some(0o640));
        assert_eq!(apply("g=u", 0o640, false), Some(0o660));
        assert_eq!(apply("u+s", 0o755, false), Some(0o4755));
        assert_eq!(apply("rw", 0o755, false), None);
        assert_eq!(apply("z+x", 0o755, false), None);
    }
}
