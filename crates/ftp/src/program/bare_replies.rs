/// The log of a client that prints replies as they come, without a mark before them,
/// with the mark `< ` before each reply line. A line that stands twice in a row was
/// said once: tnftp prints the reply to EPRT twice (20210827). A 421 that tnftp makes up
/// itself, when the server has gone, is no reply.
pub(crate) fn marked(log: &[u8]) -> Vec<u8> {
    let mut marked = Vec::with_capacity(log.len() + 64);
    let mut last: &[u8] = b"";
    for line in log.split_inclusive(|&byte| byte == b'\n') {
        if is_reply(line) {
            if line == last {
                continue;
            }
            marked.extend_from_slice(b"< ");
        }
        marked.extend_from_slice(line);
        last = line;
    }
    marked
}

/// Whether a line is the first or the last of a reply (RFC 959 section 4.2).
fn is_reply(line: &[u8]) -> bool {
    let [first, second, third, mark, ..] = line else {
        return false;
    };
    !line.starts_with(b"421 Service not available, remote server ")
        && [first, second, third]
            .iter()
            .all(|byte| byte.is_ascii_digit())
        && matches!(mark, b' ' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_told_from_what_a_client_says() {
        let log = "Connected to 127.0.0.1.\n220 hi\n---> FEAT\n211-Features:\n EPSV\n211 End\n\
                   ---> EPRT |1|127.0.0.1|5|\n200 ok\n200 ok\n2026-11-22 16:41:23 URL: x\n1 file\n\
                   421 Service not available, remote server has closed connection.\n";
        assert_eq!(
            String::from_utf8(marked(log.as_bytes())).unwrap(),
            "Connected to 127.0.0.1.\n< 220 hi\n---> FEAT\n< 211-Features:\n EPSV\n< 211 End\n\
             ---> EPRT |1|127.0.0.1|5|\n< 200 ok\n2026-11-22 16:41:23 URL: x\n1 file\n\
             421 Service not available, remote server has closed connection.\n"
        );
    }
}
