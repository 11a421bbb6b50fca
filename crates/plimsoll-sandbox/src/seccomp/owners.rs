//! The filter that asks: owner changes, device nodes and ids of a process that has a single id.

use std::collections::BTreeMap;

use super::filter::{Outcome, Section, assemble};
use super::profile::processors;
use super::table::{CALLS, X};
use crate::error::SandboxError;
use crate::program::FilterInstruction;

/// What a process asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question {
    /// `path, owner, group`; links are followed.
    Chown,
    /// `path, owner, group`; links are not followed.
    LinkChown,
    /// `descriptor, owner, group`.
    DescriptorChown,
    /// `directory, path, owner, group, flags`.
    ChownAt,
    /// `path, mode, device`.
    MakeNode,
    /// `directory, path, mode, device`.
    MakeNodeAt,
    SetUser,
    SetGroup,
    SetRealUser,
    SetRealGroup,
    SetAllUsers,
    SetAllGroups,
    SetFileUser,
    SetFileGroup,
    SetGroups,
    User,
    EffectiveUser,
    Group,
    EffectiveGroup,
    AllUsers,
    AllGroups,
    Groups,
}

/// Names in the table and what they ask. A number at the end says that ids have 32 bits on i386; those without have 16.
const QUESTIONS: &[(&str, Question)] = &[
    ("chown", Question::Chown),
    ("chown32", Question::Chown),
    ("lchown", Question::LinkChown),
    ("lchown32", Question::LinkChown),
    ("fchown", Question::DescriptorChown),
    ("fchown32", Question::DescriptorChown),
    ("fchownat", Question::ChownAt),
    ("mknod", Question::MakeNode),
    ("mknodat", Question::MakeNodeAt),
    ("setuid", Question::SetUser),
    ("setuid32", Question::SetUser),
    ("setgid", Question::SetGroup),
    ("setgid32", Question::SetGroup),
    ("setreuid", Question::SetRealUser),
    ("setreuid32", Question::SetRealUser),
    ("setregid", Question::SetRealGroup),
    ("setregid32", Question::SetRealGroup),
    ("setresuid", Question::SetAllUsers),
    ("setresuid32", Question::SetAllUsers),
    ("setresgid", Question::SetAllGroups),
    ("setresgid32", Question::SetAllGroups),
    ("setfsuid", Question::SetFileUser),
    ("setfsuid32", Question::SetFileUser),
    ("setfsgid", Question::SetFileGroup),
    ("setfsgid32", Question::SetFileGroup),
    ("setgroups", Question::SetGroups),
    ("setgroups32", Question::SetGroups),
    ("getuid", Question::User),
    ("getuid32", Question::User),
    ("geteuid", Question::EffectiveUser),
    ("geteuid32", Question::EffectiveUser),
    ("getgid", Question::Group),
    ("getgid32", Question::Group),
    ("getegid", Question::EffectiveGroup),
    ("getegid32", Question::EffectiveGroup),
    ("getresuid", Question::AllUsers),
    ("getresuid32", Question::AllUsers),
    ("getresgid", Question::AllGroups),
    ("getresgid32", Question::AllGroups),
    ("getgroups", Question::Groups),
    ("getgroups32", Question::Groups),
];

/// Type bits of a mode, without the one that tells block from character devices.
const DEVICE_MASK: u32 = 0xb000;
const DEVICE_BITS: u32 = 0x2000;

/// The filter of a step with a single id.
pub(crate) fn owner_filter() -> Result<Vec<FilterInstruction>, SandboxError> {
    asking_filter(|_| true)
}

/// The filter of a step with mapped ids, which may have every owner and still no device.
pub(crate) fn device_filter() -> Result<Vec<FilterInstruction>, SandboxError> {
    asking_filter(|question| matches!(question, Question::MakeNode | Question::MakeNodeAt))
}

fn asking_filter(wanted: fn(Question) -> bool) -> Result<Vec<FilterInstruction>, SandboxError> {
    let sections = processors()?
        .iter()
        .map(|(processor, column)| {
            let calls: BTreeMap<_, _> = CALLS
                .iter()
                .filter(|call| column(call) != X)
                .filter_map(|call| {
                    let question = find(call.0).filter(|question| wanted(*question))?;
                    Some((u32::from(column(call)), outcome(question)))
                })
                .collect();
            Section { processor: *processor, calls, unlisted: Outcome::Allow, newer: Outcome::Allow }
        })
        .collect::<Vec<_>>();
    Ok(assemble(&sections, &Outcome::Allow))
}

/// What a call asks, and whether its ids have 16 bits.
pub(crate) fn question(processor: u32, number: u32) -> Option<(Question, bool)> {
    let (_, column) = processors().ok()?.iter().find(|(candidate, _)| *candidate == processor)?;
    let call = CALLS.iter().find(|call| u32::from(column(call)) == number)?;
    let narrow = processor == super::filter::I386
        && !call.0.ends_with("32")
        && !matches!(call.0, "fchownat" | "mknod" | "mknodat");
    Some((find(call.0)?, narrow))
}

fn find(name: &str) -> Option<Question> {
    QUESTIONS.iter().find(|(candidate, _)| *candidate == name).map(|(_, question)| *question)
}

/// Pipes, sockets and files may be made by anybody: only device nodes are asked about.
fn outcome(question: Question) -> Outcome {
    let mode = match question {
        Question::MakeNode => 1,
        Question::MakeNodeAt => 2,
        _ => return Outcome::Notify,
    };
    Outcome::Argument {
        index: mode,
        mask: DEVICE_MASK,
        values: vec![DEVICE_BITS],
        then: Box::new(Outcome::Notify),
        otherwise: Box::new(Outcome::Allow),
    }
}

#[cfg(test)]
mod tests {
    use super::super::filter::{I386, X86_64, interpret, verdict};
    use super::*;

    #[test]
    fn every_name_is_in_the_table() {
        for (name, _) in QUESTIONS {
            assert!(CALLS.iter().any(|call| call.0 == *name), "{name}");
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn owner_changes_and_device_nodes_are_asked_about() {
        let code = owner_filter().unwrap();
        assert_eq!(interpret(&code, X86_64, 92, [0; 6]), verdict::NOTIFY);
        assert_eq!(interpret(&code, I386, 212, [0; 6]), verdict::NOTIFY);
        assert_eq!(interpret(&code, X86_64, 0, [0; 6]), verdict::ALLOW);
        for (mode, wanted) in [
            (libc::S_IFCHR, verdict::NOTIFY),
            (libc::S_IFBLK, verdict::NOTIFY),
            (libc::S_IFIFO, verdict::ALLOW),
            (libc::S_IFREG, verdict::ALLOW),
            (libc::S_IFSOCK, verdict::ALLOW),
        ] {
            assert_eq!(interpret(&code, X86_64, 133, [0, mode | 0o644, 0, 0, 0, 0]), wanted, "{mode:o}");
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn only_the_old_calls_of_i386_have_narrow_ids() {
        assert_eq!(question(I386, 182), Some((Question::Chown, true)));
        assert_eq!(question(I386, 212), Some((Question::Chown, false)));
        assert_eq!(question(I386, 298), Some((Question::ChownAt, false)));
        assert_eq!(question(X86_64, 92), Some((Question::Chown, false)));
        assert_eq!(question(X86_64, 1), None);
    }
}
