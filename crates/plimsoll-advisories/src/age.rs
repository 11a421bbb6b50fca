//! When a database is too old to be trusted with the answer "nothing found".

use std::time::Duration;

/// How old a database may be where nothing else is configured.
pub const DEFAULT_MAX_AGE: Duration = Duration::from_secs(5 * 24 * 3600);

/// How a database's age is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// Young enough.
    Fresh(Duration),
    /// Older than allowed.
    TooOld(Duration),
}

impl Age {
    /// Judges a database built at one time, both in seconds since 1970. A clock that lags behind the build is no reason to refuse.
    pub fn of(built: u64, now: u64, max_age: Duration) -> Self {
        let age = Duration::from_secs(now.saturating_sub(built));
        if age > max_age { Self::TooOld(age) } else { Self::Fresh(age) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_days_are_allowed_and_a_second_more_is_not() {
        let five_days = DEFAULT_MAX_AGE.as_secs();
        assert_eq!(Age::of(1000, 1000 + five_days, DEFAULT_MAX_AGE), Age::Fresh(DEFAULT_MAX_AGE));
        let older = Duration::from_secs(five_days + 1);
        assert_eq!(Age::of(1000, 1001 + five_days, DEFAULT_MAX_AGE), Age::TooOld(older));
        assert_eq!(Age::of(1000, 0, DEFAULT_MAX_AGE), Age::Fresh(Duration::ZERO));
        assert_eq!(Age::of(0, u64::MAX, DEFAULT_MAX_AGE), Age::TooOld(Duration::from_secs(u64::MAX)));
    }
}
