//! What survives a crash of the operating system.
//!
//! A killed process loses nothing: what it wrote is in the kernel's cache. A machine that goes down may lose whatever was
//! not yet written back, names and contents independently of each other. So every blob and layer carries a stamp: the
//! boot in which it was put in place, and when, on the clock that counts from that boot. Once a `syncfs` that began
//! later has returned, the entry is durable, and the database remembers the time of that beginning. A stamp is trusted
//! if it is of the running boot, or durable.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::Store;
use crate::database::Database;
use crate::error::{IoContext as _, Result};

/// The running boot of the kernel.
#[derive(Debug)]
pub(crate) struct Boot {
    id: String,
}

impl Boot {
    /// Without `/proc` the id is empty, and no earlier stamp is trusted.
    pub(crate) fn current() -> Self {
        let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        Self { id: id.trim().to_owned() }
    }
}

/// When an entry was put in place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    /// The boot's id.
    pub(crate) boot: String,
    /// Nanoseconds since that boot.
    pub(crate) committed: i64,
}

/// What one handle knows about syncing.
#[derive(Debug, Default)]
pub(crate) struct Durability {
    pending: AtomicBool,
    running: Mutex<Option<Receiver<Result<()>>>>,
    synced: OnceLock<BTreeMap<String, i64>>,
}

fn now_since_boot() -> i64 {
    let time = clock_gettime(ClockId::Boottime);
    time.tv_sec.saturating_mul(1_000_000_000).saturating_add(time.tv_nsec)
}

fn sync(root: &Path, boot: &str, database: &Database) -> Result<()> {
    let began = now_since_boot();
    let directory = File::open(root).on("open", root)?;
    rustix::fs::syncfs(&directory).on("write back the file system of", root)?;
    if !boot.is_empty() {
        database.write("record what is durable", |transaction| {
            transaction.execute(
                "INSERT INTO synced (boot, until) VALUES (?1, ?2) ON CONFLICT (boot) DO UPDATE SET \
                 until = max(until, ?2)",
                (boot, began),
            )?;
            Ok(())
        })?;
    }
    database.checkpoint()
}

impl Store {
    /// A stamp for an entry that is put in place now; the next sync covers it.
    pub(crate) fn stamp(&self) -> Stamp {
        self.durability().pending.store(true, Ordering::SeqCst);
        Stamp { boot: self.boot().id.clone(), committed: now_since_boot() }
    }

    /// Whether the bytes behind a stamp are certainly the ones that were written.
    pub(crate) fn trusts(&self, stamp: &Stamp) -> Result<bool> {
        if !stamp.boot.is_empty() && stamp.boot == self.boot().id {
            return Ok(true);
        }
        // Rows of other boots never change any more, so reading them once is enough.
        let synced = if let Some(synced) = self.durability().synced.get() {
            synced
        } else {
            let rows = self.database().read("look up what is durable", |connection| {
                connection
                    .prepare_cached("SELECT boot, until FROM synced")?
                    .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                    .collect::<rusqlite::Result<BTreeMap<String, i64>>>()
            })?;
            self.durability().synced.get_or_init(|| rows)
        };
        Ok(synced.get(&stamp.boot).is_some_and(|until| stamp.committed <= *until))
    }

    /// Writes everything back and remembers that; takes as long as the disk needs.
    pub fn sync(&self) -> Result<()> {
        self.durability().pending.store(false, Ordering::SeqCst);
        sync(self.root(), &self.boot().id, self.database())
    }

    /// Begins to write back in the background, after a command's last commit; does nothing if nothing was put in place.
    pub fn begin_sync(&self) {
        if !self.durability().pending.swap(false, Ordering::SeqCst) {
            return;
        }
        let (sender, receiver) = mpsc::channel();
        let (root, boot) = (self.root().to_owned(), self.boot().id.clone());
        let database = Arc::clone(self.database());
        let spawned = thread::Builder::new().name("sync".to_owned()).spawn(move || {
            // Nobody listens any more if the program did not want to wait.
            let _sent = sender.send(sync(&root, &boot, &database));
        });
        if spawned.is_ok() {
            let mut running = self.durability().running.lock().unwrap_or_else(PoisonError::into_inner);
            *running = Some(receiver);
        }
    }

    /// Ends a command: writes last uses, begins to write back if needed, and waits for that at most as long as given.
    ///
    /// True if everything that this handle put in place is durable. False is no error: entries that are not durable are
    /// only looked at more closely after a crash. The kernel lets a process that is inside `syncfs` end only
    /// afterwards; a program that must end sooner calls [`Store::sync`] in a process of its own.
    pub fn finish(&self, longest: Duration) -> Result<bool> {
        self.flush()?;
        self.begin_sync();
        let mut running = self.durability().running.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(receiver) = running.take() else {
            return Ok(!self.durability().pending.load(Ordering::SeqCst));
        };
        match receiver.recv_timeout(longest) {
            Ok(result) => result.map(|()| true),
            Err(RecvTimeoutError::Timeout) => {
                *running = Some(receiver);
                Ok(false)
            }
            Err(RecvTimeoutError::Disconnected) => Ok(false),
        }
    }
}
