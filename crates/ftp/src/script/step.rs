use std::ops::Range;
use std::time::Duration;

use super::place::{Source, Target};
use super::template::Template;
use super::words::Expected;

/// One line of a script: what its peer does when it comes to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// The number of the line, in the file that the script stands in.
    pub(super) line: usize,
    /// Where it stands, in bytes of the script.
    pub(super) span: Range<usize>,
    /// As it is written, for messages.
    pub(super) written: String,
    /// What is done.
    pub(super) does: StepKind,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StepKind {
    /// Sends a line.
    Say(Template),
    /// Waits for a reply. A client's.
    Expect(Expected),
    /// Listens for a data connection, on this port.
    Listen(Option<u16>),
    /// Waits for the other side to open the data connection.
    Accept,
    /// Opens the data connection, to where was announced or to a written target.
    Connect {
        from: Option<Source>,
        to: Option<Target>,
    },
    /// Opens the data connection, or waits for it, as was agreed.
    Open,
    /// Sends the content over the data connection, and closes it.
    Send,
    /// Receives the content over the data connection, to its end.
    Receive,
    /// Waits, for the sake of the experiment.
    Pause(Duration),
    /// Closes the control connection.
    Close,
    /// Puts TLS on the control connection.
    Tls,
    /// Takes TLS off the control connection.
    Clear,
    /// Gives no answer. A server's.
    Silence,
    /// Greeting, USER, PASS and TYPE, and the protection that the cell asks for. A
    /// client's.
    Login,
    /// Agrees on the data connection as the cell asks. A client's.
    Setup,
    /// The transfer command with its data connection, up to the final reply. A client's.
    Transfer,
    /// Sends verbs in lower case from here on. A client's.
    LowerCase,
    /// Could not be read: it may do anything.
    Unread,
}

/// What a server's script does when a verb comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// The verb, in upper case.
    pub(super) verb: &'static str,
    /// Where it stands, in bytes of the script.
    pub(super) span: Range<usize>,
    /// What is done, never empty.
    pub(super) steps: Vec<Step>,
}
