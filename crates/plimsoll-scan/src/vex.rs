//! What others say about vulnerabilities in products (VEX): `OpenVEX`, CSAF and `CycloneDX`.
//!
//! A statement takes a finding away when it names the vulnerability and the package, and says that the package is not affected or
//! that it is fixed. Only documents that the user names are read: what lies in an image is a claim of whoever made the image.

use std::collections::BTreeMap;

use plimsoll_packages::Purl;
use serde_json::Value;

/// What documents say.
#[derive(Debug, Default)]
pub struct Vex {
    statements: Vec<Statement>,
}

#[derive(Debug)]
struct Statement {
    /// The vulnerability, under all its names.
    names: Vec<String>,
    /// The packages that it is about.
    packages: Vec<Purl>,
}

/// Why a document is refused.
#[derive(Debug, thiserror::Error)]
pub enum VexError {
    /// It is no JSON.
    #[error("it is not JSON")]
    Json(#[from] serde_json::Error),
    /// It is none of the three kinds.
    #[error("it is neither an OpenVEX nor a CSAF nor a CycloneDX document")]
    Kind,
}

impl Vex {
    /// Adds a document.
    pub fn add(&mut self, bytes: &[u8]) -> Result<(), VexError> {
        let document: Value = serde_json::from_slice(bytes)?;
        let is_open_vex = document["@context"].as_str().is_some_and(|context| context.contains("openvex"));
        if is_open_vex {
            self.open_vex(&document);
        } else if document["document"]["csaf_version"].is_string() {
            self.csaf(&document);
        } else if document["bomFormat"] == "CycloneDX" {
            self.cyclone_dx(&document);
        } else {
            return Err(VexError::Kind);
        }
        Ok(())
    }

    /// Whether a vulnerability of a package is said not to matter.
    pub fn excuses(&self, names: &[&str], purl: &str) -> bool {
        let Ok(purl) = Purl::parse(purl) else { return false };
        self.statements.iter().any(|statement| {
            statement.names.iter().any(|name| names.iter().any(|other| other.eq_ignore_ascii_case(name)))
                && statement.packages.iter().any(|package| covers(package, &purl))
        })
    }

    fn state(&mut self, names: Vec<String>, packages: Vec<Purl>) {
        if !names.is_empty() && !packages.is_empty() {
            self.statements.push(Statement { names, packages });
        }
    }

    /// `OpenVEX` 0.2.0, "Statements". A product may be an image, and its subcomponents the packages in it.
    fn open_vex(&mut self, document: &Value) {
        for statement in items(&document["statements"]) {
            if !matches!(statement["status"].as_str(), Some("not_affected" | "fixed")) {
                continue;
            }
            let vulnerability = &statement["vulnerability"];
            let mut names: Vec<String> = [vulnerability, &vulnerability["name"], &vulnerability["@id"]]
                .into_iter()
                .filter_map(text)
                .collect();
            names.extend(items(&vulnerability["aliases"]).filter_map(text));
            let mut packages = Vec::new();
            for product in items(&statement["products"]) {
                let parts: Vec<&Value> = items(&product["subcomponents"]).collect();
                if parts.is_empty() {
                    packages.extend(purls(product));
                } else {
                    packages.extend(parts.into_iter().flat_map(purls));
                }
            }
            self.state(names, packages);
        }
    }

    /// CSAF 2.0, 3.2.3.9 "Product Status" and 3.2.2 "Product Tree".
    fn csaf(&mut self, document: &Value) {
        let products = csaf_products(&document["product_tree"]);
        for vulnerability in items(&document["vulnerabilities"]) {
            let mut names: Vec<String> = text(&vulnerability["cve"]).into_iter().collect();
            names.extend(items(&vulnerability["ids"]).filter_map(|id| text(&id["text"])));
            let status = &vulnerability["product_status"];
            let ids = ["known_not_affected", "fixed", "first_fixed"]
                .into_iter()
                .flat_map(|key| items(&status[key]));
            let packages = ids.filter_map(Value::as_str).filter_map(|id| products.get(id).cloned()).collect();
            self.state(names, packages);
        }
    }

    /// `CycloneDX` 1.6, "vulnerabilities". What is affected is a reference to a component, or a package URL, alone or behind `#`.
    fn cyclone_dx(&mut self, document: &Value) {
        let components: BTreeMap<&str, &str> = items(&document["components"])
            .filter_map(|component| Some((component["bom-ref"].as_str()?, component["purl"].as_str()?)))
            .collect();
        for vulnerability in items(&document["vulnerabilities"]) {
            let state = vulnerability["analysis"]["state"].as_str();
            if !matches!(
                state,
                Some("not_affected" | "false_positive" | "resolved" | "resolved_with_pedigree")
            ) {
                continue;
            }
            let mut names: Vec<String> = text(&vulnerability["id"]).into_iter().collect();
            names.extend(items(&vulnerability["references"]).filter_map(|one| text(&one["id"])));
            let package = |affected: &Value| {
                let reference = affected["ref"].as_str()?;
                let known = components.get(reference).copied();
                let purl = known.or_else(|| reference.find("pkg:").map(|start| &reference[start..]))?;
                Purl::parse(purl).ok()
            };
            let packages = items(&vulnerability["affects"]).filter_map(package).collect();
            self.state(names, packages);
        }
    }
}

/// The package URLs of CSAF's products. A relationship is the product that another one is part of.
fn csaf_products(tree: &Value) -> BTreeMap<String, Purl> {
    let mut products = BTreeMap::new();
    let mut rest: Vec<&Value> = items(&tree["branches"]).collect();
    let add = |product: &Value, products: &mut BTreeMap<String, Purl>| {
        let purl = product["product_identification_helper"]["purl"].as_str();
        if let (Some(id), Some(purl)) =
            (text(&product["product_id"]), purl.and_then(|purl| Purl::parse(purl).ok()))
        {
            products.insert(id, purl);
        }
    };
    while let Some(branch) = rest.pop() {
        rest.extend(items(&branch["branches"]));
        add(&branch["product"], &mut products);
    }
    items(&tree["full_product_names"]).for_each(|product| add(product, &mut products));
    for relationship in items(&tree["relationships"]) {
        let whole = text(&relationship["full_product_name"]["product_id"]);
        let part = relationship["product_reference"].as_str().and_then(|part| products.get(part)).cloned();
        if let (Some(whole), Some(part)) = (whole, part) {
            products.insert(whole, part);
        }
    }
    products
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// The package URLs of a product of `OpenVEX`, which in its first version was a mere text.
fn purls(product: &Value) -> Vec<Purl> {
    let candidates = [product.as_str(), product["@id"].as_str(), product["identifiers"]["purl"].as_str()];
    candidates.into_iter().flatten().filter_map(|purl| Purl::parse(purl).ok()).collect()
}

/// Whether a package is the one that a statement names: of any version if it names none, and with the qualifiers that it names.
fn covers(named: &Purl, package: &Purl) -> bool {
    let same_name =
        (&named.kind, &named.namespace, &named.name) == (&package.kind, &package.namespace, &package.name);
    let same_version = named.version.is_none() || named.version == package.version;
    let same_qualifiers = named.qualifiers.iter().all(|(key, value)| {
        // Where it comes from says nothing about what it is.
        matches!(key.as_str(), "repository_url" | "download_url" | "vcs_url")
            || package.qualifiers.get(key) == Some(value)
    });
    same_name && same_version && same_qualifiers
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PURL: &str = "pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&distro=debian-12";

    fn excuses(document: &Value, names: &[&str]) -> bool {
        let mut vex = Vex::default();
        vex.add(document.to_string().as_bytes()).unwrap();
        vex.excuses(names, PURL)
    }

    #[test]
    fn open_vex_names_packages_or_parts_of_products() {
        let document = |status: &str, products: Value| {
            json!({ "@context": "https://openvex.dev/ns/v0.2.0", "statements": [{
                "vulnerability": { "name": "CVE-2024-1", "aliases": ["GHSA-x"] }, "products": products, "status": status,
            }] })
        };
        let package = json!([{ "@id": "pkg:deb/debian/libssl3" }]);
        assert!(excuses(&document("not_affected", package.clone()), &["CVE-2024-1"]));
        assert!(excuses(&document("fixed", package.clone()), &["other", "ghsa-x"]));
        assert!(!excuses(&document("affected", package.clone()), &["CVE-2024-1"]));
        assert!(!excuses(&document("under_investigation", package.clone()), &["CVE-2024-1"]));
        assert!(!excuses(&document("not_affected", package), &["CVE-2024-2"]));
        let part = json!([{ "@id": "pkg:oci/app@sha256:1", "subcomponents": [{ "@id": "pkg:deb/debian/libssl3@3.0.11-1" }] }]);
        assert!(excuses(&document("not_affected", part), &["CVE-2024-1"]));
        for other in
            ["pkg:deb/debian/libssl3@3.0.12-1", "pkg:deb/ubuntu/libssl3", "pkg:deb/debian/libssl3?arch=arm64"]
        {
            assert!(
                !excuses(&document("not_affected", json!([{ "@id": other }])), &["CVE-2024-1"]),
                "{other}"
            );
        }
        assert!(excuses(&document("not_affected", json!(["pkg:deb/debian/libssl3"])), &["CVE-2024-1"]));
    }

    #[test]
    fn csaf_names_products_of_its_tree() {
        let tree = json!({ "branches": [{ "branches": [{ "product": {
                "product_id": "lib", "product_identification_helper": { "purl": "pkg:deb/debian/libssl3@3.0.11-1" } } }] }],
            "relationships": [{ "product_reference": "lib", "full_product_name": { "product_id": "app:lib" } }] });
        let document = |key: &str, id: &str| {
            json!({ "document": { "csaf_version": "2.0" }, "product_tree": tree,
                "vulnerabilities": [{ "cve": "CVE-2024-1", "product_status": { key: [id] } }] })
        };
        assert!(excuses(&document("known_not_affected", "lib"), &["CVE-2024-1"]));
        assert!(excuses(&document("fixed", "app:lib"), &["CVE-2024-1"]));
        assert!(!excuses(&document("known_affected", "lib"), &["CVE-2024-1"]));
        assert!(!excuses(&document("fixed", "other"), &["CVE-2024-1"]));
    }

    #[test]
    fn cyclone_dx_names_components_or_package_urls() {
        let document = |state: &str, reference: &str| {
            json!({ "bomFormat": "CycloneDX", "components": [{ "bom-ref": "1", "purl": PURL }], "vulnerabilities": [{
                "id": "CVE-2024-1", "analysis": { "state": state }, "affects": [{ "ref": reference }] }] })
        };
        assert!(excuses(&document("not_affected", "1"), &["CVE-2024-1"]));
        assert!(excuses(&document("resolved", &format!("urn:cdx:x/1#{PURL}")), &["CVE-2024-1"]));
        assert!(!excuses(&document("exploitable", "1"), &["CVE-2024-1"]));
        assert!(!excuses(&document("not_affected", "2"), &["CVE-2024-1"]));
    }

    #[test]
    fn other_documents_are_refused() {
        let mut vex = Vex::default();
        assert!(matches!(vex.add(b"{"), Err(VexError::Json(_))));
        assert!(matches!(vex.add(b"{}"), Err(VexError::Kind)));
    }
}
