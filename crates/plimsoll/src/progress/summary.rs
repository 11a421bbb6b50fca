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
    /// The digest of the manifest or index, when an image was made.
    pub(crate) digest: Option<String>,
    /// The images, one a platform.
    pub(crate) images: Vec<PlatformSummary>,
    /// How long the build took.
    pub(crate) seconds: f64,
    /// Steps that ran.
    pub(crate) steps_run: usize,
    /// Steps whose results were known.
    pub(crate) steps_cached: usize,
    /// Steps that ran under an emulator.
    pub(crate) emulated: Vec<EmulatedSummary>,
    /// What should be known about the bases, shown behind `base:`.
    pub(crate) notes: Vec<String>,
    /// What was written, loaded or pushed, one line each.
    pub(crate) outputs: Vec<String>,
    /// The builds that this one was made of, by the names of their targets; of the others, it has their sums then.
    pub(crate) parts: Vec<(String, Summary)>,
}

/// One platform's image.
#[derive(Clone, Debug, Default)]
pub(crate) struct PlatformSummary {
    /// What it is for.
    pub(crate) platform: String,
    /// The manifest's digest.
    pub(crate) digest: String,
    /// Size of the files in the image, in bytes, where it is known.
    pub(crate) unpacked_bytes: Option<u64>,
    /// Size of the blobs of all layers, in bytes.
    pub(crate) compressed_bytes: u64,
    /// Number of layers.
    pub(crate) layers: usize,
}

/// A step that ran under an emulator.
#[derive(Clone, Debug, Default)]
pub(crate) struct EmulatedSummary {
    /// Its name.
    pub(crate) name: String,
    /// The platform it ran for.
    pub(crate) platform: String,
    /// How long it ran.
    pub(crate) seconds: f64,
}

impl PlatformSummary {
    fn sizes(&self) -> String {
        let mut line = String::new();
        if let Some(bytes) = self.unpacked_bytes {
            let _infallible = write!(line, "{} unpacked, ", human_bytes(bytes));
        }
        let plural = if self.layers == 1 { "" } else { "s" };
        let compressed = human_bytes(self.compressed_bytes);
        let _infallible = write!(line, "{compressed} compressed, {} layer{plural}", self.layers);
        line
    }
}

impl Summary {
    /// The lines, without line ends.
    pub(super) fn lines(&self, paint: Paint) -> Vec<String> {
        let mut lines = vec![self.headline(paint)];
        let digest = |digest: &str| paint.style(Style::Dim, &short_digest(&sanitize::line(digest)));
        match (&self.digest, self.images.as_slice()) {
            (None, _) => {}
            (Some(own), [image]) => lines.push(format!("  {}  {}", digest(own), image.sizes())),
            (Some(own), images) => {
                lines.push(format!("  {}  an index of {} platforms", digest(own), images.len()));
                let width = images.iter().map(|image| image.platform.len()).max().unwrap_or(0);
                lines.extend(images.iter().map(|image| {
                    let platform = sanitize::line(&image.platform);
                    format!("    {platform:width$}  {}  {}", digest(&image.digest), image.sizes())
                }));
            }
        }
        lines.extend(self.outputs.iter().map(|output| format!("  {}", sanitize::line(output))));
        lines.extend(self.emulation());
        lines.extend(self.notes.iter().map(|note| format!("  {}", sanitize::line(note))));
        for (target, part) in &self.parts {
            let mut inner = part.lines(paint).into_iter();
            let headline = inner.next().unwrap_or_default();
            lines.push(format!("{}: {headline}", paint.style(Style::Bold, &sanitize::line(target))));
            lines.extend(inner);
        }
        lines
    }

    /// What emulators cost: one line a platform, with the step that took longest.
    fn emulation(&self) -> Vec<String> {
        let mut platforms: Vec<&str> = Vec::new();
        for step in &self.emulated {
            if !platforms.contains(&step.platform.as_str()) {
                platforms.push(&step.platform);
            }
        }
        let line = |platform: &&str| {
            let steps: Vec<_> = self.emulated.iter().filter(|step| step.platform == **platform).collect();
            let all = human_duration(steps.iter().map(|step| step.seconds).sum());
            let longest = steps.iter().max_by(|a, b| a.seconds.total_cmp(&b.seconds));
            let name = longest.map_or_else(String::new, |step| sanitize::line(&step.name).into_owned());
            match steps.len() {
                1 => format!("  emulated: one step for {platform}, {all}: {name}"),
                count => {
                    let most = human_duration(longest.map_or(0.0, |step| step.seconds));
                    format!(
                        "  emulated: {count} steps for {platform}, {all} in all; the longest, {most}: {name}"
                    )
                }
            }
        };
        platforms.iter().map(line).collect()
    }

    /// Several builds as one.
    pub(crate) fn of_parts(parts: Vec<(String, Summary)>, seconds: f64) -> Self {
        let sum = |count: fn(&Summary) -> usize| parts.iter().map(|(_, part)| count(part)).sum();
        let plural = if parts.len() == 1 { "" } else { "s" };
        Self {
            names: vec![format!("{} target{plural}", parts.len())],
            seconds,
            steps_run: sum(|part| part.steps_run),
            steps_cached: sum(|part| part.steps_cached),
            parts,
            ..Self::default()
        }
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
            images: vec![PlatformSummary {
                platform: "linux/amd64".to_owned(),
                digest: String::new(),
                unpacked_bytes: Some(118_400_000),
                compressed_bytes: 41_200_000,
                layers: 5,
            }],
            emulated: Vec::new(),
            seconds: 14.2,
            steps_run: 3,
            steps_cached: 6,
            notes: vec!["base: node:20 was taken from the store".to_owned()],
            outputs: vec!["pushed 127.0.0.1:5000/a:1".to_owned()],
            parts: Vec::new(),
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
    fn several_platforms_and_what_emulators_cost_are_told() {
        let image = |platform: &str| PlatformSummary {
            platform: platform.to_owned(),
            digest: format!("sha256:abcdefabcdef{}", "0".repeat(52)),
            ..built().images[0].clone()
        };
        let step = |name: &str, seconds| EmulatedSummary {
            name: name.to_owned(),
            platform: "linux/arm64".to_owned(),
            seconds,
        };
        let summary = Summary {
            images: vec![image("linux/amd64"), image("linux/arm64")],
            emulated: vec![step("RUN a", 1.0), step("RUN b", 3.5)],
            outputs: Vec::new(),
            notes: Vec::new(),
            ..built()
        };
        assert_eq!(
            summary.lines(Paint::OFF)[1..].join("\n"),
            "\x20 sha256:1234567890ab…  an index of 2 platforms\n\
             \x20   linux/amd64  sha256:abcdefabcdef…  118.4 MB unpacked, 41.2 MB compressed, 5 layers\n\
             \x20   linux/arm64  sha256:abcdefabcdef…  118.4 MB unpacked, 41.2 MB compressed, 5 layers\n\
             \x20 emulated: 2 steps for linux/arm64, 4.5 s in all; the longest, 3.5 s: RUN b"
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
    fn several_builds_have_one_headline_and_a_block_each() {
        let all = Summary::of_parts(vec![("web".to_owned(), built()), ("db".to_owned(), built())], 15.0);
        let lines = all.lines(Paint::OFF);
        assert_eq!(lines[0], "built 2 targets in 15.0 s: 6 of 18 steps run, 12 cached");
        assert_eq!(lines[1], "web: built node-api:prod in 14.2 s: 3 of 9 steps run, 6 cached");
        assert_eq!(lines.len(), 9);
    }

    #[test]
    fn names_from_outside_cannot_write_control_characters() {
        let summary = Summary { names: vec!["a\x1b[2J".to_owned()], ..built() };
        assert!(summary.lines(Paint::OFF)[0].starts_with("built a\\x1b[2J in"));
    }
}
