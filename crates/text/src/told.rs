use std::fmt;

use miette::{Diagnostic, LabeledSpan, Severity, SourceCode};

use crate::excerpt::Excerpt;
use crate::orders::without_orders;
use crate::visible::lines;

/// The longest word of a message that is shown whole, in characters. Longer ones are no words of ours.
const LONGEST_WORD: usize = 300;

/// The longest message that is shown whole, in characters.
const LONGEST_MESSAGE: usize = 10_000;

/// A mistake with its place, as plain text: for messages of tests. Those that are told with it follow.
pub fn rendered(mistake: &dyn Diagnostic) -> String {
    let told = Told::all(mistake);
    let told: Vec<String> = told.iter().map(Told::plain).collect();
    without_orders(&told.join("\n"))
}

/// A mistake of which nothing but safe text is left, long words and lines cut. It is without those that
/// are told with it, which a report would put under heads of their own, and without its code, which is
/// for programs.
#[derive(Debug)]
pub struct Told {
    message: Cause,
    severity: Option<Severity>,
    help: Option<String>,
    excerpt: Option<Excerpt>,
    labels: Vec<LabeledSpan>,
}

impl Told {
    /// A mistake, and after it those that are told with it.
    pub fn all(mistake: &dyn Diagnostic) -> Vec<Told> {
        let mut all = vec![Told::new(mistake, None)];
        let related = mistake.related().into_iter().flatten();
        all.extend(related.map(|related| Told::new(related, mistake.source_code())));
        all
    }

    /// Its words, the lines that it is about with marks below its places, and what to do about it.
    fn plain(&self) -> String {
        let mut text = String::new();
        if let Some(place) = self.place() {
            text = format!("{place}: ");
        }
        text += &self.message.words;
        let mut cause = &self.message;
        while let Some(source) = cause.source.as_deref() {
            text += &format!("\n  caused by: {}", source.words);
            cause = source;
        }
        if let Some(excerpt) = &self.excerpt {
            text += &excerpt.marked(&self.labels);
        }
        if let Some(help) = &self.help {
            text += &format!("\n  help: {}", help.replace('\n', "\n  "));
        }
        text
    }

    /// Where it is: a file, a line and a column.
    fn place(&self) -> Option<String> {
        self.excerpt.as_ref()?.place(self.labels.first()?)
    }

    /// A mistake; where it has no source of its own, it is about `whole`.
    pub fn new(mistake: &dyn Diagnostic, whole: Option<&dyn SourceCode>) -> Told {
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
    use miette::MietteDiagnostic;

    use super::*;

    #[test]
    fn a_mistake_is_told_with_its_line_and_its_place() {
        let text = "first\n-A\tINPTU -j \u{1b}DROP\nlast\n";
        let at = text.find("INPTU").expect("it is there");
        let label = LabeledSpan::new(Some("`INPUT`?".into()), at, 5);
        let mistake = MietteDiagnostic::new("no such chain")
            .with_label(label)
            .with_help("one\ntwo");
        let source = miette::NamedSource::new("a\u{1b}.v4", text.to_owned());
        let told = Told::new(&mistake, Some(&source)).plain();
        let expected = "a␛.v4:2:4: no such chain\n\
                        1 | first\n\
                        2 | -A\tINPTU -j ␛DROP\n\
                        \u{20} |   \t^^^^^ `INPUT`?\n\
                        3 | last\n\
                        \u{20} help: one\n\
                        \u{20} two";
        assert_eq!(told, expected);
    }
}
