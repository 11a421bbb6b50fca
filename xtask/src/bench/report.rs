//! From measurements to the page.

use std::fmt::Write as _;
use std::time::Duration;

use super::case::{Budget, Case};
use super::memory::Peak;
use crate::statistics::{machine, median, range, show_seconds};

/// What was measured of a case; builders by index, plimsoll first.
pub(crate) struct Outcome {
    case: &'static Case,
    builders: Vec<&'static str>,
    seconds: Vec<Vec<f64>>,
    memory: Vec<Option<Peak>>,
}

impl Outcome {
    /// Nothing measured yet.
    pub(crate) fn new(case: &'static Case, builders: Vec<&'static str>) -> Self {
        let count = builders.len();
        Self { case, builders, seconds: vec![Vec::new(); count], memory: vec![None; count] }
    }

    /// Adds the time of one build.
    pub(crate) fn add(&mut self, builder: usize, time: Duration) {
        self.seconds[builder].push(time.as_secs_f64());
    }

    /// Sets the peak of a build that was not timed.
    pub(crate) fn set_memory(&mut self, builder: usize, peak: Option<Peak>) {
        self.memory[builder] = peak;
    }

    /// plimsoll's time as a part of another builder's, round by round.
    fn ratios(&self, builder: usize) -> Vec<f64> {
        self.seconds[0].iter().zip(&self.seconds[builder]).map(|(own, other)| own / other).collect()
    }

    /// Whether the budget is kept; nothing when the case has none or the peer was not measured.
    fn within_budget(&self) -> Option<bool> {
        match self.case.budget {
            Budget::None => None,
            Budget::Seconds(most) => Some(median(&self.seconds[0]) <= most),
            Budget::Ratio(most) => {
                let peer = self.builders.iter().position(|name| *name == "BuildKit")?;
                Some(median(&self.ratios(peer)) <= most)
            }
        }
    }

    fn budget(&self) -> String {
        let limit = match self.case.budget {
            Budget::None => return String::new(),
            Budget::Seconds(seconds) => format!("≤ {seconds} s"),
            Budget::Ratio(ratio) => format!("≤ {ratio}"),
        };
        match self.within_budget() {
            Some(true) => format!("{limit} ✓"),
            Some(false) => format!("{limit} ✗"),
            None => limit,
        }
    }
}

/// One outcome for the terminal.
pub(crate) fn line(outcome: &Outcome) -> String {
    let mut text = String::new();
    for (index, name) in outcome.builders.iter().enumerate() {
        let times = &outcome.seconds[index];
        let (low, high) = range(times);
        let shown = [median(times), low, high].map(show_seconds);
        // Writing to a string cannot fail.
        let _ = write!(text, "   {name} {} ({}–{})", shown[0], shown[1], shown[2]);
        if index > 0 {
            let _ = write!(text, ", ratio {:.2}", median(&outcome.ratios(index)));
        }
    }
    text + "   " + &outcome.budget()
}

/// The whole page.
pub(crate) fn page(outcomes: &[Outcome], versions: &[String], rounds: u32) -> String {
    let versions: Vec<_> = versions.iter().map(|version| format!("- {version}")).collect();
    [
        "<!-- written by `cargo xtask bench` -->\n\n# Benchmarks\n\n",
        "`cargo xtask bench` builds the same Dockerfiles from the same files with several builders, in turn, on one \
         machine. Times are from the start of the command to its end, start-up included: the median, then the \
         smallest and the largest. A ratio is plimsoll's time divided by the other's in the same round: the median \
         of the rounds, then their range.\n\n",
        &format!("At most {rounds} rounds per case, on {}.\n\n", machine()),
        &versions.join("\n"),
        "\n\n## Time\n\n",
        &times(outcomes),
        "\nThe budget is a bound on the ratio to BuildKit, or on plimsoll's own time in seconds.\n",
        "\n## Peak memory\n\n",
        &memory(outcomes),
        "\nIn MiB, of one build that was not timed: the kernel's high-water mark (`VmHWM`) of the command's own \
         process, and for BuildKit of its daemon and containerd, reset before the build. Programs that steps run are \
         in none of them. The budget for plimsoll is 150 MiB.\n",
    ]
    .concat()
}

fn times(outcomes: &[Outcome]) -> String {
    let Some(first) = outcomes.first() else { return String::new() };
    let mut head = vec!["work".to_owned(), "plimsoll".to_owned()];
    head.extend(first.builders[1..].iter().flat_map(|name| [(*name).to_owned(), "ratio".to_owned()]));
    head.push("budget".to_owned());
    let rows = outcomes.iter().map(|outcome| {
        let mut row = vec![outcome.case.title.to_owned()];
        for (index, times) in outcome.seconds.iter().enumerate() {
            row.push(spread(times, show_seconds));
            if index > 0 {
                row.push(spread(&outcome.ratios(index), |ratio| format!("{ratio:.2}")));
            }
        }
        row.push(outcome.budget());
        row
    });
    table(&head, rows)
}

fn memory(outcomes: &[Outcome]) -> String {
    let Some(first) = outcomes.first() else { return String::new() };
    let mut head = vec!["work".to_owned()];
    head.extend(first.builders.iter().map(|name| (*name).to_owned()));
    let rows = outcomes.iter().map(|outcome| {
        let peaks = outcome.memory.iter().map(|peak| match peak {
            Some(peak) => format!("{:.0}", peak.mebibytes()),
            None => "not measured".to_owned(),
        });
        std::iter::once(outcome.case.title.to_owned()).chain(peaks).collect()
    });
    table(&head, rows)
}

/// A table with its first column to the left and all others to the right.
pub(super) fn table(head: &[String], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let rule = format!("| --- |{}\n", " --: |".repeat(head.len() - 1));
    let rows: String = rows.map(|row| line(&row)).collect();
    line(head) + &rule + &rows
}

pub(super) fn spread(values: &[f64], show: impl Fn(f64) -> String) -> String {
    let (low, high) = range(values);
    format!("{} ({}–{})", show(median(values)), show(low), show(high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::case::CASES;

    #[test]
    fn a_budget_is_kept_when_the_median_of_the_ratios_is_below_it() {
        let mut outcome = Outcome::new(&CASES[0], vec!["plimsoll", "BuildKit"]);
        for (own, other) in [(10, 100), (20, 100), (90, 100)] {
            outcome.add(0, Duration::from_millis(own));
            outcome.add(1, Duration::from_millis(other));
        }
        assert_eq!(outcome.within_budget(), Some(true));
        assert!(line(&outcome).contains("ratio 0.20"), "{}", line(&outcome));
        let page = page(&[outcome], &["plimsoll 0".to_owned()], 3);
        assert!(page.contains("20 ms (10 ms–90 ms)"), "{page}");
    }
}
