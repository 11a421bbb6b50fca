//! What goes into the key of a vertex, and the digests of the files that it selects.

use std::collections::BTreeMap;

use plimsoll_dockerfile::ignore::IgnoreFile;
use plimsoll_graph::{CopySource, MountKind, Op, Vertex, VertexId, canonical};
use plimsoll_layer::{Found, Kind, SelectionOwners};
use plimsoll_oci::{Digest, Hasher};
use plimsoll_solver::Attempt;
use plimsoll_store::LayerId;

use crate::context::ContextTree;
use crate::error::ExecuteError;
use crate::key::{KeyBuilder, MOST_FILES, STEP_BEFORE};
use crate::select::{self, Rules, Selected};
use crate::worker::{Output, Worker};

/// The digest of a selection and its files as they are listed beside a key; or the input whose bytes it needs.
type Selection = Attempt<(Digest, BTreeMap<String, String>)>;

impl Worker<'_> {
    /// Derives the key of a vertex.
    pub(crate) fn key(
        &self,
        vertex: &Vertex,
        inputs: &[Output],
    ) -> Result<Attempt<KeyBuilder>, ExecuteError> {
        let mut key = KeyBuilder::default();
        if let Some(pinned) = self.pinned(&vertex.op)? {
            // Files are the same on every platform.
            key.add("the source", String::from_utf8_lossy(&canonical(&pinned)));
            return Ok(Attempt::Done(key));
        }
        key.add("the instruction", String::from_utf8_lossy(&canonical(&vertex.op)));
        key.add("the platform", &vertex.platform);
        if let Op::Exec(_) | Op::Copy(_) | Op::MakeDir(_) = vertex.op {
            key.add(STEP_BEFORE, inputs[0].key);
        }
        let rules = Rules { exclude: &[], parents: false };
        match &vertex.op {
            Op::Scratch | Op::Image(_) | Op::Local { .. } | Op::Git(_) | Op::Archive(_) | Op::MakeDir(_) => {}
            Op::Exec(op) => {
                for mount in &op.mounts {
                    let (input, source) = match &mount.kind {
                        MountKind::Bind { input, source, .. }
                        | MountKind::Cache { input: Some(input), source, .. } => (*input, source),
                        _ => continue,
                    };
                    match self.selection(&inputs[input], source, rules)? {
                        Attempt::Done((digest, files)) => {
                            key.add_files(format!("`{source}` in {}", mount.target), digest, files);
                        }
                        Attempt::Missing { .. } => return Ok(Attempt::Missing { input }),
                    }
                }
            }
            Op::Copy(op) => {
                let rules = Rules { exclude: &op.exclude, parents: op.parents };
                for source in &op.sources {
                    match source {
                        CopySource::Inline { .. } => {}
                        CopySource::Remote(remote) => {
                            let file = self.fetch(&remote.url, remote.checksum.as_ref())?;
                            key.add(format!("`{}`", remote.url), file.digest);
                        }
                        CopySource::Path { input, pattern } => {
                            match self.selection(&inputs[*input], pattern, rules)? {
                                Attempt::Done((digest, files)) => {
                                    if let (true, Some(context)) = (files.is_empty(), &inputs[*input].context)
                                    {
                                        self.check_directory(vertex.inputs[*input], context, pattern, rules)?;
                                    }
                                    key.add_files(format!("`{pattern}`"), digest, files);
                                }
                                Attempt::Missing { .. } => return Ok(Attempt::Missing { input: *input }),
                            }
                        }
                    }
                }
            }
        }
        Ok(Attempt::Done(key))
    }

    /// Refuses a wildcard that matches nothing in a directory of a context of which nothing is taken.
    ///
    /// `BuildKit` is sent only what the steps of a build name, with the directories above that, and misses others; from a
    /// stage no match is no error.
    fn check_directory(
        &self,
        source: VertexId,
        context: &ContextTree,
        pattern: &str,
        rules: Rules<'_>,
    ) -> Result<(), ExecuteError> {
        let tree = &context.tree;
        let (true, Some(directory)) = (
            matches!(self.graph.vertices[source.0].op, Op::Local { .. }),
            select::directory_of_wildcard(pattern, rules.parents),
        ) else {
            return Ok(());
        };
        let named = self.named(source);
        let sent = match IgnoreFile::from_patterns(named.iter().copied()) {
            Ok(sent) if !named.contains(&".") => sent,
            _ => return Ok(()),
        };
        if !select::select(tree, pattern, rules)?.is_empty() {
            return Ok(());
        }
        let directory =
            tree.index.resolve(&directory, true).map_err(|source| ExecuteError::Resolve { source })?;
        let is_sent = |path: &[u8]| sent.matches(path).ignored;
        let below = || tree.index.walk(&directory.path).iter().any(|found| is_sent(&found.entry.path));
        if is_sent(&directory.path) || below() {
            return Ok(());
        }
        Err(ExecuteError::SourceMissing { path: pattern.to_owned() })
    }

    /// All that the steps name of a source.
    fn named(&self, source: VertexId) -> Vec<&str> {
        let mut named: Vec<&str> = Vec::new();
        for vertex in &self.graph.vertices {
            let is_source = |input: usize| vertex.inputs[input] == source;
            match &vertex.op {
                Op::Copy(op) => named.extend(op.sources.iter().filter_map(|from| match from {
                    CopySource::Path { input, pattern } if is_source(*input) => Some(pattern.as_str()),
                    _ => None,
                })),
                Op::Exec(op) => named.extend(op.mounts.iter().filter_map(|mount| match &mount.kind {
                    MountKind::Bind { input, source, .. }
                    | MountKind::Cache { input: Some(input), source, .. }
                        if is_source(*input) =>
                    {
                        Some(source.as_str())
                    }
                    _ => None,
                })),
                _ => {}
            }
        }
        named
    }

    /// The digest of what a pattern selects from an input.
    fn selection(&self, input: &Output, pattern: &str, rules: Rules<'_>) -> Result<Selection, ExecuteError> {
        if let Some(context) = &input.context {
            let selected = select::select(&context.tree, pattern, rules).map_err(|error| match error {
                ExecuteError::SourceMissing { .. } if context.is_absent => ExecuteError::NoContext,
                error => self.explain_missing(error, pattern),
            })?;
            let digest = select::digest(&selected, SelectionOwners::Root, self.settings.threads, &|found| {
                context.digest(found)
            })?;
            return Ok(Attempt::Done((digest, listing(context, &selected)?)));
        }
        let store = self.snapshots.store();
        let chain = chain_digest(&input.chain);
        let spec = Digest::of(format!("2\0{pattern}\0{}\0{}", rules.exclude.join("\n"), rules.parents));
        if let Some(digest) = store.selection(&chain, &spec)? {
            return Ok(Attempt::Done((digest, BTreeMap::new())));
        }
        let Attempt::Done(tree) = self.tree(&input.chain)? else {
            return Ok(Attempt::Missing { input: 0 });
        };
        let selected = select::select(&tree, pattern, rules)?;
        let digest = select::digest(&selected, SelectionOwners::Kept, self.settings.threads, &|found| {
            tree.digest(found).map_err(|source| ExecuteError::Read { path: pattern.to_owned(), source })
        })?;
        store.record_selection(&chain, &spec, &digest)?;
        Ok(Attempt::Done((digest, BTreeMap::new())))
    }

    /// Says when it was the ignore file that hid a source.
    fn explain_missing(&self, error: ExecuteError, pattern: &str) -> ExecuteError {
        let ExecuteError::SourceMissing { path } = &error else { return error };
        for context in self.contexts.values() {
            let there = context.path.join(pattern.trim_start_matches('/'));
            if there.symlink_metadata().is_err() {
                continue;
            }
            let decision = context.ignore.matches(pattern.trim_matches('/').as_bytes());
            if let Some(line) = decision.line.filter(|_| decision.ignored) {
                let file = context.ignore_name.clone();
                return ExecuteError::SourceIgnored { path: path.clone(), file, line };
            }
        }
        error
    }
}

/// The files of a context's selection, if they are not too many.
fn listing(
    context: &ContextTree,
    selected: &[Selected<'_>],
) -> Result<BTreeMap<String, String>, ExecuteError> {
    let files = files(selected);
    if files.len() > MOST_FILES {
        return Ok(BTreeMap::new());
    }
    let describe = |found: Found<'_>| {
        let path = String::from_utf8_lossy(&found.entry.path).into_owned();
        Ok((path, format!("{:o} {}", found.entry.mode, context.digest(found)?.short())))
    };
    files.into_iter().map(describe).collect()
}

fn files<'t>(selected: &[Selected<'t>]) -> Vec<Found<'t>> {
    selected
        .iter()
        .flat_map(|one| [one.root].into_iter().chain(one.below.iter().map(|(_, found)| *found)))
        .filter(|found| matches!(found.entry.kind, Kind::File { .. }))
        .collect()
}

/// The name of a stack of layers in the table of selections.
fn chain_digest(chain: &[LayerId]) -> Digest {
    let mut hasher = Hasher::new();
    chain.iter().for_each(|layer| hasher.field(layer.as_str()));
    hasher.finish()
}
