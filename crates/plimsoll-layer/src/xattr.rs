//! Extended attributes: which ones belong to an image, and how they are read from a disk.

use rustix::io::Errno;

/// Attribute that holds the owner `uid:gid` where the disk cannot.
pub(crate) const OWNER: &[u8] = b"user.plimsoll.owner";
/// Attribute of a placeholder file that holds the device it stands for, `c:major:minor` or `b:major:minor`.
pub(crate) const DEVICE: &[u8] = b"user.plimsoll.device";
/// File capabilities (capabilities(7)).
pub(crate) const CAPABILITY: &[u8] = b"security.capability";

/// Whether an attribute is overlayfs's or this program's and therefore in no layer.
///
/// A layer that brought its own `trusted.overlay.redirect` could show files from outside its directory.
pub(crate) fn is_internal(name: &[u8]) -> bool {
    [&b"trusted.overlay."[..], b"user.overlay.", b"user.plimsoll."]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// Whether an attribute found on a disk goes into a layer: capabilities and what users set.
///
/// Labels of security modules and access control lists describe the machine that built the layer.
pub(crate) fn is_portable(name: &[u8]) -> bool {
    name == CAPABILITY || (name.starts_with(b"user.") && !is_internal(name))
}

/// Capabilities as a layer has them: without the user namespace they were set in.
///
/// Version 3 (`VFS_CAP_REVISION_3`) is version 2 with the namespace's root user at the end.
pub(crate) fn portable_capability(value: Vec<u8>) -> Vec<u8> {
    const REVISION_2: u8 = 2;
    const REVISION_3: u8 = 3;
    // The revision is the highest byte of a little-endian word; the lowest bit of the word is "effective".
    match <[u8; 24]>::try_from(value.as_slice()) {
        Ok(mut bytes) if bytes[3] == REVISION_3 => {
            bytes[3] = REVISION_2;
            bytes[..20].to_vec()
        }
        _ => value,
    }
}

/// What the disk holds beside a file, split by meaning.
#[derive(Debug, Default)]
pub(crate) struct Attributes {
    /// Those of the image, sorted.
    pub(crate) image: Vec<(Vec<u8>, Vec<u8>)>,
    /// The overlay's opaque mark is set.
    pub(crate) is_opaque: bool,
    pub(crate) owner: Option<(u32, u32)>,
    /// Whether a character device, major and minor number.
    pub(crate) device: Option<(bool, u32, u32)>,
}

/// Reads all attributes of what `path` names, without following a link; none where there is no support.
pub(crate) fn read(path: &[u8], opaque: &[u8], buffer: &mut Vec<u8>) -> Result<Attributes, Errno> {
    let mut found = Attributes::default();
    let length = grown(buffer, |buffer| rustix::fs::llistxattr(path, buffer))?;
    if length == 0 {
        return Ok(found);
    }
    let names = buffer[..length].to_vec();
    for name in names.split(|&byte| byte == 0).filter(|name| !name.is_empty()) {
        if !(name == opaque || name == OWNER || name == DEVICE || is_portable(name)) {
            continue;
        }
        let length = match grown(buffer, |buffer| rustix::fs::lgetxattr(path, name, buffer)) {
            Err(Errno::NODATA) => continue,
            result => result?,
        };
        let value = &buffer[..length];
        if name == opaque {
            found.is_opaque = value == b"y";
        } else if name == OWNER {
            found.owner = parse_owner(value);
        } else if name == DEVICE {
            found.device = parse_device(value);
        } else if name == CAPABILITY {
            found.image.push((name.to_vec(), portable_capability(value.to_vec())));
        } else {
            found.image.push((name.to_vec(), value.to_vec()));
        }
    }
    found.image.sort();
    Ok(found)
}

/// Calls with a larger buffer until the answer fits.
fn grown(
    buffer: &mut Vec<u8>,
    mut call: impl FnMut(&mut [u8]) -> Result<usize, Errno>,
) -> Result<usize, Errno> {
    const LARGEST: usize = 1 << 20;
    if buffer.is_empty() {
        buffer.resize(1024, 0);
    }
    loop {
        match call(buffer) {
            Err(Errno::RANGE) if buffer.len() < LARGEST => buffer.resize(buffer.len() * 8, 0),
            Err(Errno::OPNOTSUPP) => return Ok(0),
            result => return result,
        }
    }
}

pub(crate) fn owner_value(uid: u32, gid: u32) -> Vec<u8> {
    format!("{uid}:{gid}").into_bytes()
}

pub(crate) fn device_value(is_character: bool, major: u32, minor: u32) -> Vec<u8> {
    format!("{}:{major}:{minor}", if is_character { 'c' } else { 'b' }).into_bytes()
}

fn parse_owner(value: &[u8]) -> Option<(u32, u32)> {
    let (uid, gid) = std::str::from_utf8(value).ok()?.split_once(':')?;
    Some((uid.parse().ok()?, gid.parse().ok()?))
}

fn parse_device(value: &[u8]) -> Option<(bool, u32, u32)> {
    let (kind, numbers) = std::str::from_utf8(value).ok()?.split_once(':')?;
    let (major, minor) = numbers.split_once(':')?;
    let is_character = match kind {
        "c" => true,
        "b" => false,
        _ => return None,
    };
    Some((is_character, major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaced_capabilities_lose_their_namespace() {
        let mut third = vec![1, 0, 0, 3];
        third.extend_from_slice(&[7; 16]);
        third.extend_from_slice(&1000_u32.to_le_bytes());
        let mut second = vec![1, 0, 0, 2];
        second.extend_from_slice(&[7; 16]);
        assert_eq!(portable_capability(third), second);
        assert_eq!(portable_capability(second.clone()), second);
    }

    #[test]
    fn stored_owners_and_devices_are_read_back() {
        assert_eq!(parse_owner(&owner_value(1, u32::MAX)), Some((1, u32::MAX)));
        assert_eq!(parse_owner(b"1"), None);
        assert_eq!(parse_device(&device_value(true, 1, 3)), Some((true, 1, 3)));
        assert_eq!(parse_device(&device_value(false, 8, 0)), Some((false, 8, 0)));
        assert_eq!(parse_device(b"x:1:2"), None);
    }

    #[test]
    fn attributes_of_the_machine_stay_on_the_machine() {
        for name in
            ["security.selinux", "trusted.overlay.opaque", "user.overlay.origin", "user.plimsoll.owner"]
        {
            assert!(!is_portable(name.as_bytes()), "{name}");
        }
        assert!(is_portable(b"user.note"));
        assert!(is_portable(CAPABILITY));
    }
}
