//! In what `iptables-save` writes.

use crate::edit::{Insertion, NoPlace, Text, comment};
use crate::remedy::{HelperSide, Remedy, Spot};

pub(crate) fn insertion(text: &Text, remedy: &Remedy) -> Result<Insertion, NoPlace> {
    match remedy {
        Remedy::Accept { spot, what } => {
            let only = spot.only.of_iptables();
            let matches = super::in_commands::matches(*what);
            let rule = format!("-A {} {only}{matches}", spot.chain.chain);
            let place = match (spot.ordinal, spot.line) {
                (Some(_), Some(line)) => text.place(line)?,
                _ => end(text, spot)?,
            };
            let lines = vec![comment(remedy), rule];
            Ok(Insertion { place, lines })
        }
        Remedy::Helper { side, port, .. } => {
            let rule = [comment(remedy), helper(*side, *port)];
            Ok(match end_of(text, "raw") {
                Some(place) => Insertion {
                    place,
                    lines: rule.into(),
                },
                None => {
                    let begin = ["*raw", ":PREROUTING ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]"];
                    let begin = begin.map(str::to_owned).into_iter();
                    let end = ["COMMIT".to_owned()];
                    Insertion {
                        place: text.lines.len(),
                        lines: begin.chain(rule).chain(end).collect(),
                    }
                }
            })
        }
        Remedy::PassivePorts { .. } | Remedy::Advertise { .. } => Err(NoPlace::of_server()),
    }
}

pub(crate) fn helper(side: HelperSide, port: u16) -> String {
    let chain = match side {
        HelperSide::Incoming => "PREROUTING",
        HelperSide::Outgoing => "OUTPUT",
    };
    format!("-A {chain} -p tcp -m tcp --dport {port} -j CT --helper ftp")
}

fn end(text: &Text, spot: &Spot) -> Result<usize, NoPlace> {
    end_of(text, &spot.chain.table).ok_or_else(|| NoPlace {
        why: format!("the dump has no table {}", spot.chain.table),
    })
}

/// The line of a table's COMMIT.
fn end_of(text: &Text, table: &str) -> Option<usize> {
    let begin = text
        .lines
        .iter()
        .position(|line| line.trim() == format!("*{table}"))?;
    let rest = text.lines[begin..].iter();
    let length = rest.clone().position(|line| line.trim() == "COMMIT")?;
    Some(begin + length)
}
