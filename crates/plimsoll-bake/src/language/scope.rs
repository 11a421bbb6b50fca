//! What names mean where an expression stands.

use std::collections::BTreeMap;

use super::Value;
use crate::problem::{Outcome, Place};

/// What is known outside of an expression.
pub(crate) trait Names {
    /// The value of a variable.
    fn variable(&self, name: &str, place: &Place) -> Outcome<Value>;

    /// The attribute of a block (`target.NAME.ATTRIBUTE`); none when `kind` is no kind of block.
    fn block(&self, kind: &str, path: &[&str], place: &Place) -> Option<Outcome<Value>>;

    /// Calls a function that takes values.
    fn call(&self, name: &str, arguments: &[(Value, Place)], place: &Place) -> Outcome<Value>;

    /// Goes one level deeper, into a part of an expression or what it refers to.
    fn enter(&self, place: &Place) -> Outcome<()>;

    /// Comes back from there.
    fn leave(&self);

    /// Takes note of work done, so that no file can use up the machine.
    fn spend(&self, amount: usize, place: &Place) -> Outcome<()>;
}

/// Names that an expression brings itself: loop variables, parameters, matrix values.
#[derive(Default)]
pub(crate) struct Scope<'a> {
    parent: Option<&'a Scope<'a>>,
    values: BTreeMap<String, Value>,
}

impl<'a> Scope<'a> {
    /// A scope with these names.
    pub(crate) fn new(values: BTreeMap<String, Value>) -> Self {
        Self { parent: None, values }
    }

    /// A scope inside of this one.
    pub(crate) fn child(&'a self, values: impl IntoIterator<Item = (String, Value)>) -> Scope<'a> {
        Scope { parent: Some(self), values: values.into_iter().collect() }
    }

    /// The value of a name, innermost first.
    pub(crate) fn find(&self, name: &str) -> Option<&Value> {
        self.values.get(name).or_else(|| self.parent?.find(name))
    }
}
