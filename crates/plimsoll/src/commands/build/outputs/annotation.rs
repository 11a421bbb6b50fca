//! Annotations: `--annotation` and the attributes of outputs that begin with `annotation`.

use anyhow::{Context as _, Result, bail};
use plimsoll_build::{Annotation, AnnotationPlace};
use plimsoll_oci::Platform;

const PLACES: [AnnotationPlace; 4] = [
    AnnotationPlace::Manifest,
    AnnotationPlace::Index,
    AnnotationPlace::ManifestDescriptor,
    AnnotationPlace::IndexDescriptor,
];

/// Reads `--annotation [PLACE[PLATFORM],…:]KEY=VALUE`, several times.
pub(super) fn parse(texts: &[String]) -> Result<Vec<Annotation>> {
    let mut annotations = Vec::new();
    for text in texts {
        annotations.extend(parse_one(text).with_context(|| format!("`--annotation {text}`"))?);
    }
    Ok(annotations)
}

fn parse_one(text: &str) -> Result<Vec<Annotation>> {
    let (left, value) = text.split_once('=').context("it is not of the form `KEY=VALUE`")?;
    let (places, name) = left.split_once(':').unwrap_or(("manifest", left));
    if name.is_empty() {
        bail!("there is no key in front of `=`");
    }
    places.split(',').map(|place| annotation(place, name, value)).collect()
}

/// Reads an attribute `annotation[-PLACE][[PLATFORM]].KEY`; nothing if it is another one.
pub(super) fn attribute(key: &str, value: &str) -> Result<Option<Annotation>> {
    let Some(rest) = key.strip_prefix("annotation") else { return Ok(None) };
    // The key follows the first dot behind the platform, which may hold dots as well.
    let platform_end = rest.find(']').filter(|_| rest.find('[') < rest.find('.')).unwrap_or(0);
    let Some(dot) = rest[platform_end..].find('.').map(|dot| dot + platform_end) else { return Ok(None) };
    let (place, name) = (&rest[..dot], &rest[dot + 1..]);
    let place = match place.strip_prefix('-') {
        Some(place) => place.to_owned(),
        None => format!("manifest{place}"),
    };
    if name.is_empty() {
        bail!("`{key}` has no key behind the dot");
    }
    annotation(&place, name, value).with_context(|| format!("`{key}`")).map(Some)
}

fn annotation(place: &str, name: &str, value: &str) -> Result<Annotation> {
    let (word, platform) = match place.split_once('[') {
        Some((word, rest)) => {
            let platform = rest.strip_suffix(']').context("the platform has no closing bracket")?;
            (word, Some(platform.parse::<Platform>()?))
        }
        None => (place, None),
    };
    let found = PLACES.into_iter().find(|known| known.as_str() == word);
    let place = found.with_context(|| {
        format!("there is no place `{word}`; it is manifest, index, manifest-descriptor or index-descriptor")
    })?;
    if platform.is_some() && matches!(place, AnnotationPlace::Index | AnnotationPlace::IndexDescriptor) {
        bail!("there is one index for all platforms; leave out the platform behind `{word}`");
    }
    Ok(Annotation { place, platform, name: name.to_owned(), value: value.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(AnnotationPlace, Option<String>, String, String)> {
        let shown = |one: Annotation| (one.place, one.platform.map(|p| p.to_string()), one.name, one.value);
        parse_one(text).unwrap().into_iter().map(shown).collect()
    }

    #[test]
    fn places_come_before_a_colon() {
        let plain = (AnnotationPlace::Manifest, None, "a.b/c".to_owned(), "x=y:z".to_owned());
        assert_eq!(read("a.b/c=x=y:z"), [plain]);
        let both = read("index,manifest[linux/arm64]:k=v");
        assert_eq!(both[0].0, AnnotationPlace::Index);
        assert_eq!((both[1].0, both[1].1.as_deref()), (AnnotationPlace::Manifest, Some("linux/arm64")));
        for wrong in ["k", "nowhere:k=v", "=v", "index[linux/amd64]:k=v", "manifest[linux:k=v"] {
            assert!(parse_one(wrong).is_err(), "{wrong}");
        }
    }
}
