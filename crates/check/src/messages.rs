use std::fmt;

use miette::Diagnostic;

/// What is said while a host is read and its peers are divided: notes, and at the end why something is refused.
#[derive(Debug, Default)]
pub struct Messages(Vec<Message>);

/// One of them.
#[derive(Debug)]
pub enum Message {
    /// A sentence, and what to do about it.
    Sentence {
        /// What there is to know.
        what: String,
        /// What to do about it.
        help: Option<String>,
    },
    /// A mistake, with its place.
    Mistake(Box<dyn Diagnostic + Send + Sync>),
}

impl Messages {
    /// Adds a sentence, and what to do about it.
    pub fn say(&mut self, what: impl fmt::Display, help: Option<&str>) {
        self.0.push(Message::Sentence {
            what: what.to_string(),
            help: help.map(str::to_owned),
        });
    }

    /// Adds mistakes, each with its place.
    pub fn mistakes<D>(&mut self, mistakes: impl IntoIterator<Item = D>)
    where
        D: Diagnostic + Send + Sync + 'static,
    {
        let mistakes = mistakes.into_iter();
        self.0
            .extend(mistakes.map(|mistake| Message::Mistake(Box::new(mistake))));
    }

    /// What was said up to now, in order; it is forgotten here.
    pub fn take(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.0)
    }
}

/// A line or some, as plain text.
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Message::Sentence { what, help: None } => f.write_str(what),
            Message::Sentence {
                what,
                help: Some(help),
            } => write!(f, "{what}\n  {help}"),
            Message::Mistake(mistake) => f.write_str(&fwlab_text::rendered(&**mistake)),
        }
    }
}
