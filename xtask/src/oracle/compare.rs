//! Finds what differs between two answers.

use std::collections::BTreeSet;

use serde_json::Value;

use super::answer::{Answer, Image};
use super::tree::Node;

/// All differences, the most telling first.
pub(super) fn differences(theirs: &Answer, ours: &Answer) -> Vec<String> {
    match (theirs, ours) {
        (Answer::Refused { .. }, Answer::Refused { .. }) => Vec::new(),
        (Answer::Built(theirs), Answer::Built(ours)) => {
            let mut found = Vec::new();
            values("config", &theirs.config, &ours.config, &mut found);
            history(theirs, ours, &mut found);
            files(theirs, ours, &mut found);
            found
        }
        _ => vec![format!("BuildKit {}\nplimsoll {}", theirs.summary(), ours.summary())],
    }
}

fn values(place: &str, theirs: &Value, ours: &Value, found: &mut Vec<String>) {
    if theirs == ours {
        return;
    }
    if let (Value::Object(left), Value::Object(right)) = (theirs, ours) {
        let names: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
        for name in names {
            let member =
                |members: &serde_json::Map<String, Value>| members.get(name).cloned().unwrap_or_default();
            values(&format!("{place}.{name}"), &member(left), &member(right), found);
        }
        return;
    }
    found.push(format!("{place}:\nBuildKit {theirs}\nplimsoll {ours}"));
}

fn history(theirs: &Image, ours: &Image, found: &mut Vec<String>) {
    for (index, (left, right)) in theirs.history.iter().zip(&ours.history).enumerate() {
        values(&format!("history[{index}]"), left, right, found);
    }
    if theirs.history.len() != ours.history.len() {
        found.push(format!(
            "history: BuildKit has {} entries, plimsoll {}",
            theirs.history.len(),
            ours.history.len()
        ));
    }
}

fn files(theirs: &Image, ours: &Image, found: &mut Vec<String>) {
    let paths: BTreeSet<&String> = theirs.files.keys().chain(ours.files.keys()).collect();
    for path in paths {
        match (theirs.files.get(path), ours.files.get(path)) {
            (Some(left), Some(right)) => {
                let differing = attributes(left, right, theirs.started, ours.started);
                if !differing.is_empty() {
                    found.push(format!("`{path}`: {}", differing.join(", ")));
                }
            }
            (Some(_), None) => found.push(format!("`{path}` is missing")),
            (None, _) => found.push(format!("`{path}` should not be there")),
        }
    }
}

/// How long before a build a time may lie and still be its own, in seconds: builders share steps that run at the same time.
const RECENT: i64 = 3600;

fn attributes(left: &Node, right: &Node, theirs_began: i64, ours_began: i64) -> Vec<String> {
    let mut found = Vec::new();
    let mut say = |name: &str, theirs: String, ours: String| {
        if theirs != ours {
            found.push(format!("{name} is {ours}, BuildKit has {theirs}"));
        }
    };
    say("kind", left.kind.clone(), right.kind.clone());
    say("mode", format!("{:04o}", left.mode), format!("{:04o}", right.mode));
    say("owner", format!("{}:{}", left.uid, left.gid), format!("{}:{}", right.uid, right.gid));
    say("size", left.size.to_string(), right.size.to_string());
    say("content", left.content.clone(), right.content.clone());
    say("same as", format!("{:?}", left.same_as), format!("{:?}", right.same_as));
    say("xattrs", format!("{:?}", left.xattrs), format!("{:?}", right.xattrs));
    // What a build made just now has its own time. Directories that a build makes have no time that means anything:
    // plimsoll gives them one of their input, so that the same input gives the same bytes.
    let theirs_old = left.mtime < theirs_began - RECENT;
    let ours_old = right.mtime < ours_began - RECENT;
    let agree = match (theirs_old, ours_old) {
        _ if left.mtime == right.mtime => true,
        (true, true) => false,
        (false, _) if left.kind == "directory" => true,
        // Files that are written in the Dockerfile have no time of their own either.
        (false, true) if right.mtime == 0 => true,
        (theirs, ours) => theirs == ours,
    };
    if !agree {
        say("time", time(left.mtime, theirs_old), time(right.mtime, ours_old));
    }
    found
}

fn time(seconds: i64, old: bool) -> String {
    if old { seconds.to_string() } else { format!("{seconds} (new)") }
}
