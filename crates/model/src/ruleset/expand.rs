//! The rules that one statement becomes.

use super::check::LINE_LONGEST;
use super::mistake::{Draft, MistakeKind, Report};
use super::rule::Rule;
use super::statement::Statement;
use super::text::SourceLine;
use super::walk::{Core, Opt, Piece, Walk};

/// The most rules that one line may become.
const LINE_RULES_MOST: usize = 4_096;

/// The rules that a statement becomes: one for each pair of its addresses, as
/// iptables makes them of `-s a,b -d c,d`.
pub(super) fn expand(
    statement: &Statement<'_>,
    walk: &Walk<'_>,
    source: SourceLine,
    report: &mut Report,
) -> Vec<Rule> {
    let list = |core: Core| {
        let piece = walk.pieces.iter().find(|piece| piece.core() == Some(core));
        let values = piece.map(|piece| {
            piece
                .value()
                .split(',')
                .map(str::trim_start)
                .collect::<Vec<_>>()
        });
        values.unwrap_or_else(|| vec![""])
    };
    let (sources, destinations) = (list(Core::Source), list(Core::Destination));
    let count = sources.len() * destinations.len();
    if count > LINE_RULES_MOST {
        report.push(|| {
            Draft::new(
                MistakeKind::TooLong,
                statement.span.clone(),
                format!("one line becomes {count} rules"),
            )
            .label(format!("{LINE_RULES_MOST} at most"))
            .help("`-m set` matches many addresses in one rule")
        });
        return Vec::new();
    }
    let mut words: Vec<String> = Vec::with_capacity(statement.words.len());
    let (mut target, mut source_at, mut destination_at) = (None, None, None);
    // What a rule counts from is left out; that it stands twice is for the loader to refuse.
    let counters = |piece: &&Piece<'_>| piece.core() == Some(Core::Counters);
    let counted_once = walk.pieces.iter().filter(counters).count() == 1;
    for piece in &walk.pieces {
        match piece.option {
            Opt::Core(core) if (core as u8) < Core::Source as u8 => continue,
            Opt::Core(Core::Counters) if counted_once => continue,
            _ => piece.write(&mut words),
        }
        let last = words.len() - 1;
        match piece.core() {
            Some(Core::Jump | Core::Goto) => target = u16::try_from(last).ok(),
            Some(Core::Source) => source_at = Some(last),
            Some(Core::Destination) => destination_at = Some(last),
            _ => {}
        }
    }
    if words.iter().map(|word| word.len() + 3).sum::<usize>() > LINE_LONGEST && count == 1 {
        report.push(|| {
            Draft::new(
                MistakeKind::TooLong,
                statement.word_span(0),
                format!("more than {LINE_LONGEST} bytes in one rule"),
            )
            .label("iptables-restore takes no more")
        });
    }
    if count == 1 {
        return vec![Rule::read(words, target, source)];
    }
    let mut rules = Vec::with_capacity(count);
    for one in &sources {
        for other in &destinations {
            let mut words = words.clone();
            if let Some(at) = source_at {
                (*one).clone_into(&mut words[at]);
            }
            if let Some(at) = destination_at {
                (*other).clone_into(&mut words[at]);
            }
            rules.push(Rule::read(words, target, source));
        }
    }
    rules
}
