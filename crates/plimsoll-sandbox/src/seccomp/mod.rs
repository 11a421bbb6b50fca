//! System-call filters: what a container may do, and what the builder answers for it.

mod filter;
mod owners;
mod profile;
mod table;

pub(crate) use owners::{Question, device_filter, owner_filter, question};
pub(crate) use profile::container_filter;
