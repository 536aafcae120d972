//! What a generated ruleset is meant to allow.

use fwlab_ftp::DataSourcePort;
use fwlab_model::ruleset::{DefaultPolicy, Passive, Policy, Side};
use fwlab_record::DataSetup;

use crate::ServerTerms;
use crate::format::table::{Placed, table};
use crate::format::value::{Ports, Switch, Word, Words};
use crate::format::vocabulary::Defaults;
use crate::problem::Problems;

table! {
    PolicyTable, ["ruleset.policy"], "A generated ruleset: what the firewall is meant to allow.",
    keys {
        required "allow", Words<DataSetup>, "the data setups that must pass" -> allow;
        "stateful", Switch,
        "`true`: accepts what is RELATED, for passive setups also without a range; `false`: opens fixed ports; default `true`"
            -> stateful;
        "passive-ports", Ports, "the static passive range, with `stateful = false`" -> passive_ports;
        "helper", Switch, "assign the conntrack helper; default as `stateful`" -> helper;
        "default", Word<Defaults>, "what happens to the rest; default `drop`" -> default;
    }
}

/// Reads a policy for a firewall that stands on that side.
pub(crate) fn policy(
    table: Placed<PolicyTable>,
    side: Side,
    control_port: u16,
    server: &ServerTerms,
    problems: &mut Problems,
) -> Option<Policy> {
    let Placed { value: table, span } = table;
    let allow = table.allow.value?;
    let stateful = table.stateful.value.unwrap_or(true);
    let range = table.passive_ports.at();
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
            Some(Placed {
                value: (low, high), ..
            }),
        ) if low <= high => Passive::StaticRange(low..=high),
        (
            false,
            Some(Placed {
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
                span,
                "a policy that is not stateful needs the passive range that it opens",
                "write `passive-ports = \"50000-50100\"`",
            );
            return None;
        }
    };
    Some(Policy {
        passive,
        helper: table.helper.value.unwrap_or(stateful),
        default: table.default.value.unwrap_or(DefaultPolicy::Drop),
        control_port,
        data_source_port: (server.data_source_port == DataSourcePort::Twenty).then_some(20),
        ..Policy::new(side, allow)
    })
}
