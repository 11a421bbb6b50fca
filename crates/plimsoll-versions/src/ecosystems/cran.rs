//! CRAN: R's `numeric_version`, numbers with dots or hyphens between, compared number by number, so that `1.2 < 1.2.0`.

use std::cmp::Ordering;

use crate::digits;

/// A version: its text.
#[derive(Clone, Debug)]
pub(crate) struct Version<'a>(&'a str);

impl<'a> Version<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        text.split(['.', '-']).all(digits::are).then_some(Self(text))
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        let numbers = |text: &'a str| text.split(['.', '-']);
        let (mut left, mut right) = (numbers(self.0), other.0.split(['.', '-']));
        loop {
            let order = match (left.next(), right.next()) {
                (None, None) => return Ordering::Equal,
                (Some(first), Some(second)) => digits::compare(first, second),
                (first, second) => return first.is_some().cmp(&second.is_some()),
            };
            if order.is_ne() {
                return order;
            }
        }
    }
}
