//! Bills of materials of any tool, read: `CycloneDX` 1.2 to 1.6 and SPDX 2.2 and 2.3 as JSON, also as the predicate of an
//! in-toto statement.
//!
//! Everything in them is a claim of whoever wrote them. A component is known by its package URL; what has none, or one of a
//! type that is not known here, is counted as not scanned.

use std::collections::BTreeMap;

use plimsoll_packages::{Evidence, Kind, Purl};
use plimsoll_scan::NotScanned;
use plimsoll_scan::report::{Location, Named, Package, System};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::{extras, read_cyclonedx, read_spdx};

/// So many components are named where several were passed over for one reason.
const NAMED: usize = 5;

/// What a bill of materials says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bom {
    /// What it is about; empty if it does not say.
    pub target: String,
    /// The operating system. When it ends, no bill of materials says.
    pub system: Option<System>,
    /// The packages, by type, name, version and architecture.
    pub packages: Vec<Package>,
    /// Components of which nothing can be known.
    pub not_scanned: Vec<NotScanned>,
}

/// Why bytes are no bill of materials that is read here.
#[derive(Debug, thiserror::Error)]
pub enum SbomError {
    /// It is XML.
    #[error("it is XML: of CycloneDX and SPDX, only the JSON form is read, which other tools convert it to")]
    Xml,
    /// It is SPDX's text form.
    #[error("it is SPDX tag-value text: only SPDX JSON is read, which other tools convert it to")]
    TagValue,
    /// It is not JSON, or not as the format has it.
    #[error("it is no valid JSON document of {format}")]
    Json {
        /// What it should be.
        format: &'static str,
        /// The cause, with its place.
        #[source]
        source: serde_json::Error,
    },
    /// It has a version that is not known here.
    #[error("it is {format} {version}, and {known} are read")]
    Version {
        /// The format.
        format: &'static str,
        /// Its version.
        version: String,
        /// What is read.
        known: &'static str,
    },
    /// It is an envelope around a statement.
    #[error("it is a signed envelope: verify it, and give the statement inside")]
    Envelope,
    /// It is a statement about something else.
    #[error("it is an in-toto statement of type `{kind}`, which is no bill of materials")]
    Predicate {
        /// The type of its predicate.
        kind: String,
    },
    /// It is JSON of another sort.
    #[error("it is neither CycloneDX nor SPDX: it has no `bomFormat` and no `spdxVersion`")]
    Unknown,
}

/// What tells the formats apart.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    bom_format: Option<String>,
    spec_version: Option<String>,
    spdx_version: Option<String>,
    predicate_type: Option<String>,
    payload_type: Option<IgnoredAny>,
    #[serde(rename = "@context")]
    context: Option<IgnoredAny>,
    predicate: Option<Box<Header>>,
}

#[derive(Deserialize)]
struct Statement<T> {
    predicate: T,
}

/// Reads a bill of materials.
pub fn read_sbom(bytes: &[u8]) -> Result<Bom, SbomError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii();
    if bytes.starts_with(b"<") {
        return Err(SbomError::Xml);
    }
    if bytes.starts_with(b"SPDXVersion:") {
        return Err(SbomError::TagValue);
    }
    let outer: Header = json("CycloneDX or SPDX", bytes)?;
    let is_statement = outer.predicate.is_some();
    let kind = outer.predicate_type.clone().unwrap_or_default();
    let header = match outer.predicate {
        Some(predicate) => *predicate,
        None => outer,
    };
    if header.bom_format.as_deref() == Some("CycloneDX") {
        let version = header.spec_version.unwrap_or_default();
        if !matches!(&*version, "1.2" | "1.3" | "1.4" | "1.5" | "1.6") {
            return Err(SbomError::Version { format: "CycloneDX", version, known: "1.2 to 1.6" });
        }
        return Ok(read_cyclonedx::bom(document("CycloneDX", bytes, is_statement)?));
    }
    match header.spdx_version {
        Some(version) if matches!(&*version, "SPDX-2.2" | "SPDX-2.3") => {
            Ok(read_spdx::bom(document("SPDX", bytes, is_statement)?))
        }
        Some(version) => {
            let version = version.strip_prefix("SPDX-").unwrap_or(&version).to_owned();
            Err(SbomError::Version { format: "SPDX", version, known: "2.2 and 2.3" })
        }
        None if is_statement => Err(SbomError::Predicate { kind }),
        None if header.payload_type.is_some() => Err(SbomError::Envelope),
        None if header.context.is_some() => {
            Err(SbomError::Version { format: "SPDX", version: "3".to_owned(), known: "2.2 and 2.3" })
        }
        None => Err(SbomError::Unknown),
    }
}

fn document<T: DeserializeOwned>(
    format: &'static str,
    bytes: &[u8],
    is_statement: bool,
) -> Result<T, SbomError> {
    if is_statement {
        return Ok(json::<Statement<T>>(format, bytes)?.predicate);
    }
    json(format, bytes)
}

fn json<T: DeserializeOwned>(format: &'static str, bytes: &[u8]) -> Result<T, SbomError> {
    serde_json::from_slice(bytes).map_err(|source| SbomError::Json { format, source })
}

/// A component, of whatever format.
#[derive(Default)]
pub(super) struct Component {
    pub(super) name: String,
    /// What comes before the name, where the format has a place of its own for it.
    pub(super) group: Option<String>,
    pub(super) version: Option<String>,
    pub(super) purl: Option<String>,
    pub(super) licenses: Vec<String>,
    pub(super) locations: Vec<Location>,
    /// Our own pairs.
    pub(super) extras: Vec<(String, String)>,
    /// The source package, where another tool tells it apart from the package URL.
    pub(super) source: Option<Named>,
    /// What found it, by another tool's name.
    pub(super) finder: Option<String>,
}

/// Gathers what a document says.
#[derive(Default)]
pub(super) struct Collector {
    pub(super) target: String,
    pub(super) system: Option<System>,
    packages: BTreeMap<(Kind, String, String, Option<String>), Package>,
    passed_over: BTreeMap<String, Vec<String>>,
    distribution: Option<(String, String)>,
}

impl Collector {
    pub(super) fn add(&mut self, component: Component) {
        let Some(text) = &component.purl else {
            return self.pass_over("no package URL".to_owned(), component.name);
        };
        let purl = match Purl::parse(text) {
            Ok(purl) => purl,
            Err(error) => return self.pass_over(format!("a broken package URL ({error})"), component.name),
        };
        let finder = component.finder.as_deref().unwrap_or_default();
        let Some(mut found) = purl.package(extras::evidence(finder)) else {
            return self.pass_over(format!("the package type `{}`", purl.kind), component.name);
        };
        if found.version.is_empty() {
            found.version = component.version.clone().unwrap_or_default();
        }
        found.name = spelling(&component, found.kind, found.name);
        if self.distribution.is_none() && found.kind.is_of_system() {
            let distribution = purl.distribution();
            self.distribution = distribution.map(|(id, version)| (id.to_owned(), version.to_owned()));
        }
        let source = found.source.map(|source| Named { name: source.name, version: source.version });
        let mut package = Package {
            kind: found.kind,
            name: found.name,
            version: found.version,
            purl: String::new(),
            evidence: found.evidence,
            scope: found.scope,
            architecture: found.architecture,
            source: None,
            vendor: None,
            module: None,
            licenses: component.licenses,
            locations: component.locations,
        };
        let is_other = |one: &Named| (&one.name, &one.version) != (&package.name, &package.version);
        package.source = component.source.or(source).filter(is_other);
        for (name, value) in &component.extras {
            extras::apply(&mut package, name, value);
        }
        self.insert(package);
    }

    fn insert(&mut self, package: Package) {
        let key = (package.kind, package.name.clone(), package.version.clone(), package.architecture.clone());
        match self.packages.get_mut(&key) {
            None => {
                self.packages.insert(key, package);
            }
            Some(same) => {
                same.locations.extend(package.locations);
                same.locations.sort();
                same.locations.dedup();
            }
        }
    }

    fn pass_over(&mut self, reason: String, name: String) {
        self.passed_over.entry(reason).or_default().push(name);
    }

    /// An operating system by the names of whichever tool.
    pub(super) fn set_system(&mut self, id: &str, version: &str, name: Option<&str>) {
        let (id, version) = release(id, version);
        let name = name.map_or_else(|| format!("{id} {version}").trim_end().to_owned(), str::to_owned);
        self.system = Some(System { id, version, name, end_of_life: None, is_past_end_of_life: false });
    }

    pub(super) fn finish(mut self) -> Bom {
        if self.system.is_none()
            && let Some((id, version)) = self.distribution.take()
        {
            self.set_system(&id, &version, None);
        }
        let system = self.system.as_ref().map(|system| (&*system.id, &*system.version));
        let mut packages: Vec<Package> = self.packages.into_values().collect();
        for package in &mut packages {
            let mut plain = plimsoll_packages::Package::new(
                package.kind,
                &*package.name,
                &*package.version,
                Evidence::Installed,
            );
            plain.architecture.clone_from(&package.architecture);
            package.purl = plain.purl(system);
        }
        let not_scanned = self.passed_over.into_iter().map(|(what, names)| {
            let more = if names.len() > NAMED {
                format!(" and {} more", names.len() - NAMED)
            } else {
                String::new()
            };
            let shown = names[..names.len().min(NAMED)].join(", ");
            NotScanned {
                path: String::new(),
                reason: format!("nothing is known of components with {what}: {shown}{more}"),
            }
        });
        let not_scanned = not_scanned.collect();
        Bom { target: self.target, system: self.system, packages, not_scanned }
    }
}

/// The component's own spelling of the name, when it is only another spelling: package URLs leave out letter case and the like.
fn spelling(component: &Component, kind: Kind, name: String) -> String {
    let url = |name: &str| plimsoll_packages::Package::new(kind, name, "", Evidence::Installed).purl(None);
    let grouped = component.group.iter().filter(|group| !group.is_empty());
    let grouped =
        grouped.flat_map(|group| [":", "/"].map(|between| format!("{group}{between}{}", component.name)));
    let wanted = url(&name);
    grouped.chain([component.name.clone()]).find(|other| url(other) == wanted).unwrap_or(name)
}

/// `ID` and `VERSION_ID` of os-release for the names that Trivy gives to distributions.
fn release(id: &str, version: &str) -> (String, String) {
    let id = match id {
        "redhat" => "rhel",
        "alma" => "almalinux",
        "amazon" => "amzn",
        "oracle" => "ol",
        "suse linux enterprise server" => "sles",
        "opensuse.leap" => "opensuse-leap",
        "cbl-mariner" => "mariner",
        id => id,
    };
    let version = match (id, version.split_once('.')) {
        // The point release is not in Debian's VERSION_ID.
        ("debian", Some((major, _))) => major,
        _ => version,
    };
    (id.to_ascii_lowercase(), version.to_owned())
}
