//! What several behaviours need: random layers, contents, hand-made tars, overlay mounts.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::os::fd::AsFd as _;
use std::path::Path;

use plimsoll_layer::{
    ChainIndex, Entry, IndexBuilder, Kind, LayerIndex, Limits, Owners, TarOptions, Timestamp, UnpackOptions,
    XattrNamespace, write_tar,
};
use proptest::prelude::*;

/// Content that only depends on the path and the size.
pub(crate) fn content(entry: &Entry) -> io::Result<Box<dyn Read>> {
    let Kind::File { size } = entry.kind else { return Err(io::Error::other("not a file")) };
    let seed: u64 =
        entry.path.iter().fold(7, |sum, &byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let bytes: Vec<u8> = (0..size)
        .map(|position| (seed.wrapping_add(position * position) >> 3) & 0xff)
        .map(|byte| u8::try_from(byte).unwrap())
        .collect();
    Ok(Box::new(io::Cursor::new(bytes)))
}

pub(crate) fn tar_of(index: &LayerIndex) -> Vec<u8> {
    let mut out = Vec::new();
    write_tar(index, &mut content, TarOptions::default(), &mut out).unwrap();
    out
}

pub(crate) fn unpack_options(base: Option<&ChainIndex>) -> UnpackOptions<'_> {
    UnpackOptions {
        owners: Owners::Real,
        xattr_namespace: XattrNamespace::Trusted,
        limits: Limits::default(),
        base,
    }
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Says loudly that a test did not run; in continuous integration that is a failure.
pub(crate) fn skip(reason: &str) {
    assert!(std::env::var_os("CI").is_none(), "cannot run here: {reason}");
    eprintln!("SKIPPED: {reason}");
}

fn kinds(with_links: bool) -> impl Strategy<Value = Kind> {
    let targets = prop_oneof![
        "[abc]",
        "[abc]/[abc]",
        "/[abc]/[abc]",
        Just("..".to_owned()),
        Just("../../[a]".to_owned()),
        "\\.\\./[abc]",
        Just("/".to_owned()),
        Just("./b/../c".to_owned()),
        "[abc]/",
    ];
    let size = prop_oneof![Just(0_u64), 1..2000_u64, Just(512), Just(1024)];
    let link_weight = if with_links { 3 } else { 1 };
    prop_oneof![
        4 => size.prop_map(|size| Kind::File { size }),
        4 => Just(Kind::Directory { opaque: false }),
        1 => Just(Kind::Directory { opaque: true }),
        link_weight => targets.prop_map(|target| Kind::Symlink { target: target.into_bytes() }),
        1 => Just(Kind::Fifo),
        2 => Just(Kind::Whiteout),
        1 => (1..300_u32, 0..70_000_u32).prop_map(|(major, minor)| Kind::CharDevice { major, minor }),
        1 => (1..300_u32, 0..300_u32).prop_map(|(major, minor)| Kind::BlockDevice { major, minor }),
        2 => "[abc](/[abc]){0,2}".prop_map(|target| Kind::Hardlink { target: target.into_bytes() }),
    ]
}

fn xattrs() -> impl Strategy<Value = Vec<(Vec<u8>, Vec<u8>)>> {
    let one = ("user\\.[a-c]{1,3}", prop::collection::vec(any::<u8>(), 0..40));
    let map = prop::collection::btree_map(Just(()).prop_flat_map(move |()| one.0), one.1, 0..3);
    map.prop_map(|map: BTreeMap<String, Vec<u8>>| {
        map.into_iter().map(|(name, value)| (name.into_bytes(), value)).collect()
    })
}

/// A layer of a small universe of names, so that paths collide often.
pub(crate) fn layers(with_links: bool, most: usize) -> impl Strategy<Value = LayerIndex> {
    let path = prop_oneof![
        10 => "[abc](/[abc]){0,3}",
        1 => "[abc]-[abc]",
        1 => "[abc]{90,120}/[abc]{90,120}(/[abc]{50,120}){0,1}",
        1 => "[abc]{120,200}",
        1 => "(ä|ö|\\\\|\n| |:|,)(/b){0,1}",
    ];
    let ids = prop_oneof![Just(0_u32), 0..70_000_u32, Just(3_000_000_u32)];
    let time = prop_oneof![-1000..1000_i64, Just(1_700_000_000)];
    let modes = prop_oneof![Just(0o755), Just(0o644), 0..0o7777_u32];
    let entry = (path, kinds(with_links), modes, ids.clone(), ids, time, xattrs());
    prop::collection::vec(entry, 0..most).prop_map(|entries| {
        let mut builder = IndexBuilder::new();
        for (path, kind, mode, uid, gid, seconds, xattrs) in entries {
            let mut entry = Entry::new(path.into_bytes(), kind, mode);
            (entry.uid, entry.gid, entry.mtime) = (uid, gid, Timestamp::from_seconds(seconds));
            match entry.kind {
                Kind::Symlink { .. } => entry.mode = 0o777,
                Kind::Whiteout => entry = Entry::whiteout(entry.path),
                Kind::File { .. } | Kind::Directory { .. } => entry.xattrs = xattrs,
                _ => {}
            }
            // Entries that contradict earlier ones are left out, as no tar could hold them.
            let _ = builder.add(entry);
        }
        builder.finish()
    })
}

/// A tar written by hand, so that it can be wrong.
#[derive(Default)]
pub(crate) struct RawTar(pub(crate) Vec<u8>);

impl RawTar {
    pub(crate) fn entry(mut self, name: &[u8], type_flag: u8, link: &[u8], bytes: &[u8]) -> Self {
        self.header(name, type_flag, link, bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub(crate) fn file(self, name: &[u8], bytes: &[u8]) -> Self {
        self.entry(name, b'0', b"", bytes)
    }

    pub(crate) fn directory(self, name: &[u8]) -> Self {
        self.entry(name, b'5', b"", b"")
    }

    pub(crate) fn symlink(self, name: &[u8], target: &[u8]) -> Self {
        self.entry(name, b'2', target, b"")
    }

    pub(crate) fn hardlink(self, name: &[u8], target: &[u8]) -> Self {
        self.entry(name, b'1', target, b"")
    }

    pub(crate) fn pax(self, records: &[u8]) -> Self {
        self.entry(b"PaxHeader", b'x', b"", records)
    }

    pub(crate) fn header(&mut self, name: &[u8], type_flag: u8, link: &[u8], size: u64) {
        let mut block = [0_u8; 512];
        block[..name.len().min(100)].copy_from_slice(&name[..name.len().min(100)]);
        block[100..107].copy_from_slice(b"0000644");
        block[108..115].copy_from_slice(b"0000000");
        block[116..123].copy_from_slice(b"0000000");
        if size < 1 << 33 {
            block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
        } else {
            // As GNU tar writes what eleven octal digits cannot hold: base 256, with the first bit set.
            block[124] = 0x80;
            block[128..136].copy_from_slice(&size.to_be_bytes());
        }
        block[136..147].copy_from_slice(b"00000000000");
        block[148..156].fill(b' ');
        block[156] = type_flag;
        block[157..157 + link.len().min(100)].copy_from_slice(&link[..link.len().min(100)]);
        block[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
        block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        self.0.extend_from_slice(&block);
    }

    pub(crate) fn end(mut self) -> Vec<u8> {
        self.0.extend_from_slice(&[0; 1024]);
        self.0
    }
}

/// An overlay mount that is taken away at the end of the test.
pub(crate) struct Overlay<'a> {
    pub(crate) at: &'a Path,
}

impl<'a> Overlay<'a> {
    /// Mounts `lowers` (bottom first), with an upper directory when one is given; `None` where that is not permitted.
    pub(crate) fn mount(
        at: &'a Path,
        lowers: &[std::path::PathBuf],
        upper: Option<(&Path, &Path)>,
    ) -> Option<Self> {
        use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags};
        let run = || -> rustix::io::Result<()> {
            let context = rustix::mount::fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
            for lower in lowers.iter().rev() {
                rustix::mount::fsconfig_set_string(context.as_fd(), "lowerdir+", lower)?;
            }
            if let Some((upper, work)) = upper {
                rustix::mount::fsconfig_set_string(context.as_fd(), "upperdir", upper)?;
                rustix::mount::fsconfig_set_string(context.as_fd(), "workdir", work)?;
            }
            for option in ["redirect_dir", "metacopy", "index"] {
                rustix::mount::fsconfig_set_string(context.as_fd(), option, "off")?;
            }
            rustix::mount::fsconfig_create(context.as_fd())?;
            let mount = rustix::mount::fsmount(
                context.as_fd(),
                FsMountFlags::FSMOUNT_CLOEXEC,
                MountAttrFlags::empty(),
            )?;
            let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
            rustix::mount::move_mount(mount.as_fd(), "", rustix::fs::CWD, at, flags)
        };
        match run() {
            Ok(()) => Some(Self { at }),
            Err(error) => {
                skip(&format!("no overlay mount: {error}"));
                None
            }
        }
    }
}

impl Drop for Overlay<'_> {
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(self.at, rustix::mount::UnmountFlags::DETACH);
    }
}
