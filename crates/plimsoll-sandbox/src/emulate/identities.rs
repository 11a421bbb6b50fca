//! `set*id` and `get*id` of processes that have a single id.
//!
//! A process that changes its ids is told afterwards that it has them, and so are its children; rights do not change.
//! A process that never changed any is answered by the kernel. A child whose parent has ended before it asks for the
//! first time is not recognised and sees 0.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use super::files::{read_text, widen};
use crate::seccomp::Question;
use crate::sys::notify::{Answer, Notification, read_memory, write_memory};

/// The most supplementary groups a process can have.
const MAX_GROUPS: u64 = 65_536;

/// How far up parents are searched.
const MAX_DEPTH: usize = 64;

/// Real, effective, saved and file-system id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Ids {
    real: u32,
    effective: u32,
    saved: u32,
    file: u32,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Credentials {
    user: Ids,
    group: Ids,
    groups: Vec<u32>,
}

/// A process: its number may be used again, the time it started at tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Process {
    id: u32,
    started: u64,
}

#[derive(Debug)]
pub(super) struct Identities {
    /// `/proc` of the builder: the thread that answers may stand in another root.
    proc: OwnedFd,
    known: BTreeMap<Process, Credentials>,
}

impl Identities {
    pub(super) fn new(proc: OwnedFd) -> Self {
        Self { proc, known: BTreeMap::new() }
    }

    /// Gives ids to the first process of a step.
    pub(super) fn set_first(&mut self, id: u32, uid: u32, gid: u32, groups: &[u32]) {
        let Some((process, _)) = self.look_up(id) else { return };
        let credentials = Credentials { user: Ids::all(uid), group: Ids::all(gid), groups: groups.to_vec() };
        self.known.insert(process, credentials);
    }

    pub(super) fn answer(&mut self, what: Question, narrow: bool, asked: &Notification) -> Answer {
        let Some((process, known)) = self.find(asked.thread) else { return Answer::Continue };
        match what {
            Question::User
            | Question::EffectiveUser
            | Question::Group
            | Question::EffectiveGroup
            | Question::AllUsers
            | Question::AllGroups
            | Question::Groups => known.map_or(Answer::Continue, |known| tell(&known, what, narrow, asked)),
            _ => {
                let mut credentials = known.unwrap_or_default();
                let answer = change(&mut credentials, what, narrow, asked);
                if matches!(answer, Answer::Value(_)) {
                    self.known.insert(process, credentials);
                }
                answer
            }
        }
    }

    /// The process of a thread, and its credentials or those of the nearest parent that has some.
    fn find(&self, thread: u32) -> Option<(Process, Option<Credentials>)> {
        let (process, mut parent) = self.look_up(thread)?;
        let mut at = process;
        for _ in 0..MAX_DEPTH {
            if let Some(known) = self.known.get(&at) {
                return Some((process, Some(known.clone())));
            }
            match self.look_up(parent) {
                Some((next, its_parent)) => (at, parent) = (next, its_parent),
                None => break,
            }
        }
        Some((process, None))
    }

    /// The process of a thread, with its parent: `Tgid` and `PPid` of its status, and the start of the process.
    fn look_up(&self, thread: u32) -> Option<(Process, u32)> {
        let status = read_text(&self.proc, &format!("{thread}/status"))?;
        let field = |name: &str| -> Option<u32> {
            status.lines().find_map(|line| line.strip_prefix(name))?.trim().parse().ok()
        };
        let (id, parent) = (field("Tgid:")?, field("PPid:")?);
        let stat = read_text(&self.proc, &format!("{id}/stat"))?;
        // The name in brackets may hold anything; what follows are fields 3 and up, and the start is field 22.
        let started = stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()?;
        Some((Process { id, started }, parent))
    }
}

impl Ids {
    fn all(id: u32) -> Self {
        Self { real: id, effective: id, saved: id, file: id }
    }

    /// Whether a process may take an id: anything as root, else one it has.
    fn may(&self, privileged: bool, wanted: u32) -> bool {
        privileged || [self.real, self.effective, self.saved].contains(&wanted)
    }
}

fn change(credentials: &mut Credentials, what: Question, narrow: bool, asked: &Notification) -> Answer {
    let id = |index: usize| widen(asked.arguments[index], narrow);
    let privileged = credentials.user.effective == 0;
    let group_call = matches!(
        what,
        Question::SetGroup | Question::SetRealGroup | Question::SetAllGroups | Question::SetFileGroup
    );
    let ids = if group_call { &mut credentials.group } else { &mut credentials.user };
    match what {
        Question::SetUser | Question::SetGroup => set_one(ids, privileged, id(0)),
        Question::SetRealUser | Question::SetRealGroup => set_real(ids, privileged, id(0), id(1)),
        Question::SetAllUsers | Question::SetAllGroups => set_all(ids, privileged, [id(0), id(1), id(2)]),
        Question::SetFileUser | Question::SetFileGroup => {
            let before = ids.file;
            if ids.may(privileged, id(0)) {
                ids.file = id(0);
            }
            Answer::Value(i64::from(before))
        }
        Question::SetGroups if !privileged => Answer::Error(libc::EPERM),
        Question::SetGroups => match read_groups(narrow, asked) {
            Ok(groups) => {
                credentials.groups = groups;
                Answer::Value(0)
            }
            Err(errno) => Answer::Error(errno),
        },
        _ => Answer::Continue,
    }
}

/// setuid(2).
fn set_one(ids: &mut Ids, privileged: bool, wanted: u32) -> Answer {
    if wanted == u32::MAX {
        return Answer::Error(libc::EINVAL);
    }
    if privileged {
        *ids = Ids::all(wanted);
    } else if wanted == ids.real || wanted == ids.saved {
        ids.effective = wanted;
        ids.file = wanted;
    } else {
        return Answer::Error(libc::EPERM);
    }
    Answer::Value(0)
}

/// setreuid(2).
fn set_real(ids: &mut Ids, privileged: bool, real: u32, effective: u32) -> Answer {
    let before = *ids;
    for wanted in [real, effective] {
        if wanted != u32::MAX && !before.may(privileged, wanted) {
            return Answer::Error(libc::EPERM);
        }
    }
    if real != u32::MAX {
        ids.real = real;
    }
    if effective != u32::MAX {
        ids.effective = effective;
    }
    if real != u32::MAX || (effective != u32::MAX && effective != before.real) {
        ids.saved = ids.effective;
    }
    ids.file = ids.effective;
    Answer::Value(0)
}

/// setresuid(2).
fn set_all(ids: &mut Ids, privileged: bool, wanted: [u32; 3]) -> Answer {
    let before = *ids;
    if wanted.iter().any(|id| *id != u32::MAX && !before.may(privileged, *id)) {
        return Answer::Error(libc::EPERM);
    }
    let choose = |wanted, before| if wanted == u32::MAX { before } else { wanted };
    ids.real = choose(wanted[0], before.real);
    ids.effective = choose(wanted[1], before.effective);
    ids.saved = choose(wanted[2], before.saved);
    ids.file = ids.effective;
    Answer::Value(0)
}

fn read_groups(narrow: bool, asked: &Notification) -> Result<Vec<u32>, i32> {
    let count = asked.arguments[0];
    if count > MAX_GROUPS {
        return Err(libc::EINVAL);
    }
    let count = usize::try_from(count).map_err(|_| libc::EINVAL)?;
    let width = if narrow { 2 } else { 4 };
    let mut bytes = vec![0u8; count * width];
    if count > 0 {
        let length = read_memory(asked.thread, asked.arguments[1], &mut bytes).map_err(|_| libc::EFAULT)?;
        if length != bytes.len() {
            return Err(libc::EFAULT);
        }
    }
    Ok(bytes.chunks_exact(width).map(decode).collect())
}

fn tell(known: &Credentials, what: Question, narrow: bool, asked: &Notification) -> Answer {
    let three = |ids: Ids| {
        for (address, id) in asked.arguments.iter().zip([ids.real, ids.effective, ids.saved]) {
            if write_memory(asked.thread, *address, &encode(id, narrow)).is_err() {
                return Answer::Error(libc::EFAULT);
            }
        }
        Answer::Value(0)
    };
    match what {
        Question::User => Answer::Value(i64::from(known.user.real)),
        Question::EffectiveUser => Answer::Value(i64::from(known.user.effective)),
        Question::Group => Answer::Value(i64::from(known.group.real)),
        Question::EffectiveGroup => Answer::Value(i64::from(known.group.effective)),
        Question::AllUsers => three(known.user),
        Question::AllGroups => three(known.group),
        Question::Groups => tell_groups(&known.groups, narrow, asked),
        _ => Answer::Continue,
    }
}

fn tell_groups(groups: &[u32], narrow: bool, asked: &Notification) -> Answer {
    let room = asked.arguments[0] & u64::from(u32::MAX);
    let count = groups.len() as u64;
    if room != 0 && count > room {
        return Answer::Error(libc::EINVAL);
    }
    if room != 0 && count > 0 {
        let bytes: Vec<u8> = groups.iter().flat_map(|group| encode(*group, narrow)).collect();
        if write_memory(asked.thread, asked.arguments[1], &bytes).is_err() {
            return Answer::Error(libc::EFAULT);
        }
    }
    Answer::Value(i64::try_from(count).unwrap_or(0))
}

fn encode(id: u32, narrow: bool) -> Vec<u8> {
    if narrow {
        // What does not fit is the kernel's "overflow" id.
        u16::try_from(id).unwrap_or(65_534).to_ne_bytes().to_vec()
    } else {
        id.to_ne_bytes().to_vec()
    }
}

fn decode(bytes: &[u8]) -> u32 {
    match *bytes {
        [a, b] => u32::from(u16::from_ne_bytes([a, b])),
        [a, b, c, d] => u32::from_ne_bytes([a, b, c, d]),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_may_take_any_id_and_others_only_their_own() {
        let mut ids = Ids::default();
        assert_eq!(set_all(&mut ids, true, [5, 5, 0]), Answer::Value(0));
        assert_eq!(set_one(&mut ids, false, 0), Answer::Value(0));
        assert_eq!((ids.real, ids.effective, ids.saved), (5, 0, 0));
        let mut dropped = Ids::all(5);
        assert_eq!(set_one(&mut dropped, false, 0), Answer::Error(libc::EPERM));
        assert_eq!(set_real(&mut dropped, false, u32::MAX, 6), Answer::Error(libc::EPERM));
        assert_eq!(dropped, Ids::all(5));
    }

    #[test]
    fn swapping_real_and_effective_ids_keeps_the_saved_one_in_step() {
        let mut ids = Ids { real: 1, effective: 2, saved: 2, file: 2 };
        assert_eq!(set_real(&mut ids, false, 2, 1), Answer::Value(0));
        assert_eq!((ids.real, ids.effective, ids.saved), (2, 1, 1));
    }

    #[test]
    fn narrow_ids_are_two_bytes() {
        assert_eq!(decode(&encode(7, true)), 7);
        assert_eq!(decode(&encode(70_000, true)), 65_534);
        assert_eq!(decode(&encode(70_000, false)), 70_000);
    }
}
