//! Removing in batches, each under the closed gate.

use std::collections::BTreeSet;
use std::fs;

use rusqlite::Transaction;

use super::plan::{Candidate, Plan, PruneOptions, PruneReport, PrunedItem, Reclaim, Target, chains};
use crate::Store;
use crate::cache_mount::{NAME, lock_name};
use crate::database::{Json, Raw};
use crate::error::Result;
use crate::id::LayerId;
use crate::layout::{LAYERS, MOUNTS, TEMPORARY, TRASH};
use crate::lease::Name;
use crate::lock::{FileLock, Mode};
use crate::time::Timestamp;
use crate::usage::{Kind, Meter};

/// How many things are removed before builds may go on: with the gate closed for a few milliseconds at most.
const BATCH: usize = 64;

/// Records without bytes are small; with a storage target in place they are kept for a month.
const RECORDS_KEPT: i64 = 30 * 24 * 3600;

impl Store {
    /// Removes what is not needed.
    pub fn prune(&self, options: &PruneOptions) -> Result<PruneReport> {
        self.flush()?;
        let mut report = PruneReport::default();
        if !options.dry_run && wanted(options, Kind::Temporary) {
            self.prune_temporary(&mut report)?;
        }
        let mut excess = match options.keep_storage_bytes {
            Some(keep) => Some(self.df()?.total_bytes.saturating_sub(keep)),
            None => None,
        };
        let plan = Plan::gather(self, options)?;
        let leased = self.in_use(&plan)?.1;
        let chosen = self.choose(&plan, options, &leased, &mut excess, &mut report)?;
        if options.dry_run {
            for (candidate, size_bytes) in &chosen {
                report.add(candidate, *size_bytes);
            }
            return Ok(report);
        }
        for batch in chosen.chunks(BATCH) {
            self.remove_batch(&plan, batch, &mut report)?;
            report.left = self.empty_trash()?;
        }
        if wanted(options, Kind::Metadata) {
            self.prune_records(options)?;
        }
        *self.rest_bytes() = None;
        Ok(report)
    }

    /// What killed processes left behind.
    fn prune_temporary(&self, report: &mut PruneReport) -> Result<()> {
        let measure = || -> Result<u64> {
            let mut meter = Meter::default();
            let temporary = meter.measure(&self.layout().directory(TEMPORARY))?;
            Ok(temporary + meter.measure(&self.layout().directory(TRASH))?)
        };
        let before = measure()?;
        report.left = self.sweep()?;
        let size_bytes = before.saturating_sub(measure()?);
        if size_bytes > 0 {
            let name = "leftovers of commands that were killed".to_owned();
            report.items.push(PrunedItem {
                kind: Kind::Temporary,
                name,
                size_bytes,
                last_use: Timestamp::now(),
            });
            report.reclaimed_bytes += size_bytes;
        }
        Ok(())
    }

    /// Closes the gate and gives the lease lines of what must stay now, also because of what was recorded since the plan was
    /// made: its own lease may have ended by then.
    fn in_use(&self, plan: &Plan) -> Result<(FileLock, BTreeSet<String>)> {
        let gate = self.close_gate()?;
        let mut lines = self.leased(&gate)?;
        let newest = plan.chains.iter().map(|chain| chain.row).max().unwrap_or(0);
        for chain in chains(self, newest)? {
            lines.extend(chain.layers.iter().map(|layer| Name::Layer(layer).line()));
        }
        for image in self.images()? {
            if plan.images.contains(&image) {
                continue;
            }
            let parts = self.image_parts(&image.target)?;
            lines.extend(parts.blobs.iter().map(|digest| Name::Blob(digest).line()));
            for diff_id in &parts.diff_ids {
                lines.extend(self.layers_of(diff_id)?.iter().map(|layer| Name::Layer(layer).line()));
            }
        }
        // A layer needs those below it.
        for chain in &plan.chains {
            let top = chain.layers.iter().rposition(|layer| lines.contains(&Name::Layer(layer).line()));
            if let Some(top) = top {
                lines.extend(chain.layers[..top].iter().map(|layer| Name::Layer(layer).line()));
            }
        }
        Ok((gate, lines))
    }

    /// The candidates that the options mean, with the room that each one frees.
    fn choose<'a>(
        &self,
        plan: &'a Plan,
        options: &PruneOptions,
        leased: &BTreeSet<String>,
        excess: &mut Option<u64>,
        report: &mut PruneReport,
    ) -> Result<Vec<(&'a Candidate, u64)>> {
        let newest = options.unused_for.map_or(i64::MAX, |age| {
            Timestamp::now().seconds.saturating_sub(i64::try_from(age.as_secs()).unwrap_or(i64::MAX))
        });
        let mut going = BTreeSet::new();
        let mut reclaim = Reclaim::default();
        let mut chosen = Vec::new();
        for candidate in &plan.candidates {
            if *excess == Some(0) {
                break;
            }
            let image = matches!(candidate.target, Target::Image(_));
            if candidate.last_use > newest || !wanted(options, candidate.kind) || (image && !options.all) {
                continue;
            }
            if candidate.images.iter().any(|image| !going.contains(image)) {
                continue;
            }
            if self.is_used(candidate, leased)? {
                report.in_use += 1;
                continue;
            }
            if image {
                going.insert(candidate.rank.1);
            }
            let size_bytes = match &candidate.path {
                Some(path) => reclaim.count(path)?,
                None => 0,
            };
            if let Some(excess) = excess {
                *excess = excess.saturating_sub(size_bytes);
            }
            chosen.push((candidate, size_bytes));
        }
        Ok(chosen)
    }

    fn is_used(&self, candidate: &Candidate, leased: &BTreeSet<String>) -> Result<bool> {
        if candidate.target.line().is_some_and(|line| leased.contains(&line)) {
            return Ok(true);
        }
        match candidate.target.lock() {
            Some(name) => FileLock::is_free(&self.layout().lock(&name)).map(|free| !free),
            None => Ok(false),
        }
    }

    fn remove_batch(&self, plan: &Plan, batch: &[(&Candidate, u64)], report: &mut PruneReport) -> Result<()> {
        let (gate, leased) = self.in_use(plan)?;
        let mut removed = Vec::new();
        for (candidate, size_bytes) in batch {
            if self.take_away(candidate, &leased)? {
                removed.push(*candidate);
                report.add(candidate, *size_bytes);
            } else {
                report.in_use += 1;
            }
        }
        let layers: BTreeSet<&LayerId> = removed
            .iter()
            .filter_map(|candidate| match &candidate.target {
                Target::Layer(id) => Some(id),
                _ => None,
            })
            .collect();
        self.database().write("delete records", |transaction| {
            for candidate in &removed {
                delete_record(transaction, candidate)?;
            }
            let mut statement = transaction.prepare_cached("DELETE FROM results WHERE id = ?1")?;
            for chain in &plan.chains {
                if chain.layers.iter().any(|layer| layers.contains(layer)) {
                    statement.execute([&chain.result])?;
                }
            }
            Ok(())
        })?;
        drop(gate);
        Ok(())
    }

    /// Renames one thing into the trash; false if somebody uses it.
    fn take_away(&self, candidate: &Candidate, leased: &BTreeSet<String>) -> Result<bool> {
        if candidate.target.line().is_some_and(|line| leased.contains(&line)) {
            return Ok(false);
        }
        let _lock = match candidate.target.lock() {
            None => None,
            Some(name) => {
                let Some(lock) = FileLock::attempt(&self.layout().lock(&name), Mode::Exclusive, true)? else {
                    return Ok(false);
                };
                Some(lock)
            }
        };
        if let Some(path) = &candidate.path {
            self.discard(path)?;
        }
        if let Target::MountSlot { directory, .. } = &candidate.target {
            let directory = self.layout().directory(MOUNTS).join(directory);
            let slots = fs::read_dir(&directory).map_or(0, Iterator::count);
            if slots == 1 && directory.join(NAME).exists() {
                self.discard(&directory)?;
            }
        }
        Ok(true)
    }

    /// Deletes records that lead nowhere any more, and those that were not used for long enough.
    fn prune_records(&self, options: &PruneOptions) -> Result<()> {
        let now = Timestamp::now().seconds;
        let age = match (options.unused_for, options.keep_storage_bytes) {
            (Some(age), _) => i64::try_from(age.as_secs()).unwrap_or(i64::MAX),
            (None, Some(_)) => RECORDS_KEPT,
            (None, None) => 0,
        };
        let before = now.saturating_sub(age);
        let present: BTreeSet<String> = self.names_in(LAYERS)?.into_iter().collect();
        self.database().write("delete old records", |transaction| {
            let known: Vec<String> = transaction
                .prepare_cached("SELECT id FROM layers WHERE last_use <= ?1")?
                .query_map([before], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            for id in known.iter().filter(|id| !present.contains(*id)) {
                transaction.execute("DELETE FROM layers WHERE id = ?1", [id])?;
            }
            for statement in [
                "DELETE FROM results WHERE last_use <= ?1 AND (layer IS NULL OR layer NOT IN (SELECT id FROM layers))",
                "DELETE FROM keys WHERE last_use <= ?1 AND key NOT IN (SELECT key FROM results)",
                "DELETE FROM layer_blobs WHERE last_use <= ?1 AND layer NOT IN (SELECT id FROM layers)",
                "DELETE FROM selections WHERE last_use <= ?1",
                "DELETE FROM base_layers WHERE last_use <= ?1",
                "DELETE FROM blob_sources WHERE last_use <= ?1",
                "DELETE FROM sources WHERE last_use <= ?1",
            ] {
                transaction.execute(statement, [before])?;
            }
            Ok(())
        })?;
        self.database().shrink()?;
        self.database().checkpoint()
    }
}

impl Target {
    /// How a lease names it.
    fn line(&self) -> Option<String> {
        match self {
            Self::Layer(id) => Some(Name::Layer(id).line()),
            Self::Blob(digest) => Some(Name::Blob(digest).line()),
            Self::Log(id) => Some(Name::Build(id).line()),
            _ => None,
        }
    }

    /// The lock that is held by whoever uses it.
    fn lock(&self) -> Option<String> {
        match self {
            Self::Partial(digest) => Some(format!("partial-{}", digest.hex())),
            Self::MountSlot { directory, slot } => Some(lock_name(directory, slot)),
            _ => None,
        }
    }
}

impl PruneReport {
    fn add(&mut self, candidate: &Candidate, size_bytes: u64) {
        self.items.push(PrunedItem {
            kind: candidate.kind,
            name: candidate.name.clone(),
            size_bytes,
            last_use: Timestamp::from_seconds(candidate.last_use),
        });
        self.reclaimed_bytes += size_bytes;
    }
}

fn wanted(options: &PruneOptions, kind: Kind) -> bool {
    options.kinds.is_empty() || options.kinds.contains(&kind)
}

fn delete_record(transaction: &Transaction<'_>, candidate: &Candidate) -> rusqlite::Result<()> {
    match &candidate.target {
        Target::Image(target) => transaction
            .execute("DELETE FROM images WHERE name = ?1 AND target = ?2", (&candidate.name, Json(target)))?,
        Target::Layer(id) => transaction.execute("DELETE FROM layers WHERE id = ?1", [id.as_str()])?,
        Target::Blob(digest) => transaction.execute("DELETE FROM blobs WHERE digest = ?1", [Raw(*digest)])?,
        Target::Log(id) => transaction.execute("DELETE FROM builds WHERE id = ?1", [id.as_str()])?,
        Target::Partial(_) | Target::MountSlot { .. } | Target::Note => 0,
    };
    Ok(())
}
