//! A diagnosis in plain sentences.

use fwlab_record::Role;

use crate::{Diagnosis, Opening, Why};

impl Why {
    /// Its kind, in a word for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Why::ControlRefused => "control-refused",
            Why::EstablishedRefused => "established-refused",
            Why::RelatedRefused => "related-refused",
            Why::NoHelper => "no-helper",
            Why::Stateless => "stateless",
            Why::HiddenByTls => "hidden-by-tls",
            Why::NotExpected(_) => "not-expected",
            Why::Invalid => "invalid",
            Why::Untracked => "untracked",
            Why::AnnouncedElsewhere { .. } => "announced-elsewhere",
            Why::SentElsewhere => "sent-elsewhere",
            Why::NobodyListens => "nobody-listens",
            Why::Closed => "closed",
            Why::Said(_) => "said",
            Why::Unknown => "unknown",
        }
    }
}

impl Diagnosis {
    /// Why it was stopped, and what would have let it through where that is known.
    pub fn sentences(&self) -> String {
        match self.would_pass() {
            Some(would_pass) => format!("{} {would_pass}", self.why()),
            None => self.why(),
        }
    }

    /// Why it was stopped: one sentence.
    pub fn why(&self) -> String {
        let what = match (self.connection, self.opening) {
            (Role::Control, Opening::Opens) => "The control connection",
            (Role::Control, _) => "A packet of the control connection",
            (Role::Data(setup), Opening::Opens) if setup.is_active() => {
                "The data connection, which the server opens to the client,"
            }
            (Role::Data(_), Opening::Opens) => {
                "The data connection, which the client opens to the server,"
            }
            (Role::Data(_), Opening::Answers) => "The answer that opens the data connection",
            (Role::Data(_), Opening::Later) => "A packet of the data connection",
            (Role::Other, _) => "The packet",
        };
        match &self.why {
            Why::ControlRefused => {
                format!("{what} was not let through: no rule before this one accepts it.")
            }
            Why::EstablishedRefused if self.state.is_none() => format!(
                "{what} is of a connection that was let through when it was opened, and no rule before this one accepts it."
            ),
            Why::EstablishedRefused => format!(
                "{what} is of a connection that was let through, which conntrack calls ESTABLISHED, and no rule before this one accepts that."
            ),
            Why::RelatedRefused => format!(
                "{what} was expected by conntrack's helper, which makes it RELATED, and no rule before this one accepts that."
            ),
            Why::NoHelper => format!(
                "{what} is NEW to conntrack, as a stranger's would be: no helper reads the control connection, so nobody expected it."
            ),
            Why::Stateless => format!(
                "{what} is a stranger's to these rules: its connection is not tracked there, and no rule before this one accepts it."
            ),
            Why::HiddenByTls => format!(
                "{what} is NEW to conntrack, as a stranger's would be: TLS hides the announcement, and no helper can read it."
            ),
            Why::NotExpected(why) => format!("{what} was expected by no helper: {why}."),
            Why::Invalid => {
                format!("{what} is INVALID to conntrack: it fits no connection that it knows.")
            }
            Why::Untracked => {
                format!("{what} is UNTRACKED: a rule took its connection out of conntrack.")
            }
            Why::AnnouncedElsewhere { announced } => format!(
                "{what} went to {announced}, which the server announced and which is not the address that the client knows it by."
            ),
            Why::SentElsewhere => {
                format!(
                    "{what} was sent elsewhere by address translation, and came to nothing there."
                )
            }
            Why::NobodyListens => {
                format!("{what} came to a host that answered no: no rule had a part in it.")
            }
            Why::Closed => {
                "A peer closed the connection before its time, and no rule had a part in that."
                    .to_owned()
            }
            Why::Said(reply) => format!("The peer said no itself: {reply}"),
            Why::Unknown => format!("{what} was stopped; the evidence does not say more."),
        }
    }

    /// What would have let it through, as the field knows it: one sentence. Nothing where that is not known.
    pub fn would_pass(&self) -> Option<String> {
        let active = matches!(self.connection, Role::Data(setup) if setup.is_active());
        let passes = match &self.why {
            Why::ControlRefused => {
                "It would pass if a rule before that one accepted TCP to the control port here."
            }
            Why::EstablishedRefused => {
                "It would pass if a rule before that one accepted what is ESTABLISHED."
            }
            Why::RelatedRefused => {
                "It would pass if a rule before that one accepted what is RELATED by the helper ftp."
            }
            Why::Stateless if self.opening != Opening::Opens => {
                "It would pass with its connection tracked and what is ESTABLISHED accepted, or accepted by its ports both ways."
            }
            Why::NoHelper | Why::Stateless if active => {
                "It would pass with the helper ftp assigned to the control connection, and what is RELATED by it accepted."
            }
            Why::NoHelper | Why::Stateless => {
                "It would pass with the helper ftp assigned to the control connection and what is RELATED by it accepted; or with a \
                 range of passive ports that the server keeps to and the rules open."
            }
            Why::HiddenByTls if active => {
                "Nothing but its source port tells it from a stranger's connection: with TLS, use passive transfers."
            }
            Why::HiddenByTls => {
                "It would pass with a range of passive ports that the server keeps to and the rules open: no helper sees into TLS."
            }
            Why::AnnouncedElsewhere { .. } => {
                "It would pass if the server announced the address that its clients connect to; in plain FTP, a helper on the \
                 gateway rewrites what it announces."
            }
            Why::Untracked => {
                "It would pass if its connection were tracked, or accepted as UNTRACKED in both directions."
            }
            Why::NotExpected(_)
            | Why::Invalid
            | Why::SentElsewhere
            | Why::NobodyListens
            | Why::Closed
            | Why::Said(_)
            | Why::Unknown => return None,
        };
        Some(passes.to_owned())
    }
}
