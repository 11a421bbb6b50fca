//! Ranges of ids a user may map into a user namespace: subuid(5), subgid(5).

use std::path::Path;

/// Consecutive ids of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdRange {
    /// First id.
    pub first: u32,
    /// How many.
    pub count: u32,
}

/// Ranges a file gives to a user, named by login name or by number. A file that cannot be read gives none.
pub(crate) fn ranges(file: &Path, user_id: u32, user_name: Option<&str>) -> Vec<IdRange> {
    std::fs::read_to_string(file).map(|text| parse(&text, user_id, user_name)).unwrap_or_default()
}

fn parse(text: &str, user_id: u32, user_name: Option<&str>) -> Vec<IdRange> {
    let number = user_id.to_string();
    text.lines()
        .filter_map(|line| {
            let mut fields = line.trim().split(':');
            let owner = fields.next()?;
            if owner != number && Some(owner) != user_name {
                return None;
            }
            let first = fields.next()?.parse().ok()?;
            let count = fields.next()?.parse().ok()?;
            (count > 0).then_some(IdRange { first, count })
        })
        .collect()
}

/// Sum of the sizes of ranges.
pub(crate) fn total(ranges: &[IdRange]) -> u64 {
    ranges.iter().map(|range| u64::from(range.count)).sum()
}

/// Arguments of newuidmap(1): the caller's id becomes 0, the ranges follow from 1 on.
pub(crate) fn map_arguments(own: u32, ranges: &[IdRange]) -> Vec<String> {
    let mut arguments = vec!["0".to_owned(), own.to_string(), "1".to_owned()];
    let mut inside = 1u32;
    for range in ranges {
        arguments.extend([inside.to_string(), range.first.to_string(), range.count.to_string()]);
        inside = inside.saturating_add(range.count);
    }
    arguments
}

/// Login name of a user id, from the text of passwd(5).
pub(crate) fn user_name(passwd: &str, user_id: u32) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let id: u32 = fields.nth(1)?.parse().ok()?;
        (id == user_id && !name.is_empty()).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_found_by_name_and_by_number() {
        let text = "# none\nother:1:2\nme:100000:65536\n1000:300000:10\nme:bad:1\nme:5:0\n";
        assert_eq!(
            parse(text, 1000, Some("me")),
            [IdRange { first: 100_000, count: 65_536 }, IdRange { first: 300_000, count: 10 }]
        );
        assert_eq!(parse(text, 1, None), []);
    }

    #[test]
    fn a_map_starts_with_the_users_own_id() {
        let ranges = [IdRange { first: 100_000, count: 65_536 }, IdRange { first: 300_000, count: 10 }];
        assert_eq!(map_arguments(1000, &ranges).join(" "), "0 1000 1 1 100000 65536 65537 300000 10");
        assert_eq!(total(&ranges), 65_546);
    }

    #[test]
    fn user_names_come_from_the_third_field() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nme:x:1000:1000::/home/me:/bin/sh\n";
        assert_eq!(user_name(passwd, 1000).as_deref(), Some("me"));
        assert_eq!(user_name(passwd, 7), None);
    }
}
