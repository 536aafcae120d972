use fwlab_record::{DataSetup, Operation};
use proptest::prelude::*;

use super::*;
use crate::wire::Side;

fn mistakes(side: Side, text: &str) -> Vec<String> {
    match Script::parse(side, text, 1) {
        Ok(_) => Vec::new(),
        Err(mistakes) => mistakes
            .iter()
            .map(|mistake| {
                let place = text[..mistake.span.start].lines().count().max(1);
                let place = place + usize::from(text[..mistake.span.start].ends_with('\n'));
                format!("{place}: {mistake}")
            })
            .collect(),
    }
}

fn client(text: &str) -> Script {
    Script::parse(Side::Client, text, 1).expect("a script")
}

#[test]
fn scripts_that_are_right() {
    for text in [
        "@login\n@setup\n@transfer\nQUIT\n221",
        "# a comment\n\n  220\nUSER anonymous\n331\nPASS x\n230\n@listen\n\
         PO{pause 50ms}RT {h1,h2,h3,h4,p1,p2}\n200\nRETR {file}\n1yz\n@accept\n@receive\n226",
        "@login\nPASV\n227\n@connect\nRETR {file}\n150\n@receive\n226\nQUIT",
        "@login\n@connect to server:2000\n@receive",
        "@login\n@listen 8080\n@accept\n@receive\n@close",
        "@login\n{setup to third:8080}\n500",
        "@lower-case\n@login\n@say anything goes",
        "220\n@say what\n5yz",
    ] {
        assert_eq!(mistakes(Side::Client, text), [""; 0], "{text}");
    }
    for text in [
        "220 ready",
        "PASV\n@listen\n227 Entering Passive Mode ={h1,h2,h3,h4,p1,p2}",
        "PASV\n  @listen 2000\n  227-hello\n  227 v2 ({h1,h2,h3,h4},{p1,p2})\nQUIT\n221 bye\n@close",
        "RETR\n425 no\nRETR\n@silence",
        "PORT\n@connect from 20\n200 ok\nRETR\n150 a{crlf}226 b\n@send",
        "220 a\n@connect from 20 to client:8080\n@send",
        "RETR\n@open\n150 a\n@send\n226 b",
        "STOR\n@accept\n150 a\n@receive\n226 b",
    ] {
        assert_eq!(mistakes(Side::Server, text), [""; 0], "{text}");
    }
}

#[test]
fn what_can_never_happen_in_a_client_s_script() {
    for (text, told) in [
        (
            "331\nUSER x",
            "1: this can never happen: a server's first reply is its greeting, and never 331",
        ),
        (
            "220\n@login",
            "2: this can never happen: line 1 has waited for the greeting, and `@login` waits for it",
        ),
        ("@login\nPORT {h1,h2,h3,h4,p1,p2}", "2: nobody listens here"),
        (
            "@login\nEPRT |1|{address}|{port}|",
            "2: nobody listens here",
        ),
        (
            "@login\n@accept",
            "2: this can never happen: nobody listens here",
        ),
        (
            "@login\n@connect",
            "2: this can never happen: no reply before it can have announced where to",
        ),
        (
            "@login\nNOOP\n2yz\n@connect",
            "4: this can never happen: no reply before it can have announced where to",
        ),
        (
            "@login\n@open",
            "2: this can never happen: no data connection has been agreed on before it",
        ),
        (
            "@login\n@transfer",
            "2: this can never happen: no data connection has been agreed on before it",
        ),
        (
            "@login\n@listen\n@receive",
            "3: this can never happen: there is no data connection here",
        ),
        (
            "@login\n@setup\n@transfer\n@send",
            "4: this can never happen: there is no data connection here",
        ),
        (
            "@login\nQUIT\n221\n226\n226",
            "4: this can never happen: QUIT on line 2 ends the session",
        ),
        (
            "@login\nquit\nNOOP",
            "3: this can never happen: QUIT on line 2 ends the session",
        ),
        (
            "220\n@clear",
            "2: this can never happen: there is no TLS to end",
        ),
        (
            "@login\n@tls",
            "2: this can never happen: line 1 sees to TLS",
        ),
        (
            "@login\n@close\nNOOP\n200",
            "3: this can never happen: line 2 closes the connection",
        ),
    ] {
        assert_eq!(mistakes(Side::Client, text), [told], "{text}");
    }
}

#[test]
fn what_can_never_happen_in_a_server_s_script() {
    for (text, told) in [
        ("PASV\n227 ({h1,h2,h3,h4,p1,p2})", "2: nobody listens here"),
        (
            "220 a\n@accept",
            "2: this can never happen: nobody listens here",
        ),
        (
            "220 a\n@open",
            "2: this can never happen: no data connection has been agreed on before it",
        ),
        (
            "220 a\n@connect from 20",
            "2: this can never happen: no client has announced anything yet",
        ),
        (
            "PASV\n227 (1,2,3,4,5,6)\nEPSV\n500 no\nRETR\n@accept",
            "6: this can never happen: nobody listens here",
        ),
        (
            "RETR\n150 a\n@send",
            "3: this can never happen: there is no data connection here",
        ),
        (
            "STOR\n@open\n@send",
            "3: this can never happen: after STOR the client sends",
        ),
        (
            "RETR\n@open\n@receive",
            "3: this can never happen: after RETR the server sends",
        ),
        (
            "220 a\n@clear",
            "2: this can never happen: there is no TLS to end",
        ),
        (
            "QUIT\n@close\n221 bye",
            "3: this can never happen: line 2 is the last that is done here",
        ),
        (
            "PASV\n@silence\n227 x",
            "3: this can never happen: line 2 is the last that is done here",
        ),
        ("PASV\nRETR\n425 a", "1: this verb gets no answer"),
    ] {
        assert_eq!(mistakes(Side::Server, text), [told], "{text}");
    }
}

#[test]
fn what_cannot_be_read() {
    for (side, text, told) in [
        (Side::Client, "", "the script says nothing"),
        (Side::Client, "# nothing\n", "the script says nothing"),
        (Side::Client, "220\n@lisen", "2: there is no `@lisen`"),
        (
            Side::Client,
            "220\n@silence",
            "2: `@silence` belongs in a server's script",
        ),
        (
            Side::Server,
            "@login",
            "1: `@login` belongs in a client's script",
        ),
        (
            Side::Client,
            "220\nRTER x",
            "2: `RTER` is not an FTP command, and only `@say` sends anything else",
        ),
        (
            Side::Client,
            "220 ready",
            "1: a client waits for a reply's code, whatever its text",
        ),
        (
            Side::Client,
            "22",
            "1: `22` is not a reply code, 100 to 699",
        ),
        (
            Side::Client,
            "7yz",
            "1: `7yz` is not a class of replies, 1yz to 6yz",
        ),
        (Side::Server, "PASSV\n230 x", "1: no client sends `PASSV`"),
        (
            Side::Server,
            "AUTH TLS\n234 x",
            "1: a server answers AUTH whatever follows it",
        ),
        (
            Side::Server,
            "999 x",
            "1: a reply begins with a code, 100 to 699, and a blank or `-`",
        ),
        (
            Side::Server,
            "2200 x",
            "1: a reply begins with a code, 100 to 699, and a blank or `-`",
        ),
        (
            Side::Server,
            "(x)",
            "1: this is not a verb, a reply or a directive",
        ),
        (
            Side::Server,
            "220 {prot}",
            "1: fwlab does not know what to fill in for `{prot}`",
        ),
        (
            Side::Server,
            "220 a\n@pause 6s",
            "2: a pause of 6s is longer than 5s",
        ),
        (
            Side::Server,
            "220 a\n@listen 0",
            "2: `0` is not a port, 1 to 65535",
        ),
        (
            Side::Server,
            "RETR\n@connect form 20",
            "2: `@connect` takes one `from` and one `to`, and not `form 20`",
        ),
        (
            Side::Server,
            "RETR\n@connect from",
            "2: `from` says nothing",
        ),
        (
            Side::Server,
            "RETR\n@accept now",
            "2: `@accept` stands alone, without `now`",
        ),
    ] {
        let got = mistakes(side, text);
        assert!(got.len() == 1 && got[0].ends_with(told), "{text}: {got:?}");
    }
}

/// What could not be read may have been what a later line needs: that is no second mistake.
#[test]
fn one_mistake_is_told_once_and_all_are_told() {
    let text =
        "@login\n@lisen\nPORT {h1,h2,h3,h4,p1,p2}\n200\nRETR {fiel}\n@pause 1h\n@accept\n@receive";
    let told = mistakes(Side::Client, text);
    assert_eq!(told.len(), 3, "{told:?}");
    let text = "PASV\n@lisen\n227 ({h1,h2,h3,h4,p1,p2})\nRETR\n@opne\n@send";
    assert_eq!(mistakes(Side::Server, text).len(), 2);
}

#[test]
fn a_script_supports_the_setup_that_it_asks_for_last() {
    use DataSetup::{Eprt, Epsv, Pasv, Port};
    let supported = |text: &str| -> Vec<DataSetup> {
        let script = client(text);
        let all = DataSetup::ALL.iter().copied();
        all.filter(|setup| script.supports_setup(*setup).is_yes())
            .collect()
    };
    assert_eq!(
        supported("@login\n@setup\n@transfer"),
        [Port, Eprt, Pasv, Epsv]
    );
    assert_eq!(
        supported("@login\nNOOP{crlf}{setup}"),
        [Port, Eprt, Pasv, Epsv]
    );
    assert_eq!(supported("@login\n{setup to third:80}"), [Port, Eprt]);
    assert_eq!(
        supported("@login\n@listen\nport {h1,h2,h3,h4,p1,p2}"),
        [Port]
    );
    assert_eq!(supported("@login\nEPSV\n500\nPASV\n227\n@connect"), [Pasv]);
    assert_eq!(
        supported("@login\nEPSV ALL\n@setup\n@transfer"),
        [Port, Eprt, Pasv, Epsv]
    );
    assert_eq!(supported("@login\nEPSV ALL"), [Port, Eprt, Pasv, Epsv]);
    assert_eq!(supported("@login\n@listen 8080\n@accept"), [Port, Eprt]);
    assert_eq!(supported("@login\n@connect to server:20"), [Pasv, Epsv]);
}

#[test]
fn a_script_supports_the_operation_that_it_does() {
    let supported = |text: &str| -> Vec<Operation> {
        let script = client(&format!("@login\n@listen\n{text}"));
        let all = Operation::ALL.iter().copied();
        all.filter(|it| script.supports_operation(*it).is_yes())
            .collect()
    };
    use Operation::{Appe, List, Rest, Retr, Stor};
    assert_eq!(supported("@transfer"), Operation::ALL);
    assert_eq!(supported("NOOP"), Operation::ALL);
    assert_eq!(supported("RETR {file}\n@accept\n@receive"), [Retr]);
    assert_eq!(supported("rest 1\nretr {file}\n@accept\n@receive"), [Rest]);
    assert_eq!(supported("APPE {file}\n@accept\n@send"), [Appe]);
    assert_eq!(supported("LIST\n@accept\n@receive"), [List]);
    assert_eq!(supported("@accept\n@receive"), [Retr]);
    assert_eq!(supported("@accept\n@send"), [Stor]);
}

#[test]
fn a_script_supports_the_protection_that_it_speaks() {
    use fwlab_record::Protection::{self, Ccc, Explicit, Implicit, Plain};
    let supported = |text: &str| -> Vec<Protection> {
        let script = client(text);
        [Plain, Explicit, Implicit, Ccc]
            .into_iter()
            .filter(|it| script.supports_protection(*it).is_yes())
            .collect()
    };
    assert_eq!(supported("@login"), [Plain, Explicit, Implicit, Ccc]);
    assert_eq!(supported("220\nUSER x\n331"), [Plain]);
    assert_eq!(supported("220\nAUTH TLS\n234\n@tls"), [Explicit]);
    assert_eq!(
        supported("220\nAUTH TLS\n234\n@tls\nCCC\n200\n@clear"),
        [Ccc]
    );
    assert_eq!(supported("@login\nCCC\n200\n@clear"), [Ccc]);
}

#[test]
fn what_a_script_names_is_told() {
    let text = "220 a\n@connect from 10.0.0.9:20 to client:8080\nRETR\n\
                @connect to client:8080\n@connect to 10.0.0.7:1\n200 {address of third}";
    let script = Script::parse(Side::Server, text, 10).unwrap();
    let targets: Vec<String> = script
        .written_targets()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(targets, ["client:8080", "10.0.0.7:1"]);
    let mut nodes: Vec<&str> = script.nodes().map(|(name, _)| name.as_str()).collect();
    nodes.sort_unstable();
    assert_eq!(nodes, ["client", "client", "third"]);
    let sources: Vec<String> = script
        .source_addresses()
        .map(|(it, _)| it.to_string())
        .collect();
    assert_eq!(sources, ["10.0.0.9"]);
    assert_eq!(script.opening[1].line, 11);
}

fn any_line() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("220 a".to_owned()),
        Just("@listen".to_owned()),
        Just("PASV".to_owned()),
        Just("@login".to_owned()),
        "[@A-Z0-9{}a-z ,:.ü]{0,24}",
        "@[a-z]{2,8} (from|to) [a-z0-9:.]{0,12}",
        "[A-Z]{3,4} \\{[a-z0-9, ]{0,12}\\}?",
    ]
}

proptest! {
    /// Whatever is written: an answer, and every mistake has its place in the text.
    #[test]
    fn any_text_is_read(lines in proptest::collection::vec(any_line(), 0..12)) {
        let text = lines.join("\n");
        for side in [Side::Client, Side::Server] {
            if let Err(mistakes) = Script::parse(side, &text, 1) {
                prop_assert!(!mistakes.is_empty());
                for mistake in mistakes {
                    prop_assert!(text.get(mistake.span.clone()).is_some(), "{mistake:?}");
                }
            }
        }
    }
}
