//! Which files have which form, and which of their values are secrets.

use super::lines::{addresses, htpasswd, netrc, pgpass, whole};
use super::pairs::{equals, properties};
use super::value::{Holds, Value};
use super::{json, xml, yaml};

/// Files of one form.
pub(super) struct Form {
    /// Names, or with a `/` the end of the path; a `*` at one end stands for any characters.
    pub(super) files: &'static [&'static str],
    pub(super) read: fn(&[u8]) -> Vec<Value>,
    pub(super) fields: &'static [Field],
}

/// A value that is a secret.
pub(super) struct Field {
    pub(super) rule: &'static str,
    /// An outer name; empty for any.
    pub(super) within: &'static str,
    /// Its name in small letters; a `*` in front stands for any beginning.
    pub(super) key: &'static str,
    pub(super) holds: Holds,
}

const fn field(rule: &'static str, within: &'static str, key: &'static str, holds: Holds) -> Field {
    Field { rule, within, key, holds }
}

fn documents(text: &[u8]) -> Vec<Value> {
    yaml::read(text).into_iter().flatten().collect()
}

use Holds::{Base64, Likely, Login, Plain, Sealed};

pub(super) static FORMS: &[Form] = &[
    Form {
        files: &[".npmrc", "npmrc", ".pnpmrc"],
        read: equals,
        fields: &[
            field("npmrc-auth-token", "", "*_authtoken", Plain),
            field("npmrc-auth", "", "*_auth", Login),
            field("npmrc-password", "", "*_password", Base64),
        ],
    },
    Form {
        files: &[".yarnrc.yml"],
        read: documents,
        fields: &[
            field("npmrc-auth-token", "", "npmauthtoken", Plain),
            field("npmrc-auth", "", "npmauthident", Plain),
        ],
    },
    Form {
        files: &[".netrc", "_netrc", ".authinfo", ".msmtprc", "msmtprc", ".fetchmailrc"],
        read: netrc,
        fields: &[field("netrc-password", "", "password", Plain)],
    },
    Form {
        files: &[
            ".docker/config.json",
            "docker/config.json",
            "containers/auth.json",
            "*.dockerconfigjson",
            "kaniko/.docker/config.json",
        ],
        read: json::read,
        fields: &[
            field("docker-auth", "auths", "auth", Login),
            field("docker-auth", "auths", "password", Plain),
            field("docker-identity-token", "auths", "identitytoken", Plain),
            field("docker-identity-token", "auths", "registrytoken", Plain),
        ],
    },
    Form {
        files: &[".dockercfg", "dockercfg"],
        read: json::read,
        fields: &[field("docker-auth", "", "auth", Login), field("docker-auth", "", "password", Plain)],
    },
    Form {
        files: &[
            ".kube/config",
            "kubeconfig",
            "*.kubeconfig",
            "kubeconfig.yaml",
            "kubeconfig.yml",
            "kubernetes/admin.conf",
            "kubernetes/super-admin.conf",
            "kubernetes/kubelet.conf",
            "kubernetes/controller-manager.conf",
            "kubernetes/scheduler.conf",
            "k3s/k3s.yaml",
        ],
        read: documents,
        fields: super::kubernetes::KUBECONFIG,
    },
    Form {
        files: &[".aws/credentials", ".aws/config", ".boto", "aws/credentials", ".passwd-s3fs"],
        read: equals,
        fields: &[
            field("aws-credentials-file", "", "aws_secret_access_key", Plain),
            field("aws-credentials-file", "", "aws_session_token", Plain),
            field("aws-credentials-file", "", "gs_secret_access_key", Plain),
            field("aws-credentials-file", "", "gs_oauth2_refresh_token", Plain),
        ],
    },
    Form {
        files: &[
            ".azure/accesstokens.json",
            ".azure/msal_token_cache.json",
            ".azure/service_principal_entries.json",
            "azureauth.json",
            "*.azureauth",
        ],
        read: json::read,
        fields: &[
            field("azure-cli-token", "", "accesstoken", Plain),
            field("azure-cli-token", "", "refreshtoken", Plain),
            field("azure-cli-token", "", "secret", Plain),
            field("azure-service-principal-secret", "", "client_secret", Plain),
            field("azure-service-principal-secret", "", "clientsecret", Plain),
            field("azure-service-principal-secret", "", "serviceprincipalkey", Plain),
        ],
    },
    Form {
        files: &["settings.xml"],
        read: xml::read,
        fields: &[
            field("maven-password", "server", "password", Plain),
            field("maven-password", "server", "passphrase", Plain),
            field("maven-password", "proxy", "password", Plain),
        ],
    },
    Form {
        files: &["settings-security.xml"],
        read: xml::read,
        // The master password is encrypted with a constant that is in Maven's source.
        fields: &[field("maven-master-password", "settingssecurity", "master", Sealed)],
    },
    Form {
        files: &["gradle.properties"],
        read: properties,
        fields: &[
            field("gradle-credential", "", "*password", Likely),
            field("gradle-credential", "", "*token", Likely),
            field("gradle-credential", "", "*secret", Likely),
            field("gradle-credential", "", "*apikey", Likely),
            field("gradle-credential", "", "*passphrase", Likely),
        ],
    },
    Form {
        files: &[".pypirc", "pypoetry/auth.toml", "pip.conf", "pip.ini"],
        read: equals,
        fields: &[
            field("pypirc-password", "", "password", Plain),
            field("pypirc-password", "pypi-token", "*", Plain),
        ],
    },
    Form {
        files: &["auth.json"],
        read: json::read,
        fields: &[
            field("composer-auth", "http-basic", "password", Plain),
            field("composer-auth", "bearer", "*", Plain),
            field("composer-auth", "github-oauth", "*", Plain),
            field("composer-auth", "gitlab-token", "*", Plain),
            field("composer-auth", "gitlab-oauth", "*", Plain),
            field("composer-auth", "bitbucket-oauth", "consumer-secret", Plain),
            field("docker-auth", "auths", "auth", Login),
        ],
    },
    Form {
        files: &[".gem/credentials", "gem/credentials"],
        read: properties,
        fields: &[
            field("rubygems-credentials", "", "*api_key", Plain),
            field("rubygems-credentials", "", "https", Plain),
        ],
    },
    Form {
        files: &[
            ".cargo/credentials.toml",
            ".cargo/credentials",
            "cargo/credentials.toml",
            "cargo/credentials",
        ],
        read: equals,
        fields: &[field("cargo-token", "", "*token", Plain), field("cargo-token", "", "*secret-key", Plain)],
    },
    Form {
        files: &["nuget.config"],
        read: xml::read,
        fields: &[field("nuget-password", "", "cleartextpassword", Plain)],
    },
    Form {
        files: &[".git-credentials", "git/credentials"],
        read: addresses,
        fields: &[field("git-credentials", "", "password", Plain)],
    },
    Form {
        files: &[".htpasswd", "htpasswd", "*.htpasswd"],
        read: htpasswd,
        fields: &[field("htpasswd-hash", "", "hash", Plain)],
    },
    Form {
        files: &[".pgpass", "pgpass.conf"],
        read: pgpass,
        fields: &[field("pgpass-password", "", "password", Plain)],
    },
    Form {
        files: &[".my.cnf", "my.cnf", "mysql/debian.cnf", ".mysql/my.cnf"],
        read: equals,
        fields: &[field("my-cnf-password", "", "password", Plain)],
    },
    Form {
        files: &["rclone.conf"],
        read: equals,
        // Passwords are obscured with a constant that is in rclone's source.
        fields: &[
            field("rclone-credential", "", "*pass", Plain),
            field("rclone-credential", "", "*password*", Plain),
            field("rclone-credential", "", "*token", Plain),
            field("rclone-credential", "", "*secret", Plain),
            field("rclone-credential", "", "*_key", Plain),
            field("rclone-credential", "", "key", Plain),
        ],
    },
    Form {
        files: &[".s3cfg"],
        read: equals,
        fields: &[
            field("s3cfg-secret", "", "secret_key", Plain),
            field("s3cfg-secret", "", "access_token", Plain),
            field("s3cfg-secret", "", "gpg_passphrase", Plain),
        ],
    },
    Form {
        files: &["*.tfvars"],
        read: equals,
        fields: &[
            field("tfvars-secret", "", "*password", Likely),
            field("tfvars-secret", "", "*passwd", Likely),
            field("tfvars-secret", "", "*secret", Likely),
            field("tfvars-secret", "", "*secret_key", Likely),
            field("tfvars-secret", "", "*token", Likely),
            field("tfvars-secret", "", "*api_key", Likely),
            field("tfvars-secret", "", "*access_key", Likely),
        ],
    },
    Form {
        files: &[".terraformrc", "terraform.rc"],
        read: equals,
        fields: &[field("terraform-credentials", "", "token", Plain)],
    },
    Form {
        files: &["credentials.tfrc.json"],
        read: json::read,
        fields: &[field("terraform-credentials", "", "token", Plain)],
    },
    Form {
        files: &["*.tfstate", "*.tfstate.backup"],
        read: json::read,
        fields: &[
            field("terraform-state-secret", "", "*password", Likely),
            field("terraform-state-secret", "", "*secret", Likely),
            field("terraform-state-secret", "", "*token", Likely),
            field("terraform-state-secret", "", "*private_key_pem", Plain),
            field("terraform-state-secret", "attributes", "*access_key", Likely),
        ],
    },
    Form {
        files: &["credentials.xml"],
        read: xml::read,
        fields: &[
            field("jenkins-credential", "", "password", Sealed),
            field("jenkins-credential", "", "passphrase", Sealed),
            field("jenkins-credential", "", "secret", Sealed),
            field("jenkins-credential", "", "privatekey", Sealed),
            field("jenkins-credential", "", "apitoken", Sealed),
            field("jenkins-credential", "", "secretkey", Sealed),
            field("jenkins-credential", "", "secretbytes", Sealed),
        ],
    },
    Form {
        files: &["secrets/master.key"],
        read: whole,
        fields: &[field("jenkins-master-key", "", "", Plain)],
    },
    Form { files: &[".vault-token"], read: whole, fields: &[field("vault-token-file", "", "", Plain)] },
    Form {
        files: &["config/master.key", "config/credentials/*.key"],
        read: whole,
        fields: &[field("rails-key-file", "", "", Plain)],
    },
    Form {
        files: &["tomcat-users.xml"],
        read: xml::read,
        fields: &[field("tomcat-password", "tomcat-users", "password", Plain)],
    },
    Form {
        files: &["sitemanager.xml", "recentservers.xml", "filezilla.xml"],
        read: xml::read,
        fields: &[field("filezilla-password", "server", "pass", Base64)],
    },
    Form {
        files: &[
            "gh/hosts.yml",
            "config/hub",
            "glab-cli/config.yml",
            "doctl/config.yaml",
            ".circleci/cli.yml",
            ".fly/config.yml",
            "helm/repositories.yaml",
            "tea/config.yml",
            ".linode-cli",
        ],
        read: documents,
        fields: &[
            field("cli-token", "", "oauth_token", Plain),
            field("cli-token", "", "token", Plain),
            field("cli-token", "", "access-token", Plain),
            field("cli-token", "", "access_token", Plain),
            field("cli-token", "", "password", Plain),
        ],
    },
    Form {
        files: &[
            ".databrickscfg",
            "hcloud/cli.toml",
            ".config/linode-cli",
            ".sentryclirc",
            ".snowsql/config",
            "snowflake/connections.toml",
            ".oci/config",
            ".tower_cli.cfg",
        ],
        read: equals,
        fields: &[
            field("cli-token", "", "*token", Plain),
            field("cli-token", "", "*password", Plain),
            field("cli-token", "", "pass_phrase", Plain),
        ],
    },
    Form {
        files: &[
            ".pulumi/credentials.json",
            ".vercel/auth.json",
            "com.vercel.cli/auth.json",
            "netlify/config.json",
            ".railway/config.json",
            ".config/configstore/firebase-tools.json",
        ],
        read: json::read,
        fields: &[
            field("cli-token", "accesstokens", "*", Plain),
            field("cli-token", "", "token", Plain),
            field("cli-token", "", "refresh_token", Plain),
            field("cli-token", "", "access_token", Plain),
        ],
    },
    Form {
        files: &[".env", ".env.*", "*.env", ".envrc", ".flaskenv", "*/environment"],
        read: equals,
        fields: &[
            field("env-file-secret", "", "*password", Likely),
            field("env-file-secret", "", "*passwd", Likely),
            field("env-file-secret", "", "*_pass", Likely),
            field("env-file-secret", "", "*_pwd", Likely),
            field("env-file-secret", "", "*passphrase", Likely),
            field("env-file-secret", "", "*secret", Likely),
            field("env-file-secret", "", "*token", Likely),
            field("env-file-secret", "", "*secret_key", Likely),
            field("env-file-secret", "", "*secret_key_base", Likely),
            field("env-file-secret", "", "*secret_access_key", Likely),
            field("env-file-secret", "", "*api_key", Likely),
            field("env-file-secret", "", "*apikey", Likely),
            field("env-file-secret", "", "*access_key", Likely),
            field("env-file-secret", "", "*private_key", Likely),
            field("env-file-secret", "", "*encryption_key", Likely),
            field("env-file-secret", "", "*app_key", Likely),
            field("env-file-secret", "", "*credentials", Likely),
        ],
    },
];

impl Form {
    /// The forms of a path: one, or two where a name is used for several things.
    pub(super) fn of(path: &str) -> impl Iterator<Item = &'static Form> {
        let path = path.to_ascii_lowercase();
        let is_sample = ["example", "sample", "template", "dist", "tpl", "defaults"]
            .iter()
            .any(|end| path.rsplit(['.', '-']).next() == Some(*end));
        FORMS.iter().filter(move |form| !is_sample && form.files.iter().any(|file| is_named(&path, file)))
    }
}

/// Whether a path in small letters is the one that a form's table names.
fn is_named(path: &str, file: &str) -> bool {
    if let Some(folder) = file.strip_suffix("/*.key") {
        let name = path.strip_suffix(".key").and_then(|path| path.rsplit_once('/'));
        return name.is_some_and(|(parent, _)| parent == folder || parent.ends_with(&format!("/{folder}")));
    }
    if file.contains('/') {
        let file = file.trim_start_matches("*/");
        return path.strip_suffix(file).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'));
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    match (file.strip_prefix('*'), file.strip_suffix('*')) {
        (Some(end), _) => name.len() > end.len() && name.ends_with(end),
        (None, Some(start)) => name.starts_with(start),
        (None, None) => name == file,
    }
}

impl Field {
    pub(super) fn takes(&self, value: &Value) -> bool {
        let is_key = match self.key.strip_prefix('*') {
            Some(part) if part.ends_with('*') => value.key().contains(part.trim_end_matches('*')),
            Some(end) => value.key().ends_with(end),
            None => value.key() == self.key,
        };
        is_key
            && (self.within.is_empty() || value.is_within(self.within))
            && self.holds.is_held_by(&value.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_their_names() {
        for (path, file) in [
            ("root/.npmrc", ".npmrc"),
            ("app/.env.production", ".env.*"),
            ("a/prod.env", "*.env"),
            ("root/.docker/config.json", ".docker/config.json"),
            ("config/credentials/production.key", "config/credentials/*.key"),
        ] {
            assert!(is_named(path, file), "{path}");
        }
        for (path, file) in [
            ("a/x.npmrc", ".npmrc"),
            (".env", "*.env"),
            ("a/config.json", ".docker/config.json"),
            ("xdocker/config.json", "docker/config.json"),
        ] {
            assert!(!is_named(path, file), "{path}");
        }
        assert_eq!(Form::of("app/.env.example").count(), 0);
    }
}
