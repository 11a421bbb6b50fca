//! Several targets at once, from bake files and compose files.

use std::process::Output;

use serde_json::Value;

use crate::support::{BASE, Lab};

struct Project(Lab);

impl Project {
    fn new(files: &[(&str, &str)]) -> Self {
        let lab = Lab::new();
        for (name, text) in files {
            lab.write(name, text);
        }
        Self(lab)
    }

    fn bake(&self, arguments: &[&str]) -> Output {
        let mut command = self.0.command(&["bake"]);
        command.args(arguments).current_dir(self.0.context()).output().unwrap()
    }

    fn ok(&self, arguments: &[&str]) -> (String, String) {
        let output = self.bake(arguments);
        let (stdout, stderr) = texts(&output);
        assert_eq!(output.status.code(), Some(0), "{stderr}");
        (stdout, stderr)
    }

    fn refused(&self, arguments: &[&str], code: i32) -> String {
        let output = self.bake(arguments);
        let (_, stderr) = texts(&output);
        assert_eq!(output.status.code(), Some(code), "{stderr}");
        stderr
    }
}

fn texts(output: &Output) -> (String, String) {
    (String::from_utf8(output.stdout.clone()).unwrap(), String::from_utf8(output.stderr.clone()).unwrap())
}

/// Two images from one Dockerfile, with steps that both need.
fn two_targets() -> Project {
    let dockerfile = format!(
        "{BASE}RUN --mount=type=cache,id=count,target=/count,sharing=locked echo once >> /count/log; sleep 0.3; echo shared > /shared\n\
         FROM base AS web\nRUN echo web > /own\nFROM base AS api\nRUN echo api > /own\n\
         FROM base AS counted\nRUN --mount=type=cache,id=count,target=/count cat /count/log\n"
    );
    let bake = "group \"default\" {\n  targets = [\"web\", \"api\"]\n}\n\
                target \"web\" {\n  target = \"web\"\n  tags = [\"web:1\"]\n}\n\
                target \"api\" {\n  target = \"api\"\n  tags = [\"api:1\"]\n}\n\
                target \"counted\" {\n  target = \"counted\"\n}\n";
    Project::new(&[("Dockerfile", &dockerfile), ("docker-bake.hcl", bake)])
}

#[test]
fn targets_are_built_at_the_same_time_and_shared_steps_run_once() {
    let project = two_targets();
    let (_, stderr) = project.ok(&["--metadata-file", "meta.json"]);
    assert!(stderr.contains("built 2 targets"), "{stderr}");
    assert!(stderr.contains("web: built web:1") && stderr.contains("api: built api:1"), "{stderr}");
    assert!(stderr.contains("[web web 1/1] RUN echo web"), "{stderr}");
    let metadata: Value =
        serde_json::from_slice(&std::fs::read(project.0.path("meta.json")).unwrap()).unwrap();
    assert_ne!(metadata["web"]["containerimage.digest"], metadata["api"]["containerimage.digest"]);
    let (_, log) = project.ok(&["counted", "--progress=plain"]);
    assert_eq!(log.lines().filter(|line| line.ends_with(" once")).count(), 1, "{log}");
}

#[test]
fn one_failure_ends_the_others_and_is_told_with_its_target() {
    let dockerfile = format!("{BASE}FROM base AS slow\nRUN sleep 20\nFROM base AS broken\nRUN exit 3\n");
    let bake = "group \"default\" {\n  targets = [\"slow\", \"broken\"]\n}\n\
                target \"slow\" {\n  target = \"slow\"\n}\ntarget \"broken\" {\n  target = \"broken\"\n}\n";
    let project = Project::new(&[("Dockerfile", &dockerfile), ("docker-bake.hcl", bake)]);
    let started = std::time::Instant::now();
    let stderr = project.refused(&[], 1);
    assert!(started.elapsed().as_secs() < 15, "the slow target was stopped");
    assert!(stderr.contains("target `broken` cannot be built") && stderr.contains("RUN exit 3"), "{stderr}");
    assert!(!stderr.contains("target `slow` cannot"), "{stderr}");
}

#[test]
fn a_dockerfile_may_stand_in_the_bake_file() {
    let bake = "target \"default\" {\n  dockerfile-inline = <<EOT\nFROM scratch\nCOPY note /\nEOT\n  output = [\"out\"]\n}\n";
    let project = Project::new(&[("docker-bake.hcl", bake), ("note", "hello")]);
    project.ok(&[]);
    assert_eq!(std::fs::read_to_string(project.0.path("out/note")).unwrap(), "hello");
}

#[test]
fn compose_services_with_a_build_section_are_targets() {
    let compose = "services:\n  web:\n    image: ${NAME:-web}:2\n    build:\n      context: src\n      args: [\"A=1\"]\n  db:\n    image: x\n";
    let project = Project::new(&[
        ("compose.yaml", compose),
        (".env", "NAME=named\n"),
        ("src/Dockerfile", "FROM scratch\nARG A\nLABEL a=$A\n"),
    ]);
    let (_, stderr) = project.ok(&[]);
    assert!(stderr.contains("web: built named:2"), "{stderr}");
}

#[test]
fn the_definition_is_printed_as_json_without_building() {
    let project = two_targets();
    let (stdout, _) = project.ok(&["--print", "web", "--set", "web.args.A=1", "--no-cache"]);
    let printed: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(printed["target"]["web"]["args"]["A"], "1");
    assert_eq!(printed["target"]["web"]["no-cache"], true);
    assert_eq!(printed["group"]["default"]["targets"][0], "web");
    assert!(!project.0.store().exists(), "printing needs no store");
}

#[test]
fn targets_and_variables_are_listed() {
    let bake = "variable \"TAG\" {\n  default = \"1\"\n  description = \"the tag\"\n}\ntarget \"a\" {\n  description = \"first\"\n}\n";
    let project = Project::new(&[("docker-bake.hcl", bake)]);
    assert_eq!(project.ok(&["--list", "targets"]).0, "TARGET   DESCRIPTION\na        first\n");
    let (variables, _) = project.ok(&["--list=type=variables,format=json", "--var", "TAG=2"]);
    let variables: Value = serde_json::from_str(&variables).unwrap();
    assert_eq!(variables[0]["value"], "2");
    assert_eq!(variables[0]["description"], "the tag");
}

#[test]
fn a_file_may_not_leave_its_project_without_leave() {
    let bake = "target \"default\" {\n  contexts = { up = \"../other\" }\n  entitlements = [\"network.host\"]\n  output = [\"../out\"]\n}\n";
    let project =
        Project::new(&[("docker-bake.hcl", bake), ("Dockerfile", "FROM scratch\nCOPY --from=up note /\n")]);
    std::fs::create_dir(project.0.beside("other")).unwrap();
    std::fs::write(project.0.beside("other/note"), "n").unwrap();
    let stderr = project.refused(&[], 1);
    for part in [
        "docker-bake.hcl:2:14",
        "reads `../other`",
        "writes `../out`",
        "host's network",
        "--allow network.host",
    ] {
        assert!(stderr.contains(part), "{part}: {stderr}");
    }
    let other = format!("fs.read={}", project.0.beside("other").display());
    let out = format!("fs.write={}", project.0.beside("out").display());
    project.ok(&["--allow", &other, "--allow", &out, "--allow", "network.host"]);
    assert!(project.0.beside("out/note").exists());
}

#[test]
fn a_link_out_of_the_project_is_outside() {
    let bake = "target \"default\" {\n  context = \"inside\"\n}\n";
    let project = Project::new(&[("docker-bake.hcl", bake)]);
    std::fs::create_dir(project.0.beside("other")).unwrap();
    project.0.link("../other", "inside");
    assert!(project.refused(&[], 1).contains("outside of the working directory"));
}

#[test]
fn what_the_build_cannot_do_is_shown_in_the_file() {
    let bake = "target \"default\" {\n  platforms = [\"a/b/c/d/e\"]\n}\n";
    let project = Project::new(&[("docker-bake.hcl", bake), ("Dockerfile", "FROM scratch\n")]);
    let stderr = project.refused(&[], 1);
    assert!(stderr.contains("docker-bake.hcl:2:15") && stderr.contains("`platforms`"), "{stderr}");
}

#[test]
fn a_missing_file_is_told_with_the_names_that_were_looked_for() {
    let project = Project::new(&[]);
    let stderr = project.refused(&[], 2);
    assert!(stderr.contains("docker-bake.hcl") && stderr.contains("--file"), "{stderr}");
}

/// `app` is built on what `base` makes, whose Dockerfile is another one; `tool` is another target that only it needs.
fn linked_targets() -> Project {
    let base =
        format!("{BASE}RUN echo made > /made && mkdir /tmp && chmod 777 /tmp\nENV FROM_BASE=yes\nUSER 7\n");
    let app = "FROM start AS app\nCOPY --from=tools /tool /tool\nRUN [ \"$FROM_BASE\" = yes ] && id -u > /tmp/id && cat /made /tool > /tmp/both\n\
               FROM scratch\nCOPY --from=app /tmp/id /tmp/both /\n";
    let bake = "target \"default\" {\n  dockerfile = \"app.Dockerfile\"\n  contexts = { start = \"target:base\", tools = \"target:tool\" }\n  output = [\"out\"]\n}\n\
                target \"base\" {\n  dockerfile = \"base.Dockerfile\"\n  tags = [\"never:1\"]\n}\n\
                target \"tool\" {\n  dockerfile-inline = \"FROM scratch\\nCOPY tool /\\n\"\n}\n";
    Project::new(&[
        ("base.Dockerfile", &base),
        ("app.Dockerfile", app),
        ("docker-bake.hcl", bake),
        ("tool", "a tool\n"),
    ])
}

#[test]
fn what_one_target_makes_is_the_context_of_another() {
    let project = linked_targets();
    let (_, stderr) = project.ok(&["--progress=plain"]);
    assert_eq!(std::fs::read_to_string(project.0.path("out/id")).unwrap(), "7\n", "{stderr}");
    assert_eq!(std::fs::read_to_string(project.0.path("out/both")).unwrap(), "made\na tool\n");
    let (images, _) = texts(&project.0.command(&["images"]).output().unwrap());
    assert!(
        !images.contains("never") && !stderr.contains("never:1"),
        "what was not asked for is not kept: {images}"
    );

    let (_, again) = project.ok(&[]);
    assert!(again.contains("unchanged: all 7 steps cached"), "{again}");

    project.0.write("tool", "another tool\n");
    project.ok(&[]);
    assert_eq!(std::fs::read_to_string(project.0.path("out/both")).unwrap(), "made\nanother tool\n");
}

#[test]
fn a_target_whose_context_cannot_be_built_is_not_begun() {
    let project = linked_targets();
    project.0.write("base.Dockerfile", format!("{BASE}RUN exit 9\n"));
    let stderr = project.refused(&[], 1);
    assert!(stderr.contains("target `base` cannot be built") && stderr.contains("RUN exit 9"), "{stderr}");
    assert!(!stderr.contains("target `default`"), "{stderr}");
}

#[test]
fn a_question_about_a_target_does_not_build_its_contexts() {
    let project = linked_targets();
    project.0.write("base.Dockerfile", format!("{BASE}RUN exit 9\n"));
    let (stdout, stderr) = project.ok(&["--call=check"]);
    assert!(!stderr.contains("exit 9"), "{stdout} {stderr}");
}

#[test]
fn what_a_compose_file_includes_and_extends_is_built_from_its_own_folder() {
    let included = "services:\n  part:\n    build:\n      context: .\n      args: {GREETING: \"$GREETING\"}\n      x-bake: {output: out/part}\n";
    let common = "services:\n  web:\n    build:\n      context: .\n      dockerfile: web.Dockerfile\n";
    let compose = "include: [part/compose.yaml]\nservices:\n  web:\n    extends: {file: common/base.yaml, service: web}\n    \
                   build:\n      additional_contexts: {other: \"service:part\"}\n      x-bake: {output: out/web}\n";
    let project = Project::new(&[("compose.yaml", compose)]);
    for (folder, files) in [
        (
            "part",
            [
                ("compose.yaml", included),
                (".env", "GREETING=hello\n"),
                ("Dockerfile", "FROM scratch\nARG GREETING\nCOPY <<E /$GREETING\nE\nCOPY file /\n"),
                ("file", "part\n"),
            ]
            .as_slice(),
        ),
        (
            "common",
            &[
                ("base.yaml", common),
                ("web.Dockerfile", "FROM scratch\nCOPY --from=other /file /from-part\nCOPY own /\n"),
                ("own", "web\n"),
            ],
        ),
    ] {
        std::fs::create_dir(project.0.path(folder)).unwrap();
        for (name, text) in files {
            project.0.write(format!("{folder}/{name}"), text);
        }
    }
    project.ok(&[]);
    let read = |path: &str| std::fs::read_to_string(project.0.path(path)).unwrap();
    assert!(project.0.path("out/part/hello").exists());
    assert_eq!((read("out/web/from-part"), read("out/web/own")), ("part\n".to_owned(), "web\n".to_owned()));
}

#[test]
fn a_compose_file_includes_nothing_from_outside_unless_it_may() {
    let project = Project::new(&[("compose.yaml", "include: [../other/x.yaml]\n")]);
    std::fs::create_dir(project.0.beside("other")).unwrap();
    let stderr = project.refused(&["--print"], 1);
    let flag = format!("--allow fs.read={}`", project.0.beside("other").display());
    assert!(stderr.contains("compose.yaml:1:11") && stderr.contains(&flag), "{stderr}");
    assert!(!stderr.contains("no file"), "whether it exists is not told: {stderr}");

    let text = "services:\n  x:\n    build: .\n    image: x:1\n";
    std::fs::write(project.0.beside("other/x.yaml"), text).unwrap();
    std::fs::write(project.0.beside("other/Dockerfile"), "FROM scratch\nCOPY x.yaml /\n").unwrap();
    let folder = format!("fs.read={}", project.0.beside("other").display());
    project.ok(&["--allow", &folder]);
    let (images, _) = texts(&project.0.command(&["images"]).output().unwrap());
    assert!(images.lines().any(|line| line.starts_with("x ")), "{images}");
}
