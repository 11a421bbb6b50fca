//! Addresses and their prefixes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Args, Function};
use crate::language::Value;
use crate::problem::Outcome;

pub(super) const TABLE: &[(&str, Function)] = &[
    ("cidrhost", cidrhost),
    ("cidrnetmask", |args| {
        args.exactly(1)?;
        let prefix = prefix(args, 0)?;
        if prefix.width == 128 {
            return Err(args.fail(0, "only an IPv4 prefix has a netmask"));
        }
        Ok(Value::text(prefix.address(prefix.mask()).to_string()))
    }),
    ("cidrsubnet", cidrsubnet),
    ("cidrsubnets", cidrsubnets),
];

#[derive(Clone, Copy)]
struct Prefix {
    /// The address, in the lowest `width` bits.
    bits: u128,
    length: u32,
    /// 32 or 128.
    width: u32,
}

impl Prefix {
    fn mask(self) -> u128 {
        let all = if self.width == 128 { u128::MAX } else { u128::from(u32::MAX) };
        all & !self.host_mask()
    }

    fn host_mask(self) -> u128 {
        let host_bits = self.width - self.length;
        if host_bits == 128 { u128::MAX } else { (1 << host_bits) - 1 }
    }

    fn address(self, bits: u128) -> IpAddr {
        match u32::try_from(bits) {
            Ok(bits) if self.width == 32 => IpAddr::V4(Ipv4Addr::from(bits)),
            _ => IpAddr::V6(Ipv6Addr::from(bits)),
        }
    }

    fn shown(self) -> String {
        format!("{}/{}", self.address(self.bits), self.length)
    }
}

fn prefix(args: &Args<'_>, at: usize) -> Outcome<Prefix> {
    let text = args.text(at)?;
    let wrong = || args.fail(at, format!("`{text}` is not of the form `ADDRESS/LENGTH`"));
    let (address, length) = text.split_once('/').ok_or_else(wrong)?;
    let (bits, width) = match address.parse().map_err(|_| wrong())? {
        IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    };
    let length = length.parse().ok().filter(|length| *length <= width).ok_or_else(wrong)?;
    let prefix = Prefix { bits, length, width };
    Ok(Prefix { bits: bits & prefix.mask(), ..prefix })
}

fn cidrhost(args: &Args<'_>) -> Outcome<Value> {
    args.exactly(2)?;
    let (prefix, host) = (prefix(args, 0)?, args.integer(1)?);
    let too_large = || args.fail(1, "the prefix has no host of that number");
    let offset = if host >= 0 {
        u128::try_from(host).map_err(|_| too_large())?
    } else {
        let back = u128::from(host.unsigned_abs()) - 1;
        prefix.host_mask().checked_sub(back).ok_or_else(too_large)?
    };
    if offset > prefix.host_mask() {
        return Err(too_large());
    }
    Ok(Value::text(prefix.address(prefix.bits | offset).to_string()))
}

fn cidrsubnet(args: &Args<'_>) -> Outcome<Value> {
    args.exactly(3)?;
    let (prefix, more, number) = (prefix(args, 0)?, args.integer(1)?, args.integer(2)?);
    let length = u32::try_from(more).ok().and_then(|more| prefix.length.checked_add(more));
    let length = length
        .filter(|length| *length <= prefix.width)
        .ok_or_else(|| args.fail(1, "the prefix has not that many bits left"))?;
    let bits = length - prefix.length;
    let number = u128::try_from(number)
        .ok()
        .filter(|number| bits == 128 || *number < (1 << bits))
        .ok_or_else(|| args.fail(2, format!("the number does not fit into {bits} bits")))?;
    let shifted = if prefix.width == length { number } else { number << (prefix.width - length) };
    Ok(Value::String(Prefix { bits: prefix.bits | shifted, length, ..prefix }.shown()))
}

fn cidrsubnets(args: &Args<'_>) -> Outcome<Value> {
    args.between(1, usize::MAX)?;
    let prefix = prefix(args, 0)?;
    let (mut next, mut subnets) = (Some(prefix.bits), Vec::new());
    for at in 1..args.len() {
        let more = u32::try_from(args.integer(at)?).ok().filter(|more| *more >= 1);
        let length = more.and_then(|more| prefix.length.checked_add(more));
        let length = length
            .filter(|length| *length <= prefix.width)
            .ok_or_else(|| args.fail(at, "the prefix has not that many bits left"))?;
        let subnet = Prefix { bits: 0, length, ..prefix };
        let full = || args.fail(at, "there is no room left in the prefix");
        // The next one starts where the last one ended, on a border of its own size.
        let start = next.ok_or_else(full)?;
        let start = match start & subnet.host_mask() {
            0 => start,
            _ => (start | subnet.host_mask()).checked_add(1).ok_or_else(full)?,
        };
        if start & prefix.mask() != prefix.bits || (prefix.width == 32 && start > u128::from(u32::MAX)) {
            return Err(full());
        }
        next = (start | subnet.host_mask()).checked_add(1);
        subnets.push(Value::String(Prefix { bits: start, ..subnet }.shown()));
    }
    Ok(Value::List(subnets))
}
