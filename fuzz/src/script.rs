use fwlab_ftp::script::{Remedy, Script};
use fwlab_ftp::wire::Side;

use crate::repeated::takes_no_longer_than_it_is_long;
use crate::spans::assert_within;

/// The script of a peer, read as a server's and as a client's.
///
/// Mistakes are in order, point into the text, and say what to write; so do the places of what a script names.
pub fn script(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    for side in [Side::Server, Side::Client] {
        read(side, &text);
        takes_no_longer_than_it_is_long(text.as_bytes(), |repeated| {
            read(side, std::str::from_utf8(repeated).expect("whole texts"));
        });
    }
}

fn read(side: Side, text: &str) {
    let script = match Script::parse(side, text, 1) {
        Ok(script) => script,
        Err(mistakes) => {
            assert!(!mistakes.is_empty(), "refused for nothing");
            for mistake in &mistakes {
                assert_within(mistake.span.clone(), text, mistake);
                match &mistake.remedy {
                    Remedy::Write(what) => assert!(!what.is_empty(), "{mistake:?}"),
                    Remedy::OneOf { known, .. } => assert!(!known.is_empty(), "{mistake:?}"),
                }
            }
            assert!(
                mistakes.is_sorted_by_key(|mistake| mistake.span.start),
                "{mistakes:?}"
            );
            return;
        }
    };
    assert_eq!(script.side(), side);
    let nodes = script.nodes().map(|(_, span)| span);
    let sources = script.source_addresses().map(|(_, span)| span);
    for span in nodes.chain(sources) {
        assert_within(span, text, &script);
    }
    assert!(script.written_targets().is_sorted());
    // The number of the first line is for messages alone.
    assert!(Script::parse(side, text, 40).is_ok());
}
