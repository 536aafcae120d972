//! Which family written rules are of, and whether that fits the place that they stand in.

use fwlab_model::ruleset::{Format, Source, dump_family, recognise};
use fwlab_record::Family;

use super::problem::Problems;
use super::reader::Reader;
use super::rules::RulesOrigin;

/// Tells when a dump stands where its family does not belong, or where no cell meets it.
/// `key` is where the rules stand, `ipv6` the IPv6 dump and its key.
pub(super) fn check(
    entry: &Reader<'_>,
    rules: Option<&RulesOrigin>,
    key: &'static str,
    ipv6: Option<(&Source, &'static str)>,
    families: &[Family],
    problems: &mut Problems,
) {
    if let Some(RulesOrigin::Written(source)) = rules {
        let place = entry.span_of(key);
        match recognise(source) {
            Format::Saved if dump_family(source) == Some(Family::Ipv6) => problems.add_with_help(
                place,
                "these are rules for IPv6, and an IPv4 dump belongs here",
                format!("write `{key}6 = …`"),
            ),
            Format::Saved if !families.contains(&Family::Ipv4) => problems.add_with_help(
                place,
                "an IPv4 dump, and no cell of this scenario speaks IPv4",
                format!(
                    "write an IPv6 dump as `{key}6`, or add \"ipv4\" to `families` in [matrix]"
                ),
            ),
            Format::Saved => {}
            _ => {
                if let Some((_, six)) = ipv6 {
                    problems.add_with_help(
                        entry.span_of(six),
                        "an IPv6 dump stands beside an IPv4 dump only",
                        "commands name their family themselves: write these as `ip6tables` commands too",
                    );
                }
            }
        }
    }
    let Some((source, six)) = ipv6 else { return };
    let place = entry.span_of(six);
    match recognise(source) {
        Format::Commands => problems.add_with_help(
            place,
            "commands name their family themselves, and an IPv6 dump belongs here",
            format!("write `{} = …`", six.trim_end_matches('6')),
        ),
        Format::Nft => problems.add_with_help(
            place,
            "a script of nft names its families itself, and an IPv6 dump belongs here",
            format!("write `{} = …`", six.trim_end_matches('6')),
        ),
        _ if dump_family(source) == Some(Family::Ipv4) => problems.add_with_help(
            place,
            "these are rules for IPv4, and an IPv6 dump belongs here",
            format!("write `{} = …`", six.trim_end_matches('6')),
        ),
        _ if key == six && !families.contains(&Family::Ipv6) => problems.add_with_help(
            place,
            "an IPv6 dump, and no cell of this scenario speaks IPv6",
            "write `families = [\"ipv6\"]` in [matrix]",
        ),
        _ => {}
    }
}
