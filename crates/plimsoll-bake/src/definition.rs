//! HCL and its JSON form: bodies to variables, functions, targets and groups.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use plimsoll_diagnostics::{Severity, did_you_mean};

use crate::attributes::{GROUP, TARGET, Takes, normalized, set, texts};
use crate::functions::{self, write_json};
use crate::language::{Expr, Names, Scope, Type, Value, convert, evaluate, iterate, type_expression};
use crate::problem::{Outcome, Place, Problem};
use crate::resolve::Definitions;
use crate::syntax::{Attribute, Block, Body, bare, word};
use crate::target::{Group, Target};
use crate::variables::{Validation, Variable, VariableBlock, from_json_text, from_text};
use crate::{BakeError, Inputs};

/// How much work the expressions of all files may make, in steps and bytes.
const FUEL: usize = 64 << 20;
/// The most targets that one matrix makes.
const LARGEST_MATRIX: usize = 4096;
/// The most blocks of all files, and the most targets.
const MOST_BLOCKS: usize = 10_000;
/// The longest way from one value to another that it needs.
const DEEPEST: usize = 64;
/// The deepest nesting of expressions, with what they refer to.
const DEEPEST_EXPRESSION: usize = 200;

/// A `function` block.
#[derive(Clone, Debug)]
struct FunctionBlock {
    place: Place,
    parameters: Vec<String>,
    variadic: Option<String>,
    result: Expr,
}

/// All files together.
pub(crate) struct Module<'a> {
    inputs: &'a Inputs<'a>,
    variables: BTreeMap<String, VariableBlock>,
    attributes: BTreeMap<String, Attribute>,
    functions: BTreeMap<String, FunctionBlock>,
    targets: Vec<Block>,
    groups: Vec<Block>,
    warnings: Vec<Problem>,
    values: RefCell<BTreeMap<String, Value>>,
    /// What is being computed, to find loops.
    open: RefCell<BTreeSet<String>>,
    fuel: Cell<usize>,
    depth: Cell<usize>,
}

/// What a module defines.
pub(crate) struct Defined {
    pub(crate) definitions: Definitions,
    pub(crate) variables: Vec<Variable>,
    pub(crate) warnings: Vec<Problem>,
}

impl<'a> Module<'a> {
    /// Takes the bodies of all files, in their order.
    pub(crate) fn new(bodies: Vec<Body>, inputs: &'a Inputs<'a>) -> Result<Self, BakeError> {
        let mut module = Self {
            inputs,
            variables: BTreeMap::new(),
            attributes: BTreeMap::new(),
            functions: BTreeMap::new(),
            targets: Vec::new(),
            groups: Vec::new(),
            warnings: Vec::new(),
            values: RefCell::default(),
            open: RefCell::default(),
            fuel: Cell::new(FUEL),
            depth: Cell::new(0),
        };
        let mut problems = Vec::new();
        if let Some(block) = bodies.iter().flat_map(|body| &body.blocks).nth(MOST_BLOCKS) {
            let message = format!("there are more than {MOST_BLOCKS} blocks");
            return Err(block.kind_place.error("too-many-blocks", message).into());
        }
        for body in bodies {
            for attribute in body.attributes {
                module.attributes.insert(attribute.name.clone(), attribute);
            }
            for block in body.blocks {
                if let Err(problem) = module.add(block) {
                    problems.push(problem);
                }
            }
        }
        if problems.is_empty() { Ok(module) } else { Err(BakeError { problems }) }
    }

    fn add(&mut self, block: Block) -> Outcome<()> {
        const KINDS: [&str; 4] = ["target", "group", "variable", "function"];
        let kind = block.kind.as_str();
        if !KINDS.contains(&kind) {
            let near = did_you_mean(kind, KINDS);
            let problem = block
                .kind_place
                .error("unknown-block", format!("blocks of the kind `{kind}` mean nothing here"))
                .maybe_hint(near.map(|near| format!("there is `{near}`")));
            self.warn(problem);
            return Ok(());
        }
        let [(name, place)] = block.labels.as_slice() else {
            return Err(block
                .kind_place
                .error("bad-label", format!("a `{kind}` has exactly one name"))
                .hint(format!("write `{kind} \"NAME\" {{ … }}`")));
        };
        match kind {
            "target" => self.targets.push(block),
            "group" => self.groups.push(block),
            "variable" => {
                let variable = variable_block(&block.body, place)?;
                self.variables.insert(name.clone(), variable);
            }
            _ => {
                let function = function_block(&block.body, place)?;
                self.functions.insert(name.clone(), function);
            }
        }
        Ok(())
    }

    fn warn(&mut self, mut problem: Problem) {
        problem.diagnostic.severity = Severity::Warning;
        self.warnings.push(problem);
    }

    /// Computes everything; errors of different blocks are all told.
    pub(crate) fn define(mut self) -> Result<Defined, BakeError> {
        self.check_attributes();
        let mut problems = Vec::new();
        let mut variables = Vec::new();
        for (name, variable) in &self.variables {
            match self.variable(name, &variable.place) {
                Ok(value) => variables.push(shown_variable(name, variable, &value)),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() {
            let failed =
                self.variables.iter().filter_map(|(name, variable)| self.validate(name, variable).err());
            problems.extend(failed);
        }
        let mut definitions = Definitions::default();
        let mut renamed: Vec<Group> = Vec::new();
        for block in &self.targets {
            match self.targets_of(block) {
                Ok(targets) => {
                    note_rename(block, targets.iter().map(|target| target.name.clone()), &mut renamed);
                    targets.into_iter().for_each(|target| definitions.add_target(target));
                    if definitions.targets.len() > MOST_BLOCKS {
                        let message = format!("there are more than {MOST_BLOCKS} targets");
                        return Err(block.kind_place.error("too-many-blocks", message).into());
                    }
                }
                Err(problem) => problems.push(problem),
            }
        }
        for block in &self.groups {
            match self.groups_of(block) {
                Ok(groups) => {
                    note_rename(block, groups.iter().map(|group| group.name.clone()), &mut renamed);
                    let groups = Definitions { groups, targets: Vec::new() };
                    definitions.add(groups);
                }
                Err(problem) => problems.push(problem),
            }
        }
        if !problems.is_empty() {
            dedup(&mut problems);
            return Err(BakeError { problems });
        }
        for group in &mut definitions.groups {
            crate::entry::each_once(&mut group.targets);
        }
        definitions.groups.extend(renamed);
        Ok(Defined { definitions, variables, warnings: self.warnings })
    }

    /// Attributes that no block of that kind has do nothing; whoever mistyped one wants to know.
    fn check_attributes(&mut self) {
        let mut found = Vec::new();
        for (blocks, table) in [(&self.targets, TARGET), (&self.groups, GROUP)] {
            for block in blocks {
                let names = || table.iter().map(|(name, _)| *name).chain(["matrix", "name"]);
                for attribute in &block.body.attributes {
                    if !names().any(|name| name == attribute.name) {
                        let message = format!("a {} has no attribute `{}`", block.kind, attribute.name);
                        let near = did_you_mean(&attribute.name, names());
                        found.push(
                            attribute
                                .name_place
                                .error("unknown-attribute", message)
                                .maybe_hint(near.map(|near| format!("there is `{near}`"))),
                        );
                    }
                }
                for inner in &block.body.blocks {
                    let message = format!("a {} has no block `{}`", block.kind, inner.kind);
                    found.push(
                        inner.kind_place.error("unknown-block", message).maybe_hint(
                            names()
                                .any(|name| name == inner.kind)
                                .then(|| format!("write `{} = {{ … }}`", inner.kind)),
                        ),
                    );
                }
            }
        }
        found.into_iter().for_each(|problem| self.warn(problem));
    }

    fn validate(&self, name: &str, variable: &VariableBlock) -> Outcome<()> {
        for validation in &variable.validations {
            let place = &validation.condition.place;
            let value = evaluate(&validation.condition, &Scope::default(), self)?;
            match convert(&value, &Type::Bool) {
                Ok(Value::Bool(true)) => {}
                Ok(Value::Bool(false)) => {
                    let message = match &validation.message {
                        Some(message) => match evaluate(message, &Scope::default(), self)? {
                            Value::String(text) => text,
                            _ => String::new(),
                        },
                        None => String::new(),
                    };
                    let message =
                        if message.is_empty() { "its value is not allowed".to_owned() } else { message };
                    return Err(place.error("invalid-variable", format!("variable `{name}`: {message}")));
                }
                _ => return Err(place.error("bad-condition", "a condition must be true or false")),
            }
        }
        Ok(())
    }

    /// The value of a variable or global attribute that is not known yet.
    fn compute(&self, name: &str, place: &Place) -> Outcome<Value> {
        let variable = self.variables.get(name);
        let attribute = self.attributes.get(name);
        if variable.is_none() && attribute.is_none() {
            return match self.inputs.built_in.get(name) {
                Some(value) => Ok(Value::text(value)),
                None => Err(self.unknown_variable(name, place)),
            };
        }
        let default = attribute.map(|attribute| &attribute.value).or_else(|| variable?.default.as_ref());
        let kind = variable.and_then(|variable| variable.kind.as_ref());
        let mut value = match default {
            Some(expr) => {
                let value = evaluate(expr, &Scope::default(), self)?;
                match kind {
                    Some(kind) => convert(&value, kind).map_err(|error| {
                        let message = format!("the value of `{name}` must be of type `{kind}`: {error}");
                        expr.place.error("bad-type", message)
                    })?,
                    None => value,
                }
            }
            None => match self.inputs.built_in.get(name) {
                Some(value) => Value::text(value),
                None if kind.is_some() => Value::Null,
                None => Value::text(""),
            },
        };
        if let Some(variable) = variable {
            let given = self.given(name, kind, &value).map_err(|error| {
                variable.place.error("bad-variable", format!("the value given for `{name}`: {error}"))
            })?;
            value = given.unwrap_or(value);
        }
        Ok(value)
    }

    /// The value from the command line, else from the environment.
    fn given(&self, name: &str, kind: Option<&Type>, default: &Value) -> Result<Option<Value>, String> {
        let look_up =
            |name: &str| self.inputs.given.get(name).cloned().or_else(|| (self.inputs.environment)(name));
        if let Some(kind) = kind {
            let json_name = format!("{name}_JSON");
            if !self.variables.contains_key(&json_name)
                && let Some(text) = look_up(&json_name)
            {
                if look_up(name).is_some() {
                    return Err(format!("both `{name}` and `{json_name}` are set; unset one of them"));
                }
                return from_json_text(&text, kind).map(Some);
            }
        }
        look_up(name).map(|text| from_text(&text, kind, default)).transpose()
    }

    fn unknown_variable(&self, name: &str, place: &Place) -> Problem {
        let known = self.variables.keys().chain(self.attributes.keys()).chain(self.inputs.built_in.keys());
        let near = did_you_mean(name, known.map(String::as_str));
        place
            .error("unknown-variable", format!("there is no variable `{name}`"))
            .hint(format!("declare it with `variable \"{name}\" {{}}`"))
            .maybe_hint(near.map(|near| format!("there is `{near}`")))
    }

    /// Runs `work` unless it is at work already: then it needs its own result.
    fn guarded<T>(
        &self,
        key: &str,
        fail: impl Fn() -> Problem,
        work: impl FnOnce() -> Outcome<T>,
    ) -> Outcome<T> {
        if !self.open.borrow_mut().insert(key.to_owned()) {
            return Err(fail());
        }
        if self.open.borrow().len() > DEEPEST {
            return Err(
                fail().note(format!("or values refer to each other more than {DEEPEST} times in a row"))
            );
        }
        let result = work();
        self.open.borrow_mut().remove(key);
        result
    }

    /// Name and matrix values of each target or group that a block makes.
    fn forks(&self, block: &Block) -> Outcome<Vec<(String, BTreeMap<String, Value>)>> {
        let (label, label_place) = &block.labels[0];
        let name = block.body.attribute("name");
        let Some(matrix) = block.body.attribute("matrix") else {
            if let Some(name) = name {
                return Err(name
                    .name_place
                    .error("name-without-matrix", "a name can only be computed for a matrix")
                    .hint("remove `name`; the name stands behind `target`"));
            }
            check_name(label, label_place)?;
            return Ok(vec![(label.clone(), BTreeMap::new())]);
        };
        check_name(label, label_place)?;
        let combinations = self.combinations(&matrix.value)?;
        let mut forks: Vec<(String, BTreeMap<String, Value>)> = Vec::new();
        for values in combinations {
            let fork = match name {
                Some(name) => {
                    let value = evaluate(&name.value, &Scope::new(values.clone()), self)?;
                    match convert(&value, &Type::String) {
                        Ok(Value::String(text)) => text,
                        _ => return Err(name.value.place.error("bad-name", "a name must be a text")),
                    }
                }
                None => label.clone(),
            };
            let place = name.map_or(label_place, |name| &name.value.place);
            check_name(&fork, place)?;
            if forks.iter().any(|(known, _)| *known == fork) {
                let problem = place.error("duplicate-name", format!("the matrix makes two targets `{fork}`"));
                return Err(match name {
                    Some(_) => problem.hint("use every value of the matrix in `name`"),
                    None => problem.hint("add `name = \"…-${value}\"`, with the values of the matrix"),
                });
            }
            forks.push((fork, values));
        }
        Ok(forks)
    }

    fn combinations(&self, matrix: &Expr) -> Outcome<Vec<BTreeMap<String, Value>>> {
        let value = evaluate(matrix, &Scope::default(), self)?;
        let Some(axes) = value.as_mapping() else {
            return Err(matrix
                .place
                .error("bad-matrix", format!("a matrix maps names to lists, this is {}", value.kind())));
        };
        let mut combinations = vec![BTreeMap::new()];
        for (axis, values) in axes {
            let values = iterate(values).filter(|_| values.as_sequence().is_some()).ok_or_else(|| {
                matrix.place.error("bad-matrix", format!("`{axis}` must be a list, it is {}", values.kind()))
            })?;
            if combinations.len().saturating_mul(values.len()) > LARGEST_MATRIX {
                return Err(matrix
                    .place
                    .error("bad-matrix", format!("the matrix makes more than {LARGEST_MATRIX} targets")));
            }
            // The first axis changes fastest.
            let with = |value: &Value| {
                let value = value.clone();
                let add = |known: &BTreeMap<String, Value>| {
                    let mut combination = known.clone();
                    combination.insert(axis.clone(), value.clone());
                    combination
                };
                combinations.iter().map(add).collect::<Vec<_>>()
            };
            combinations = values.iter().flat_map(|(_, value)| with(value)).collect();
        }
        Ok(combinations)
    }

    fn targets_of(&self, block: &Block) -> Outcome<Vec<Target>> {
        let mut targets = Vec::new();
        for (name, values) in self.forks(block)? {
            let scope = Scope::new(values);
            let mut target = Target::new(name);
            target.places.insert("", block.labels[0].1.clone());
            for (attribute, takes) in TARGET {
                let Some(found) = block.body.attribute(attribute) else { continue };
                let value = self.attribute(block, found, *takes, &scope)?;
                set(&mut target, attribute, &value).map_err(|error| bad_value(found, &error))?;
                target.places.insert(attribute, found.value.place.clone());
            }
            targets.push(target);
        }
        Ok(targets)
    }

    fn groups_of(&self, block: &Block) -> Outcome<Vec<Group>> {
        let mut groups = Vec::new();
        for (name, values) in self.forks(block)? {
            let scope = Scope::new(values);
            let mut group = Group { name, ..Group::default() };
            let Some(targets) = block.body.attribute("targets") else {
                let place = &block.labels[0].1;
                return Err(place
                    .error("no-targets", "a group needs `targets`")
                    .hint("add `targets = [\"NAME\"]`"));
            };
            let value = self.attribute(block, targets, Takes::Texts, &scope)?;
            group.targets = texts(&value).unwrap_or_default();
            if let Some(description) = block.body.attribute("description")
                && let Value::String(text) = self.attribute(block, description, Takes::Text, &scope)?
            {
                group.description = text;
            }
            groups.push(group);
        }
        Ok(groups)
    }

    /// The value of an attribute of a block.
    fn attribute(
        &self,
        block: &Block,
        attribute: &Attribute,
        takes: Takes,
        scope: &Scope<'_>,
    ) -> Outcome<Value> {
        let label = &block.labels[0].0;
        let key = format!("{}.{label}.{}", block.kind, attribute.name);
        let fail = || {
            let message = format!("`{key}` needs its own value");
            attribute
                .value
                .place
                .error("loop", message)
                .hint("one of the attributes on the way must not refer to the next")
        };
        self.guarded(&key, fail, || {
            let value = evaluate(&attribute.value, scope, self)?;
            normalized(takes, &value).map_err(|error| bad_value(attribute, &error))
        })
    }
}

impl Names for Module<'_> {
    fn variable(&self, name: &str, place: &Place) -> Outcome<Value> {
        if let Some(value) = self.values.borrow().get(name) {
            return Ok(value.clone());
        }
        if !self.variables.contains_key(name)
            && !self.attributes.contains_key(name)
            && matches!(name, "target" | "group")
        {
            return Err(place
                .error("incomplete-reference", format!("`{name}` alone has no value"))
                .hint(format!("write `{name}.NAME.ATTRIBUTE`")));
        }
        let fail = || {
            place
                .error("loop", format!("the variable `{name}` needs its own value"))
                .hint("one of the variables on the way must not refer to the next")
        };
        let value = self.guarded(&format!("var {name}"), fail, || self.compute(name, place))?;
        self.values.borrow_mut().insert(name.to_owned(), value.clone());
        Ok(value)
    }

    fn block(&self, kind: &str, path: &[&str], place: &Place) -> Option<Outcome<Value>> {
        let (blocks, table) = match kind {
            "target" => (&self.targets, TARGET),
            "group" => (&self.groups, GROUP),
            _ => return None,
        };
        let (name, attribute) = match *path {
            [name] => (name, None),
            [name, attribute] => (name, Some(attribute)),
            _ => return None,
        };
        Some(self.block_value(blocks, table, (kind, name), attribute, place))
    }

    fn call(&self, name: &str, arguments: &[(Value, Place)], place: &Place) -> Outcome<Value> {
        if let Some(result) = functions::call(name, arguments, place, &self.inputs.machine) {
            return result;
        }
        let Some(function) = self.functions.get(name) else {
            let mut known: Vec<&str> = functions::all_names().collect();
            known.extend(self.functions.keys().map(String::as_str));
            let near = did_you_mean(name, known).map(str::to_owned);
            return Err(place
                .error("unknown-function", format!("there is no function `{name}`"))
                .maybe_hint(near.map(|near| format!("there is `{near}`"))));
        };
        let (given, wanted) = (arguments.len(), function.parameters.len());
        if given < wanted || (given > wanted && function.variadic.is_none()) {
            let least = if function.variadic.is_some() { "at least " } else { "" };
            let message = format!("`{name}` takes {least}{wanted} arguments, not {given}");
            let mut problem = place.error("bad-argument", message);
            if problem.source.as_ref() == Some(&function.place.source) {
                problem.diagnostic.labels.push(plimsoll_diagnostics::Label {
                    span: function.place.span,
                    text: "defined here".to_owned(),
                });
            }
            return Err(problem);
        }
        let mut values = BTreeMap::new();
        for (parameter, (value, _)) in function.parameters.iter().zip(arguments) {
            values.insert(parameter.clone(), value.clone());
        }
        if let Some(variadic) = &function.variadic {
            let rest = arguments[wanted..].iter().map(|(value, _)| value.clone()).collect();
            values.insert(variadic.clone(), Value::Tuple(rest));
        }
        let fail = || place.error("loop", format!("the function `{name}` calls itself"));
        self.guarded(&format!("function {name}"), fail, || {
            evaluate(&function.result, &Scope::new(values), self)
        })
    }

    fn enter(&self, place: &Place) -> Outcome<()> {
        let depth = self.depth.get() + 1;
        if depth > DEEPEST_EXPRESSION {
            return Err(place.error("too-deep", "this is nested too deep, with everything that it refers to"));
        }
        self.depth.set(depth);
        Ok(())
    }

    fn leave(&self) {
        self.depth.set(self.depth.get() - 1);
    }

    fn spend(&self, amount: usize, place: &Place) -> Outcome<()> {
        match self.fuel.get().checked_sub(amount) {
            Some(left) => {
                self.fuel.set(left);
                Ok(())
            }
            None => Err(place
                .error("too-much-work", "computing the values of this file takes too much work")
                .note(format!("all values together may take {FUEL} steps and bytes"))),
        }
    }
}

impl Module<'_> {
    fn block_value(
        &self,
        blocks: &[Block],
        table: &[(&'static str, Takes)],
        (kind, name): (&str, &str),
        attribute: Option<&str>,
        place: &Place,
    ) -> Outcome<Value> {
        let named = || blocks.iter().filter(|block| block.labels[0].0 == name);
        if named().next().is_none() {
            let near = did_you_mean(name, blocks.iter().map(|block| block.labels[0].0.as_str()));
            return Err(place
                .error("unknown-reference", format!("there is no {kind} `{name}`"))
                .maybe_hint(near.map(|near| format!("there is `{near}`"))));
        }
        let one = |wanted: &'static str, takes: Takes| {
            // Of several blocks with one name, the last that has the attribute counts.
            let found = named().filter_map(|block| Some((block, block.body.attribute(wanted)?))).next_back();
            match found {
                Some((block, found)) => {
                    let values =
                        self.forks(block)?.into_iter().next().map(|(_, values)| values).unwrap_or_default();
                    self.attribute(block, found, takes, &Scope::new(values))
                }
                None => Ok(match (wanted, takes) {
                    (_, Takes::Entries) => Value::List(Vec::new()),
                    ("description", _) => Value::text(""),
                    _ => Value::Null,
                }),
            }
        };
        match attribute {
            Some("name") => Ok(Value::text(name)),
            Some(wanted) => match table.iter().find(|(known, _)| *known == wanted) {
                Some((known, takes)) => one(known, *takes),
                None => Err(place
                    .error("unknown-attribute", format!("a {kind} has no attribute `{wanted}`"))
                    .maybe_hint(
                        did_you_mean(wanted, table.iter().map(|(name, _)| *name))
                            .map(|near| format!("there is `{near}`")),
                    )),
            },
            None => {
                let mut all = BTreeMap::from([("name".to_owned(), Value::text(name))]);
                for (known, takes) in table {
                    all.insert((*known).to_owned(), one(known, *takes)?);
                }
                Ok(Value::Object(all))
            }
        }
    }
}

fn bad_value(attribute: &Attribute, error: &str) -> Problem {
    attribute.value.place.error("bad-value", format!("`{}`: {error}", attribute.name))
}

/// Names that can be typed on a command line.
fn check_name(name: &str, place: &Place) -> Outcome<()> {
    crate::check_target_name(name).map_err(|message| place.error("bad-name", message))
}

/// A block that made something else than its own name stands for all that it made.
fn note_rename(block: &Block, names: impl Iterator<Item = String>, renamed: &mut Vec<Group>) {
    let label = &block.labels[0].0;
    let names: Vec<String> = names.collect();
    if block.body.attribute("matrix").is_none() || names.as_slice() == [label.clone()] {
        return;
    }
    match renamed.iter_mut().find(|group| group.name == *label) {
        Some(group) => group.targets.extend(names),
        None => renamed.push(Group { name: label.clone(), description: String::new(), targets: names }),
    }
}

fn dedup(problems: &mut Vec<Problem>) {
    crate::entry::each_once(problems);
}

fn shown_variable(name: &str, variable: &VariableBlock, value: &Value) -> Variable {
    let value = match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => {
            let mut text = String::new();
            write_json(other, &mut text);
            Some(text)
        }
    };
    let kind = variable.kind.as_ref().map(shown_type);
    Variable { name: name.to_owned(), kind, value, description: variable.description.clone() }
}

/// A type in the words of the list of variables.
fn shown_type(kind: &Type) -> String {
    match kind {
        Type::Any => "any single type".to_owned(),
        Type::List(element) => format!("list of {}", shown_type(element)),
        Type::Set(element) => format!("set of {}", shown_type(element)),
        Type::Map(element) => format!("map of {}", shown_type(element)),
        Type::Tuple(_) => "tuple".to_owned(),
        Type::Object { .. } => "object".to_owned(),
        other => other.to_string(),
    }
}

fn variable_block(body: &Body, place: &Place) -> Outcome<VariableBlock> {
    let kind = body.attribute("type").map(|kind| bare(&kind.value).and_then(|kind| type_expression(&kind)));
    let mut validations = Vec::new();
    for block in &body.blocks {
        if block.kind != "validation" {
            return Err(block
                .kind_place
                .error("unknown-block", format!("a variable has no block `{}`", block.kind))
                .hint("there is `validation`"));
        }
        let Some(condition) = block.body.attribute("condition") else {
            return Err(block.kind_place.error("no-condition", "a validation needs a `condition`"));
        };
        let message = block.body.attribute("error_message").map(|message| message.value.clone());
        validations.push(Validation { condition: condition.value.clone(), message });
    }
    Ok(VariableBlock {
        place: place.clone(),
        kind: kind.transpose()?,
        default: body.attribute("default").map(|default| default.value.clone()),
        description: body.attribute("description").and_then(|text| text.value.as_text()).map(str::to_owned),
        validations,
    })
}

fn function_block(body: &Body, place: &Place) -> Outcome<FunctionBlock> {
    let missing = |what: &str| place.error("bad-function", format!("a function needs `{what}`"));
    let result = body.attribute("result").ok_or_else(|| missing("result"))?.value.clone();
    let parameters = match body.attribute("params") {
        Some(attribute) => match &attribute.value.kind {
            crate::language::ExprKind::Tuple(list) => list
                .iter()
                .map(|expr| {
                    word(expr).ok_or_else(|| expr.place.error("bad-function", "a parameter is a plain word"))
                })
                .collect::<Outcome<_>>()?,
            _ => return Err(attribute.value.place.error("bad-function", "`params` is a list of names")),
        },
        None => return Err(missing("params")),
    };
    let variadic = match body.attribute("variadic_params").or_else(|| body.attribute("variadic_param")) {
        Some(attribute) => match word(&attribute.value) {
            Some(name) => Some(name),
            None => return Err(attribute.value.place.error("bad-function", "this is one name")),
        },
        None => None,
    };
    Ok(FunctionBlock { place: place.clone(), parameters, variadic, result })
}
