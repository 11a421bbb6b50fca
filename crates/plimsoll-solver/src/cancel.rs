//! One flag that everything which waits can watch.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Asks a running build to stop. Clones share the flag.
#[derive(Clone, Debug)]
pub struct Cancel(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    raised: AtomicBool,
    /// Readable once the flag is raised, so that it can be waited for beside other descriptors.
    event: OwnedFd,
}

impl Cancel {
    /// A flag that is not raised. Fails only when the process is out of file descriptors.
    pub fn new() -> std::io::Result<Self> {
        use rustix::event::{EventfdFlags, eventfd};
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self(Arc::new(Inner { raised: AtomicBool::new(false), event })))
    }

    /// Raises the flag; it never goes down again.
    pub fn raise(&self) {
        self.0.raised.store(true, Ordering::SeqCst);
        // An eventfd refuses a write only when its counter is full, and then it is readable already.
        let _full = rustix::io::write(&self.0.event, &1_u64.to_ne_bytes());
    }

    /// Whether it is raised.
    pub fn is_raised(&self) -> bool {
        self.0.raised.load(Ordering::SeqCst)
    }
}

impl AsFd for Cancel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.event.as_fd()
    }
}
