//! What the machine's files say about names: `/etc/hosts` (hosts(5)) and `/etc/resolv.conf` (resolv.conf(5)).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// More servers, searches or attempts than these are not used, as with the C library.
const MOST_SERVERS: usize = 3;
const MOST_ATTEMPTS: u32 = 5;
const LONGEST_TIMEOUT_SECONDS: u64 = 30;
const MOST_NDOTS: usize = 15;
const PORT: u16 = 53;

/// How names are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Configuration {
    pub(super) servers: Vec<SocketAddr>,
    pub(super) search: Vec<String>,
    /// A name with at least this many dots is asked for as it is first.
    pub(super) ndots: usize,
    /// How long one server is waited for.
    pub(super) timeout: Duration,
    /// Rounds through all servers.
    pub(super) attempts: u32,
}

impl Configuration {
    /// Reads `resolv.conf`; an empty one means a server on this machine.
    pub(super) fn parse(text: &str) -> Self {
        let mut configuration = Self {
            servers: Vec::new(),
            search: Vec::new(),
            ndots: 1,
            timeout: Duration::from_secs(5),
            attempts: 2,
        };
        for line in text.lines() {
            let line = line.split(['#', ';']).next().unwrap_or_default();
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => configuration.servers.extend(words.next().and_then(server)),
                // The last of these lines counts.
                Some("search" | "domain") => {
                    configuration.search = words.map(|word| word.trim_end_matches('.').to_owned()).collect();
                    configuration.search.retain(|word| !word.is_empty());
                }
                Some("options") => words.for_each(|word| configuration.option(word)),
                _ => {}
            }
        }
        configuration.servers.truncate(MOST_SERVERS);
        if configuration.servers.is_empty() {
            configuration.servers.push(SocketAddr::from((Ipv4Addr::LOCALHOST, PORT)));
        }
        configuration
    }

    fn option(&mut self, word: &str) {
        let Some((name, value)) = word.split_once(':') else { return };
        let Ok(value) = value.parse::<u32>() else { return };
        match name {
            "ndots" => self.ndots = usize::try_from(value).unwrap_or(MOST_NDOTS).min(MOST_NDOTS),
            "timeout" => {
                self.timeout = Duration::from_secs(u64::from(value).clamp(1, LONGEST_TIMEOUT_SECONDS));
            }
            "attempts" => self.attempts = value.clamp(1, MOST_ATTEMPTS),
            _ => {}
        }
    }

    /// The full names that a name may stand for, in the order in which they are asked for.
    pub(super) fn candidates(&self, name: &str) -> Vec<String> {
        if let Some(absolute) = name.strip_suffix('.') {
            return vec![absolute.to_owned()];
        }
        let mut names: Vec<_> = self.search.iter().map(|domain| format!("{name}.{domain}")).collect();
        let dots = name.matches('.').count();
        let place = if dots >= self.ndots { 0 } else { names.len() };
        names.insert(place, name.to_owned());
        names
    }
}

/// The address of a name server; a scope such as `%eth0` cannot be used.
fn server(text: &str) -> Option<SocketAddr> {
    text.parse::<IpAddr>().ok().map(|address| SocketAddr::from((address, PORT)))
}

/// The addresses of a name in the text of a hosts file.
pub(super) fn hosts(text: &str, name: &str) -> Vec<IpAddr> {
    let name = name.trim_end_matches('.');
    let mut found = Vec::new();
    for line in text.lines() {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let Some(Ok(address)) = words.next().map(str::parse) else { continue };
        if words.any(|word| word.eq_ignore_ascii_case(name)) && !found.contains(&address) {
            found.push(address);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_administrators_and_container_engines_write() {
        let text = "# made by hand\nnameserver 10.0.0.1 ; first\nnameserver fd00::1\nnameserver fe80::1%eth0\n\
                    domain old.example\nsearch a.svc.cluster.local. example\noptions ndots:5 timeout:1 attempts:99 rotate edns0\n";
        let configuration = Configuration::parse(text);
        assert_eq!(configuration.servers, ["10.0.0.1:53".parse().unwrap(), "[fd00::1]:53".parse().unwrap()]);
        assert_eq!(configuration.search, ["a.svc.cluster.local", "example"]);
        assert_eq!((configuration.ndots, configuration.attempts), (5, 5));
        assert_eq!(configuration.timeout, Duration::from_secs(1));
        assert_eq!(Configuration::parse("").servers, ["127.0.0.1:53".parse().unwrap()]);
    }

    #[test]
    fn short_names_are_searched_first_and_long_ones_last() {
        let configuration = Configuration::parse("search a.example b.example\noptions ndots:2\n");
        assert_eq!(configuration.candidates("x.y"), ["x.y.a.example", "x.y.b.example", "x.y"]);
        assert_eq!(configuration.candidates("x.y.z"), ["x.y.z", "x.y.z.a.example", "x.y.z.b.example"]);
        assert_eq!(configuration.candidates("x."), ["x"]);
    }

    #[test]
    fn finds_all_addresses_of_a_name_in_any_case() {
        let text = "127.0.0.1 localhost\n10.0.0.7\tRegistry.Example registry # the old one: other\n::7 registry\nbroken registry\n";
        let expected: [IpAddr; 2] = ["10.0.0.7".parse().unwrap(), "::7".parse().unwrap()];
        assert_eq!(hosts(text, "registry"), expected);
        assert_eq!(hosts(text, "registry.example."), expected[..1]);
        assert!(hosts(text, "other").is_empty());
    }
}
