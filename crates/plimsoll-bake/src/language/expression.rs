//! Expressions, the same for HCL and its JSON form.

use super::Value;
use crate::problem::Place;

/// An expression and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Expr {
    pub(crate) kind: ExprKind,
    pub(crate) place: Place,
}

/// What an expression does.
#[derive(Clone, Debug)]
pub(crate) enum ExprKind {
    /// A value that stands there.
    Literal(Value),
    /// A text with parts to be filled in.
    Template(Vec<Part>),
    /// `[a, b]`
    Tuple(Vec<Expr>),
    /// `{k = v}`
    Object(Vec<(Expr, Expr)>),
    /// A name.
    Variable(String),
    /// `a.name`
    Attribute(Box<Expr>, String),
    /// `a[b]`
    Index(Box<Expr>, Box<Expr>),
    /// `a[*]…` or `a.*…`: what follows is applied to each element, which it finds under [`SPLAT_ELEMENT`].
    Splat(Box<Expr>, Box<Expr>),
    /// `name(a, b...)`
    Call { name: String, arguments: Vec<Expr>, expand: bool },
    /// `a ? b : c`
    Conditional(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `!a`, `-a`
    Unary(UnaryOperator, Box<Expr>),
    /// `a + b`
    Binary(BinaryOperator, Box<Expr>, Box<Expr>),
    /// `[for …]`, `{for …}`
    For(Box<ForExpr>),
}

/// A name that no file can write.
pub(crate) const SPLAT_ELEMENT: &str = "[*]";

/// A part of a template.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    /// Text as it stands there.
    Text(String),
    /// `${…}`
    Value(Expr),
    /// `%{if …}`
    If { condition: Expr, then: Vec<Part>, otherwise: Vec<Part> },
    /// `%{for …}`
    For { key: Option<String>, value: String, collection: Expr, body: Vec<Part> },
}

/// The parts of a `for` expression.
#[derive(Clone, Debug)]
pub(crate) struct ForExpr {
    pub(crate) key_name: Option<String>,
    pub(crate) value_name: String,
    pub(crate) collection: Expr,
    /// With a key the result is an object.
    pub(crate) key: Option<Expr>,
    pub(crate) value: Expr,
    pub(crate) grouping: bool,
    pub(crate) condition: Option<Expr>,
}

/// An operator with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnaryOperator {
    Not,
    Negate,
}

/// An operator with two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BinaryOperator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
}

impl Expr {
    /// The text, if it is nothing but a text.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.kind {
            ExprKind::Literal(Value::String(text)) => Some(text),
            _ => None,
        }
    }
}
