//! The options of iptables itself.

/// An option of iptables itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Core {
    Append,
    Delete,
    Check,
    Insert,
    Replace,
    List,
    ListRules,
    Flush,
    Zero,
    NewChain,
    DeleteChain,
    RenameChain,
    Policy,
    Version,
    Help,
    Table,
    Wait,
    WaitInterval,
    Verbose,
    Numeric,
    Exact,
    LineNumbers,
    Modprobe,
    Ipv4,
    Ipv6,
    Source,
    Destination,
    Protocol,
    In,
    Out,
    Jump,
    Goto,
    Match,
    Counters,
    Fragment,
}

/// How many words an option of iptables itself takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arity {
    None,
    One,
    /// One, and a second when a word follows that is no option.
    OneOrTwo,
    Two,
    /// One when a word follows that is no option, then perhaps a second.
    UpToTwo,
    UpToOne,
}

/// Option, shortest spelling, long names, arity: `original_opts` of iptables/xshared.c.
#[rustfmt::skip]
const CORE: &[(Core, &str, &[&str], Arity)] = &[
    (Core::Append, "-A", &["append"], Arity::One),
    (Core::Delete, "-D", &["delete"], Arity::OneOrTwo),
    (Core::Check, "-C", &["check"], Arity::One),
    (Core::Insert, "-I", &["insert"], Arity::OneOrTwo),
    (Core::Replace, "-R", &["replace"], Arity::Two),
    (Core::List, "-L", &["list"], Arity::UpToTwo),
    (Core::ListRules, "-S", &["list-rules"], Arity::UpToTwo),
    (Core::Flush, "-F", &["flush"], Arity::UpToOne),
    (Core::Zero, "-Z", &["zero"], Arity::UpToTwo),
    (Core::NewChain, "-N", &["new-chain"], Arity::One),
    (Core::DeleteChain, "-X", &["delete-chain"], Arity::UpToOne),
    (Core::RenameChain, "-E", &["rename-chain"], Arity::Two),
    (Core::Policy, "-P", &["policy"], Arity::Two),
    (Core::Version, "-V", &["version"], Arity::None),
    (Core::Help, "-h", &["help"], Arity::None),
    (Core::Table, "-t", &["table"], Arity::One),
    (Core::Wait, "-w", &["wait"], Arity::UpToOne),
    (Core::WaitInterval, "-W", &["wait-interval"], Arity::One),
    (Core::Verbose, "-v", &["verbose"], Arity::None),
    (Core::Numeric, "-n", &["numeric"], Arity::None),
    (Core::Exact, "-x", &["exact"], Arity::None),
    (Core::LineNumbers, "--line-numbers", &["line-numbers"], Arity::None),
    (Core::Modprobe, "-M", &["modprobe"], Arity::One),
    (Core::Ipv4, "-4", &["ipv4"], Arity::None),
    (Core::Ipv6, "-6", &["ipv6"], Arity::None),
    (Core::Source, "-s", &["source", "src"], Arity::One),
    (Core::Destination, "-d", &["destination", "dst"], Arity::One),
    (Core::Protocol, "-p", &["protocol"], Arity::One),
    (Core::In, "-i", &["in-interface"], Arity::One),
    (Core::Out, "-o", &["out-interface"], Arity::One),
    (Core::Jump, "-j", &["jump"], Arity::One),
    (Core::Goto, "-g", &["goto"], Arity::One),
    (Core::Match, "-m", &["match"], Arity::One),
    (Core::Counters, "-c", &["set-counters"], Arity::OneOrTwo),
    (Core::Fragment, "-f", &["fragments"], Arity::None),
];

impl Core {
    /// The option as it is written shortest.
    pub(super) fn written(self) -> &'static str {
        CORE[self as usize].1
    }

    pub(super) fn arity(self) -> Arity {
        CORE[self as usize].3
    }
}

/// The option of that letter, and how many words it takes.
pub(super) fn core_letter(letter: char) -> Option<(Core, Arity)> {
    let found = CORE.iter().find(|core| {
        core.1
            .strip_prefix('-')
            .is_some_and(|short| short.starts_with(letter) && letter != '-')
    });
    found.map(|(core, _, _, arity)| (*core, *arity))
}

/// The option of that long name.
pub(super) fn core_long(name: &str) -> Option<Core> {
    let found = CORE.iter().find(|(_, _, longs, _)| longs.contains(&name));
    found.map(|(core, ..)| *core)
}

/// Every long name with its option.
pub(super) fn core_longs() -> impl Iterator<Item = (&'static str, Core)> {
    CORE.iter()
        .flat_map(|(core, _, longs, _)| longs.iter().map(|long| (*long, *core)))
}

/// The long names of the options of iptables itself.
pub(super) fn core_names() -> impl Iterator<Item = &'static str> {
    CORE.iter()
        .flat_map(|(_, _, longs, _)| longs.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_is_in_the_order_of_its_enum() {
        for (at, (core, ..)) in CORE.iter().enumerate() {
            assert_eq!(*core as usize, at);
        }
    }
}
