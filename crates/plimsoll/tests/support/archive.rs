//! Tar archives made by hand, odd ones too.

/// A tar in the making. Owners are 12:34, times 2017.
#[derive(Default)]
pub(crate) struct Archive(Vec<u8>);

impl Archive {
    pub(crate) fn file(&mut self, name: &str, text: &str) -> &mut Self {
        self.entry(name, b'0', 0o644, "", text.as_bytes())
    }

    pub(crate) fn directory(&mut self, name: &str, mode: u32) -> &mut Self {
        self.entry(name, b'5', mode, "", b"")
    }

    pub(crate) fn symlink(&mut self, name: &str, target: &str) -> &mut Self {
        self.entry(name, b'2', 0o644, target, b"")
    }

    pub(crate) fn hard_link(&mut self, name: &str, target: &str) -> &mut Self {
        self.entry(name, b'1', 0o644, target, b"")
    }

    /// One entry whose names are taken as they are.
    pub(crate) fn entry(&mut self, name: &str, kind: u8, mode: u32, link: &str, bytes: &[u8]) -> &mut Self {
        let mut block = [0_u8; 512];
        let mut put = |at: usize, text: &[u8]| block[at..at + text.len()].copy_from_slice(text);
        put(0, name.as_bytes());
        put(100, format!("{mode:07o}\0").as_bytes());
        put(108, b"0000014\0");
        put(116, b"0000042\0");
        put(124, format!("{:011o}\0", bytes.len()).as_bytes());
        put(136, format!("{:011o}\0", 1_500_000_000).as_bytes());
        put(148, b"        ");
        put(156, &[kind]);
        put(157, link.as_bytes());
        put(257, b"ustar\x0000");
        put(329, b"0000001\0");
        put(337, b"0000003\0");
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self.0.extend_from_slice(&block);
        self.0.extend_from_slice(bytes);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    /// The tar with its end mark.
    pub(crate) fn finish(&self) -> Vec<u8> {
        let mut bytes = self.0.clone();
        bytes.resize(bytes.len() + 1024, 0);
        bytes
    }
}
