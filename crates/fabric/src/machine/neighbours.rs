use std::fs;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// The two tables, as the first network namespace tells of them.
const TABLES: [&str; 2] = ["arp_cache", "ndisc_cache"];

/// The most that a table takes where the machine's own setting cannot be read: the kernel's default.
const DEFAULT_MOST: u64 = 1024;

/// The most neighbours that a table of the machine takes.
pub(crate) fn most_neighbours() -> u64 {
    let most = fs::read_to_string("/proc/sys/net/ipv4/neigh/default/gc_thresh3");
    let most = most.ok().and_then(|most| most.trim().parse().ok());
    most.unwrap_or(DEFAULT_MOST)
}

/// Whether the tables stayed crowded however long was waited: the machine itself has so many, or many that count and take no room
/// (permanent ones, as container networks set).
static IN_VAIN: AtomicBool = AtomicBool::new(false);

/// Waits until both tables of the machine are no more than three quarters full, so that those who begin at the same time find room, too:
/// labs of other processes, and what the kernel has not yet cleared away of labs that are over. 24 cells at a time have some 200
/// of 1024. Once it was in vain, nobody waits any more: after that, cells that an overflow may have changed are still unclear.
pub(crate) async fn room_for_neighbours() {
    const MOMENT: Duration = Duration::from_secs(10);
    const AGAIN: Duration = Duration::from_millis(10);
    let until = Instant::now() + MOMENT;
    let is_crowded = || fullest().is_some_and(|known| known > most_neighbours() / 4 * 3);
    while !IN_VAIN.load(Relaxed) && is_crowded() {
        if Instant::now() >= until {
            IN_VAIN.store(true, Relaxed);
        }
        // The kernel has no word for those who wait for this.
        sleep(AGAIN).await;
    }
}

/// How many neighbours the fuller of the tables has.
fn fullest() -> Option<u64> {
    let known = TABLES.into_iter().filter_map(|table| {
        let text = fs::read_to_string(format!("/proc/net/stat/{table}")).ok()?;
        // All processors tell the same: it is the table's, and not a processor's.
        column(&text, "entries")?.into_iter().next()
    });
    known.max()
}

/// How often the machine's tables of neighbours were too full to take one more. They hold what all namespaces know
/// (`net.ipv4.neigh.default.gc_thresh3`, and the same of IPv6); while one is full, nobody answers who asks for a hardware address
/// (`arp_process`). Nothing where that cannot be read: only the first network namespace has the files.
pub fn neighbour_overflows() -> Option<u64> {
    let counted = TABLES.into_iter().map(|table| {
        let text = fs::read_to_string(format!("/proc/net/stat/{table}")).ok()?;
        Some(column(&text, "table_fulls")?.into_iter().sum())
    });
    counted.flatten().reduce(|one, other| one + other)
}

/// A column: one hexadecimal number for each processor.
fn column(text: &str, name: &str) -> Option<Vec<u64>> {
    let mut lines = text.lines();
    let mut names = lines.next()?.split_whitespace();
    let column = names.position(|one| one == name)?;
    let numbers = lines.map(|line| {
        let number = line.split_whitespace().nth(column)?;
        u64::from_str_radix(number, 16).ok()
    });
    numbers.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_has_a_number_for_each_processor() {
        let text = "entries  allocs   unresolved_discards table_fulls\n\
                    0000028e 0001d61c 00000000            000007ea\n\
                    0000028e 0001cd0a 00000000            00000010\n";
        assert_eq!(column(text, "table_fulls"), Some(vec![0x7ea, 0x10]));
        assert_eq!(column(text, "entries"), Some(vec![0x28e, 0x28e]));
        assert_eq!(column("entries  allocs\n1 2\n", "table_fulls"), None);
    }
}
