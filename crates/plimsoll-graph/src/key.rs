//! The text of an op that cache keys are made of.
//!
//! Everything that changes what an op leaves behind is in the text; everything else is not:
//!
//! | op | field | in the key | why |
//! | --- | --- | --- | --- |
//! | all | [`OP_SCHEMA`] | yes | a change of meaning must not meet old results |
//! | all | the name of the op | yes | |
//! | image | `manifest` | yes | it names the bytes |
//! | image | `reference` | no | two names of one image are one image |
//! | local | `name` | yes | two contexts are two sources; their content enters through selections |
//! | git | all but `login`; with the commit in place of `reference` and `fetch-by-commit` | yes | the commit names the files, the rest says which of them and how they are laid out |
//! | archive | `source` | by content | an address says nothing |
//! | archive | `name`, `unpack` | yes | each changes the tree |
//! | exec | `args`, `env`, `cwd`, `user` | yes | the command sees them; `env` holds declared `ARG`s too |
//! | exec | `proxy_env` | no | a proxy is the way to a server, not what is fetched there; declared by `ARG` it is in `env` |
//! | exec | `network`, `security`, `hostname` | yes | the command sees them |
//! | exec | `mounts` | yes | kind, place, ids, permissions; the content of bind mounts enters through selections, that of caches, secrets and agents never |
//! | exec | `files` | yes | scripts written in the Dockerfile |
//! | copy | `sources` | yes | which input, which pattern, which address and checksum, the text of files written in the Dockerfile; what is selected enters through selections, remote files by digest |
//! | copy | `destination`, `owner`, `mode`, `parents`, `exclude`, `link`, `unpack` | yes | each changes the files that are made |
//! | make-dir | `path`, `mode`, `user` | yes | each changes the directory that is made |
//!
//! Not part of an op, and so never in its text: [`crate::Vertex::name`], `span` and `stage` (words for people),
//! `no_cache` (says how a result is found, not what it is). `inputs` and `platform` enter the key beside the text.

use crate::{OP_SCHEMA, Op};

/// The canonical text of an op: schema version, line feed, JSON with fields in the order of declaration.
pub fn canonical(op: &Op) -> Vec<u8> {
    let mut text = format!("plimsoll-op/{OP_SCHEMA}\n").into_bytes();
    serde_json::to_writer(&mut text, op).expect("ops have string keys only and write to memory");
    text
}
