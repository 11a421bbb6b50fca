//! Targets and groups, and how one definition is laid over another.

use std::collections::BTreeMap;

use crate::entry::{Attest, Cache, Output, Secret, Ssh, each_once, each_type_once};
use crate::problem::Place;

/// One build. An attribute that is `None` was not mentioned.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// For people.
    pub description: String,
    /// Targets that it takes attributes from.
    pub inherits: Vec<String>,
    /// Annotations of the image.
    pub annotations: Option<Vec<String>>,
    /// Attestations.
    pub attest: Option<Vec<Attest>>,
    /// The build context.
    pub context: Option<String>,
    /// Named contexts.
    pub contexts: Option<BTreeMap<String, String>>,
    /// The Dockerfile, relative to the context.
    pub dockerfile: Option<String>,
    /// The text of the Dockerfile.
    pub dockerfile_inline: Option<String>,
    /// Build arguments.
    pub args: BTreeMap<String, String>,
    /// Labels of the image.
    pub labels: BTreeMap<String, String>,
    /// Names of the image.
    pub tags: Option<Vec<String>>,
    /// Where cached results come from.
    pub cache_from: Option<Vec<Cache>>,
    /// Where cached results go.
    pub cache_to: Option<Vec<Cache>>,
    /// The stage to build.
    pub target: Option<String>,
    /// Secrets for steps.
    pub secrets: Option<Vec<Secret>>,
    /// ssh agents for steps.
    pub ssh: Option<Vec<Ssh>>,
    /// Platforms of the image.
    pub platforms: Option<Vec<String>>,
    /// Where the result goes.
    pub outputs: Option<Vec<Output>>,
    /// Whether base images are asked for again.
    pub pull: Option<bool>,
    /// Whether every step runs again.
    pub no_cache: Option<bool>,
    /// The network of steps.
    pub network: Option<String>,
    /// Stages whose steps run again.
    pub no_cache_filter: Option<Vec<String>>,
    /// The size of `/dev/shm`.
    pub shm_size: Option<String>,
    /// Limits of steps.
    pub ulimits: Option<Vec<String>>,
    /// What is done with the Dockerfile: `build`, `check`, `outline` or `targets`.
    pub call: Option<String>,
    /// What steps may ask for.
    pub entitlements: Option<Vec<String>>,
    /// Lines of /etc/hosts.
    pub extra_hosts: BTreeMap<String, String>,
    /// Where each attribute was set last, by its name in a bake file; `""` is the target itself.
    pub places: BTreeMap<&'static str, Place>,
}

/// Several builds under one name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// For people.
    pub description: String,
    /// Targets and groups.
    pub targets: Vec<String>,
}

impl Target {
    /// A target without attributes.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Lays another definition over this one: what it mentions wins, and where lists add up, it adds.
    pub(crate) fn merge(&mut self, other: &Self) {
        fn replace<T: Clone>(mine: &mut Option<T>, theirs: Option<&T>) {
            if let Some(theirs) = theirs {
                *mine = Some(theirs.clone());
            }
        }
        fn append<T: Clone>(mine: &mut Option<Vec<T>>, theirs: Option<&Vec<T>>) {
            if let Some(theirs) = theirs {
                mine.get_or_insert_default().extend(theirs.iter().cloned());
            }
        }
        replace(&mut self.context, other.context.as_ref());
        replace(&mut self.dockerfile, other.dockerfile.as_ref());
        replace(&mut self.dockerfile_inline, other.dockerfile_inline.as_ref());
        self.args.extend(other.args.clone());
        if let Some(contexts) = &other.contexts {
            self.contexts.get_or_insert_default().extend(contexts.clone());
        }
        self.labels.extend(other.labels.clone());
        replace(&mut self.tags, other.tags.as_ref());
        replace(&mut self.target, other.target.as_ref());
        replace(&mut self.call, other.call.as_ref());
        append(&mut self.annotations, other.annotations.as_ref());
        append(&mut self.attest, other.attest.as_ref());
        append(&mut self.secrets, other.secrets.as_ref());
        append(&mut self.ssh, other.ssh.as_ref());
        replace(&mut self.platforms, other.platforms.as_ref());
        append(&mut self.cache_from, other.cache_from.as_ref());
        replace(&mut self.cache_to, other.cache_to.as_ref());
        replace(&mut self.outputs, other.outputs.as_ref());
        replace(&mut self.pull, other.pull.as_ref());
        replace(&mut self.no_cache, other.no_cache.as_ref());
        replace(&mut self.network, other.network.as_ref());
        append(&mut self.no_cache_filter, other.no_cache_filter.as_ref());
        replace(&mut self.shm_size, other.shm_size.as_ref());
        append(&mut self.ulimits, other.ulimits.as_ref());
        append(&mut self.entitlements, other.entitlements.as_ref());
        self.extra_hosts.extend(other.extra_hosts.clone());
        if !other.description.is_empty() {
            self.description.clone_from(&other.description);
        }
        self.inherits.extend(other.inherits.iter().cloned());
        self.places.extend(other.places.iter().map(|(name, place)| (*name, place.clone())));
    }

    /// Takes away what is there twice or empty.
    pub(crate) fn normalize(&mut self) {
        for list in [
            &mut self.annotations,
            &mut self.tags,
            &mut self.platforms,
            &mut self.no_cache_filter,
            &mut self.ulimits,
        ]
        .into_iter()
        .flatten()
        {
            list.retain(|text| !text.is_empty());
            each_once(list);
        }
        self.attest.iter_mut().for_each(each_type_once);
        self.secrets.iter_mut().for_each(each_once);
        self.ssh.iter_mut().for_each(each_once);
        self.cache_from.iter_mut().for_each(each_once);
        self.cache_to.iter_mut().for_each(each_once);
        self.outputs.iter_mut().for_each(each_once);
        if self.network.as_deref() == Some("host") {
            self.entitlements.get_or_insert_default().push("network.host".to_owned());
        }
        if let Some(entitlements) = &mut self.entitlements {
            entitlements.retain(|text| !text.is_empty());
            each_once(entitlements);
        }
        if let Some(contexts) = &mut self.contexts {
            contexts.retain(|_, value| !value.is_empty());
        }
    }

    /// The place where an attribute was set, or that of the target.
    pub fn place(&self, attribute: &str) -> Option<&Place> {
        self.places.get(attribute).or_else(|| self.places.get(""))
    }

    /// Names of targets that named contexts refer to.
    pub fn links(&self) -> impl Iterator<Item = &str> {
        self.linked_contexts().map(|(_, target)| target)
    }

    /// The named contexts that other targets make: their names, and those of the targets.
    pub fn linked_contexts(&self) -> impl Iterator<Item = (&str, &str)> {
        let contexts = self.contexts.iter().flatten();
        contexts.filter_map(|(name, value)| Some((name.as_str(), value.strip_prefix("target:")?)))
    }
}
