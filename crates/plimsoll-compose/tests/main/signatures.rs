//! Which release files are believed.

use std::fs;

use plimsoll_compose::{ComposeError, Composer, Event, SignedBy};

use crate::support::World;
use crate::support::archive::{self, Key, ReleaseFields};

const SPEC: &str = "debian://test";
const RELEASE: &str = "dists/test/InRelease";

fn refused(world: &World) -> String {
    match world.plan(&world.composer(), SPEC).unwrap_err() {
        error @ ComposeError::BadSignature { .. } => error.to_string(),
        error => panic!("another error: {error:?}"),
    }
}

#[test]
fn a_good_signature_is_accepted_and_its_key_named() {
    let world = World::new(&[]);
    world.plan(&world.composer(), SPEC).unwrap();
    let want = world.key.fingerprint();
    let events = world.events.lock().unwrap();
    let verified = events.iter().find_map(|event| match event {
        Event::ReleaseVerified { fingerprint, .. } => Some(fingerprint.clone()),
        _ => None,
    });
    assert_eq!(verified, Some(want));
}

#[test]
fn armoured_keys_embedded_keys_and_keyring_directories_are_read() {
    let world = World::new(&[]);
    let text = world.key.armoured();
    let armoured = world.directory.path().join("test.asc");
    fs::write(&armoured, Key::generate().armoured() + &text).unwrap();
    let mut embedded = world.options();
    embedded.sources[0].signed_by = Some(SignedBy { embedded: Some(text), ..SignedBy::default() });
    let mut directory = world.options();
    directory.sources[0].signed_by = None;
    directory.keyrings = vec![world.directory.path().to_owned()];
    let mut file = world.options();
    file.sources[0].signed_by = None;
    file.keyrings = vec![armoured];
    for options in [embedded, directory, file] {
        world.plan(&Composer::new(options).unwrap(), SPEC).unwrap();
    }
}

#[test]
fn a_key_that_is_not_in_the_keyring_is_refused() {
    let world = World::new(&[]);
    world.server.replace(archive::files(
        &archive::distroless_base(),
        &Key::generate(),
        &ReleaseFields::default(),
    ));
    assert!(refused(&world).contains("the key is not in the keyring"));
}

#[test]
fn a_key_with_another_fingerprint_than_the_source_names_is_refused() {
    let world = World::new(&[]);
    let mut options = world.options();
    options.sources[0].signed_by.as_mut().unwrap().fingerprints = vec![Key::generate().fingerprint()];
    let error = world.plan(&Composer::new(options.clone()).unwrap(), SPEC).unwrap_err();
    assert!(matches!(error, ComposeError::BadSignature { .. }), "{error}");
    options.sources[0].signed_by.as_mut().unwrap().fingerprints = vec![world.key.fingerprint()];
    world.plan(&Composer::new(options).unwrap(), SPEC).unwrap();
}

#[test]
fn a_changed_text_is_refused() {
    let world = World::new(&[]);
    let release =
        archive::files(&archive::distroless_base(), &world.key, &ReleaseFields::default())[RELEASE].clone();
    let text = String::from_utf8(release).unwrap().replace("Origin: Test", "Origin: Tost");
    world.server.put(RELEASE, text);
    let error = refused(&world);
    assert!(error.contains("changed after it was signed"), "{error}");
}

#[test]
fn text_outside_the_signature_is_refused() {
    let world = World::new(&[]);
    let release =
        archive::files(&archive::distroless_base(), &world.key, &ReleaseFields::default())[RELEASE].clone();
    let signed = String::from_utf8(release).unwrap();
    for text in [format!("Origin: Evil\n{signed}"), format!("{signed}\nOrigin: Evil\n")] {
        world.server.put(RELEASE, text);
        let error = world.plan(&world.composer(), SPEC).unwrap_err();
        assert!(matches!(error, ComposeError::NotSigned { .. }), "{error}");
    }
}

#[test]
fn a_login_page_instead_of_a_release_file_is_explained() {
    let world = World::new(&[]);
    world.server.put(RELEASE, "<html>please log in</html>");
    let error = world.plan(&world.composer(), SPEC).unwrap_err();
    assert!(matches!(error, ComposeError::NotSigned { .. }), "{error}");
    assert!(error.to_string().contains("login page"));
}

#[test]
fn an_expired_key_is_refused_with_its_day_unless_the_mirror_is_a_snapshot() {
    let old = ReleaseFields { date: "Fri, 14 Jul 2017 06:00:00 UTC".to_owned(), ..ReleaseFields::default() };
    let world = World::of(&archive::distroless_base(), Key::expired(), &old);
    let error = refused(&world);
    assert!(error.contains("the key expired on 2017-07-15"), "{error}");
    // The signature itself was made today, after the key's end: a snapshot does not excuse that.
    let mut options = world.options();
    options.check_valid_until = false;
    let error = world.plan(&Composer::new(options).unwrap(), SPEC).unwrap_err();
    assert!(error.to_string().contains("expired"), "{error}");
}

#[test]
fn an_outdated_release_file_is_refused_unless_the_check_is_off() {
    let more = "Valid-Until: Sat, 18 Jul 2020 10:16:37 UTC\n".to_owned();
    let fields = ReleaseFields { more, ..ReleaseFields::default() };
    let world = World::of(&archive::distroless_base(), Key::generate(), &fields);
    let error = world.plan(&world.composer(), SPEC).unwrap_err();
    assert!(matches!(error, ComposeError::Expired { .. }), "{error}");
    let mut options = world.options();
    options.check_valid_until = false;
    world.plan(&Composer::new(options).unwrap(), SPEC).unwrap();
    let mut options = world.options();
    options.sources[0].check_valid_until = Some(false);
    world.plan(&Composer::new(options).unwrap(), SPEC).unwrap();
}

#[test]
fn a_release_file_of_the_future_is_refused() {
    let fields =
        ReleaseFields { date: "Tue, 01 Jan 2999 00:00:00 UTC".to_owned(), ..ReleaseFields::default() };
    let world = World::of(&archive::distroless_base(), Key::generate(), &fields);
    let error = world.plan(&world.composer(), SPEC).unwrap_err();
    assert!(matches!(error, ComposeError::FromTheFuture { .. }), "{error}");
}

#[test]
fn a_missing_keyring_is_named() {
    let world = World::new(&[]);
    let mut options = world.options();
    let path = world.directory.path().join("none-archive-keyring.gpg");
    options.sources[0].signed_by.as_mut().unwrap().files = vec![path.clone()];
    let error = world.plan(&Composer::new(options).unwrap(), SPEC).unwrap_err();
    assert!(matches!(error, ComposeError::KeyringMissing { .. }), "{error}");
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
}
