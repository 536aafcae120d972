//! Which family written rules are of, and whether that fits the place that they stand in.

use fwlab_model::ruleset::{Format, Source, by_family, dump_family, recognise};
use fwlab_record::Family;

use crate::format::table::Place;
use crate::problem::Problems;
use crate::rules::RulesOrigin;

/// Tells when a dump stands where its family does not belong, or where no cell meets it.
/// `chosen` is where the rules stand, `ipv6` the IPv6 dump and where it stands.
pub(crate) fn check(
    rules: Option<&RulesOrigin>,
    chosen: &Place,
    ipv6: Option<(&Source, &Place)>,
    families: &[Family],
    problems: &mut Problems,
) {
    if let Some(RulesOrigin::Written(source)) = rules {
        let Place { key, span } = chosen.clone();
        match recognise(source) {
            Format::Saved if by_family(source.clone()).len() > 1 => problems.add_with_help(
                span,
                "dumps of IPv4 and of IPv6, one after the other",
                format!("write each by itself: `{key} = …` and `{key}6 = …`"),
            ),
            Format::Saved if dump_family(source) == Some(Family::Ipv6) => problems.add_with_help(
                span,
                "these are rules for IPv6, but an IPv4 dump belongs here",
                format!("write `{key}6 = …`"),
            ),
            Format::Saved if !families.contains(&Family::Ipv4) => problems.add_with_help(
                span,
                "an IPv4 dump, but no cell of this scenario speaks IPv4",
                format!(
                    "write an IPv6 dump as `{key}6`, or add \"ipv4\" to `families` in [matrix]"
                ),
            ),
            Format::Saved => {}
            _ => {
                if let Some((_, six)) = ipv6 {
                    problems.add_with_help(
                        six.span.clone(),
                        "an IPv6 dump can only stand beside an IPv4 dump",
                        "commands name their family themselves: write these as `ip6tables` commands too",
                    );
                }
            }
        }
    }
    let Some((source, place)) = ipv6 else { return };
    let Place { key: six, span } = place.clone();
    match recognise(source) {
        Format::Commands => problems.add_with_help(
            span,
            "commands name their family themselves, but an IPv6 dump belongs here",
            format!("write `{} = …`", six.trim_end_matches('6')),
        ),
        Format::Nft => problems.add_with_help(
            span,
            "an nft script names its families itself, but an IPv6 dump belongs here",
            format!("write `{} = …`", six.trim_end_matches('6')),
        ),
        _ if dump_family(source) == Some(Family::Ipv4) => problems.add_with_help(
            span,
            "these are rules for IPv4, but an IPv6 dump belongs here",
            format!("write `{} = …`", six.trim_end_matches('6')),
        ),
        _ if chosen.key == six && !families.contains(&Family::Ipv6) => problems.add_with_help(
            span,
            "an IPv6 dump, but no cell of this scenario speaks IPv6",
            "write `families = [\"ipv6\"]` in [matrix]",
        ),
        _ => {}
    }
}
