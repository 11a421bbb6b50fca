//! Docker's configuration file and credential helpers.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use plimsoll_registry::{Credential, CredentialError, CredentialSource, DockerConfig, LoginStore, Secret};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::password;

fn folder_with(config: &Value) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
    folder
}

fn config(folder: &TempDir) -> DockerConfig {
    DockerConfig::new(folder.path().join("config.json"))
}

fn read(folder: &TempDir) -> Value {
    serde_json::from_slice(&fs::read(folder.path().join("config.json")).unwrap()).unwrap()
}

#[test]
fn a_file_that_is_not_there_holds_nothing_and_is_made_by_a_log_in() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("new").join("config.json");
    let config = DockerConfig::new(&path);
    assert_eq!(config.credential("a.example").unwrap(), None);
    let credential = password("ann", "p:w");
    assert_eq!(config.login("a.example", &credential).unwrap(), LoginStore::File(path.clone()));
    assert_eq!(config.credential("a.example").unwrap(), Some(credential));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn log_in_and_out_keep_everything_else() {
    let folder = folder_with(&json!({
        "HttpHeaders": { "X": "y" },
        "zebra": [1, { "b": 2, "a": 1 }],
        "auths": { "other.example": { "auth": "eDp5", "email": "kept@example" } },
    }));
    let before = read(&folder);
    config(&folder).login("a.example", &password("ann", "secret")).unwrap();
    let after = read(&folder);
    assert_eq!(after["HttpHeaders"], before["HttpHeaders"]);
    assert_eq!(after["zebra"], before["zebra"]);
    assert_eq!(after["auths"]["other.example"], before["auths"]["other.example"]);
    assert_eq!(after["auths"]["a.example"]["auth"], "YW5uOnNlY3JldA==");
    assert!(config(&folder).logout("a.example").unwrap());
    assert_eq!(read(&folder), before);
    assert!(!config(&folder).logout("a.example").unwrap());
}

#[test]
fn docker_hub_has_its_old_address_in_the_file() {
    let folder = folder_with(&json!({}));
    let credential = password("ann", "secret");
    config(&folder).login("docker.io", &credential).unwrap();
    assert!(read(&folder)["auths"]["https://index.docker.io/v1/"].is_object());
    for name in ["docker.io", "index.docker.io", "registry-1.docker.io"] {
        assert_eq!(config(&folder).credential(name).unwrap().as_ref(), Some(&credential), "{name}");
    }
}

#[test]
fn entries_are_found_with_scheme_and_path_but_not_on_other_hosts() {
    let entry = json!({ "auth": "YW5uOnNlY3JldA" });
    let folder =
        folder_with(&json!({ "auths": { "https://a.example/v2/": entry, "b.example:5000": entry } }));
    let config = config(&folder);
    assert_eq!(config.credential("a.example").unwrap(), Some(password("ann", "secret")));
    assert_eq!(config.credential("b.example:5000").unwrap(), Some(password("ann", "secret")));
    for other in ["b.example", "a.example:443", "example", "x.a.example"] {
        assert_eq!(config.credential(other).unwrap(), None, "{other}");
    }
}

#[test]
fn reads_identity_tokens_and_plain_fields_and_skips_empty_entries() {
    let folder = folder_with(&json!({ "auths": {
        "token.example": { "auth": "PHRva2VuPjo=", "identitytoken": "refresh" },
        "plain.example": { "username": "ann", "password": "secret" },
        "empty.example": {},
    }, "credHelpers": null }));
    let config = config(&folder);
    let token = Credential::IdentityToken(Secret::new("refresh"));
    assert_eq!(config.credential("token.example").unwrap(), Some(token));
    assert_eq!(config.credential("plain.example").unwrap(), Some(password("ann", "secret")));
    assert_eq!(config.credential("empty.example").unwrap(), None);
}

#[test]
fn further_files_are_asked_in_their_order() {
    let docker = folder_with(&json!({ "auths": { "a.example": { "auth": "YTph" } } }));
    let podman = folder_with(
        &json!({ "auths": { "a.example": { "auth": "Yjpi" }, "b.example": { "auth": "Yjpi" } } }),
    );
    let config = config(&docker).and_file(podman.path().join("config.json"));
    assert_eq!(config.credential("a.example").unwrap(), Some(password("a", "a")));
    assert_eq!(config.credential("b.example").unwrap(), Some(password("b", "b")));
}

#[test]
fn broken_files_are_named_without_their_content() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("config.json");
    fs::write(&path, "{ \"auths\": { \"a.example\": \"hunter2\" ").unwrap();
    let error = DockerConfig::new(&path).credential("a.example").unwrap_err();
    assert!(matches!(error, CredentialError::Parse { .. }));
    fs::write(&path, json!({ "auths": { "a.example": { "auth": "hunter2=" } } }).to_string()).unwrap();
    let error = DockerConfig::new(&path).credential("a.example").unwrap_err();
    assert!(matches!(error, CredentialError::Entry { .. }));
    assert!(!format!("{error} {error:?}").contains("hunter2"));
    // A log-in must not throw a file away that it does not understand.
    fs::write(&path, "not json").unwrap();
    DockerConfig::new(&path).login("a.example", &password("a", "b")).unwrap_err();
    assert_eq!(fs::read_to_string(&path).unwrap(), "not json");
}

#[test]
fn a_link_to_the_file_stays_a_link() {
    let folder = folder_with(&json!({}));
    let link = folder.path().join("link.json");
    std::os::unix::fs::symlink(folder.path().join("config.json"), &link).unwrap();
    DockerConfig::new(&link).login("a.example", &password("ann", "secret")).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(read(&folder)["auths"]["a.example"].is_object());
}

#[test]
fn an_absent_helper_is_named_with_what_to_install() {
    for (helper, advice) in [
        ("ecr-login", "amazon-ecr-credential-helper"),
        ("gcloud", "Google Cloud CLI"),
        ("acr-env", "az acr login"),
        ("nowhere-to-be-found", "credsStore"),
    ] {
        let source = CredentialError::HelperMissing { program: format!("docker-credential-{helper}") };
        let error = plimsoll_registry::Error::Credentials { registry: "a.example".to_owned(), source };
        assert!(error.hint().unwrap().contains(advice));
    }
    let folder = folder_with(&json!({ "credHelpers": { "a.example": "nowhere-to-be-found" } }));
    let error = config(&folder).credential("a.example").unwrap_err();
    let CredentialError::HelperMissing { program } = &error else { panic!("{error}") };
    assert_eq!(program, "docker-credential-nowhere-to-be-found");
    assert_eq!(config(&folder).credential("b.example").unwrap(), None, "others need no helper");
    let folder = folder_with(&json!({ "credsStore": "../../bin/sh" }));
    let error = config(&folder).credential("a.example").unwrap_err();
    assert!(matches!(error, CredentialError::HelperName { .. }), "{error}");
}

/// A helper that keeps one secret in a file beside it, reached by a link on the search path for as long as the test runs.
fn install_helper(folder: &Path, name: &str) -> Option<Helper> {
    let script = format!(
        "#!/bin/sh\nf='{}/store'\ncase $1 in\nstore) cat > $f;;\nget) if [ -s $f ]; then cat $f; else echo credentials not found in native keychain; exit 1; fi;;\n\
         erase) rm -f $f;;\nesac\n",
        folder.display()
    );
    let program = folder.join("helper");
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let link = Path::new("/usr/local/bin").join(format!("docker-credential-{name}"));
    std::os::unix::fs::symlink(&program, &link).ok()?;
    Some(Helper(link))
}

struct Helper(std::path::PathBuf);

impl Drop for Helper {
    fn drop(&mut self) {
        fs::remove_file(&self.0).ok();
    }
}

#[test]
fn a_helper_keeps_what_is_given_to_it_and_the_file_does_not() {
    let name = format!("plimsoll-test-{}", std::process::id());
    let folder = folder_with(&json!({ "credsStore": name }));
    let Some(_helper) = install_helper(folder.path(), &name) else {
        eprintln!("SKIPPED: no helper can be put on the search path by this user");
        return;
    };
    let config = config(&folder);
    assert_eq!(config.credential("a.example").unwrap(), None);
    for credential in [password("ann", "secret"), Credential::IdentityToken(Secret::new("refresh"))] {
        assert_eq!(config.login("a.example", &credential).unwrap(), LoginStore::Helper(name.clone()));
        assert_eq!(config.credential("a.example").unwrap(), Some(credential));
    }
    assert_eq!(read(&folder), json!({ "credsStore": name }));
    assert!(config.logout("a.example").unwrap());
    assert_eq!(config.credential("a.example").unwrap(), None);
}
