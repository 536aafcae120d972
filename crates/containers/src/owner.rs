use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::str::FromStr;

/// The process that a container belongs to, as the container's label says it: an id
/// alone may be given again, so the time of its start stands beside it; and an id means
/// something in its PID namespace alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner {
    process: u32,
    /// In clock ticks since the machine's start (`proc_pid_stat(5)`).
    started: u64,
    namespace: u64,
}

impl Owner {
    /// The label of every container of fwlab.
    pub(crate) const LABEL: &str = crate::unsettled::OWNER_LABEL;

    pub(crate) fn this_process() -> Owner {
        Owner {
            process: std::process::id(),
            started: start_of("self").unwrap_or(0),
            namespace: fs::metadata("/proc/self/ns/pid").map_or(0, |found| found.ino()),
        }
    }

    /// Reads a label's value. `None`: fwlab did not write it.
    pub(crate) fn parse(label: &str) -> Option<Owner> {
        let mut words = label.split('-');
        let owner = Owner {
            process: number(words.next()?)?,
            started: number(words.next()?)?,
            namespace: number(words.next()?)?,
        };
        words.next().is_none().then_some(owner)
    }

    /// Whether that process is known to have ended. Of another PID namespace's
    /// processes nothing is known.
    pub(crate) fn has_ended(&self, here: &Owner) -> bool {
        self.namespace == here.namespace
            && start_of(&self.process.to_string()) != Some(self.started)
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.process, self.started, self.namespace)
    }
}

fn number<N: FromStr>(word: &str) -> Option<N> {
    word.parse().ok()
}

/// When a process was started; `None` when there is none.
fn start_of(process: &str) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // Its name stands in parentheses, and may hold blanks and parentheses.
    let (_, fields) = stat.rsplit_once(')')?;
    number(fields.split_whitespace().nth(19)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_read_as_it_is_written() {
        let here = Owner::this_process();
        assert!(here.started > 0 && here.namespace > 0);
        assert_eq!(Owner::parse(&here.to_string()), Some(here));
        for label in ["", "1", "1-2", "1-2-3-4", "a-2-3", "1--3", "-1-2-3"] {
            assert_eq!(Owner::parse(label), None, "{label}");
        }
    }

    #[test]
    fn only_a_process_that_is_known_to_be_gone_has_ended() {
        let here = Owner::this_process();
        assert!(!here.has_ended(&here));
        let id_given_again = Owner {
            started: here.started + 1,
            ..here
        };
        assert!(id_given_again.has_ended(&here));
        let elsewhere = Owner {
            namespace: here.namespace + 1,
            ..id_given_again
        };
        assert!(!elsewhere.has_ended(&here));
        let gone = Owner {
            process: u32::MAX,
            ..here
        };
        assert!(gone.has_ended(&here));
    }
}
