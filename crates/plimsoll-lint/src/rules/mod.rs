//! The rules: one module each. A new rule is a `mod` line and an entry in the list, both in the order of the names.

mod prelude;

mod base_for_other_platform;
mod constant_platform;
mod copy_of_ignored_file;
mod duplicate_stage_name;
mod empty_continuation_line;
mod from_as_casing;
mod host_in_exposed_port;
mod inconsistent_instruction_casing;
mod invalid_default_base;
mod legacy_key_value;
mod maintainer_instruction;
mod misplaced_description;
mod overridden_instruction;
mod port_protocol_casing;
mod redundant_target_platform;
mod relative_workdir;
mod reserved_stage_name;
mod secret_in_variable;
mod shell_form_command;
mod stage_name_casing;
mod undeclared_argument_in_from;
mod undefined_variable;

use crate::rule::Rule;

/// All rules, by name.
pub(crate) static RULES: &[&Rule] = &[
    &base_for_other_platform::RULE,
    &constant_platform::RULE,
    &copy_of_ignored_file::RULE,
    &duplicate_stage_name::RULE,
    &empty_continuation_line::RULE,
    &from_as_casing::RULE,
    &host_in_exposed_port::RULE,
    &inconsistent_instruction_casing::RULE,
    &invalid_default_base::RULE,
    &legacy_key_value::RULE,
    &maintainer_instruction::RULE,
    &misplaced_description::RULE,
    &overridden_instruction::RULE,
    &port_protocol_casing::RULE,
    &redundant_target_platform::RULE,
    &relative_workdir::RULE,
    &reserved_stage_name::RULE,
    &secret_in_variable::RULE,
    &shell_form_command::RULE,
    &stage_name_casing::RULE,
    &undeclared_argument_in_from::RULE,
    &undefined_variable::RULE,
];
