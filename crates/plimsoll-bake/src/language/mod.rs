//! The expression language: values, types and how expressions become values.

mod convert;
mod evaluate;
mod expression;
mod operators;
mod scope;
mod types;
mod value;

pub(crate) use convert::{convert, parse_number, unify_all};
pub(crate) use evaluate::{evaluate, index, iterate, whole};
pub(crate) use expression::{BinaryOperator, Expr, ExprKind, ForExpr, Part, SPLAT_ELEMENT, UnaryOperator};
pub(crate) use operators::{bounded, divide, equal, modulo};
pub(crate) use scope::{Names, Scope};
pub(crate) use types::{Type, type_expression};
pub(crate) use value::{Value, number, number_text, to_index};
