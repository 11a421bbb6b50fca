//! Heredocs inside of shell code: what is announced on a line follows behind its end.

/// A heredoc whose body is still to come.
pub(super) struct Announced {
    /// The line that ends it.
    pub(super) name: String,
    /// Whether leading tabs do not count.
    pub(super) strip_tabs: bool,
}

impl Announced {
    /// Where the text goes on behind the body that starts at `position`.
    pub(super) fn behind(&self, text: &str, position: usize) -> usize {
        let mut at = position;
        for line in text[position..].split_inclusive('\n') {
            at += line.len();
            let content = line.trim_end_matches('\n');
            let content = if self.strip_tabs { content.trim_start_matches('\t') } else { content };
            if content == self.name {
                break;
            }
        }
        at
    }
}
