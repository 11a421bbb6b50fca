//! What a build came to, in a few lines.

use std::fmt::Write as _;

use plimsoll_diagnostics::sanitize;

use super::text::{Paint, Style};
use crate::output::{human_bytes, human_duration};

/// What a successful build came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Summary {
    /// The image's names.
    pub(crate) names: Vec<String>,
    /// The manifest's digest, when an image was made.
    pub(crate) digest: Option<String>,
    /// Size of the files in the image, in bytes, where it is known.
    pub(crate) unpacked_bytes: Option<u64>,
    /// Size of the blobs of all layers, in bytes.
    pub(crate) compressed_bytes: u64,
    /// Number of layers.
    pub(crate) layers: usize,
    /// How long the build took.
    pub(crate) seconds: f64,
    /// Steps that ran.
    pub(crate) steps_run: usize,
    /// Steps whose results were known.
    pub(crate) steps_cached: usize,
    /// What should be known about the bases, shown behind `base:`.
    pub(crate) notes: Vec<String>,
    /// What was written, loaded or pushed, one line each.
    pub(crate) outputs: Vec<String>,
}

impl Summary {
    /// The lines, without line ends.
    pub(super) fn lines(&self, paint: Paint) -> Vec<String> {
        let mut lines = vec![self.headline(paint)];
        if let Some(digest) = &self.digest {
            let mut line = format!("  {}  ", paint.style(Style::Dim, &short_digest(&sanitize::line(digest))));
            if let Some(bytes) = self.unpacked_bytes {
                let _infallible = write!(line, "{} unpacked, ", human_bytes(bytes));
            }
            let plural = if self.layers == 1 { "" } else { "s" };
            let compressed = human_bytes(self.compressed_bytes);
            let _infallible = write!(line, "{compressed} compressed, {} layer{plural}", self.layers);
            lines.push(line);
        }
        lines.extend(self.outputs.iter().map(|output| format!("  {}", sanitize::line(output))));
        lines.extend(self.notes.iter().map(|note| format!("  base: {}", sanitize::line(note))));
        lines
    }

    fn headline(&self, paint: Paint) -> String {
        let names = self.names.iter().map(|name| sanitize::line(name)).collect::<Vec<_>>().join(", ");
        let what = match (names.as_str(), &self.digest) {
            ("", Some(_)) => "an image without a name",
            ("", None) => "what was asked",
            (names, _) => names,
        };
        let time = human_duration(self.seconds);
        let all = self.steps_run + self.steps_cached;
        let steps = match (self.steps_run, self.steps_cached) {
            (0, 0) => String::new(),
            (0, 1) => ", unchanged: the only step is cached".to_owned(),
            (0, _) => format!(", unchanged: all {all} steps cached"),
            (1, 0) => ": the only step run".to_owned(),
            (_, 0) => format!(": all {all} steps run"),
            (run, cached) => format!(": {run} of {all} steps run, {cached} cached"),
        };
        format!("built {} in {time}{steps}", paint.style(Style::Bold, what))
    }
}

/// A digest, cut to what tells images apart at a glance.
pub(super) fn short_digest(digest: &str) -> String {
    match digest.split_once(':') {
        Some((algorithm, hex)) if hex.len() > 12 && hex.is_ascii() => {
            format!("{algorithm}:{}…", &hex[..12])
        }
        _ => digest.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built() -> Summary {
        Summary {
            names: vec!["node-api:prod".to_owned()],
            digest: Some(format!("sha256:1234567890ab{}", "c".repeat(52))),
            unpacked_bytes: Some(118_400_000),
            compressed_bytes: 41_200_000,
            layers: 5,
            seconds: 14.2,
            steps_run: 3,
            steps_cached: 6,
            notes: vec!["node:20 was taken from the store".to_owned()],
            outputs: vec!["pushed 127.0.0.1:5000/a:1".to_owned()],
        }
    }

    #[test]
    fn a_build_is_told_in_one_block() {
        assert_eq!(
            built().lines(Paint::OFF).join("\n"),
            "built node-api:prod in 14.2 s: 3 of 9 steps run, 6 cached\n\
             \x20 sha256:1234567890ab…  118.4 MB unpacked, 41.2 MB compressed, 5 layers\n\
             \x20 pushed 127.0.0.1:5000/a:1\n\
             \x20 base: node:20 was taken from the store"
        );
    }

    #[test]
    fn an_unchanged_build_says_so() {
        let summary = Summary { steps_run: 0, steps_cached: 9, seconds: 0.21, ..built() };
        assert_eq!(
            summary.lines(Paint::OFF)[0],
            "built node-api:prod in 0.2 s, unchanged: all 9 steps cached"
        );
        let summary = Summary { steps_run: 0, steps_cached: 1, seconds: 0.21, ..built() };
        assert_eq!(
            summary.lines(Paint::OFF)[0],
            "built node-api:prod in 0.2 s, unchanged: the only step is cached"
        );
    }

    #[test]
    fn names_from_outside_cannot_write_control_characters() {
        let summary = Summary { names: vec!["a\x1b[2J".to_owned()], ..built() };
        assert!(summary.lines(Paint::OFF)[0].starts_with("built a\\x1b[2J in"));
    }
}
