//! Text that is no rule.

use std::ops::Range;

use super::mistake::{Draft, MistakeKind, Report, quote};

/// Gathers lines of prose that follow one another into one mistake, and tells
/// lines that are lost in the same way once.
pub(super) struct Prose {
    /// What may stand outside of a table.
    elsewhere: &'static str,
    run: Option<Run>,
    told_outside: bool,
}

struct Run {
    span: Range<usize>,
    first: String,
    in_table: bool,
    lines: usize,
    last: u32,
}

impl Prose {
    pub(super) fn new(elsewhere: &'static str) -> Prose {
        Prose {
            elsewhere,
            run: None,
            told_outside: false,
        }
    }

    /// A line that is no rule.
    pub(super) fn line(
        &mut self,
        span: Range<usize>,
        line: &str,
        in_table: bool,
        report: &mut Report,
    ) {
        let number = report.source().line_of(span.start);
        if let Some(run) = &mut self.run
            && run.last + 1 == number
            && run.in_table == in_table
        {
            run.last = number;
            run.lines += 1;
            return;
        }
        self.finish(report);
        self.run = Some(Run {
            span,
            first: quote(line),
            in_table,
            lines: 1,
            last: number,
        });
    }

    /// A rule where none can stand: told for the first of them.
    pub(super) fn rule_outside(&mut self, draft: impl FnOnce() -> Draft, report: &mut Report) {
        if !std::mem::replace(&mut self.told_outside, true) {
            report.push(draft);
        }
    }

    pub(super) fn finish(&mut self, report: &mut Report) {
        let Some(run) = self.run.take() else {
            return;
        };
        report.push(|| {
            let more = match run.lines {
                1 => String::new(),
                2 => ", and a line more".to_owned(),
                lines => format!(", and {} lines more", lines - 1),
            };
            let draft = Draft::new(MistakeKind::Prose, run.span, format!("no rule: `{}`{more}", run.first)).label("text among the rules");
            if run.in_table && run.first.contains("tables ") {
                draft.help("a command in a dump: leave out `iptables`, or write the whole file as commands")
            } else if run.in_table {
                draft.help("a line in a table starts with `-A`, `:` or `#`, or is COMMIT")
            } else {
                draft.help(self.elsewhere)
            }
        });
    }
}
