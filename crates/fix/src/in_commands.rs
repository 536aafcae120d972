//! In commands of iptables.

use fwlab_record::Family;

use crate::edit::{NoPlace, Text, comment};
use crate::remedy::{Accepts, Remedy};

pub(crate) fn write(text: &mut Text, remedy: &Remedy) -> Result<(), NoPlace> {
    match remedy {
        Remedy::Helper {
            side, port, family, ..
        } => {
            let program = program(text, *family);
            if program.is_empty() {
                return Err(NoPlace {
                    why: "what `iptables -S` prints is of one table, and a helper is assigned in another: give `iptables-save`"
                        .to_owned(),
                });
            }
            let rule = format!("{program}-t raw {}", crate::in_dump::helper(*side, *port));
            let end = end(text);
            text.insert(end, [comment(remedy), rule]);
            Ok(())
        }
        Remedy::Accept { spot, what } => {
            let program = program(text, spot.family);
            let table = match spot.chain.table.as_str() {
                "filter" => String::new(),
                table => format!("-t {table} "),
            };
            let chain = &spot.chain.chain;
            let matches = format!("{}{}", spot.only.of_iptables(), matches(*what));
            if let (Some(ordinal), Some(line)) = (spot.ordinal, spot.line) {
                let place = text.place(line)?;
                // What is inserted comes before all that was there; so the new rule is, too, when all is done.
                let inserts = text.lines[place]
                    .split_whitespace()
                    .any(|word| word == "-I" || word.starts_with("--insert"));
                if !inserts {
                    let rule = format!("{program}{table}-A {chain} {matches}");
                    text.insert(place, [comment(remedy), rule]);
                    return Ok(());
                }
                let rule = format!("{program}{table}-I {chain} {ordinal} {matches}");
                let end = end(text);
                text.insert(end, [comment(remedy), rule]);
                return Ok(());
            }
            let rule = format!("{program}{table}-A {chain} {matches}");
            let end = end(text);
            text.insert(end, [comment(remedy), rule]);
            Ok(())
        }
        Remedy::PassivePorts { .. } | Remedy::Advertise { .. } => Ok(()),
    }
}

/// A rule's matches and target.
pub(crate) fn matches(what: Accepts) -> String {
    match what {
        Accepts::Established => "-m conntrack --ctstate ESTABLISHED -j ACCEPT".to_owned(),
        Accepts::Related => {
            "-p tcp -m conntrack --ctstate RELATED -m helper --helper ftp -j ACCEPT".to_owned()
        }
        Accepts::Ports { low, high } if low == high => {
            format!("-p tcp -m tcp --dport {low} -j ACCEPT")
        }
        Accepts::Ports { low, high } => format!("-p tcp -m tcp --dport {low}:{high} -j ACCEPT"),
        Accepts::FromPort20 => "-p tcp -m tcp --sport 20 -j ACCEPT".to_owned(),
    }
}

/// How the text calls iptables, with a blank behind it: as in its last command of the family, `sudo /sbin/iptables -w` without
/// what follows; not at all in what `iptables -S` prints.
fn program(text: &Text, family: Family) -> String {
    let name = match family {
        Family::Ipv4 => "iptables",
        Family::Ipv6 => "ip6tables",
    };
    let begins = |line: &String| {
        ["-A ", "-P ", "-N "]
            .iter()
            .any(|begin| line.trim_start().starts_with(begin))
    };
    if text.lines.iter().any(begins) {
        return String::new();
    }
    let of_line = |line: &String| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_program = |word: &&str| word.rsplit('/').next() == Some(name);
        let at = words.iter().position(is_program)?;
        (!words[0].starts_with('#')).then(|| words[..=at].join(" "))
    };
    let program = text.lines.iter().rev().find_map(of_line);
    program.unwrap_or_else(|| name.to_owned()) + " "
}

/// Behind the last line, but before an `exit`.
fn end(text: &Text) -> usize {
    let exit = text
        .lines
        .iter()
        .rposition(|line| line.trim().starts_with("exit"));
    exit.unwrap_or(text.lines.len())
}
