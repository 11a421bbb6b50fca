//! Users and groups of an image, from the bytes of its `/etc/passwd` and `/etc/group`.
//!
//! Lines that make no sense are skipped, as the C library and container engines do: one broken line in a base
//! image must not make `USER` fail.

/// Where the bytes of a user database are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserFile<'a> {
    /// There is no such file.
    Absent,
    /// Its bytes.
    Bytes(&'a [u8]),
    /// The path leads to another file, whose bytes are not in the index.
    Elsewhere {
        /// Resolved path.
        path: Vec<u8>,
    },
}

/// One line of `/etc/passwd`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRecord {
    /// Login name.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// Id of the first group.
    pub gid: u32,
    /// Home directory, possibly empty.
    pub home: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct GroupRecord {
    name: String,
    gid: u32,
    members: Vec<String>,
}

/// Parsed `/etc/passwd` and `/etc/group`; where a name is there twice, the first line counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Users {
    users: Vec<UserRecord>,
    groups: Vec<GroupRecord>,
}

impl Users {
    /// Parses the bytes of both files.
    pub fn parse(passwd: &[u8], group: &[u8]) -> Self {
        let lines = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let passwd = lines(passwd);
        let group = lines(group);
        Self {
            users: passwd.lines().filter_map(parse_user).collect(),
            groups: group.lines().filter_map(parse_group).collect(),
        }
    }

    /// The user with this name.
    pub fn user(&self, name: &str) -> Option<&UserRecord> {
        self.users.iter().find(|user| user.name == name)
    }

    /// The first user with this id.
    pub fn user_by_id(&self, uid: u32) -> Option<&UserRecord> {
        self.users.iter().find(|user| user.uid == uid)
    }

    /// Id of the user with this name.
    pub fn user_id(&self, name: &str) -> Option<u32> {
        self.user(name).map(|user| user.uid)
    }

    /// Id of the group with this name.
    pub fn group_id(&self, name: &str) -> Option<u32> {
        self.groups.iter().find(|group| group.name == name).map(|group| group.gid)
    }

    /// Ids of the groups that list this user as a member, sorted, without the user's first group unless listed.
    pub fn groups_of(&self, name: &str) -> Vec<u32> {
        let listed = self.groups.iter().filter(|group| group.members.iter().any(|member| member == name));
        let mut ids: Vec<u32> = listed.map(|group| group.gid).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

/// `name:password:uid:gid:comment:home:shell`, passwd(5).
fn parse_user(line: &str) -> Option<UserRecord> {
    let mut fields = record(line)?;
    let name = fields.next().filter(|name| !name.is_empty())?.to_owned();
    let uid = fields.nth(1)?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    let home = fields.nth(1).unwrap_or_default().to_owned();
    Some(UserRecord { name, uid, gid, home })
}

/// `name:password:gid:member,member`, group(5).
fn parse_group(line: &str) -> Option<GroupRecord> {
    let mut fields = record(line)?;
    let name = fields.next().filter(|name| !name.is_empty())?.to_owned();
    let gid = fields.nth(1)?.parse().ok()?;
    let members = fields.next().unwrap_or_default();
    let members = members.split(',').filter(|member| !member.is_empty()).map(str::to_owned).collect();
    Some(GroupRecord { name, gid, members })
}

fn record(line: &str) -> Option<impl Iterator<Item = &str>> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') { None } else { Some(line.split(':').map(str::trim)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &[u8] = b"root:x:0:0:root:/root:/bin/sh\n\n# no user\nbroken\nweb:x:33:34::/srv\nweb:x:99:99::/other\nbad:x:minus:1::\n";
    const GROUP: &[u8] = b"root:x:0:\nwww:x:34:web\ntls:x:7:root,web\nalso:x:7:web\nbad:x:\n";

    #[test]
    fn names_give_ids_and_the_first_line_wins() {
        let users = Users::parse(PASSWD, GROUP);
        assert_eq!(users.user_id("root"), Some(0));
        let web = users.user("web").unwrap();
        assert_eq!((web.uid, web.gid, web.home.as_str()), (33, 34, "/srv"));
        assert_eq!(users.user_by_id(99).unwrap().home, "/other");
        assert_eq!(users.user_id("bad"), None);
        assert_eq!(users.group_id("www"), Some(34));
        assert_eq!(users.group_id("bad"), None);
    }

    #[test]
    fn further_groups_are_sorted_and_unique() {
        assert_eq!(Users::parse(PASSWD, GROUP).groups_of("web"), [7, 34]);
        assert!(Users::parse(PASSWD, GROUP).groups_of("nobody").is_empty());
    }
}
