//! One module an ecosystem: how it reads a version, and its order.

pub(crate) mod apk;
pub(crate) mod composer;
pub(crate) mod cran;
pub(crate) mod deb;
pub(crate) mod gem;
pub(crate) mod golang;
pub(crate) mod hackage;
pub(crate) mod maven;
pub(crate) mod npm;
pub(crate) mod nuget;
pub(crate) mod php;
pub(crate) mod pub_dev;
pub(crate) mod pypi;
pub(crate) mod pypi_legacy;
pub(crate) mod rpm;
pub(crate) mod semver;
