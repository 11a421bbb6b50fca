//! Values that are a type with options: caches, outputs, attestations, secrets, ssh.

use std::collections::BTreeMap;

use crate::csv;

/// A type with options: `type=local,dest=out`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// What stands behind `type=`.
    pub kind: String,
    /// All other options.
    pub options: BTreeMap<String, String>,
}

impl Entry {
    /// An entry without options.
    pub fn new(kind: &str) -> Self {
        Self { kind: kind.to_owned(), options: BTreeMap::new() }
    }

    /// An option.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(String::as_str)
    }

    /// As the command line writes it.
    pub fn to_csv(&self) -> String {
        let quote = |field: String| {
            if field.contains(['"', ',', '\n', '\r']) {
                format!("\"{}\"", field.replace('"', "\"\""))
            } else {
                field
            }
        };
        let kind = quote(format!("type={}", self.kind));
        let options = self.options.iter().map(|(name, value)| quote(format!("{name}={value}")));
        std::iter::once(kind).chain(options).collect::<Vec<_>>().join(",")
    }

    /// All options, the type among them.
    pub(crate) fn all(&self) -> BTreeMap<&str, &str> {
        let kind = std::iter::once(("type", self.kind.as_str()));
        kind.chain(self.options.iter().map(|(name, value)| (name.as_str(), value.as_str()))).collect()
    }

    fn from_options(mut options: BTreeMap<String, String>) -> Result<Self, String> {
        match options.remove("type") {
            Some(kind) if !kind.is_empty() => Ok(Self { kind, options }),
            _ => Err("the type is missing; write `type=…`".to_owned()),
        }
    }
}

/// Options of one line: `a=b,c=d`.
fn options(text: &str, fields: &[String]) -> Result<BTreeMap<String, String>, String> {
    let mut options = BTreeMap::new();
    for field in fields {
        let (name, value) = field
            .split_once('=')
            .ok_or_else(|| format!("`{field}` of `{text}` is not of the form `key=value`"))?;
        options.insert(name.trim().to_lowercase(), value.to_owned());
    }
    Ok(options)
}

/// What an attribute's elements are made of: a line, or names with values.
pub(crate) trait FromParts: Sized {
    /// Reads a line.
    fn from_text(text: &str) -> Result<Vec<Self>, String>;

    /// Takes names with values; values of lists are kept apart.
    fn from_object(object: BTreeMap<String, Vec<String>>) -> Result<Self, String>;
}

fn single(object: BTreeMap<String, Vec<String>>) -> BTreeMap<String, String> {
    object.into_iter().map(|(name, values)| (name, values.join(","))).collect()
}

/// A source or destination of a cache; a line without options is the name of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache(pub Entry);

impl FromParts for Cache {
    fn from_text(text: &str) -> Result<Vec<Self>, String> {
        let fields = csv::fields(text)?;
        if fields.iter().all(|field| !field.contains('=')) {
            let registry = |name: &String| {
                let mut entry = Entry::new("registry");
                entry.options.insert("ref".to_owned(), name.clone());
                Self(entry)
            };
            return Ok(fields.iter().map(registry).collect());
        }
        Ok(vec![Self(Entry::from_options(options(text, &fields)?)?)])
    }

    fn from_object(object: BTreeMap<String, Vec<String>>) -> Result<Self, String> {
        Entry::from_options(single(object)).map(Self)
    }
}

/// A destination; a line without options is a directory, or `-` for a tar on standard output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output(pub Entry);

impl FromParts for Output {
    fn from_text(text: &str) -> Result<Vec<Self>, String> {
        let fields = csv::fields(text)?;
        if let [path] = fields.as_slice()
            && !path.contains('=')
        {
            let mut entry = Entry::new(if path == "-" { "tar" } else { "local" });
            entry.options.insert("dest".to_owned(), path.clone());
            return Ok(vec![Self(entry)]);
        }
        Ok(vec![Self(Entry::from_options(options(text, &fields)?)?)])
    }

    fn from_object(object: BTreeMap<String, Vec<String>>) -> Result<Self, String> {
        Entry::from_options(single(object)).map(Self)
    }
}

/// An attestation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attest(pub Entry);

impl Attest {
    /// Whether it is asked for; `disabled=true` takes it back.
    pub fn is_wanted(&self) -> bool {
        !matches!(self.0.option("disabled"), Some("true" | "1"))
    }
}

impl FromParts for Attest {
    fn from_text(text: &str) -> Result<Vec<Self>, String> {
        Ok(vec![Self(Entry::from_options(options(text, &csv::fields(text)?)?)?)])
    }

    fn from_object(object: BTreeMap<String, Vec<String>>) -> Result<Self, String> {
        Entry::from_options(single(object)).map(Self)
    }
}

/// A secret for steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Secret {
    /// Its name.
    pub id: String,
    /// The file it is in.
    pub source: Option<String>,
    /// The variable it is in.
    pub variable: Option<String>,
}

impl Secret {
    /// As the command line writes it.
    pub fn to_csv(&self) -> String {
        let mut parts = vec![format!("id={}", self.id)];
        parts.extend(self.source.iter().map(|source| format!("src={source}")));
        parts.extend(self.variable.iter().map(|variable| format!("env={variable}")));
        parts.join(",")
    }

    fn from_options(options: BTreeMap<String, String>) -> Result<Self, String> {
        let (mut secret, mut is_variable) = (Self::default(), false);
        for (name, value) in options {
            match name.as_str() {
                "id" => secret.id = value,
                "src" | "source" => secret.source = Some(value).filter(|value| !value.is_empty()),
                "env" => secret.variable = Some(value).filter(|value| !value.is_empty()),
                "type" => match value.as_str() {
                    "env" => is_variable = true,
                    "file" => {}
                    _ => return Err(format!("a secret has no type `{value}`; it is `file` or `env`")),
                },
                other => {
                    return Err(format!("a secret has no option `{other}`; it is id, src, env or type"));
                }
            }
        }
        if is_variable && secret.variable.is_none() {
            secret.variable = secret.source.take();
        }
        Ok(secret)
    }
}

impl FromParts for Secret {
    fn from_text(text: &str) -> Result<Vec<Self>, String> {
        Ok(vec![Self::from_options(options(text, &csv::fields(text)?)?)?])
    }

    fn from_object(object: BTreeMap<String, Vec<String>>) -> Result<Self, String> {
        Self::from_options(single(object))
    }
}

/// An ssh agent, or keys, for steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ssh {
    /// Its name.
    pub id: String,
    /// Sockets or keys; none is the running agent.
    pub paths: Vec<String>,
}

impl Ssh {
    /// As the command line writes it.
    pub fn to_text(&self) -> String {
        if self.paths.is_empty() { self.id.clone() } else { format!("{}={}", self.id, self.paths.join(",")) }
    }
}

impl FromParts for Ssh {
    fn from_text(text: &str) -> Result<Vec<Self>, String> {
        let (id, paths) = text.split_once('=').map_or((text, None), |(id, paths)| (id, Some(paths)));
        let paths = paths.map(|paths| paths.split(',').map(str::to_owned).collect()).unwrap_or_default();
        Ok(vec![Self { id: id.to_owned(), paths }])
    }

    fn from_object(object: BTreeMap<String, Vec<String>>) -> Result<Self, String> {
        let mut ssh = Self::default();
        for (name, values) in object {
            match name.as_str() {
                "id" => ssh.id = values.join(","),
                "paths" => ssh.paths = values,
                other => return Err(format!("ssh has no option `{other}`; it is id or paths")),
            }
        }
        Ok(ssh)
    }
}

/// Reads several lines.
pub(crate) fn from_lines<T: FromParts>(lines: &[String]) -> Result<Vec<T>, String> {
    let mut all = Vec::new();
    for line in lines.iter().filter(|line| !line.is_empty()) {
        all.extend(T::from_text(line)?);
    }
    Ok(all)
}

/// Each once; the first one stays where it is.
pub(crate) fn each_once<T: PartialEq>(list: &mut Vec<T>) {
    let mut kept: Vec<T> = Vec::with_capacity(list.len());
    for value in list.drain(..) {
        if !kept.contains(&value) {
            kept.push(value);
        }
    }
    *list = kept;
}

/// Each type once: the last one counts, and stands where the first one stood.
pub(crate) fn each_type_once(list: &mut Vec<Attest>) {
    let mut kept: Vec<Attest> = Vec::new();
    for attest in list.drain(..) {
        match kept.iter_mut().find(|known| known.0.kind == attest.0.kind) {
            Some(known) => *known = attest,
            None => kept.push(attest),
        }
    }
    *list = kept;
}
