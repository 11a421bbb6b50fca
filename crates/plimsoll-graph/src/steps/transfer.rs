//! `COPY` and `ADD`.

use plimsoll_diagnostics::{Diagnostic, Spanned};
use plimsoll_dockerfile::{Add, Copy, Heredoc, Instruction, Source, Transfer};
use plimsoll_oci::Digest;

use crate::lower::MAIN_CONTEXT;
use crate::problems::{Reported, Reporting};
use crate::stage::StageLowering;
use crate::{AddSource, CopyOp, CopySource, Op, OwnerSpec, VertexId, paths};

/// What `COPY` and `ADD` do differently.
struct Manner<'i> {
    keyword: &'static str,
    /// Where paths are taken from; without it the build context.
    from: Option<&'i Spanned<String>>,
    parents: bool,
    /// Local archives are unpacked.
    unpack: bool,
    /// Remote archives are unpacked.
    unpack_remote: bool,
    checksum: Option<&'i Spanned<String>>,
    /// Addresses are fetched.
    remote: bool,
}

impl StageLowering<'_, '_> {
    pub(crate) fn copy(&mut self, copy: &Copy, instruction: &Instruction) -> Reporting {
        let manner = Manner {
            keyword: "COPY",
            from: copy.from.as_ref().filter(|from| !from.value.is_empty()),
            parents: copy.parents.as_ref().is_some_and(|flag| flag.value),
            unpack: false,
            unpack_remote: false,
            checksum: None,
            remote: false,
        };
        self.transfer(&copy.transfer, &manner, instruction)
    }

    pub(crate) fn add(&mut self, add: &Add, instruction: &Instruction) -> Reporting {
        if let Some(flag) = add.keep_git_dir.as_ref().filter(|flag| flag.value) {
            self.lowering.problems.report(
                Diagnostic::error("unsupported-flag", "`ADD --keep-git-dir` is not supported yet")
                    .at(flag.span)
                    .hint("clone the repository in a `RUN` step, or use it as a named context"),
            );
            return Err(Reported);
        }
        let unpack = add.unpack.as_ref().map(|flag| flag.value);
        let manner = Manner {
            keyword: "ADD",
            from: None,
            parents: false,
            unpack: unpack.unwrap_or(true),
            unpack_remote: unpack.unwrap_or(false),
            checksum: add.checksum.as_ref(),
            remote: true,
        };
        self.transfer(&add.transfer, &manner, instruction)
    }

    fn transfer(&mut self, transfer: &Transfer, manner: &Manner<'_>, instruction: &Instruction) -> Reporting {
        let words = self.with_words(|words, problems| {
            let chown = words.optional(transfer.chown.as_ref(), problems);
            let chmod = words.optional(transfer.chmod.as_ref(), problems);
            let checksum = words.optional(manner.checksum, problems);
            let destination = words.word(&transfer.destination, problems);
            Ok((chown?, chmod?, checksum?, destination?))
        });
        let (chown, chmod, checksum, destination) = words?;
        // `--chown=$OWNER` without a value leaves the owner alone, and so does a mode.
        let given = |value: Option<String>| value.filter(|value| !value.is_empty());
        let (chown, chmod, checksum) = (given(chown), given(chmod), given(checksum));
        let owner = chown.as_deref().map(owner);
        self.check_mode(transfer.chmod.as_ref(), chmod.as_deref())?;
        let checksum = self.checksum(transfer, manner, checksum.as_deref())?;

        let mut shown = vec![manner.keyword.to_owned()];
        shown.extend(manner.parents.then(|| "--parents".to_owned()));
        shown.extend(chown.as_ref().map(|chown| format!("--chown={chown}")));
        shown.extend(chmod.as_ref().map(|chmod| format!("--chmod={chmod}")));
        let mut inline = Vec::new();
        let mut inputs = vec![self.state.root];
        let mut sources = Vec::new();
        for source in &transfer.sources {
            match source {
                Source::Path(path) => {
                    let written = self.with_words(|words, problems| words.word(path, problems))?;
                    sources.push(self.path(path, &written, manner, checksum, &mut inputs)?);
                    shown.push(written);
                }
                Source::Inline(heredoc) => {
                    inline.push(format!("<<{}", heredoc.name.value));
                    sources.push(self.inline(heredoc)?);
                }
            }
        }
        shown.append(&mut inline);
        shown.push(destination.clone());

        let target = paths::destination(self.state.directory(), &destination);
        let op = Op::Copy(CopyOp {
            sources,
            destination: target,
            owner,
            mode: chmod,
            parents: manner.parents,
            exclude: transfer.excludes.iter().map(|pattern| pattern.value.clone()).collect(),
            link: transfer.link.as_ref().is_some_and(|flag| flag.value),
            unpack: manner.unpack,
        });
        let text = self.shown(instruction);
        let name = self.steps.name(&text, &self.state.variables);
        let vertex = self.vertex(op, inputs, name);
        self.state.advance(format!("{} # buildkit", shown.join(" ")), vertex);
        Ok(())
    }

    fn path(
        &mut self,
        place: &Spanned<String>,
        written: &str,
        manner: &Manner<'_>,
        checksum: Option<Digest>,
        inputs: &mut Vec<VertexId>,
    ) -> Reporting<CopySource> {
        let git = is_git(written);
        if !git && !is_http(written) {
            let vertex = self.copied_from(manner)?;
            let input = inputs.iter().skip(1).position(|known| *known == vertex).map_or_else(
                || {
                    inputs.push(vertex);
                    inputs.len() - 1
                },
                |place| place + 1,
            );
            let pattern = if manner.parents { paths::with_pivot(written) } else { paths::relative(written) };
            return Ok(CopySource::Path { input, pattern });
        }
        let problem = if !manner.remote {
            Diagnostic::error("remote-source", format!("`COPY` cannot fetch `{written}`")).hint(if git {
                "clone the repository in a `RUN` step"
            } else {
                "use `ADD`"
            })
        } else if git {
            Diagnostic::error("unsupported-source", "`ADD` of a git repository is not supported yet")
                .hint("clone the repository in a `RUN` step, or use it as a named context")
        } else {
            return Ok(CopySource::Remote(AddSource {
                url: written.to_owned(),
                checksum,
                unpack: manner.unpack_remote,
            }));
        };
        self.lowering.problems.report(problem.at(place.span));
        Err(Reported)
    }

    fn copied_from(&mut self, manner: &Manner<'_>) -> Reporting<VertexId> {
        let Some(from) = manner.from else { return Ok(self.lowering.local(MAIN_CONTEXT, None)) };
        let origin = self.lowering.stages.resolve(from, self.index, true, &mut self.lowering.problems)?;
        self.root_of(&origin)
    }

    fn inline(&mut self, heredoc: &Heredoc) -> Reporting<CopySource> {
        let content = heredoc.content();
        let text = if heredoc.expand {
            let body = Spanned::new(content, heredoc.body.span);
            self.with_words(|words, problems| words.body(&body, problems))?
        } else {
            content
        };
        Ok(CopySource::Inline { name: heredoc.name.value.clone(), text })
    }

    fn check_mode(&mut self, place: Option<&Spanned<String>>, text: Option<&str>) -> Reporting {
        let (Some(place), Some(text)) = (place, text) else { return Ok(()) };
        if is_octal_mode(text) || is_symbolic_mode(text) {
            return Ok(());
        }
        self.lowering.problems.report(
            Diagnostic::error("bad-mode", format!("`{text}` is not a mode"))
                .at(place.span)
                .hint("write up to four octal digits such as `0755`, or a change such as `u=rwX,go=rX`"),
        );
        Err(Reported)
    }

    fn checksum(
        &mut self,
        transfer: &Transfer,
        manner: &Manner<'_>,
        text: Option<&str>,
    ) -> Reporting<Option<Digest>> {
        let (Some(place), Some(text)) = (manner.checksum, text) else {
            return Ok(None);
        };
        let problem = match (transfer.sources.as_slice(), text.parse::<Digest>()) {
            ([Source::Path(source)], Ok(digest)) => {
                let written = self.with_words(|words, problems| words.word(source, problems))?;
                if is_http(&written) || is_git(&written) {
                    return Ok(Some(digest));
                }
                Diagnostic::error("bad-checksum", "`--checksum` is for remote sources only")
            }
            ([Source::Path(_)], Err(error)) => Diagnostic::error("bad-checksum", error.to_string()),
            _ => Diagnostic::error("bad-checksum", "`--checksum` needs exactly one remote source"),
        };
        self.lowering.problems.report(problem.at(place.span));
        Err(Reported)
    }
}

/// `user`, `user:group`, `:group`: what is missing is 0.
fn owner(text: &str) -> OwnerSpec {
    let (user, group) = match text.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (text, None),
    };
    OwnerSpec { user: user.to_owned(), group: group.map(str::to_owned) }
}

fn is_octal_mode(text: &str) -> bool {
    u32::from_str_radix(text, 8).is_ok_and(|mode| mode <= 0o7777) && !text.starts_with('+')
}

/// `[ugoa]*([-+=][rwxXst]*|[ugo])+`, several joined by commas, as `chmod` takes them.
fn is_symbolic_mode(text: &str) -> bool {
    text.split(',').all(|clause| {
        let changes = clause.trim_start_matches(['u', 'g', 'o', 'a']);
        let mut parts = changes.split(['+', '-', '=']);
        let starts_with_operator = parts.next() == Some("");
        starts_with_operator
            && changes.contains(['+', '-', '='])
            && parts.all(|bits| {
                matches!(bits, "u" | "g" | "o") || bits.bytes().all(|bit| b"rwxXst".contains(&bit))
            })
    })
}

fn is_http(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

/// Whether a source is a git repository and cannot be mistaken for a file.
fn is_git(text: &str) -> bool {
    let address = text.split(['#', '?']).next().unwrap_or_default();
    if is_http(text) {
        return address.rsplit_once('.').is_some_and(|(_, extension)| extension == "git");
    }
    text.starts_with("git://") || text.starts_with("ssh://") || text.starts_with("git@") && text.contains(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_octal_or_symbolic() {
        for mode in ["755", "0644", "7777", "u+x", "u=rwX,go=rX", "a-w", "+x", "g=u", "u+rw-x"] {
            assert!(is_octal_mode(mode) || is_symbolic_mode(mode), "{mode}");
        }
        for mode in ["8", "10000", "rwx", "u", "u+q", "+755", "u+x,"] {
            assert!(!is_octal_mode(mode) && !is_symbolic_mode(mode), "{mode}");
        }
    }

    #[test]
    fn repositories_are_told_from_files() {
        for text in
            ["https://host/a.git", "https://host/a.git#main:sub", "git@host:a/b", "ssh://h/a", "git://h/a"]
        {
            assert!(is_git(text), "{text}");
        }
        for text in ["https://host/a.tar.gz", "a.git", "git", "github.com/a/b", "https://host/a?b=c.git"] {
            assert!(!is_git(text), "{text}");
        }
    }
}
