//! Paths inside an image, by their text alone.

/// The components that are left of a path when `.` and `..` are taken out; `..` never leads above the root.
fn components(path: &str) -> Vec<&str> {
    let mut kept = Vec::new();
    for component in path.split('/') {
        match component {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            other => kept.push(other),
        }
    }
    kept
}

/// An absolute path without `.`, `..` and doubled slashes.
pub(crate) fn absolute(directory: &str, path: &str) -> String {
    let joined = if path.starts_with('/') { path.to_owned() } else { format!("{directory}/{path}") };
    format!("/{}", components(&joined).join("/"))
}

/// Like [`absolute`], and keeps a `/` at the end: it says that the path is a directory. `.` and nothing are directories too,
/// `..` need not be one.
pub(crate) fn destination(directory: &str, path: &str) -> String {
    let mut whole = absolute(directory, path);
    let is_directory = matches!(path, "" | ".") || path.ends_with('/') || path.ends_with("/.");
    if is_directory && !whole.ends_with('/') {
        whole.push('/');
    }
    whole
}

/// A path relative to a root; `.` is the root itself.
pub(crate) fn relative(path: &str) -> String {
    let components = components(path);
    if components.is_empty() { ".".to_owned() } else { components.join("/") }
}

/// Like [`relative`], and keeps the pivot `/./` of `--parents`.
pub(crate) fn with_pivot(path: &str) -> String {
    match path.split_once("/./") {
        Some((parent, pattern)) => match relative(parent).as_str() {
            "." => relative(pattern),
            parent => format!("{parent}/./{}", relative(pattern)),
        },
        None => relative(path),
    }
}

/// What an address names last, or a stand-in.
pub(crate) fn last_component(path: &str) -> Option<&str> {
    components(path).pop()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_never_leave_the_root() {
        assert_eq!(absolute("/app", "../../../etc"), "/etc");
        assert_eq!(absolute("/app", "b//./c/"), "/app/b/c");
        assert_eq!(absolute("/app", "/"), "/");
        assert_eq!(relative("../../a/../b"), "b");
        assert_eq!(relative("/"), ".");
        assert_eq!(relative("*.txt"), "*.txt");
    }

    #[test]
    fn a_slash_at_the_end_is_kept() {
        assert_eq!(destination("/app", "./"), "/app/");
        assert_eq!(destination("/app", "."), "/app/");
        assert_eq!(destination("/app", ""), "/app/");
        assert_eq!(destination("/app", "x"), "/app/x");
        assert_eq!(destination("/app", "/x/."), "/x/");
        assert_eq!(destination("/", "/"), "/");
        assert_eq!(destination("/app/sub", ".."), "/app");
    }

    #[test]
    fn the_pivot_is_kept() {
        assert_eq!(with_pivot("a/./b/c"), "a/./b/c");
        assert_eq!(with_pivot("/a//x/.././b"), "a/./b");
        assert_eq!(with_pivot("./a/b"), "a/b");
        assert_eq!(with_pivot("/./a"), "a");
    }
}
