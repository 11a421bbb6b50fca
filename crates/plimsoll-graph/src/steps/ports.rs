//! `EXPOSE`: ports, ranges of ports and their protocols.

use plimsoll_diagnostics::{Diagnostic, Spanned, Text};
use plimsoll_oci::Empty;

use crate::go;
use crate::problems::{Reported, Reporting};
use crate::stage::StageLowering;

/// A port or a range of ports, as it is written in `EXPOSE`.
#[derive(Debug, PartialEq, Eq)]
struct Ports {
    first: u16,
    last: u16,
    protocol: &'static str,
    /// A host address or port stands in front, which `EXPOSE` has no use for.
    has_host: bool,
}

impl StageLowering<'_, '_> {
    pub(crate) fn expose(&mut self, words: &[Spanned<Text>]) -> Reporting {
        let mut ports = Vec::new();
        let mut complete = true;
        // The history lists ports in the order of the words' texts, not in that of the file.
        let mut words: Vec<&Spanned<Text>> = words.iter().collect();
        words.sort_by(|left, right| left.value.cmp(&right.value));
        for word in words {
            let Ok(expanded) = self.with_words(|words, problems| words.words(word, problems)) else {
                complete = false;
                continue;
            };
            for text in expanded {
                match parse(&text) {
                    Ok(parsed) => {
                        if parsed.has_host {
                            self.lowering.problems.report(
                                Diagnostic::warning(
                                    "exposed-host-port",
                                    "`EXPOSE` has no host addresses and ports",
                                )
                                .at(word.span)
                                .hint("publish ports when the container is started"),
                            );
                        }
                        ports.extend(
                            (parsed.first..=parsed.last).map(|port| format!("{port}/{}", parsed.protocol)),
                        );
                    }
                    Err(reason) => {
                        complete = false;
                        self.lowering.problems.report(
                            Diagnostic::error("bad-port", format!("`{text}` is not a port: {reason}"))
                                .at(word.span)
                                .hint("write a port or a range, with a protocol if it is not tcp: `53/udp`"),
                        );
                    }
                }
            }
        }
        if !complete {
            return Err(Reported);
        }
        let exposed = &mut self.state.config.config.exposed_ports;
        exposed.extend(ports.iter().map(|port| (port.clone(), Empty {})));
        self.state.note(format!("EXPOSE {}", go::list(&ports)));
        Ok(())
    }
}

/// Reads `[[address:]host-port:]port[-port][/protocol]`.
fn parse(text: &str) -> Result<Ports, &'static str> {
    let (host, container) = match text.rsplit_once(':') {
        Some((host, container)) => (Some(host), container),
        None => (None, text),
    };
    let (range, protocol) = container.split_once('/').unwrap_or((container, ""));
    let protocol = match protocol.to_ascii_lowercase().as_str() {
        "" | "tcp" => "tcp",
        "udp" => "udp",
        "sctp" => "sctp",
        _ => return Err("the protocol must be tcp, udp or sctp"),
    };
    if range.is_empty() {
        return Err("the number is missing");
    }
    let (first, last) = range_of(range)?;
    if let Some(host) = host {
        check_host(host, last - first)?;
    }
    Ok(Ports { first, last, protocol, has_host: host.is_some() })
}

fn range_of(text: &str) -> Result<(u16, u16), &'static str> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u16>().ok().filter(|_| digits).ok_or("a port is a number from 0 to 65535")
    };
    let (first, last) = (number(first)?, number(last)?);
    if last < first { Err("the range ends before it starts") } else { Ok((first, last)) }
}

/// Checks `[address:]port[-port]`, which is then ignored.
fn check_host(host: &str, length: u16) -> Result<(), &'static str> {
    let (address, port) = match host.rsplit_once(':') {
        Some((address, port)) => (address, port),
        None => ("", host),
    };
    if !port.is_empty() {
        let (first, last) = range_of(port)?;
        if length != 0 && last - first != length {
            return Err("the ranges of host and container differ in length");
        }
    }
    let address = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(address);
    if address.is_empty() || address.parse::<std::net::IpAddr>().is_ok() {
        Ok(())
    } else {
        Err("the host address is no IP address")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_and_ranges_are_read() {
        let ports = |text: &str| parse(text).map(|ports| (ports.first, ports.last, ports.protocol));
        assert_eq!(ports("80"), Ok((80, 80, "tcp")));
        assert_eq!(ports("53/UDP"), Ok((53, 53, "udp")));
        assert_eq!(ports("80/"), Ok((80, 80, "tcp")));
        assert_eq!(ports("7000-7002/sctp"), Ok((7000, 7002, "sctp")));
        assert_eq!(ports("8080:80"), Ok((80, 80, "tcp")));
        assert_eq!(ports("127.0.0.1:8080:80"), Ok((80, 80, "tcp")));
        assert_eq!(ports("[::1]:8080:80"), Ok((80, 80, "tcp")));
    }

    #[test]
    fn what_is_no_port_is_refused() {
        for text in
            ["", "/tcp", "http", "65536", "80/http", "90-80", "1-2-3", "+80", "x:80", "a.b:1:80", "1-3:1-2"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
