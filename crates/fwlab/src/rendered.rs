use std::fmt;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, Severity, SourceCode,
};

/// A mistake with its place, as plain text: for messages of tests.
pub(crate) fn rendered<D: Diagnostic>(mistake: &D) -> String {
    rendered_with(mistake, GraphicalTheme::unicode_nocolor())
}

/// A mistake with its place; those that are told with it follow, one below the other.
pub(crate) fn rendered_with(mistake: &dyn Diagnostic, theme: GraphicalTheme) -> String {
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(100)
        .with_cause_chain();
    let mut text = render(&handler, &Alone::new(mistake, None));
    for related in mistake.related().into_iter().flatten() {
        text += &render(&handler, &Alone::new(related, mistake.source_code()));
    }
    text
}

fn render(handler: &GraphicalReportHandler, mistake: &Alone<'_>) -> String {
    let mut text = String::new();
    match handler.render_report(&mut text, mistake) {
        Ok(()) => format!("{}\n", text.trim_matches('\n')),
        Err(_) => format!("{mistake}\n"),
    }
}

/// A mistake without those that are told with it, which a report would put under heads of
/// their own, and without its code, which is for programs.
struct Alone<'a> {
    mistake: &'a dyn Diagnostic,
    source: Option<&'a dyn SourceCode>,
}

impl<'a> Alone<'a> {
    fn new(mistake: &'a dyn Diagnostic, whole: Option<&'a dyn SourceCode>) -> Alone<'a> {
        Alone {
            mistake,
            source: mistake.source_code().or(whole),
        }
    }
}

impl fmt::Debug for Alone<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.mistake, f)
    }
}

impl fmt::Display for Alone<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.mistake, f)
    }
}

impl std::error::Error for Alone<'_> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.mistake.source()
    }
}

impl Diagnostic for Alone<'_> {
    fn severity(&self) -> Option<Severity> {
        self.mistake.severity()
    }

    fn help<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        self.mistake.help()
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.mistake.labels()
    }
}
