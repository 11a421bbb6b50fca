use super::*;

const YAML: &str = r#"
cdiVersion: "0.6.0"
kind: "vendor.example/thing"
annotations:
  org.mobyproject.buildkit.device.autoallow: "true"
containerEdits:
  env:
  - ALL=1
devices:
- name: two
  annotations:
    org.mobyproject.buildkit.device.class: things
  containerEdits:
    env: [TWO=2]
    additionalGids: [0, 44]
    deviceNodes:
    - path: /dev/thing
      hostPath: /dev/null
      fileMode: 432
      uid: 7
    mounts:
    - hostPath: /etc
      containerPath: /thing/etc
      options: [ro, nosuid]
- name: one
"#;

const JSON: &str = r#"{"cdiVersion": "1.0.0", "kind": "vendor.example/hooked", "devices": [
    {"name": "a", "containerEdits": {"hooks": [{"hookName": "createContainer", "path": "/bin/x"}]}},
    {"name": "b", "containerEdits": {"netDevices": [{"hostInterfaceName": "eth0"}]}},
    {"name": "c", "containerEdits": {"mounts": [{"hostPath": "x", "containerPath": "/x", "type": "nfs"}]}},
    {"name": "d", "containerEdits": {"deviceNodes": [{"path": "/dev/there/is/none"}]}},
    {"name": "e", "containerEdits": {"env": ["=x"]}}]}"#;

fn devices() -> (tempfile::TempDir, Devices) {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    write("vendor.yaml", YAML);
    write("hooked.json", JSON);
    write("broken.json", "{");
    write("readme.txt", "not a specification");
    let devices = Devices::read(&["/does/not/exist".into(), directory.path().to_owned()]);
    (directory, devices)
}

fn names(devices: &[FoundDevice<'_>]) -> Vec<String> {
    devices.iter().map(FoundDevice::name).collect()
}

#[test]
fn devices_are_found_by_name_kind_and_class() {
    let (_directory, devices) = devices();
    let found = |name: &str| names(&devices.find(name));
    assert_eq!(found("vendor.example/thing=two"), ["vendor.example/thing=two"]);
    assert_eq!(found("vendor.example/thing=*"), ["vendor.example/thing=one", "vendor.example/thing=two"]);
    assert_eq!(found("vendor.example/thing"), ["vendor.example/thing=one"]);
    assert_eq!(found("things"), ["vendor.example/thing=two"]);
    assert!(found("other").is_empty() && found("vendor.example/thing=x").is_empty());
    let missing = devices.missing("other").to_string();
    assert!(missing.contains("`other`") && missing.contains("broken.json"), "{missing}");
}

#[test]
fn what_a_device_needs_is_given_and_what_is_for_all_once() {
    let (_directory, devices) = devices();
    let given = give(&devices.find("vendor.example/thing=*")).unwrap();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(given.env, [pair("ALL", "1"), pair("TWO", "2")]);
    assert_eq!(given.groups, [44]);
    let [node, etc] = given.mounts.as_slice() else { panic!("{:?}", given.mounts) };
    assert!(matches!(
        &node.source,
        MountSource::Device { path, mode: Some(0o660), owner: Some((7, 0)) } if path == Path::new("/dev/null")
    ));
    assert_eq!((node.target.as_str(), node.read_only), ("/dev/thing", false));
    assert_eq!((etc.target.as_str(), etc.is_directory, etc.read_only), ("/thing/etc", true, true));
}

#[test]
fn what_is_not_done_is_refused_by_name() {
    let (_directory, devices) = devices();
    let refusal = |name: &str| give(&devices.find(name)).unwrap_err().to_string();
    for (name, word) in [
        ("a", "createContainer"),
        ("b", "netDevices"),
        ("c", "`nfs`"),
        ("d", "/dev/there/is/none"),
        ("e", "`=x`"),
    ] {
        let text = refusal(&format!("vendor.example/hooked={name}"));
        assert!(text.contains(word), "{text}");
    }
}

#[test]
fn a_device_is_allowed_by_itself_or_by_name_kind_or_class() {
    let (_directory, devices) = devices();
    let two = devices.find("things")[0];
    assert!(two.is_automatic());
    for name in ["vendor.example/thing=two", "vendor.example/thing=*", "vendor.example/thing", "things"] {
        assert!(two.is_called(name), "{name}");
    }
    assert!(!two.is_called("vendor.example/thing=one") && !two.is_called("vendor.example"));
    assert!(!devices.find("vendor.example/hooked=a")[0].is_automatic());
}

#[test]
fn a_file_that_is_no_specification_says_why() {
    let directory = tempfile::tempdir().unwrap();
    for (text, word) in [
        ("{\"cdiVersion\":\"0.1.0\",\"kind\":\"a/b\",\"devices\":[]}", "0.1.0"),
        ("{\"cdiVersion\":\"0.6.0\",\"kind\":\"a\",\"devices\":[]}", "vendor/class"),
        ("{\"cdiVersion\":\"0.6.0\",\"kind\":\"a/b\",\"devices\":[],\"more\":1}", "more"),
    ] {
        std::fs::write(directory.path().join("a.json"), text).unwrap();
        let error = Devices::read(&[directory.path().to_owned()]).missing("x").to_string();
        assert!(error.contains(word), "{error}");
    }
}
