use crate::transcript::Transcript;
use crate::wire::Side;

/// How a client program marks the lines of the dialogue in its log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Marks {
    /// Before a command.
    pub(crate) sent: &'static str,
    /// Before each line of a reply.
    pub(crate) received: &'static str,
}

/// The dialogue that a client program logged.
pub(crate) fn transcript_of(log: &[u8], marks: Marks) -> Transcript {
    let mut transcript = Transcript::default();
    for line in log.split(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (from, text) = if let Some(text) = line.strip_prefix(marks.sent.as_bytes()) {
            (Side::Client, text)
        } else if let Some(text) = line.strip_prefix(marks.received.as_bytes()) {
            (Side::Server, text)
        } else {
            continue;
        };
        transcript.take(from, &[text, b"\n"].concat());
    }
    transcript
}

/// The end of a log, for people: at most 64 KiB of it.
pub(crate) fn tail(log: &[u8]) -> String {
    let from = log.len().saturating_sub(64 * 1024);
    String::from_utf8_lossy(&log[from..]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fwlab_record::DataSetup;

    #[test]
    fn curls_and_lftps_logs() {
        let curl = "* Connected\n< 220-a\n< 220 b\r\n> USER x\n< 230 in\n> EPSV\n< 500 no\n> PASV\n< 227 (1,2,3,4,5,6)\n> RETR a\n< 150 b\n{ [5 bytes data]\n< 226 c\n";
        let lftp = curl.replace("> ", "---> ").replace("< ", "<--- ");
        for (log, sent, received) in [(curl, "> ", "< "), (&lftp, "---> ", "<--- ")] {
            let transcript = transcript_of(log.as_bytes(), Marks { sent, received });
            let (progress, announcements) = transcript.into_parts();
            assert!(progress.is_complete());
            assert_eq!(announcements.len(), 1);
            let used: Vec<_> = progress.setups.iter().map(|setup| setup.setup).collect();
            assert_eq!(used, [DataSetup::Epsv, DataSetup::Pasv]);
        }
    }
}
