//! Long JSON documents read item by item, so that none is in memory as a whole.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Gives each item of one member of the document to a function; other members are skipped.
pub(crate) struct Items<'f, T, F: FnMut(T)> {
    pub(crate) members: &'static [&'static str],
    pub(crate) each: &'f mut F,
    pub(crate) item: PhantomData<T>,
}

impl<'f, T, F: FnMut(T)> Items<'f, T, F> {
    /// The items of the arrays with one of these names.
    pub(crate) fn of(members: &'static [&'static str], each: &'f mut F) -> Self {
        Self { members, each, item: PhantomData }
    }
}

impl<'de, T: DeserializeOwned, F: FnMut(T)> DeserializeSeed<'de> for Items<'_, T, F> {
    /// Whether there was such a member.
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: DeserializeOwned, F: FnMut(T)> Visitor<'de> for Items<'_, T, F> {
    type Value = bool;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "an object with `{}`", self.members.join("` or `"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let mut is_there = false;
        while let Some(key) = map.next_key::<String>()? {
            if self.members.contains(&key.as_str()) {
                is_there = true;
                map.next_value_seed(Sequence { each: &mut *self.each, item: PhantomData })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(is_there)
    }
}

struct Sequence<'f, T, F: FnMut(T)> {
    each: &'f mut F,
    item: PhantomData<T>,
}

impl<'de, T: DeserializeOwned, F: FnMut(T)> DeserializeSeed<'de> for Sequence<'_, T, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: DeserializeOwned, F: FnMut(T)> Visitor<'de> for Sequence<'_, T, F> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element()? {
            (self.each)(item);
        }
        Ok(())
    }
}

/// Gives each member of an object, by its name, to a function.
pub(crate) struct Members<'f, T, F: FnMut(String, T)> {
    each: &'f mut F,
    item: PhantomData<T>,
}

impl<'f, T, F: FnMut(String, T)> Members<'f, T, F> {
    pub(crate) fn new(each: &'f mut F) -> Self {
        Self { each, item: PhantomData }
    }
}

impl<'de, T: DeserializeOwned, F: FnMut(String, T)> DeserializeSeed<'de> for Members<'_, T, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: DeserializeOwned, F: FnMut(String, T)> Visitor<'de> for Members<'_, T, F> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((key, value)) = map.next_entry()? {
            (self.each)(key, value);
        }
        Ok(())
    }
}
