//! Maven: the POM reference, "Version Order Specification", as `ComparableVersion` of Maven 3 does it.
//!
//! Nothing is refused. A version is a list of numbers and qualifiers; a hyphen, or a change between digits and letters, opens
//! a list inside of it, which is its last item.

use std::cmp::Ordering;
use std::ops::Range;

use smallvec::SmallVec;

use crate::digits;

/// A version: the items of all its lists, each list behind the one that it is in.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    text: String,
    items: SmallVec<[Item; 8]>,
    lists: SmallVec<[Range<usize>; 4]>,
}

#[derive(Clone, Debug)]
enum Item {
    /// The place of the digits in the text, without leading zeros.
    Number(Range<usize>),
    Known(Known),
    /// The place of an unknown qualifier in the text.
    Unknown(Range<usize>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Known {
    Alpha,
    Beta,
    Milestone,
    Candidate,
    Snapshot,
    Release,
    ServicePack,
}

/// An item as it is compared.
#[derive(Clone, Copy, PartialEq)]
enum Operand<'a> {
    None,
    Number(&'a str),
    Known(Known),
    Unknown(&'a str),
    List,
}

impl Version {
    pub(crate) fn parse(text: &str) -> Self {
        let text = text.to_lowercase();
        let mut version = Self { text: String::new(), items: SmallVec::new(), lists: SmallVec::new() };
        let (mut start, mut in_number) = (0, false);
        for (position, byte) in text.bytes().enumerate() {
            match byte {
                b'.' | b'-' => {
                    version.items.push(item(&text, start..position, in_number, false));
                    start = position + 1;
                    if byte == b'-' {
                        version.open_list();
                    }
                }
                _ if byte.is_ascii_digit() == in_number => {}
                _ => {
                    if position > start {
                        if !in_number {
                            version.open_list_for_qualifier();
                        }
                        version.items.push(item(&text, start..position, in_number, true));
                        version.open_list();
                        start = position;
                    }
                    in_number = !in_number;
                }
            }
        }
        if start < text.len() {
            if !in_number {
                version.open_list_for_qualifier();
            }
            version.items.push(item(&text, start..text.len(), in_number, false));
        }
        version.open_list();
        version.text = text;
        version.trim();
        version
    }

    /// Ends the list of the last items; what follows is in a new one inside of it.
    fn open_list(&mut self) {
        let start = self.lists.last().map_or(0, |list| list.end);
        self.lists.push(start..self.items.len());
    }

    /// A qualifier behind a dot, with a number behind it or at the end, is in a list as if behind a hyphen: `1.RC1` is `1-RC1`.
    fn open_list_for_qualifier(&mut self) {
        if self.items.len() > self.lists.last().map_or(0, |list| list.end) {
            self.open_list();
        }
    }

    /// Removes what means nothing from the end of each list, and lists at the end that become empty.
    fn trim(&mut self) {
        let (items, lists) = (&self.items, &mut self.lists);
        for list in lists.iter_mut() {
            while list.start < list.end && items[list.end - 1].is_null() {
                list.end -= 1;
            }
        }
        while lists.last().is_some_and(|list| list.start == list.end) {
            lists.pop();
        }
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        let (mut list, mut place) = (0, 0);
        loop {
            let order = match (self.operand(list, place), other.operand(list, place)) {
                (Operand::None, Operand::None) => return Ordering::Equal,
                (Operand::List, Operand::List) => {
                    (list, place) = (list + 1, 0);
                    continue;
                }
                (Operand::List, Operand::None) => return self.compare_with_nothing(list + 1),
                (Operand::None, Operand::List) => return other.compare_with_nothing(list + 1).reverse(),
                (left, right) => left.compare(right),
            };
            if order.is_ne() {
                return order;
            }
            place += 1;
        }
    }

    /// Compares a list, and those inside, with a version that has ended.
    fn compare_with_nothing(&self, first: usize) -> Ordering {
        (first..self.lists.len())
            .flat_map(|list| self.lists[list].clone())
            .map(|place| self.items[place].operand(&self.text).compare(Operand::None))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }

    fn operand(&self, list: usize, place: usize) -> Operand<'_> {
        let Some(items) = self.lists.get(list) else { return Operand::None };
        match place.cmp(&items.len()) {
            Ordering::Less => self.items[items.start + place].operand(&self.text),
            Ordering::Equal if list + 1 < self.lists.len() => Operand::List,
            _ => Operand::None,
        }
    }
}

/// The item of a part; an empty one is zero.
fn item(text: &str, place: Range<usize>, is_number: bool, before_number: bool) -> Item {
    let part = &text[place.clone()];
    if part.is_empty() {
        return Item::Number(place);
    }
    if is_number {
        return Item::Number(place.end - digits::significant(part).len()..place.end);
    }
    let known = match part {
        "a" if before_number => Known::Alpha,
        "b" if before_number => Known::Beta,
        "m" if before_number => Known::Milestone,
        "alpha" => Known::Alpha,
        "beta" => Known::Beta,
        "milestone" => Known::Milestone,
        "rc" | "cr" => Known::Candidate,
        "snapshot" => Known::Snapshot,
        "ga" | "final" | "release" => Known::Release,
        "sp" => Known::ServicePack,
        _ => return Item::Unknown(place),
    };
    Item::Known(known)
}

impl Item {
    fn is_null(&self) -> bool {
        match self {
            Self::Number(place) => place.is_empty(),
            Self::Known(known) => *known == Known::Release,
            Self::Unknown(_) => false,
        }
    }

    fn operand<'a>(&self, text: &'a str) -> Operand<'a> {
        match self {
            Self::Number(place) => Operand::Number(&text[place.clone()]),
            Self::Known(known) => Operand::Known(*known),
            Self::Unknown(place) => Operand::Unknown(&text[place.clone()]),
        }
    }
}

impl Operand<'_> {
    /// Numbers, lists, unknown qualifiers, known ones; what has ended counts as the zero or the release of the other.
    fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::None, Self::Known(known)) => Known::Release.cmp(&known),
            (Self::Known(known), Self::None) => known.cmp(&Known::Release),
            (Self::None, Self::Number(number)) => digits::compare("", number),
            (Self::Number(number), Self::None) => digits::compare(number, ""),
            (Self::Number(left), Self::Number(right)) => digits::compare(left, right),
            (Self::Known(left), Self::Known(right)) => left.cmp(&right),
            (Self::Unknown(left), Self::Unknown(right)) => left.encode_utf16().cmp(right.encode_utf16()),
            (left, right) => left.rank().cmp(&right.rank()),
        }
    }

    fn rank(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Known(_) => 1,
            Self::Unknown(_) => 2,
            Self::List => 3,
            Self::Number(_) => 4,
        }
    }
}
