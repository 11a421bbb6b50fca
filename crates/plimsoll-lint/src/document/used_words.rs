//! Which words of an instruction variables are put into.

use plimsoll_diagnostics::{Span, Spanned, Text};
use plimsoll_dockerfile::words::{self, Lookup, Options, Quotes};
use plimsoll_dockerfile::{InstructionKind, Mount, Source, Transfer};

/// Expands every word of an instruction that is expanded at all, for the sake of what it asks of `lookup`.
///
/// `seen` is called behind each word with its place. The words of `EXPOSE` and the values of `--exclude` are not among
/// them, as nobody tells what they lack.
pub(super) fn visit(kind: &InstructionKind, escape: char, lookup: &Lookup<'_>, seen: &mut dyn FnMut(Span)) {
    let mut word = |word: &Spanned<Text>| {
        let _broken_words_are_errors_of_the_builder = words::expand(&word.value, escape, lookup);
        seen(word.span);
    };
    match kind {
        InstructionKind::Env(pairs) | InstructionKind::Label(pairs) => {
            for pair in &pairs.pairs {
                word(&pair.key);
                word(&pair.value);
            }
        }
        InstructionKind::Arg(definitions) => {
            definitions.iter().filter_map(|definition| definition.default.as_ref()).for_each(word);
        }
        InstructionKind::User(value)
        | InstructionKind::Workdir(value)
        | InstructionKind::Stopsignal(value) => word(value),
        InstructionKind::Volume(paths) => paths.iter().for_each(word),
        InstructionKind::Copy(copy) => transfer(&copy.transfer, lookup, &mut word),
        InstructionKind::Add(add) => {
            transfer(&add.transfer, lookup, &mut word);
            add.checksum.iter().for_each(word);
        }
        InstructionKind::Run(run) => {
            for mount in &run.mounts {
                let _errors_are_the_builders =
                    Mount::parse(&mount.value, |value| words::expand(value, escape, lookup));
                seen(mount.span);
            }
        }
        _ => {}
    }
}

fn transfer(transfer: &Transfer, lookup: &Lookup<'_>, word: &mut impl FnMut(&Spanned<Text>)) {
    for source in &transfer.sources {
        match source {
            Source::Path(path) => word(path),
            Source::Inline(heredoc) if heredoc.expand => {
                let options = Options { quotes: Quotes::Literal, ..Options::new('\\') };
                let _errors_are_the_builders = words::process(&heredoc.body.value, options, lookup);
                word(&Spanned::new(Text::new(), heredoc.name.span));
            }
            Source::Inline(_) => {}
        }
    }
    [&transfer.chown, &transfer.chmod].into_iter().flatten().for_each(&mut *word);
    word(&transfer.destination);
}
