//! Same input, same bytes, whoever builds.

use std::sync::Arc;

use crate::support::{Image, Lab, Outcome, User, is_root, plain_user, user_with_subordinate_ids};

const OWNERS: &str = "RUN mkdir -p /data/sub && echo x > /data/f && chown 1234:2345 /data/f /data/sub && chmod 4755 /data/f\n\
    COPY --chown=33:44 src /copied\n\
    RUN chown -R 70:71 /copied/inner && ln /data/f /data/hard && ln -s f /data/soft\n\
    RUN rm -r /copied/gone && rm -rf /data/sub && mkdir /data/sub\n\
    WORKDIR /work/deep\n\
    LABEL a=b\n";

fn build(user: Option<Arc<User>>, text: &str) -> (Outcome, Image) {
    let lab = Lab::of(user);
    lab.write("src/main", "source\n");
    lab.write("src/inner/x", "inner\n");
    lab.write("src/gone/y", "gone\n");
    lab.dockerfile(text);
    let outcome = lab.build().epoch().ok();
    let image = outcome.image();
    (outcome, image)
}

fn assert_same(one: &(Outcome, Image), other: &(Outcome, Image)) {
    for (place, (layer, expected)) in other.1.layers.iter().zip(&one.1.layers).enumerate() {
        for (entry, expected) in layer.iter().zip(expected) {
            assert_eq!(entry, expected, "layer {place}: `{}`", String::from_utf8_lossy(&entry.path));
        }
    }
    assert_eq!(one.1.diff_ids(), other.1.diff_ids());
    assert_eq!(one.1.config, other.1.config);
    assert_eq!(one.0.digest(), other.0.digest());
}

#[test]
fn another_store_and_context_give_the_same_image() {
    let first = build(None, OWNERS);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_same(&first, &build(None, OWNERS));
    let image = first.1;
    assert_eq!(image.files().values().find(|entry| entry.mtime > 1_700_000_000), None);
    let file = image.file("data/f");
    assert_eq!((file.uid, file.gid, file.mode), (1234, 2345, 0o4755));
    let copied = image.file("copied/main");
    assert_eq!((copied.uid, copied.gid), (33, 44));
    assert_eq!(image.file("copied/inner/x").uid, 70);
    // A new name of a file in a layer below is a file of its own: the layer would have to repeat the other name.
    let hard = image.file("data/hard");
    assert_eq!((hard.uid, hard.gid, hard.mode, hard.text()), (1234, 2345, 0o4755, "x\n"));
    assert!(!image.has("copied/gone/y"));
    assert_eq!(image.file("data/sub").uid, 0);
}

#[test]
fn a_user_with_subordinate_ids_builds_the_same_image_as_root() {
    if is_root("a_user_with_subordinate_ids_builds_the_same_image_as_root") {
        let text = format!("{OWNERS}USER 1000:1001\nWORKDIR /home/me\nRUN echo mine > own\n");
        assert_same(&build(None, &text), &build(Some(user_with_subordinate_ids()), &text));
    }
}

#[test]
fn a_user_without_subordinate_ids_builds_the_same_image_as_root() {
    if is_root("a_user_without_subordinate_ids_builds_the_same_image_as_root") {
        assert_same(&build(None, OWNERS), &build(Some(plain_user()), OWNERS));
    }
}

#[test]
fn a_plain_user_finds_everything_cached_the_second_time() {
    if !is_root("a_plain_user_finds_everything_cached_the_second_time") {
        return;
    }
    for user in [user_with_subordinate_ids(), plain_user()] {
        let lab = Lab::of(Some(user));
        lab.dockerfile(
            "RUN echo hello > /hello && chown 5:6 /hello\nFROM base\nCOPY --from=0 /bin/busybox /second\nRUN chown 5:6 /second\n",
        );
        let first = lab.build().ok();
        let second = lab.build().ok();
        assert_eq!(second.steps_run(), 0);
        assert_eq!(first.digest(), second.digest());
        assert_eq!(second.image().file("second").gid, 6);
    }
}
