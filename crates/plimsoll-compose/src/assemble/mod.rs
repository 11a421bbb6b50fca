//! From package files to a layer.
//!
//! Packages are read by several threads into spool files; then one thread puts their entries into a tree, in
//! the order of the plan, so that the outcome does not depend on which package was read first.

mod alternatives;
mod certificates;
mod configure;
mod distroless;
mod dpkg;
mod filter;
mod image;
mod minbase;
mod tree;

use std::io::{self, Read, Write};
use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use plimsoll_layer::{Entry, LayerIndex, TarOptions, write_tar};
use plimsoll_oci::ImageConfig;

pub use configure::ConfigureStep;

use crate::composer::ComposerOptions;
use crate::deb::{self, Content, Deb, Spool};
use crate::error::ComposeError;
use crate::events::{Event, Events};
use crate::net::Cache;
use crate::plan::{Plan, PlannedPackage};
use crate::spec::Variant;
use std::collections::BTreeMap;

/// A composed base.
#[derive(Debug)]
pub struct Assembled {
    /// The image config with the history entry of the composed layer; `rootfs` is empty until the caller has
    /// stored the layer.
    pub config: ImageConfig,
    /// What has to run on top before the base is usable (`minbase` only).
    pub configure: Option<ConfigureStep>,
    index: LayerIndex,
    contents: BTreeMap<Vec<u8>, Content>,
}

impl Assembled {
    /// Every entry of the layer.
    pub fn index(&self) -> &LayerIndex {
        &self.index
    }

    /// The bytes of a file of the layer.
    pub fn open(&self, path: &[u8]) -> io::Result<Box<dyn Read>> {
        let content = self.contents.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(content.reader())
    }

    /// The files' bytes in the form that the layer writer takes.
    pub fn contents(&self) -> impl FnMut(&Entry) -> io::Result<Box<dyn Read>> + '_ {
        |entry| self.open(&entry.path)
    }

    /// Writes the layer as an uncompressed tar.
    ///
    /// Equal plans give equal bytes, whatever the number of jobs. Can be called more than once.
    pub fn write_layer(&self, out: &mut dyn Write) -> Result<(), ComposeError> {
        write_tar(&self.index, &mut self.contents(), TarOptions::default(), out)
            .map_err(|source| ComposeError::Layer { source: Box::new(source) })
    }
}

/// Reads the plan's packages from the cache and makes the base's layer.
pub(crate) fn assemble(
    options: &ComposerOptions,
    cache: &Cache,
    plan: &Plan,
    events: Events<'_>,
) -> Result<Assembled, ComposeError> {
    let packages = read_packages(options, cache, plan, events)?;
    match plan.spec.variant() {
        Variant::Distroless => distroless::assemble(options, plan, &packages, events),
        Variant::Minbase => minbase::assemble(options, plan, &packages),
    }
}

/// A package of the plan with its content.
#[derive(Debug)]
struct Package<'a> {
    planned: &'a PlannedPackage,
    deb: Deb,
}

/// Reading is bound by decompression, whose dictionaries take up to 64 MiB a thread.
const MOST_READERS: usize = 4;

/// A pin names files by digest: that they are the packages it says is seen in the files only.
fn check(planned: &PlannedPackage, deb: &Deb) -> Result<(), ComposeError> {
    let field = |name| deb.control.fields.field(name).unwrap_or_default();
    let (name, version) = (field("Package"), field("Version"));
    if name == planned.name && version == planned.version {
        return Ok(());
    }
    Err(ComposeError::WrongPackage {
        package: planned.name.clone(),
        version: planned.version.clone(),
        found: format!("{name} {version}"),
    })
}

fn read_packages<'a>(
    options: &ComposerOptions,
    cache: &Cache,
    plan: &'a Plan,
    events: Events<'_>,
) -> Result<Vec<Package<'a>>, ComposeError> {
    let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let readers = options.jobs.clamp(1, processors.min(MOST_READERS));
    // The largest first, so that no thread is left with one at the end.
    let mut order: Vec<usize> = (0..plan.packages.len()).collect();
    order.sort_by_key(|place| std::cmp::Reverse(plan.packages[*place].size_bytes));
    let (next, done, stop) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
    let slots: Vec<Mutex<Option<Deb>>> = plan.packages.iter().map(|_| Mutex::new(None)).collect();
    let read = || -> Result<(), ComposeError> {
        let mut spool = Spool::new(cache.spool()?);
        while let Some(place) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let package = &plan.packages[*place];
            let file = cache.open(&package.digest, &package.name)?;
            let deb = deb::read(file, &package.name, &mut spool)?;
            *slots[*place].lock().expect("no reader panics with the lock") = Some(deb);
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            let total = plan.packages.len();
            events(Event::Unpacked { package: package.name.clone(), done, total });
        }
        spool.flush().map_err(|source| ComposeError::Io {
            action: "write a file in",
            path: options.cache_dir.clone(),
            source,
        })
    };
    thread::scope(|scope| {
        let handles: Vec<_> = (0..readers)
            .map(|_| {
                scope.spawn(|| {
                    let outcome = read();
                    stop.fetch_or(outcome.is_err(), Ordering::Relaxed);
                    outcome
                })
            })
            .collect();
        handles.into_iter().try_for_each(|handle| handle.join().expect("readers do not panic"))
    })?;
    let debs = slots.into_iter().map(|slot| slot.into_inner().expect("no reader panicked"));
    plan.packages
        .iter()
        .zip(debs)
        .map(|(planned, deb)| {
            let bad =
                || ComposeError::BadPackage { package: planned.name.clone(), problem: "it was not read" };
            let deb = deb.ok_or_else(bad)?;
            check(planned, &deb)?;
            Ok(Package { planned, deb })
        })
        .collect()
}
