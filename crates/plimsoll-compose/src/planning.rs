//! From a request to a plan: release files, indexes, resolution.

use std::collections::BTreeMap;
use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use plimsoll_oci::Digest;

use crate::archive::{self, Accept, IndexFile, Keyring, Release};
use crate::composer::ComposerOptions;
use crate::decode::buffered_decoder;
use crate::error::ComposeError;
use crate::events::{Event, Events};
use crate::net::{self, Cache, Client, Wanted, shown};
use crate::plan::{Plan, PlannedArchive, PlannedPackage, SCHEMA};
use crate::resolve::{self, Field, IndexError, PackageId, PackageIndex, Request};
use crate::sources::{self, Archive};
use crate::spec::{DebianSpec, Variant};

/// How far a release file's date may lie in the future, for clocks that are a little wrong.
const CLOCK_TOLERANCE_SECONDS: i64 = 6 * 3600;

pub(crate) struct Planner<'a> {
    pub(crate) options: &'a ComposerOptions,
    pub(crate) client: &'a Client,
    pub(crate) cache: &'a Cache,
    pub(crate) events: Events<'a>,
}

/// A suite whose release file was verified.
struct Verified {
    archive: Archive,
    /// The address that answered.
    uri: String,
    release: Release,
}

/// An index in the cache.
struct Fetched {
    archive: usize,
    digest: Digest,
    path: String,
}

/// The archives of a suite: of the configured mirror, else of the sources.
pub(crate) fn archives(options: &ComposerOptions, suite: &str) -> Result<Vec<Archive>, ComposeError> {
    let archives = match &options.mirror {
        None => sources::select(&options.sources, suite),
        Some(mirror) => {
            let source = |uri: &str, suites: &[&str]| sources::AptSource {
                types: vec!["deb".to_owned()],
                uris: vec![uri.to_owned()],
                suites: suites.iter().map(|suite| (*suite).to_owned()).collect(),
                components: vec!["main".to_owned()],
                ..sources::AptSource::default()
            };
            // A suite that no archive has makes the selection derive all names, the optional ones marked as
            // such.
            let mut configured = vec![source(mirror, &["configured"])];
            configured
                .extend(options.security_mirror.iter().map(|uri| source(uri, &["configured-security"])));
            sources::select(&configured, suite)
        }
    };
    if archives.is_empty() {
        return Err(ComposeError::NoSource { suite: suite.to_owned() });
    }
    Ok(archives)
}

impl Planner<'_> {
    pub(crate) async fn plan(&self, spec: &DebianSpec, arch: &str) -> Result<Plan, ComposeError> {
        self.cache.prepare()?;
        let mut archives = archives(self.options, spec.suite())?;
        archives.retain(|archive| {
            archive.architectures.is_empty() || archive.architectures.iter().any(|a| a == arch)
        });
        if archives.is_empty() {
            return Err(ComposeError::NoSource { suite: spec.suite().to_owned() });
        }
        let found: Vec<Option<Verified>> = stream::iter(archives)
            .map(|archive| self.release(archive))
            .buffered(self.options.jobs.max(1))
            .try_collect()
            .await?;
        let verified: Vec<Verified> = found.into_iter().flatten().collect();
        let mut wanted = Vec::new();
        for (place, suite) in verified.iter().enumerate() {
            check_architecture(suite, arch)?;
            for component in &suite.archive.components {
                wanted.extend(self.index_of(suite, place, component, arch)?);
            }
        }
        let fetched: Vec<Fetched> = stream::iter(wanted)
            .map(|(place, component, files)| self.index(&verified[place], place, component, files))
            .buffered(self.options.jobs.max(1))
            .try_collect()
            .await?;
        let cache = self.cache.clone();
        let read = tokio::task::spawn_blocking(move || read_indexes(&cache, &fetched)).await;
        let index = read.expect("indexes are read without panics")?;
        self.resolve(spec, arch, &verified, &index)
    }

    async fn release(&self, archive: Archive) -> Result<Option<Verified>, ComposeError> {
        let keyring = keyring(self.options, &archive)?;
        let mut unreachable = None;
        for base in archive.uris.clone() {
            let uri = format!("{base}/dists/{}/InRelease", archive.suite);
            let answer = match net::release_file(self.client, self.cache, &uri, self.events).await {
                Ok(answer) => answer,
                Err(error) => {
                    unreachable = Some(error);
                    continue;
                }
            };
            let Some((bytes, from_cache)) = answer else { continue };
            let uri = shown(&uri);
            let check_dates = self.options.check_valid_until && archive.check_valid_until.unwrap_or(true);
            let now = now();
            let fingerprints =
                archive.signed_by.as_ref().map_or(&[][..], |signed_by| &signed_by.fingerprints);
            let accept = Accept { fingerprints, now, keys_of_then: !check_dates };
            let verified = archive::verify(&bytes, &keyring, accept, &uri)?;
            let release = Release::parse(&verified.text, &uri)?;
            if check_dates {
                check_times(&release, now, &uri)?;
            }
            (self.events)(Event::ReleaseVerified {
                suite: archive.suite.clone(),
                uri,
                fingerprint: verified.fingerprint,
                from_cache,
            });
            return Ok(Some(Verified { archive, uri: base, release }));
        }
        match unreachable {
            // Offline, an optional suite that was never fetched is one that the mirror did not have.
            None | Some(ComposeError::Offline { .. }) if archive.optional => Ok(None),
            Some(error) => Err(error),
            None => {
                let uri = archive.uris.first().map(|uri| shown(uri)).unwrap_or_default();
                Err(ComposeError::UnknownSuite { uri, suite: archive.suite })
            }
        }
    }

    fn index_of(
        &self,
        suite: &Verified,
        place: usize,
        component: &str,
        arch: &str,
    ) -> Result<Option<(usize, String, Vec<IndexFile>)>, ComposeError> {
        let files: Vec<IndexFile> =
            suite.release.package_indexes(component, arch).into_iter().cloned().collect();
        if !files.is_empty() {
            return Ok(Some((place, component.to_owned(), files)));
        }
        let name = suite.archive.suite.clone();
        let known = suite.release.components.iter().any(|known| known.ends_with(component));
        if component == "main" || known {
            return Err(ComposeError::NoIndex {
                suite: name,
                component: component.to_owned(),
                arch: arch.to_owned(),
            });
        }
        let text = format!("suite `{name}` has no component `{component}`");
        (self.events)(Event::Notice { text });
        Ok(None)
    }

    /// Fetches an index in the first compression that the mirror really has.
    async fn index(
        &self,
        suite: &Verified,
        archive: usize,
        component: String,
        files: Vec<IndexFile>,
    ) -> Result<Fetched, ComposeError> {
        let mut missing = None;
        let present = files.iter().position(|file| self.cache.has(&file.digest, file.size_bytes));
        let (first, rest) = present.map_or((None, &files[..]), |place| (files.get(place), &[][..]));
        for file in first.into_iter().chain(rest) {
            let directory = format!("{}/dists/{}", suite.uri, suite.archive.suite);
            let plain = format!("{directory}/{}", file.path);
            let mut uris = vec![plain];
            if suite.release.by_hash {
                let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
                uris.insert(0, format!("{directory}/{folder}/by-hash/SHA256/{}", file.digest.hex()));
            }
            let size_bytes = if first.is_some() { 0 } else { file.size_bytes };
            (self.events)(Event::Index {
                suite: suite.archive.suite.clone(),
                component: component.clone(),
                size_bytes,
            });
            let wanted = Wanted { uris, digest: file.digest, size_bytes: file.size_bytes, package: None };
            match net::download(self.client, self.cache, &wanted, self.events).await {
                Ok(()) => return Ok(Fetched { archive, digest: file.digest, path: file.path.clone() }),
                Err(
                    error @ (ComposeError::Status { status: 404 | 410, .. } | ComposeError::Offline { .. }),
                ) => {
                    missing.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(missing.expect("there is at least one file, and it was missing"))
    }

    fn resolve(
        &self,
        spec: &DebianSpec,
        arch: &str,
        verified: &[Verified],
        index: &PackageIndex,
    ) -> Result<Plan, ComposeError> {
        // Without certificates `apt` cannot reach such a mirror.
        let https = verified.iter().any(|suite| suite.uri.starts_with("https:"));
        let extra: &[&str] =
            if https && spec.variant() == Variant::Minbase { &["ca-certificates"] } else { &[] };
        let request =
            Request { suite: spec.suite(), arch, variant: spec.variant(), packages: spec.packages(), extra };
        let resolved = resolve::resolve(index, request)?;
        let mut packages = Vec::with_capacity(resolved.packages.len());
        for (name, (id, depends)) in resolved.packages {
            let requested = spec.packages().contains(&name);
            packages.push(planned(index, id, depends.into_iter().collect(), requested)?);
        }
        for left_out in &resolved.left_out {
            (self.events)(Event::LeftOut {
                package: left_out.dependency.clone(),
                wanted_by: left_out.wanted_by.clone(),
            });
        }
        let archives: Vec<PlannedArchive> = verified
            .iter()
            .map(|suite| PlannedArchive {
                suite: suite.archive.suite.clone(),
                codename: suite.release.codename.clone(),
                date: suite.release.date,
                release: suite.release.digest,
            })
            .collect();
        let plan = Plan {
            schema: SCHEMA,
            spec: spec.clone().with_default_arch(arch),
            architecture: arch.to_owned(),
            created: archives.iter().map(|archive| archive.date).max().unwrap_or_default(),
            archives,
            packages,
            left_out: resolved.left_out.into_iter().collect(),
        };
        (self.events)(Event::Resolved {
            packages: plan.packages.len(),
            download_bytes: plan.download_bytes(),
        });
        Ok(plan)
    }
}

fn check_architecture(suite: &Verified, arch: &str) -> Result<(), ComposeError> {
    let available = &suite.release.architectures;
    if available.is_empty() || available.iter().any(|known| known == arch) {
        return Ok(());
    }
    let available = available.iter().filter(|known| *known != "all").cloned().collect();
    Err(ComposeError::UnknownArchitecture {
        suite: suite.archive.suite.clone(),
        arch: arch.to_owned(),
        available,
    })
}

/// The keys that may sign an archive's release files.
pub(crate) fn keyring(options: &ComposerOptions, archive: &Archive) -> Result<Keyring, ComposeError> {
    let mut keyring = Keyring::default();
    let mut looked_at = Vec::new();
    let signed_by = archive.signed_by.as_ref();
    if let Some(text) = signed_by.and_then(|signed_by| signed_by.embedded.as_ref()) {
        let path = std::path::PathBuf::from("Signed-By");
        let bad = |source| ComposeError::Keyring { path, source: Box::new(source) };
        keyring.add_bytes(text.as_bytes()).map_err(bad)?;
    }
    let files = signed_by.map_or(&[][..], |signed_by| &signed_by.files);
    let named =
        signed_by.is_some_and(|signed_by| signed_by.embedded.is_some() || !signed_by.files.is_empty());
    for path in if named { files } else { &options.keyrings[..] } {
        looked_at.push(path.clone());
        if path.is_dir() {
            keyring.add_directory(path)?;
        } else {
            keyring.add_file(path)?;
        }
    }
    if keyring.keys.is_empty() {
        return Err(ComposeError::KeyringMissing { suite: archive.suite.clone(), looked_at });
    }
    Ok(keyring)
}

fn check_times(release: &Release, now: i64, uri: &str) -> Result<(), ComposeError> {
    if release.date > now + CLOCK_TOLERANCE_SECONDS {
        let date = Timestamp::from_second(release.date).map(|date| date.to_string()).unwrap_or_default();
        return Err(ComposeError::FromTheFuture { uri: uri.to_owned(), date });
    }
    match &release.valid_until {
        Some((seconds, text)) if *seconds < now => {
            Err(ComposeError::Expired { uri: uri.to_owned(), valid_until: text.clone() })
        }
        _ => Ok(()),
    }
}

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}

fn read_indexes(cache: &Cache, fetched: &[Fetched]) -> Result<PackageIndex, ComposeError> {
    let mut index = PackageIndex::default();
    for file in fetched {
        let malformed = |problem| ComposeError::Malformed { place: file.path.clone(), problem };
        let failed =
            |source: io::Error| ComposeError::Io { action: "read", path: cache.file(&file.digest), source };
        let input = cache.open(&file.digest, &file.path)?;
        let reader = buffered_decoder(&file.path, input).map_err(failed)?;
        let archive = u16::try_from(file.archive).map_err(|_| malformed("there are too many archives"))?;
        index.read(archive, reader).map_err(|error| match error {
            IndexError::Read(source) => failed(source),
            IndexError::Malformed(problem) => malformed(problem),
        })?;
    }
    index.finish();
    Ok(index)
}

fn planned(
    index: &PackageIndex,
    id: PackageId,
    depends: Vec<String>,
    requested: bool,
) -> Result<PlannedPackage, ComposeError> {
    let name = index.name(id).to_owned();
    let malformed =
        |problem| ComposeError::Malformed { place: format!("index entry of {}", index.name(id)), problem };
    let digest =
        Digest::from_hex(index.field(id, Field::Sha256)).map_err(|_| malformed("its SHA256 is no digest"))?;
    let size_bytes = index.field(id, Field::Size).parse().map_err(|_| malformed("its size is no number"))?;
    Ok(PlannedPackage {
        name,
        version: index.version(id).to_owned(),
        architecture: index.field(id, Field::Architecture).to_owned(),
        archive: usize::from(index.archive(id)),
        filename: index.field(id, Field::Filename).trim_start_matches("./").to_owned(),
        size_bytes,
        digest,
        essential: index.is_essential(id),
        requested,
        depends,
    })
}

/// What to download for a plan; checks what a stored plan could have wrong.
pub(crate) fn wanted(options: &ComposerOptions, plan: &Plan) -> Result<Vec<Wanted>, ComposeError> {
    let by_suite: BTreeMap<String, Archive> = archives(options, plan.spec.suite())?
        .into_iter()
        .rev()
        .map(|archive| (archive.suite.clone(), archive))
        .collect();
    plan.packages
        .iter()
        .map(|package| {
            let bad = |problem| ComposeError::PinMalformed { problem };
            let planned =
                plan.archives.get(package.archive).ok_or_else(|| bad("a package is of no archive"))?;
            let archive = by_suite
                .get(&planned.suite)
                .ok_or_else(|| ComposeError::NoSource { suite: planned.suite.clone() })?;
            if package.filename.split('/').any(|part| matches!(part, "" | "." | "..")) {
                return Err(bad("a package's path leads out of its archive"));
            }
            Ok(Wanted {
                uris: archive.uris.iter().map(|uri| format!("{uri}/{}", package.filename)).collect(),
                digest: package.digest,
                size_bytes: package.size_bytes,
                package: Some(package.name.clone()),
            })
        })
        .collect()
}
