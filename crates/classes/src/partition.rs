//! Addresses, divided by the conditions that name them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use fwlab_model::ruleset::Addresses;
use fwlab_record::Family;

use crate::conditions::OfAddresses;
use crate::{Value, usable};

/// Addresses that the same conditions hold for.
#[derive(Debug, Default)]
struct Part {
    ranges: Vec<(u128, u128)>,
    /// The narrowest of the conditions.
    narrowest: Option<usize>,
}

/// Divides the addresses that hosts can have by conditions. What no condition names is last; a part that no host can be in
/// has no representative.
pub(crate) fn values(
    family: Family,
    conditions: &OfAddresses,
    usual: &[IpAddr],
    taken: &[IpAddr],
) -> Vec<Value> {
    let conditions: Vec<&Addresses> = conditions
        .iter()
        .filter(|addresses| addresses.family() == family)
        .collect();
    let sizes: Vec<u128> = conditions.iter().map(|one| size(one.ranges())).collect();
    let mut parts: Vec<Part> = divided(&conditions, &sizes, &usable::ranges(family));
    // As they are written: those that conditions name in their order, then the rest.
    parts.sort_by_key(|part| part.narrowest.unwrap_or(usize::MAX));
    let mut told = BTreeSet::new();
    let mut values = Vec::new();
    for part in parts {
        let stands_for = representatives(family, &part.ranges, usual, taken);
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

fn size(ranges: &[(u128, u128)]) -> u128 {
    let sizes = ranges
        .iter()
        .map(|(first, last)| (last - first).saturating_add(1));
    sizes.fold(0, u128::saturating_add)
}

/// Goes through the ends of all ranges in order; between two of them the same conditions hold.
fn divided(conditions: &[&Addresses], sizes: &[u128], usable: &[(u128, u128)]) -> Vec<Part> {
    // How many more ranges of a condition begin at a number, or fewer go on; the last is what is usable.
    let mut steps: BTreeMap<u128, Vec<(usize, i32)>> = BTreeMap::new();
    let every = conditions.iter().map(|one| one.ranges()).chain([usable]);
    for (at, ranges) in every.enumerate() {
        for (first, last) in ranges {
            steps.entry(*first).or_default().push((at, 1));
            if let Some(after) = last.checked_add(1) {
                steps.entry(after).or_default().push((at, -1));
            }
        }
    }
    let mut open = vec![0; conditions.len() + 1];
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
