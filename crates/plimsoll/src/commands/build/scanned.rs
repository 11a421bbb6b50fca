//! `--scan`: what is in an image and wrong with it, before it goes anywhere.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, bail};
use plimsoll_build::{BuildError, BuildRequest, BuildResult};
use plimsoll_diagnostics::Diagnostic;
use plimsoll_registry::BlockingClient;
use plimsoll_scan::report::{Report, Severity};

use super::args::truth;
use crate::commands::scan::{self, Level, Question};
use crate::environment::Host;
use crate::variables;

/// Whether and how the image is scanned.
#[derive(clap::Args)]
pub(crate) struct ScanArgs {
    /// Scan the image for known vulnerabilities and secrets before it is exported or pushed
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false,
          hide_default_value = true, action = clap::ArgAction::Set, value_parser = truth, value_name = "BOOL")]
    scan: bool,
    /// With `--scan`, the least severity of a vulnerability or secret that fails the build; nothing is exported then
    #[arg(long, value_enum, value_name = "SEVERITY", requires = "scan")]
    fail_on: Option<Level>,
    /// With `--scan`, the database to ask: a file of `plimsoll db build`, or a folder of OSV records in JSON
    #[arg(long, value_name = "PATH", env = variables::DATABASE, hide_env_values = true)]
    db: Option<PathBuf>,
}

impl ScanArgs {
    /// Scans the images, and refuses those with findings at the threshold. What was found is written to `table` in either case.
    pub(crate) fn check(
        &self,
        request: &BuildRequest,
        result: &BuildResult,
        host: &Host,
        client: &Arc<BlockingClient>,
        table: &mut String,
    ) -> Result<()> {
        if !self.scan {
            return Ok(());
        }
        let Some(set) = result.images.first() else {
            bail!("there is no image to scan: nothing but root file systems is exported");
        };
        let question = Question::of(self.db.as_deref(), true, client)?;
        let name = request.tags.first().map_or("the image", String::as_str);
        let reports: Vec<Report> =
            set.images.iter().map(|image| question.report(image, name, host)).collect::<Result<_>>()?;
        *table = scan::table(&reports);
        let Some(least) = self.fail_on.map(Severity::from) else { return Ok(()) };
        let counts = |severity: Severity| severity >= least;
        let (mut vulnerabilities, mut secrets) = (0, 0);
        for report in &reports {
            vulnerabilities += report.vulnerabilities.iter().filter(|one| counts(one.severity)).count();
            secrets += report.secrets.iter().filter(|one| counts(one.severity)).count();
        }
        if vulnerabilities + secrets == 0 {
            return Ok(());
        }
        let severity = least.name();
        let message = format!(
            "the image has {} and {} of severity {severity} or worse",
            counted(vulnerabilities, "vulnerability", "vulnerabilities"),
            counted(secrets, "secret", "secrets")
        );
        let diagnostic = Diagnostic::error("image-has-findings", message)
            .hint("nothing was exported or pushed; what was found, and what mends it, is listed below");
        Err(BuildError::Diagnostics { diagnostics: vec![diagnostic] }.into())
    }
}

fn counted(count: usize, one: &str, several: &str) -> String {
    match count {
        0 => format!("no {several}"),
        1 => format!("1 {one}"),
        count => format!("{count} {several}"),
    }
}
