//! What is known of base images: what the store has of them, and with `--online` what registries answer.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::str::FromStr as _;
use std::sync::Arc;

use plimsoll_executor::BaseLayers;
use plimsoll_export::Image;
use plimsoll_layer::ChainIndex;
use plimsoll_lint::{BaseFacts, BaseFiles};
use plimsoll_oci::{Platform, Reference};
use plimsoll_registry::BlockingClient;
use plimsoll_snapshot::{NoFetcher, Snapshots};
use plimsoll_store::LayerId;

use super::say;
use crate::environment::{self, GlobalArgs, Host};
use crate::namespace::Standing;

/// The base images of all files of a check.
pub(in crate::commands) struct StoreBases {
    snapshots: Rc<Snapshots>,
    /// Whom to ask for what the store lacks.
    client: Option<Arc<BlockingClient>>,
    known: RefCell<BTreeMap<(String, Platform), Option<BaseFacts>>>,
}

impl StoreBases {
    /// Opens the store, if there is one: a check makes none, unless it may ask registries.
    pub(in crate::commands) fn open(global: &GlobalArgs, standing: Standing, online: bool) -> Option<Self> {
        environment::root(global, &standing).ok().filter(|root| online || root.is_dir())?;
        let host = match Host::open(global, standing) {
            Ok(host) => host,
            Err(error) => {
                if online {
                    say(&format!("warning: nothing is asked about base images: {error:#}"));
                }
                return None;
            }
        };
        let client = online.then(|| host.ca_bundle(None).map(|bundle| host.client(bundle.as_deref())));
        let client = client.transpose().unwrap_or_else(|error| {
            say(&format!("warning: nothing is asked about base images: {error:#}"));
            None
        });
        let snapshots = Rc::new(host.snapshots_with(Arc::new(NoFetcher)));
        Some(Self { snapshots, client, known: RefCell::default() })
    }

    /// What is known of an image.
    pub(in crate::commands) fn facts(&self, name: &str, platform: &Platform) -> Option<BaseFacts> {
        let key = (name.to_owned(), platform.clone());
        if let Some(facts) = self.known.borrow().get(&key) {
            return facts.clone();
        }
        let facts = self.look_up(name, platform);
        self.known.borrow_mut().insert(key, facts.clone());
        facts
    }

    fn look_up(&self, name: &str, platform: &Platform) -> Option<BaseFacts> {
        let reference = Reference::from_str(name).ok()?;
        let store = self.snapshots.store();
        let image = Image::open(store, &reference.to_string(), platform).ok();
        let image = image.or_else(|| self.ask(&reference, platform))?;
        let digest = store.image(&reference.to_string()).ok()?.map(|target| target.digest);
        let files: Rc<dyn BaseFiles> = Rc::new(StoredFiles {
            snapshots: Rc::clone(&self.snapshots),
            image: image.clone(),
            index: OnceCell::new(),
        });
        Some(BaseFacts { config: image.config, digest, files: Some(files) })
    }

    /// Asks the registry for manifest and config; layers are not fetched.
    fn ask(&self, reference: &Reference, platform: &Platform) -> Option<Image> {
        let client = self.client.as_ref()?;
        match plimsoll_build::store_remote_image(self.snapshots.store(), client, reference, platform) {
            Ok(image) => Some(image),
            Err(error) => {
                let name = reference.familiar();
                say(&format!("warning: nothing is known of the base image `{name}`: {error}"));
                None
            }
        }
    }
}

/// The files of an image whose layers are in the store; the first question reads their index.
struct StoredFiles {
    snapshots: Rc<Snapshots>,
    image: Image,
    index: OnceCell<Option<ChainIndex>>,
}

impl StoredFiles {
    /// The files of all layers; nothing when a layer is not at hand.
    fn index(&self) -> Option<&ChainIndex> {
        let read = || {
            let diff_ids = &self.image.config.rootfs.diff_ids;
            let layers: Vec<_> = diff_ids.iter().copied().zip(self.image.layers.iter().cloned()).collect();
            // Which blob a layer is in is how its index is found.
            self.snapshots.store().record_base_layers(&layers).ok()?;
            let chain: Vec<LayerId> = BaseLayers::imported(diff_ids).chain;
            self.snapshots.chain(&chain).ok()?.ok()
        };
        self.index.get_or_init(read).as_ref()
    }
}

impl BaseFiles for StoredFiles {
    fn has_file(&self, path: &str) -> Option<bool> {
        let index = self.index()?;
        let found = index.resolve(path.as_bytes(), true).ok().and_then(|resolved| resolved.found);
        Some(found.is_some_and(|found| !found.entry.is_directory()))
    }

    fn names(&self, directory: &str) -> Option<Vec<String>> {
        let index = self.index()?;
        let Ok(resolved) = index.resolve(directory.as_bytes(), true) else { return Some(Vec::new()) };
        if resolved.found.is_none() {
            return Some(Vec::new());
        }
        let children = index.children(&resolved.path);
        Some(children.iter().map(|child| String::from_utf8_lossy(child.name).into_owned()).collect())
    }
}
