use std::fmt;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_rustls::rustls::KeyLog;

/// The secrets of TLS sessions, by which what was said in them can be read: a line each, in the format of `SSLKEYLOGFILE`.
/// All clones are one.
#[derive(Clone, Default)]
pub struct TlsSecrets(Arc<Mutex<String>>);

impl TlsSecrets {
    /// What is known so far.
    pub fn text(&self) -> String {
        self.lines().clone()
    }

    /// Adds lines that a program wrote.
    pub fn add(&self, lines: &str) {
        self.lines().push_str(lines);
    }

    fn lines(&self) -> std::sync::MutexGuard<'_, String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeyLog for TlsSecrets {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let mut line = format!("{label} ");
        for (bytes, end) in [(client_random, ' '), (secret, '\n')] {
            for byte in bytes {
                let _ = write!(line, "{byte:02x}");
            }
            line.push(end);
        }
        self.add(&line);
    }
}

/// Without them.
impl fmt::Debug for TlsSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsSecrets").finish_non_exhaustive()
    }
}

impl PartialEq for TlsSecrets {
    fn eq(&self, other: &TlsSecrets) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for TlsSecrets {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_a_line_and_is_not_shown() {
        let secrets = TlsSecrets::default();
        secrets.clone().log("CLIENT_RANDOM", &[1, 0xab], &[0]);
        assert_eq!(secrets.text(), "CLIENT_RANDOM 01ab 00\n");
        assert_eq!(format!("{secrets:?}"), "TlsSecrets { .. }");
    }
}
