//! Tables of nft's listing that are iptables-nft's, and are had from `iptables-save` in full.

use std::collections::{BTreeMap, BTreeSet};

use fwlab_record::Family;

/// Takes each table of iptables-nft out of its dump or out of nft's listing, so that it is in one of them: the dump has it in full, as
/// long as there are no chains in it that iptables knows nothing of. Gives the tables with such chains of which there is no listing.
pub(crate) fn apart(
    dumps: &mut [(Family, &mut Vec<u8>)],
    listing: Option<&mut Vec<u8>>,
) -> Vec<String> {
    let listed = listing.as_ref().map(|text| chains_of_listing(text));
    let mut of_dumps = BTreeSet::new();
    let mut hidden = Vec::new();
    for (family, dump) in dumps {
        for (table, chains) in chains_of_dump(dump) {
            let key = (*family, table.clone());
            let all = listed.as_ref().and_then(|listed| listed.get(&key));
            let is_whole = all.is_none_or(|all| all.is_subset(&chains)) && !hides(dump, &table);
            if is_whole {
                of_dumps.insert(key);
            } else if all.is_some() {
                **dump = without_table(dump, &table);
            } else {
                hidden.push(String::from_utf8_lossy(&table).into_owned());
            }
        }
    }
    if let Some(listing) = listing {
        *listing = without(listing, &of_dumps);
    }
    hidden
}

/// The tables of a dump that it says to have chains which only nft shows.
pub fn hidden_tables(dump: &[u8]) -> Vec<String> {
    let tables = chains_of_dump(dump).into_keys();
    let hidden = tables.filter(|table| hides(dump, table));
    hidden
        .map(|table| String::from_utf8_lossy(&table).into_owned())
        .collect()
}

/// A dump without a table, whose lines stay, empty.
pub fn without_table(dump: &[u8], table: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(dump.len());
    let mut is_left_out = false;
    for line in dump.split_inclusive(|byte| *byte == b'\n') {
        let words = line.trim_ascii();
        is_left_out |= words.strip_prefix(b"*") == Some(table);
        match is_left_out {
            true => kept.extend(line.ends_with(b"\n").then_some(b'\n')),
            false => kept.extend_from_slice(line),
        }
        is_left_out &= words != b"COMMIT";
    }
    kept
}

/// Whether `iptables-nft-save` says that it does not show all of a table.
fn hides(dump: &[u8], table: &[u8]) -> bool {
    let said = [b"# Table `", table, b"' contains incompatible base-chains"].concat();
    let mut lines = dump.split(|byte| *byte == b'\n');
    lines.any(|line| line.trim_ascii().starts_with(&said))
}

/// The chains of each table of a dump.
fn chains_of_dump(text: &[u8]) -> BTreeMap<Vec<u8>, BTreeSet<Vec<u8>>> {
    let mut tables: BTreeMap<Vec<u8>, BTreeSet<Vec<u8>>> = BTreeMap::new();
    let mut current: Option<Vec<u8>> = None;
    for line in text.split(|byte| *byte == b'\n') {
        let line = line.trim_ascii();
        if let Some(table) = line.strip_prefix(b"*") {
            tables.entry(table.to_vec()).or_default();
            current = Some(table.to_vec());
        } else if let (Some(table), Some(chain)) = (&current, line.strip_prefix(b":")) {
            let name = chain.split(|byte| *byte == b' ').next().unwrap_or_default();
            tables
                .entry(table.clone())
                .or_default()
                .insert(name.to_vec());
        }
    }
    tables
}

/// The chains of each table of a listing.
fn chains_of_listing(text: &[u8]) -> BTreeMap<(Family, Vec<u8>), BTreeSet<Vec<u8>>> {
    let mut tables: BTreeMap<(Family, Vec<u8>), BTreeSet<Vec<u8>>> = BTreeMap::new();
    let mut current = None;
    for line in text.split(|byte| *byte == b'\n') {
        if let Some(found) = table(line) {
            tables.entry(found.clone()).or_default();
            current = Some(found);
        } else if line.starts_with(b"}") {
            current = None;
        } else if let (Some(table), Some(chain)) =
            (&current, line.trim_ascii().strip_prefix(b"chain "))
        {
            let name = chain.split(|byte| *byte == b' ').next().unwrap_or_default();
            tables
                .entry(table.clone())
                .or_default()
                .insert(name.to_vec());
        }
    }
    tables
}

/// A listing without these tables. Their lines stay, empty, so that the others keep their numbers.
fn without(text: &[u8], tables: &BTreeSet<(Family, Vec<u8>)>) -> Vec<u8> {
    let mut kept = Vec::with_capacity(text.len());
    let mut is_left_out = false;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        // nft writes a table's first line and the brace that ends it without indentation, and nothing else of it.
        is_left_out |= table(line).is_some_and(|table| tables.contains(&table));
        if is_left_out || managed(line).is_some_and(|table| tables.contains(&table)) {
            kept.extend(line.ends_with(b"\n").then_some(b'\n'));
        } else {
            kept.extend_from_slice(line);
        }
        is_left_out &= !line.starts_with(b"}");
    }
    kept
}

/// The table that begins on a line: `table ip filter {`.
fn table(line: &[u8]) -> Option<(Family, Vec<u8>)> {
    let rest = line.strip_prefix(b"table ")?.trim_ascii_end();
    // With `-a`, its handle follows.
    let brace = rest.iter().position(|byte| *byte == b'{')?;
    named(rest.get(..brace)?)
}

/// The table that nft warns of, in a comment.
fn managed(line: &[u8]) -> Option<(Family, Vec<u8>)> {
    let rest = line.strip_prefix(b"# Warning: table ")?;
    let end = b" is managed by iptables-nft";
    let at = rest.windows(end.len()).position(|words| words == end)?;
    named(rest.get(..at)?)
}

fn named(words: &[u8]) -> Option<(Family, Vec<u8>)> {
    let mut words = words.trim_ascii().split(|byte| *byte == b' ');
    let family = match words.next()? {
        b"ip" => Family::Ipv4,
        b"ip6" => Family::Ipv6,
        _ => return None,
    };
    let name = words.next()?.to_vec();
    words.next().is_none().then_some((family, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTING: &str = "\
# Warning: table ip filter is managed by iptables-nft, do not touch!
table ip filter {
\tchain INPUT {
\t\ttype filter hook input priority filter; policy drop;
\t}
}
table ip6 filter {
}
table inet filter { # handle 4
\tset s {
\t\telements = { 10.0.0.1 }
\t}
}
";

    fn tables(tables: &[(Family, &str)]) -> BTreeSet<(Family, Vec<u8>)> {
        let tables = tables.iter();
        tables
            .map(|(family, name)| (*family, name.as_bytes().to_vec()))
            .collect()
    }

    #[test]
    fn a_table_that_is_in_the_dump_is_left_out_and_lines_keep_their_numbers() {
        let kept = without(LISTING.as_bytes(), &tables(&[(Family::Ipv4, "filter")]));
        let kept = String::from_utf8(kept).expect("it is text");
        assert_eq!(kept.lines().count(), LISTING.lines().count());
        assert!(kept.starts_with("\n\n\n\n\n\ntable ip6 filter {\n}\n"));
        assert!(kept.contains("table inet filter { # handle 4\n"));
    }

    #[test]
    fn a_table_that_is_in_no_dump_stays() {
        let kept = without(LISTING.as_bytes(), &tables(&[(Family::Ipv4, "nat")]));
        assert_eq!(kept, LISTING.as_bytes());
    }

    const INPUT: &str = "*filter\n:INPUT DROP [0:0]\nCOMMIT\n";

    fn taken_apart(dump: &str, listing: Option<&str>) -> (String, Option<String>, Vec<String>) {
        let mut dump = dump.as_bytes().to_vec();
        let mut listing = listing.map(|text| text.as_bytes().to_vec());
        let hidden = apart(&mut [(Family::Ipv4, &mut dump)], listing.as_mut());
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it is text");
        (text(dump), listing.map(text), hidden)
    }

    #[test]
    fn a_table_that_the_dump_has_in_full_is_in_the_dump_alone() {
        let (dump, listing, hidden) = taken_apart(INPUT, Some(LISTING));
        assert_eq!(dump, INPUT);
        assert!(!listing.expect("it is there").contains("policy drop"));
        assert_eq!(hidden, [""; 0]);
    }

    #[test]
    fn a_table_with_a_chain_of_nft_s_own_is_in_the_listing_alone() {
        let own = LISTING.replace("chain INPUT", "chain input");
        let (dump, listing, _) = taken_apart(INPUT, Some(&own));
        assert_eq!(dump, "\n\n\n");
        assert!(listing.expect("it is there").contains("policy drop"));
        // One of a usual name, which iptables says not to show.
        let said =
            format!("{INPUT}# Table `filter' contains incompatible base-chains, use 'nft' tool.\n");
        let (dump, listing, _) = taken_apart(&said, Some(LISTING));
        assert!(!dump.contains("*filter"));
        assert!(listing.expect("it is there").contains("policy drop"));
        let (_, _, hidden) = taken_apart(&said, None);
        assert_eq!(hidden, ["filter"]);
        assert_eq!(hidden_tables(said.as_bytes()), ["filter"]);
    }

    #[test]
    fn the_tables_of_a_dump_are_those_with_a_star() {
        let dump = b"# x\n*raw\n:A ACCEPT [0:0]\nCOMMIT\n*filter\n-A X -m comment --comment *nat\nCOMMIT\n";
        let tables: Vec<_> = chains_of_dump(dump).into_keys().collect();
        assert_eq!(tables, [b"filter".to_vec(), b"raw".to_vec()]);
    }
}
