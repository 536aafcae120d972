//! In scripts of nft.

use fwlab_record::Family;

use crate::edit::{Insertion, NoPlace, Text, comment};
use crate::remedy::{Accepts, HelperSide, PassedOn, Remedy, Spot};

pub(crate) fn insertion(text: &Text, remedy: &Remedy) -> Result<Insertion, NoPlace> {
    match remedy {
        Remedy::Helper { side, port, .. } => {
            let (chain, hook) = match side {
                HelperSide::Incoming => ("prerouting", "prerouting"),
                HelperSide::Outgoing => ("output", "output"),
            };
            let lines = vec![
                String::new(),
                comment(remedy),
                "table inet ftp_helper {".to_owned(),
                "\tct helper ftp-standard {".to_owned(),
                "\t\ttype \"ftp\" protocol tcp".to_owned(),
                "\t}".to_owned(),
                format!("\tchain {chain} {{"),
                format!("\t\ttype filter hook {hook} priority mangle; policy accept;"),
                format!("\t\ttcp dport {port} ct helper set \"ftp-standard\""),
                "\t}".to_owned(),
                "}".to_owned(),
            ];
            Ok(Insertion {
                place: text.lines.len(),
                lines,
            })
        }
        Remedy::Forward {
            from,
            to,
            low,
            high,
            ..
        } => {
            let family = if from.is_ipv4() { "ip" } else { "ip6" };
            let lines = vec![
                String::new(),
                comment(remedy),
                format!("table {family} ftp_forward {{"),
                "\tchain prerouting {".to_owned(),
                "\t\ttype nat hook prerouting priority dstnat; policy accept;".to_owned(),
                format!("\t\t{family} daddr {from} tcp dport {low}-{high} dnat to {to}"),
                "\t}".to_owned(),
                "}".to_owned(),
            ];
            Ok(Insertion {
                place: text.lines.len(),
                lines,
            })
        }
        Remedy::Masquerade { family, which, .. } => {
            let family = match family {
                Family::Ipv4 => "ip",
                Family::Ipv6 => "ip6",
            };
            let which = match which {
                PassedOn::By(out) => format!("oifname \"{out}\""),
                PassedOn::Within { net, server } => {
                    format!("{family} saddr {net} {family} daddr {server}")
                }
            };
            let lines = vec![
                String::new(),
                comment(remedy),
                format!("table {family} ftp_masquerade {{"),
                "\tchain postrouting {".to_owned(),
                "\t\ttype nat hook postrouting priority srcnat; policy accept;".to_owned(),
                format!("\t\t{which} masquerade"),
                "\t}".to_owned(),
                "}".to_owned(),
            ];
            Ok(Insertion {
                place: text.lines.len(),
                lines,
            })
        }
        Remedy::ClampMss { family, .. } => {
            let family = match family {
                Family::Ipv4 => "ip",
                Family::Ipv6 => "ip6",
            };
            let lines = vec![
                String::new(),
                comment(remedy),
                format!("table {family} ftp_mss {{"),
                "\tchain forward {".to_owned(),
                "\t\ttype filter hook forward priority mangle; policy accept;".to_owned(),
                "\t\ttcp flags syn tcp option maxseg size set rt mtu".to_owned(),
                "\t}".to_owned(),
                "}".to_owned(),
            ];
            Ok(Insertion {
                place: text.lines.len(),
                lines,
            })
        }
        Remedy::Accept { spot, what } => {
            let line = spot.line.ok_or_else(|| NoPlace {
                why: format!("which line {} is of is not known", spot.chain),
            })?;
            let place = text.place(line)?;
            let statement = format!("{}{}", spot.only.of_nft(), statement(*what));
            if is_command(&text.lines[place]) {
                return command(text, spot, place, &statement, remedy);
            }
            let (place, indent) = match spot.ordinal {
                Some(_) => (place, indent(&text.lines[place])),
                None => {
                    let end = end_of_chain(text, place)?;
                    (end, indent(&text.lines[end - 1]))
                }
            };
            let lines = [comment(remedy), statement].map(|line| format!("{indent}{line}"));
            Ok(Insertion {
                place,
                lines: lines.into(),
            })
        }
        Remedy::PassivePorts { .. } | Remedy::Advertise { .. } => Err(NoPlace::of_server()),
    }
}

fn statement(what: Accepts) -> String {
    match what {
        Accepts::Established => "ct state established accept".to_owned(),
        Accepts::Related => {
            "tcp dport 1024-65535 ct state related ct helper \"ftp\" accept".to_owned()
        }
        Accepts::Ports { low, high } if low == high => format!("tcp dport {low} accept"),
        Accepts::Ports { low, high } => format!("tcp dport {low}-{high} accept"),
        Accepts::FromPort20 => "tcp sport 20 accept".to_owned(),
        Accepts::Icmp(icmp) => format!("{} accept", icmp.of_nft()),
    }
}

/// Whether a line is a command, `add rule inet filter input …` or the same behind `nft`.
fn is_command(line: &str) -> bool {
    let mut words = line
        .split_whitespace()
        .skip_while(|word| *word == "sudo" || *word == "nft");
    matches!(words.next(), Some("add" | "insert"))
}

/// A command of one's own before that of a rule; for a policy, at the end.
fn command(
    text: &Text,
    spot: &Spot,
    place: usize,
    statement: &str,
    remedy: &Remedy,
) -> Result<Insertion, NoPlace> {
    let line = &text.lines[place];
    let before = match line
        .split_once("add ")
        .or_else(|| line.split_once("insert "))
    {
        Some((before, _)) => before.to_owned(),
        None => String::new(),
    };
    let chain = &spot.chain;
    let rule = format!(
        "{before}add rule {} {} {} {statement}",
        chain.family, chain.table, chain.chain
    );
    let place = match spot.ordinal {
        Some(_) if line.contains("insert") => {
            return Err(NoPlace {
                why: format!("line {} inserts its rule before all others", place + 1),
            });
        }
        Some(_) => place,
        None => text.lines.len(),
    };
    let lines = vec![comment(remedy), rule];
    Ok(Insertion { place, lines })
}

/// The line that ends the block that a line stands in.
fn end_of_chain(text: &Text, within: usize) -> Result<usize, NoPlace> {
    if text.lines[within].contains('{') {
        return Err(NoPlace {
            why: format!("the chain of line {} is written in one line", within + 1),
        });
    }
    let mut depth = 0_i32;
    for (place, line) in text.lines.iter().enumerate().skip(within) {
        let code = line.split('#').next().unwrap_or_default();
        for sign in code.chars() {
            depth += match sign {
                '{' => 1,
                '}' => -1,
                _ => 0,
            };
            if depth < 0 {
                return match line.trim().starts_with('}') {
                    true => Ok(place),
                    false => Err(NoPlace {
                        why: format!("the chain of line {} is written in one line", within + 1),
                    }),
                };
            }
        }
    }
    Err(NoPlace {
        why: format!("the chain of line {} does not end", within + 1),
    })
}

fn indent(line: &str) -> String {
    line.chars()
        .take_while(|sign| sign.is_whitespace())
        .collect()
}
