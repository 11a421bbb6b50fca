//! What composing tells while it works.

/// A step of the work, for progress displays and logs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A signed release file was read and its signature is good.
    ReleaseVerified {
        /// The suite as asked for.
        suite: String,
        /// The address, without credentials.
        uri: String,
        /// Fingerprint of the key that made the accepted signature, in hexadecimal digits.
        fingerprint: String,
        /// Whether the mirror was asked, or the answer came from the cache alone.
        from_cache: bool,
    },
    /// A package index is being read.
    Index {
        /// The suite.
        suite: String,
        /// The component, such as `main`.
        component: String,
        /// Bytes to download, 0 if it was in the cache.
        size_bytes: u64,
    },
    /// Dependencies are resolved.
    Resolved {
        /// How many packages the base holds.
        packages: usize,
        /// Bytes of all packages.
        download_bytes: u64,
    },
    /// A dependency was not followed.
    LeftOut {
        /// The package that was not taken.
        package: String,
        /// The package that asks for it.
        wanted_by: String,
    },
    /// Fetching starts.
    FetchStarted {
        /// Packages to download.
        packages: usize,
        /// Bytes to download.
        total_bytes: u64,
        /// Packages that the cache has already.
        cached: usize,
    },
    /// Bytes of a package arrived.
    FetchProgress {
        /// The package.
        package: String,
        /// Bytes since the last event for this package.
        bytes: u64,
    },
    /// A package is complete and its digest is right.
    Fetched {
        /// The package.
        package: String,
    },
    /// A download failed and is tried again.
    Retry {
        /// What was fetched, without credentials.
        uri: String,
        /// Which attempt comes next, counted from 1.
        attempt: u32,
        /// Why the last one failed.
        reason: String,
    },
    /// A package was read for assembly.
    Unpacked {
        /// The package.
        package: String,
        /// Packages read so far.
        done: usize,
        /// Packages in all.
        total: usize,
    },
    /// Something the user should know, in one line.
    Notice {
        /// The line.
        text: String,
    },
}

/// Receives events, from several threads at once.
pub type Events<'a> = &'a (dyn Fn(Event) + Send + Sync);
