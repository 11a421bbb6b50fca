//! What was scanned, as far as a report is made of it: facts of layers or packages of a bill of materials.

use std::collections::BTreeSet;

use plimsoll_advisories::{Database, DatabaseError};
use plimsoll_oci::ImageConfig;
use plimsoll_packages::{OperatingSystem, Support};
use plimsoll_secrets::Scanner;

use crate::assess::assess;
use crate::exposed;
use crate::facts::{LayerFacts, NotScanned};
use crate::ignore::IgnoreRules;
use crate::inventory::Inventory;
use crate::report::{
    DatabaseInfo, Layer, Location, Package, Report, SCHEMA, Secret, Severity, State, Summary, System, Target,
    TargetKind, Tool,
};
use crate::vex::Vex;

/// What a scan is about.
pub struct Subject {
    /// What was scanned.
    pub target: Target,
    /// What is in it.
    pub inventory: Inventory,
    /// The secrets in it.
    pub secrets: Vec<Secret>,
    /// How many more are in files that packages of the operating system brought.
    pub public_secrets: usize,
    /// What could not be read.
    pub not_scanned: Vec<NotScanned>,
}

/// How what is found becomes a report.
pub struct Judgement<'j> {
    /// The database and its digest.
    pub database: Option<(&'j Database, String)>,
    /// Whether vulnerabilities are looked for at all.
    pub vulnerabilities: bool,
    /// Whether packages that are only for development are looked up.
    pub with_development: bool,
    /// Whether vulnerabilities that no version fixes are left out.
    pub only_fixed: bool,
    /// Layers of another image: what comes with these alone is left out.
    pub known_layers: Option<&'j KnownLayers>,
    /// What others say about vulnerabilities.
    pub vex: &'j Vex,
    /// What is not wanted.
    pub ignore: &'j IgnoreRules,
    /// The day, as `2027-01-31`.
    pub today: &'j str,
    /// The version of the program.
    pub version: &'j str,
}

/// The layers of an image that another one is compared with.
#[derive(Clone, Debug)]
pub enum KnownLayers {
    /// The base of each image.
    Base,
    /// These, by their diff ids.
    Listed(BTreeSet<String>),
}

impl KnownLayers {
    /// Whether a place in an image is in one of them.
    fn have(&self, target: &Target, place: &Location) -> bool {
        let Some(layer) = place.layer.and_then(|layer| target.layers.get(layer)) else { return false };
        match self {
            Self::Base => layer.is_base,
            Self::Listed(layers) => layers.contains(&layer.diff_id),
        }
    }
}

impl Subject {
    /// An image, from what its layers and its config say.
    pub fn image(
        mut target: Target,
        config: &ImageConfig,
        mut facts: Vec<LayerFacts>,
        secrets: Option<&Scanner>,
    ) -> Self {
        let mut found = secrets.map(|scanner| exposed::in_config(config, scanner)).unwrap_or_default();
        found.extend(exposed::in_layers(&facts, true));
        let public_secrets = facts.iter().map(|facts| facts.public_secrets).sum();
        target.layers = layers(config);
        let not_scanned = facts.iter_mut().flat_map(|facts| std::mem::take(&mut facts.not_scanned)).collect();
        Self {
            target,
            inventory: Inventory::of(&mut facts, true),
            secrets: found,
            public_secrets,
            not_scanned,
        }
    }

    /// A directory.
    pub fn directory(name: String, mut facts: LayerFacts) -> Self {
        let target = Target {
            kind: TargetKind::Directory,
            name,
            digest: None,
            platform: None,
            dockerfile: None,
            layers: Vec::new(),
        };
        let not_scanned = std::mem::take(&mut facts.not_scanned);
        let secrets = exposed::in_layers(std::slice::from_ref(&facts), false);
        let public_secrets = facts.public_secrets;
        Self { target, inventory: Inventory::of(&mut [facts], false), secrets, public_secrets, not_scanned }
    }

    /// A bill of materials. When an operating system ends, it does not say.
    pub fn bill_of_materials(
        name: String,
        system: Option<OperatingSystem>,
        packages: Vec<Package>,
        not_scanned: Vec<NotScanned>,
    ) -> Self {
        let target = Target {
            kind: TargetKind::Sbom,
            name,
            digest: None,
            platform: None,
            dockerfile: None,
            layers: Vec::new(),
        };
        let inventory = Inventory { system, packages, owned_by_system: 0 };
        Self { target, inventory, secrets: Vec::new(), public_secrets: 0, not_scanned }
    }

    /// Asks the database, and leaves out what is not wanted.
    pub fn report(self, judgement: &Judgement<'_>) -> Result<Report, DatabaseError> {
        let Self { target, inventory, mut secrets, public_secrets, mut not_scanned } = self;
        let mut vulnerabilities = Vec::new();
        if let (true, Some((database, _))) = (judgement.vulnerabilities, &judgement.database) {
            let found =
                assess(database, inventory.system.as_ref(), &inventory.packages, judgement.with_development)?;
            vulnerabilities = found.vulnerabilities;
            not_scanned.extend(found.not_scanned);
        }
        let os = inventory.system.as_ref().map(|system| system_of(system, judgement.today));
        if judgement.vulnerabilities {
            not_scanned.extend(gaps(&inventory, os.as_ref(), judgement.database.is_some()));
        }
        let mut summary = Summary {
            packages: inventory.packages.len(),
            owned_by_system: inventory.owned_by_system,
            public_secrets,
            ..Summary::default()
        };
        if let Some(known) = judgement.known_layers {
            let before = vulnerabilities.len();
            vulnerabilities.retain(|one| !one.locations.iter().all(|place| known.have(&target, place)));
            summary.known_before = before - vulnerabilities.len();
        }
        vulnerabilities.retain(|one| {
            let names: Vec<&str> = std::iter::once(&one.id).chain(&one.aliases).map(String::as_str).collect();
            let paths: Vec<&str> = one.locations.iter().map(|place| place.path.as_str()).collect();
            let is_hidden = judgement.ignore.hide_vulnerability(&names, &one.package.purl, &paths)
                || judgement.vex.excuses(&names, &one.package.purl);
            summary.suppressed += usize::from(is_hidden);
            let is_left_out = judgement.only_fixed && one.state != State::Fixed;
            !(is_hidden || is_left_out)
        });
        for severity in Severity::ALL {
            let count = vulnerabilities.iter().filter(|one| one.severity == severity).count();
            summary.vulnerabilities.insert(severity.name().to_owned(), count);
        }
        summary.fixable = vulnerabilities.iter().filter(|one| one.state == State::Fixed).count();
        secrets.retain(|secret| {
            let is_hidden = judgement.ignore.hide_secret(&[&secret.rule, &secret.fingerprint], &secret.path);
            summary.suppressed += usize::from(is_hidden);
            !is_hidden
        });
        summary.secrets = secrets.len();
        not_scanned.sort();
        not_scanned.dedup();
        summary.not_scanned = not_scanned.len();
        Ok(Report {
            schema: SCHEMA,
            tool: Tool { name: "plimsoll".to_owned(), version: judgement.version.to_owned() },
            target,
            os,
            packages: inventory.packages,
            vulnerabilities,
            secrets,
            not_scanned,
            database: judgement.database.as_ref().map(|(database, digest)| info(database, digest)),
            summary,
        })
    }
}

/// What is said of a whole target that cannot be judged.
fn gaps(inventory: &Inventory, os: Option<&System>, has_database: bool) -> Vec<NotScanned> {
    let mut gaps = Vec::new();
    let mut add = |reason: String| gaps.push(NotScanned { path: String::new(), reason });
    if !has_database {
        add("there is no database of vulnerabilities: packages are only listed".to_owned());
    }
    if let Some(os) = os {
        if let Some(day) = os.end_of_life.as_ref().filter(|_| os.is_past_end_of_life) {
            add(format!("`{}` gets no advisories since {day}: what is missing there is unknown", os.name));
        }
        if !inventory.packages.iter().any(|package| package.kind.is_of_system()) {
            add(format!("the image is `{}`, and no database of its packages is in it", os.name));
        }
    } else if inventory.packages.is_empty() {
        add("there is nothing that says what packages it has".to_owned());
    }
    gaps
}

fn system_of(system: &OperatingSystem, today: &str) -> System {
    let support = plimsoll_packages::support(&system.id, &system.version);
    System {
        id: system.id.clone(),
        version: system.version.clone(),
        name: system.name.clone(),
        end_of_life: match support {
            Support::Until { day, .. } => Some(day.to_owned()),
            Support::Rolling | Support::Unknown => None,
        },
        is_past_end_of_life: support.has_ended(today),
    }
}

fn info(database: &Database, digest: &str) -> DatabaseInfo {
    let mut sources = std::collections::BTreeMap::new();
    for source in database.sources() {
        *sources.entry(source.kind.clone()).or_insert(0) += source.records;
    }
    DatabaseInfo {
        digest: digest.to_owned(),
        built: Some(database.built()).filter(|built| *built > 0),
        sources,
    }
}

/// The layers of an image with the instructions that made them, as far as its history tells.
fn layers(config: &ImageConfig) -> Vec<Layer> {
    let steps: Vec<_> = config.history.iter().filter(|step| !step.empty_layer).collect();
    // A history that does not fit the layers tells nothing about any of them.
    let fits = steps.len() == config.rootfs.diff_ids.len();
    let layer = |(place, diff_id): (usize, &plimsoll_oci::DiffId)| Layer {
        diff_id: diff_id.to_string(),
        created_by: steps.get(place).filter(|_| fits).and_then(|step| step.created_by.clone()),
        stage: None,
        line: None,
        is_base: false,
    };
    config.rootfs.diff_ids.iter().enumerate().map(layer).collect()
}
