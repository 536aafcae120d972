use console::Term;
use fwlab_text::Told;
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};

use super::page::Page;
use super::wrapped::columns;

/// The most columns that a mistake is told in.
const WIDEST: usize = 100;

impl Page {
    /// A mistake with its place; those that are told with it follow, one below the other.
    pub(crate) fn of_mistake(mistake: &dyn Diagnostic, theme: GraphicalTheme) -> Page {
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(columns(&Term::stderr()).map_or(WIDEST, |columns| columns.min(WIDEST)))
            .with_cause_chain();
        let told = Told::all(mistake);
        let text = told.iter().map(|mistake| render(&handler, mistake));
        Page::of_safe(text.collect())
    }
}

fn render(handler: &GraphicalReportHandler, mistake: &Told) -> String {
    let mut text = String::new();
    match handler.render_report(&mut text, mistake) {
        Ok(()) => format!("{}\n", text.trim_matches('\n')),
        Err(_) => format!("{mistake}\n"),
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use miette::{LabeledSpan, MietteDiagnostic};

    use super::*;

    fn told(text: &str, spans: &[Range<usize>]) -> String {
        let labels = spans
            .iter()
            .map(|span| LabeledSpan::new(Some("here".into()), span.start, span.len()));
        let mistake = MietteDiagnostic::new("wrong \x1b[2J").with_labels(labels);
        let source = miette::NamedSource::new("a\x1b.toml", text.to_owned());
        let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor());
        render(&handler, &Told::new(&mistake, Some(&source)))
    }

    #[test]
    fn what_drives_a_terminal_is_visible_and_the_caret_is_under_its_place() {
        let text = "x\x1b[31m\u{202e}y = wrong # \u{9b}\nnext \x07\n";
        let at = text.find("wrong").expect("it is there");
        insta::assert_snapshot!(told(text, std::slice::from_ref(&(at..at + 5))));
    }

    #[test]
    fn a_long_line_is_cut_around_its_mistakes() {
        let text = format!(
            "{}wrong{}bad{}\n",
            "a".repeat(70_000),
            "b".repeat(3000),
            "c".repeat(900)
        );
        insta::assert_snapshot!(told(&text, &[70_000..70_005, 73_005..73_008]));
    }

    #[test]
    fn a_long_mistake_is_cut_too() {
        let text = format!("k = \"{}\" # end\n", "x".repeat(70_000));
        insta::assert_snapshot!(told(&text, std::slice::from_ref(&(4..70_006))));
    }

    #[test]
    fn places_far_apart_have_excerpts_of_their_own() {
        let text: String = (1..=300).map(|line| format!("line {line}\n")).collect();
        let at = |line: &str| text.find(line).map(|at| at..at + 4).expect("it is there");
        insta::assert_snapshot!(told(
            &text,
            &[at("line 1\n"), at("line 4\n"), at("line 300\n")]
        ));
    }

    #[test]
    fn a_mistake_of_many_lines_shows_its_first() {
        let text: String = (1..=300).map(|line| format!("line {line}\n")).collect();
        let at = text.find("line 7\n").expect("it is there");
        insta::assert_snapshot!(told(&text, std::slice::from_ref(&(at..text.len()))));
    }
}
