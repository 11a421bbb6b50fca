//! One gzip member a block; what does not shrink is stored as it is.
//!
//! Archives, pictures and keys are most of the bytes of many layers. Deflate reads them at its slowest and gains nothing,
//! so a block is tried in a few places first. Whether it is stored depends on its bytes alone, never on time or threads.

use std::io;

use libdeflater::{CompressionLvl, Compressor};

/// Bytes of one place that is tried, and how many such places a block has.
const PROBE: usize = 4 << 10;
const PROBES: usize = 8;

/// Names the rule of what is stored; another rule gives other bytes.
pub(super) const IDENTITY: &str = "gzip-8x4096";

/// One thread's gzip compressor.
pub(crate) struct Gzip {
    packing: Compressor,
    storing: Compressor,
}

impl Gzip {
    pub(super) fn new(level: CompressionLvl) -> Self {
        let stored = CompressionLvl::new(0).expect("libdeflate's level 0 stores");
        Self { packing: Compressor::new(level), storing: Compressor::new(stored) }
    }

    /// Replaces the content of `out` by the member of a block.
    pub(super) fn compress(&mut self, block: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        let failed = |error| io::Error::other(format!("gzip: {error}"));
        let shrinks = self.shrinks(block, out).map_err(failed)?;
        let compressor = if shrinks { &mut self.packing } else { &mut self.storing };
        out.resize(compressor.gzip_compress_bound(block.len()), 0);
        let size = compressor.gzip_compress(block, out).map_err(failed)?;
        out.truncate(size);
        Ok(())
    }

    /// Whether places all over the block become smaller by more than a hundredth; blocks too small to save time do.
    fn shrinks(&mut self, block: &[u8], out: &mut Vec<u8>) -> Result<bool, libdeflater::CompressionError> {
        let stride = block.len() / PROBES;
        if stride < 2 * PROBE {
            return Ok(true);
        }
        out.resize(self.packing.deflate_compress_bound(PROBE), 0);
        let mut packed = 0;
        for probe in block.chunks_exact(stride).take(PROBES).map(|part| &part[..PROBE]) {
            packed += self.packing.deflate_compress(probe, out)?;
        }
        Ok(packed * 100 < PROBES * PROBE * 99)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    /// Bytes that no compressor makes smaller.
    fn noise(length: usize) -> Vec<u8> {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes()
        };
        (0..length / 8).flat_map(|_| next()).collect()
    }

    fn compressed(block: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        Gzip::new(CompressionLvl::new(4).unwrap()).compress(block, &mut out).unwrap();
        let mut back = Vec::new();
        flate2::read::MultiGzDecoder::new(out.as_slice()).read_to_end(&mut back).unwrap();
        assert!(back == block);
        out
    }

    #[test]
    fn noise_is_stored_and_costs_a_few_bytes_only() {
        let block = noise(1 << 20);
        let out = compressed(&block);
        assert!((block.len()..block.len() + 256).contains(&out.len()), "{}", out.len());
    }

    #[test]
    fn a_block_of_which_an_eighth_is_text_is_packed() {
        let mut block = noise(1 << 20);
        block[..1 << 17].fill(b'a');
        assert!(compressed(&block).len() < block.len() - (1 << 16));
    }

    #[test]
    fn small_blocks_are_always_packed() {
        assert!(compressed(&[b'a'; 4000]).len() < 100);
        assert!(compressed(&[]).len() < 40);
    }
}
