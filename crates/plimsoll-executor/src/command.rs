//! Commands as vertices: their inputs made ready, their locks taken in order, their secrets read.

use std::collections::BTreeMap;
use std::path::PathBuf;

use plimsoll_graph::{CopyOp, ExecOp, MountKind};
use plimsoll_layer::ChainIndex;
use plimsoll_solver::{Attempt, Cancel};
use plimsoll_store::LayerId;

use crate::copy::{self, Source, Target};
use crate::error::ExecuteError;
use crate::exec::{self, Command, MountInput};
use crate::kept;
use crate::select::{self, Rules};
use crate::worker::{Output, Worker};

impl Worker<'_> {
    pub(crate) fn exec(
        &self,
        op: &ExecOp,
        vertex: usize,
        base: &[LayerId],
        index: &ChainIndex,
        inputs: &[Output],
        cancel: &Cancel,
    ) -> Result<Attempt<Output>, ExecuteError> {
        for (place, input) in inputs.iter().enumerate() {
            if self.snapshots.materialise(&input.chain)?.is_some() {
                return Ok(Attempt::Missing { input: place });
            }
        }
        let mut indexes = BTreeMap::new();
        for (place, mount) in op.mounts.iter().enumerate() {
            if let MountKind::Bind { input, .. } | MountKind::Cache { input: Some(input), .. } = &mount.kind
                && inputs[*input].context.is_none()
            {
                let Ok(index) = self.snapshots.chain(&inputs[*input].chain)? else {
                    return Ok(Attempt::Missing { input: *input });
                };
                indexes.insert(place, (*input, index));
            }
        }
        let mount_inputs: BTreeMap<usize, MountInput<'_>> = op
            .mounts
            .iter()
            .enumerate()
            .filter_map(|(place, mount)| match &mount.kind {
                MountKind::Bind { input, .. } | MountKind::Cache { input: Some(input), .. } => {
                    let input = match (&inputs[*input].context, indexes.get(&place)) {
                        (Some(context), _) => MountInput::Context(&context.tree),
                        (None, Some((input, index))) => {
                            MountInput::Layers { chain: &inputs[*input].chain, index }
                        }
                        (None, None) => return None,
                    };
                    Some((place, input))
                }
                _ => None,
            })
            .collect();
        let store = self.snapshots.store();
        let mut fill = |place: usize, path: &std::path::Path| self.fill_cache(op, place, inputs, path);
        let caches = exec::cache_mounts(op, store, self.settings.owners, cancel, &mut fill)?;
        let secrets = self.secrets(op)?;
        let command = Command {
            op,
            settings: self.settings,
            store,
            snapshots: self.snapshots,
            base: index,
            chain: base,
            inputs: &mount_inputs,
            caches: &caches,
            secrets: &secrets,
            vertex,
            name: &self.vertex(vertex).name,
            events: self.events,
            log: self.log_path(vertex),
            cancel,
        };
        let done = self.in_new_layer(vertex, base, index, cancel, |draft| {
            Ok(Attempt::Done((exec::run(&command, draft)?, std::collections::BTreeSet::new())))
        })?;
        if let Attempt::Done(output) = &done {
            kept::describe(&command, command.name, &output.chain, false);
        }
        Ok(done)
    }

    fn log_path(&self, vertex: usize) -> PathBuf {
        self.settings.logs.join(format!("step-{vertex}.log"))
    }

    /// What a new cache mount starts with.
    fn fill_cache(
        &self,
        op: &ExecOp,
        place: usize,
        inputs: &[Output],
        path: &std::path::Path,
    ) -> Result<(), ExecuteError> {
        let MountKind::Cache { input: Some(input), source, .. } = &op.mounts[place].kind else {
            return Ok(());
        };
        let nothing = ChainIndex::default();
        let directory = path.to_owned();
        let target = Target {
            base: &nothing,
            directory,
            owners: self.settings.owners,
            linked: std::collections::BTreeSet::new(),
            threads: self.settings.threads,
            xattr_namespace: self.settings.xattr_namespace,
            base_files: None,
            room: self.snapshots,
            most_entries: self.settings.archive_entries,
        };
        let copy = CopyOp::to_root(Vec::new());
        let rules = Rules { exclude: &[], parents: false };
        let output = &inputs[*input];
        let owned;
        let tree = if let Some(context) = &output.context {
            &context.tree
        } else {
            let Attempt::Done(tree) = self.tree(&output.chain)? else {
                return Err(ExecuteError::SourceMissing { path: source.clone() });
            };
            owned = tree;
            &owned
        };
        // Never linked: a cache mount is written to.
        let selected = select::select(tree, source, rules)?;
        let sources =
            vec![Source::Tree { tree, selected, is_context: output.context.is_some(), may_link: false }];
        copy::copy(&copy, sources, target).map(drop)
    }

    fn secrets(&self, op: &ExecOp) -> Result<BTreeMap<String, Vec<u8>>, ExecuteError> {
        let values = exec::secrets(op, self.settings)?;
        for mount in &op.mounts {
            if let MountKind::Secret { id, required: true, .. } = &mount.kind
                && !values.contains_key(id)
            {
                return Err(ExecuteError::SecretMissing { id: id.clone() });
            }
        }
        Ok(values)
    }
}
