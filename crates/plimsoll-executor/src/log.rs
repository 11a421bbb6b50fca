//! What a command writes: split into lines, secrets masked, sent as events and kept in a file.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use plimsoll_solver::{EventKind, EventSink, Stream};

/// Lines that a failure shows.
const TAIL_LINES: usize = 20;
/// A line longer than this many bytes is cut into several.
const LONGEST_LINE: usize = 64 * 1024;
/// What stands in a log for a secret.
const MASK: &[u8] = b"*****";

/// Replaces the exact values of secrets.
#[derive(Default)]
pub(crate) struct Mask {
    values: Vec<Vec<u8>>,
}

impl Mask {
    /// Masks these values; each line of a value of several lines is masked for itself, as logs are lines.
    pub(crate) fn new<'a>(secrets: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut values = Vec::new();
        for secret in secrets {
            let lines: Vec<&[u8]> =
                secret.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.is_empty()).collect();
            let several = lines.len() > 1;
            // A line such as `}` of a JSON secret says nothing, and masking it would make logs unreadable.
            values.extend(lines.into_iter().filter(|line| !several || line.len() > 3).map(<[u8]>::to_vec));
        }
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        values.dedup();
        Self { values }
    }

    fn longest(&self) -> usize {
        self.values.first().map_or(0, Vec::len)
    }

    /// The line with every secret replaced.
    fn apply(&self, line: &[u8]) -> Vec<u8> {
        if self.values.is_empty() {
            return line.to_vec();
        }
        let mut out = Vec::with_capacity(line.len());
        let mut rest = line;
        while !rest.is_empty() {
            if let Some(secret) = self.values.iter().find(|secret| rest.starts_with(secret)) {
                out.extend_from_slice(MASK);
                rest = &rest[secret.len()..];
            } else {
                out.push(rest[0]);
                rest = &rest[1..];
            }
        }
        out
    }
}

/// The log of one command.
pub(crate) struct Log<'e> {
    vertex: usize,
    events: &'e dyn EventSink,
    mask: Mask,
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    file: BufWriter<File>,
    tail: VecDeque<String>,
}

impl<'e> Log<'e> {
    /// A log kept at `path`.
    pub(crate) fn create(
        path: &Path,
        vertex: usize,
        events: &'e dyn EventSink,
        mask: Mask,
    ) -> io::Result<Self> {
        use std::os::unix::fs::OpenOptionsExt;
        let file = File::options().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        let state = Mutex::new(State { file: BufWriter::new(file), tail: VecDeque::new() });
        Ok(Self { vertex, events, mask, path: path.to_owned(), state })
    }

    /// Reads one output of the command to its end.
    pub(crate) fn pump(&self, output: OwnedFd, stream: Stream) -> io::Result<()> {
        let mut output = File::from(output);
        let mut buffer = vec![0; 32 * 1024];
        let mut pending = Vec::new();
        loop {
            let read = match output.read(&mut buffer) {
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if read == 0 {
                break;
            }
            pending.extend_from_slice(&buffer[..read]);
            let mut start = 0;
            while let Some(end) = pending[start..].iter().position(|byte| *byte == b'\n') {
                self.line(&pending[start..start + end], stream)?;
                start += end + 1;
            }
            pending.drain(..start);
            // The cut may go through a secret: what could be the beginning of one is kept for the next piece.
            if pending.len() > LONGEST_LINE + self.mask.longest() {
                let mut masked = self.mask.apply(&pending);
                pending =
                    masked.split_off(masked.len().saturating_sub(self.mask.longest().saturating_sub(1)));
                self.line(&masked, stream)?;
            }
        }
        if !pending.is_empty() {
            self.line(&pending, stream)?;
        }
        Ok(())
    }

    fn line(&self, line: &[u8], stream: Stream) -> io::Result<()> {
        let masked = self.mask.apply(line.strip_suffix(b"\r").unwrap_or(line));
        let text = String::from_utf8_lossy(&masked).into_owned();
        {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.file.write_all(&masked)?;
            state.file.write_all(b"\n")?;
            if state.tail.len() == TAIL_LINES {
                state.tail.pop_front();
            }
            state.tail.push_back(text.clone());
        }
        self.events.send(EventKind::Log { vertex: self.vertex, stream, text });
        Ok(())
    }

    /// Ends the log; gives its last lines and its path.
    pub(crate) fn finish(self) -> io::Result<(Vec<String>, PathBuf)> {
        let mut state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        state.file.flush()?;
        Ok((state.tail.into(), self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_values_are_masked_longest_first() {
        let mask = Mask::new([&b"token"[..], b"token-long\n"]);
        assert_eq!(mask.apply(b"a token-long b token"), b"a ***** b *****");
    }

    #[test]
    fn every_telling_line_of_a_long_secret_is_masked() {
        let mask = Mask::new([&b"{\n  first-part\nsecond\n}\n"[..]]);
        assert_eq!(mask.apply(b"x second y"), b"x ***** y");
        assert_eq!(mask.apply(b"fn main() { }"), b"fn main() { }");
    }

    #[test]
    fn an_empty_secret_masks_nothing() {
        assert_eq!(Mask::new([&b""[..], b"\n"]).apply(b"abc"), b"abc");
    }
}
