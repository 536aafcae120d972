//! Tables of nft's listing that are iptables-nft's, and are had from `iptables-save` in full.

use std::collections::BTreeSet;

use fwlab_record::Family;

/// The tables that a dump of iptables has.
pub(crate) fn tables_of_dump(text: &[u8]) -> BTreeSet<Vec<u8>> {
    let lines = text.split(|byte| *byte == b'\n');
    let named = lines.filter_map(|line| line.trim_ascii().strip_prefix(b"*"));
    named.map(<[u8]>::to_vec).collect()
}

/// A listing without these tables. Their lines stay, empty, so that the others keep their numbers.
pub(crate) fn without(text: &[u8], tables: &BTreeSet<(Family, Vec<u8>)>) -> Vec<u8> {
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

    #[test]
    fn the_tables_of_a_dump_are_those_with_a_star() {
        let dump = b"# x\n*raw\n:A ACCEPT [0:0]\nCOMMIT\n*filter\n-A X -m comment --comment *nat\nCOMMIT\n";
        let tables: Vec<_> = tables_of_dump(dump).into_iter().collect();
        assert_eq!(tables, [b"filter".to_vec(), b"raw".to_vec()]);
    }
}
