//! `plimsoll scan`: what is in an image, and what is wrong with it.

mod database;
mod kept;
mod outputs;
mod policy;
mod remote;
mod target;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use plimsoll_build::ImageOrigin;
use plimsoll_diagnostics::sanitize;
use plimsoll_export::{Image, PlatformChoice};
use plimsoll_packages::OperatingSystem;
use plimsoll_registry::BlockingClient;
use plimsoll_scan::report::{Report, Severity, Target, TargetKind};
use plimsoll_scan::{
    Gate, IgnoreRules, ImageSource, Judgement, KeepsNothing, KnownLayers, Scanners, Subject, Verdict, Vex,
    scan_directory, scan_layers,
};
use plimsoll_secrets::{Config as SecretConfig, Scanner as SecretScanner};

use crate::commands::db;
use crate::commands::images::{answer, platform_choice};
use crate::environment::{GlobalArgs, Host};
use crate::exit;
use crate::namespace::Standing;
use crate::variables;

use database::Source;
use kept::InStore;
use outputs::{Format, Output, Style};
use target::{Finder, Named};

/// Say what is in an image, and what is wrong with it: packages, known vulnerabilities, secrets
///
/// TARGET is an image's name (in the store, else in its registry), a directory, an archive or a bill of materials; or it says which with
/// `oci-archive:`, `docker-archive:`, `oci:`, `dir:`, `sbom:`, `store:`, `registry:` or `docker:`. Layers that were scanned before are not
/// read again.
///
/// Exit codes: 0, nothing at the threshold; 1, something is (see `--fail-on`); 2, it could not be done; 3, nothing is at the
/// threshold, but something was not scanned. Without a threshold it is 0 or 2.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to scan; several are scanned one after the other
    #[arg(value_name = "TARGET", required = true)]
    targets: Vec<String>,
    /// How to show what is found
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Write what is found into a file too, in any of the formats; may be given several times
    #[arg(short, long, value_name = "FORMAT=FILE")]
    output: Vec<Output>,
    /// What to look for
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Scanner::Vuln, Scanner::Secret])]
    scanners: Vec<Scanner>,
    /// Show only these severities [default: all]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "SEVERITY")]
    severity: Vec<Level>,
    /// The least severity that is exit code 1
    #[arg(long, value_enum, value_name = "SEVERITY")]
    fail_on: Option<Level>,
    /// Vulnerabilities of unknown severity are exit code 1 too
    #[arg(long)]
    fail_on_unknown: bool,
    /// The exit code when something is at the threshold; without `--fail-on` that is whatever `--severity` shows
    #[arg(long, value_name = "CODE")]
    exit_code: Option<u8>,
    /// An operating system past its end of life is exit code 1
    #[arg(long)]
    exit_on_eol: bool,
    /// Leave out vulnerabilities of layers that another image has too: the `base` of an image that was built here, or any target
    #[arg(long, value_name = "base|TARGET")]
    only_new_since: Option<String>,
    /// Leave out vulnerabilities that no version fixes
    #[arg(long)]
    ignore_unfixed: bool,
    /// Look at packages that are only for development too
    #[arg(long)]
    include_dev: bool,
    /// Ask this database: a file of `plimsoll db build`, or a folder of OSV records in JSON
    #[arg(long, value_name = "PATH", env = variables::DATABASE, hide_env_values = true)]
    db: Option<PathBuf>,
    /// Ask nothing over the network
    #[arg(long)]
    offline: bool,
    /// Scan the images for these platforms of an index [default: this machine's]
    #[arg(long = "platform", value_name = "OS/ARCH|all", value_delimiter = ',')]
    platforms: Vec<String>,
    /// Read this file in place of `.trivyignore` and `.trivyignore.yaml` in the current directory
    #[arg(long, value_name = "FILE")]
    ignorefile: Option<PathBuf>,
    /// Take away what a VEX document says does not matter: OpenVEX, CSAF or CycloneDX; may be given several times
    #[arg(long, value_name = "FILE")]
    vex: Vec<PathBuf>,
    /// Show everything that the table would shorten
    #[arg(long)]
    all: bool,
    /// Trust these certificates, besides the system's
    #[arg(long, value_name = "FILE", env = variables::CA_CERTS, hide_env_values = true)]
    ca_certs: Option<PathBuf>,
}

/// No bill of materials is larger, in bytes.
const LARGEST_BOM: u64 = 512 << 20;

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Scanner {
    /// Packages, and what is known against them
    Vuln,
    /// Keys, passwords and tokens
    Secret,
    /// Packages with their licences, and nothing against them
    License,
}

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Level {
    Critical,
    High,
    Medium,
    Low,
    Negligible,
    Unknown,
}

impl From<Level> for Severity {
    fn from(level: Level) -> Self {
        match level {
            Level::Critical => Self::Critical,
            Level::High => Self::High,
            Level::Medium => Self::Medium,
            Level::Low => Self::Low,
            Level::Negligible => Self::Negligible,
            Level::Unknown => Self::Unknown,
        }
    }
}

pub(crate) fn run(args: &Args, global: &GlobalArgs, standing: Standing) -> Result<u8> {
    let targets: Vec<Named> = args.targets.iter().map(|text| Named::parse(text)).collect::<Result<_>>()?;
    let today = jiff::Zoned::now().date().to_string();
    let temporary = tempfile::Builder::new().prefix("plimsoll-scan-").tempdir()?;
    let wants_vulnerabilities = args.scanners.contains(&Scanner::Vuln);
    let usual = db::usual_path().filter(|path| args.db.is_none() && path.is_file());
    let named = args.db.as_deref().or(usual.as_deref()).filter(|_| wants_vulnerabilities);
    let database = named.map(|path| Source::open(path, temporary.path())).transpose()?;
    if let (Some(source), true) = (&database, args.db.is_none() && !args.offline) {
        source.refuse_if_old()?;
    }
    let ignore = policy::ignore_rules(args.ignorefile.as_deref(), &today)?;
    tell_expired(&ignore);
    let vex = policy::vex(&args.vex)?;
    let severities: Vec<Severity> = args.severity.iter().map(|level| Severity::from(*level)).collect();
    let secrets =
        args.scanners.contains(&Scanner::Secret).then(|| SecretScanner::new(&SecretConfig::default()));
    let scan = Scan {
        args,
        temporary: temporary.path(),
        host: host(&targets, global, standing)?,
        secrets: secrets.transpose()?,
    };
    let known_layers = args.only_new_since.as_deref().map(|text| scan.known_layers(text)).transpose()?;
    let judgement = Judgement {
        database: database.as_ref().map(|source| (&source.database, source.digest.clone())),
        vulnerabilities: wants_vulnerabilities,
        with_development: args.include_dev,
        only_fixed: args.ignore_unfixed,
        known_layers: known_layers.as_ref(),
        vex: &vex,
        ignore: &ignore,
        today: &today,
        version: env!("CARGO_PKG_VERSION"),
    };
    let mut reports = Vec::new();
    for (target, text) in targets.iter().zip(&args.targets) {
        for subject in scan.subjects(target, text)? {
            if matches!(known_layers, Some(KnownLayers::Base)) && subject.target.dockerfile.is_none() {
                bail!("what the base of `{text}` is, is not known here; name it: `--only-new-since IMAGE`");
            }
            reports.push(subject.report(&judgement)?);
        }
    }
    let code = code(args, &severities, &reports);
    let style = Style { severities, all: args.all };
    for output in &args.output {
        style.write(output, &reports)?;
    }
    answer(&style.answer(args.format, &reports))?;
    Ok(code)
}

/// What is asked about an image that was just built.
pub(crate) struct Question {
    temporary: tempfile::TempDir,
    database: Option<Source>,
    /// What looks for secrets; without it only packages are listed.
    secrets: Option<SecretScanner>,
    /// Who is asked for layers that the store only knows the names of.
    client: Arc<BlockingClient>,
}

impl Question {
    /// What the image is made of; with `findings` also the secrets in it and what a database knows against it.
    pub(crate) fn of(database: Option<&Path>, findings: bool, client: &Arc<BlockingClient>) -> Result<Self> {
        let temporary = tempfile::Builder::new().prefix("plimsoll-scan-").tempdir()?;
        let database = database.filter(|_| findings).map(|path| Source::open(path, temporary.path()));
        let secrets = findings.then(|| SecretScanner::new(&SecretConfig::default()));
        Ok(Self {
            database: database.transpose()?,
            secrets: secrets.transpose()?,
            temporary,
            client: Arc::clone(client),
        })
    }

    /// The answer.
    pub(crate) fn report(&self, image: &Image, name: &str, host: &Host) -> Result<Report> {
        let finder = Finder {
            host,
            snapshots: Arc::new(host.snapshots(Arc::clone(&self.client), Arc::new(()))),
            client: Arc::clone(&self.client),
            choice: PlatformChoice::Present,
            offline: false,
            temporary: self.temporary.path().to_owned(),
        };
        let source = finder.stored_image(image, Some(name));
        let scanners =
            Scanners { packages: true, secrets: self.secrets.as_ref(), temporary: self.temporary.path() };
        let judgement = Judgement {
            database: self.database.as_ref().map(|source| (&source.database, source.digest.clone())),
            vulnerabilities: self.secrets.is_some(),
            with_development: false,
            only_fixed: false,
            known_layers: None,
            vex: &Vex::default(),
            ignore: &IgnoreRules::default(),
            today: &jiff::Zoned::now().date().to_string(),
            version: env!("CARGO_PKG_VERSION"),
        };
        Ok(image_subject(&source, name, scanners, Some(host)).report(&judgement)?)
    }
}

/// Reports for people.
pub(crate) fn table(reports: &[Report]) -> String {
    Style { severities: Vec::new(), all: false }.answer(Format::Table, reports)
}

/// What the layers of an image say, and where they come from.
fn image_subject(image: &ImageSource, text: &str, scanners: Scanners<'_>, host: Option<&Host>) -> Subject {
    let packages = if scanners.packages { plimsoll_packages::fingerprint() } else { String::new() };
    let secrets = scanners.secrets.map(|_| plimsoll_secrets::RULES_VERSION);
    let reader = format!("facts-1 {packages} secrets {secrets:?}");
    let facts = match host {
        Some(host) => scan_layers(image, scanners, &InStore { store: &host.store, reader }),
        None => scan_layers(image, scanners, &KeepsNothing),
    };
    let target = Target {
        kind: TargetKind::Image,
        name: text.to_owned(),
        digest: image.digest.map(|digest| digest.to_string()),
        platform: Some(image.config.platform().to_string()),
        dockerfile: None,
        layers: Vec::new(),
    };
    let mut subject = Subject::image(target, &image.config, facts, scanners.secrets);
    let origin = host.zip(image.digest);
    if let Some(origin) = origin.and_then(|(host, digest)| ImageOrigin::read(&host.store, &digest)) {
        attribute(&mut subject.target, &origin);
    }
    subject
}

/// The store. Images that are not in files need it; to archives it only saves work, so that a scan does without one that cannot be
/// used; for everything else none is opened, which might have to be made first.
fn host(targets: &[Named], global: &GlobalArgs, standing: Standing) -> Result<Option<Host>> {
    if targets.iter().all(|target| matches!(target, Named::Directory(_) | Named::Sbom(_))) {
        return Ok(None);
    }
    let needs = |target: &Named| {
        matches!(target, Named::Anywhere(_) | Named::Store(_) | Named::Registry(_) | Named::Engine(_))
    };
    let opened = Host::open(global, standing);
    if targets.iter().any(needs) { opened.map(Some) } else { Ok(opened.ok()) }
}

#[expect(clippy::print_stderr, reason = "it is about what no longer counts")]
fn tell_expired(ignore: &IgnoreRules) {
    for id in &ignore.expired {
        eprintln!("warning: {}", sanitize::text(&format!("`{id}` is ignored no longer: its day is over")));
    }
}

struct Scan<'a> {
    args: &'a Args,
    temporary: &'a Path,
    host: Option<Host>,
    secrets: Option<SecretScanner>,
}

impl Scan<'_> {
    /// What is to be reported of a target: one subject for each of its images.
    fn subjects(&self, named: &Named, text: &str) -> Result<Vec<Subject>> {
        let scanners = Scanners {
            packages: self.wants_packages(),
            secrets: self.secrets.as_ref(),
            temporary: self.temporary,
        };
        if let Named::Sbom(path) = named {
            return Ok(vec![bill_of_materials(path, text)?]);
        }
        if let Named::Directory(path) = named {
            return Ok(vec![Subject::directory(text.to_owned(), scan_directory(path, scanners)?)]);
        }
        Ok(self
            .images(named)?
            .iter()
            .map(|image| image_subject(image, text, scanners, self.host.as_ref()))
            .collect())
    }

    fn images(&self, named: &Named) -> Result<Vec<ImageSource>> {
        match named {
            Named::Directory(path) | Named::Sbom(path) => bail!("`{}` is no image", path.display()),
            Named::Anywhere(name) => self.finder()?.anywhere(name),
            Named::Store(name) => self.finder()?.stored(name),
            Named::Registry(name) => self.finder()?.registered(name),
            Named::Engine(name) => self.finder()?.of_engine(name),
            Named::Archive(path) => self.archived(path, None),
            Named::Layout(path, tag) => self.archived(path, tag.as_deref()),
        }
    }

    /// The layers of the image that others are compared with.
    fn known_layers(&self, text: &str) -> Result<KnownLayers> {
        if text == "base" {
            return Ok(KnownLayers::Base);
        }
        let images = self.images(&Named::parse(text)?)?;
        let diff_ids = images.iter().flat_map(|image| &image.config.rootfs.diff_ids);
        Ok(KnownLayers::Listed(diff_ids.map(ToString::to_string).collect()))
    }

    fn wants_packages(&self) -> bool {
        self.args.scanners.iter().any(|one| matches!(one, Scanner::Vuln | Scanner::License))
    }

    fn finder(&self) -> Result<Finder<'_>> {
        let host = self.host.as_ref().context("there is no store")?;
        let ca_bundle = host.ca_bundle(self.args.ca_certs.as_deref())?;
        let client = host.client(ca_bundle.as_deref());
        Ok(Finder {
            host,
            snapshots: Arc::new(host.snapshots(Arc::clone(&client), Arc::new(()))),
            client,
            choice: platform_choice(&self.args.platforms)?,
            offline: self.args.offline,
            temporary: self.temporary.to_owned(),
        })
    }

    fn archived(&self, path: &Path, tag: Option<&str>) -> Result<Vec<ImageSource>> {
        target::archived(path, tag, &platform_choice(&self.args.platforms)?, self.temporary)
    }
}

/// A bill of materials of this tool, or of another.
fn bill_of_materials(path: &Path, text: &str) -> Result<Subject> {
    let failed = || format!("cannot scan `{}`", path.display());
    let size = std::fs::metadata(path).with_context(failed)?.len();
    if size > LARGEST_BOM {
        bail!("`{}` is larger than {} MiB", path.display(), LARGEST_BOM >> 20);
    }
    let bom = plimsoll_report::read_sbom(&std::fs::read(path).with_context(failed)?).with_context(failed)?;
    let name = if bom.target.is_empty() { text.to_owned() } else { bom.target };
    let system = bom.system.map(|system| OperatingSystem {
        id: system.id,
        version: system.version,
        codename: String::new(),
        name: system.name,
        like: Vec::new(),
    });
    Ok(Subject::bill_of_materials(name, system, bom.packages, bom.not_scanned))
}

/// Says of layers where they come from, for an image that was built here.
fn attribute(target: &mut Target, origin: &ImageOrigin) {
    target.dockerfile = Some(origin.dockerfile.clone());
    for (place, layer) in target.layers.iter_mut().enumerate() {
        match place.checked_sub(origin.base_layers) {
            None => layer.is_base = true,
            Some(place) => {
                let made = origin.layers.get(place);
                layer.stage = made.and_then(|made| made.stage.clone());
                layer.line = made.and_then(|made| u32::try_from(made.line?).ok());
            }
        }
    }
}

/// The exit code. Without a gate a scan only tells.
fn code(args: &Args, shown: &[Severity], reports: &[Report]) -> u8 {
    let mut severities: Vec<Severity> = match args.fail_on {
        Some(level) => {
            let least = Severity::from(level);
            Severity::ALL.into_iter().filter(|severity| *severity >= least).collect()
        }
        None if args.exit_code.is_some_and(|code| code != 0) => {
            if shown.is_empty() {
                Severity::ALL.to_vec()
            } else {
                shown.to_vec()
            }
        }
        None => Vec::new(),
    };
    if args.fail_on_unknown && !severities.contains(&Severity::Unknown) {
        severities.push(Severity::Unknown);
    }
    if severities.is_empty() && !args.exit_on_eol {
        return exit::DONE;
    }
    let gate = Gate { severities, end_of_life: args.exit_on_eol };
    match gate.decide(reports) {
        Verdict::Passed => exit::DONE,
        Verdict::PassedWithGaps => exit::NOT_ALL,
        Verdict::Failed => args.exit_code.unwrap_or(exit::NO),
    }
}
