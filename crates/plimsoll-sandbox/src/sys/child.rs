//! The child between clone and exec.
//!
//! Rules of this file: raw system calls only. No allocation, no lock, no formatting, no panic: another thread of the
//! parent may have held any lock when the copy of memory was made, and nobody will ever release it here.

use std::convert::Infallible;
use std::ffi::CStr;
use std::os::fd::RawFd;

use super::mount::{NO_DEVICES, NO_EXECUTION, NO_SUID, READ_ONLY, add_attributes};
use super::raw::{Errno, call, descriptor};
use super::spawn::{CloneArguments, PointerArray, Report};
use crate::overlay::OPTION_PAGE;
use crate::program::{ClassicOverlay, FilterInstruction, Operation, Program};

const RESOLVE_NO_MAGIC_LINKS: u64 = 0x02;
const RESOLVE_NO_SYMBOLIC_LINKS: u64 = 0x04;
const RESOLVE_IN_ROOT: u64 = 0x10;
const OPEN_TREE_CLONE: u32 = 1;
const MOVE_MOUNT_FROM_EMPTY: u32 = 0x04;
const MOVE_MOUNT_TO_EMPTY: u32 = 0x40;
const FSCONFIG_FLAG: u32 = 0;
const FSCONFIG_STRING: u32 = 1;
const FSCONFIG_CREATE: u32 = 6;
const CLOSE_RANGE_CLOEXEC: u32 = 4;
const CAPABILITY_VERSION_3: u32 = 0x2008_0522;
const JOIN_SESSION_KEYRING: u32 = 1;
const FILTER_FLAG_SPECULATION: u32 = 1 << 2;
const FILTER_FLAG_NEW_LISTENER: u32 = 1 << 3;
const FILTER_FLAG_WAIT_KILLABLE: u32 = 1 << 5;

/// Goes through the program and executes it. Never returns.
pub(super) fn run(program: &Program, argv: &PointerArray, env: &PointerArray, channel: RawFd) -> Infallible {
    let mut state = State { root: -1, parked: -1, channel };
    for (index, labelled) in (0..).zip(&program.operations) {
        if let Err(errno) = state.perform(&labelled.operation) {
            fail(channel, index, errno);
        }
    }
    let mut denied = None;
    let mut last = libc::ENOENT;
    for candidate in &program.candidates {
        // SAFETY: the path and both arrays are null-terminated and alive; on success this memory is gone.
        match unsafe { call!(SYS_execve, candidate.as_c_str(), argv.as_ptr(), env.as_ptr()) } {
            Err(libc::EACCES) => denied = Some(libc::EACCES),
            Err(errno) => {
                last = errno;
                if !matches!(errno, libc::ENOENT | libc::ENOTDIR) {
                    break;
                }
            }
            Ok(_) => {}
        }
    }
    fail(channel, Report::EXECUTE, denied.unwrap_or(last))
}

/// Tells the parent and ends.
fn fail(channel: RawFd, operation: u32, errno: Errno) -> ! {
    let report = Report { operation, errno };
    // SAFETY: the report is alive and of the size given; the second call ends the process.
    unsafe {
        let _ = call!(SYS_write, channel, &raw const report, std::mem::size_of::<Report>());
        loop {
            let _ = call!(SYS_exit_group, 127);
        }
    }
}

/// What later operations need of earlier ones.
struct State {
    root: RawFd,
    parked: RawFd,
    channel: RawFd,
}

impl State {
    fn perform(&mut self, operation: &Operation) -> Result<(), Errno> {
        match operation {
            Operation::ParentDeathSignal => {
                die_with_parent()?;
                stop_if_orphan(self.channel)
            }
            Operation::Signals => reset_signals(),
            Operation::Guard => go_on_guarded(),
            Operation::Session => start_session(),
            Operation::AwaitByte { from } => await_byte(*from),
            Operation::Descriptors { pairs, close_from } => place_descriptors(pairs, *close_from),
            Operation::PrivateMounts => make_mounts_private(),
            Operation::Root { mount, at } => {
                move_onto_host(*mount, at)?;
                self.root = *mount;
                Ok(())
            }
            Operation::ClassicRoot { overlay, at } => {
                self.root = mount_classic(overlay, at)?;
                Ok(())
            }
            Operation::ClassicPark { overlay, at } => {
                self.parked = mount_classic(overlay, at)?;
                Ok(())
            }
            Operation::Park { mount, at } => move_onto_host(*mount, at),
            Operation::Attach { mount, target } => self.attach(*mount, target),
            Operation::AttachPart { mount, path, target, attributes } => {
                self.attach_part(*mount, path, target, *attributes)
            }
            Operation::Kernel { kind, target, attributes, fallback } => {
                match (new_mount(kind, *attributes), fallback) {
                    (Ok(mount), _) => self.attach(mount, target),
                    (Err(libc::EPERM), Some(mount)) => self.attach(*mount, target),
                    (Err(errno), _) => Err(errno),
                }
            }
            Operation::Mask { target } => self.mask(target),
            Operation::ReadOnly { target } => self.make_read_only(target),
            Operation::HostName { name } => {
                // SAFETY: the name is alive and has the length given.
                unsafe { call!(SYS_sethostname, name.as_c_str(), name.as_bytes().len()) }.map(drop)
            }
            Operation::Loopback => bring_up_loopback(),
            Operation::Pivot => self.pivot(),
            Operation::Directory { path } => {
                // SAFETY: the path is null-terminated.
                unsafe { call!(SYS_chdir, path.as_c_str()) }.map(drop)
            }
            Operation::Bounding { keep } => drop_bounding(*keep),
            Operation::NoNewPrivileges => {
                // SAFETY: no pointers.
                unsafe { call!(SYS_prctl, libc::PR_SET_NO_NEW_PRIVS, 1) }.map(drop)
            }
            Operation::Filter { instructions } => {
                load_filter(instructions, FILTER_FLAG_SPECULATION).map(drop)
            }
            Operation::Listener { instructions } => self.load_listener(instructions),
            Operation::EnterGroup { door } => enter_group(*door),
            Operation::Limit { resource, soft, hard } => set_limit(*resource, *soft, *hard),
            Operation::Terminal { owner } => self.open_terminal(*owner),
            Operation::KeepCapabilities => {
                // SAFETY: no pointers.
                unsafe { call!(SYS_prctl, libc::PR_SET_KEEPCAPS, 1) }.map(drop)
            }
            Operation::AmbientCapabilities { keep } => set_ambient(*keep),
            Operation::Ids { uid, gid, groups } => take_ids(*uid, *gid, groups.as_deref()),
            Operation::Capabilities { keep } => set_capabilities(*keep),
            Operation::ProbeOverlay => probe_overlay(),
            Operation::ProbeProc => new_mount(c"proc", 0).map(close),
            Operation::Stop => stop(),
        }
    }

    /// Opens a path below the new root; no symbolic link is followed.
    fn open(&self, path: &CStr) -> Result<RawFd, Errno> {
        open_below(self.root, path, RESOLVE_IN_ROOT | RESOLVE_NO_MAGIC_LINKS | RESOLVE_NO_SYMBOLIC_LINKS)
    }

    fn attach(&self, mount: RawFd, target: &CStr) -> Result<(), Errno> {
        let at = self.open(target)?;
        move_onto(mount, at)?;
        close(at);
        Ok(())
    }

    fn attach_part(&self, mount: RawFd, path: &CStr, target: &CStr, attributes: u64) -> Result<(), Errno> {
        let mount = if mount == Operation::LAST_PARKED { self.parked } else { mount };
        let part = open_below(mount, path, RESOLVE_IN_ROOT | RESOLVE_NO_MAGIC_LINKS)?;
        let tree = clone_tree(part)?;
        close(part);
        if attributes != 0 {
            add_attributes(tree, attributes, true)?;
        }
        self.attach(tree, target)?;
        close(tree);
        Ok(())
    }

    fn mask(&self, target: &CStr) -> Result<(), Errno> {
        let at = match self.open(target) {
            Ok(at) => at,
            Err(libc::ENOENT | libc::ENOTDIR) => return Ok(()),
            Err(errno) => return Err(errno),
        };
        let cover = if is_directory(at)? {
            new_mount(c"tmpfs", READ_ONLY | NO_SUID | NO_DEVICES | NO_EXECUTION)?
        } else {
            let null = self.open(c"dev/null")?;
            let tree = clone_tree(null)?;
            close(null);
            tree
        };
        move_onto(cover, at)?;
        close(cover);
        close(at);
        Ok(())
    }

    fn make_read_only(&self, target: &CStr) -> Result<(), Errno> {
        let at = match self.open(target) {
            Ok(at) => at,
            Err(libc::ENOENT | libc::ENOTDIR) => return Ok(()),
            Err(errno) => return Err(errno),
        };
        let tree = clone_tree(at)?;
        add_attributes(tree, READ_ONLY, true)?;
        move_onto(tree, at)?;
        close(tree);
        close(at);
        Ok(())
    }

    fn pivot(&self) -> Result<(), Errno> {
        // SAFETY: the strings are constants.
        unsafe {
            call!(SYS_fchdir, self.root)?;
            // With the same directory twice the old root lands on top of the new one and is taken off again.
            call!(SYS_pivot_root, c".", c".")?;
            call!(SYS_umount2, c".", libc::MNT_DETACH)?;
            call!(SYS_chdir, c"/")?;
        }
        Ok(())
    }

    fn load_listener(&self, instructions: &[FilterInstruction]) -> Result<(), Errno> {
        let flags = FILTER_FLAG_SPECULATION | FILTER_FLAG_NEW_LISTENER;
        let listener = match load_filter(instructions, flags | FILTER_FLAG_WAIT_KILLABLE) {
            // Before Linux 5.19 a question may be interrupted by a signal and asked again.
            Err(libc::EINVAL) => load_filter(instructions, flags)?,
            other => other?,
        };
        send_descriptors(self.channel, Report::LISTENER, [descriptor(listener), self.root])?;
        close(descriptor(listener));
        Ok(())
    }

    /// Opens a terminal of the new root's own, so that programs find its name in their `/dev/pts`.
    fn open_terminal(&self, owner: Option<u32>) -> Result<(), Errno> {
        let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
        let resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGIC_LINKS | RESOLVE_NO_SYMBOLIC_LINKS;
        let ours = open_below_with(self.root, c"dev/pts/ptmx", flags, resolve)?;
        let unlocked = 0i32;
        // SAFETY: the first call reads an integer that is alive; the others take numbers. The descriptors are ours.
        unsafe {
            call!(SYS_ioctl, ours, libc::TIOCSPTLCK, &raw const unlocked)?;
            let theirs = descriptor(call!(SYS_ioctl, ours, libc::TIOCGPTPEER, flags)?);
            if let Some(owner) = owner {
                call!(SYS_fchown, theirs, owner, -1)?;
            }
            for standard in 0..3 {
                call!(SYS_dup3, theirs, standard, 0)?;
            }
            call!(SYS_ioctl, 0, libc::TIOCSCTTY, 0)?;
            close(theirs);
        }
        send_descriptors(self.channel, Report::TERMINAL, [ours])?;
        close(ours);
        Ok(())
    }
}

/// Text of bounded length that is written without allocating.
struct Text {
    bytes: [u8; OPTION_PAGE],
    length: usize,
}

impl Text {
    fn push(&mut self, bytes: &[u8]) -> Result<(), Errno> {
        let end = self.length + bytes.len();
        // The last byte stays zero.
        if end >= self.bytes.len() {
            return Err(libc::E2BIG);
        }
        for (to, from) in self.bytes.iter_mut().skip(self.length).zip(bytes) {
            *to = *from;
        }
        self.length = end;
        Ok(())
    }

    /// Opens a directory and writes its number. It stays open until the program is executed.
    fn push_directory(&mut self, path: &CStr) -> Result<(), Errno> {
        let flags = libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC;
        // SAFETY: the path is null-terminated.
        let mut rest = unsafe { call!(SYS_openat, libc::AT_FDCWD, path, flags) }?;
        let mut digits = [0u8; 20];
        let mut start = digits.len();
        loop {
            start -= 1;
            #[expect(clippy::cast_possible_truncation, reason = "a digit")]
            let digit = (rest % 10) as u8;
            digits[start] = b'0' + digit;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.push(&digits[start..])
    }
}

/// Mounts an overlay by mount(2) and opens its root.
fn mount_classic(overlay: &ClassicOverlay, at: &CStr) -> Result<RawFd, Errno> {
    let mut options = Text { bytes: [0; OPTION_PAGE], length: 0 };
    let mut separator: &[u8] = b"lowerdir=";
    for lower in &overlay.lowers {
        options.push(separator)?;
        options.push_directory(lower)?;
        separator = b":";
    }
    options.push(b",upperdir=")?;
    options.push_directory(&overlay.upper)?;
    options.push(b",workdir=")?;
    options.push_directory(&overlay.work)?;
    options.push(overlay.options.as_bytes())?;
    let data: *const u8 = options.bytes.as_ptr();
    // SAFETY: all strings are null-terminated and alive: the options never fill their last byte.
    unsafe {
        let before = descriptor(call!(SYS_openat, libc::AT_FDCWD, c".", libc::O_PATH | libc::O_CLOEXEC)?);
        call!(SYS_chdir, c"/proc/self/fd")?;
        let mounted = call!(SYS_mount, c"overlay", at, c"overlay", overlay.flags, data);
        call!(SYS_fchdir, before)?;
        close(before);
        mounted?;
        let flags = libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC;
        call!(SYS_openat, libc::AT_FDCWD, at, flags).map(descriptor)
    }
}

fn close(fd: RawFd) {
    // SAFETY: closing a number cannot break memory; all of them were made in this process.
    let _ = unsafe { call!(SYS_close, fd) };
}

fn die_with_parent() -> Result<(), Errno> {
    // SAFETY: no pointers.
    unsafe { call!(SYS_prctl, libc::PR_SET_PDEATHSIG, libc::SIGKILL) }.map(drop)
}

/// The parent may have ended before its death would have been noticed: then nobody holds the other end.
fn stop_if_orphan(channel: RawFd) -> Result<(), Errno> {
    let mut state = libc::pollfd { fd: channel, events: 0, revents: 0 };
    let no_time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: both structures are alive; no signal mask is given.
    unsafe { call!(SYS_ppoll, &raw mut state, 1, &raw const no_time, 0usize, 0usize) }?;
    if state.revents & libc::POLLHUP != 0 { Err(libc::EPIPE) } else { Ok(()) }
}

/// `struct sigaction` as the kernel takes it, large enough for both layouts.
#[repr(C)]
struct KernelSigaction {
    words: [u64; 4],
}

fn reset_signals() -> Result<(), Errno> {
    let default = KernelSigaction { words: [0; 4] };
    let none = 0u64;
    let size = std::mem::size_of::<u64>();
    for signal in 1..=64 {
        // SAFETY: the structure is alive; all zeros is SIG_DFL without flags. SIGKILL and SIGSTOP are refused.
        let _ = unsafe { call!(SYS_rt_sigaction, signal, &raw const default, 0usize, size) };
    }
    // SAFETY: the set is alive and of the size given.
    unsafe { call!(SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const none, 0usize, size) }.map(drop)
}

/// Returns in a second process. The first waits for it without any descriptor and ends as it did.
fn go_on_guarded() -> Result<(), Errno> {
    let arguments = CloneArguments {
        flags: libc::CLONE_NEWPID as u64,
        exit_signal: libc::SIGCHLD as u64,
        ..CloneArguments::default()
    };
    // SAFETY: as for the first clone: without CLONE_VM the new process has memory of its own. The structure is alive
    // and of the size given.
    let pid = unsafe { call!(SYS_clone3, &raw const arguments, std::mem::size_of::<CloneArguments>()) }?;
    if pid == 0 {
        return die_with_parent();
    }
    let mut status = 0i32;
    // SAFETY: nothing is used any more but the status, which is alive; the last call ends the process.
    unsafe {
        if call!(SYS_close_range, 0, u32::MAX, 0).is_err() {
            // Before Linux 5.11.
            for fd in 0..1024 {
                close(fd);
            }
        }
        while call!(SYS_wait4, pid, &raw mut status, 0, 0usize) == Err(libc::EINTR) {}
        let code =
            if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { 128 + libc::WTERMSIG(status) };
        loop {
            let _ = call!(SYS_exit_group, code);
        }
    }
}

fn start_session() -> Result<(), Errno> {
    // SAFETY: no pointers but a null one, which asks for a nameless keyring.
    unsafe {
        call!(SYS_setsid)?;
        call!(SYS_umask, 0o022)?;
        // Some kernels have no keyrings, and quotas may be used up: the filter refuses keyctl anyway.
        let _ = call!(SYS_keyctl, JOIN_SESSION_KEYRING, 0usize);
    }
    Ok(())
}

fn await_byte(from: RawFd) -> Result<(), Errno> {
    let mut byte = 0u8;
    loop {
        // SAFETY: one byte is written to a byte that is alive.
        match unsafe { call!(SYS_read, from, &raw mut byte, 1) } {
            Ok(0) => return Err(libc::EPIPE),
            Ok(_) => return Ok(()),
            Err(libc::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

fn place_descriptors(pairs: &[(RawFd, RawFd)], close_from: u32) -> Result<(), Errno> {
    // SAFETY: no pointers. The parent made sure that no source is the target of another pair.
    unsafe {
        for (source, target) in pairs {
            call!(SYS_dup3, *source, *target, 0)?;
        }
        if call!(SYS_close_range, close_from, u32::MAX, CLOSE_RANGE_CLOEXEC).is_err() {
            // Before Linux 5.11. All descriptors of the program itself have the flag; this is for inherited ones.
            for fd in close_from..1024 {
                let _ = call!(SYS_fcntl, fd, libc::F_SETFD, libc::FD_CLOEXEC);
            }
        }
    }
    Ok(())
}

fn make_mounts_private() -> Result<(), Errno> {
    // SAFETY: the path is a constant; the other pointers are null, as this kind of call takes them.
    unsafe { call!(SYS_mount, 0usize, c"/", 0usize, libc::MS_REC | libc::MS_PRIVATE, 0usize) }.map(drop)
}

fn move_onto_host(mount: RawFd, at: &CStr) -> Result<(), Errno> {
    // SAFETY: the path is null-terminated.
    let at =
        unsafe { call!(SYS_openat, libc::AT_FDCWD, at, libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC) }?;
    move_onto(mount, descriptor(at))?;
    close(descriptor(at));
    Ok(())
}

fn move_onto(mount: RawFd, at: RawFd) -> Result<(), Errno> {
    let flags = MOVE_MOUNT_FROM_EMPTY | MOVE_MOUNT_TO_EMPTY;
    // SAFETY: the strings are constants.
    unsafe { call!(SYS_move_mount, mount, c"", at, c"", flags) }.map(drop)
}

/// `struct open_how` of openat2(2).
#[repr(C)]
struct OpenHow {
    flags: u64,
    mode: u64,
    resolve: u64,
}

fn open_below(directory: RawFd, path: &CStr, resolve: u64) -> Result<RawFd, Errno> {
    open_below_with(directory, path, libc::O_PATH | libc::O_CLOEXEC, resolve)
}

fn open_below_with(directory: RawFd, path: &CStr, flags: i32, resolve: u64) -> Result<RawFd, Errno> {
    let how = OpenHow { flags: u64::from(flags.cast_unsigned()), mode: 0, resolve };
    // SAFETY: the path is null-terminated, the structure alive and of the size given.
    unsafe { call!(SYS_openat2, directory, path, &raw const how, std::mem::size_of::<OpenHow>()) }
        .map(descriptor)
}

/// A detached copy of what is mounted at an open path.
fn clone_tree(at: RawFd) -> Result<RawFd, Errno> {
    let flags = OPEN_TREE_CLONE | (libc::O_CLOEXEC | libc::AT_EMPTY_PATH | libc::AT_RECURSIVE) as u32;
    // SAFETY: the path is a constant.
    unsafe { call!(SYS_open_tree, at, c"", flags) }.map(descriptor)
}

/// A detached new file system without options.
fn new_mount(kind: &CStr, attributes: u64) -> Result<RawFd, Errno> {
    // SAFETY: the kind is null-terminated; creating takes no key and no value.
    unsafe {
        let context = descriptor(call!(SYS_fsopen, kind, 1)?);
        // What mount(8) shows before "on".
        call!(SYS_fsconfig, context, FSCONFIG_STRING, c"source", kind, 0)?;
        call!(SYS_fsconfig, context, FSCONFIG_CREATE, 0usize, 0usize, 0)?;
        let mount = call!(SYS_fsmount, context, 1, attributes)?;
        close(context);
        Ok(descriptor(mount))
    }
}

/// Mounts an overlay whose layers lie on a file system in memory.
fn probe_overlay() -> Result<(), Errno> {
    let memory = new_mount(c"tmpfs", 0)?;
    // SAFETY: all strings are constants; values that are not strings are null.
    unsafe {
        call!(SYS_fchdir, memory)?;
        for name in [c"lower", c"upper", c"work"] {
            call!(SYS_mkdirat, libc::AT_FDCWD, name, 0o700)?;
        }
        let context = descriptor(call!(SYS_fsopen, c"overlay", 1)?);
        // Known to every kernel that lets a user namespace mount an overlay, which the new key for layers is not.
        for (key, value) in [(c"lowerdir", c"lower"), (c"upperdir", c"upper"), (c"workdir", c"work")] {
            call!(SYS_fsconfig, context, FSCONFIG_STRING, key, value, 0)?;
        }
        call!(SYS_fsconfig, context, FSCONFIG_FLAG, c"userxattr", 0usize, 0)?;
        call!(SYS_fsconfig, context, FSCONFIG_CREATE, 0usize, 0usize, 0)?;
        let mount = call!(SYS_fsmount, context, 1, 0)?;
        close(descriptor(mount));
        close(context);
    }
    close(memory);
    Ok(())
}

fn stop() -> ! {
    loop {
        // SAFETY: ends the process.
        let _ = unsafe { call!(SYS_exit_group, 0) };
    }
}

fn is_directory(at: RawFd) -> Result<bool, Errno> {
    // SAFETY: the structure is plain data, alive, and what the call fills; the path is a constant.
    unsafe {
        let mut found: libc::statx = std::mem::zeroed();
        call!(SYS_statx, at, c"", libc::AT_EMPTY_PATH, libc::STATX_TYPE, &raw mut found)?;
        Ok(u32::from(found.stx_mode) & libc::S_IFMT == libc::S_IFDIR)
    }
}

fn bring_up_loopback() -> Result<(), Errno> {
    // SAFETY: the request is plain data, alive, and holds a null-terminated name.
    unsafe {
        let socket = descriptor(call!(SYS_socket, libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0)?);
        let mut request: libc::ifreq = std::mem::zeroed();
        request.ifr_name[0] = b'l'.cast_signed() as libc::c_char;
        request.ifr_name[1] = b'o'.cast_signed() as libc::c_char;
        #[expect(clippy::cast_possible_truncation, reason = "the flag is 1")]
        {
            request.ifr_ifru.ifru_flags = libc::IFF_UP as libc::c_short;
        }
        call!(SYS_ioctl, socket, libc::SIOCSIFFLAGS, &raw const request)?;
        close(socket);
    }
    Ok(())
}

fn drop_bounding(keep: u64) -> Result<(), Errno> {
    for capability in 0..64 {
        if keep & (1 << capability) != 0 {
            continue;
        }
        // SAFETY: no pointers.
        match unsafe { call!(SYS_prctl, libc::PR_CAPBSET_DROP, capability) } {
            // Past the last capability the kernel knows.
            Err(libc::EINVAL) => break,
            other => other?,
        };
    }
    Ok(())
}

/// `struct sock_fprog`.
#[repr(C)]
struct FilterProgram {
    length: u16,
    instructions: *const FilterInstruction,
}

fn load_filter(instructions: &[FilterInstruction], flags: u32) -> Result<usize, Errno> {
    let Ok(length) = u16::try_from(instructions.len()) else { return Err(libc::EINVAL) };
    let program = FilterProgram { length, instructions: instructions.as_ptr() };
    // SAFETY: the program points to as many instructions as it says, all alive.
    unsafe { call!(SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program) }
}

/// A control message with descriptors. The kernel reads as many as `length` says.
#[repr(C)]
struct DescriptorMessage<const N: usize> {
    length: usize,
    level: i32,
    kind: i32,
    descriptors: [RawFd; N],
}

fn send_descriptors<const N: usize>(
    channel: RawFd,
    operation: u32,
    descriptors: [RawFd; N],
) -> Result<(), Errno> {
    let mut report = Report { operation, errno: 0 };
    let header = std::mem::offset_of!(DescriptorMessage<N>, descriptors);
    let mut control = DescriptorMessage {
        length: header + N * std::mem::size_of::<RawFd>(),
        level: libc::SOL_SOCKET,
        kind: libc::SCM_RIGHTS,
        descriptors,
    };
    let mut part = libc::iovec { iov_base: (&raw mut report).cast(), iov_len: std::mem::size_of::<Report>() };
    // SAFETY: the message is plain data; everything it points to is alive and has the lengths given.
    unsafe {
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = (&raw mut control).cast();
        message.msg_controllen = std::mem::size_of::<DescriptorMessage<N>>() as _;
        call!(SYS_sendmsg, channel, &raw const message, 0).map(drop)
    }
}

/// A process that writes 0 into the list of a group's processes becomes one of them.
fn enter_group(door: RawFd) -> Result<(), Errno> {
    // SAFETY: one byte of a constant is read.
    unsafe { call!(SYS_write, door, c"0", 1) }?;
    close(door);
    Ok(())
}

/// `struct rlimit64`.
#[repr(C)]
struct Limit {
    soft: u64,
    hard: u64,
}

fn set_limit(resource: u32, soft: u64, hard: u64) -> Result<(), Errno> {
    let limit = Limit { soft, hard };
    // SAFETY: the structure is alive; a null pointer asks for no old value.
    unsafe { call!(SYS_prlimit64, 0, resource, &raw const limit, 0usize) }.map(drop)
}

fn set_ambient(keep: u64) -> Result<(), Errno> {
    set_capability_sets(keep, keep)?;
    for capability in 0..64u32 {
        if keep & (1 << capability) != 0 {
            // SAFETY: no pointers.
            unsafe { call!(SYS_prctl, libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_RAISE, capability, 0, 0) }?;
        }
    }
    Ok(())
}

fn take_ids(uid: u32, gid: u32, groups: Option<&[u32]>) -> Result<(), Errno> {
    // SAFETY: the groups are alive and as many as given.
    unsafe {
        if let Some(groups) = groups {
            call!(SYS_setgroups, groups.len(), groups.as_ptr())?;
        }
        call!(SYS_setresgid, gid, gid, gid)?;
        call!(SYS_setresuid, uid, uid, uid)?;
    }
    // A change of ids clears it.
    die_with_parent()
}

/// Half of the sets of capset(2).
#[repr(C)]
struct CapabilityHalf {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

fn set_capabilities(keep: u64) -> Result<(), Errno> {
    set_capability_sets(keep, 0)
}

fn set_capability_sets(keep: u64, inheritable: u64) -> Result<(), Errno> {
    let header = [CAPABILITY_VERSION_3, 0];
    #[expect(clippy::cast_possible_truncation, reason = "the halves of 64 bits")]
    let halves = [(keep as u32, inheritable as u32), ((keep >> 32) as u32, (inheritable >> 32) as u32)];
    let sets =
        halves.map(|(half, inheritable)| CapabilityHalf { effective: half, permitted: half, inheritable });
    // SAFETY: version 3 reads a header of two words and two halves, all alive.
    unsafe { call!(SYS_capset, header.as_ptr(), sets.as_ptr()) }.map(drop)
}
