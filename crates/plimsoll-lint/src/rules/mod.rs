//! The rules: one module each. A new rule is a `mod` line and an entry in the list, both in the order of the names.

mod context;
mod labels;
mod packages;
mod platforms;
mod prelude;

mod add_instead_of_copy;
mod apk_index_left;
mod apt_dist_upgrade;
mod apt_get_without_yes;
mod apt_in_script;
mod apt_lists_left;
mod apt_recommends;
mod archive_extracted_later;
mod base_for_other_platform;
mod base_past_end_of_life;
mod base_without_digest;
mod build_tools_in_image;
mod cd_in_run;
mod clutter_copied;
mod consecutive_runs;
mod constant_platform;
mod copy_from_itself;
mod copy_from_unknown_stage;
mod copy_of_ignored_file;
mod copy_to_relative_path;
mod credentials_in_image;
mod deleted_in_later_layer;
mod dependencies_after_sources;
mod development_dependencies_in_image;
mod dnf_cache_left;
mod dnf_without_yes;
mod download_piped_to_shell;
mod duplicate_stage_name;
mod empty_continuation_line;
mod empty_label;
mod env_uses_itself;
mod from_as_casing;
mod health_check_without_program;
mod host_in_exposed_port;
mod ignore_pattern_only_at_top;
mod ignore_pattern_without_match;
mod ignored_command;
mod impossible_trigger;
mod inconsistent_instruction_casing;
mod inline_suppression;
mod instruction_before_from;
mod invalid_default_base;
mod label_key;
mod large_context_copied;
mod latest_base_image;
mod legacy_key_value;
mod lonely_package_update;
mod maintainer_instruction;
mod malformed_label;
mod misplaced_description;
mod missing_cache_mount;
mod missing_certificates;
mod missing_label;
mod missing_shell;
mod missing_source;
mod no_health_check;
mod no_ignore_file;
mod obsolete_install_flag;
mod other_runtime_version;
mod overridden_instruction;
mod pip_cache_left;
mod pipe_without_pipefail;
mod pointless_command;
mod port_out_of_range;
mod port_protocol_casing;
mod program_for_other_library;
mod redundant_target_platform;
mod relative_workdir;
mod relinked_shell;
mod reserved_stage_name;
mod root_user;
mod script_without_exec;
mod secret_by_value;
mod secret_file_copied;
mod secret_in_variable;
mod several_sources_without_slash;
mod shell_flaw;
mod shell_form_command;
mod ssh_port_exposed;
mod stage_name_casing;
mod sudo_in_run;
mod unchecked_download;
mod undeclared_argument_in_from;
mod undefined_variable;
mod unexpected_label;
mod unknown_rule_in_comment;
mod unpinned_apk_package;
mod unpinned_apt_package;
mod unpinned_dnf_package;
mod unpinned_gem;
mod unpinned_go_module;
mod unpinned_npm_package;
mod unpinned_pip_package;
mod unpinned_yum_package;
mod unpinned_zypper_package;
mod untagged_base_image;
mod untrusted_registry;
mod unused_stage;
pub(crate) mod unused_suppression;
mod user_by_name;
mod useradd_with_high_id;
mod volatile_argument_early;
mod wget_and_curl;
mod wget_progress;
mod whole_stage_copied;
mod workdir_in_system_directory;
mod written_into_volume;
mod yarn_cache_left;
mod yum_cache_left;
mod yum_without_yes;
mod zypper_cache_left;
mod zypper_dist_upgrade;
mod zypper_without_yes;

use crate::rule::Rule;

/// All rules, by name.
pub(crate) static RULES: &[&Rule] = &[
    &add_instead_of_copy::RULE,
    &apk_index_left::RULE,
    &apt_dist_upgrade::RULE,
    &apt_get_without_yes::RULE,
    &apt_in_script::RULE,
    &apt_lists_left::RULE,
    &apt_recommends::RULE,
    &archive_extracted_later::RULE,
    &base_for_other_platform::RULE,
    &base_past_end_of_life::RULE,
    &base_without_digest::RULE,
    &build_tools_in_image::RULE,
    &cd_in_run::RULE,
    &clutter_copied::RULE,
    &consecutive_runs::RULE,
    &constant_platform::RULE,
    &copy_from_itself::RULE,
    &copy_from_unknown_stage::RULE,
    &copy_of_ignored_file::RULE,
    &copy_to_relative_path::RULE,
    &credentials_in_image::RULE,
    &deleted_in_later_layer::RULE,
    &dependencies_after_sources::RULE,
    &development_dependencies_in_image::RULE,
    &dnf_cache_left::RULE,
    &dnf_without_yes::RULE,
    &download_piped_to_shell::RULE,
    &duplicate_stage_name::RULE,
    &empty_continuation_line::RULE,
    &empty_label::RULE,
    &env_uses_itself::RULE,
    &from_as_casing::RULE,
    &health_check_without_program::RULE,
    &host_in_exposed_port::RULE,
    &ignore_pattern_only_at_top::RULE,
    &ignore_pattern_without_match::RULE,
    &ignored_command::RULE,
    &impossible_trigger::RULE,
    &inconsistent_instruction_casing::RULE,
    &inline_suppression::RULE,
    &instruction_before_from::RULE,
    &invalid_default_base::RULE,
    &label_key::RULE,
    &large_context_copied::RULE,
    &latest_base_image::RULE,
    &legacy_key_value::RULE,
    &lonely_package_update::RULE,
    &maintainer_instruction::RULE,
    &malformed_label::RULE,
    &misplaced_description::RULE,
    &missing_cache_mount::RULE,
    &missing_certificates::RULE,
    &missing_label::RULE,
    &missing_shell::RULE,
    &missing_source::RULE,
    &no_health_check::RULE,
    &no_ignore_file::RULE,
    &obsolete_install_flag::RULE,
    &other_runtime_version::RULE,
    &overridden_instruction::RULE,
    &pip_cache_left::RULE,
    &pipe_without_pipefail::RULE,
    &pointless_command::RULE,
    &port_out_of_range::RULE,
    &port_protocol_casing::RULE,
    &program_for_other_library::RULE,
    &redundant_target_platform::RULE,
    &relative_workdir::RULE,
    &relinked_shell::RULE,
    &reserved_stage_name::RULE,
    &root_user::RULE,
    &script_without_exec::RULE,
    &secret_by_value::RULE,
    &secret_file_copied::RULE,
    &secret_in_variable::RULE,
    &several_sources_without_slash::RULE,
    &shell_flaw::RULE,
    &shell_form_command::RULE,
    &ssh_port_exposed::RULE,
    &stage_name_casing::RULE,
    &sudo_in_run::RULE,
    &unchecked_download::RULE,
    &undeclared_argument_in_from::RULE,
    &undefined_variable::RULE,
    &unexpected_label::RULE,
    &unknown_rule_in_comment::RULE,
    &unpinned_apk_package::RULE,
    &unpinned_apt_package::RULE,
    &unpinned_dnf_package::RULE,
    &unpinned_gem::RULE,
    &unpinned_go_module::RULE,
    &unpinned_npm_package::RULE,
    &unpinned_pip_package::RULE,
    &unpinned_yum_package::RULE,
    &unpinned_zypper_package::RULE,
    &untagged_base_image::RULE,
    &untrusted_registry::RULE,
    &unused_stage::RULE,
    &unused_suppression::RULE,
    &user_by_name::RULE,
    &useradd_with_high_id::RULE,
    &volatile_argument_early::RULE,
    &wget_and_curl::RULE,
    &wget_progress::RULE,
    &whole_stage_copied::RULE,
    &workdir_in_system_directory::RULE,
    &written_into_volume::RULE,
    &yarn_cache_left::RULE,
    &yum_cache_left::RULE,
    &yum_without_yes::RULE,
    &zypper_cache_left::RULE,
    &zypper_dist_upgrade::RULE,
    &zypper_without_yes::RULE,
];
