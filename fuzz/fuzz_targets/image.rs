//! What comes with an image: manifests, indexes, configurations; and the names of images and platforms.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_oci::{Descriptor, Digest, ImageConfig, Index, Manifest, ParsedManifest, Platform, Reference};

fuzz_target!(|data: &[u8]| {
    let wanted = Platform::new("linux", "arm64");
    for content_type in [None, Some("application/vnd.oci.image.index.v1+json")] {
        if let Ok(ParsedManifest::Index(index)) = ParsedManifest::parse(data, content_type) {
            let _selected = index.select(&wanted);
        }
    }
    if let Ok(config) = serde_json::from_slice::<ImageConfig>(data) {
        let text = serde_json::to_vec(&config).expect("a configuration can be written");
        let again: ImageConfig = serde_json::from_slice(&text).expect("and read again");
        assert_eq!(text, serde_json::to_vec(&again).expect("a configuration can be written"));
        let _platform = config.platform();
        let _path = config.config.variable("PATH");
    }
    let _manifest = serde_json::from_slice::<Manifest>(data);
    let _index = serde_json::from_slice::<Index>(data);
    let _descriptor = serde_json::from_slice::<Descriptor>(data);

    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(reference) = text.parse::<Reference>() {
        let whole = reference.to_string();
        let again: Reference = whole.parse().expect("a whole name is a name");
        assert_eq!(whole, again.to_string());
        let familiar: Reference = reference.familiar().parse().expect("so is its short form");
        assert_eq!(whole, familiar.to_string());
    }
    if let Ok(platform) = text.parse::<Platform>() {
        let _distance = platform.distance_from(&wanted);
        let again: Platform = platform.to_string().parse().expect("a platform is written as it is read");
        assert_eq!(platform.to_string(), again.to_string());
    }
    if let Ok(digest) = text.parse::<Digest>() {
        assert_eq!(digest.to_string(), text);
    }
});
