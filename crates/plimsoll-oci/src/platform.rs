//! Platforms (image-spec, image-index.md, `platform`), written `os/architecture[/variant]`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What an image runs on, in Go's words (`linux`, `amd64`, `arm64`, `v7`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Platform {
    /// The instruction set.
    pub architecture: String,
    /// The operating system.
    pub os: String,
    /// The operating system's version (Windows).
    #[serde(rename = "os.version", default, skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    /// Features that the image needs (Windows).
    #[serde(rename = "os.features", default, skip_serializing_if = "Vec::is_empty")]
    pub os_features: Vec<String>,
    /// The variant of the instruction set, such as `v7`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

/// Why a text is no platform.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is not a platform of the form `os/architecture[/variant]`, such as `linux/arm64`")]
pub struct PlatformError {
    text: String,
}

impl Platform {
    /// A platform without a variant.
    pub fn new(os: &str, architecture: &str) -> Self {
        Self::normalized(os, architecture, None)
    }

    /// The platform of this machine.
    pub fn host() -> Self {
        Self::normalized("linux", std::env::consts::ARCH, None)
    }

    /// Folds the other names of an architecture (`x86_64`, `aarch64`, `armhf` …) into Go's, and drops default variants.
    pub fn normalized(os: &str, architecture: &str, variant: Option<&str>) -> Self {
        let (os, architecture) = (os.to_ascii_lowercase(), architecture.to_ascii_lowercase());
        let variant = variant.filter(|v| !v.is_empty()).map(str::to_ascii_lowercase);
        let (architecture, variant) = match (architecture.as_str(), variant.as_deref()) {
            ("i386", _) => ("386", None),
            ("x86_64" | "x86-64" | "amd64", None | Some("v1")) => ("amd64", None),
            ("x86_64" | "x86-64" | "amd64", v) => ("amd64", v),
            ("aarch64" | "arm64", None | Some("8" | "v8")) => ("arm64", None),
            ("aarch64" | "arm64", v) => ("arm64", v),
            ("armhf", _) | ("arm", None | Some("7")) => ("arm", Some("v7")),
            ("armel", _) | ("arm", Some("6")) => ("arm", Some("v6")),
            ("arm", Some("5")) => ("arm", Some("v5")),
            ("powerpc64le", v) => ("ppc64le", v),
            (other, v) => (other, v),
        };
        Self {
            architecture: architecture.to_owned(),
            variant: variant.map(str::to_owned),
            os: if os == "macos" { "darwin".to_owned() } else { os },
            os_version: None,
            os_features: Vec::new(),
        }
    }

    /// How well an image for `self` runs where `wanted` is asked for: 0 is exact, more is worse, none is not at all.
    ///
    /// 32-bit ARM runs older variants, 64-bit ARM falls back to 32-bit ARM, as containerd does.
    pub fn distance_from(&self, wanted: &Self) -> Option<u32> {
        let (have, want) = (self.fold(), wanted.fold());
        if have.os != want.os {
            return None;
        }
        match (have.architecture.as_str(), want.architecture.as_str()) {
            (a, b) if a == b => variant_distance(have.variant.as_deref(), want.variant.as_deref()),
            ("arm", "arm64") => variant_distance(have.variant.as_deref(), Some("v8")).map(|d| d + 100),
            ("386", "amd64") => Some(100),
            _ => None,
        }
    }

    /// Whether programs for `self` run on the machine `host` without an emulator, as far as names can tell.
    pub fn runs_natively_on(&self, host: &Self) -> bool {
        let pair = (self.architecture.as_str(), host.architecture.as_str());
        self.os == host.os && (pair.0 == pair.1 || matches!(pair, ("386", "amd64") | ("arm", "arm64")))
    }

    fn fold(&self) -> Self {
        Self::normalized(&self.os, &self.architecture, self.variant.as_deref())
    }
}

fn variant_distance(have: Option<&str>, want: Option<&str>) -> Option<u32> {
    if have == want {
        return Some(0);
    }
    let number =
        |v: Option<&str>| v.map_or(Some(0), |v| v.strip_prefix('v').and_then(|n| n.parse::<u32>().ok()));
    let (have, want) = (number(have)?, number(want)?);
    want.checked_sub(have)
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.as_ref().map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        let error = || PlatformError { text: text.to_owned() };
        let parts: Vec<&str> = text.split('/').collect();
        let word = |part: &&str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        };
        if !parts.iter().all(word) {
            return Err(error());
        }
        match parts[..] {
            ["local"] => Ok(Self::host()),
            [os @ ("linux" | "windows" | "darwin" | "freebsd")] => {
                Ok(Self { os: os.to_owned(), ..Self::host() })
            }
            [architecture] => {
                let platform = Self::normalized("linux", architecture, None);
                let known =
                    ["amd64", "arm64", "arm", "386", "riscv64", "ppc64le", "s390x", "loong64", "mips64le"];
                if known.contains(&platform.architecture.as_str()) { Ok(platform) } else { Err(error()) }
            }
            [os, architecture] => Ok(Self::normalized(os, architecture, None)),
            [os, architecture, variant] => Ok(Self::normalized(os, architecture, Some(variant))),
            _ => Err(error()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(text: &str) -> Platform {
        text.parse().unwrap()
    }

    #[test]
    fn other_names_are_folded() {
        assert_eq!(platform("linux/x86_64").to_string(), "linux/amd64");
        assert_eq!(platform("linux/arm64/v8").to_string(), "linux/arm64");
        assert_eq!(platform("arm").to_string(), "linux/arm/v7");
        assert_eq!(platform("linux/arm/6").to_string(), "linux/arm/v6");
        assert!("linux/".parse::<Platform>().is_err());
        assert!("a/b/c/d".parse::<Platform>().is_err());
        assert!("toaster".parse::<Platform>().is_err());
    }

    #[test]
    fn older_arm_variants_serve_newer_machines_and_not_the_reverse() {
        let distance = |have: &str, want: &str| platform(have).distance_from(&platform(want));
        assert_eq!(distance("linux/arm/v7", "linux/arm/v7"), Some(0));
        assert_eq!(distance("linux/arm/v6", "linux/arm/v7"), Some(1));
        assert_eq!(distance("linux/arm/v7", "linux/arm/v6"), None);
        assert_eq!(distance("linux/amd64", "linux/arm64"), None);
        assert!(distance("linux/arm/v7", "linux/arm64") > distance("linux/arm64", "linux/arm64"));
    }
}
