//! Which paths a layer may hold.

use crate::error::LayerError;

/// Longest path in bytes: one below `PATH_MAX`, since longer ones cannot be passed to the kernel.
pub(crate) const MAXIMUM_PATH: usize = 4095;
/// Longest component in bytes (`NAME_MAX`).
pub(crate) const MAXIMUM_NAME: usize = 255;

/// Checks a path in the form of `Entry::path`.
pub(crate) fn check(path: &[u8]) -> Result<(), LayerError> {
    if path.is_empty() {
        return Ok(());
    }
    if path.len() > MAXIMUM_PATH {
        return Err(LayerError::path(path, "it is longer than 4095 bytes"));
    }
    for component in path.split(|&byte| byte == b'/') {
        check_component(path, component)?;
    }
    Ok(())
}

fn check_component(path: &[u8], component: &[u8]) -> Result<(), LayerError> {
    let reason = match component {
        b"" => "it has an empty component",
        b"." => "it has a `.` component",
        b".." => "it has a `..` component",
        _ if component.len() > MAXIMUM_NAME => "a component is longer than 255 bytes",
        _ if component.contains(&0) => "it holds a NUL byte",
        _ => return Ok(()),
    };
    Err(LayerError::path(path, reason))
}

/// Brings a name from a tar into the form of `Entry::path`: an absolute name becomes relative, `.` components
/// and repeated slashes vanish; `..` is refused.
pub(crate) fn normalise(name: &[u8]) -> Result<Vec<u8>, LayerError> {
    let mut path = Vec::with_capacity(name.len());
    for component in name.split(|&byte| byte == b'/') {
        if component.is_empty() || component == b"." {
            continue;
        }
        check_component(name, component)?;
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(component);
    }
    if path.len() > MAXIMUM_PATH {
        return Err(LayerError::path(name, "it is longer than 4095 bytes"));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_and_dotted_names_become_relative() {
        assert_eq!(normalise(b"/./a//b/./c/").unwrap(), b"a/b/c");
        assert_eq!(normalise(b"./").unwrap(), b"");
    }

    #[test]
    fn names_that_leave_the_root_are_refused() {
        for name in [&b"../a"[..], b"a/../b", b"a/..", b"a\0b"] {
            assert!(normalise(name).is_err(), "{name:?}");
            assert!(check(name).is_err(), "{name:?}");
        }
        assert!(normalise(&[b'x'; 256]).is_err());
        assert!(normalise(&b"ab/".repeat(2000)).is_err());
        assert!(check(b"/a").is_err());
        assert!(check(b"a/").is_err());
    }
}
