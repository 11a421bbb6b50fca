//! The built-in rules, by family. Each pattern is written from what its vendor publishes about the form of its tokens.

mod ai;
mod aws_google;
mod azure;
mod chat;
mod clouds;
mod code_hosts;
mod files;
mod generic;
mod keys;
mod monitoring;
mod packages;
mod payment;
mod platforms;
mod services;

use crate::rule::Rule;

/// All built-in rules, by family.
pub fn all() -> Vec<Rule> {
    [
        code_hosts::RULES,
        aws_google::RULES,
        azure::RULES,
        clouds::RULES,
        platforms::RULES,
        packages::RULES,
        ai::RULES,
        chat::RULES,
        payment::RULES,
        monitoring::RULES,
        services::RULES,
        keys::RULES,
        files::RULES,
        generic::RULES,
    ]
    .into_iter()
    .flatten()
    .cloned()
    .collect()
}
