//! What a distroless base leaves out.
//!
//! Debian's dependencies are written for a system that configures its packages by shell scripts. A distroless
//! base runs none, so these are not followed:
//!
//! 1. A dependency on a tool that only maintainer scripts use ([`MAINTAINER_TOOLS`]).
//! 2. A dependency on an essential package (shell, core utilities, `dpkg`, `perl-base`), unless it is of the same source package
//!    as the one that asks: `perl` and `perl-base` are one program cut in two. Essential packages are not to be depended on
//!    without need (Debian Policy 3.8), so most such dependencies are bounds on versions for scripts.
//! 3. All dependencies of [`DATA_PACKAGES`], whose files are data and whose dependencies serve their scripts.
//!
//! A package that the request names is always taken. What is left out is listed in the plan.

/// Packages of every distroless base: identity, protocols and services, time zones, certificates.
pub(super) const DISTROLESS_BASE: [&str; 4] = ["base-files", "ca-certificates", "netbase", "tzdata"];

/// Packages whose files are data.
pub(super) const DATA_PACKAGES: [&str; 7] = [
    "base-files",
    "ca-certificates",
    "ca-certificates-java",
    "media-types",
    "netbase",
    "tzdata",
    "tzdata-legacy",
];

/// Packages, and virtual packages, that only maintainer scripts use.
pub(super) const MAINTAINER_TOOLS: [&str; 24] = [
    "adduser",
    "cdebconf",
    "debconf",
    "debconf-2.0",
    "debianutils",
    "default-logind",
    "dpkg",
    "e2fsprogs",
    "init-system-helpers",
    "insserv",
    "install-info",
    "libpam-runtime",
    "login",
    "logind",
    "lsb-base",
    "mount",
    "passwd",
    "sensible-utils",
    "systemd-standalone-sysusers",
    "systemd-sysusers",
    "sysvinit-utils",
    "ucf",
    "update-inetd",
    "util-linux",
];

/// Packages of every `minbase` beside the essential and required ones.
pub(super) const MINBASE: [&str; 1] = ["apt"];
