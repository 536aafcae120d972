//! What a generated ruleset is meant to allow.

use fwlab_ftp::DataSourcePort;
use fwlab_model::ruleset::{DefaultPolicy, Passive, Policy, Side};
use fwlab_record::DataSetup;

use super::problem::Problems;
use super::reader::{At, Reader};
use crate::ServerTerms;

/// Reads a policy for a firewall that stands on that side.
pub(super) fn policy(
    table: &Reader<'_>,
    side: Side,
    control_port: u16,
    server: &ServerTerms,
    problems: &mut Problems,
) -> Option<Policy> {
    table.require("allow", problems);
    let allow = table.words::<DataSetup>("allow", problems)?;
    let stateful = table.switch("stateful", problems).unwrap_or(true);
    let range = table.ports("passive-ports", problems);
    let passive = match (stateful, range) {
        (true, None) => Passive::Stateful,
        (true, Some(range)) => {
            problems.add_with_help(
                range.span,
                "a stateful policy opens no range",
                "leave `passive-ports` out, or write `stateful = false`",
            );
            return None;
        }
        (
            false,
            Some(At {
                value: (low, high), ..
            }),
        ) if low <= high => Passive::StaticRange(low..=high),
        (
            false,
            Some(At {
                value: (low, high),
                span,
            }),
        ) => {
            problems.add_with_help(
                span,
                format!("{low} is above {high}"),
                format!("write \"{high}-{low}\""),
            );
            return None;
        }
        (false, None) => {
            problems.add_with_help(
                table.span.clone(),
                "a policy that is not stateful needs the passive range that it opens",
                "write `passive-ports = \"50000-50100\"`",
            );
            return None;
        }
    };
    let default = match table
        .word::<String>("default", problems)
        .map(|word| word.value)
        .as_deref()
    {
        Some("reject") => DefaultPolicy::Reject,
        Some("accept") => DefaultPolicy::Accept,
        _ => DefaultPolicy::Drop,
    };
    Some(Policy {
        passive,
        helper: table.switch("helper", problems).unwrap_or(stateful),
        default,
        control_port,
        data_source_port: (server.data_source_port == DataSourcePort::Twenty).then_some(20),
        ..Policy::new(side, allow)
    })
}
