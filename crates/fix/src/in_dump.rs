//! In what `iptables-save` writes.

use std::net::IpAddr;
use std::ops::Range;

use crate::edit::{Insertion, NoPlace, Text, comment};
use crate::remedy::{ControlWay, HelperSide, PassedOn, Remedy, Spot};

pub(crate) fn insertion(text: &Text, remedy: &Remedy) -> Result<Insertion, NoPlace> {
    match remedy {
        Remedy::Accept { spot, what } => {
            let only = spot.only.of_iptables();
            let chain = &spot.chain.chain;
            let rules = super::in_commands::matches(*what).into_iter();
            let rules = rules.map(|matches| format!("-A {chain} {only}{matches}"));
            let place = match (spot.ordinal, spot.line) {
                (Some(_), Some(line)) => text.place(line)?,
                _ => end(text, spot)?,
            };
            let lines = std::iter::once(comment(remedy)).chain(rules).collect();
            Ok(Insertion { place, lines })
        }
        Remedy::Helper { side, port, .. } => {
            let rule = [comment(remedy), helper(*side, *port)];
            Ok(at_the_end(text, "raw", &RAW, rule))
        }
        Remedy::Track {
            side, way, port, ..
        } => {
            let rule = [comment(remedy), format!("-A {}", track(*side, *way, *port))];
            Ok(at_the_front(text, "raw", side.chain(), &RAW, rule))
        }
        Remedy::Forward {
            from,
            to,
            low,
            high,
            ..
        } => {
            let rule = [comment(remedy), forward(*from, *to, (*low, *high))];
            Ok(at_the_end(text, "nat", &NAT, rule))
        }
        Remedy::Masquerade { which, .. } => {
            let rule = [comment(remedy), masquerade(which)];
            Ok(at_the_end(text, "nat", &NAT, rule))
        }
        Remedy::ClampMss { .. } => {
            let rule = [comment(remedy), format!("-A {CLAMP}")];
            Ok(at_the_front(text, "mangle", "FORWARD", &MANGLE, rule))
        }
        Remedy::PassivePorts { .. } | Remedy::Advertise { .. } => Err(NoPlace::of_server()),
    }
}

/// The chains of the table raw.
const RAW: [&str; 2] = ["PREROUTING", "OUTPUT"];
/// The chains of the table nat.
const NAT: [&str; 4] = ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"];
/// The chains of the table mangle.
const MANGLE: [&str; 5] = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"];

/// A rule and its comment at the end of a table, which is made where there is none.
fn at_the_end(text: &Text, table: &str, chains: &[&str], rule: [String; 2]) -> Insertion {
    if let Some(place) = end_of(text, table) {
        let lines = rule.into();
        return Insertion { place, lines };
    }
    let chains = chains.iter().map(|chain| format!(":{chain} ACCEPT [0:0]"));
    let begin = std::iter::once(format!("*{table}")).chain(chains);
    let end = ["COMMIT".to_owned()];
    Insertion {
        place: behind_all(text),
        lines: begin.chain(rule).chain(end).collect(),
    }
}

/// Behind the last table. What ends a script's quotation of it, or a fence, stands further down.
fn behind_all(text: &Text) -> usize {
    let commit = text.lines.iter().rposition(|line| line.trim() == "COMMIT");
    let behind = commit.map_or(0, |commit| commit + 1);
    let is_blank = |line: &String| line.trim().is_empty() || line.starts_with('#');
    match text.lines[behind..].iter().all(is_blank) {
        true => text.lines.len(),
        false => behind,
    }
}

/// The same before all other rules of a chain, since one of them may end the packet's way through it.
fn at_the_front(
    text: &Text,
    table: &str,
    chain: &str,
    chains: &[&str],
    rule: [String; 2],
) -> Insertion {
    let begin = format!("-A {chain} ");
    let place = range_of(text, table)
        .and_then(|mut lines| lines.find(|at| text.lines[*at].trim_start().starts_with(&begin)));
    match place {
        Some(place) => Insertion {
            place,
            lines: rule.into(),
        },
        None => at_the_end(text, table, chains, rule),
    }
}

pub(crate) fn forward(from: IpAddr, to: IpAddr, (low, high): (u16, u16)) -> String {
    format!(
        "-A PREROUTING -d {from} -p tcp -m tcp --dport {low}:{high} -j DNAT --to-destination {to}"
    )
}

pub(crate) fn masquerade(which: &PassedOn) -> String {
    let which = match which {
        PassedOn::By(out) => format!("-o {out}"),
        PassedOn::Within { net, server } => format!("-s {net} -d {server}"),
    };
    format!("-A POSTROUTING {which} -j MASQUERADE")
}

/// What each SYN announces is made no more than the routes both ways carry.
pub(crate) const CLAMP: &str =
    "FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu";

pub(crate) fn helper(side: HelperSide, port: u16) -> String {
    let chain = side.chain();
    format!("-A {chain} -p tcp -m tcp --dport {port} -j CT --helper ftp")
}

/// What is in conntrack by one rule stays there, whatever the next ones say.
pub(crate) fn track(side: HelperSide, way: ControlWay, port: u16) -> String {
    let chain = side.chain();
    match way {
        ControlWay::ToServer => format!("{chain} -p tcp -m tcp --dport {port} -j CT --helper ftp"),
        ControlWay::FromServer => format!("{chain} -p tcp -m tcp --sport {port} -j ACCEPT"),
    }
}

fn end(text: &Text, spot: &Spot) -> Result<usize, NoPlace> {
    end_of(text, &spot.chain.table).ok_or_else(|| NoPlace {
        why: format!("the dump has no table {}", spot.chain.table),
    })
}

/// The line of a table's COMMIT.
fn end_of(text: &Text, table: &str) -> Option<usize> {
    Some(range_of(text, table)?.end)
}

/// The lines of a table, up to its COMMIT.
fn range_of(text: &Text, table: &str) -> Option<Range<usize>> {
    let begin = text
        .lines
        .iter()
        .position(|line| line.trim() == format!("*{table}"))?;
    let mut rest = text.lines[begin..].iter();
    let length = rest.position(|line| line.trim() == "COMMIT")?;
    Some(begin..begin + length)
}
