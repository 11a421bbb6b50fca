//! The packages of an image, as a report tells of them: what its layers say, put together.

use plimsoll_packages::{Found, Installed, Layer, OperatingSystem};

use crate::facts::LayerFacts;
use crate::foreign::is_foreign;
use crate::report::{Location, Named, Package};

/// What the layers of an image say together.
#[derive(Debug, Default)]
pub struct Inventory {
    /// The operating system.
    pub system: Option<OperatingSystem>,
    /// The packages, by type, name, version and architecture.
    pub packages: Vec<Package>,
    /// How many packages were left out because they lie in files of the operating system's packages.
    pub owned_by_system: usize,
}

impl Inventory {
    /// Puts layers together, bottom first. `has_layers` tells whether places name them.
    pub(crate) fn of(facts: &mut [LayerFacts], has_layers: bool) -> Self {
        let taken = facts.iter_mut().enumerate().map(|(place, facts)| layer(place, facts));
        let layers: Vec<Layer> = taken.collect();
        let is_hidden = |place: usize, path: &str| is_hidden(facts, place, path);
        // Which system it is decides what is its own, and is itself found in the files.
        let named = layers.iter().flat_map(|layer| &layer.found);
        let mut systems = named.filter_map(|found| found.analysis.system.as_ref());
        let id = systems.next_back().map(|system| system.id.clone()).unwrap_or_default();
        let found = plimsoll_packages::inventory(&layers, &is_hidden, &|package| {
            is_foreign(package.kind, package.vendor.as_deref(), &id)
        });
        let system = found.system;
        let package = |installed| package(installed, system.as_ref(), has_layers);
        let packages = found.packages.into_iter().map(package).collect();
        Self { packages, owned_by_system: found.owned_by_system, system }
    }
}

/// Whether a file of a layer cannot be seen through those above it.
fn is_hidden(facts: &[LayerFacts], place: usize, path: &str) -> bool {
    facts[place + 1..].iter().any(|above| above.paths.hide(path))
}

/// What the files of a layer say, under the number of the layer; it is taken out of the facts.
fn layer(place: usize, facts: &mut LayerFacts) -> Layer {
    let of_path = |(path, said): (String, std::collections::BTreeMap<_, _>)| {
        said.into_iter().map(move |(analyzer, analysis)| Found { path: path.clone(), analyzer, analysis })
    };
    let found = std::mem::take(&mut facts.files).into_iter().flat_map(of_path).collect();
    Layer { diff_id: place.to_string(), found }
}

fn package(installed: Installed, system: Option<&OperatingSystem>, has_layers: bool) -> Package {
    let found = installed.package;
    let purl = found.purl(system.map(|system| (system.id.as_str(), system.version.as_str())));
    let location = |place: plimsoll_packages::Location| Location {
        layer: place.layer.parse().ok().filter(|_| has_layers),
        path: place.path,
        line: place.line,
    };
    Package {
        purl,
        kind: found.kind,
        name: found.name,
        version: found.version,
        evidence: found.evidence,
        scope: found.scope,
        architecture: found.architecture,
        source: found.source.map(|source| Named { name: source.name, version: source.version }),
        vendor: found.vendor,
        module: found.module,
        licenses: found.licenses,
        locations: installed.locations.into_iter().map(location).collect(),
    }
}
