//! Files whose form is known: each value is found by its name and place, whatever it looks like.

mod fields;
mod forms;
mod json;
mod kubernetes;
mod lines;
mod pairs;
mod value;
mod xml;
mod yaml;

pub(crate) use forms::{has_form, may_have_form, read};
