//! Writing classic BPF over `struct seccomp_data`.
//!
//! A filter is one section for each processor; a section is a binary search over ranges of call numbers with the same
//! outcome, so that a call costs eight comparisons, not three hundred.

use std::collections::BTreeMap;

use crate::program::FilterInstruction;

/// `AUDIT_ARCH_X86_64`.
pub(super) const X86_64: u32 = 0xc000_003e;
/// `AUDIT_ARCH_I386`.
pub(super) const I386: u32 = 0x4000_0003;
/// `AUDIT_ARCH_AARCH64`.
pub(super) const AARCH64: u32 = 0xc000_00b7;

const LOAD: u16 = 0x20;
const AND: u16 = 0x54;
const JUMP: u16 = 0x05;
const JUMP_IF_EQUAL: u16 = 0x15;
const JUMP_IF_AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;

const OFFSET_NUMBER: u32 = 0;
const OFFSET_PROCESSOR: u32 = 4;
const OFFSET_ARGUMENTS: u32 = 16;

const ALLOW: u32 = 0x7fff_0000;
const NOTIFY: u32 = 0x7fc0_0000;
const ERRNO: u32 = 0x0005_0000;

/// What happens to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Allow,
    Notify,
    /// It fails with this error number.
    Error(i32),
    /// The low word of an argument, under a mask, decides: one of `values` gives the first outcome.
    Argument {
        index: u8,
        mask: u32,
        values: Vec<u32>,
        then: Box<Outcome>,
        otherwise: Box<Outcome>,
    },
}

/// All calls of one processor.
#[derive(Debug, Clone)]
pub(super) struct Section {
    pub(super) processor: u32,
    pub(super) calls: BTreeMap<u32, Outcome>,
    /// What happens to a call that is not listed, up to the newest that is.
    pub(super) unlisted: Outcome,
    /// What happens to a call that is newer than all that are listed.
    pub(super) newer: Outcome,
}

/// Writes a filter. `foreign` is for processors without a section.
pub(super) fn assemble(sections: &[Section], foreign: &Outcome) -> Vec<FilterInstruction> {
    let mut code = outcome(foreign);
    for section in sections.iter().rev() {
        let mut body = vec![plain(LOAD, OFFSET_NUMBER)];
        body.extend(search(&ranges(section)));
        let mut whole = jump_over(JUMP_IF_EQUAL, section.processor, body.len(), false);
        whole.append(&mut body);
        whole.append(&mut code);
        code = whole;
    }
    code.insert(0, plain(LOAD, OFFSET_PROCESSOR));
    code
}

/// First numbers of ranges with one outcome each; the first is 0, the last goes on for ever.
fn ranges(section: &Section) -> Vec<(u32, &Outcome)> {
    let mut ranges: Vec<(u32, &Outcome)> = Vec::new();
    let mut push = |first: u32, outcome| match ranges.last() {
        Some((_, last)) if *last == outcome => {}
        _ => ranges.push((first, outcome)),
    };
    let mut next = 0;
    for (number, outcome) in &section.calls {
        if *number > next {
            push(next, &section.unlisted);
        }
        push(*number, outcome);
        next = number + 1;
    }
    push(next, &section.newer);
    ranges
}

fn search(ranges: &[(u32, &Outcome)]) -> Vec<FilterInstruction> {
    if let [(_, only)] = ranges {
        return outcome(only);
    }
    let (low, high) = ranges.split_at(ranges.len() / 2);
    let low_code = search(low);
    let mut code = jump_over(JUMP_IF_AT_LEAST, high[0].0, low_code.len(), true);
    code.extend(low_code);
    code.extend(search(high));
    code
}

/// Skips `length` instructions if the comparison has the result `when`. Conditional jumps reach 255 instructions only.
fn jump_over(comparison: u16, value: u32, length: usize, when: bool) -> Vec<FilterInstruction> {
    let instruction =
        |jump_true, jump_false| FilterInstruction { code: comparison, jump_true, jump_false, value };
    match u8::try_from(length) {
        Ok(length) if when => vec![instruction(length, 0)],
        Ok(length) => vec![instruction(0, length)],
        Err(_) => {
            let far = u32::try_from(length).expect("a filter has fewer than 4096 instructions");
            let near = if when { instruction(0, 1) } else { instruction(1, 0) };
            vec![near, plain(JUMP, far)]
        }
    }
}

fn outcome(outcome_of: &Outcome) -> Vec<FilterInstruction> {
    match outcome_of {
        Outcome::Allow => vec![plain(RETURN, ALLOW)],
        Outcome::Notify => vec![plain(RETURN, NOTIFY)],
        Outcome::Error(errno) => vec![plain(RETURN, ERRNO | errno.cast_unsigned())],
        Outcome::Argument { index, mask, values, then, otherwise } => {
            // Both processors are little-endian: the low word comes first.
            let mut code = vec![plain(LOAD, OFFSET_ARGUMENTS + 8 * u32::from(*index))];
            if *mask != u32::MAX {
                code.push(plain(AND, *mask));
            }
            let then = outcome(then);
            let otherwise = outcome(otherwise);
            for (position, value) in values.iter().enumerate() {
                let rest = values.len() - position - 1;
                let over = u8::try_from(rest + otherwise.len()).expect("argument lists are short");
                code.push(FilterInstruction {
                    code: JUMP_IF_EQUAL,
                    jump_true: over,
                    jump_false: 0,
                    value: *value,
                });
            }
            code.extend(otherwise);
            code.extend(then);
            code
        }
    }
}

fn plain(code: u16, value: u32) -> FilterInstruction {
    FilterInstruction { code, jump_true: 0, jump_false: 0, value }
}

/// Runs a filter as the kernel would.
#[cfg(test)]
pub(super) fn interpret(code: &[FilterInstruction], processor: u32, number: u32, arguments: [u32; 6]) -> u32 {
    let mut accumulator = 0;
    let mut at = 0;
    loop {
        let instruction = code[at];
        at += 1;
        match instruction.code {
            LOAD => {
                accumulator = match instruction.value {
                    OFFSET_NUMBER => number,
                    OFFSET_PROCESSOR => processor,
                    offset => arguments[(offset as usize - 16) / 8],
                }
            }
            AND => accumulator &= instruction.value,
            JUMP => at += instruction.value as usize,
            JUMP_IF_EQUAL | JUMP_IF_AT_LEAST => {
                let holds = if instruction.code == JUMP_IF_EQUAL {
                    accumulator == instruction.value
                } else {
                    accumulator >= instruction.value
                };
                at += usize::from(if holds { instruction.jump_true } else { instruction.jump_false });
            }
            RETURN => return instruction.value,
            other => panic!("unknown instruction {other:#x}"),
        }
    }
}

#[cfg(test)]
pub(super) mod verdict {
    pub(in crate::seccomp) const ALLOW: u32 = super::ALLOW;
    pub(in crate::seccomp) const NOTIFY: u32 = super::NOTIFY;
    pub(in crate::seccomp) fn error(errno: i32) -> u32 {
        super::ERRNO | errno.cast_unsigned()
    }
}
