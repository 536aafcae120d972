use fwlab_host::{Bundle, Edits, Host, redact};

use crate::repeated::takes_no_longer_than_it_is_long;

/// A captured host or a bundle, whole or the sections of one.
///
/// Mistakes are told at lines that there are. What is read is read again when its public addresses are replaced, with as many lines.
pub fn host(input: &[u8]) {
    read(input);
    read(&sealed(input));
    takes_no_longer_than_it_is_long(input, |input| read(&sealed(input)));
    read_bundle(input);
    read_bundle(&bundled(input));
}

/// These sections as a bundle that is whole.
fn bundled(sections: &[u8]) -> Vec<u8> {
    let body = [b"fwlab bundle 2\n".as_slice(), sections, b"\n"].concat();
    let lines = body.split(|byte| *byte == b'\n');
    let headings = lines.filter(|line| line.starts_with(b"== ")).count();
    let end = format!("end sections={headings} bytes={} cksum=none\n", body.len());
    [body, end.into_bytes()].concat()
}

/// What is read is written, and read as it was.
fn read_bundle(text: &[u8]) {
    if let Ok(bundle) = Bundle::read(text) {
        let written = bundle.write().expect("what is read can be written");
        assert_eq!(Bundle::read(&written), Ok(bundle));
    }
}

/// These sections as a file that is whole, but for their number.
fn sealed(sections: &[u8]) -> Vec<u8> {
    let head = b"fwlab host 1\nredacted no\n".as_slice();
    [head, sections, b"\nend sections=0 bytes=0 cksum=none\n"].concat()
}

fn read(text: &[u8]) {
    let lines = |text: &[u8]| text.split(|byte| *byte == b'\n').count();
    match Host::read("input", text, Edits::Accepted) {
        Err(mistakes) => {
            for mistake in mistakes.told() {
                let line = mistake.line().unwrap_or(1) as usize;
                assert!((1..=lines(text)).contains(&line), "{mistake}");
            }
        }
        Ok(host) => {
            let redacted = redact("input", text, Edits::Accepted, &[7; 32]);
            let redacted = redacted.expect("it was read").text;
            assert_eq!(lines(&redacted), lines(text));
            let again = Host::read("input", &redacted, Edits::Refused).expect("it is whole");
            assert!(again.is_redacted);
            assert_eq!(again.links, host.links);
            assert_eq!(again.unread.len(), host.unread.len());
        }
    }
}
