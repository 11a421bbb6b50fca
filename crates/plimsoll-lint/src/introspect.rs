//! What a file offers to whoever builds it: its stages, and what one of them takes.
//!
//! The first word of the comment right above an `ARG` or a `FROM` being its name, the rest is its description.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plimsoll_diagnostics::encode::pretty;
use plimsoll_diagnostics::{SourceFile, Span, sanitize};
use plimsoll_dockerfile::{ArgDefinition, Instruction, InstructionKind, Mount, MountKind};
use serde::Serialize;

use crate::document::{BaseFacts, Document, Stage};
use crate::output::docker::{Location, location};

/// The word of a `FROM` that names what a stage starts from.
pub struct BaseWord<'d> {
    /// The name, variables put in.
    pub name: &'d str,
    /// The line of the stage that it names.
    pub stage: Option<usize>,
    /// What is known of the image that it names.
    pub facts: Option<&'d BaseFacts>,
}

/// The word of a `FROM` at a place of the file.
pub fn base_at<'d>(document: &'d Document<'_>, offset: usize) -> Option<BaseWord<'d>> {
    document.stages.iter().find_map(|stage| {
        let base = stage.base.as_ref()?;
        let span = base.from.image.span;
        let name = &base.image.as_ref()?.text;
        let line = |parent: usize| {
            let start = document.stages[parent].base.as_ref()?.instruction.span.start;
            Some(document.file.line_of(start))
        };
        (span.start <= offset && offset <= span.end).then(|| BaseWord {
            name,
            stage: stage.parent.and_then(line),
            facts: stage.facts.as_ref(),
        })
    })
}

/// The stages of a file.
#[derive(Debug, Serialize)]
pub struct Targets {
    targets: Vec<Target>,
    sources: [String; 1],
}

#[derive(Debug, Serialize)]
struct Target {
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    default: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    base: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<String>,
    location: Location,
}

/// What a stage takes, with the stages that it needs.
#[derive(Debug, Serialize)]
pub struct Outline {
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    args: Vec<Argument>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    secrets: Vec<Mounted>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ssh: Vec<Mounted>,
    sources: [String; 1],
}

#[derive(Debug, Serialize)]
struct Argument {
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    value: String,
    location: Location,
    #[serde(skip)]
    order: Span,
}

#[derive(Debug, Serialize)]
struct Mounted {
    name: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    required: bool,
    location: Location,
}

impl Targets {
    /// Lists the stages of a file.
    pub fn of(document: &Document<'_>) -> Self {
        let last = document.stages.len().saturating_sub(1);
        let target = |stage: &Stage<'_>| {
            let base = stage.base.as_ref()?;
            Some(Target {
                name: stage.name.clone().unwrap_or_default(),
                default: stage.index == last,
                description: stage_description(document, stage),
                base: base.image.as_ref().map(|word| word.text.clone()).unwrap_or_default(),
                platform: base.platform.as_ref().map(|word| word.text.clone()),
                location: location(document.file, Some(base.instruction.span)),
            })
        };
        Self { targets: document.stages.iter().filter_map(target).collect(), sources: source(document.file) }
    }

    /// The stages as JSON.
    pub fn to_json(&self) -> String {
        pretty(self)
    }

    /// The stages as a table.
    pub fn to_text(&self) -> String {
        let rows = self.targets.iter().map(|target| {
            let mark = if target.default { "(default)" } else { "" };
            let name = [target.name.as_str(), mark].into_iter().filter(|word| !word.is_empty());
            vec![name.collect::<Vec<_>>().join(" "), target.description.clone()]
        });
        table(std::iter::once(vec!["TARGET".to_owned(), "DESCRIPTION".to_owned()]).chain(rows).collect(), 1)
    }
}

impl Outline {
    /// Lists what the target of a document takes: the last of the stages that are looked at.
    pub fn of(document: &Document<'_>) -> Self {
        let target = document.wanted_stages().last();
        let mut outline = Self {
            name: target.and_then(|stage| stage.name.clone()).unwrap_or_default(),
            description: target.map(|stage| stage_description(document, stage)).unwrap_or_default(),
            args: Vec::new(),
            secrets: Vec::new(),
            ssh: Vec::new(),
            sources: source(document.file),
        };
        for stage in document.wanted_stages() {
            outline.globals_of(document, stage);
            for step in &stage.steps {
                match &step.instruction.kind {
                    InstructionKind::Arg(definitions) => {
                        for definition in definitions {
                            outline.argument(document, stage, step.instruction, definition);
                        }
                    }
                    InstructionKind::Run(run) => {
                        for mount in &run.mounts {
                            let parsed = Mount::parse(&mount.value, |value| {
                                Ok(document.expand(stage, step, value).unwrap_or_default())
                            });
                            if let Ok(mount) = parsed {
                                outline.mount(document, &mount, step.instruction);
                            }
                        }
                    }
                    _ => {}
                }
            }
        }
        outline.args.sort_by_key(|argument| argument.order);
        outline
    }

    /// Takes in what another platform takes of the same file. Values are those of the first platform.
    pub fn merge(&mut self, other: Self) {
        for argument in other.args {
            if self.args.iter().all(|known| known.name != argument.name) {
                self.args.push(argument);
            }
        }
        self.args.sort_by_key(|argument| argument.order);
        for (list, more) in [(&mut self.secrets, other.secrets), (&mut self.ssh, other.ssh)] {
            for mounted in more {
                match list.iter_mut().find(|known| known.name == mounted.name) {
                    Some(known) => known.required |= mounted.required,
                    None => list.push(mounted),
                }
            }
        }
    }

    /// Takes the global arguments that a `FROM` uses.
    fn globals_of(&mut self, document: &Document<'_>, stage: &Stage<'_>) {
        let Some(base) = &stage.base else { return };
        for word in [&base.image, &base.platform].into_iter().flatten() {
            for name in &word.declared {
                if let Some((instruction, definition)) = global(document, name) {
                    let value = document.globals.value(name).unwrap_or_default();
                    self.add(document, instruction, definition, "", value);
                }
            }
        }
    }

    fn argument(
        &mut self,
        document: &Document<'_>,
        stage: &Stage<'_>,
        instruction: &Instruction,
        definition: &ArgDefinition,
    ) {
        let name = &definition.name.value;
        let value = stage.variables.iter().find(|variable| variable.name == *name);
        let value = value.and_then(|variable| variable.value.as_deref()).unwrap_or_default();
        let own = description(document, instruction, name);
        match global(document, name).filter(|_| definition.default.is_none()) {
            Some((place, global)) => self.add(document, place, global, &own, value),
            // The platform's arguments are given by the builder.
            None if definition.default.is_none() && document.globals.value(name).is_some() => {}
            None => self.add(document, instruction, definition, &own, value),
        }
    }

    fn add(
        &mut self,
        document: &Document<'_>,
        instruction: &Instruction,
        definition: &ArgDefinition,
        own_description: &str,
        value: &str,
    ) {
        let name = definition.name.to_string();
        let description = if own_description.is_empty() {
            description(document, instruction, &name)
        } else {
            own_description.to_owned()
        };
        if let Some(known) = self.args.iter_mut().find(|argument| argument.name == name) {
            if known.description.is_empty() {
                known.description = description;
            }
            return;
        }
        self.args.push(Argument {
            name,
            description,
            value: value.to_owned(),
            location: location(document.file, Some(instruction.span)),
            order: definition.name.span,
        });
    }

    fn mount(&mut self, document: &Document<'_>, mount: &Mount, instruction: &Instruction) {
        let (list, id) = match mount.kind {
            MountKind::Secret => {
                let target =
                    mount.target.as_deref().map(|target| target.rsplit('/').next().unwrap_or(target));
                (&mut self.secrets, mount.id.as_deref().or(target).unwrap_or_default())
            }
            MountKind::Ssh => (&mut self.ssh, mount.id.as_deref().unwrap_or("default")),
            _ => return,
        };
        match list.iter_mut().find(|known| known.name == id) {
            Some(known) => known.required |= mount.required,
            None => list.push(Mounted {
                name: id.to_owned(),
                required: mount.required,
                location: location(document.file, Some(instruction.span)),
            }),
        }
    }

    /// What the target takes as JSON.
    pub fn to_json(&self) -> String {
        pretty(self)
    }

    /// What the target takes as tables.
    pub fn to_text(&self) -> String {
        let cells = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        let mut out = String::new();
        let heads = [("TARGET:", &self.name), ("DESCRIPTION:", &self.description)];
        let heads: Vec<_> = heads
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(head, value)| cells(&[head, value]))
            .collect();
        let mut push = |rows: Vec<Vec<String>>, header: usize, gap| {
            if rows.len() > header {
                out.push_str(&table(rows, gap));
                out.push('\n');
            }
        };
        push(heads, 0, 1);
        let mut rows = vec![cells(&["BUILD ARG", "VALUE", "DESCRIPTION"])];
        rows.extend(self.args.iter().map(|one| cells(&[&one.name, &one.value, &one.description])));
        push(rows, 1, 3);
        for (head, list) in [("SECRET", &self.secrets), ("SSH", &self.ssh)] {
            let mut rows = vec![cells(&[head, "REQUIRED"])];
            rows.extend(list.iter().map(|one| cells(&[&one.name, if one.required { "true" } else { "" }])));
            push(rows, 1, 3);
        }
        out
    }
}

/// The declaration of a global argument.
fn global<'a>(document: &Document<'a>, name: &str) -> Option<(&'a Instruction, &'a ArgDefinition)> {
    document
        .instructions()
        .take_while(|instruction| !matches!(instruction.kind, InstructionKind::From(_)))
        .filter_map(|instruction| match &instruction.kind {
            InstructionKind::Arg(definitions) => Some((instruction, definitions)),
            _ => None,
        })
        .find_map(|(instruction, definitions)| {
            let definition = definitions.iter().find(|definition| definition.name.value == name)?;
            Some((instruction, definition))
        })
}

fn stage_description(document: &Document<'_>, stage: &Stage<'_>) -> String {
    match (&stage.base, &stage.name) {
        (Some(base), Some(name)) => description(document, base.instruction, name),
        _ => String::new(),
    }
}

/// The description of what an instruction defines under a name; empty when there is none.
fn description(document: &Document<'_>, instruction: &Instruction, name: &str) -> String {
    let comment = document.comments_above(instruction).last();
    let parts = comment.and_then(|comment| comment.text.split_once(' '));
    match parts {
        Some((word, rest)) if word.eq_ignore_ascii_case(name) => rest.trim().to_owned(),
        _ => String::new(),
    }
}

fn source(file: &SourceFile) -> [String; 1] {
    [STANDARD.encode(file.text())]
}

/// Rows in columns; the last one is not filled up.
fn table(rows: Vec<Vec<String>>, gap: usize) -> String {
    let rows: Vec<Vec<String>> = rows
        .into_iter()
        .map(|row| row.iter().map(|cell| sanitize::line(cell).into_owned()).collect())
        .collect();
    let columns = rows.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns)
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0) + gap)
        .collect();
    let mut out = String::new();
    for row in &rows {
        for (column, cell) in row.iter().enumerate() {
            out.push_str(cell);
            if column + 1 < columns {
                out.push_str(&" ".repeat(widths[column] - cell.chars().count()));
            }
        }
        out.push('\n');
    }
    out
}
