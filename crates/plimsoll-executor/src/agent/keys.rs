//! An agent within this process, for keys that are given as files.
//!
//! It answers the two questions of the agents' protocol (draft-ietf-sshm-ssh-agent, sections 3.5 and 3.6) that a client needs
//! to log in: which keys there are, and a signature by one of them. It takes no keys and shows none.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::pkcs1v15::SigningKey;
use rsa::pkcs8::DecodePrivateKey as _;
use rsa::sha2::{Sha256, Sha512};
use rsa::signature::{SignatureEncoding as _, Signer as _};
use rsa::{BigUint, RsaPrivateKey};
use ssh_key::private::{KeypairData, RsaKeypair};
use ssh_key::{Algorithm, HashAlg, Mpint, PrivateKey, Signature};

/// Numbers of messages.
const FAILURE: u8 = 5;
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;

/// Flags of a request for a signature: which digest an RSA key is used with.
const RSA_SHA2_256: u32 = 2;
const RSA_SHA2_512: u32 = 4;

/// No question is longer; what is signed is a few hundred bytes.
const LONGEST_QUESTION: usize = 256 << 10;

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SshKeyError {
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A passphrase is needed.
    #[error("the key in `{}` has a passphrase; add it to an agent with `ssh-add`, and name the agent's socket instead", path.display())]
    Encrypted {
        /// The file.
        path: PathBuf,
    },
    /// The file has no key, or one of a kind that is not known.
    #[error(
        "`{}` holds no private key that can be read; it is one in the format of OpenSSH (`ssh-keygen -p -f FILE` turns others \
         into it), or an RSA key in PEM",
        path.display()
    )]
    NotAKey {
        /// The file.
        path: PathBuf,
    },
}

/// Keys that sign for the steps of a build.
pub struct SshKeys {
    keys: Vec<PrivateKey>,
}

impl std::fmt::Debug for SshKeys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SshKeys").field("count", &self.keys.len()).finish_non_exhaustive()
    }
}

impl SshKeys {
    /// Reads private keys.
    ///
    /// # Errors
    /// A file that cannot be read, or whose key needs a passphrase or is of a kind that is not known.
    pub fn read(files: &[PathBuf]) -> Result<Self, SshKeyError> {
        Ok(Self { keys: files.iter().map(|path| read(path)).collect::<Result<_, _>>()? })
    }

    /// Answers questions until the other side ends or says something that is no question.
    pub(super) fn serve(&self, mut client: UnixStream) {
        while let Ok(question) = receive(&mut client) {
            let answer = self.answer(&question).unwrap_or_else(|| vec![FAILURE]);
            let length = u32::try_from(answer.len()).expect("answers are short").to_be_bytes();
            if client.write_all(&[&length, answer.as_slice()].concat()).is_err() {
                return;
            }
        }
    }

    /// The answer to a question that is understood.
    fn answer(&self, question: &[u8]) -> Option<Vec<u8>> {
        let (kind, mut rest) = question.split_first()?;
        match *kind {
            REQUEST_IDENTITIES => {
                let mut answer = vec![IDENTITIES_ANSWER];
                answer.extend(u32::try_from(self.keys.len()).ok()?.to_be_bytes());
                for key in &self.keys {
                    put(&mut answer, &key.public_key().to_bytes().ok()?);
                    put(&mut answer, key.comment().as_bytes());
                }
                Some(answer)
            }
            SIGN_REQUEST => {
                let (wanted, message) = (take(&mut rest)?, take(&mut rest)?);
                let flags = u32::from_be_bytes(*rest.first_chunk()?);
                let is_wanted =
                    |key: &&PrivateKey| key.public_key().to_bytes().is_ok_and(|bytes| bytes == wanted);
                let signature = sign(self.keys.iter().find(is_wanted)?, message, flags)?;
                let mut answer = vec![SIGN_RESPONSE];
                put(&mut answer, &Vec::try_from(signature).ok()?);
                Some(answer)
            }
            _ => None,
        }
    }
}

fn read(path: &Path) -> Result<PrivateKey, SshKeyError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| SshKeyError::Read { path: path.to_owned(), source })?;
    let key = super::openssh::read(&text).or_else(|| {
        let key = RsaPrivateKey::from_pkcs1_pem(&text).ok();
        let key = key.or_else(|| RsaPrivateKey::from_pkcs8_pem(&text).ok())?;
        RsaKeypair::try_from(key).ok().map(PrivateKey::from)
    });
    match key {
        Some(key) if key.is_encrypted() => Err(SshKeyError::Encrypted { path: path.to_owned() }),
        Some(key) => Ok(key),
        // Both forms of PEM say so in words.
        None if text.contains("ENCRYPTED") => Err(SshKeyError::Encrypted { path: path.to_owned() }),
        None => Err(SshKeyError::NotAKey { path: path.to_owned() }),
    }
}

/// Signs; RSA with one of the digests that servers still accept, whose choice is the client's.
fn sign(key: &PrivateKey, message: &[u8], flags: u32) -> Option<Signature> {
    let KeypairData::Rsa(pair) = key.key_data() else { return key.try_sign(message).ok() };
    let key = rsa_key(pair)?;
    let (signature, hash) = if flags & RSA_SHA2_512 != 0 {
        (SigningKey::<Sha512>::new(key).try_sign(message).ok()?, HashAlg::Sha512)
    } else if flags & RSA_SHA2_256 != 0 {
        (SigningKey::<Sha256>::new(key).try_sign(message).ok()?, HashAlg::Sha256)
    } else {
        return None;
    };
    Signature::new(Algorithm::Rsa { hash: Some(hash) }, signature.to_vec()).ok()
}

/// The conversion of `ssh-key` 0.6 takes one prime twice, and then finds that the parts do not fit.
fn rsa_key(pair: &RsaKeypair) -> Option<RsaPrivateKey> {
    let number = |number: &Mpint| number.as_positive_bytes().map(BigUint::from_bytes_be);
    let private = &pair.private;
    let primes = vec![number(&private.p)?, number(&private.q)?];
    let (modulus, exponent) = (number(&pair.public.n)?, number(&pair.public.e)?);
    RsaPrivateKey::from_components(modulus, exponent, number(&private.d)?, primes).ok()
}

fn receive(client: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    client.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > LONGEST_QUESTION {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut question = vec![0; length];
    client.read_exact(&mut question)?;
    Ok(question)
}

/// Appends a string of the protocol: its length, its bytes.
pub(super) fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(u32::try_from(bytes.len()).expect("keys and signatures are short").to_be_bytes());
    out.extend(bytes);
}

/// Takes a string off the front.
pub(super) fn take<'b>(rest: &mut &'b [u8]) -> Option<&'b [u8]> {
    let (length, behind) = rest.split_first_chunk()?;
    let (string, behind) = behind.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    *rest = behind;
    Some(string)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use rsa::signature::Verifier as _;

    use super::*;

    /// A key that `ssh-keygen` has made; nothing when there is no such program.
    fn generated(directory: &Path, name: &str, options: &[&str]) -> Option<PathBuf> {
        let path = directory.join(name);
        let mut program = Command::new("ssh-keygen");
        let done = program.args(["-q", "-C", name, "-f"]).arg(&path).args(options).output();
        let Ok(output) = done else {
            assert!(std::env::var_os("CI").is_none(), "cannot run: `ssh-keygen` is needed");
            eprintln!("SKIPPED: `ssh-keygen` is needed");
            return None;
        };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(path)
    }

    fn request(key: &PrivateKey, message: &[u8], flags: u32) -> Vec<u8> {
        let mut question = vec![SIGN_REQUEST];
        put(&mut question, &key.public_key().to_bytes().unwrap());
        put(&mut question, message);
        question.extend(flags.to_be_bytes());
        question
    }

    #[test]
    fn keys_of_every_kind_are_listed_and_sign() {
        let directory = tempfile::tempdir().unwrap();
        let kinds: [(&str, &[&str], u32); 7] = [
            ("ed25519", &["-t", "ed25519", "-N", ""], 0),
            ("p256", &["-t", "ecdsa", "-b", "256", "-N", ""], 0),
            ("p384", &["-t", "ecdsa", "-b", "384", "-N", ""], 0),
            ("p521", &["-t", "ecdsa", "-b", "521", "-N", ""], 0),
            ("rsa-512", &["-t", "rsa", "-b", "2048", "-N", ""], RSA_SHA2_512),
            ("rsa-256", &["-t", "rsa", "-b", "2048", "-N", "", "-m", "PEM"], RSA_SHA2_256),
            ("rsa-pkcs8", &["-t", "rsa", "-b", "2048", "-N", "", "-m", "PKCS8"], RSA_SHA2_256 | RSA_SHA2_512),
        ];
        let mut files = Vec::new();
        for (name, options, _) in kinds {
            let Some(path) = generated(directory.path(), name, options) else { return };
            files.push(path);
        }
        let keys = SshKeys::read(&files).unwrap();
        let listed = keys.answer(&[REQUEST_IDENTITIES]).unwrap();
        assert_eq!((listed[0], listed[4]), (IDENTITIES_ANSWER, 7));
        for (key, (name, _, flags)) in keys.keys.iter().zip(kinds) {
            let answer = keys.answer(&request(key, b"what is signed", flags)).expect(name);
            assert_eq!(answer[0], SIGN_RESPONSE);
            let signature = Signature::try_from(take(&mut &answer[1..]).unwrap()).unwrap();
            key.public_key().key_data().verify(b"what is signed", &signature).expect(name);
        }
        // Without a flag, an RSA key would have to sign with SHA-1.
        assert!(keys.answer(&request(&keys.keys[4], b"x", 0)).is_none());
    }

    #[test]
    fn what_is_no_question_has_no_answer() {
        let keys = SshKeys { keys: Vec::new() };
        for question in [&[][..], &[99], &[SIGN_REQUEST], &[SIGN_REQUEST, 0, 0, 0, 200, 1], &[17, 0, 0]] {
            assert!(keys.answer(question).is_none(), "{question:?}");
        }
    }

    #[test]
    fn keys_that_cannot_be_used_are_told_apart() {
        let directory = tempfile::tempdir().unwrap();
        let text = directory.path().join("text");
        std::fs::write(&text, "no key").unwrap();
        assert!(matches!(SshKeys::read(&[text]), Err(SshKeyError::NotAKey { .. })));
        let missing = directory.path().join("missing");
        assert!(matches!(SshKeys::read(&[missing]), Err(SshKeyError::Read { .. })));
        for (name, format) in [("own", "RFC4716"), ("pem", "PEM"), ("pkcs8", "PKCS8")] {
            let options = ["-t", "rsa", "-b", "2048", "-N", "passphrase", "-m", format];
            let Some(path) = generated(directory.path(), name, &options) else { return };
            assert!(matches!(SshKeys::read(&[path]), Err(SshKeyError::Encrypted { .. })), "{name}");
        }
    }
}
