//! In what `iptables-save` writes.

use crate::edit::{NoPlace, Text, comment};
use crate::remedy::{HelperSide, Remedy, Spot};

pub(crate) fn write(text: &mut Text, remedy: &Remedy) -> Result<(), NoPlace> {
    match remedy {
        Remedy::Helper { side, port, .. } => {
            let rule = helper(*side, *port);
            match end_of(text, "raw") {
                Some(end) => text.insert(end, [comment(remedy), rule]),
                None => text.lines.extend([
                    "*raw".to_owned(),
                    ":PREROUTING ACCEPT [0:0]".to_owned(),
                    ":OUTPUT ACCEPT [0:0]".to_owned(),
                    comment(remedy),
                    rule,
                    "COMMIT".to_owned(),
                ]),
            }
            Ok(())
        }
        Remedy::Accept { spot, what } => {
            let only = spot.only.of_iptables();
            let matches = super::in_commands::matches(*what);
            let rule = format!("-A {} {only}{matches}", spot.chain.chain);
            let place = match (spot.ordinal, spot.line) {
                (Some(_), Some(line)) => text.place(line)?,
                _ => end(text, spot)?,
            };
            text.insert(place, [comment(remedy), rule]);
            Ok(())
        }
        Remedy::PassivePorts { .. } | Remedy::Advertise { .. } => Ok(()),
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
