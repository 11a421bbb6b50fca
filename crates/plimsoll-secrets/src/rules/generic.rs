//! Names that say that their value is a secret, whatever it is for, and what carries one.

use crate::engine::context::{Context, FileClass};
use crate::engine::urls;
use crate::finding::Severity::{High, Low, Medium};
use crate::placeholder;
use crate::rule::{Rule, around, code, named, token, words};

pub(super) static RULES: &[Rule] = &[
    code("database-url-credentials", "password in a database's address", High, words!["://"], urls::database).checked(is_address_password),
    code("url-credentials", "password in an address", High, words!["://"], urls::other).generic().checked(is_address_password),
    token("authorization-header", "credentials in an authorization header", High, words!["authorization"], r#"(?i)authorization["'\]]{0,2}\s{0,4}(?:=>|[:=,])\s{0,4}["'`]?(?:bearer|token|basic)\s{1,3}([A-Za-z0-9_.~+/=-]{16,1500})"#).entropy(3.5).checked(has_letter_and_digit).generic(),
    token("curl-credentials", "password on curl's command line", High, words!["curl "], r#"curl\s[^\n|;&]{0,300}?(?:\s-u\s?|--user[ =])["']?[A-Za-z0-9_.@+-]{1,64}:([^\s"'$]{4,128})"#).checked(is_no_placeholder).generic(),
    token("sshpass-password", "password on sshpass's command line", High, words!["sshpass"], r#"sshpass\s+-p\s?["']?([^\s"'$]{3,128})"#).checked(is_no_placeholder).generic(),
    token("login-password", "password on a registry login's command line", High, words!["docker login", "podman login", "buildah login", "skopeo login", "helm registry login", "az login", "oc login"], r#"\w+ (?:registry )?login\s[^\n|;&]{0,300}?(?:\s-p[ =]?|--password[ =]|--token[ =])["']?([^\s"'$]{6,1024})"#).checked(is_no_placeholder).generic(),
    token("mysql-password", "password on a MySQL client's command line", High, words!["mysql ", "mysqldump ", "mysqladmin ", "mariadb "], r#"(?:mysql(?:dump|admin)?|mariadb)\s[^\n|;&]{0,300}?\s(?:-p|--password=)["']?([^\s"'$]{4,128})"#).checked(is_no_placeholder).generic(),
    around("chpasswd-password", "password of a user, given to chpasswd", Medium, words!["chpasswd"], 120, r#"["'\s][a-z_][a-z0-9_-]{0,31}:([^\s"'$:|]{3,100})["']?\s{0,3}\|\s{0,3}(?:sudo\s+)?chpasswd"#).checked(is_no_placeholder).generic(),
    named("generic-password", "password", Medium, words!["password", "passwd", "passphrase", "passwort", "pwd", "_pass", "dbpass", "-pass", "userpass", "pass="], &[], r"[^\s]{6,128}").checked(is_password).generic(),
    named("generic-secret", "secret", Medium, words!["secret", "credential"], &[], r"[A-Za-z0-9_.~+/=!@#$%^&*-]{10,256}").entropy(3.3).checked(is_secret).generic(),
    named("generic-api-key", "API key", Medium, words!["apikey", "api_key", "api-key", "api.key", "accesskey", "access_key", "access-key", "authkey", "auth_key", "auth-key", "private_key", "privatekey", "masterkey", "master_key", "master-key", "app_key", "service_key"], &[], r"[A-Za-z0-9_.~+/=!@#$%^&*-]{16,256}").entropy(3.3).checked(is_api_key).generic(),
    named("generic-token", "token", Medium, words!["token"], &[], r"[A-Za-z0-9_.~+/=-]{16,512}").entropy(3.5).checked(is_token).generic(),
    token("password-hash", "hash of a password", Low, words!["$2a$", "$2b$", "$2y$", "$6$", "$5$", "$argon2id$", "$y$"], r"(?:\$2[aby]\$\d{2}\$[A-Za-z0-9./]{53}|\$[56]\$(?:rounds=\d{1,7}\$)?[A-Za-z0-9./]{8,16}\$[A-Za-z0-9./]{43,86}|\$argon2id\$v=\d{1,3}\$[a-z0-9=,]{5,40}\$[A-Za-z0-9+/]{11,64}\$[A-Za-z0-9+/]{27,128}|\$y\$[A-Za-z0-9./]{1,8}\$[A-Za-z0-9./]{8,32}\$[A-Za-z0-9./]{43})").checked(is_kept),
];

fn is_no_placeholder(context: &Context<'_>) -> bool {
    !placeholder::is_placeholder(context.value()) && !is_name(context.value())
}

fn has_letter_and_digit(context: &Context<'_>) -> bool {
    let value = context.value();
    !placeholder::is_placeholder(value)
        && value.iter().any(u8::is_ascii_digit)
        && value.iter().any(u8::is_ascii_alphabetic)
}

/// Whether a name ends with one of these words, in small letters and without what separates words; numbers may follow.
fn ends_with(name: &[u8], words: &[&str]) -> bool {
    let name: Vec<u8> =
        name.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase).collect();
    let digits = name.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let name = &name[..name.len() - digits];
    words.iter().any(|word| name.ends_with(word.as_bytes()))
}

/// What is no literal: in code an unquoted word is a name, and so is a path of names anywhere.
pub(super) fn is_literal(context: &Context<'_>) -> bool {
    let value = context.value();
    if context.class == FileClass::Source && (!context.quoted || context.is_comment()) {
        return false;
    }
    let is_number = value.iter().all(u8::is_ascii_digit);
    !is_number
        && !placeholder::is_placeholder(value)
        && !is_name(value)
        && !is_place(value)
        && !is_markup(value)
}

/// `config.password`, `process.env.TOKEN`, `MY_PASSWORD`, `aws-secret-name`: words, with something between them, and no digit.
fn is_name(value: &[u8]) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'.' | b'-' | b'/' | b':');
    value.iter().all(is_word)
        && (value.iter().any(|byte| !byte.is_ascii_alphabetic())
            || value.iter().all(u8::is_ascii_lowercase)
            || value.iter().all(u8::is_ascii_uppercase)
            || is_camel(value))
}

/// `passwordField`, `ClientSecret`: words that begin with a capital letter, few of them.
fn is_camel(value: &[u8]) -> bool {
    let capitals = value.iter().filter(|byte| byte.is_ascii_uppercase()).count();
    capitals * 4 <= value.len() + 3
}

/// Paths and addresses: where a secret is, and not what.
fn is_place(value: &[u8]) -> bool {
    value.starts_with(b"/")
        || value.starts_with(b"./")
        || value.starts_with(b"../")
        || value.starts_with(b"~/")
        || value.starts_with(b"file:")
        || value.starts_with(b"arn:")
        || value.starts_with(b"projects/")
        || value.starts_with(b"vault:")
        || value.starts_with(b"env:")
        || value.starts_with(b"op://")
        || memchr::memmem::find(value, b"://").is_some()
}

/// Pieces of code, patterns and markup.
fn is_markup(value: &[u8]) -> bool {
    [
        &b"()"[..],
        b"=>",
        b"==",
        b"</",
        b"/>",
        b"&&",
        b"||",
        b"\\",
        b"+=",
        b"::",
        b"[^",
        b".*",
        b"(?",
        b"->",
        b"%d",
        b"&lt;",
        b"{",
        b"}",
    ]
    .iter()
    .any(|part| memchr::memmem::find(value, part).is_some())
}

/// Digests are published beside what they are of: `sha256-…`, `sha512:…`, and hashes of passwords.
fn is_digest(value: &[u8]) -> bool {
    [
        &b"sha1-"[..],
        b"sha256",
        b"sha384",
        b"sha512",
        b"md5",
        b"$2",
        b"$5$",
        b"$6$",
        b"$y$",
        b"$argon2",
        b"{SHA",
        b"{SSHA",
        b"pbkdf2",
        b"SCRAM-",
        b"scram-",
        b"ENC[",
        b"ENC(",
    ]
    .iter()
    .any(|start| value.starts_with(start))
}

fn is_password(context: &Context<'_>) -> bool {
    let value = context.value();
    let has_digit = value.iter().any(u8::is_ascii_digit);
    let has_letter = value.iter().any(u8::is_ascii_alphabetic);
    let has_sign = value.iter().any(u8::is_ascii_punctuation);
    ends_with(context.name, &["password", "passwd", "passphrase", "passwort", "pwd", "pass"])
        && !ends_with(context.name, &["bypass", "oldpwd", "compass", "nopasswd"])
        && context.name != b"PWD"
        && is_literal(context)
        && !is_digest(value)
        && has_letter
        && (has_digit || has_sign && context.class != FileClass::Source)
        && !(context.class == FileClass::Source && (names_itself(value) || is_identifier(value)))
        && placeholder::entropy(value) >= 2.5
}

/// `AuthenticationMD5Password`: what a program calls something.
fn names_itself(value: &[u8]) -> bool {
    memchr::memmem::find(&value.to_ascii_lowercase(), b"passw").is_some()
}

/// Programs and their documents are full of made-up addresses; there the password has to look like one.
fn is_address_password(context: &Context<'_>) -> bool {
    let value = context.value();
    let looks_real = value.len() >= 6 && value.iter().any(u8::is_ascii_digit) && !value.contains(&b'%');
    context.class != FileClass::Source || looks_real && !context.is_comment()
}

/// Where hashes are kept, and not where programs show them.
fn is_kept(context: &Context<'_>) -> bool {
    context.class != FileClass::Source
}

/// Letters and digits, as chance mixes them.
pub(super) fn is_mixed(context: &Context<'_>) -> bool {
    let value = context.value();
    is_literal(context)
        && !is_digest(value)
        && !placeholder::is_uuid(value)
        && value.iter().filter(|byte| byte.is_ascii_digit()).count() >= 2
        && value.iter().any(u8::is_ascii_alphabetic)
        && !is_words(value)
        && !is_identifier(value)
}

/// `generateEncryptionKeyBase64`: a name in a program.
fn is_identifier(value: &[u8]) -> bool {
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    value.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$'))
        && value[0].is_ascii_alphabetic()
        && value.iter().any(|byte| byte.is_ascii_uppercase() || *byte == b'_')
        && digits <= 3
        && is_camel(value)
}

/// Words and numbers with signs between them: `my-secret-2024`, `kubernetes.io/service-account-token-1`.
fn is_words(value: &[u8]) -> bool {
    let mut parts =
        value.split(|byte| matches!(byte, b'_' | b'-' | b'.' | b'/' | b':')).filter(|part| !part.is_empty());
    let count = parts.clone().count();
    count >= 2
        && parts.all(|part| {
            let digits = part.iter().filter(|byte| byte.is_ascii_digit()).count();
            let is_tail = part[part.len() - digits..].iter().all(u8::is_ascii_digit);
            (part.iter().all(u8::is_ascii_alphanumeric) && is_tail && part.len() <= 14) && (digits <= 4)
        })
}

fn is_secret(context: &Context<'_>) -> bool {
    ends_with(
        context.name,
        &["secret", "secretkey", "credential", "credentials", "secretvalue", "secrettoken"],
    ) && is_mixed(context)
}

fn is_api_key(context: &Context<'_>) -> bool {
    ends_with(context.name, &["key"])
        && !ends_with(context.name, &["publickey", "idempotencykey", "cachekey"])
        && is_mixed(context)
}

fn is_token(context: &Context<'_>) -> bool {
    ends_with(context.name, &["token"]) && !ends_with(context.name, &["publickeytoken"]) && is_mixed(context)
}
