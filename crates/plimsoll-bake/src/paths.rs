//! Paths as texts: cleaned and joined without a look at any file system.

/// What stands behind the last point of a name, in lower case.
pub(crate) fn extension(name: &str) -> Option<String> {
    Some(std::path::Path::new(name).extension()?.to_str()?.to_lowercase())
}

/// The shortest path that means the same, as Go's `path.Clean` gives it.
pub fn clean(path: &str) -> String {
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(&"..") | None => {
                    if !absolute {
                        parts.push("..");
                    }
                }
                Some(_) => {
                    parts.pop();
                }
            },
            part => parts.push(part),
        }
    }
    match (absolute, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}
