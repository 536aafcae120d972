use std::fmt;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, Severity, SourceCode,
};

use super::excerpt::Excerpt;
use super::page::Page;
use super::visible::lines;

/// The longest word of a message that is shown whole, in characters. Longer ones are no words of ours.
const LONGEST_WORD: usize = 300;

/// The longest message that is shown whole, in characters.
const LONGEST_MESSAGE: usize = 10_000;

/// A mistake with its place, as plain text: for messages of tests.
pub(crate) fn rendered<D: Diagnostic>(mistake: &D) -> String {
    Page::of_mistake(mistake, GraphicalTheme::unicode_nocolor()).to_string()
}

impl Page {
    /// A mistake with its place; those that are told with it follow, one below the other.
    pub(crate) fn of_mistake(mistake: &dyn Diagnostic, theme: GraphicalTheme) -> Page {
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(100)
            .with_cause_chain();
        let mut text = render(&handler, &Told::new(mistake, None));
        for related in mistake.related().into_iter().flatten() {
            text += &render(&handler, &Told::new(related, mistake.source_code()));
        }
        Page::of_safe(text)
    }
}

fn render(handler: &GraphicalReportHandler, mistake: &Told) -> String {
    let mut text = String::new();
    match handler.render_report(&mut text, mistake) {
        Ok(()) => format!("{}\n", text.trim_matches('\n')),
        Err(_) => format!("{mistake}\n"),
    }
}

/// A mistake of which nothing but safe text is left, long words and lines cut. It is without those that
/// are told with it, which a report would put under heads of their own, and without its code, which is
/// for programs.
#[derive(Debug)]
struct Told {
    message: Cause,
    severity: Option<Severity>,
    help: Option<String>,
    excerpt: Option<Excerpt>,
    labels: Vec<LabeledSpan>,
}

impl Told {
    fn new(mistake: &dyn Diagnostic, whole: Option<&dyn SourceCode>) -> Told {
        let source = mistake.source_code().or(whole);
        let excerpt = source.zip(mistake.labels());
        let (excerpt, mut labels) = excerpt
            .and_then(|(source, labels)| Excerpt::of(source, labels))
            .unzip();
        for label in labels.iter_mut().flatten() {
            let words = label.label().map(shortened);
            *label = LabeledSpan::new(words, label.offset(), label.len());
        }
        Told {
            message: Cause::of(mistake, mistake.source()),
            severity: mistake.severity(),
            help: mistake.help().map(|help| shortened(&help.to_string())),
            excerpt,
            labels: labels.unwrap_or_default(),
        }
    }
}

/// An error's words, and those of what caused it.
#[derive(Debug)]
struct Cause {
    words: String,
    source: Option<Box<Cause>>,
}

impl Cause {
    fn of(words: &dyn fmt::Display, source: Option<&dyn std::error::Error>) -> Cause {
        Cause {
            words: shortened(&words.to_string()),
            source: source.map(|source| Box::new(Cause::of(&source, source.source()))),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let source = self.source.as_deref();
        source.map(|source| source as &(dyn std::error::Error + 'static))
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message.fmt(f)
    }
}

impl std::error::Error for Told {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.message.source()
    }
}

impl Diagnostic for Told {
    fn severity(&self) -> Option<Severity> {
        self.severity
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let help = self.help.as_ref();
        help.map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        let excerpt = self.excerpt.as_ref();
        excerpt.map(|excerpt| excerpt as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        (!self.labels.is_empty())
            .then(|| Box::new(self.labels.iter().cloned()) as Box<dyn Iterator<Item = LabeledSpan>>)
    }
}

/// Visible text without what is longer than anybody reads.
fn shortened(text: &str) -> String {
    let text = lines(text);
    let mut shown = String::new();
    for word in text.split_inclusive(char::is_whitespace) {
        match word.char_indices().nth(LONGEST_WORD) {
            None => shown += word,
            Some((end, _)) => {
                shown += &word[..end];
                shown.push('…');
                shown.extend(word.chars().next_back().filter(|c| c.is_whitespace()));
            }
        }
    }
    if let Some((end, _)) = shown.char_indices().nth(LONGEST_MESSAGE) {
        shown.truncate(end);
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use miette::MietteDiagnostic;

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
