//! A small archive made by code: packages, an index, a signed release file, a key.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;

use pgp::composed::{
    ArmorOptions, CleartextSignedMessage, KeyType, SecretKeyParamsBuilder, SignedPublicKey, SignedSecretKey,
};
use pgp::packet::{SignatureConfig, SignatureType, Subpacket, SubpacketData};
use pgp::ser::Serialize;
use pgp::types::{Duration, KeyDetails, Password, Tag, Timestamp};
use plimsoll_oci::Digest;

/// A package to be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Package {
    name: String,
    version: String,
    fields: String,
    entries: Vec<(String, u32, What)>,
    control: Vec<(String, u32, String)>,
}

#[derive(Clone, Debug)]
enum What {
    File(Vec<u8>),
    Directory,
    Symlink(String),
    Hardlink(String),
}

impl Package {
    pub(crate) fn new(name: &str, version: &str) -> Self {
        Self { name: name.to_owned(), version: version.to_owned(), ..Self::default() }
    }

    pub(crate) fn field(mut self, name: &str, value: &str) -> Self {
        writeln!(self.fields, "{name}: {value}").unwrap();
        self
    }

    pub(crate) fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.entry(path, 0o644, What::File(content.as_ref().to_vec()))
    }

    pub(crate) fn program(self, path: &str) -> Self {
        self.entry(path, 0o755, What::File(b"\x7fELF".to_vec()))
    }

    pub(crate) fn directory(self, path: &str) -> Self {
        self.entry(path, 0o755, What::Directory)
    }

    pub(crate) fn symlink(self, path: &str, target: &str) -> Self {
        self.entry(path, 0o777, What::Symlink(target.to_owned()))
    }

    pub(crate) fn hardlink(self, path: &str, target: &str) -> Self {
        self.entry(path, 0o644, What::Hardlink(target.to_owned()))
    }

    pub(crate) fn control(mut self, name: &str, content: &str) -> Self {
        let mode = if matches!(name, "preinst" | "postinst" | "prerm" | "postrm") { 0o755 } else { 0o644 };
        self.control.push((name.to_owned(), mode, content.to_owned()));
        self
    }

    fn entry(mut self, path: &str, mode: u32, what: What) -> Self {
        self.entries.push((path.to_owned(), mode, what));
        self
    }

    fn stanza(&self) -> String {
        format!(
            "Package: {}\nVersion: {}\nArchitecture: amd64\nMaintainer: Nobody <nobody@m.example>\n{}Description: made for tests\n",
            self.name, self.version, self.fields
        )
    }

    pub(crate) fn filename(&self) -> String {
        format!("pool/main/{}_{}_amd64.deb", self.name, self.version.replace(':', "_"))
    }

    /// The package file.
    pub(crate) fn deb(&self) -> Vec<u8> {
        let mut control =
            tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
        let stanza = ("control".to_owned(), 0o644, self.stanza());
        for (name, mode, content) in [&stanza].into_iter().chain(&self.control) {
            append(&mut control, &format!("./{name}"), *mode, &What::File(content.clone().into_bytes()));
        }
        let control = control.into_inner().unwrap().finish().unwrap();
        let mut data = tar::Builder::new(liblzma::write::XzEncoder::new(Vec::new(), 1));
        for (path, mode, what) in &self.entries {
            append(&mut data, &format!("./{path}"), *mode, what);
        }
        let data = data.into_inner().unwrap().finish().unwrap();
        let mut deb = b"!<arch>\n".to_vec();
        for (name, content) in
            [("debian-binary", &b"2.0\n"[..]), ("control.tar.gz", &control[..]), ("data.tar.xz", &data[..])]
        {
            writeln!(deb, "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`", 0, 0, 0, "100644", content.len())
                .unwrap();
            deb.extend_from_slice(content);
            if content.len() % 2 == 1 {
                deb.push(b'\n');
            }
        }
        deb
    }
}

fn append<W: std::io::Write>(tar: &mut tar::Builder<W>, path: &str, mode: u32, what: &What) {
    let mut header = tar::Header::new_gnu();
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(1_600_000_000);
    let (kind, content) = match what {
        What::File(content) => (tar::EntryType::Regular, &content[..]),
        What::Directory => (tar::EntryType::Directory, &[][..]),
        What::Symlink(target) => {
            header.set_link_name_literal(target).unwrap();
            (tar::EntryType::Symlink, &[][..])
        }
        What::Hardlink(target) => {
            header.set_link_name_literal(format!("./{target}")).unwrap();
            (tar::EntryType::Link, &[][..])
        }
    };
    header.set_entry_type(kind);
    header.set_size(content.len() as u64);
    tar.append_data(&mut header, path, content).unwrap();
}

/// A key that signs.
pub(crate) struct Key(SignedSecretKey);

impl Key {
    pub(crate) fn generate() -> Self {
        Self::created(Timestamp::now())
    }

    fn created(at: Timestamp) -> Self {
        let mut parameters = SecretKeyParamsBuilder::default();
        parameters.key_type(KeyType::Ed25519Legacy).can_certify(true).can_sign(true).created_at(at);
        parameters.primary_user_id("Archive <archive@m.example>".into());
        Self(parameters.build().unwrap().generate(rand::thread_rng()).unwrap())
    }

    /// A key whose life ended long ago.
    pub(crate) fn expired() -> Self {
        let start = Timestamp::from_secs(1_500_000_000);
        let mut key = Self::created(start).0;
        let user = key.details.users[0].clone();
        let mut config =
            SignatureConfig::from_key(rand::thread_rng(), &key.primary_key, SignatureType::CertPositive)
                .unwrap();
        config.hashed_subpackets = vec![
            Subpacket::regular(SubpacketData::SignatureCreationTime(start)).unwrap(),
            Subpacket::regular(SubpacketData::IssuerFingerprint(key.fingerprint())).unwrap(),
            Subpacket::regular(SubpacketData::KeyExpirationTime(Duration::from_secs(86_400))).unwrap(),
        ];
        let own = config
            .sign_certification(
                &key.primary_key,
                key.primary_key.public_key(),
                &Password::empty(),
                Tag::UserId,
                &user.id,
            )
            .unwrap();
        key.details.users[0].signatures = vec![own];
        Self(key)
    }

    pub(crate) fn fingerprint(&self) -> String {
        format!("{:X}", self.0.fingerprint())
    }

    /// The public key, binary.
    pub(crate) fn public(&self) -> Vec<u8> {
        SignedPublicKey::from(self.0.clone()).to_bytes().unwrap()
    }

    /// The public key, armoured.
    pub(crate) fn armoured(&self) -> String {
        SignedPublicKey::from(self.0.clone()).to_armored_string(ArmorOptions::default()).unwrap()
    }

    /// A clear-signed text.
    pub(crate) fn sign(&self, text: &str) -> String {
        let message =
            CleartextSignedMessage::sign(rand::thread_rng(), text, &self.0.primary_key, &Password::empty())
                .unwrap();
        message.to_armored_string(ArmorOptions::default()).unwrap()
    }
}

/// The release file's fields that tests change.
#[derive(Clone, Debug)]
pub(crate) struct ReleaseFields {
    pub(crate) date: String,
    pub(crate) more: String,
}

impl Default for ReleaseFields {
    fn default() -> Self {
        Self { date: "Sat, 11 Jul 2026 10:16:37 UTC".to_owned(), more: String::new() }
    }
}

/// All files of an archive with one suite, `test`, by their paths.
pub(crate) fn files(packages: &[Package], key: &Key, fields: &ReleaseFields) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut index = String::new();
    for package in packages {
        let deb = package.deb();
        let (filename, digest) = (package.filename(), Digest::of(&deb).hex());
        write!(index, "{}Filename: {filename}\nSize: {}\nSHA256: {digest}\n\n", package.stanza(), deb.len())
            .unwrap();
        files.insert(filename, deb);
    }
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
    encoder.write_all(index.as_bytes()).unwrap();
    let compressed = encoder.finish().unwrap();
    let mut release = format!(
        "Origin: Test\nSuite: test\nCodename: test\nDate: {}\n{}Architectures: all amd64\nComponents: main\n\
         Acquire-By-Hash: yes\nSHA256:\n",
        fields.date, fields.more
    );
    for (name, bytes) in [("Packages", index.as_bytes()), ("Packages.xz", &compressed[..])] {
        let digest = Digest::of(bytes).hex();
        writeln!(release, " {digest} {} main/binary-amd64/{name}", bytes.len()).unwrap();
        files.insert(format!("dists/test/main/binary-amd64/by-hash/SHA256/{digest}"), bytes.to_vec());
        files.insert(format!("dists/test/main/binary-amd64/{name}"), bytes.to_vec());
    }
    files.insert("dists/test/InRelease".to_owned(), key.sign(&release).into_bytes());
    files
}

/// The packages that every distroless base has.
pub(crate) fn distroless_base() -> Vec<Package> {
    vec![
        Package::new("base-files", "13")
            .field("Essential", "yes")
            .field("Pre-Depends", "awk")
            .directory("etc")
            .directory("usr")
            .directory("usr/lib")
            .file("usr/lib/os-release", "ID=debian\n")
            .symlink("etc/os-release", "../usr/lib/os-release")
            .file("usr/share/base-files/profile", "x")
            .directory("var")
            .directory("tmp"),
        Package::new("ca-certificates", "1")
            .field("Depends", "openssl (>= 1), debconf")
            .file("usr/share/ca-certificates/mozilla/b.crt", "B")
            .file("usr/share/ca-certificates/mozilla/a.crt", "A\n")
            .file("usr/sbin/update-ca-certificates", "#!/bin/sh\n")
            .file("usr/share/doc/ca-certificates/copyright", "c"),
        Package::new("netbase", "6").file("etc/services", "http 80/tcp\n"),
        Package::new("tzdata", "2026a")
            .field("Depends", "debconf")
            .file("usr/share/zoneinfo/Etc/UTC", "TZif"),
    ]
}
