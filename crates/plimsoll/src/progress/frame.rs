//! The picture of a build, laid out for a size: a header, one line for what has started, and the last output of what runs.

use super::state::{Entry, Outcome, State, Status};
use super::text::{Paint, Style, amount, fit, width, without_colors};
use crate::output::{human_bytes, short_duration};

/// Lines of output under a running step.
const TAIL: usize = 5;
/// Lines of output under the only running step.
const LONE_TAIL: usize = 6;
/// A remark that would be cut below this says nothing.
const NARROWEST_REMARK: usize = 16;

/// The size of a terminal, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

/// The lines of the picture while the build runs: at most one less than the terminal has, none wider than it.
pub(super) fn live(state: &State, now: f64, size: Size, paint: Paint) -> Vec<String> {
    let entries: Vec<&Entry> = state.order.iter().map(|place| &state.entries[*place]).collect();
    // One row is the header's, and one is the cursor's.
    let plan = plan(&entries, size.rows.saturating_sub(2));
    lines(state, &entries, &plan, now, size.columns, paint)
}

/// The lines that stay when the build is over: everything, whatever the terminal's height.
pub(super) fn last(state: &State, now: f64, columns: usize, paint: Paint) -> Vec<String> {
    let entries: Vec<&Entry> = state.order.iter().map(|place| &state.entries[*place]).collect();
    let tail = |entry: &Entry| if entry.status == Status::Failed { entry.tail.len() } else { 0 };
    let plan =
        Plan { shown: entries.iter().enumerate().map(|(at, entry)| (at, tail(entry))).collect(), hidden: 0 };
    lines(state, &entries, &plan, now, columns, paint)
}

/// What is shown.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    /// Entries, each with the number of lines of its output.
    shown: Vec<(usize, usize)>,
    /// How many are not shown.
    hidden: usize,
}

/// Shares `rows` out: first to what runs or failed, then to its output, then to what is done.
fn plan(entries: &[&Entry], rows: usize) -> Plan {
    let runs = entries.iter().filter(|entry| entry.status == Status::Running).count();
    let longest = if runs == 1 { LONE_TAIL } else { TAIL };
    let (important, finished): (Vec<usize>, Vec<usize>) = (0..entries.len())
        .partition(|at| entries[*at].status.is_active() || entries[*at].status == Status::Failed);
    if important.len() > rows || (important.len() == rows && !finished.is_empty()) {
        return crowded(entries, important, rows);
    }
    let mut wanted: Vec<(usize, usize)> = important
        .iter()
        .map(|at| match entries[*at].status {
            Status::Failed => (*at, entries[*at].tail.len()),
            _ => (*at, entries[*at].tail.len().min(longest)),
        })
        .collect();
    let room = rows - important.len();
    let all: usize = wanted.iter().map(|(_, lines)| lines).sum();
    // Output may take what finished lines leave, and two thirds of the room in any case.
    let mut tails = all.min(room.saturating_sub(finished.len()).max(room * 2 / 3));
    if !finished.is_empty() && tails == room {
        tails -= 1;
    }
    share(&mut wanted, tails);
    let places = room - tails;
    let kept = if finished.len() <= places { finished.len() } else { places.saturating_sub(1) };
    let hidden = finished.len() - kept;
    let mut shown = wanted;
    shown.extend(finished[hidden..].iter().map(|at| (*at, 0)));
    shown.sort_unstable();
    Plan { shown, hidden }
}

/// Not even what runs has room: the newest is shown, and what failed.
fn crowded(entries: &[&Entry], mut important: Vec<usize>, rows: usize) -> Plan {
    important.sort_by_key(|at| (entries[*at].status != Status::Failed, std::cmp::Reverse(*at)));
    important.truncate(rows.saturating_sub(1));
    important.sort_unstable();
    let hidden = entries.len() - important.len();
    Plan { shown: important.into_iter().map(|at| (at, 0)).collect(), hidden }
}

/// Cuts the wanted lines to `lines` in all, evenly.
fn share(wanted: &mut [(usize, usize)], mut lines: usize) {
    let asked: Vec<usize> = wanted.iter().map(|(_, asked)| *asked).collect();
    wanted.iter_mut().for_each(|(_, given)| *given = 0);
    while lines > 0 {
        let before = lines;
        // From the newest: it gets what cannot be divided.
        for (place, (_, given)) in wanted.iter_mut().enumerate().rev() {
            if lines > 0 && *given < asked[place] {
                *given += 1;
                lines -= 1;
            }
        }
        if lines == before {
            break;
        }
    }
}

fn lines(
    state: &State,
    entries: &[&Entry],
    plan: &Plan,
    now: f64,
    columns: usize,
    paint: Paint,
) -> Vec<String> {
    let mut lines = vec![header(state, now, columns, paint)];
    // A terminal of two rows has room for the header only.
    if plan.hidden > 0 && (!plan.shown.is_empty() || plan.hidden < entries.len()) {
        let text = format!(" … {} more", plan.hidden);
        lines.push(paint.style(Style::Dim, &fit(&text, columns)));
    }
    for (at, tail) in &plan.shown {
        let entry = entries[*at];
        lines.push(row(entry, now, columns, paint));
        for text in entry.tail.iter().skip(entry.tail.len() - tail) {
            lines.push(output_line(entry, text, columns, paint));
        }
    }
    lines
}

fn header(state: &State, now: f64, columns: usize, paint: Paint) -> String {
    let (word, style) = match state.outcome {
        Outcome::Building => ("building", Style::Bold),
        Outcome::Built => ("built", Style::Good),
        Outcome::Failed => ("failed", Style::Bad),
        Outcome::Ended => ("ended", Style::Bold),
    };
    let mut text = format!("[+] {word} {}", short_duration(state.seconds(now)));
    let (done, all) = state.steps();
    if all > 0 {
        text = format!("{text} ({done}/{all})");
    }
    paint.style(style, &fit(&text, columns))
}

fn output_line(entry: &Entry, text: &str, columns: usize, paint: Paint) -> String {
    // What failed keeps the colours that it wrote; beside what goes on they would shout.
    if entry.status == Status::Failed && paint.color {
        fit(&format!("   {} {text}", paint.style(Style::Bad, "│")), columns)
    } else {
        paint.style(Style::Dim, &fit(&format!("   │ {}", without_colors(text)), columns))
    }
}

/// `mark name · remark … transfer time`
fn row(entry: &Entry, now: f64, columns: usize, paint: Paint) -> String {
    let (mark, style) = match entry.status {
        Status::Known | Status::Running => ("►", Style::Busy),
        Status::Waiting => ("◌", Style::Dim),
        Status::Cached | Status::Done => ("✔", Style::Good),
        Status::Failed => ("✘", Style::Bad),
        Status::Stopped => ("–", Style::Dim),
    };
    let time = match entry.status {
        Status::Cached => "cached".to_owned(),
        _ => short_duration(entry.seconds(now)),
    };
    let mut right = match (&entry.transfer, entry.status) {
        (Some(transfer), Status::Running) => transfer_text(transfer, now, columns),
        (Some(transfer), Status::Done) => human_bytes(transfer.total.unwrap_or(transfer.done)),
        (Some(transfer), _) => amount(transfer.done, transfer.total),
        _ => String::new(),
    };
    right = format!("{right} {time:>7}");
    let left = columns.saturating_sub(3 + width(&right));
    if left == 0 {
        return fit(&format!(" {mark} {}", entry.name), columns);
    }
    let name = fit(&entry.name, left);
    let mut line = format!(" {} ", paint.style(style, mark));
    line.push_str(&match entry.status {
        Status::Failed => paint.style(Style::Bad, &name),
        Status::Stopped => paint.style(Style::Dim, &name),
        _ => name.clone(),
    });
    let mut used = width(&name);
    let remark = match entry.status {
        Status::Waiting => Some("another build runs the same step"),
        Status::Stopped => Some("stopped"),
        _ => entry.remark.as_deref(),
    };
    if let Some(remark) = remark {
        let room = left.saturating_sub(used + 3);
        if width(remark) <= room || room >= NARROWEST_REMARK {
            let remark = format!(" · {}", fit(remark, room));
            used += width(&remark);
            line.push_str(&paint.style(Style::Dim, &remark));
        }
    }
    line.push_str(&" ".repeat(left - used));
    line.push_str(&paint.style(Style::Dim, &right));
    line
}

/// A bar, the bytes and the speed; in a narrow terminal the bytes only.
fn transfer_text(transfer: &super::state::Transfer, now: f64, columns: usize) -> String {
    let amount = amount(transfer.done, transfer.total);
    if columns < 60 {
        return format!(" {amount}");
    }
    let length = if columns < 100 { 10 } else { 20 };
    let bar = match transfer.total {
        Some(total) if total > 0 => bar(transfer.done, total, length),
        _ => " ".repeat(length),
    };
    let rate = transfer.rate(now).map_or_else(String::new, |rate| format!("{}/s", human_bytes(rate)));
    format!(" {bar} {amount:>14} {rate:>10}")
}

fn bar(done: u64, total: u64, length: usize) -> String {
    let full = u128::from(done.min(total)) * length as u128 / u128::from(total);
    let full = usize::try_from(full).unwrap_or(length);
    format!("{}{}", "━".repeat(full), "─".repeat(length - full))
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
