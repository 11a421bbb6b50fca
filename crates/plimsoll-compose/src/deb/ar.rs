//! The `ar` format, as far as packages use it: short names, even offsets.

use std::io::{self, BufRead, Read};

const MAGIC: &[u8; 8] = b"!<arch>\n";
const HEADER: usize = 60;

pub(super) struct Archive<R> {
    input: R,
    /// Bytes of the current member that were not read, with its padding.
    left: u64,
    padding: u64,
}

/// One member; reading ends at its end.
pub(super) struct Member<'a, R> {
    pub(super) name: String,
    archive: &'a mut Archive<R>,
}

impl<R: BufRead> Archive<R> {
    pub(super) fn new(mut input: R) -> io::Result<Self> {
        let mut magic = [0; MAGIC.len()];
        input.read_exact(&mut magic)?;
        if &magic != MAGIC {
            return Err(malformed("it is no `ar` archive"));
        }
        Ok(Self { input, left: 0, padding: 0 })
    }

    pub(super) fn next_member(&mut self) -> io::Result<Option<Member<'_, R>>> {
        let skip = self.left + self.padding;
        let skipped = io::copy(&mut (&mut self.input).take(skip), &mut io::sink())?;
        // The padding of the last member may be missing.
        if skipped < self.left {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if self.input.fill_buf()?.is_empty() {
            return Ok(None);
        }
        let mut header = [0; HEADER];
        self.input.read_exact(&mut header)?;
        if &header[58..] != b"`\n" {
            return Err(malformed("a member's header is broken"));
        }
        let text = |range: std::ops::Range<usize>| {
            std::str::from_utf8(&header[range]).unwrap_or_default().trim_end()
        };
        let name = text(0..16).trim_end_matches('/').to_owned();
        self.left = text(48..58).parse().map_err(|_| malformed("a member's size is no number"))?;
        self.padding = self.left % 2;
        Ok(Some(Member { name, archive: self }))
    }
}

impl<R: BufRead> Read for Member<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let archive = &mut *self.archive;
        let read = (&mut archive.input).take(archive.left).read(buffer)?;
        if read == 0 && archive.left > 0 && !buffer.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        archive.left -= read as u64;
        Ok(read)
    }
}

fn malformed(problem: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, content: &str) -> String {
        let padding = if content.len() % 2 == 1 { "\n" } else { "" };
        format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n{content}{padding}", 0, 0, 0, 100_644, content.len())
    }

    #[test]
    fn members_are_read_or_passed_over() {
        let text =
            format!("!<arch>\n{}{}{}", member("one", "abc"), member("two/", "defg"), member("three", "h"));
        let mut archive = Archive::new(text.as_bytes()).unwrap();
        let mut seen = Vec::new();
        while let Some(mut member) = archive.next_member().unwrap() {
            let mut content = String::new();
            if member.name != "two" {
                member.read_to_string(&mut content).unwrap();
            }
            seen.push((member.name, content));
        }
        assert_eq!(
            seen,
            [("one".into(), "abc".into()), ("two".into(), String::new()), ("three".into(), "h".into())]
        );
    }

    #[test]
    fn other_files_and_cut_members_are_errors() {
        assert!(Archive::new(&b"PK\x03\x04 nothing"[..]).is_err());
        let text = format!("!<arch>\n{}", member("one", "abcdef"));
        let mut archive = Archive::new(&text.as_bytes()[..text.len() - 3]).unwrap();
        let mut member = archive.next_member().unwrap().unwrap();
        assert!(io::copy(&mut member, &mut io::sink()).is_err());
    }
}
