//! Ports, addresses and maps as rules write them.

use std::net::IpAddr;

use super::Forward;

/// The elements of a named map of a script.
pub(super) fn elements_of(text: &str, name: &str) -> Vec<Forward> {
    let lines = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default());
    let text: String = lines.collect::<Vec<_>>().join(" ");
    let apart = text.replace(['{', '}', ',', ';'], " ");
    let words: Vec<&str> = apart.split_ascii_whitespace().collect();
    let named = words.windows(2).position(|pair| pair == ["map", name]);
    let Some(at) = named else { return Vec::new() };
    let words = &words[at + 2..];
    let begin = words.iter().position(|one| *one == "elements");
    let end = words
        .iter()
        .position(|one| ["map", "chain", "set", "table"].contains(one));
    match (begin, end) {
        (Some(begin), None) => mapped(&words[begin + 1..]),
        (Some(begin), Some(end)) if begin < end => mapped(&words[begin + 1..end]),
        _ => Vec::new(),
    }
}

/// `21 : 192.168.7.10`, `tcp . 21 : 192.168.7.10 . 2121`: what leads to which address.
pub(super) fn mapped(words: &[&str]) -> Vec<Forward> {
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate() {
        if *word != ":" || at == 0 {
            continue;
        }
        let port = key_before(&words[..at]).find_map(range);
        let target = words.get(at + 1).and_then(|target| target_of(target));
        let Some((to, port_of_target)) = target else {
            continue;
        };
        let joined = match words.get(at + 2..at + 4) {
            Some([".", port]) => port.parse().ok(),
            _ => None,
        };
        found.push(Forward {
            of: None,
            ports: port.map(|port| vec![port]),
            to,
            port: port_of_target.or(joined),
        });
    }
    found
}

/// The parts of a key, the last one first: they are joined by dots.
fn key_before<'w>(words: &'w [&'w str]) -> impl Iterator<Item = &'w str> {
    let mut rest = words;
    std::iter::from_fn(move || {
        let (last, before) = rest.split_last()?;
        rest = match before.split_last() {
            Some((&".", before)) => before,
            _ => &[],
        };
        Some(*last)
    })
}

/// The ports of `tcp dport 21`, `tcp dport { 21, 990 }`, `th dport 21-22`.
pub(super) fn dports(words: &[&str]) -> Option<Vec<(u16, u16)>> {
    let at = words.iter().position(|one| *one == "dport")?;
    let behind = words[at + 1..].iter().filter(|one| **one != "==");
    let ports = behind.map_while(|one| range(one)).collect::<Vec<_>>();
    (!ports.is_empty()).then_some(ports)
}

pub(super) fn ranges(written: &str) -> Vec<(u16, u16)> {
    written.split(',').filter_map(range).collect()
}

/// `21`, `ftp`, `21:22`, `21-22`.
pub(super) fn range(written: &str) -> Option<(u16, u16)> {
    let port = |text: &str| match text {
        "ftp" => Some(21),
        number => number.parse().ok(),
    };
    let (low, high) = written.split_once([':', '-']).unwrap_or((written, written));
    Some((port(low)?, port(high)?))
}

/// `192.168.7.10`, with a port behind it, `[fd77::10]:21`, the first of a range; a network that is one address.
pub(crate) fn target_of(written: &str) -> Option<(IpAddr, Option<u16>)> {
    if let Some((address, length)) = written.split_once('/') {
        let address: IpAddr = address.parse().ok()?;
        let whole = if address.is_ipv4() { "32" } else { "128" };
        return (length == whole).then_some((address, None));
    }
    let first_port = |port: &str| port.split('-').next().and_then(|port| port.parse().ok());
    if let Some(rest) = written.strip_prefix('[') {
        let (address, behind) = rest.split_once(']')?;
        let port = behind.strip_prefix(':').and_then(first_port);
        return Some((address.parse().ok()?, port));
    }
    if let Ok(address) = written.split('-').next().unwrap_or_default().parse() {
        // A range of addresses may have ports behind it, too.
        let behind = written.split_once('-').and_then(|(_, last)| {
            let last = last
                .split_once(':')
                .filter(|(last, _)| last.contains('.'))?;
            first_port(last.1)
        });
        return Some((address, behind));
    }
    let (address, port) = written.split_once(':')?;
    Some((address.parse().ok()?, first_port(port)))
}
