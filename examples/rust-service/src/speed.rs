//! Units of speed.

use std::fmt;

/// A unit of speed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unit {
    Knot,
    MetreASecond,
    KilometreAnHour,
}

impl Unit {
    /// The unit of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Knot, Self::MetreASecond, Self::KilometreAnHour].into_iter().find(|unit| unit.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Knot => "kn",
            Self::MetreASecond => "m-s",
            Self::KilometreAnHour => "km-h",
        }
    }

    /// How many metres a second it is: a knot is 1852 metres an hour.
    fn metres_a_second(self) -> f64 {
        match self {
            Self::Knot => 1852.0 / 3600.0,
            Self::MetreASecond => 1.0,
            Self::KilometreAnHour => 1000.0 / 3600.0,
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Gives an amount in another unit.
pub fn convert(amount: f64, from: Unit, to: Unit) -> f64 {
    amount * from.metres_a_second() / to.metres_a_second()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_knot_is_a_nautical_mile_an_hour() {
        assert!((convert(10.0, Unit::Knot, Unit::KilometreAnHour) - 18.52).abs() < 1e-9);
    }
}
