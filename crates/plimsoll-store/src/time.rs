//! Points in time as they are stored.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A point in time: seconds since 1970 and nanoseconds within the second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// Nanoseconds, below 1,000,000,000.
    pub nanoseconds: u32,
}

impl Timestamp {
    /// The time now; for bookkeeping, never for bytes of an image.
    pub fn now() -> Self {
        SystemTime::now().into()
    }

    /// How long before `self` the other time was; zero if it was after.
    pub fn since(self, earlier: Self) -> Duration {
        let seconds = i128::from(self.seconds) - i128::from(earlier.seconds);
        let total = seconds * 1_000_000_000 + i128::from(self.nanoseconds) - i128::from(earlier.nanoseconds);
        u64::try_from(total.max(0)).map_or(Duration::MAX, Duration::from_nanos)
    }

    /// Only the seconds, as the database keeps last uses.
    pub(crate) fn from_seconds(seconds: i64) -> Self {
        Self { seconds, nanoseconds: 0 }
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => Self {
                seconds: i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
                nanoseconds: after.subsec_nanos(),
            },
            Err(before) => {
                let before = before.duration();
                let seconds = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
                match before.subsec_nanos() {
                    0 => Self { seconds: -seconds, nanoseconds: 0 },
                    nanoseconds => Self { seconds: -seconds - 1, nanoseconds: 1_000_000_000 - nanoseconds },
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_the_epoch_keep_nanoseconds_positive() {
        let time = Timestamp::from(UNIX_EPOCH - Duration::from_millis(1_250));
        assert_eq!(time, Timestamp { seconds: -2, nanoseconds: 750_000_000 });
    }

    #[test]
    fn since_is_never_negative() {
        let (early, late) =
            (Timestamp { seconds: 1, nanoseconds: 999 }, Timestamp { seconds: 3, nanoseconds: 0 });
        assert_eq!(late.since(early), Duration::new(1, 999_999_001));
        assert_eq!(early.since(late), Duration::ZERO);
    }
}
