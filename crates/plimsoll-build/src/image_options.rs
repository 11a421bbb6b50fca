//! How an image is written around the layers that were built: each destination may want it its own way.

use std::collections::BTreeMap;

use plimsoll_layer::Compression;
use plimsoll_oci::Platform;

use crate::error::BuildError;

/// How an image is written around its layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageOptions {
    /// How new layers are compressed.
    pub compression: Compression,
    /// Layers of base images are compressed so too.
    pub force_compression: bool,
    /// With an epoch, no time in new layers is later than it.
    pub rewrite_timestamps: bool,
    /// Times in config and history, in seconds since 1970; without it `SOURCE_DATE_EPOCH` counts.
    pub epoch: Option<i64>,
    /// Manifest, config and layers have Docker's older media types.
    pub docker_types: bool,
    /// Free metadata.
    pub annotations: Vec<Annotation>,
}

impl Default for ImageOptions {
    fn default() -> Self {
        Self {
            compression: Compression::default(),
            force_compression: false,
            rewrite_timestamps: true,
            epoch: None,
            docker_types: false,
            annotations: Vec::new(),
        }
    }
}

/// One annotation (image-spec, annotations.md).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// What it is on.
    pub place: AnnotationPlace,
    /// Only on what belongs to this platform.
    pub platform: Option<Platform>,
    /// Its key.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// What an annotation is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnnotationPlace {
    /// A platform's manifest.
    Manifest,
    /// The index.
    Index,
    /// The index's entry of a manifest; of a single image the descriptor that lists it.
    ManifestDescriptor,
    /// The descriptor that lists the index.
    IndexDescriptor,
}

impl AnnotationPlace {
    /// How it is written in `--annotation`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::Index => "index",
            Self::ManifestDescriptor => "manifest-descriptor",
            Self::IndexDescriptor => "index-descriptor",
        }
    }
}

impl ImageOptions {
    /// The annotations of one place; those for one platform win over those for all.
    pub(crate) fn annotations(
        &self,
        place: AnnotationPlace,
        platform: Option<&Platform>,
    ) -> BTreeMap<String, String> {
        let of = |with_platform: bool| {
            let here = move |one: &&Annotation| {
                let fits = one.platform.is_none() || one.platform.as_ref() == platform;
                one.place == place && one.platform.is_some() == with_platform && fits
            };
            self.annotations.iter().filter(here).map(|one| (one.name.clone(), one.value.clone()))
        };
        of(false).chain(of(true)).collect()
    }

    /// An annotation that would be nowhere is refused before anything runs.
    pub(crate) fn check(&self, platforms: &[Platform], has_index: bool) -> Result<(), BuildError> {
        for annotation in &self.annotations {
            let is_of_index =
                matches!(annotation.place, AnnotationPlace::Index | AnnotationPlace::IndexDescriptor);
            let name = || format!("{}:{}", annotation.place.as_str(), annotation.name);
            if is_of_index && !has_index {
                return Err(BuildError::AnnotationOfNoIndex { annotation: name() });
            }
            if let Some(platform) = annotation.platform.as_ref().filter(|wanted| !platforms.contains(wanted))
            {
                return Err(BuildError::AnnotationOfNoPlatform {
                    annotation: name(),
                    platform: platform.clone(),
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn annotation(place: AnnotationPlace, platform: Option<&str>, value: &str) -> Annotation {
        let platform = platform.map(|text| text.parse().unwrap());
        Annotation { place, platform, name: "k".to_owned(), value: value.to_owned() }
    }

    #[test]
    fn an_annotation_for_one_platform_wins_over_one_for_all() {
        let options = ImageOptions {
            annotations: vec![
                annotation(AnnotationPlace::Manifest, Some("linux/arm64"), "arm"),
                annotation(AnnotationPlace::Manifest, None, "all"),
            ],
            ..ImageOptions::default()
        };
        let value = |platform: &str| {
            options.annotations(AnnotationPlace::Manifest, Some(&platform.parse().unwrap()))["k"].clone()
        };
        assert_eq!((value("linux/arm64"), value("linux/amd64")), ("arm".to_owned(), "all".to_owned()));
        assert!(options.annotations(AnnotationPlace::Index, None).is_empty());
    }

    #[test]
    fn an_annotation_that_would_be_nowhere_is_refused() {
        let amd64 = ["linux/amd64".parse().unwrap()];
        let check = |annotation, has_index| {
            let options = ImageOptions { annotations: vec![annotation], ..ImageOptions::default() };
            options.check(&amd64, has_index).map_err(|error| error.to_string())
        };
        assert!(check(annotation(AnnotationPlace::Index, None, ""), false).unwrap_err().contains("index:k"));
        assert!(check(annotation(AnnotationPlace::Index, None, ""), true).is_ok());
        let other = annotation(AnnotationPlace::Manifest, Some("linux/arm64"), "");
        assert!(check(other, true).unwrap_err().contains("linux/arm64"));
    }
}
