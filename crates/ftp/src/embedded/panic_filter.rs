use std::panic::{self, Location};
use std::sync::Once;

/// Keeps the process from telling of one panic of libunftp's as if it were a fault of the
/// lab. Of a TLS handshake that fails on a data connection, as one may behind a firewall,
/// libunftp makes a panic of the task that serves this connection. That task ends; no other
/// is touched, and the client sees the connection closed.
///
/// It changes the panic hook of the process, and so it is for a process's own `main`, not for a library.
pub fn silence_failed_handshakes() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let tell = panic::take_hook();
        panic::set_hook(Box::new(move |told| {
            if !told.location().is_some_and(is_of_a_data_connection) {
                tell(told);
            }
        }));
    });
}

fn is_of_a_data_connection(location: &Location<'_>) -> bool {
    is_the_file(location.file())
}

fn is_the_file(path: &str) -> bool {
    path.contains("/libunftp") && path.ends_with("/src/server/datachan.rs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_elses_panics_are_silenced() {
        assert!(is_the_file(
            "/x/registry/src/y/libunftp-0.24.0/src/server/datachan.rs"
        ));
        assert!(!is_the_file(file!()));
        assert!(!is_the_file(
            "/x/src/y/libunftp-0.24.0/src/server/session.rs"
        ));
    }
}
