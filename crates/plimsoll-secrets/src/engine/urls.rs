//! Passwords in addresses: `scheme://user:password@host`.

use std::ops::Range;

use crate::placeholder;

/// Schemes of databases and message brokers.
const DATABASES: [&str; 24] = [
    "amqp",
    "amqps",
    "cassandra",
    "clickhouse",
    "cockroachdb",
    "couchdb",
    "db2",
    "kafka",
    "mariadb",
    "mongodb",
    "mongodb+srv",
    "mssql",
    "mysql",
    "mysql2",
    "nats",
    "neo4j",
    "oracle",
    "postgres",
    "postgresql",
    "redis",
    "rediss",
    "snowflake",
    "sqlserver",
    "mysqlx",
];

/// The longest user or password.
const MOST: usize = 512;

/// The password of a database's address.
pub(crate) fn database(window: &[u8], hit: Range<usize>) -> Option<Range<usize>> {
    password(window, &hit, true)
}

/// The password of any other address.
pub(crate) fn other(window: &[u8], hit: Range<usize>) -> Option<Range<usize>> {
    password(window, &hit, false)
}

fn password(window: &[u8], hit: &Range<usize>, of_database: bool) -> Option<Range<usize>> {
    let rest = &window[hit.end..];
    let end = rest.iter().take(2 * MOST).position(|byte| is_end(*byte)).unwrap_or(rest.len().min(2 * MOST));
    let authority = &rest[..end];
    let at = authority.iter().rposition(|byte| *byte == b'@')?;
    let colon = authority[..at].iter().position(|byte| *byte == b':')?;
    let value = &authority[colon + 1..at];
    let host = &authority[at + 1..];
    if value.len() < 3
        || !host
            .first()
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'[' | b'$' | b'{'))
    {
        return None;
    }
    let scheme = scheme(&window[..hit.start])?;
    let is_database = DATABASES.contains(&scheme.to_ascii_lowercase().rsplit(':').next().unwrap_or_default())
        || DATABASES.iter().any(|name| scheme.strip_prefix(name).is_some_and(|rest| rest.starts_with('+')));
    let is_made_up = placeholder::is_placeholder(value)
        || placeholder::is_reference(&authority[..colon])
        || is_example_host(host)
        // The user's name once more: `guest:guest`, `user:user`.
        || authority[..colon].eq_ignore_ascii_case(value);
    (is_database == of_database && !is_made_up).then(|| hit.end + colon + 1..hit.end + at)
}

fn is_end(byte: u8) -> bool {
    byte.is_ascii_whitespace()
        || byte < b' '
        || matches!(byte, b'/' | b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\' | b'?' | b'#' | b'|')
}

fn scheme(before: &[u8]) -> Option<&str> {
    let length = before
        .iter()
        .rev()
        .take(20)
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'.' | b'-'))
        .count();
    std::str::from_utf8(&before[before.len() - length..]).ok().filter(|scheme| scheme.len() > 1)
}

/// Hosts that stand for any: RFC 2606, and what documents write.
fn is_example_host(host: &[u8]) -> bool {
    let host = host.to_ascii_lowercase();
    let name = host.split(|byte| *byte == b':').next().unwrap_or_default();
    [&b"example.com"[..], b"example.org", b"example.net", b".example", b".invalid", b".test"]
        .iter()
        .any(|end| name.ends_with(end))
        || [
            &b"host"[..],
            b"hostname",
            b"server",
            b"domain",
            b"domain.com",
            b"example",
            b"site.com",
            b"foo.com",
            b"bar.com",
        ]
        .contains(&name)
}
