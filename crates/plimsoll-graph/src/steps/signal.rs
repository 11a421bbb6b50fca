//! Signals by name and number.

/// Linux signals without `SIG`; the real-time ones follow from [`REAL_TIME_FIRST`] and [`REAL_TIME_LAST`].
const NAMES: [&str; 34] = [
    "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL", "PIPE",
    "POLL", "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP", "TTIN", "TTOU",
    "URG", "USR1", "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ",
];

/// The first real-time signal that a program may use.
const REAL_TIME_FIRST: u8 = 34;

/// The last one.
const REAL_TIME_LAST: u8 = 64;

/// Whether a text names a signal: a number other than 0, or a name with or without `SIG`, in any case.
pub(super) fn is_signal(text: &str) -> bool {
    if let Ok(number) = text.parse::<i64>() {
        return number != 0;
    }
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    NAMES.contains(&name) || is_real_time(name)
}

fn is_real_time(name: &str) -> bool {
    let (offset, limit) = match name {
        "RTMIN" | "RTMAX" => return true,
        _ => match (name.strip_prefix("RTMIN+"), name.strip_prefix("RTMAX-")) {
            (Some(offset), _) => (offset, (REAL_TIME_LAST - REAL_TIME_FIRST) / 2),
            (_, Some(offset)) => (offset, (REAL_TIME_LAST - REAL_TIME_FIRST) / 2 - 1),
            (None, None) => return false,
        },
    };
    offset.parse::<u8>().is_ok_and(|offset| offset >= 1 && offset <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_signals() {
        for text in ["SIGTERM", "term", "15", "SIGRTMIN+3", "RTMAX-14", "SIGXFSZ"] {
            assert!(is_signal(text), "{text}");
        }
        for text in ["", "0", "SIGFOO", "SIGRTMIN+16", "RTMAX-15", "TERM "] {
            assert!(!is_signal(text), "{text}");
        }
    }
}
