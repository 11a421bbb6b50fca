//! Packages in the operating system's database that are not its makers' own. Their versions are another maker's, and the
//! distribution's advisories say nothing about them.

use plimsoll_packages::Kind;

/// What the vendor of an RPM begins with, by `ID` of os-release.
const RPM_VENDORS: [(&str, &str); 12] = [
    ("almalinux", "AlmaLinux"),
    ("amzn", "Amazon"),
    ("azurelinux", "Microsoft"),
    ("centos", "CentOS"),
    ("fedora", "Fedora"),
    ("mariner", "Microsoft"),
    ("ol", "Oracle"),
    ("opensuse-leap", "openSUSE"),
    ("photon", "VMware"),
    ("rhel", "Red Hat"),
    ("rocky", "Rocky"),
    ("sles", "SUSE"),
];

/// Parts of the maintainers of packages that their makers offer for Debian and Ubuntu themselves. A maintainer in Debian may have
/// an address anywhere, so that only makers who are known count.
const DEB_MAKERS: [&str; 30] = [
    "@amazon.com",
    "@chef.io",
    "@confluent.io",
    "@datadoghq.com",
    "@docker.com",
    "@elastic.co",
    "@github.com",
    "@gitlab.com",
    "@grafana.com",
    "@hashicorp.com",
    "@influxdata.com",
    "@mariadb.com",
    "@mariadb.org",
    "@microsoft.com",
    "@mongodb.com",
    "@newrelic.com",
    "@nginx.com",
    "@nvidia.com",
    "@oracle.com",
    "@percona.com",
    "@puppet.com",
    "@redis.com",
    "Adoptium",
    "Azul Systems",
    "Google LLC",
    "Kubernetes Authors",
    "Microsoft Corporation",
    "NodeSource",
    "NSolid",
    "nginx-packaging@",
];

/// Whether a package with this vendor is not the distribution's own; `id` is that of os-release.
pub(crate) fn is_foreign(kind: Kind, vendor: Option<&str>, id: &str) -> bool {
    let Some(vendor) = vendor else { return false };
    match kind {
        Kind::Deb => DEB_MAKERS.iter().any(|maker| vendor.contains(maker)),
        Kind::Rpm => RPM_VENDORS
            .iter()
            .any(|(known, own)| *known == id && !vendor.is_empty() && !vendor.starts_with(own)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makers_of_their_own_packages_are_told_from_the_distribution() {
        for (kind, vendor, id, expected) in [
            (Kind::Deb, Some("Docker <support@docker.com>"), "debian", true),
            (Kind::Deb, Some("Somebody <somebody@gmail.com>"), "debian", false),
            (Kind::Deb, Some("Ubuntu Developers <ubuntu-devel-discuss@lists.ubuntu.com>"), "ubuntu", false),
            (Kind::Deb, None, "debian", false),
            (Kind::Rpm, Some("Rocky Enterprise Software Foundation"), "rocky", false),
            (Kind::Rpm, Some("Docker"), "rocky", true),
            (Kind::Rpm, Some("Docker"), "unheard-of", false),
            (Kind::Apk, Some("x"), "alpine", false),
        ] {
            assert_eq!(is_foreign(kind, vendor, id), expected, "{vendor:?} {id}");
        }
    }
}
