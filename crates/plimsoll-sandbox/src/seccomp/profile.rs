//! The filter of a container: the meaning of Docker's default profile.
//!
//! Unlisted calls fail with `EPERM`; calls newer than all that are listed fail with `ENOSYS`, and so does `clone3`, so
//! that libraries fall back to what they did before. Programs for i386 run on x86-64; the x32 interface is absent, as
//! on a kernel without it.

use std::collections::BTreeMap;

use super::filter::{AARCH64, I386, Outcome, Section, X86_64, assemble};
use super::table::{CALLS, Call, X};
use crate::error::SandboxError;
use crate::helpers::{Capabilities, number};
use crate::program::FilterInstruction;

/// When a call is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    Always,
    /// With a capability, by its number.
    Needs(u32),
    /// Without `CAP_SYS_ADMIN` only where it makes no namespace.
    Clone,
    /// Its flags are in memory, which a filter cannot read.
    Clone3,
    /// The Linux and BSD-like layouts, with or without address randomisation, and asking.
    Personality,
    /// Every family but the one that speaks to the host of a virtual machine.
    Socket,
}

const NAMESPACE_FLAGS: u32 = 0x7e02_0000;
const AF_VSOCK: u32 = 40;
const PERSONALITIES: [u32; 5] = [0x0, 0x0008, 0x2_0000, 0x2_0008, 0xffff_ffff];
const PERMISSION: Outcome = Outcome::Error(libc::EPERM);
const NO_SUCH_CALL: Outcome = Outcome::Error(libc::ENOSYS);

/// Takes the number of a call on one processor out of the table.
pub(super) type Column = fn(&Call) -> u16;

/// The processors a kernel for this one runs programs of, and where their numbers stand in the table.
pub(super) fn processors() -> Result<&'static [(u32, Column)], SandboxError> {
    match std::env::consts::ARCH {
        "x86_64" => Ok(&[(X86_64, |call| call.1), (I386, |call| call.2)]),
        "aarch64" => Ok(&[(AARCH64, |call| call.3)]),
        name => Err(SandboxError::Architecture { name }),
    }
}

/// The filter of a container that has these capabilities.
pub(crate) fn container_filter(capabilities: Capabilities) -> Result<Vec<FilterInstruction>, SandboxError> {
    let sections: Vec<_> =
        processors()?.iter().map(|(processor, column)| section(*processor, *column, capabilities)).collect();
    Ok(assemble(&sections, &NO_SUCH_CALL))
}

fn section(processor: u32, column: Column, capabilities: Capabilities) -> Section {
    let calls: BTreeMap<_, _> = CALLS
        .iter()
        .filter(|call| column(call) != X)
        .map(|call| (u32::from(column(call)), outcome(call.4, capabilities)))
        .collect();
    Section { processor, calls, unlisted: PERMISSION, newer: NO_SUCH_CALL }
}

fn outcome(rule: Rule, capabilities: Capabilities) -> Outcome {
    let admin = capabilities.contains(number::SYS_ADMIN);
    match rule {
        Rule::Always => Outcome::Allow,
        Rule::Needs(capability) if capabilities.contains(capability) => Outcome::Allow,
        Rule::Clone | Rule::Clone3 if admin => Outcome::Allow,
        Rule::Needs(_) => PERMISSION,
        Rule::Clone3 => NO_SUCH_CALL,
        Rule::Clone => Outcome::Argument {
            index: 0,
            mask: NAMESPACE_FLAGS,
            values: vec![0],
            then: Box::new(Outcome::Allow),
            otherwise: Box::new(PERMISSION),
        },
        Rule::Personality => Outcome::Argument {
            index: 0,
            mask: u32::MAX,
            values: PERSONALITIES.to_vec(),
            then: Box::new(Outcome::Allow),
            otherwise: Box::new(PERMISSION),
        },
        Rule::Socket => Outcome::Argument {
            index: 0,
            mask: u32::MAX,
            values: vec![AF_VSOCK],
            then: Box::new(PERMISSION),
            otherwise: Box::new(Outcome::Allow),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::filter::{interpret, verdict};
    use super::*;

    fn decide(processor: u32, number: u32, first: u32) -> u32 {
        let column: Column = match processor {
            X86_64 => |call| call.1,
            I386 => |call| call.2,
            _ => |call| call.3,
        };
        let code = assemble(&[section(processor, column, Capabilities::CONTAINER)], &NO_SUCH_CALL);
        interpret(&code, processor, number, [first, 0, 0, 0, 0, 0])
    }

    #[test]
    fn every_listed_call_has_the_outcome_of_its_rule() {
        for (processor, column) in
            [(X86_64, (|call| call.1) as Column), (I386, |call| call.2), (AARCH64, |call| call.3)]
        {
            let code = assemble(&[section(processor, column, Capabilities::CONTAINER)], &NO_SUCH_CALL);
            assert!(code.len() < 4096);
            for call in CALLS.iter().filter(|call| column(call) != X) {
                let found = interpret(&code, processor, u32::from(column(call)), [0; 6]);
                let wanted = match call.4 {
                    Rule::Always | Rule::Clone | Rule::Personality | Rule::Socket => verdict::ALLOW,
                    Rule::Needs(number) if Capabilities::CONTAINER.contains(number) => verdict::ALLOW,
                    Rule::Needs(_) => verdict::error(libc::EPERM),
                    Rule::Clone3 => verdict::error(libc::ENOSYS),
                };
                assert_eq!(found, wanted, "{} on {processor:#x}", call.0);
            }
        }
    }

    #[test]
    fn unlisted_calls_are_refused_and_newer_ones_do_not_exist() {
        for (name, processor, number) in [
            ("keyctl", X86_64, 250),
            ("keyctl", I386, 288),
            ("keyctl", AARCH64, 219),
            ("io_uring_setup", X86_64, 425),
        ] {
            assert_eq!(decide(processor, number, 0), verdict::error(libc::EPERM), "{name}");
        }
        for processor in [X86_64, I386, AARCH64] {
            assert_eq!(decide(processor, 468, 0), verdict::error(libc::ENOSYS));
            assert_eq!(decide(processor, 100_000, 0), verdict::error(libc::ENOSYS));
        }
    }

    #[test]
    fn the_x32_interface_is_absent() {
        assert_eq!(decide(X86_64, 0x4000_0000 | 0x27, 0), verdict::error(libc::ENOSYS));
    }

    #[test]
    fn arguments_decide_about_namespaces_personalities_and_sockets() {
        for flag in [0x2_0000u32, 0x1000_0000, 0x4000_0000] {
            assert_eq!(decide(X86_64, 56, flag | 0x11), verdict::error(libc::EPERM), "{flag:#x}");
        }
        assert_eq!(decide(X86_64, 56, 17), verdict::ALLOW);
        assert_eq!(decide(X86_64, 135, 0xffff_ffff), verdict::ALLOW);
        assert_eq!(decide(X86_64, 135, 0x4_0000), verdict::error(libc::EPERM));
        assert_eq!(decide(X86_64, 41, 2), verdict::ALLOW);
        assert_eq!(decide(X86_64, 41, AF_VSOCK), verdict::error(libc::EPERM));
    }

    #[test]
    fn foreign_processors_have_no_calls() {
        let code = container_filter(Capabilities::CONTAINER).unwrap();
        assert_eq!(interpret(&code, 0x1234, 1, [0; 6]), verdict::error(libc::ENOSYS));
    }

    #[test]
    fn names_are_sorted_and_numbers_are_unique() {
        assert!(CALLS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for column in [(|call| call.1) as Column, |call| call.2, |call| call.3] {
            let mut numbers: Vec<_> = CALLS.iter().map(column).filter(|number| *number != X).collect();
            let before = numbers.len();
            numbers.sort_unstable();
            numbers.dedup();
            assert_eq!(before, numbers.len());
        }
    }
}
