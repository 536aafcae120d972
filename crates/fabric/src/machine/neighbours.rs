use std::fs;

/// How often the machine's tables of neighbours were too full to take one more. They hold what all namespaces know
/// (`net.ipv4.neigh.default.gc_thresh3`, and the same of IPv6); while one is full, nobody answers who asks for a hardware address
/// (`arp_process`). Nothing where that cannot be read: only the first network namespace has the files.
pub fn neighbour_overflows() -> Option<u64> {
    let tables = ["arp_cache", "ndisc_cache"].into_iter();
    let counted = tables.map(|table| {
        let text = fs::read_to_string(format!("/proc/net/stat/{table}")).ok()?;
        table_fulls(&text)
    });
    counted.flatten().reduce(|one, other| one + other)
}

/// The sum of a column over all processors, each a line of hexadecimal numbers.
fn table_fulls(text: &str) -> Option<u64> {
    let mut lines = text.lines();
    let mut names = lines.next()?.split_whitespace();
    let column = names.position(|name| name == "table_fulls")?;
    let mut sum = 0;
    for line in lines {
        let number = line.split_whitespace().nth(column)?;
        sum += u64::from_str_radix(number, 16).ok()?;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_all_processors_counted_is_summed() {
        let text = "entries  allocs   unresolved_discards table_fulls\n\
                    0000028e 0001d61c 00000000            000007ea\n\
                    0000028e 0001cd0a 00000000            00000010\n";
        assert_eq!(table_fulls(text), Some(0x7fa));
        assert_eq!(table_fulls("entries  allocs\n1 2\n"), None);
    }
}
