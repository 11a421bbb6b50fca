//! Users and groups by name, looked up in the image that the step works on.

use plimsoll_layer::{ChainIndex, Users};

use crate::error::ExecuteError;

/// Who a command runs as.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) groups: Vec<u32>,
    /// The home directory from `/etc/passwd`; `/` without an entry.
    pub(crate) home: String,
}

/// The owner that `--chown` names: a user without a group means that user's primary group, or for a number the
/// group of the same number. What is left empty is 0.
///
/// As with `BuildKit`, a user that the image does not know is root, and an unknown group the user's; only where there is
/// no file system to look into are names an error.
pub(crate) fn owner(base: &ChainIndex, user: &str, group: Option<&str>) -> Result<(u32, u32), ExecuteError> {
    let nowhere = base.layers().is_empty();
    let (uid, primary) = match (number(user), users(base).user(user)) {
        (Some(uid), _) => (uid, uid),
        (None, Some(record)) => (record.uid, record.gid),
        (None, None) if user.is_empty() || !nowhere => (0, 0),
        (None, None) => return Err(ExecuteError::UnknownUser { name: user.to_owned() }),
    };
    let gid = match group {
        None => primary,
        Some("") => 0,
        Some(group) => match number(group).or_else(|| users(base).group_id(group)) {
            Some(gid) => gid,
            None if !nowhere => primary,
            None => return Err(ExecuteError::UnknownGroup { name: group.to_owned() }),
        },
    };
    Ok((uid, gid))
}

/// A number as it is written in `--chown`; a `+` may stand in front.
fn number(text: &str) -> Option<u32> {
    text.parse().ok()
}

/// Who `USER` names: groups come from `/etc/group` unless a group is named.
pub(crate) fn identity(base: &ChainIndex, spec: &str) -> Result<Identity, ExecuteError> {
    let (user, group) = spec.split_once(':').map_or((spec, None), |(user, group)| (user, Some(group)));
    let users = users(base);
    let user = if user.is_empty() { "0" } else { user };
    let record = match user.parse::<u32>() {
        Ok(uid) => users.user_by_id(uid),
        Err(_) => Some(users.user(user).ok_or_else(|| ExecuteError::UnknownUser { name: user.to_owned() })?),
    };
    let uid = record.map_or_else(|| user.parse().unwrap_or(0), |record| record.uid);
    let gid = match group.filter(|group| !group.is_empty()) {
        Some(group) => group_id(&users, group)?,
        None => record.map_or(0, |record| record.gid),
    };
    let mut groups = match (group, record) {
        (None, Some(record)) => users.groups_of(&record.name),
        _ => Vec::new(),
    };
    // The first group is one of the others as well: a program that gives it up keeps what it may read.
    if !groups.contains(&gid) {
        groups.push(gid);
    }
    let home = record.map(|record| record.home.clone()).filter(|home| !home.is_empty());
    Ok(Identity { uid, gid, groups, home: home.unwrap_or_else(|| "/".to_owned()) })
}

fn group_id(users: &Users, group: &str) -> Result<u32, ExecuteError> {
    group
        .parse()
        .ok()
        .or_else(|| users.group_id(group))
        .ok_or_else(|| ExecuteError::UnknownGroup { name: group.to_owned() })
}

/// A user database that is a link to somewhere else counts as absent: no tool that makes images does that.
fn users(base: &ChainIndex) -> Users {
    base.users().unwrap_or_default()
}
