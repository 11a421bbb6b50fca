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
/// group of the same number.
pub(crate) fn owner(base: &ChainIndex, user: &str, group: Option<&str>) -> Result<(u32, u32), ExecuteError> {
    let numeric = |text: &str| text.parse::<u32>().ok();
    let group = group.filter(|group| !group.is_empty());
    if let (Some(uid), None) = (numeric(user), group) {
        return Ok((uid, uid));
    }
    if let (Some(uid), Some(Some(gid))) = (numeric(user), group.map(numeric)) {
        return Ok((uid, gid));
    }
    let users = users(base);
    let (uid, primary) = match numeric(user) {
        Some(uid) => (uid, uid),
        None if user.is_empty() => (0, 0),
        None => {
            let record =
                users.user(user).ok_or_else(|| ExecuteError::UnknownUser { name: user.to_owned() })?;
            (record.uid, record.gid)
        }
    };
    Ok((uid, group.map_or(Ok(primary), |group| group_id(&users, group))?))
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
    let groups = match (group, record) {
        (None, Some(record)) => users.groups_of(&record.name),
        _ => Vec::new(),
    };
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
