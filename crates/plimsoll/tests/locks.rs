//! `plimsoll.lock`: base images that stay what they are until somebody asks again.

use std::process::Output;

use plimsoll_registry::testing::TestRegistry;

use crate::support::{Lab, Web};

/// A registry with images of one file, and a project.
struct World {
    registry: TestRegistry,
    lab: Lab,
    /// Where the images are made.
    maker: Lab,
}

impl World {
    fn new(names: &[&str]) -> Self {
        let world = Self { registry: TestRegistry::start().unwrap(), lab: Lab::new(), maker: Lab::new() };
        names.iter().for_each(|name| drop(world.publish(name, "one")));
        world
    }

    /// Gives a name to an image that holds this text; gives its digest.
    fn publish(&self, name: &str, text: &str) -> String {
        self.maker.write("content", text);
        self.maker.write("Dockerfile", "FROM scratch\nCOPY content /content\nCOPY busybox /bin/sh\n");
        self.maker.build().args(["-t", &self.name(name), "--push"]).epoch().ok().digest()
    }

    /// A name in the registry.
    fn name(&self, name: &str) -> String {
        format!("{}/{name}", self.registry.host())
    }

    fn dockerfile(&self, text: &str) {
        self.lab.write("Dockerfile", text.replace("REG", &self.registry.host()));
    }

    fn lock(&self, arguments: &[&str]) -> Output {
        let mut command = self.lab.command(&["lock"]);
        command.arg(self.lab.context()).args(arguments).output().unwrap()
    }

    /// Locks; gives what is said on standard output.
    fn locked(&self, arguments: &[&str], code: i32) -> String {
        let output = self.lock(arguments);
        assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn lock_text(&self) -> String {
        std::fs::read_to_string(self.lab.path("plimsoll.lock")).unwrap()
    }

    /// How often the registry was asked what a name stands for, since the last time.
    fn questions(&self) -> usize {
        let count = self.registry.count("GET", "/manifests/") + self.registry.count("HEAD", "/manifests/");
        self.registry.clear_requests();
        count
    }
}

const ONE: &str = "FROM REG/app:1\nCOPY Dockerfile /\n";

#[test]
fn every_name_is_locked_sorted_and_no_other() {
    let world = World::new(&["z:1", "a:1", "copied:1", "mounted:1", "context:1", "unused:1"]);
    let context = format!("[contexts]\nthing = \"docker-image://{}\"\n", world.name("context:1"));
    world.lab.write("plimsoll.toml", context);
    let pinned = world.publish("pinned:1", "pinned");
    world.dockerfile(&format!(
        "ARG TAG=1\nFROM REG/z:$TAG AS z\nFROM REG/a:1 AS other\nFROM thing AS thing\nFROM REG/pinned:1@{pinned}\n\
         COPY --from=REG/copied:1 /content /c\nCOPY --from=z /content /z\n\
         RUN --mount=from=REG/mounted:1,target=/m true\n"
    ));
    let said = world.locked(&[], 0);
    let text = world.lock_text();
    let names: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("name = ")).collect();
    let expected =
        ["a:1", "context:1", "copied:1", "mounted:1", "z:1"].map(|name| format!("\"{}\"", world.name(name)));
    assert_eq!(names, expected);
    assert_eq!(said.lines().count(), 5, "{said}");
    // Only what a target needs, and what is there stays.
    std::fs::remove_file(world.lab.path("plimsoll.lock")).unwrap();
    world.locked(&["--target", "z"], 0);
    assert_eq!(world.lock_text().matches("[[base]]").count(), 1);
    world.locked(&["--target", "other"], 0);
    assert_eq!(world.lock_text().matches("[[base]]").count(), 2);
    world.lab.build().arg("--locked").fails(1);
    world.locked(&[], 0);
    world.lab.build().arg("--locked").ok();
}

#[test]
fn a_lock_keeps_a_base_until_it_is_asked_again() {
    let world = World::new(&["app:1"]);
    world.dockerfile(ONE);
    world.locked(&[], 0);
    let before = world.lock_text();
    world.questions();
    let first = world.lab.build().ok();
    assert_eq!(world.questions(), 0, "the image is in the store");
    assert_eq!(world.locked(&["--check"], 0), "");

    let moved = world.publish("app:1", "two");
    assert_eq!(world.lab.build().arg("--pull").ok().image().layers, first.image().layers);
    let said = world.locked(&["--check"], 1);
    assert!(said.contains(&format!(" → {moved}")) && said.contains("/app:1: sha256:"), "{said}");
    assert_eq!(world.lock_text(), before);
    // Another command has moved the tag in the store: the lock still says which image it is.
    world.lab.output(&["pull", "-q", &world.name("app:1")]);
    world.questions();
    assert_eq!(world.lab.build().ok().image().layers, first.image().layers);
    assert_eq!(world.questions(), 0);
    assert_ne!(world.lab.build().arg("--no-lock").ok().image().layers, first.image().layers);
    assert_eq!(world.locked(&[], 0), "", "what is locked stays");
    assert_eq!(world.lock_text(), before);
    world.locked(&["--update"], 0);
    assert_eq!(world.lock_text(), before.replace(before.rsplit('"').nth(1).unwrap(), &moved));
    assert_ne!(world.lab.build().ok().image().layers, first.image().layers);
}

#[test]
fn only_the_names_behind_update_are_asked_again() {
    let world = World::new(&["a:1", "b:1"]);
    world.dockerfile("FROM REG/a:1 AS a\nFROM REG/b:1\nCOPY --from=a /content /a\n");
    world.locked(&[], 0);
    let (a, b) = (world.publish("a:1", "two"), world.publish("b:1", "three"));
    let said = world.locked(&["--update", &world.name("b:1")], 0);
    assert!(said.contains(&b) && !said.contains(&a), "{said}");
    assert!(!world.lock_text().contains(&a) && world.lock_text().contains(&b));
    let output = world.lock(&["--update", "c:1"]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("names no base image `c:1`") && error.contains("CONTEXT"), "{error}");
}

#[test]
fn a_lock_and_a_digest_in_the_dockerfile_are_one_key() {
    let world = World::new(&["app:1"]);
    world.dockerfile(ONE);
    world.locked(&[], 0);
    let first = world.lab.build().epoch().ok();
    assert_eq!(first.steps_run(), 1);
    let text = world.lock_text();
    let digest = text.rsplit('"').nth(1).unwrap();
    world
        .lab
        .write("Dockerfile.digest", ONE.replace("REG/app:1", &format!("{}@{digest}", world.name("app"))));
    let second = world.lab.build().args(["-f", world.lab.path("Dockerfile.digest").to_str().unwrap()]);
    let second = second.epoch().ok();
    assert_eq!((second.steps_run(), second.steps_cached()), (0, 1));
    assert_eq!(second.digest(), first.digest());
    let metadata = first.metadata.unwrap();
    assert_eq!(metadata["plimsoll.locked-bases"][world.name("app:1")], *digest);
    let said = world.lab.build().arg("--pull").run_as_typed();
    assert!(said.stderr.contains(&format!("/app:1 is {digest} by ")), "{}", said.stderr);
    assert_eq!(said.stderr.matches("`plimsoll lock --update` does").count(), 1, "{}", said.stderr);
}

#[test]
fn a_missing_name_is_told_at_its_place() {
    let world = World::new(&["app:1"]);
    world.dockerfile(ONE);
    let outcome = world.lab.build().arg("--locked").fails(2);
    assert!(outcome.stderr.contains("`plimsoll lock` makes it"), "{}", outcome.stderr);
    world.lab.write("plimsoll.lock", "version = 1\n");
    world.lab.build().ok();
    let outcome = world.lab.build().arg("--locked").fails(1);
    for text in ["error[base-not-locked]", "Dockerfile:1:6", "/app:1`", "hint: `plimsoll lock` adds"] {
        assert!(outcome.stderr.contains(text), "{text}: {}", outcome.stderr);
    }
    world.lab.write("plimsoll.lock", "version = 1\nmirror = \"registry.example\"\n");
    let outcome = world.lab.build().fails(2);
    assert!(
        outcome.stderr.contains("plimsoll.lock") && outcome.stderr.contains("mirror"),
        "{}",
        outcome.stderr
    );
    world.lab.build().arg("--no-lock").ok();
}

#[test]
fn a_lock_leads_to_no_other_repository() {
    let world = World::new(&["app:1"]);
    // An image that the store has, and the registry too, in another repository.
    let secret = world.publish("secret:1", "secret");
    world.lab.output(&["pull", "-q", &world.name("secret:1")]);
    world.dockerfile(ONE);
    let name = world.name("app:1");
    let lock = format!("version = 1\n[[base]]\nname = \"{name}\"\ndigest = \"{secret}\"\n");
    world.lab.write("plimsoll.lock", lock);
    let outcome = world.lab.build().fails(2);
    let hint = format!("hint: `plimsoll lock --update {name}`");
    for text in ["Dockerfile:1:6", "plimsoll.lock` has it", &hint] {
        assert!(outcome.stderr.contains(text), "{text}: {}", outcome.stderr);
    }
}

#[test]
fn targets_of_a_bake_file_are_locked() {
    let world = World::new(&["app:1"]);
    world.dockerfile(ONE);
    world.lab.write("docker-bake.json", "{\"target\":{\"default\":{}}}");
    let bake = |arguments: &[&str]| {
        let mut command = world.lab.command(&["bake", "--progress", "plain"]);
        let output = command.args(arguments).current_dir(world.lab.context()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(bake(&["--locked"]).0, Some(2));
    world.locked(&[], 0);
    let (code, stderr) = bake(&["--locked"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains(" by plimsoll.lock"), "{stderr}");
    let (code, stderr) = bake(&["--no-lock"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(!stderr.contains("plimsoll.lock"), "{stderr}");
}

#[test]
fn a_package_that_the_mirror_no_longer_has_is_named() {
    let (lab, mirror) = (Lab::new(), Web::start());
    let digest = "a".repeat(64);
    let lock = format!(
        "version = 1\n[[base]]\nname = \"debian://test?packages=tool&variant=distroless&arch=amd64\"\n[base.pin]\n\
         schema = 1\nspec = \"debian://test?packages=tool&variant=distroless&arch=amd64\"\narchitecture = \"amd64\"\n\
         created = 1\nleft_out = []\n\
         archives = [{{ suite = \"test\", codename = \"test\", date = 1, release = \"sha256:{digest}\" }}]\n\
         packages = [{{ name = \"tool\", version = \"1.0-1\", architecture = \"amd64\", archive = 0, \
         filename = \"pool/main/tool_1.0-1_amd64.deb\", size_bytes = 1, digest = \"sha256:{digest}\", \
         essential = false, requested = true, depends = [] }}]\n"
    );
    lab.write("plimsoll.lock", &lock);
    lab.write("plimsoll.toml", "[contexts]\nruntime = \"debian://test?packages=tool\"\n");
    lab.write("Dockerfile", "FROM runtime\nCOPY Dockerfile /\n");
    let config = lab.beside("config.toml");
    std::fs::write(&config, format!("[debian]\nmirror = \"{}\"\n", mirror.url("debian"))).unwrap();
    let build = || {
        let build = lab.build().args(["--platform", "linux/amd64"]);
        build.env("PLIMSOLL_CONFIG", config.to_str().unwrap()).fails(2)
    };
    let outcome = build();
    for text in [
        "Dockerfile:1:6",
        "no `tool` in version `1.0-1` any more",
        "pool/main/tool_1.0-1_amd64.deb` answers 404",
        "hint: `plimsoll lock --update debian://test?packages=tool` locks what there is now",
    ] {
        assert!(outcome.stderr.contains(text), "{text}: {}", outcome.stderr);
    }
    // A pin of another base is none.
    lab.write(
        "plimsoll.lock",
        lock.replace("spec = \"debian://test?packages=tool", "spec = \"debian://test?packages=other"),
    );
    assert!(build().stderr.contains("has the pin of another base"));
}
