//! In commands of iptables.

use fwlab_record::Family;

use crate::edit::{Insertion, NoPlace, Text, comment};
use crate::remedy::{Accepts, Remedy};

pub(crate) fn insertion(text: &Text, remedy: &Remedy) -> Result<Insertion, NoPlace> {
    match remedy {
        Remedy::Helper {
            side, port, family, ..
        } => {
            let rule = format!("-t raw {}", crate::in_dump::helper(*side, *port));
            of_table(
                text,
                remedy,
                *family,
                &rule,
                "a helper is assigned in another",
            )
        }
        Remedy::Track {
            side,
            way,
            port,
            family,
            ..
        } => {
            let rule = format!("-t raw -I {}", crate::in_dump::track(*side, *way, *port));
            let elsewhere = "connections are taken out of conntrack in another";
            of_table(text, remedy, *family, &rule, elsewhere)
        }
        Remedy::Forward {
            from,
            to,
            low,
            high,
            ..
        } => {
            let rule = crate::in_dump::forward(*from, *to, (*low, *high));
            of_nat(text, remedy, Family::of(*from), &rule)
        }
        Remedy::Masquerade { family, which, .. } => {
            of_nat(text, remedy, *family, &crate::in_dump::masquerade(which))
        }
        Remedy::ClampMss { family, .. } => {
            let rule = format!("-t mangle -I {}", crate::in_dump::CLAMP);
            of_table(
                text,
                remedy,
                *family,
                &rule,
                "the MSS is clamped in another",
            )
        }
        Remedy::Accept { spot, what } => {
            let program = program(text, spot.family);
            let table = match spot.chain.table.as_str() {
                "filter" => String::new(),
                table => format!("-t {table} "),
            };
            let chain = &spot.chain.chain;
            let place = match (spot.ordinal, spot.line) {
                (Some(_), Some(line)) => Some(text.place(line)?),
                _ => None,
            };
            // What is inserted comes before all that was there; so the new rule is, too, when all is done.
            let inserts = place.is_some_and(|place| {
                let mut words = text.lines[place].split_whitespace();
                words.any(|word| word == "-I" || word.starts_with("--insert"))
            });
            // So it does where a later command counts rules.
            let inserts = inserts || place.is_some_and(|place| counts(&text.lines[place..], chain));
            let (place, verb) = match (place, spot.ordinal) {
                (Some(_), Some(ordinal)) if inserts => (end(text), format!("-I {chain} {ordinal}")),
                (Some(place), _) => (place, format!("-A {chain}")),
                (None, _) => (end(text), format!("-A {chain}")),
            };
            let only = spot.only.of_iptables();
            let rules = matches(*what).into_iter();
            let rules = rules.map(|matches| format!("{program}{table}{verb} {only}{matches}"));
            let lines = std::iter::once(comment(remedy)).chain(rules).collect();
            Ok(Insertion { place, lines })
        }
        Remedy::PassivePorts { .. } | Remedy::Advertise { .. } => Err(NoPlace::of_server()),
    }
}

/// Whether one of these commands is about a rule of a chain by its number.
fn counts(lines: &[String], chain: &str) -> bool {
    lines.iter().any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.windows(3).any(|three| {
            let verbs = ["-I", "-D", "-R", "--insert", "--delete", "--replace"];
            verbs.contains(&three[0]) && three[1] == chain && three[2].parse::<u32>().is_ok()
        })
    })
}

/// A rule of the table nat, at the end.
fn of_nat(text: &Text, remedy: &Remedy, family: Family, rule: &str) -> Result<Insertion, NoPlace> {
    let rule = format!("-t nat {rule}");
    of_table(
        text,
        remedy,
        family,
        &rule,
        "addresses are translated in another",
    )
}

/// A rule of a table that is not filter, at the end.
fn of_table(
    text: &Text,
    remedy: &Remedy,
    family: Family,
    rule: &str,
    elsewhere: &str,
) -> Result<Insertion, NoPlace> {
    let program = program(text, family);
    if program.is_empty() {
        return Err(NoPlace {
            why: format!(
                "`iptables -S` prints one table, and {elsewhere}: give what `iptables-save` prints"
            ),
        });
    }
    let lines = vec![comment(remedy), format!("{program}{rule}")];
    Ok(Insertion {
        place: end(text),
        lines,
    })
}

/// The matches and the target of each rule that it takes.
pub(crate) fn matches(what: Accepts) -> Vec<String> {
    let one = match what {
        Accepts::Established => "-m conntrack --ctstate ESTABLISHED".to_owned(),
        Accepts::Related => {
            "-p tcp -m tcp --dport 1024: -m conntrack --ctstate RELATED -m helper --helper ftp"
                .to_owned()
        }
        Accepts::Ports { low, high } if low == high => format!("-p tcp -m tcp --dport {low}"),
        Accepts::Ports { low, high } => format!("-p tcp -m tcp --dport {low}:{high}"),
        Accepts::FromPort20 => "-p tcp -m tcp --sport 20".to_owned(),
        Accepts::Icmp(icmp) => {
            let rules = icmp.of_iptables().iter();
            return rules
                .map(|matches| format!("{matches} -j ACCEPT"))
                .collect();
        }
    };
    vec![format!("{one} -j ACCEPT")]
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
    let is_program = |word: &str| {
        let program = word.rsplit('/').next().unwrap_or(word);
        [
            name.to_owned(),
            format!("{name}-nft"),
            format!("{name}-legacy"),
        ]
        .contains(&program.to_owned())
    };
    // `IPT=/sbin/iptables`, and `$IPT` from then on.
    let variable = text.lines.iter().find_map(|line| {
        let (variable, value) = line.trim().trim_start_matches("export ").split_once('=')?;
        let is_name = variable
            .chars()
            .all(|sign| sign.is_ascii_alphanumeric() || sign == '_');
        // Its options are in it, too.
        let mut words = value.trim_matches(['"', '\'']).split_whitespace();
        let program = words.find(|word| *word != "sudo");
        (is_name && program.is_some_and(is_program)).then(|| format!("${variable} "))
    });
    if let Some(variable) = variable {
        return variable;
    }
    let of_line = |line: &String| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_assignment = words.first().is_some_and(|word| word.contains('='));
        let at = words.iter().position(|word| is_program(word))?;
        let waits = words
            .get(at + 1)
            .is_some_and(|word| matches!(*word, "-w" | "--wait"));
        (!words[0].starts_with('#') && !is_assignment)
            .then(|| words[..=at + usize::from(waits)].join(" "))
    };
    let program = text.lines.iter().rev().find_map(of_line);
    program.unwrap_or_else(|| name.to_owned()) + " "
}

/// Behind the last line, but before an `exit`.
pub(crate) fn end(text: &Text) -> usize {
    let exit = text
        .lines
        .iter()
        .rposition(|line| line.trim().starts_with("exit"));
    exit.unwrap_or(text.lines.len())
}
