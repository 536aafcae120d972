//! Addresses, divided by the conditions that name them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use fwlab_model::IpNet;
use fwlab_model::ruleset::Addresses;
use fwlab_record::{Family, InterfaceName};

use crate::conditions::OfAddresses;
use crate::value::Placed;
use crate::{Behind, End, Network, Question, Value, usable};

/// Addresses that the same conditions hold for.
#[derive(Debug, Default)]
struct Part {
    ranges: Vec<(u128, u128)>,
    /// The narrowest of the conditions.
    narrowest: Option<usize>,
    /// Those of them that are behind each interface, where that is known.
    behind: BTreeMap<Option<InterfaceName>, Vec<(u128, u128)>>,
}

/// Divides the addresses that hosts can have by conditions, and by where they are. What no condition names is last; a part that
/// no host can be in has no representative.
pub(crate) fn values(conditions: &OfAddresses, end: &End, question: &Question) -> Vec<Value> {
    let family = question.family;
    let conditions: Vec<&Addresses> = conditions
        .iter()
        .filter(|addresses| addresses.family() == family)
        .collect();
    let usable = without(usable::ranges(family), &end.elsewhere, family);
    let usable = match &end.within[..] {
        [] => usable,
        nets => within(&of_nets(nets, family), &usable),
    };
    // Of what a condition names, as much as hosts can have.
    let sizes: Vec<u128> = conditions
        .iter()
        .map(|one| size(&within(one.ranges(), &usable)))
        .collect();
    let (behind, mut taken) = match &question.network {
        None => (Vec::new(), question.taken.clone()),
        Some(network) => {
            let own = network.own(family).map(|(_, address)| address);
            let behind = network.behind.iter().filter(|one| one.family == family);
            (behind.collect(), own.collect())
        }
    };
    taken.extend(&question.taken);
    let mut parts: Vec<Part> = divided(&conditions, &sizes, &usable, &behind);
    // As they are written: those that conditions name in their order, then the rest.
    parts.sort_by_key(|part| part.narrowest.unwrap_or(usize::MAX));
    let mut told = BTreeSet::new();
    let mut values = Vec::new();
    for part in parts {
        let is_known = question.network.is_some();
        // Where routes are known, none leads to those that are behind nothing.
        let reached = part
            .behind
            .iter()
            .filter(|(behind, _)| behind.is_some() == is_known);
        let stands_for: Vec<_> = reached
            .flat_map(|(behind, ranges)| {
                let found = representatives(family, ranges, &end.usual_addresses, &taken);
                found.into_iter().map(|address| (address, behind.clone()))
            })
            .collect();
        if stands_for.is_empty() {
            continue;
        }
        let words = match part.narrowest {
            None => String::new(),
            Some(at) => {
                let whole = size(&part.ranges) >= sizes[at];
                let words = conditions[at].words();
                let words = match whole {
                    true => words,
                    false => format!("the rest of {words}"),
                };
                match told.contains(&words) {
                    false => words,
                    true => ranges_written(family, &part.ranges),
                }
            }
        };
        told.insert(words.clone());
        values.push(Value::addresses(
            words,
            part.narrowest.is_none(),
            stands_for,
        ));
    }
    values
}

/// The host's own addresses, divided by the conditions that name them.
pub(crate) fn own(family: Family, conditions: &OfAddresses, network: &Network) -> Vec<Value> {
    let holding = |address: IpAddr| -> Vec<bool> {
        let number = Addresses::number(address);
        let of_family = conditions.iter().filter(|one| one.family() == family);
        let within = of_family.map(|one| {
            one.ranges()
                .iter()
                .any(|(first, last)| (*first..=*last).contains(&number))
        });
        within.collect()
    };
    let mut parts: Vec<(Vec<bool>, Vec<Placed>)> = Vec::new();
    for (interface, address) in network.own(family) {
        let held = holding(address);
        let known = (address, Some(interface.clone()));
        match parts.iter_mut().find(|(one, _)| *one == held) {
            Some((_, addresses)) => addresses.push(known),
            None => parts.push((held, vec![known])),
        }
    }
    let is_divided = parts.len() > 1;
    let value = |(held, addresses): (Vec<bool>, Vec<Placed>)| {
        let shown = addresses.iter().take(3).map(|(one, _)| one.to_string());
        let shown: Vec<String> = shown.collect();
        let words = match addresses.len() - shown.len() {
            0 => shown.join(", "),
            more => format!("{} and {more} more", shown.join(", ")),
        };
        let is_rest = is_divided && !held.contains(&true);
        Value::addresses(words, is_rest, addresses)
    };
    let mut values: Vec<Value> = parts.into_iter().map(value).collect();
    values.sort_by_key(Value::is_rest);
    values
}

/// What ranges have in common with those of hosts.
fn within(ranges: &[(u128, u128)], usable: &[(u128, u128)]) -> Vec<(u128, u128)> {
    let common = |(first, last): &(u128, u128)| {
        let (first, last) = (*first, *last);
        let parts = usable
            .iter()
            .map(move |(low, high)| (first.max(*low), last.min(*high)));
        parts
            .filter(|(first, last)| first <= last)
            .collect::<Vec<_>>()
    };
    ranges.iter().flat_map(common).collect()
}

/// Ranges without those of some networks.
fn without(mut ranges: Vec<(u128, u128)>, nets: &[IpNet], family: Family) -> Vec<(u128, u128)> {
    for net in nets.iter().filter(|net| Family::of(net.addr()) == family) {
        let [from, to] = [net.network(), net.broadcast()].map(Addresses::number);
        let cut = |(first, last): (u128, u128)| {
            let before = (first < from).then(|| (first, last.min(from.saturating_sub(1))));
            let behind = (last > to).then(|| (first.max(to.saturating_add(1)), last));
            let parts = match first > to || last < from {
                true => [Some((first, last)), None],
                false => [before, behind],
            };
            parts.into_iter().flatten()
        };
        ranges = ranges.into_iter().flat_map(cut).collect();
    }
    ranges
}

/// The addresses of hosts in networks.
fn of_nets(nets: &[IpNet], family: Family) -> Vec<(u128, u128)> {
    let of_family = nets.iter().filter(|net| Family::of(net.addr()) == family);
    let inner = of_family.map(|net| {
        let [first, last] = [net.network(), net.broadcast()].map(Addresses::number);
        let ends = u128::from(last - first > 1);
        (first + ends, last - ends)
    });
    inner.collect()
}

fn size(ranges: &[(u128, u128)]) -> u128 {
    let sizes = ranges
        .iter()
        .map(|(first, last)| (last - first).saturating_add(1));
    sizes.fold(0, u128::saturating_add)
}

/// Goes through the ends of all ranges in order; between two of them the same conditions hold.
fn divided(
    conditions: &[&Addresses],
    sizes: &[u128],
    usable: &[(u128, u128)],
    behind: &[&Behind],
) -> Vec<Part> {
    // How many more ranges of a condition begin at a number, or fewer go on; behind them is what is usable, and where it is.
    let mut steps: BTreeMap<u128, Vec<(usize, i32)>> = BTreeMap::new();
    let mut ways: Vec<&InterfaceName> = Vec::new();
    for one in behind {
        if !ways.contains(&&one.interface) {
            ways.push(&one.interface);
        }
    }
    let ranges_of = |way: &&InterfaceName| -> Vec<(u128, u128)> {
        let of = behind.iter().filter(|one| one.interface == **way);
        of.map(|one| one.range).collect()
    };
    let on_ways: Vec<Vec<(u128, u128)>> = ways.iter().map(ranges_of).collect();
    let every = conditions
        .iter()
        .map(|one| one.ranges())
        .chain([usable])
        .chain(on_ways.iter().map(Vec::as_slice));
    for (at, ranges) in every.enumerate() {
        for (first, last) in ranges {
            steps.entry(*first).or_default().push((at, 1));
            if let Some(after) = last.checked_add(1) {
                steps.entry(after).or_default().push((at, -1));
            }
        }
    }
    let mut open = vec![0; conditions.len() + 1 + ways.len()];
    let mut holding: BTreeSet<(u128, usize)> = BTreeSet::new();
    // The conditions that hold, as one number: each has its own, and they are added by exclusive or.
    let mut signature = 0;
    let mut parts: BTreeMap<u128, Part> = BTreeMap::new();
    let mut steps = steps.into_iter().peekable();
    while let Some((from, changes)) = steps.next() {
        for (at, by) in changes {
            let before = open[at];
            open[at] += by;
            if at < conditions.len() && (before == 0) != (open[at] == 0) {
                signature ^= scattered(at);
                if before == 0 {
                    holding.insert((sizes[at], at));
                } else {
                    holding.remove(&(sizes[at], at));
                }
            }
        }
        if open[conditions.len()] > 0 {
            let to = steps.peek().map_or(u128::MAX, |(next, _)| next - 1);
            let part = parts.entry(signature).or_default();
            part.ranges.push((from, to));
            part.narrowest = holding.first().map(|(_, at)| *at);
            let is_behind = |at: &usize| open[conditions.len() + 1 + at] > 0;
            let behind = (0..ways.len()).find(is_behind).map(|at| ways[at].clone());
            part.behind.entry(behind).or_default().push((from, to));
        }
    }
    parts.into_values().collect()
}

/// A number that looks like no other's: two sets of conditions come to the same by a chance of one in 2¹²⁸.
fn scattered(at: usize) -> u128 {
    let half = |seed: u64| {
        let mut bits = seed
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .wrapping_add(0x632b_e59b_d9b4_e019);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u128::from(bits ^ (bits >> 31))
    };
    let seed = at as u64 * 2;
    half(seed) << 64 | half(seed + 1)
}

/// Up to two addresses of a part.
fn representatives(
    family: Family,
    ranges: &[(u128, u128)],
    usual: &[IpAddr],
    taken: &[IpAddr],
) -> Vec<IpAddr> {
    let within = |address: &IpAddr| {
        let number = Addresses::number(*address);
        Family::of(*address) == family
            && ranges
                .iter()
                .any(|(first, last)| (*first..=*last).contains(&number))
    };
    let usual = usual.iter().copied().filter(within);
    // The largest first, and not with the address of a network itself.
    let mut largest = ranges.to_vec();
    largest.sort_by_key(|(first, last)| std::cmp::Reverse(last - first));
    let inner = largest.into_iter().flat_map(|(first, last)| {
        let skipped = u128::from(last - first > 2);
        let end = last.min(first + skipped + 15);
        (first + skipped..=end).map(|number| Addresses::address(family, number))
    });
    let mut found: Vec<IpAddr> = Vec::new();
    for address in usual.chain(inner) {
        if found.len() == 2 {
            break;
        }
        if !taken.contains(&address) && !found.contains(&address) {
            found.push(address);
        }
    }
    found
}

fn ranges_written(family: Family, ranges: &[(u128, u128)]) -> String {
    let written = |(first, last): &(u128, u128)| {
        let [first, last] = [first, last].map(|number| Addresses::address(family, *number));
        match first == last {
            true => first.to_string(),
            false => format!("{first}-{last}"),
        }
    };
    let shown: Vec<String> = ranges.iter().take(3).map(written).collect();
    match ranges.len().saturating_sub(3) {
        0 => shown.join(", "),
        more => format!("{} and {more} ranges more", shown.join(", ")),
    }
}
