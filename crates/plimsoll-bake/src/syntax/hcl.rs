//! HCL, read with `hcl-edit`, to bodies and expressions.

use std::ops::Range;
use std::sync::Arc;

use hcl_edit::Span as _;
use hcl_edit::expr::{
    BinaryOperator as HclBinary, Expression, ObjectKey, TraversalOperator, UnaryOperator as HclUnary,
};
use hcl_edit::structure::{Body as HclBody, Structure};
use hcl_edit::template::{Directive, Element, Strip, Template};
use plimsoll_diagnostics::{SourceFile, Span};

use super::{Attribute, Block, Body};
use crate::language::{
    BinaryOperator, Expr, ExprKind, ForExpr, Part, SPLAT_ELEMENT, UnaryOperator, Value, parse_number,
};
use crate::problem::{Outcome, Place, Problem};

/// Where the parsed text stands in a file.
#[derive(Clone, Debug)]
enum Anchor {
    /// The text is a part of the file that starts at this byte.
    At(Arc<SourceFile>, usize),
    /// The text was changed (escapes of JSON): everything has the place of the whole.
    Whole(Place),
}

impl Anchor {
    fn place(&self, span: Option<Range<usize>>) -> Place {
        match self {
            Self::At(source, base) => {
                let span = span.unwrap_or(0..0);
                Place::new(source, Span::new(base + span.start, base + span.end))
            }
            Self::Whole(place) => place.clone(),
        }
    }

    fn error(&self, error: &hcl_edit::parser::Error, text_len: usize) -> Problem {
        let at = error.location().offset().min(text_len);
        let message = match error.message().trim() {
            "" => "this is not HCL".to_owned(),
            message => message.replace('\n', "; "),
        };
        self.place(Some(at..(at + 1).min(text_len).max(at))).error("syntax", message)
    }
}

/// Reads a whole file.
pub(crate) fn parse(source: &Arc<SourceFile>) -> Outcome<Body> {
    let anchor = Anchor::At(Arc::clone(source), 0);
    let text = source.text();
    let body = hcl_edit::parser::parse_body(text).map_err(|error| anchor.error(&error, text.len()))?;
    Ok(anchor.body(&body))
}

/// Reads a text that has a place in a file as an expression.
pub(crate) fn expression_text(text: &str, place: &Place) -> Outcome<Expr> {
    let anchor = anchor_of(text, place);
    let expr = hcl_edit::parser::parse_expr(text).map_err(|error| anchor.error(&error, text.len()))?;
    Ok(anchor.expr(&expr))
}

/// Reads a text that has a place in a file as a template.
pub(super) fn template_text(text: &str, place: &Place) -> Outcome<Expr> {
    if !text.contains("${") && !text.contains("%{") {
        return Ok(Expr { kind: ExprKind::Literal(Value::text(text)), place: place.clone() });
    }
    let anchor = anchor_of(text, place);
    let template =
        hcl_edit::parser::parse_template(text).map_err(|error| anchor.error(&error, text.len()))?;
    Ok(Expr { kind: anchor.template(&template, false), place: place.clone() })
}

/// A quoted text without escapes is found again letter by letter.
fn anchor_of(text: &str, place: &Place) -> Anchor {
    let inner = Span::new(place.span.start + 1, place.span.end.saturating_sub(1).max(place.span.start + 1));
    if place.source.slice(inner) == text {
        Anchor::At(Arc::clone(&place.source), inner.start)
    } else {
        Anchor::Whole(place.clone())
    }
}

impl Anchor {
    fn body(&self, body: &HclBody) -> Body {
        let mut out = Body::default();
        for structure in body {
            match structure {
                Structure::Attribute(attribute) => out.attributes.push(Attribute {
                    name: attribute.key.as_str().to_owned(),
                    name_place: self.place(attribute.key.span()),
                    value: self.expr(&attribute.value),
                }),
                Structure::Block(block) => out.blocks.push(Block {
                    kind: block.ident.as_str().to_owned(),
                    kind_place: self.place(block.ident.span()),
                    labels: block
                        .labels
                        .iter()
                        .map(|label| (label.as_str().to_owned(), self.place(label.span())))
                        .collect(),
                    body: self.body(&block.body),
                }),
            }
        }
        out
    }

    fn expr(&self, expr: &Expression) -> Expr {
        let place = self.place(expr.span());
        let literal = |value| ExprKind::Literal(value);
        let kind = match expr {
            Expression::Null(_) => literal(Value::Null),
            Expression::Bool(value) => literal(Value::Bool(*value.value())),
            Expression::Number(value) => literal(self.number(&value.value().to_string(), expr.span())),
            Expression::String(value) => literal(Value::text(value.as_str())),
            Expression::Array(array) => ExprKind::Tuple(array.iter().map(|expr| self.expr(expr)).collect()),
            Expression::Object(object) => ExprKind::Object(
                object.iter().map(|(key, value)| (self.key(key), self.expr(value.expr()))).collect(),
            ),
            Expression::StringTemplate(template) => {
                let elements: Vec<&Element> = template.iter().collect();
                self.elements(&elements, false)
            }
            Expression::HeredocTemplate(heredoc) => self.template(&heredoc.template, true),
            Expression::Parenthesis(inner) => return self.expr(inner.inner()),
            Expression::Variable(name) => ExprKind::Variable(name.as_str().to_owned()),
            Expression::Conditional(conditional) => ExprKind::Conditional(
                Box::new(self.expr(&conditional.cond_expr)),
                Box::new(self.expr(&conditional.true_expr)),
                Box::new(self.expr(&conditional.false_expr)),
            ),
            Expression::FuncCall(call) => {
                let mut name = String::new();
                for part in &call.name.namespace {
                    name.push_str(part.as_str());
                    name.push_str("::");
                }
                name.push_str(call.name.name.as_str());
                ExprKind::Call {
                    name,
                    arguments: call.args.iter().map(|expr| self.expr(expr)).collect(),
                    expand: call.args.expand_final(),
                }
            }
            Expression::Traversal(traversal) => {
                let base = self.expr(&traversal.expr);
                let operators: Vec<&TraversalOperator> =
                    traversal.operators.iter().map(hcl_edit::Decorated::value).collect();
                return self.traverse(base, &operators, &place);
            }
            Expression::UnaryOp(operation) => {
                let operator = match operation.operator.value() {
                    HclUnary::Neg => UnaryOperator::Negate,
                    HclUnary::Not => UnaryOperator::Not,
                };
                ExprKind::Unary(operator, Box::new(self.expr(&operation.expr)))
            }
            Expression::BinaryOp(operation) => ExprKind::Binary(
                binary_operator(*operation.operator.value()),
                Box::new(self.expr(&operation.lhs_expr)),
                Box::new(self.expr(&operation.rhs_expr)),
            ),
            Expression::ForExpr(for_expr) => ExprKind::For(Box::new(ForExpr {
                key_name: for_expr.intro.key_var.as_ref().map(|name| name.as_str().to_owned()),
                value_name: for_expr.intro.value_var.as_str().to_owned(),
                collection: self.expr(&for_expr.intro.collection_expr),
                key: for_expr.key_expr.as_ref().map(|expr| self.expr(expr)),
                value: self.expr(&for_expr.value_expr),
                grouping: for_expr.grouping,
                condition: for_expr.cond.as_ref().map(|condition| self.expr(&condition.expr)),
            })),
        };
        Expr { kind, place }
    }

    /// A number as it is written, so that no digit is lost.
    fn number(&self, shown: &str, span: Option<Range<usize>>) -> Value {
        let written = match self {
            Self::At(source, base) => span.and_then(|span| {
                let text = source.text().get(base + span.start..base + span.end)?;
                parse_number(text.trim())
            }),
            Self::Whole(_) => None,
        };
        Value::Number(written.or_else(|| parse_number(shown)).unwrap_or_default())
    }

    fn key(&self, key: &ObjectKey) -> Expr {
        match key {
            ObjectKey::Ident(name) => {
                Expr { kind: ExprKind::Literal(Value::text(name.as_str())), place: self.place(name.span()) }
            }
            ObjectKey::Expression(expr) => match expr {
                // A bare word is a name; in parentheses it is a variable.
                Expression::Variable(name) => Expr {
                    kind: ExprKind::Literal(Value::text(name.as_str())),
                    place: self.place(name.span()),
                },
                expr => self.expr(expr),
            },
        }
    }

    fn traverse(&self, base: Expr, operators: &[&TraversalOperator], whole: &Place) -> Expr {
        let mut expr = base;
        for (at, operator) in operators.iter().enumerate() {
            let mut place = expr.place.clone();
            if let Some(span) = operator.span() {
                place.span.end = place.span.end.max(self.place(Some(span)).span.end);
            }
            place.span.end = place.span.end.min(whole.span.end.max(place.span.start));
            let boxed = Box::new(expr);
            let kind = match operator {
                TraversalOperator::GetAttr(name) => ExprKind::Attribute(boxed, name.as_str().to_owned()),
                TraversalOperator::Index(key) => ExprKind::Index(boxed, Box::new(self.expr(key))),
                TraversalOperator::LegacyIndex(key) => ExprKind::Attribute(boxed, key.value().to_string()),
                TraversalOperator::AttrSplat(_) => {
                    let rest = &operators[at + 1..];
                    // `a.*.b[0]`: attributes belong to each element, an index to the whole result.
                    let until = rest
                        .iter()
                        .position(|operator| !matches!(operator, TraversalOperator::GetAttr(_)))
                        .unwrap_or(rest.len());
                    let splat = self.splat(boxed, &rest[..until], whole);
                    return self.traverse(splat, &rest[until..], whole);
                }
                TraversalOperator::FullSplat(_) => {
                    return self.splat(boxed, &operators[at + 1..], whole);
                }
            };
            expr = Expr { kind, place };
        }
        expr
    }

    fn splat(&self, base: Box<Expr>, rest: &[&TraversalOperator], whole: &Place) -> Expr {
        let element = Expr { kind: ExprKind::Variable(SPLAT_ELEMENT.to_owned()), place: base.place.clone() };
        let each = self.traverse(element, rest, whole);
        Expr { kind: ExprKind::Splat(base, Box::new(each)), place: whole.clone() }
    }

    fn template(&self, template: &Template, by_line: bool) -> ExprKind {
        let elements: Vec<&Element> = template.iter().collect();
        self.elements(&elements, by_line)
    }

    /// A template that is one `${…}` alone has the value of that expression, whatever its type.
    fn elements(&self, elements: &[&Element], by_line: bool) -> ExprKind {
        if let ([Element::Interpolation(interpolation)], false) = (elements, by_line) {
            return self.expr(&interpolation.expr).kind;
        }
        let parts = self.parts(elements, by_line, false, false);
        match parts.as_slice() {
            [] => ExprKind::Literal(Value::text("")),
            [Part::Text(text)] => ExprKind::Literal(Value::text(text)),
            _ => ExprKind::Template(parts),
        }
    }

    /// `strip_start` and `strip_end` say whether the ends touch a marker with `~`.
    fn parts(&self, elements: &[&Element], by_line: bool, strip_start: bool, strip_end: bool) -> Vec<Part> {
        let mut parts = Vec::new();
        for (at, element) in elements.iter().enumerate() {
            match element {
                Element::Literal(text) => {
                    let before = match at.checked_sub(1) {
                        Some(before) => strips_behind(elements[before]),
                        None => strip_start,
                    };
                    let behind = elements.get(at + 1).map_or(strip_end, |next| strips_before(next));
                    let mut text: &str = text.as_str();
                    if before {
                        text = trim_start(text, by_line);
                    }
                    if behind {
                        text = trim_end(text, by_line);
                    }
                    parts.push(Part::Text(text.to_owned()));
                }
                Element::Interpolation(interpolation) => {
                    parts.push(Part::Value(self.expr(&interpolation.expr)));
                }
                Element::Directive(directive) => parts.push(self.directive(directive, by_line)),
            }
        }
        parts
    }

    fn directive(&self, directive: &Directive, by_line: bool) -> Part {
        let inner = |template: &Template, start: bool, end: bool| {
            let elements: Vec<&Element> = template.iter().collect();
            self.parts(&elements, by_line, start, end)
        };
        match directive {
            Directive::If(directive) => {
                let end = directive.endif_expr.strip.strip_start();
                let opening = &directive.if_expr;
                let (then_end, otherwise) = match &directive.else_expr {
                    Some(branch) => {
                        let parts = inner(&branch.template, branch.strip.strip_end(), end);
                        (branch.strip.strip_start(), parts)
                    }
                    None => (end, Vec::new()),
                };
                Part::If {
                    condition: self.expr(&opening.cond_expr),
                    then: inner(&opening.template, opening.strip.strip_end(), then_end),
                    otherwise,
                }
            }
            Directive::For(directive) => {
                let opening = &directive.for_expr;
                let end = directive.endfor_expr.strip.strip_start();
                Part::For {
                    key: opening.key_var.as_ref().map(|name| name.as_str().to_owned()),
                    value: opening.value_var.as_str().to_owned(),
                    collection: self.expr(&opening.collection_expr),
                    body: inner(&opening.template, opening.strip.strip_end(), end),
                }
            }
        }
    }
}

fn strips(element: &Element) -> (Strip, Strip) {
    match element {
        Element::Literal(_) => (Strip::None, Strip::None),
        Element::Interpolation(interpolation) => (interpolation.strip, interpolation.strip),
        Element::Directive(directive) => match &**directive {
            Directive::If(directive) => (directive.if_expr.strip, directive.endif_expr.strip),
            Directive::For(directive) => (directive.for_expr.strip, directive.endfor_expr.strip),
        },
    }
}

fn strips_before(element: &Element) -> bool {
    strips(element).0.strip_start()
}

fn strips_behind(element: &Element) -> bool {
    strips(element).1.strip_end()
}

/// In a heredoc every line is a text of its own, and `~` reaches no further than one of them.
fn trim_start(text: &str, by_line: bool) -> &str {
    match text.find('\n') {
        Some(end) if by_line && text[..end].trim().is_empty() => &text[end + 1..],
        _ => text.trim_start(),
    }
}

fn trim_end(text: &str, by_line: bool) -> &str {
    if !by_line {
        return text.trim_end();
    }
    let line = text.strip_suffix('\n').unwrap_or(text).rfind('\n').map_or(0, |at| at + 1);
    let kept = line + text[line..].trim_end().len();
    &text[..kept]
}

fn binary_operator(operator: HclBinary) -> BinaryOperator {
    match operator {
        HclBinary::Eq => BinaryOperator::Equal,
        HclBinary::NotEq => BinaryOperator::NotEqual,
        HclBinary::LessEq => BinaryOperator::LessOrEqual,
        HclBinary::GreaterEq => BinaryOperator::GreaterOrEqual,
        HclBinary::Less => BinaryOperator::Less,
        HclBinary::Greater => BinaryOperator::Greater,
        HclBinary::Plus => BinaryOperator::Add,
        HclBinary::Minus => BinaryOperator::Subtract,
        HclBinary::Mul => BinaryOperator::Multiply,
        HclBinary::Div => BinaryOperator::Divide,
        HclBinary::Mod => BinaryOperator::Modulo,
        HclBinary::And => BinaryOperator::And,
        HclBinary::Or => BinaryOperator::Or,
    }
}
