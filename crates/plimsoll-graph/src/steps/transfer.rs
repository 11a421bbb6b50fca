//! `COPY` and `ADD`.

use plimsoll_diagnostics::{Diagnostic, Spanned, Text};
use plimsoll_dockerfile::{Add, Copy, Heredoc, Instruction, Source, Transfer};
use plimsoll_oci::Digest;

use crate::git::decoded;
use crate::lower::MAIN_CONTEXT;
use crate::problems::{Reported, Reporting};
use crate::stage::StageLowering;
use crate::{AddSource, CopyOp, CopySource, GitSource, Op, OwnerSpec, VertexId, paths};

/// What `COPY` and `ADD` do differently.
struct Manner<'i> {
    keyword: &'static str,
    /// Where paths are taken from; without it the build context.
    from: Option<&'i Spanned<Text>>,
    parents: bool,
    /// Local archives are unpacked.
    unpack: bool,
    /// Remote archives are unpacked.
    unpack_remote: bool,
    checksum: Option<&'i Spanned<Text>>,
    /// Whether repositories keep their `.git`; without it their addresses say so.
    keep_git_dir: Option<bool>,
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
            keep_git_dir: None,
            remote: false,
        };
        self.transfer(&copy.transfer, &manner, instruction)
    }

    pub(crate) fn add(&mut self, add: &Add, instruction: &Instruction) -> Reporting {
        let unpack = add.unpack.as_ref().map(|flag| flag.value);
        let manner = Manner {
            keyword: "ADD",
            from: None,
            parents: false,
            unpack: unpack.unwrap_or(true),
            unpack_remote: unpack.unwrap_or(false),
            checksum: add.checksum.as_ref(),
            keep_git_dir: add.keep_git_dir.as_ref().map(|flag| flag.value),
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
        let checksum = self.checksum(transfer, manner, checksum)?;

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
                    sources.push(self.path(path, &written, manner, checksum.as_ref(), &mut inputs)?);
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
        let no_mode = chmod.is_none();
        let op = Op::Copy(CopyOp {
            sources,
            destination: target,
            owner,
            mode: chmod,
            parents: manner.parents,
            exclude: transfer.excludes.iter().map(|pattern| pattern.value.to_string()).collect(),
            // With a new mode the layer is made on those below all the same.
            link: no_mode && transfer.link.as_ref().is_some_and(|flag| flag.value),
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
        place: &Spanned<Text>,
        written: &str,
        manner: &Manner<'_>,
        checksum: Option<&Spanned<Text>>,
        inputs: &mut Vec<VertexId>,
    ) -> Reporting<CopySource> {
        let git = self.repository(place, written, manner, checksum)?;
        let (vertex, pattern) = match git {
            Some(git) => (self.lowering.git(git, Some(place.span)), ".".to_owned()),
            None if is_http(written) => return self.remote(place, written, manner, checksum),
            None if manner.parents => (self.copied_from(manner)?, paths::with_pivot(written)),
            None => (self.copied_from(manner)?, paths::relative(written)),
        };
        let known = inputs.iter().skip(1).position(|known| *known == vertex);
        let input = known.map_or_else(
            || {
                inputs.push(vertex);
                inputs.len() - 1
            },
            |place| place + 1,
        );
        Ok(CopySource::Path { input, pattern })
    }

    /// The repository that a source of `ADD` names.
    fn repository(
        &mut self,
        place: &Spanned<Text>,
        written: &str,
        manner: &Manner<'_>,
        checksum: Option<&Spanned<Text>>,
    ) -> Reporting<Option<GitSource>> {
        let read = GitSource::parse(written).and_then(|git| match (git, checksum) {
            (Some(git), Some(checksum)) => git.with_commit(&checksum.value).map(Some),
            (git, _) => Ok(git),
        });
        let problem = match read {
            Ok(Some(git)) if manner.remote => {
                let keep_git_dir = manner.keep_git_dir.unwrap_or(git.keep_git_dir);
                return Ok(Some(GitSource { keep_git_dir, ..git }));
            }
            Ok(Some(_)) => {
                Diagnostic::error("remote-source", format!("`{}` cannot fetch `{written}`", manner.keyword))
                    .hint("use `ADD`")
            }
            Ok(None) => return Ok(None),
            Err(error) => Diagnostic::error("bad-git-address", error.to_string()),
        };
        self.lowering.problems.report(problem.at(place.span));
        Err(Reported)
    }

    fn remote(
        &mut self,
        place: &Spanned<Text>,
        url: &str,
        manner: &Manner<'_>,
        checksum: Option<&Spanned<Text>>,
    ) -> Reporting<CopySource> {
        if !manner.remote {
            let problem =
                Diagnostic::error("remote-source", format!("`{}` cannot fetch `{url}`", manner.keyword));
            self.lowering.problems.report(problem.at(place.span).hint("use `ADD`"));
            return Err(Reported);
        }
        let checksum = match checksum.map(|checksum| (checksum, checksum.value.parse::<Digest>())) {
            None => None,
            Some((_, Ok(digest))) => Some(digest),
            Some((checksum, Err(error))) => {
                let problem = Diagnostic::error("bad-checksum", error.to_string()).at(checksum.span);
                self.lowering
                    .problems
                    .report(problem.hint("write it as `sha256:` and 64 hexadecimal digits"));
                return Err(Reported);
            }
        };
        Ok(CopySource::Remote(AddSource {
            url: url.to_owned(),
            name: name_of(url),
            checksum,
            unpack: manner.unpack_remote,
        }))
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
            content.to_string()
        };
        Ok(CopySource::Inline { name: heredoc.name.to_string(), text })
    }

    fn check_mode(&mut self, place: Option<&Spanned<Text>>, text: Option<&str>) -> Reporting {
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

    /// The value of `--checksum`, which goes with one remote source.
    fn checksum(
        &mut self,
        transfer: &Transfer,
        manner: &Manner<'_>,
        text: Option<String>,
    ) -> Reporting<Option<Spanned<Text>>> {
        let (Some(place), Some(text)) = (manner.checksum, text) else {
            return Ok(None);
        };
        let message = if let [Source::Path(source)] = transfer.sources.as_slice() {
            let written = self.with_words(|words, problems| words.word(source, problems))?;
            if is_http(&written) || GitSource::parse(&written).is_ok_and(|git| git.is_some()) {
                return Ok(Some(Spanned::new(text.into(), place.span)));
            }
            "`--checksum` is for remote sources only"
        } else {
            "`--checksum` needs exactly one remote source"
        };
        self.lowering.problems.report(Diagnostic::error("bad-checksum", message).at(place.span));
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

/// The name of a file at an address: what its path ends with, whatever the server says.
fn name_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let path = decoded(rest.split_once('/').map_or("", |(_, path)| path), false);
    match path.trim_end_matches('/').rsplit('/').next().unwrap_or_default() {
        "" | "." | ".." => "__unnamed__".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_by_its_address() {
        for (url, name) in [
            ("http://host/a/b.tar?c=/d#/e", "b.tar"),
            ("http://host/a%20b+c", "a b+c"),
            ("http://host/d/", "d"),
            ("http://host", "__unnamed__"),
            ("http://host/?a", "__unnamed__"),
            ("http://host/a/..", "__unnamed__"),
            ("http://host/a%2F..%2Fb", "b"),
        ] {
            assert_eq!(name_of(url), name, "{url}");
        }
    }

    #[test]
    fn modes_are_octal_or_symbolic() {
        for mode in ["755", "0644", "7777", "u+x", "u=rwX,go=rX", "a-w", "+x", "g=u", "u+rw-x"] {
            assert!(is_octal_mode(mode) || is_symbolic_mode(mode), "{mode}");
        }
        for mode in ["8", "10000", "rwx", "u", "u+q", "+755", "u+x,"] {
            assert!(!is_octal_mode(mode) && !is_symbolic_mode(mode), "{mode}");
        }
    }
}
