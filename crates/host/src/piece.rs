use fwlab_model::ruleset::Source;

/// Rules or sets of a host, as they would stand in a file of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// What messages call it: the file, and the program that the text comes from.
    pub name: String,
    /// The text.
    pub text: Vec<u8>,
    /// The line of the file that its first line is, 1 for the first.
    pub begins: u32,
}

impl Piece {
    /// As rules are read: a mistake at its line 3 is told at the line of the file that this is.
    pub fn source(&self) -> Source {
        Source::new(self.name.clone(), self.text.clone()).beginning_at(self.begins, 0)
    }

    /// Whether there is nothing in it but blank lines and comments.
    pub(crate) fn is_empty(&self) -> bool {
        let mut lines = self.text.split(|byte| *byte == b'\n');
        lines.all(|line| matches!(line.trim_ascii().first(), None | Some(b'#')))
    }
}
