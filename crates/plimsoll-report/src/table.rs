//! Reports for people, in the width of their terminal.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use plimsoll_diagnostics::sanitize;
use plimsoll_scan::Report;
use plimsoll_scan::report::{Secret, Severity, State};
use unicode_width::UnicodeWidthStr;

use crate::advice;
use crate::facts::facts;
use crate::options::Options;
use crate::text::{clip, counted, located, pad, place, wrap};
use crate::view::{Group, Origin, Row, View, dockerfile, state_words};

/// Lists are cut at these lengths, unless all is asked for.
const ROWS: usize = 10;
const GROUPS: usize = 30;
const SECRETS: usize = 30;
const NOT_SCANNED: usize = 10;
const PLACES: usize = 3;
/// The width of what stands in front of the facts about a target.
const LABEL: usize = 17;
/// The widest severity.
const SEVERITY: usize = 10;
/// A title is left out where there is less room for it.
const SHORTEST_TITLE: usize = 16;

const BOLD: &str = "1";
const DIM: &str = "2";

/// All reports, one after the other.
pub(crate) fn tables(reports: &[Report], options: &Options) -> String {
    let mut out = String::new();
    for (at, report) in reports.iter().enumerate() {
        if at > 0 {
            out.push('\n');
        }
        let mut table = Table { view: View::new(report, options), options, out: String::new() };
        table.push_all();
        for line in table.out.lines() {
            out.push_str(&sanitize::ci_line(line));
            out.push('\n');
        }
    }
    out
}

struct Table<'r> {
    view: View<'r>,
    options: &'r Options,
    out: String,
}

impl Table<'_> {
    fn push_all(&mut self) {
        let target = &self.view.report.target;
        let platform = target.platform.as_ref().map(|platform| format!(" ({platform})")).unwrap_or_default();
        let title = clip(&format!("{}{platform}", target.name), self.options.columns);
        self.push_line(&self.styled(BOLD, &title));
        for (label, text) in facts(&self.view, self.options) {
            self.push_wrapped(&pad(&format!("  {label}"), LABEL + 2), &text);
        }
        self.push_groups();
        self.push_secrets();
        self.push_not_scanned();
    }

    fn push_groups(&mut self) {
        let groups = self.view.groups();
        let shown = self.limit(groups.len(), GROUPS);
        let widths = Widths::new(groups[..shown].iter().flat_map(|group| &group.rows), self.options.columns);
        for group in &groups[..shown] {
            self.out.push('\n');
            self.push_group(group, &widths);
        }
        if shown < groups.len() {
            let rows: usize = groups[shown..].iter().map(|group| group.rows.len()).sum();
            self.out.push('\n');
            let packages = counted(groups.len() - shown, "more package", "more packages");
            let rows = counted(rows, "vulnerability", "vulnerabilities");
            self.push_dim(&format!("{packages} with {rows}: `--all` shows them"));
        }
    }

    fn push_group(&mut self, group: &Group<'_>, widths: &Widths) {
        let columns = self.options.columns;
        let head = clip(&format!("{} {}", group.name, group.version), columns);
        self.push_line(&self.styled(BOLD, &head));
        let same = group.packages.len() == 1 && group.packages.contains(group.name);
        if !same {
            self.push_wrapped(
                "  installed: ",
                &group.packages.iter().copied().collect::<Vec<_>>().join(", "),
            );
        }
        for origin in Origin::all(self.view.report, group.locations.iter().copied()) {
            let text = clip(
                &format!("from {}", origin.words(dockerfile(self.view.report, self.options))),
                columns.saturating_sub(2),
            );
            self.push_line(&format!("  {text}"));
        }
        if !group.kind.is_of_system() {
            let paths: BTreeSet<String> =
                group.locations.iter().map(|one| place(&one.path, one.line)).collect();
            let shown = self.limit(paths.len(), PLACES);
            for path in paths.iter().take(shown) {
                let text = clip(&format!("in {path}"), columns.saturating_sub(2));
                self.push_line(&format!("  {text}"));
            }
            if shown < paths.len() {
                self.push_dim(&format!(
                    "  and {}",
                    counted(paths.len() - shown, "more place", "more places")
                ));
            }
        }
        let shown = self.limit(group.rows.len(), ROWS);
        for row in &group.rows[..shown] {
            let line = self.row(row, group, widths);
            self.push_line(&line);
        }
        if shown < group.rows.len() {
            let rest = counted(group.rows.len() - shown, "more vulnerability", "more vulnerabilities");
            self.push_dim(&format!("  {rest}: `--all` shows them"));
        }
        if let Some(advice) = advice::for_group(self.view.report, group, self.options) {
            self.push_wrapped("  fix: ", &advice);
        }
    }

    fn row(&self, row: &Row<'_>, group: &Group<'_>, widths: &Widths) -> String {
        let one = row.first;
        let severity = one.severity.name().to_uppercase();
        let mut line = format!(
            "  {}{}  {}",
            self.styled(color(one.severity), &severity),
            " ".repeat(SEVERITY - severity.len()),
            pad(&clip(&one.id, widths.id), widths.id),
        );
        let fix = pad(&clip(&fix(row), widths.fix), widths.fix);
        line.push_str("  ");
        line.push_str(&fix);
        let mut notes = String::new();
        if one.is_exploited {
            notes.push_str("EXPLOITED ");
        }
        if row.packages.len() < group.packages.len() {
            let names: Vec<&str> = row.packages.iter().copied().collect();
            let _infallible = write!(notes, "({}) ", names.join(", "));
        }
        notes.push_str(one.title.as_deref().unwrap_or_default());
        let room = if one.is_exploited { widths.title.max("EXPLOITED".len()) } else { widths.title };
        if room > 0 && !notes.trim().is_empty() {
            line.push_str("  ");
            line.push_str(&clip(notes.trim_end(), room));
        }
        line.trim_end().to_owned()
    }

    fn push_secrets(&mut self) {
        if self.view.secrets.is_empty() {
            return;
        }
        self.out.push('\n');
        self.push_line(&self.styled(BOLD, "secrets"));
        let shown = self.limit(self.view.secrets.len(), SECRETS);
        for at in 0..shown {
            let secret = self.view.secrets[at];
            self.push_secret(secret);
        }
        if shown < self.view.secrets.len() {
            let rest = counted(self.view.secrets.len() - shown, "more secret", "more secrets");
            self.push_dim(&format!("  {rest}: `--all` shows them"));
        }
    }

    fn push_secret(&mut self, secret: &Secret) {
        let severity = secret.severity.name().to_uppercase();
        let indent = SEVERITY + 4;
        let room = self.options.columns.saturating_sub(indent);
        let head = clip(&format!("{}: {}", secret.title, secret.masked), room);
        let severity_cell = format!(
            "{}{}",
            self.styled(color(secret.severity), &severity),
            " ".repeat(SEVERITY - severity.len())
        );
        self.push_line(&format!("  {severity_cell}  {head}"));
        let mut lines = vec![format!("in {} ({})", place(&secret.path, Some(secret.line)), secret.rule)];
        if let Some(origin) = Origin::of(self.view.report, secret.layer) {
            lines.push(format!("from {}", origin.words(dockerfile(self.view.report, self.options))));
        }
        if secret.is_deleted_later {
            lines.push("a later layer deletes the file, and it is still in the image".to_owned());
        }
        for line in lines {
            self.push_line(&format!("{}{}", " ".repeat(indent), clip(&line, room)));
        }
    }

    fn push_not_scanned(&mut self) {
        let list = &self.view.report.not_scanned;
        if list.is_empty() {
            return;
        }
        self.out.push('\n');
        self.push_line(&self.styled(BOLD, "not scanned"));
        let shown = self.limit(list.len(), NOT_SCANNED);
        for one in &list[..shown] {
            self.push_wrapped("  ", &located(&one.path, &one.reason));
        }
        if shown < list.len() {
            self.push_dim(&format!("  {} more: `--all` shows them", list.len() - shown));
        }
    }

    /// Text in as many lines as it needs, all as far in as the first one's prefix.
    fn push_wrapped(&mut self, prefix: &str, text: &str) {
        let room = self.options.columns.saturating_sub(prefix.width()).max(20);
        // No more than a page of it: names of strangers have any length.
        let text = clip(text, room * 24);
        for (at, line) in wrap(&text, room).iter().enumerate() {
            let prefix = if at == 0 { prefix.to_owned() } else { " ".repeat(prefix.width()) };
            self.push_line(&format!("{prefix}{line}"));
        }
    }

    fn push_dim(&mut self, text: &str) {
        self.push_line(&self.styled(DIM, text));
    }

    fn push_line(&mut self, line: &str) {
        self.out.push_str(line);
        self.out.push('\n');
    }

    fn styled(&self, style: &str, text: &str) -> String {
        if self.options.color { format!("\x1b[{style}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn limit(&self, length: usize, limit: usize) -> usize {
        // The line that says that one is left out takes as much room as that one.
        if self.options.all || length == limit + 1 { length } else { length.min(limit) }
    }
}

/// How wide the columns of the vulnerabilities are.
struct Widths {
    id: usize,
    fix: usize,
    /// Nothing where there is too little room.
    title: usize,
}

impl Widths {
    fn new<'r>(rows: impl Iterator<Item = &'r Row<'r>>, columns: usize) -> Self {
        let (mut id, mut fix_width) = (0, 0);
        for row in rows {
            id = id.max(row.first.id.width());
            fix_width = fix_width.max(fix(row).width());
        }
        let fixed = 2 + SEVERITY + 2;
        let id = id.min(28).min(columns.saturating_sub(fixed + 14).max(14));
        let room = columns.saturating_sub(fixed + id + 2);
        let fix = fix_width.min(room).min((columns / 2).max(14));
        let title = room.saturating_sub(fix + 2);
        Self { id, fix, title: if title < SHORTEST_TITLE { 0 } else { title } }
    }
}

fn fix(row: &Row<'_>) -> String {
    match (&row.first.fixed, row.first.state) {
        (Some(version), State::Fixed) => format!("→ {version}"),
        (_, state) => state_words(state).to_owned(),
    }
}

fn color(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "1;31",
        Severity::High => "31",
        Severity::Medium => "33",
        Severity::Unknown => "35",
        Severity::Low | Severity::Negligible => "36",
    }
}
