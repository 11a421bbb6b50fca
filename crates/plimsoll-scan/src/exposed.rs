//! The secrets of an image: those in the files of all layers, also of layers that later ones hide, and those in its config.

use std::collections::BTreeMap;

use plimsoll_oci::ImageConfig;
use plimsoll_secrets::{Finding, Scanner};

use crate::facts::LayerFacts;
use crate::report::{Secret, Severity};

/// The secrets in files, each once however many layers have it.
pub(crate) fn in_layers(layers: &[LayerFacts], has_layers: bool) -> Vec<Secret> {
    let mut found: BTreeMap<(String, String, String), Secret> = BTreeMap::new();
    for (place, layer) in layers.iter().enumerate() {
        for finding in &layer.secrets {
            let is_hidden = layers[place + 1..].iter().any(|above| above.paths.hide(&finding.path));
            let key = (finding.path.clone(), finding.rule.clone(), finding.fingerprint.clone());
            let secret = Secret {
                layer: has_layers.then_some(place),
                is_deleted_later: is_hidden,
                ..secret(finding, finding.path.clone())
            };
            // It came with the lowest layer; it is deleted only if it can be seen in none.
            found.entry(key).and_modify(|known| known.is_deleted_later &= is_hidden).or_insert(secret);
        }
    }
    sorted(found.into_values().collect())
}

/// The secrets in the config of an image: variables, labels, commands, history.
pub(crate) fn in_config(config: &ImageConfig, scanner: &Scanner) -> Vec<Secret> {
    let mut texts: Vec<(String, String)> = Vec::new();
    for variable in &config.config.env {
        let name = variable.split('=').next().unwrap_or_default();
        texts.push((format!("config/env/{name}"), variable.clone()));
    }
    for (key, value) in &config.config.labels {
        texts.push((format!("config/label/{key}"), format!("{key}={value}")));
    }
    for (name, words) in [("entrypoint", &config.config.entrypoint), ("cmd", &config.config.cmd)] {
        texts.extend(words.iter().map(|words| (format!("config/{name}"), words.join(" "))));
    }
    for (place, step) in config.history.iter().enumerate() {
        texts.extend(
            step.created_by.iter().map(|text| (format!("config/history/{}", place + 1), text.clone())),
        );
    }
    let mut seen: BTreeMap<(String, String), Secret> = BTreeMap::new();
    for (path, text) in texts {
        for finding in scanner.scan_text(&path, &text) {
            // What a variable has, the history has too.
            seen.entry((finding.rule.clone(), finding.fingerprint.clone()))
                .or_insert_with(|| secret(&finding, path.clone()));
        }
    }
    sorted(seen.into_values().collect())
}

fn sorted(mut secrets: Vec<Secret>) -> Vec<Secret> {
    secrets.sort_by(|left, right| {
        (&left.path, left.line, left.column, &left.rule).cmp(&(
            &right.path,
            right.line,
            right.column,
            &right.rule,
        ))
    });
    secrets
}

fn secret(finding: &Finding, path: String) -> Secret {
    Secret {
        rule: finding.rule.clone(),
        title: finding.title.clone(),
        severity: match finding.severity {
            plimsoll_secrets::Severity::Low => Severity::Low,
            plimsoll_secrets::Severity::Medium => Severity::Medium,
            plimsoll_secrets::Severity::High => Severity::High,
            plimsoll_secrets::Severity::Critical => Severity::Critical,
        },
        path,
        line: u32::try_from(finding.line).unwrap_or(u32::MAX),
        column: u32::try_from(finding.column).unwrap_or(u32::MAX),
        masked: finding.excerpt.clone(),
        fingerprint: finding.fingerprint.clone(),
        layer: None,
        is_deleted_later: false,
    }
}
