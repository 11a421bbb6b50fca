//! The typed form of a `RUN --mount` value.
//!
//! A value is a line of CSV whose fields are `key=value` or a bare key. Variables are expanded in each value after the CSV is taken apart, so
//! that a variable can never add a field. `from` is not expanded: the stage it names must be known before any value is.

use plimsoll_diagnostics::did_you_mean;

use crate::words::WordError;

/// What is mounted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MountKind {
    /// Files of a stage, image or context; the default.
    #[default]
    Bind,
    /// A directory that outlives the build.
    Cache,
    /// Memory.
    Tmpfs,
    /// A secret file or variable.
    Secret,
    /// The socket of an SSH agent.
    Ssh,
}

impl MountKind {
    const ALL: [(&'static str, Self); 5] = [
        ("bind", Self::Bind),
        ("cache", Self::Cache),
        ("tmpfs", Self::Tmpfs),
        ("secret", Self::Secret),
        ("ssh", Self::Ssh),
    ];

    /// The word used in a Dockerfile.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bind => "bind",
            Self::Cache => "cache",
            Self::Tmpfs => "tmpfs",
            Self::Secret => "secret",
            Self::Ssh => "ssh",
        }
    }
}

impl std::fmt::Display for MountKind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Who may use a cache mount at the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sharing {
    /// All at once; the default.
    #[default]
    Shared,
    /// Each concurrent step gets a directory of its own.
    Private,
    /// One after the other.
    Locked,
}

impl Sharing {
    const ALL: [(&'static str, Self); 3] =
        [("shared", Self::Shared), ("private", Self::Private), ("locked", Self::Locked)];
}

/// One `RUN --mount`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mount {
    /// `type`.
    pub kind: MountKind,
    /// `target`, `dst` or `destination`.
    pub target: Option<String>,
    /// `source` or `src`; of a secret: its id.
    pub source: Option<String>,
    /// `from`: stage, image or context; never expanded.
    pub from: Option<String>,
    /// `id` of a cache, secret or agent.
    pub id: Option<String>,
    /// `sharing` of a cache.
    pub sharing: Option<Sharing>,
    /// `mode`: permission bits.
    pub mode: Option<u32>,
    /// `uid`.
    pub uid: Option<u32>,
    /// `gid`.
    pub gid: Option<u32>,
    /// Whether writing is refused: by default for all but caches and tmpfs.
    pub read_only: bool,
    /// `required`: a missing secret or agent is an error.
    pub required: bool,
    /// `env` of a secret: name of the variable.
    pub env: Option<String>,
    /// `size` of a tmpfs in bytes.
    pub size_bytes: Option<u64>,
}

/// Why a `--mount` value is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MountError {
    /// The value is no line of CSV.
    #[error("`{value}` is not valid CSV: {reason}")]
    Csv {
        /// The whole value.
        value: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// No such key.
    #[error("`{key}` is not an option of a mount")]
    UnknownKey {
        /// The key.
        key: String,
        /// The key that was probably meant.
        suggestion: Option<&'static str>,
    },
    /// The key needs a value.
    #[error("`{key}` needs a value: `{key}=…`")]
    MissingValue {
        /// The key.
        key: String,
    },
    /// The value does not fit the key.
    #[error("`{value}` is not a value for `{key}`: {expected}")]
    BadValue {
        /// The key.
        key: String,
        /// The value after expansion.
        value: String,
        /// What fits.
        expected: &'static str,
        /// The value that was probably meant.
        suggestion: Option<&'static str>,
    },
    /// The key does not belong to this type of mount.
    #[error("`{key}` does not belong to a mount of type `{kind}`")]
    NotForKind {
        /// The key.
        key: &'static str,
        /// The type.
        kind: MountKind,
    },
    /// Two keys that exclude each other.
    #[error("`{first}` and `{second}` exclude each other")]
    Both {
        /// One key.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// None of the keys of which one is needed.
    #[error("a mount of type `{kind}` needs {needed}")]
    Missing {
        /// The type.
        kind: MountKind,
        /// The keys.
        needed: &'static str,
    },
    /// A variable where none can be.
    #[error("variables are not expanded in `from`")]
    VariableInFrom {
        /// The value.
        value: String,
    },
    /// The expansion of a value failed.
    #[error("cannot expand the value of `{key}`")]
    Expand {
        /// The key.
        key: String,
        /// Why.
        #[source]
        source: WordError,
    },
}

impl MountError {
    /// The way out, when there is a plain one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownKey { key, .. } if ["z", "Z", "U"].contains(&key.as_str()) => {
                Some("relabelling and ownership options belong to other tools; leave them out".to_owned())
            }
            Self::UnknownKey { suggestion: Some(word), .. }
            | Self::BadValue { suggestion: Some(word), .. } => Some(format!("did you mean `{word}`?")),
            Self::VariableInFrom { .. } => Some(
                "name the image in a stage of its own, `FROM $IMAGE AS name`, and use `from=name`".to_owned(),
            ),
            _ => None,
        }
    }

    /// The key that is wrong, when it is one key.
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::UnknownKey { key, .. }
            | Self::MissingValue { key }
            | Self::BadValue { key, .. }
            | Self::Expand { key, .. } => Some(key),
            Self::NotForKind { key, .. } => Some(key),
            Self::Both { first, .. } => Some(first),
            Self::VariableInFrom { .. } => Some("from"),
            Self::Csv { .. } | Self::Missing { .. } => None,
        }
    }
}

const KEYS: [&str; 19] = [
    "type",
    "from",
    "source",
    "src",
    "target",
    "dst",
    "destination",
    "readonly",
    "ro",
    "readwrite",
    "rw",
    "id",
    "sharing",
    "required",
    "size",
    "mode",
    "uid",
    "gid",
    "env",
];

impl Mount {
    /// Reads a `--mount` value; `expand` puts variables into one value.
    pub fn parse(
        value: &str,
        mut expand: impl FnMut(&str) -> Result<String, WordError>,
    ) -> Result<Self, MountError> {
        let mut mount = Self::default();
        let mut read_only = None;
        for field in csv_fields(value)? {
            let (key, raw) = match field.split_once('=') {
                Some((key, raw)) => (key.to_lowercase(), Some(raw)),
                None => (field.to_lowercase(), None),
            };
            let given = match raw {
                Some(raw) if key == "from" => {
                    if has_variable(raw) {
                        return Err(MountError::VariableInFrom { value: raw.to_owned() });
                    }
                    Some(raw.to_owned())
                }
                Some(raw) => {
                    Some(expand(raw).map_err(|source| MountError::Expand { key: key.clone(), source })?)
                }
                None => None,
            };
            mount.set(&key, given, &field, &mut read_only)?;
        }
        mount.validate()?;
        mount.read_only = read_only.unwrap_or(!matches!(mount.kind, MountKind::Cache | MountKind::Tmpfs));
        Ok(mount)
    }

    /// Value of `from` in a `--mount` value, without the rest: what a graph needs before variables are known.
    pub fn from_of(value: &str) -> Result<Option<String>, MountError> {
        let mut from = None;
        for field in csv_fields(value)? {
            if let Some((key, raw)) = field.split_once('=')
                && key.eq_ignore_ascii_case("from")
            {
                if has_variable(raw) {
                    return Err(MountError::VariableInFrom { value: raw.to_owned() });
                }
                from = Some(raw.to_owned());
            }
        }
        Ok(from)
    }

    fn set(
        &mut self,
        key: &str,
        value: Option<String>,
        field: &str,
        read_only: &mut Option<bool>,
    ) -> Result<(), MountError> {
        let missing = || MountError::MissingValue { key: key.to_owned() };
        match key {
            "type" => {
                self.kind = one_of(
                    key,
                    &value.ok_or_else(missing)?,
                    &MountKind::ALL,
                    "bind, cache, tmpfs, secret or ssh",
                )?;
            }
            "from" => self.from = Some(value.ok_or_else(missing)?),
            "source" | "src" => self.source = Some(value.ok_or_else(missing)?),
            "target" | "dst" | "destination" => self.target = Some(value.ok_or_else(missing)?),
            "readonly" | "ro" => *read_only = Some(boolean(key, value)?),
            "readwrite" | "rw" => *read_only = Some(!boolean(key, value)?),
            "required" => {
                self.only_for("required", &[MountKind::Secret, MountKind::Ssh])?;
                self.required = boolean(key, value)?;
            }
            "size" => {
                self.only_for("size", &[MountKind::Tmpfs])?;
                self.size_bytes = Some(size(&value.ok_or_else(missing)?)?);
            }
            "id" => self.id = Some(value.ok_or_else(missing)?),
            "sharing" => {
                self.sharing = Some(one_of(
                    key,
                    &value.ok_or_else(missing)?,
                    &Sharing::ALL,
                    "shared, private or locked",
                )?);
            }
            "mode" => self.mode = Some(number(key, &value.ok_or_else(missing)?, 8, "an octal number")?),
            "uid" => self.uid = Some(number(key, &value.ok_or_else(missing)?, 10, "a number")?),
            "gid" => self.gid = Some(number(key, &value.ok_or_else(missing)?, 10, "a number")?),
            "env" => self.env = Some(value.ok_or_else(missing)?),
            _ => {
                // The key is shown as written: `Z` and `z` are different words to whoever wrote them.
                let written = field.split_once('=').map_or(field, |(key, _)| key);
                return Err(MountError::UnknownKey {
                    key: written.to_owned(),
                    suggestion: did_you_mean(key, KEYS.iter().copied()),
                });
            }
        }
        Ok(())
    }

    fn only_for(&self, key: &'static str, kinds: &[MountKind]) -> Result<(), MountError> {
        if kinds.contains(&self.kind) { Ok(()) } else { Err(MountError::NotForKind { key, kind: self.kind }) }
    }

    fn validate(&self) -> Result<(), MountError> {
        let kind = self.kind;
        let owned = [MountKind::Secret, MountKind::Ssh, MountKind::Cache];
        for (key, set) in
            [("mode", self.mode.is_some()), ("uid", self.uid.is_some()), ("gid", self.gid.is_some())]
        {
            if set {
                self.only_for(key, &owned)?;
            }
        }
        if self.sharing.is_some() {
            self.only_for("sharing", &[MountKind::Cache])?;
        }
        if self.env.is_some() {
            self.only_for("env", &[MountKind::Secret])?;
        }
        let set = |value: &Option<String>| value.as_ref().is_some_and(|value| !value.is_empty());
        if kind == MountKind::Secret {
            if set(&self.from) {
                return Err(MountError::NotForKind { key: "from", kind });
            }
            if !set(&self.source) && !set(&self.target) && !set(&self.id) {
                return Err(MountError::Missing { kind, needed: "`id`, `source` or `target`" });
            }
            if set(&self.source) && set(&self.id) {
                return Err(MountError::Both { first: "source", second: "id" });
            }
        }
        Ok(())
    }
}

/// Whether a `$` is followed by anything, which is what counts as a variable here.
fn has_variable(value: &str) -> bool {
    value.split_once('$').is_some_and(|(_, rest)| !rest.is_empty())
}

fn one_of<T: Copy>(
    key: &str,
    value: &str,
    words: &[(&'static str, T)],
    expected: &'static str,
) -> Result<T, MountError> {
    let lower = value.to_lowercase();
    words.iter().find(|(word, _)| *word == lower).map(|(_, item)| *item).ok_or_else(|| MountError::BadValue {
        key: key.to_owned(),
        value: value.to_owned(),
        expected,
        suggestion: did_you_mean(value, words.iter().map(|(word, _)| *word)),
    })
}

fn boolean(key: &str, value: Option<String>) -> Result<bool, MountError> {
    let Some(value) = value else { return Ok(true) };
    match value.as_str() {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(MountError::BadValue {
            key: key.to_owned(),
            value,
            expected: "true or false",
            suggestion: None,
        }),
    }
}

fn number(key: &str, value: &str, radix: u32, expected: &'static str) -> Result<u32, MountError> {
    let digits = !value.is_empty() && value.chars().all(|character| character.is_digit(radix));
    u32::from_str_radix(value, radix).ok().filter(|_| digits).ok_or_else(|| MountError::BadValue {
        key: key.to_owned(),
        value: value.to_owned(),
        expected,
        suggestion: None,
    })
}

fn size(value: &str) -> Result<u64, MountError> {
    memory_size(value).ok_or_else(|| MountError::BadValue {
        key: "size".to_owned(),
        value: value.to_owned(),
        expected: "a number of bytes with an optional unit such as `m` or `g`",
        suggestion: None,
    })
}

/// Reads a size of memory with an optional unit, as Docker does: `64m`, `1.5GB`, `2 GiB`; all units are powers of 1024.
pub fn memory_size(value: &str) -> Option<u64> {
    let digits = value.len()
        - value.trim_start_matches(|character: char| character.is_ascii_digit() || character == '.').len();
    let (amount, unit) = value.split_at(digits);
    let amount: f64 = amount.parse().ok()?;
    let unit = unit.strip_prefix(' ').unwrap_or(unit).to_lowercase();
    let shift = match unit.as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        "p" | "pb" | "pib" => 50,
        _ => return None,
    };
    #[expect(clippy::cast_precision_loss, reason = "powers of two are exact")]
    let bytes = amount * (1_u64 << shift) as f64;
    if !(0.0..=9.0e18).contains(&bytes) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range was checked; fractions of a byte go"
    )]
    Some(bytes as u64)
}

/// Takes one line of CSV apart: fields may be quoted as a whole, a doubled quote inside stands for one.
fn csv_fields(value: &str) -> Result<Vec<String>, MountError> {
    let error = |reason| MountError::Csv { value: value.to_owned(), reason };
    let mut fields = Vec::new();
    let mut rest = value;
    if rest.trim().is_empty() {
        return Err(error("it is empty"));
    }
    loop {
        let Some(quoted) = rest.strip_prefix('"') else {
            let end = rest.find(',').unwrap_or(rest.len());
            let field = &rest[..end];
            if field.contains('"') {
                return Err(error("a quote inside an unquoted field"));
            }
            fields.push(field.to_owned());
            match rest[end..].strip_prefix(',') {
                Some(more) => rest = more,
                None => return Ok(fields),
            }
            continue;
        };
        let mut field = String::new();
        let mut inside = quoted;
        loop {
            let Some(end) = inside.find('"') else { return Err(error("a quote is not closed")) };
            field.push_str(&inside[..end]);
            inside = &inside[end + 1..];
            match inside.strip_prefix('"') {
                Some(more) => {
                    field.push('"');
                    inside = more;
                }
                None => break,
            }
        }
        fields.push(field);
        match inside.strip_prefix(',') {
            Some(more) => rest = more,
            None if inside.is_empty() => return Ok(fields),
            None => return Err(error("text behind a quoted field")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(value: &str) -> Result<Mount, MountError> {
        Mount::parse(value, |word| Ok(word.to_owned()))
    }

    #[test]
    fn bind_is_the_default_and_read_only() {
        let mount = plain("source=src,dst=/app").unwrap();
        assert_eq!(mount.kind, MountKind::Bind);
        assert_eq!(mount.source.as_deref(), Some("src"));
        assert_eq!(mount.target.as_deref(), Some("/app"));
        assert!(mount.read_only);
        assert!(!plain("target=/a,rw").unwrap().read_only);
        assert!(plain("target=/a,rw=false").unwrap().read_only);
    }

    #[test]
    fn caches_and_tmpfs_are_writable() {
        let mount = plain("type=cache,target=/c,sharing=LOCKED,mode=0700,uid=1,gid=2,id=x").unwrap();
        assert!(!mount.read_only);
        assert_eq!(mount.sharing, Some(Sharing::Locked));
        assert_eq!((mount.mode, mount.uid, mount.gid), (Some(0o700), Some(1), Some(2)));
        let mount = plain("TYPE=tmpfs,target=/t,size=64m").unwrap();
        assert_eq!(mount.size_bytes, Some(64 << 20));
        assert_eq!(size("1.5KiB").unwrap(), 1536);
    }

    #[test]
    fn secrets_take_id_source_or_target() {
        let mount = plain("type=secret,id=token,required").unwrap();
        assert!(plain("type=secret,id=token,env").is_err());
        assert!(mount.required);
        assert_eq!(plain("type=secret,id=token,env=TOKEN").unwrap().env.as_deref(), Some("TOKEN"));
        assert!(matches!(plain("type=secret"), Err(MountError::Missing { .. })));
        assert!(matches!(plain("type=secret,id=a,src=b"), Err(MountError::Both { .. })));
        assert!(matches!(plain("type=secret,id=a,from=b"), Err(MountError::NotForKind { key: "from", .. })));
        assert!(plain("type=ssh").unwrap().read_only);
    }

    #[test]
    fn keys_that_do_not_fit_are_named() {
        assert!(matches!(
            plain("type=bind,target=/a,mode=0700"),
            Err(MountError::NotForKind { key: "mode", .. })
        ));
        assert!(matches!(
            plain("target=/a,sharing=locked"),
            Err(MountError::NotForKind { key: "sharing", .. })
        ));
        assert!(matches!(plain("target=/a,required"), Err(MountError::NotForKind { key: "required", .. })));
        let error = plain("traget=/a").unwrap_err();
        assert_eq!(error.key(), Some("traget"));
        assert_eq!(error.hint().as_deref(), Some("did you mean `target`?"));
        assert_eq!(plain("type=cahce").unwrap_err().hint().as_deref(), Some("did you mean `cache`?"));
        assert_eq!(plain("target=/a,Z").unwrap_err().key(), Some("Z"));
        assert!(plain("target=/a,z").unwrap_err().hint().is_some());
        assert!(matches!(plain("target"), Err(MountError::MissingValue { .. })));
        assert!(matches!(plain("target=/a,ro=maybe"), Err(MountError::BadValue { .. })));
        assert!(matches!(plain("type=cache,target=/a,mode=+7"), Err(MountError::BadValue { .. })));
    }

    #[test]
    fn fields_are_csv() {
        let mount = plain("\"target=/a,b\",\"source=say \"\"hi\"\"\"").unwrap();
        assert_eq!(mount.target.as_deref(), Some("/a,b"));
        assert_eq!(mount.source.as_deref(), Some("say \"hi\""));
        for bad in ["", "\"target=/a", "target=\"/a\"", "\"target=/a\"x"] {
            assert!(matches!(plain(bad), Err(MountError::Csv { .. })), "{bad}");
        }
    }

    #[test]
    fn values_are_expanded_one_by_one_and_from_never() {
        let mount = Mount::parse("type=cache,target=$T", |word| Ok(word.replace("$T", "/a,ro"))).unwrap();
        assert_eq!(mount.target.as_deref(), Some("/a,ro"));
        assert!(!mount.read_only);
        assert!(matches!(plain("from=$X,target=/a"), Err(MountError::VariableInFrom { .. })));
        assert_eq!(Mount::from_of("type=bind,FROM=base").unwrap().as_deref(), Some("base"));
        assert!(plain("from=a$,target=/a").is_ok());
    }
}
