//! Declared licences in the forms of bills of materials: an SPDX expression where it is one, and a name where not.

use std::collections::BTreeMap;

use plimsoll_oci::Digest;
use serde_json::{Value, json};
use spdx::{Expression, ParseMode};

/// Longer texts are no names of licences, and no expressions.
const LONGEST: usize = 1000;

/// `licenses` of a `CycloneDX` component: one expression, or ids and names; never both (1.6, "licenseChoice").
pub(crate) fn cyclonedx(licenses: &[String]) -> Value {
    if let [one] = licenses
        && !is_id(one)
        && is_expression(one)
    {
        return json!([{ "expression": one }]);
    }
    let one = |license: &String| {
        let key = if is_id(license) { "id" } else { "name" };
        json!({ "license": { key: license } })
    };
    Value::Array(licenses.iter().filter(|license| !license.trim().is_empty()).map(one).collect())
}

/// `licenseDeclared` of an SPDX package. What is no expression gets a name of the document's own, and its text is put into
/// `extracted`.
pub(crate) fn spdx(licenses: &[String], extracted: &mut BTreeMap<String, String>) -> String {
    let mut parts = Vec::new();
    for license in licenses.iter().filter(|license| !license.trim().is_empty()) {
        if is_expression(license) && !license.contains("Ref-") {
            parts.push(license.clone());
        } else {
            let name = format!("LicenseRef-{}", &Digest::of(license).hex()[..16]);
            extracted.insert(name.clone(), license.clone());
            parts.push(name);
        }
    }
    match parts.len() {
        0 => "NOASSERTION".to_owned(),
        1 => parts.remove(0),
        _ => parts.iter().map(|part| format!("({part})")).collect::<Vec<_>>().join(" AND "),
    }
}

/// The licences of such an expression, with the texts of those that have only a name there.
pub(crate) fn from_spdx(declared: &str, extracted: &BTreeMap<String, String>) -> Vec<String> {
    if matches!(declared, "" | "NOASSERTION" | "NONE") {
        return Vec::new();
    }
    let text = |part: &str| extracted.get(part).cloned().unwrap_or_else(|| part.to_owned());
    // The form that several licences are written in above.
    let inner = declared.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    match inner {
        Some(inner) if inner.contains(") AND (") => inner.split(") AND (").map(text).collect(),
        _ => vec![text(declared)],
    }
}

fn is_id(text: &str) -> bool {
    spdx::license_id(text).is_some_and(|id| id.name == text)
}

fn is_expression(text: &str) -> bool {
    text.len() <= LONGEST && Expression::parse_mode(text, ParseMode::STRICT).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(licenses: &[&str]) -> Vec<String> {
        licenses.iter().map(|&license| license.to_owned()).collect()
    }

    #[test]
    fn expressions_ids_and_names_are_told_apart() {
        assert_eq!(cyclonedx(&texts(&["MIT"])), json!([{ "license": { "id": "MIT" } }]));
        assert_eq!(cyclonedx(&texts(&["MIT OR Apache-2.0"])), json!([{ "expression": "MIT OR Apache-2.0" }]));
        assert_eq!(
            cyclonedx(&texts(&["GPL-2+", "MIT OR X11"])),
            json!([{ "license": { "name": "GPL-2+" } }, { "license": { "name": "MIT OR X11" } }])
        );
        assert_eq!(cyclonedx(&texts(&["mit"])), json!([{ "license": { "name": "mit" } }]));
    }

    #[test]
    fn what_is_no_expression_gets_a_name_in_the_document_and_is_found_again() {
        for licenses in [
            texts(&[]),
            texts(&["MIT"]),
            texts(&["MIT OR Apache-2.0"]),
            texts(&["MIT OR Apache-2.0", "GPL-2+", "BSD <x>"]),
            texts(&["LicenseRef-other"]),
        ] {
            let mut extracted = BTreeMap::new();
            let declared = spdx(&licenses, &mut extracted);
            assert!(declared == "NOASSERTION" || is_expression(&declared), "{declared}");
            assert_eq!(from_spdx(&declared, &extracted), licenses);
        }
    }
}
