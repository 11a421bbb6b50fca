//! One door to `syscall(2)`.

use std::ffi::{CStr, c_long};
use std::os::fd::RawFd;

/// An error number of the kernel.
pub(crate) type Errno = i32;

/// Something that can stand as an argument of a system call.
pub(crate) trait Argument {
    fn argument(&self) -> usize;
}

macro_rules! integer_arguments {
    ($($type:ty),*) => {$(
        impl Argument for $type {
            #[allow(
                clippy::cast_sign_loss, clippy::cast_possible_truncation, clippy::cast_possible_wrap,
                reason = "the kernel reads registers: sign extension is what C does, and both targets have 64 bits"
            )]
            fn argument(&self) -> usize {
                *self as isize as usize
            }
        }
    )*};
}

integer_arguments!(i32, u32, i64, u64, usize, isize);

impl Argument for &CStr {
    fn argument(&self) -> usize {
        self.as_ptr() as usize
    }
}

impl<T> Argument for *const T {
    fn argument(&self) -> usize {
        *self as usize
    }
}

impl<T> Argument for *mut T {
    fn argument(&self) -> usize {
        *self as usize
    }
}

/// Makes a system call. Takes no lock and allocates nothing, so that a child between clone and exec may call it.
///
/// # Safety
///
/// The arguments must be what the call `number` takes; what they point to must be alive, and writable where it writes.
pub(crate) unsafe fn system_call(number: c_long, arguments: [usize; 6]) -> Result<usize, Errno> {
    let [first, second, third, fourth, fifth, sixth] = arguments;
    // SAFETY: the caller vouches for the arguments; surplus ones are ignored by the kernel.
    let result = unsafe { libc::syscall(number, first, second, third, fourth, fifth, sixth) };
    if result == -1 {
        // SAFETY: the location of errno is valid for the calling thread, in a forked child too.
        Err(unsafe { *libc::__errno_location() })
    } else {
        #[expect(
            clippy::cast_sign_loss,
            clippy::cast_possible_truncation,
            reason = "a register, on targets with 64 bits; only -1 is an error"
        )]
        Ok(result as usize)
    }
}

/// `call!(SYS_x, a, b)`: fills the arguments up with zeros.
macro_rules! call {
    ($number:ident $(, $argument:expr)* $(,)?) => {{
        let mut arguments = [0usize; 6];
        let given: &[usize] = &[$($crate::sys::raw::Argument::argument(&$argument)),*];
        arguments[..given.len()].copy_from_slice(given);
        $crate::sys::raw::system_call(libc::$number, arguments)
    }};
}
pub(crate) use call;

/// A result that is a file descriptor.
#[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "descriptors are small")]
pub(crate) fn descriptor(result: usize) -> RawFd {
    result as RawFd
}
