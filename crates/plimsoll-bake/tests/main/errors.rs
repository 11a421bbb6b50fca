//! Errors have a place, and where possible a way out.

use std::ops::Range;

use crate::support::Call;

/// One text after the other.
fn each(numbers: Range<usize>, text: impl Fn(usize) -> String) -> String {
    numbers.map(text).collect::<Vec<_>>().concat()
}

#[test]
fn an_unknown_variable_is_shown_where_it_is_used() {
    let call = Call::hcl(
        "variable \"TAG\" {\n  default = \"1\"\n}\ntarget \"default\" {\n  tags = [\"a:${TAGG}\"]\n}\n",
    );
    assert_eq!(
        call.errors(),
        "error[unknown-variable]: there is no variable `TAGG`\n\
         \x20--> docker-bake.hcl:5:16\n\
         \x20 |\n\
         5 |   tags = [\"a:${TAGG}\"]\n\
         \x20 |                ^^^^\n\
         hint: there is `TAG`\n"
    );
}

#[track_caller]
fn refused(call: &Call, place: &str, parts: &[&str]) {
    let errors = call.errors();
    assert!(errors.contains(place), "{errors}");
    for part in parts {
        assert!(errors.contains(part), "{part} is not in: {errors}");
    }
}

#[test]
fn syntax_errors_have_a_place_in_every_format() {
    refused(&Call::hcl("target \"a\" {\n  tags = [\n}\n"), "docker-bake.hcl:3:1", &["error[syntax]"]);
    let json = |text: &str| Call {
        files: vec![("docker-bake.json".to_owned(), text.to_owned())],
        ..Call::default()
    };
    refused(&json("{\n  \"target\": {,}\n}"), "docker-bake.json:2:", &["error[syntax]"]);
    refused(&json(&"[".repeat(100_000)), "docker-bake.json:1:65", &["nested more than 64 times"]);
    refused(&Call::compose("services:\n  a: [\n"), "compose.yaml:", &["error[syntax]", "not YAML"]);
    refused(
        &Call::compose("services:\n  a:\n    build: .\n  a:\n    build: .\n"),
        "compose.yaml:4:3",
        &["defined twice"],
    );
}

#[test]
fn errors_of_several_blocks_are_told_together() {
    let call = Call::hcl("target \"a\" {\n  tags = [X]\n}\ntarget \"b\" {\n  no-cache = \"maybe\"\n}\n");
    refused(
        &call,
        "docker-bake.hcl:2:11",
        &["there is no variable `X`", "docker-bake.hcl:5:14", "`no-cache`"],
    );
}

#[test]
fn a_wrong_type_is_shown_with_the_value() {
    refused(
        &Call::hcl("target \"default\" {\n  tags = \"a\"\n}\n"),
        ":2:10",
        &["`tags`", "a list is needed"],
    );
    refused(
        &Call::hcl("target \"default\" {\n  cache-from = [\"ref=x\"]\n}\n"),
        ":2:16",
        &["the type is missing"],
    );
}

#[test]
fn an_unknown_function_is_answered_with_the_nearest_one() {
    refused(
        &Call::hcl("target \"default\" {\n  tags = [uper(\"a\")]\n}\n"),
        ":2:11",
        &["no function `uper`", "`upper`"],
    );
}

#[test]
fn an_unknown_target_is_answered_with_the_nearest_one() {
    refused(
        &Call::hcl("target \"webapp\" {}\n").targets(&["webap"]),
        "error",
        &["no target `webap`", "there is `webapp`"],
    );
}

#[test]
fn what_is_inherited_must_exist() {
    let call = Call::hcl("target \"default\" {\n  inherits = [\"nope\"]\n}\n");
    refused(&call, "docker-bake.hcl:2:14", &["no target `nope`"]);
}

#[test]
fn a_link_in_circles_is_shown_at_the_context() {
    let call = Call::hcl("target \"default\" {\n  contexts = { a = \"target:default\" }\n}\n");
    refused(&call, "docker-bake.hcl:2:14", &["has itself as a named context"]);
}

#[test]
fn a_value_from_the_environment_that_does_not_fit_names_the_variable() {
    let call =
        Call::hcl("variable \"N\" {\n  type = number\n}\ntarget \"default\" {}\n").variable("N", "many");
    refused(&call, "docker-bake.hcl:1:10", &["`N`", "`many` is not a number"]);
}

#[test]
fn a_validation_is_shown_with_its_own_message() {
    let text = "variable \"A\" {\n  default = \"x\"\n  validation {\n    condition = A == \"y\"\n    error_message = \"must be y\"\n  }\n}\n";
    refused(&Call::hcl(text), "docker-bake.hcl:4:17", &["must be y"]);
}

#[test]
fn overrides_that_mean_nothing_are_refused() {
    let call = || Call::hcl("target \"default\" {}\n");
    refused(&call().set("default.tag=x"), "error", &["no key `tag`", "there is `tags`"]);
    refused(&call().set("default.context+=x"), "error", &["nothing can be added"]);
    refused(&call().set("x*.tags=x"), "error", &["no target matches `x*`"]);
}

#[test]
fn what_has_no_effect_is_told() {
    let bake = Call::hcl("target \"default\" {\n  tag = [\"a\"]\n}\ntargets \"x\" {}\n").read().unwrap();
    let told: String = bake.warnings.iter().map(|warning| warning.render(false)).collect();
    assert!(told.contains("warning[unknown-attribute]: a target has no attribute `tag`"), "{told}");
    assert!(told.contains("hint: there is `tags`"), "{told}");
    assert!(told.contains("blocks of the kind `targets` mean nothing here"), "{told}");
}

#[test]
fn unset_variables_of_compose_files_are_told() {
    let bake = Call::compose("services:\n  a:\n    build: ${NOPE}x\n").read().unwrap();
    let told: String = bake.warnings.iter().map(|warning| warning.render(false)).collect();
    assert!(told.contains("compose.yaml:3:12") && told.contains("`NOPE` is not set"), "{told}");
}

#[test]
fn compose_files_name_what_is_missing() {
    let secret = "services:\n  a:\n    build:\n      context: .\n      secrets: [s]\n";
    refused(&Call::compose(secret), "compose.yaml:5:17", &["no secret `s`"]);
    let extends = "services:\n  a:\n    extends: b\n";
    refused(&Call::compose(extends), "compose.yaml:3:14", &["no service `b`"]);
    let circle = "services:\n  a:\n    extends: b\n  b:\n    extends: a\n";
    refused(&Call::compose(circle), "compose.yaml:", &["extends itself"]);
}

#[test]
fn no_file_can_use_up_the_machine() {
    let doubling: String =
        each(1..40, |n| format!("variable \"V{n}\" {{\n  default = \"${{V{0}}}${{V{0}}}\"\n}}\n", n - 1));
    let text =
        format!("variable \"V0\" {{\n  default = \"0123456789\"\n}}\n{doubling}target \"default\" {{}}\n");
    refused(&Call::hcl(&text), "docker-bake.hcl", &["takes too much work"]);
    let laughs: String = each(1..30, |n| format!("x-{n}: &a{n} [*a{0}, *a{0}]\n", n - 1));
    refused(
        &Call::compose(&format!("x-0: &a0 [x, y]\n{laughs}")),
        "compose.yaml",
        &["more than 200000 values"],
    );
    let deep = format!("A = {}1{}\n", "(".repeat(5000), ")".repeat(5000));
    refused(&Call::hcl(&deep), "docker-bake.hcl:1:", &["error[syntax]"]);
    let large = format!("target \"default\" {{\n  args = {{ a = 1e300{} }}\n}}\n", " * 1e300".repeat(20));
    refused(&Call::hcl(&large), "docker-bake.hcl:2:", &["too large"]);
    let matrix =
        "target \"a\" {\n  name = \"a-${x}-${y}\"\n  matrix = { x = range(1000), y = range(1000) }\n}\n";
    refused(&Call::hcl(matrix), "docker-bake.hcl:3:12", &["more than 4096 targets"]);
    let chain: String = each(0..5000, |n| format!("variable \"V{n}\" {{\n  default = V{}\n}}\n", n + 1));
    refused(&Call::hcl(&format!("{chain}V5000 = 1\n")), "docker-bake.hcl:", &["more than 64 times in a row"]);
    let groups: String = each(0..2000, |n| format!("group \"g{n}\" {{\n  targets = [\"g{}\"]\n}}\n", n + 1));
    refused(&Call::hcl(&groups).targets(&["g0"]), "error", &["more than 64 names"]);
    let bases: String = each(0..2000, |n| format!("target \"t{n}\" {{\n  inherits = [\"t{}\"]\n}}\n", n + 1));
    refused(&Call::hcl(&bases).targets(&["t0"]), "docker-bake.hcl", &["more than 64 names"]);
    let replaced = "variable \"A\" {\n  default = join(\"\", [for x in range(1000) : \"0123456789\"])\n}\n\
                    target \"default\" {\n  args = { a = replace(A, \"0\", replace(A, \"1\", A)) }\n}\n";
    refused(&Call::hcl(replaced), "docker-bake.hcl:5:", &["too large"]);
    let tiny = "target \"default\" {\n  args = { a = 1e-999999999 }\n}\n";
    assert_eq!(Call::hcl(tiny).resolve().unwrap().targets["default"].args["a"], "0");
}

#[test]
fn compose_files_lead_to_other_files_from_their_own_folders() {
    let call = Call::compose("include: [{path: a/b.yaml, project_directory: p}]\n")
        .other("a/b.yaml", "include: [c.yaml]\nservices:\n  b:\n    extends: {file: e.yaml, service: e}\n")
        .other("p/c.yaml", "services:\n  c:\n    build: {context: ~/x, ssh: [k=./key]}\n")
        .other("p/e.yaml", "services:\n  e:\n    build: {context: ../e, args: {T: $T}}\n")
        .other("p/.env", "T=t\n");
    let resolved = call.resolve().unwrap();
    let (b, c) = (&resolved.targets["b"], &resolved.targets["c"]);
    assert_eq!((b.context.as_deref(), b.args["T"].as_str()), (Some("e"), "t"));
    assert_eq!(c.context.as_deref(), Some("~/x"));
    assert_eq!(c.ssh.as_ref().unwrap()[0].paths, ["p/key"]);
    // A file in another folder includes from there; what it builds itself stays in the working directory.
    let mut call = Call::compose("include: [one.yaml]\nservices:\n  b:\n    build: .\n")
        .other("deploy/one.yaml", "services:\n  one:\n    build: .\n");
    "deploy/compose.yaml".clone_into(&mut call.files[0].0);
    let resolved = call.resolve().unwrap();
    assert_eq!(resolved.targets["one"].context.as_deref(), Some("deploy"));
    assert_eq!(resolved.targets["b"].context.as_deref(), Some("."));
}

#[test]
fn files_that_compose_files_name_are_told_at_their_places() {
    let include = |what: &str| Call::compose(&format!("include: [{what}]\nservices:\n  a:\n    build: .\n"));
    refused(&include("x.yaml"), "compose.yaml:1:11", &["error[unknown-file]: there is no file `x.yaml`"]);
    refused(&include("secret.yaml"), "compose.yaml:1:11", &["error[unreadable-file]: no", "hint: ask"]);
    refused(&include("{path: b.yaml, files: x}"), "compose.yaml:1:33", &["`include` has no `files`"]);
    refused(&include("{env_file: x}"), "compose.yaml:1:11", &["needs `path`"]);
    refused(&Call::compose("include: b.yaml\n"), "compose.yaml:1:10", &["is a list", "hint: write"]);
    let with = include("b.yaml");
    let cycle = with.other("b.yaml", "include: [./compose.yaml]\n");
    refused(
        &cycle,
        "b.yaml:1:11",
        &["`compose.yaml` includes itself", "`compose.yaml`, `b.yaml`, `compose.yaml`"],
    );
    let conflict = include("b.yaml").other("b.yaml", "services:\n  a:\n    build: x\n");
    refused(&conflict, "b.yaml:3:5", &["the service `a` is defined in `compose.yaml:4` as well"]);
    let broken = include("b.yaml").other("b.yaml", "").other(".env", "A=1\nB=\"\n");
    refused(&broken, "compose.yaml:1:11", &["`.env`, line 2"]);
    let extends = "services:\n  a:\n    extends: {file: b.yaml, service: b}\n";
    refused(
        &Call::compose(extends).other("b.yaml", "services: {}\n"),
        "compose.yaml:3:38",
        &["no service `b` in `b.yaml`"],
    );
    let back = "services:\n  b:\n    extends: {file: compose.yaml, service: a}\n";
    refused(
        &Call::compose(extends).other("b.yaml", back),
        "b.yaml:3:44",
        &[
            "`b` extends itself by way of `a`",
            "`a` in `compose.yaml`, `b` in `b.yaml`, `a` in `compose.yaml`",
        ],
    );
}

#[test]
fn files_that_lead_to_each_other_cannot_use_up_the_machine() {
    // Each of twenty files includes the next one twice.
    let mut call = Call::compose("include: [f1.yaml]\n");
    for n in 1..20 {
        call = call.other(&format!("f{n}.yaml"), &format!("include: [f{0}.yaml, ./f{0}.yaml]\n", n + 1));
    }
    refused(&call.other("f20.yaml", ""), "yaml:1:", &["leads to more than 1000 files"]);
    let mut deep = Call::compose("include: [f1.yaml]\n");
    for n in 1..100 {
        deep = deep.other(&format!("f{n}.yaml"), &format!("include: [f{}.yaml]\n", n + 1));
    }
    refused(&deep, "yaml:1:11", &["more than 64 files include each other"]);
    let args: String = each(0..2000, |n| format!("        A{n}: x\n"));
    let base = format!("services:\n  b:\n    build:\n      args:\n{args}");
    let users: String = each(0..1100, |n| format!("  s{n}:\n    extends: {{file: b.yaml, service: b}}\n"));
    let many = Call::compose(&format!("services:\n{users}")).other("b.yaml", &base);
    refused(&many, "compose.yaml:", &["have more than 2000000 values"]);
}
