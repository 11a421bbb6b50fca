//! What a minbase holds before its packages are configured.

use plimsoll_compose::{ComposeError, Composer};

use crate::support::archive::{Key, Package, ReleaseFields};
use crate::support::{World, listing};

const SPEC: &str = "debian://test?variant=minbase&packages=tool";

fn packages() -> Vec<Package> {
    vec![
        Package::new("base-files", "13")
            .field("Essential", "yes")
            .directory("usr")
            .file("usr/lib/os-release", "ID=debian\n"),
        Package::new("base-passwd", "3")
            .field("Essential", "yes")
            .file("usr/share/base-passwd/passwd.master", "root:*:0:0:root:/root:/bin/bash\n")
            .file("usr/share/base-passwd/group.master", "root:*:0:\n")
            .control("preinst", "#!/bin/sh\n"),
        Package::new("dash", "0.5").field("Essential", "yes").program("bin/dash").symlink("bin/sh", "dash"),
        Package::new("apt", "2")
            .field("Priority", "important")
            .field("Depends", "libc6")
            .program("usr/bin/apt-get"),
        Package::new("mount", "2").field("Priority", "required"),
        Package::new("libc6", "2.36")
            .field("Multi-Arch", "same")
            .file("lib/libc.so.6", "so")
            .control("preinst", "#!/bin/sh\n")
            .control("triggers", "activate-noawait ldconfig\n"),
        Package::new("libc-bin", "2.36")
            .field("Essential", "yes")
            .control("triggers", "# comment\ninterest-noawait ldconfig\ninterest /usr/share/x\n"),
        Package::new("usrmerge", "1"),
        Package::new("usr-is-merged", "1"),
        Package::new("tool", "1")
            .field("Depends", "usrmerge | usr-is-merged, libc6")
            .file("etc/tool.conf", "a=b\n")
            .file("usr/share/man/man1/tool.1", "manual")
            .control("conffiles", "/etc/tool.conf\nremove-on-upgrade /etc/gone\n")
            .control("preinst", "#!/bin/sh\n"),
    ]
}

fn world() -> World {
    World::of(&packages(), Key::generate(), &ReleaseFields::default())
}

#[test]
fn essential_and_required_packages_and_apt_come_by_themselves() {
    let world = world();
    let plan = world.plan(&world.composer(), SPEC).unwrap();
    let names: Vec<&str> = plan.packages.iter().map(|package| package.name.as_str()).collect();
    let want =
        ["apt", "base-files", "base-passwd", "dash", "libc-bin", "libc6", "mount", "tool", "usr-is-merged"];
    assert_eq!(names, want);
    assert!(plan.left_out.is_empty());
}

#[test]
fn the_package_database_says_unpacked_and_knows_files_and_triggers() {
    let world = world();
    let files = listing(&world.compose(SPEC).unwrap());
    let status = &files["var/lib/dpkg/status"];
    assert!(status.contains("Package: tool\nStatus: install ok unpacked\nVersion: 1\n"), "{status}");
    // The digest of `a=b` and a line feed.
    assert!(status.contains("Conffiles:\n /etc/tool.conf 6aea67367311873a8a1383e4373a0e3c\n"), "{status}");
    assert!(!status.contains("/etc/gone"), "{status}");
    assert_eq!(files["var/lib/dpkg/info/libc6:amd64.list"], "file 644 0:0 /.\n/lib/libc.so.6\n");
    assert_eq!(files["var/lib/dpkg/info/libc6:amd64.preinst"], "file 755 0:0 #!/bin/sh\n");
    assert_eq!(files["var/lib/dpkg/info/format"], "file 644 0:0 1\n");
    assert_eq!(files["var/lib/dpkg/triggers/ldconfig"], "file 644 0:0 libc-bin/noawait\n");
    assert_eq!(files["var/lib/dpkg/triggers/File"], "file 644 0:0 /usr/share/x libc-bin\n");
    assert_eq!(files["usr/lib/libc.so.6"], "file 644 0:0 so");
    assert_eq!(files["usr/share/man/man1/tool.1"], "file 644 0:0 manual");
    assert!(files["etc/passwd"].ends_with("root:*:0:0:root:/root:/bin/bash\n"));
}

#[test]
fn apt_finds_the_archive_that_the_base_came_from() {
    let world = world();
    let files = listing(&world.compose(SPEC).unwrap());
    let want = format!(
        "file 644 0:0 Types: deb\nURIs: {}\nSuites: test\nComponents: main\nSigned-By: /etc/apt/keyrings/test-archive-keyring.gpg\n",
        world.server.uri()
    );
    assert_eq!(files["etc/apt/sources.list.d/debian.sources"], want);
    assert!(files.contains_key("etc/apt/keyrings/test-archive-keyring.gpg"));
}

#[test]
fn a_keyring_that_the_packages_bring_is_not_copied_and_credentials_are_not_either() {
    let mut packages = packages();
    packages.push(
        Package::new("test-archive-keyring", "1").file("usr/share/keyrings/test-archive-keyring.pgp", "k"),
    );
    let world = World::of(&packages, Key::generate(), &ReleaseFields::default());
    let mut options = world.options();
    options.check_valid_until = false;
    options.sources[0].uris = vec![world.server.uri().replace("http://", "http://user:secret@")];
    let spec = "debian://test?variant=minbase&packages=test-archive-keyring";
    let files = listing(&world.compose_with(&Composer::new(options).unwrap(), spec).unwrap());
    let sources = &files["etc/apt/sources.list.d/debian.sources"];
    assert!(sources.contains("Signed-By: /usr/share/keyrings/test-archive-keyring.pgp\n"), "{sources}");
    assert!(sources.contains("Check-Valid-Until: no\n"), "{sources}");
    assert!(!sources.contains("secret"), "{sources}");
}

#[test]
fn the_configure_step_runs_scripts_in_the_order_of_dependencies() {
    let world = world();
    let assembled = world.compose(SPEC).unwrap();
    let step = assembled.configure.unwrap();
    assert!(step.script.contains("PREINST=\"base-passwd libc6:amd64 tool\"\n"), "{}", step.script);
    assert_eq!(step.argv[..2], ["/bin/sh", "-c"]);
    assert_eq!(step.argv[2], step.script);
    assert_eq!(step.epoch, 1_783_764_997);
    assert!(step.env.contains(&("SOURCE_DATE_EPOCH".to_owned(), "1783764997".to_owned())));
    assert!(step.env.contains(&("DEBIAN_FRONTEND".to_owned(), "noninteractive".to_owned())));
    assert_eq!(assembled.config.config.cmd, Some(vec!["bash".to_owned()]));
    assert_eq!(assembled.config.config.user, "");
}

#[test]
fn a_base_without_accounts_is_refused() {
    let world = World::of(
        &[Package::new("apt", "2"), Package::new("base-files", "1").field("Essential", "yes")],
        Key::generate(),
        &ReleaseFields::default(),
    );
    let error = world.compose("debian://test?variant=minbase").unwrap_err();
    assert!(matches!(error, ComposeError::Incomplete { .. }), "{error}");
}
