use std::fmt;

use console::Style;

use fwlab_text::{lines, without_orders};

/// Text for a terminal in which nothing but the lab's own styles drives it, whoever wrote what stands
/// there. Whatever is written to it is made visible; only [`Page::styled`] adds a style.
///
/// ```
/// use fwlab_cli::report::Page;
///
/// assert_eq!(Page::from("550 \x1b[2J gone").to_string(), "550 ␛[2J gone");
/// ```
#[derive(Debug, Clone, Default)]
pub struct Page(String);

impl Page {
    /// Adds text.
    pub fn text(&mut self, text: impl fmt::Display) {
        let _ = fmt::Write::write_fmt(self, format_args!("{text}"));
    }

    /// Adds text in a style.
    pub fn styled(&mut self, style: &Style, text: impl fmt::Display) {
        let text = text.to_string();
        self.0 += &style.apply_to(lines(&text)).to_string();
    }

    /// Adds another page.
    pub fn append(&mut self, page: &Page) {
        self.0 += &page.0;
    }

    /// Takes away the blanks that it ends in.
    pub(crate) fn trim_end(&mut self) {
        self.0.truncate(self.0.trim_end().len());
    }

    /// What was made of safe parts already, with styles among them.
    pub(super) fn of_safe(text: String) -> Page {
        Page(text)
    }
}

impl fmt::Write for Page {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 += &lines(text);
        Ok(())
    }
}

impl<T: AsRef<str>> From<T> for Page {
    fn from(text: T) -> Page {
        Page(lines(text.as_ref()).into_owned())
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_orders(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn only_a_style_of_ours_is_an_escape_sequence() {
        let mut page = Page::from("a\x1b[1mb");
        page.styled(&Style::new().force_styling(true).red(), "c\x1b[0md");
        let _ = write!(page, "\u{9b}e");
        assert_eq!(page.to_string(), "a␛[1mb\x1b[31mc␛[0md\x1b[0m<U+009B>e");
    }
}
