//! Comments that say what is not to be reported.
//!
//! | comment | hides | until |
//! | --- | --- | --- |
//! | `# plimsoll allow=RULE[,RULE] [until=2027-01-31] [reason]` | in the next instruction | the date, if any |
//! | `# plimsoll allow-file=RULE[,RULE] …` | in the whole file | the date, if any |
//! | `# check=skip=RULE[,RULE]` | in the next instruction, as the directive of that name does in the whole file | |
//! | `# hadolint ignore=ID[,ID]` | in the next instruction, if no blank line lies between | |
//! | `# hadolint stage ignore=ID[,ID]`, `global ignore=` | in the next stage, the whole file | |
//! | `#trivy:ignore:ID[:exp:2027-01-31]`, several in a line | in the next instruction | the date, if any |
//!
//! Any id may stand in any of them. `all` and `*` mean all findings that carry an id of the tool whose comment it is.

use plimsoll_dockerfile::{Comment, DirectiveKind, InstructionKind, RuleSet, Span};

use crate::document::Document;
use crate::engine::rule_of;
use crate::finding::Finding;
use crate::rule::{Origin, origin};
use crate::rules::unused_suppression;

/// Where a comment counts, as lines, both ends included.
type Lines = (usize, usize);

/// Lines that no instruction stands on.
const NOWHERE: Lines = (0, 0);

/// One comment that suppresses.
#[derive(Clone, Debug)]
pub(crate) struct Suppression {
    /// The comment.
    place: Span,
    /// Whose comment it is.
    origin: Origin,
    /// The ids in it; `*` for all.
    ids: Vec<String>,
    /// Where it counts; nothing for the whole file.
    lines: Option<Lines>,
    /// The date behind which it has no effect, if that is over.
    ended: Option<String>,
}

impl Suppression {
    /// Whether a finding is hidden.
    pub(crate) fn hides(&self, document: &Document<'_>, finding: &Finding) -> bool {
        self.ended.is_none()
            && self.reaches(document, finding)
            && self.ids.iter().any(|id| self.names(id, finding))
    }

    /// Whether a finding lies where the comment counts.
    fn reaches(&self, document: &Document<'_>, finding: &Finding) -> bool {
        let Some((first, last)) = self.lines else { return true };
        let own = finding.instruction.or(finding.diagnostic.span);
        own.into_iter().chain(finding.concerns.iter().copied()).any(|span| {
            let start = document.lines(span).0;
            first <= start && start <= last
        })
    }

    fn names(&self, id: &str, finding: &Finding) -> bool {
        if id == "*" {
            let carries = |alias: &&str| origin(alias) == self.origin;
            return self.origin == Origin::Own || finding.aliases.iter().any(carries);
        }
        finding.answers_to(id)
    }
}

/// Reads all comments of a file; `today` is a date as it is written, `2027-01-31`.
pub(crate) fn read(document: &Document<'_>, today: Option<&str>) -> Vec<Suppression> {
    let mut found = Vec::new();
    for comment in &document.dockerfile.comments {
        for entry in entries(comment, today) {
            let lines = match entry.reach {
                Reach::File => None,
                Reach::Next => match next_instruction(document, comment) {
                    // hadolint's comments count only directly above.
                    Some(lines)
                        if entry.origin == Origin::Hadolint && !is_close(document, comment, lines) =>
                    {
                        Some(NOWHERE)
                    }
                    Some(lines) => Some(lines),
                    None => continue,
                },
                Reach::Stage => match stage_behind(document, comment) {
                    Some(lines) => Some(lines),
                    None => continue,
                },
            };
            let Entry { origin, ids, ended, .. } = entry;
            found.push(Suppression { place: comment.span, origin, ids, lines, ended });
        }
    }
    found
}

/// Every comment that suppresses, with whether hadolint takes it for one: it must be for one instruction, and know all ids.
pub(crate) fn places(document: &Document<'_>) -> Vec<(Span, bool)> {
    let comments = document.dockerfile.comments.iter();
    let place = |comment: &Comment| {
        let entries = entries(comment, None);
        let first = entries.first()?;
        let knows_all =
            first.ids.iter().all(|id| matches!(origin(id), Origin::Hadolint | Origin::ShellCheck));
        let for_hadolint = first.origin == Origin::Hadolint
            && first.reach == Reach::Next
            && !first.ids.is_empty()
            && knows_all;
        Some((comment.span, for_hadolint))
    };
    comments.filter_map(place).collect()
}

/// Reports comments that hide nothing, and what the `check` directive skips for nothing.
pub(crate) fn unused(
    document: &Document<'_>,
    comments: &[Suppression],
    found: &[Finding],
    skipped: &RuleSet,
) -> Vec<Finding> {
    let mut unused = Vec::new();
    for comment in comments {
        if let Some(date) = &comment.ended {
            unused.push(unused_suppression::ended(comment.place, date));
            continue;
        }
        for id in comment.ids.iter().filter(|id| *id == "*" || is_judged(document, id)) {
            let is_used = found.iter().any(|one| comment.reaches(document, one) && comment.names(id, one));
            if !is_used {
                unused.push(unused_suppression::unused(comment.place, id));
            }
        }
    }
    if let (Some(directive), RuleSet::Rules(names)) =
        (document.dockerfile.directive(DirectiveKind::Check), skipped)
    {
        for name in names.iter().filter(|name| is_judged(document, name)) {
            if !found.iter().any(|one| one.answers_to(name)) {
                unused.push(unused_suppression::unused(directive.span, name));
            }
        }
    }
    unused
}

/// Whether it can be told that an id hides nothing: its rule is known and runs.
fn is_judged(document: &Document<'_>, id: &str) -> bool {
    // The versions of ShellCheck differ in what they report, and often there is none.
    if origin(&id.to_ascii_uppercase()) == Origin::ShellCheck {
        return false;
    }
    let Some(rule) = rule_of(id) else { return false };
    let enable = &document.options.enable;
    // Names that others report only when asked are not reported otherwise.
    !id.eq_ignore_ascii_case("DL3057")
        && (rule.enabled || enable.iter().any(|other| rule_of(other) == Some(rule)))
}

/// Every id in a comment that suppresses, with the comment's place and whose form it has.
pub(crate) fn named(document: &Document<'_>) -> Vec<(Span, Origin, String)> {
    let comments = document.dockerfile.comments.iter();
    comments
        .flat_map(|comment| {
            let entries = entries(comment, None).into_iter();
            entries
                .flat_map(move |entry| entry.ids.into_iter().map(move |id| (comment.span, entry.origin, id)))
        })
        .collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Next,
    Stage,
    File,
}

#[derive(Debug, PartialEq, Eq)]
struct Entry {
    origin: Origin,
    reach: Reach,
    ids: Vec<String>,
    /// The date behind which it has no effect, if that is over.
    ended: Option<String>,
}

fn entries(comment: &Comment, today: Option<&str>) -> Vec<Entry> {
    let text = comment.text.trim();
    if let Some(rest) = text.strip_prefix("plimsoll") {
        return own(rest, today).into_iter().collect();
    }
    if let Some(rest) = text.strip_prefix("hadolint") {
        return hadolint(rest).into_iter().collect();
    }
    if let Some(rest) = strip_name(text, "check") {
        return docker(rest).into_iter().collect();
    }
    if text.starts_with("trivy:ignore:") {
        return trivy(text, today);
    }
    Vec::new()
}

/// Removes `name` and `=` with any blanks around.
fn strip_name<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.strip_prefix(name)?.trim_start().strip_prefix('=').map(str::trim_start)
}

fn ids(list: &str, all: &str) -> Vec<String> {
    list.split(',')
        .map(str::trim)
        .filter(|id| !id.is_empty())
        .map(|id| if id.eq_ignore_ascii_case(all) { "*".to_owned() } else { id.to_owned() })
        .collect()
}

/// ` allow=RULE,RULE until=DATE reason`.
fn own(rest: &str, today: Option<&str>) -> Option<Entry> {
    let mut words = rest.strip_prefix([':', ' ', '\t'])?.split_whitespace();
    let (name, list) = words.next()?.split_once('=')?;
    let reach = match name {
        "allow" => Reach::Next,
        "allow-file" => Reach::File,
        _ => return None,
    };
    let until = words.find_map(|word| word.strip_prefix("until="));
    Some(Entry { origin: Origin::Own, reach, ids: ids(list, "all"), ended: ended(until, today) })
}

/// A date, if it lies before today.
fn ended(until: Option<&str>, today: Option<&str>) -> Option<String> {
    // Dates in this form sort as texts do.
    until.filter(|until| today.is_some_and(|today| *until < today)).map(str::to_owned)
}

/// ` [stage|global] ignore=ID,ID # reason`.
fn hadolint(rest: &str) -> Option<Entry> {
    let rest = rest.trim_start();
    let (reach, rest) = match (rest.strip_prefix("global"), rest.strip_prefix("stage")) {
        (Some(rest), _) => (Reach::File, rest.trim_start()),
        (_, Some(rest)) => (Reach::Stage, rest.trim_start()),
        _ => (Reach::Next, rest),
    };
    let list = strip_name(rest, "ignore")?;
    // Ids go on over blanks behind commas, and end at the reason.
    let list = list.split('#').next().unwrap_or_default();
    let mut found = Vec::new();
    for part in list.split(',') {
        let mut words = part.split_whitespace();
        found.extend(words.next().map(str::to_owned));
        if words.next().is_some() {
            break;
        }
    }
    Some(Entry { origin: Origin::Hadolint, reach, ids: found, ended: None })
}

/// `skip=RULE,RULE`, up to the first blank; other options have no meaning for one instruction.
fn docker(rest: &str) -> Option<Entry> {
    let word = rest.split_whitespace().next()?;
    let list = word.split(';').find_map(|part| part.strip_prefix("skip="))?;
    Some(Entry { origin: Origin::Docker, reach: Reach::Next, ids: ids(list, "all"), ended: None })
}

/// `trivy:ignore:ID[attribute=value]:exp:DATE`, any number of them.
fn trivy(text: &str, today: Option<&str>) -> Vec<Entry> {
    let mut found = Vec::new();
    for word in text.split_whitespace() {
        let Some(rest) = word.trim_start_matches('#').strip_prefix("trivy:ignore:") else { continue };
        let mut parts = rest.split(':');
        let id = parts.next().unwrap_or_default();
        let id = id.split('[').next().unwrap_or_default();
        let until = match (parts.next(), parts.next()) {
            (Some("exp"), until) => until,
            _ => None,
        };
        if !id.is_empty() {
            let (ids, ended) = (vec![id.to_owned()], ended(until, today));
            found.push(Entry { origin: Origin::Trivy, reach: Reach::Next, ids, ended });
        }
    }
    found
}

/// The lines of the instruction that a comment stands above; only comments and blank lines lie between.
fn next_instruction(document: &Document<'_>, comment: &Comment) -> Option<Lines> {
    let instructions = &document.dockerfile.instructions;
    // A comment inside a continued instruction belongs to that one.
    let at = instructions.partition_point(|instruction| instruction.span.end < comment.span.start);
    instructions.get(at).map(|instruction| document.lines(instruction.span))
}

/// Whether no blank line lies between a comment and an instruction.
fn is_close(document: &Document<'_>, comment: &Comment, (first, _): Lines) -> bool {
    let line = document.file.line_of(comment.span.start);
    (line + 1..first).all(|line| !document.file.line_text(line).trim().is_empty())
}

/// The lines of the stage whose `FROM` a comment stands above.
fn stage_behind(document: &Document<'_>, comment: &Comment) -> Option<Lines> {
    let is_from = |kind: &InstructionKind| matches!(kind, InstructionKind::From(_));
    let mut behind = document
        .instructions()
        .skip_while(|instruction| instruction.span.start < comment.span.start)
        .skip_while(|instruction| !is_from(&instruction.kind));
    let first = document.lines(behind.next()?.span).0;
    let last = behind.find(|instruction| is_from(&instruction.kind));
    let last = last.map_or(document.file.line_count(), |next| document.lines(next.span).0 - 1);
    Some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Entry> {
        entries(&Comment { text: text.into(), span: Span::at(0) }, Some("2026-06-15"))
    }

    fn one(text: &str) -> (Origin, Reach, Vec<String>) {
        let mut found = read(text);
        assert_eq!(found.len(), 1, "{text}");
        let entry = found.remove(0);
        (entry.origin, entry.reach, entry.ids)
    }

    fn list(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn each_tool_has_its_own_form() {
        let next = Reach::Next;
        for (text, origin, reach, ids) in [
            (
                "plimsoll allow=relative-workdir,DL3008 it is fine",
                Origin::Own,
                next,
                &["relative-workdir", "DL3008"][..],
            ),
            ("plimsoll allow-file=DL3008", Origin::Own, Reach::File, &["DL3008"]),
            (
                "check=skip=UndefinedVar,StageNameCasing why",
                Origin::Docker,
                next,
                &["UndefinedVar", "StageNameCasing"],
            ),
            ("check = skip=all", Origin::Docker, next, &["*"]),
            ("hadolint ignore=DL3008, SC2086 # why", Origin::Hadolint, next, &["DL3008", "SC2086"]),
            ("hadolint global ignore=DL3008", Origin::Hadolint, Reach::File, &["DL3008"]),
            ("hadolint stage ignore = DL3008 reason", Origin::Hadolint, Reach::Stage, &["DL3008"]),
            ("trivy:ignore:DS-0002[a=b]:exp:2027-01-31", Origin::Trivy, next, &["DS-0002"]),
            ("trivy:ignore:*", Origin::Trivy, next, &["*"]),
        ] {
            assert_eq!(one(text), (origin, reach, list(ids)), "{text}");
        }
        assert_eq!(read("trivy:ignore:DS-0001 #trivy:ignore:AVD-DS-0002").len(), 2);
    }

    #[test]
    fn what_is_no_suppression_is_none() {
        for text in
            ["plimsoll is a line on a hull", "hadolint shell=bash", "checking=skip=x", "check the port"]
        {
            assert_eq!(read(text), [], "{text}");
        }
    }

    #[test]
    fn a_date_that_is_over_is_kept() {
        for (text, ended) in [
            ("plimsoll allow=x until=2026-06-14", Some("2026-06-14")),
            ("trivy:ignore:DS-0001:exp:2020-01-01", Some("2020-01-01")),
            ("plimsoll allow=x until=2026-06-15", None),
        ] {
            assert_eq!(read(text)[0].ended.as_deref(), ended, "{text}");
        }
    }
}
