//! The rules: one module each. A new rule is a `mod` line and an entry in the list, both in the order of the names.

mod packages;
mod prelude;

mod apk_index_left;
mod apt_dist_upgrade;
mod apt_get_without_yes;
mod apt_in_script;
mod apt_lists_left;
mod apt_recommends;
mod base_for_other_platform;
mod constant_platform;
mod copy_of_ignored_file;
mod dnf_cache_left;
mod dnf_without_yes;
mod duplicate_stage_name;
mod empty_continuation_line;
mod from_as_casing;
mod host_in_exposed_port;
mod inconsistent_instruction_casing;
mod invalid_default_base;
mod legacy_key_value;
mod lonely_package_update;
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
mod unpinned_apk_package;
mod unpinned_apt_package;
mod unpinned_dnf_package;
mod unpinned_yum_package;
mod unpinned_zypper_package;
mod yum_cache_left;
mod yum_without_yes;
mod zypper_cache_left;
mod zypper_dist_upgrade;
mod zypper_without_yes;

use crate::rule::Rule;

/// All rules, by name.
pub(crate) static RULES: &[&Rule] = &[
    &apk_index_left::RULE,
    &apt_dist_upgrade::RULE,
    &apt_get_without_yes::RULE,
    &apt_in_script::RULE,
    &apt_lists_left::RULE,
    &apt_recommends::RULE,
    &base_for_other_platform::RULE,
    &constant_platform::RULE,
    &copy_of_ignored_file::RULE,
    &dnf_cache_left::RULE,
    &dnf_without_yes::RULE,
    &duplicate_stage_name::RULE,
    &empty_continuation_line::RULE,
    &from_as_casing::RULE,
    &host_in_exposed_port::RULE,
    &inconsistent_instruction_casing::RULE,
    &invalid_default_base::RULE,
    &legacy_key_value::RULE,
    &lonely_package_update::RULE,
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
    &unpinned_apk_package::RULE,
    &unpinned_apt_package::RULE,
    &unpinned_dnf_package::RULE,
    &unpinned_yum_package::RULE,
    &unpinned_zypper_package::RULE,
    &yum_cache_left::RULE,
    &yum_without_yes::RULE,
    &zypper_cache_left::RULE,
    &zypper_dist_upgrade::RULE,
    &zypper_without_yes::RULE,
];
