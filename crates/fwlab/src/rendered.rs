use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};

/// A mistake with its place, as plain text: for messages of tests.
pub(crate) fn rendered<D: Diagnostic>(mistake: &D) -> String {
    let handler =
        GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(100);
    let mut text = String::new();
    match handler.render_report(&mut text, mistake) {
        Ok(()) => text,
        Err(_) => mistake.to_string(),
    }
}
