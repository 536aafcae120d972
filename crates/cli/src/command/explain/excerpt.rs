//! The line that decided, among its neighbours.

use crate::report::RulesText;
use crate::text::Page;
use fwlab_text::line;

/// The lines before and after the one that decided.
const AROUND: u32 = 2;

/// Adds a line of a text and what stands around it.
pub(super) fn excerpt(page: &mut Page, source: &RulesText, number: u32) {
    let first = source.first.max(1);
    for (text, at) in source.text.lines().zip(first..) {
        if at.abs_diff(number) <= AROUND {
            let mark = if at == number { '▶' } else { ' ' };
            page.text(format_args!("  {mark} {at:5} │ {}\n", line(text)));
        }
    }
}
