//! What the solver drives: one build's vertices, looked up in the store and run.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use plimsoll_graph::{CopyOp, CopySource, Graph, Op, Vertex};
use plimsoll_layer::{ChainIndex, Timestamp as FileTime};
use plimsoll_oci::{DiffId, Digest};
use plimsoll_snapshot::Snapshots;
use plimsoll_solver::{Attempt, Cancel, EventKind, EventSink, Executor, Found as Lookup};
use plimsoll_store::{KeyLock, LayerDraft, LayerId, LayerRecord, ResultId, ResultRecord, Timestamp};

use crate::context::{ContextTree, LocalContext};
use crate::copy::{self, Source, Target};
use crate::error::ExecuteError;
use crate::key::KeyBuilder;
use crate::select::{self, Rules};
use crate::settings::Settings;
use crate::source::RemoteSources;
use crate::tree::Tree;

/// What a vertex gives: a stack of layers, or a context.
#[derive(Clone)]
pub struct Output {
    /// The key it was found under.
    pub key: Digest,
    /// The layers, bottom first.
    pub chain: Vec<LayerId>,
    /// When its own layer was made; none for bases and contexts.
    pub created: Option<Timestamp>,
    pub(crate) context: Option<Arc<ContextTree>>,
}

/// The layers of a base image.
#[derive(Clone, Debug)]
pub struct BaseLayers {
    /// The layers, bottom first.
    pub chain: Vec<LayerId>,
}

impl BaseLayers {
    /// The layers of an image that was not built here, by the digests of the uncompressed ones.
    pub fn imported(diff_ids: &[DiffId]) -> Self {
        Self { chain: diff_ids.iter().map(LayerId::imported).collect() }
    }
}

/// One build's vertices.
pub struct Worker<'a> {
    /// The graph.
    pub graph: &'a Graph,
    /// Layers, blobs and records.
    pub snapshots: &'a Snapshots,
    /// What all steps get.
    pub settings: &'a Settings,
    /// Directories by the name of their context.
    pub contexts: &'a BTreeMap<String, LocalContext>,
    /// Base images by their manifest.
    pub bases: &'a BTreeMap<Digest, BaseLayers>,
    /// How addresses and repositories are reached.
    pub remote: &'a dyn RemoteSources,
    /// Where events go.
    pub events: &'a dyn EventSink,
    /// Keys that were derived in look-ups, by vertex, until the vertex runs.
    pub keys: Mutex<BTreeMap<usize, DerivedKey>>,
}

/// What a look-up derived for a step that may have to run.
#[derive(Clone, Copy, Debug)]
pub struct DerivedKey {
    key: Digest,
    /// For copied files: what decides the bytes of their layer, together with its index.
    copied: Option<Digest>,
}

impl Worker<'_> {
    pub(crate) fn vertex(&self, vertex: usize) -> &Vertex {
        &self.graph.vertices[vertex]
    }

    /// The files of a stack of layers, all unpacked.
    pub(crate) fn tree(&self, chain: &[LayerId]) -> Result<Attempt<Tree>, ExecuteError> {
        if self.snapshots.materialise(chain)?.is_some() {
            return Ok(Attempt::Missing { input: 0 });
        }
        let Ok(index) = self.snapshots.chain(chain)? else { return Ok(Attempt::Missing { input: 0 }) };
        let directories = chain.iter().map(|layer| self.snapshots.store().layer_fs(layer)).collect();
        let tree = Tree::new(index, directories)
            .map_err(|source| ExecuteError::Read { path: "an unpacked layer".to_owned(), source })?;
        Ok(Attempt::Done(tree))
    }

    /// The known result of a key on this very stack of layers.
    pub(crate) fn known(&self, key: &Digest, base: &[LayerId]) -> Result<Option<ResultRecord>, ExecuteError> {
        let results = self.snapshots.store().results(key)?;
        Ok(results.into_iter().find(|result| result.base == base))
    }

    /// Runs what its op says, on the layers of its first input.
    fn run_op(
        &self,
        vertex: usize,
        inputs: &[Output],
        cancel: &Cancel,
    ) -> Result<Attempt<Output>, ExecuteError> {
        let base = match inputs.first() {
            Some(input) => input.chain.clone(),
            None => Vec::new(),
        };
        let Ok(index) = self.snapshots.chain(&base)? else { return Ok(Attempt::Missing { input: 0 }) };
        match &self.vertex(vertex).op {
            Op::Scratch | Op::Image(_) | Op::Local { .. } => unreachable!("they are always known"),
            Op::Git(git) => self.in_new_layer(vertex, &base, &index, cancel, |draft| {
                self.check_out(git, draft, cancel).map(Attempt::Done)
            }),
            Op::Archive(archive) => self.in_new_layer(vertex, &base, &index, cancel, |draft| {
                let target = self.target(&base, &index, draft)?;
                self.unpack_archive(archive, target).map(Attempt::Done)
            }),
            Op::MakeDir(op) => self.in_new_layer(vertex, &base, &index, cancel, |draft| {
                let target = self.target(&base, &index, draft)?;
                copy::make_directory(op, target).map(Attempt::Done)
            }),
            Op::Copy(op) => self.in_new_layer(vertex, &base, &index, cancel, |draft| {
                self.copy(op, &base, &index, inputs, draft)
            }),
            Op::Exec(op) => self.exec(op, vertex, &base, &index, inputs, cancel),
        }
    }

    fn target<'b>(
        &'b self,
        base: &[LayerId],
        index: &'b ChainIndex,
        draft: &LayerDraft,
    ) -> Result<Target<'b>, ExecuteError> {
        Ok(Target {
            base: index,
            directory: draft.fs(),
            owners: self.settings.owners,
            linked: self.snapshots.linked_inodes(base)?,
            xattr_namespace: self.settings.xattr_namespace,
            base_files: None,
            room: self.snapshots,
            most_entries: self.settings.archive_entries,
            threads: self.settings.threads,
        })
    }

    /// Holds the lock of a step's key, so that of several builds one runs it. Taken after the cache mounts, never before.
    fn lock(&self, vertex: usize, key: &Digest, cancel: &Cancel) -> Result<KeyLock, ExecuteError> {
        let mut said = false;
        let mut wait = |_| {
            if !std::mem::replace(&mut said, true) {
                self.events.send(EventKind::VertexWaits { vertex });
            }
            if cancel.is_raised() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let lock = self.snapshots.store().lock_key(key, &mut wait);
        lock.map_err(|error| if cancel.is_raised() { ExecuteError::Cancelled } else { error.into() })
    }

    /// Runs something that fills a draft, and keeps what came out; or takes what another build made of the same step
    /// since this one looked it up.
    pub(crate) fn in_new_layer(
        &self,
        vertex: usize,
        base: &[LayerId],
        index: &ChainIndex,
        cancel: &Cancel,
        fill: impl FnOnce(&LayerDraft) -> Result<Attempt<copy::Written>, ExecuteError>,
    ) -> Result<Attempt<Output>, ExecuteError> {
        let store = self.snapshots.store();
        let DerivedKey { key, copied } = self.keys.lock().unwrap_or_else(PoisonError::into_inner)[&vertex];
        let _lock = self.lock(vertex, &key, cancel)?;
        if !self.vertex(vertex).no_cache
            && let Some(result) = self.known(&key, base)?
            && store.pick_result(&result)?
        {
            let chain = result.chain().cloned().collect();
            return Ok(Attempt::Done(Output { key, chain, created: Some(result.created), context: None }));
        }
        let draft = store.draft_layer()?;
        adopt_root(index, &draft)?;
        let (layer_index, linked) = match fill(&draft)? {
            Attempt::Done(written) => written,
            Attempt::Missing { input } => return Ok(Attempt::Missing { input }),
        };
        self.snapshots.write_index(&draft, &layer_index, &linked, copied.as_ref())?;
        let layer = draft.id().clone();
        let record = LayerRecord { diff_id: None, size_bytes: layer_index.content_size() };
        store.publish_layer(draft, &layer, &record)?;
        self.snapshots.remember(&layer, layer_index);
        let created = match self.settings.epoch {
            Some(seconds) => Timestamp { seconds, nanoseconds: 0 },
            None => Timestamp::now(),
        };
        let result = ResultRecord {
            id: ResultId::random()?,
            key,
            base: base.to_vec(),
            layer: Some(layer.clone()),
            created,
            output: Vec::new(),
        };
        store.record_result(&result)?;
        let chain = result.chain().cloned().collect();
        Ok(Attempt::Done(Output { key, chain, created: Some(created), context: None }))
    }

    fn copy(
        &self,
        op: &CopyOp,
        base: &[LayerId],
        index: &ChainIndex,
        inputs: &[Output],
        draft: &LayerDraft,
    ) -> Result<Attempt<copy::Written>, ExecuteError> {
        let mut trees: BTreeMap<usize, Tree> = BTreeMap::new();
        for source in &op.sources {
            if let CopySource::Path { input, .. } = source
                && inputs[*input].context.is_none()
                && !trees.contains_key(input)
            {
                match self.tree(&inputs[*input].chain)? {
                    Attempt::Done(tree) => trees.insert(*input, tree),
                    Attempt::Missing { .. } => return Ok(Attempt::Missing { input: *input }),
                };
            }
        }
        let sources = self.sources(op, inputs, &trees)?;
        self.snapshots.ensure_room(copy::size(&sources))?;
        // A layer of its own does not look at what it will lie on: links are not followed, directories are new.
        let nothing = ChainIndex::default();
        let below = if op.link { &nothing } else { index };
        let written = copy::copy(op, sources, self.target(base, below, draft)?);
        if !matches!(written, Err(ExecuteError::BaseNeeded)) {
            return written.map(Attempt::Done);
        }
        // A hard link of an archive names a file below. That is rare enough to begin again.
        let Attempt::Done(files) = self.tree(base)? else { return Ok(Attempt::Missing { input: 0 }) };
        let directory = draft.fs();
        std::fs::remove_dir_all(&directory)
            .and_then(|()| std::fs::create_dir(&directory))
            .map_err(|source| ExecuteError::Write { path: directory, source })?;
        adopt_root(index, draft)?;
        let sources = self.sources(op, inputs, &trees)?;
        let target = Target { base_files: Some(&files), ..self.target(base, below, draft)? };
        copy::copy(op, sources, target).map(Attempt::Done)
    }

    fn sources<'t>(
        &self,
        op: &CopyOp,
        inputs: &'t [Output],
        trees: &'t BTreeMap<usize, Tree>,
    ) -> Result<Vec<Source<'t>>, ExecuteError> {
        let base = inputs.first().map_or(&[][..], |input| &input.chain);
        let rules = Rules { exclude: &op.exclude, parents: op.parents };
        let mut sources = Vec::new();
        for source in &op.sources {
            sources.push(match source {
                CopySource::Inline { name, text } => Source::Bytes {
                    name: name.clone(),
                    bytes: text.clone().into_bytes(),
                    mode: 0o644,
                    mtime: FileTime::from_seconds(self.settings.epoch.unwrap_or(0)),
                },
                CopySource::Remote(remote) => {
                    let file = self.fetch(&remote.url, remote.checksum.as_ref())?;
                    Source::File {
                        name: remote.name.clone(),
                        path: self.snapshots.store().blob_path(&file.digest),
                        mtime: FileTime::from_seconds(file.modified),
                        unpack: remote.unpack,
                    }
                }
                CopySource::Path { input, pattern } => {
                    let context = inputs[*input].context.as_deref();
                    let tree = context.map_or_else(|| &trees[input], |context| &context.tree);
                    Source::Tree {
                        tree,
                        selected: select::select(tree, pattern, rules)?,
                        is_context: context.is_some(),
                        may_link: context.is_none()
                            && !inputs[*input].chain.iter().any(|layer| base.contains(layer)),
                    }
                }
            });
        }
        Ok(sources)
    }

    fn source(&self, vertex: &Vertex, key: Digest) -> Result<Option<Output>, ExecuteError> {
        let output = |chain| Output { key, chain, created: None, context: None };
        Ok(match &vertex.op {
            Op::Scratch => Some(output(Vec::new())),
            Op::Image(image) => {
                let base = self.bases.get(&image.manifest).expect("the caller resolved every base image");
                Some(output(base.chain.clone()))
            }
            Op::Local { name } => {
                let store = self.snapshots.store();
                let tree = match self.contexts.get(name) {
                    Some(context) => ContextTree::scan(context, store)?,
                    None => ContextTree::absent(store).map_err(|source| ExecuteError::Layer { source })?,
                };
                let tree = Arc::new(tree);
                Some(Output { context: Some(tree), ..output(Vec::new()) })
            }
            Op::Git(_) | Op::Archive(_) | Op::Exec(_) | Op::Copy(_) | Op::MakeDir(_) => None,
        })
    }

    /// Says why a step was not found: what differs from the nearest earlier key of the same step.
    fn explain(&self, vertex: usize, key: &KeyBuilder) -> Result<(), ExecuteError> {
        let name = &self.vertex(vertex).name;
        let earlier = self.snapshots.store().nearest_keys(name)?;
        let own = key.digest();
        let reason = match earlier.iter().find(|record| record.key != own) {
            _ if self.vertex(vertex).no_cache => Some("the cache is not to be used".to_owned()),
            _ if earlier.iter().any(|record| record.key == own) => {
                Some("the step before it made other layers, or its result was pruned".to_owned())
            }
            Some(record) => key.difference(&record.ingredients),
            None => Some("it never ran".to_owned()),
        };
        if let Some(reason) = reason {
            self.events.send(EventKind::VertexReason { vertex, reason });
        }
        Ok(())
    }
}

impl Executor for Worker<'_> {
    type Output = Output;
    type Error = ExecuteError;

    fn look_up(
        &self,
        vertex: usize,
        inputs: &[Output],
        must_run: bool,
    ) -> Result<Attempt<Lookup<Output>>, ExecuteError> {
        let description = self.vertex(vertex);
        let builder = match self.key(description, inputs)? {
            Attempt::Done(key) => key,
            Attempt::Missing { input } => return Ok(Attempt::Missing { input }),
        };
        let key = builder.digest();
        if let Some(output) = self.source(description, key)? {
            return Ok(Attempt::Done(Lookup::Known(output)));
        }
        let copied = matches!(description.op, Op::Copy(_)).then(|| builder.own_digest());
        let derived = DerivedKey { key, copied };
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).insert(vertex, derived);
        if !must_run
            && !description.no_cache
            && let Some(result) = self.known(&key, inputs.first().map_or(&[], |input| &input.chain))?
        {
            // Known is enough here: whoever needs the bytes asks for them.
            self.snapshots.store().pick_result(&result)?;
            self.events.send(EventKind::VertexCached { vertex });
            let chain = result.chain().cloned().collect();
            let created = Some(result.created);
            return Ok(Attempt::Done(Lookup::Known(Output { key, chain, created, context: None })));
        }
        self.explain(vertex, &builder)?;
        self.snapshots.store().record_key(&key, &builder.json(), &description.name)?;
        Ok(Attempt::Done(Lookup::Unknown))
    }

    fn run(
        &self,
        vertex: usize,
        inputs: &[Output],
        cancel: &Cancel,
    ) -> Result<Attempt<Output>, ExecuteError> {
        if !self.settings.may_run {
            return Err(ExecuteError::NeedsNamespace);
        }
        self.events.send(EventKind::VertexStarted { vertex });
        let started = Instant::now();
        let result = self.run_op(vertex, inputs, cancel);
        let seconds = started.elapsed().as_secs_f64();
        match &result {
            Ok(Attempt::Done(_)) => self.events.send(EventKind::VertexDone { vertex, seconds }),
            Ok(Attempt::Missing { .. }) => {}
            Err(error) => {
                let message = error.to_string();
                self.events.send(EventKind::VertexFailed { vertex, seconds, message });
            }
        }
        result
    }
}

impl Output {
    /// Keeps what was learned of a context for the next build.
    pub fn save_context(&self) -> Result<(), ExecuteError> {
        self.context.as_ref().map_or(Ok(()), |context| context.save())
    }
}

/// Gives the root of a new layer what the root below has: overlayfs shows the topmost one.
fn adopt_root(base: &ChainIndex, draft: &LayerDraft) -> Result<(), ExecuteError> {
    let Some(root) = base.lookup(b"") else { return Ok(()) };
    let path = draft.fs();
    let mode = rustix::fs::Mode::from_raw_mode(root.entry.mode);
    rustix::fs::chmod(&path, mode).map_err(|source| ExecuteError::Write { path, source: source.into() })
}
