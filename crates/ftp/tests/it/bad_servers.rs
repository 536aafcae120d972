use std::time::{Duration, Instant};

use fwlab_ftp::{Client, ClientReport, Connection, FailureKind, Suppaftp, Timeouts, TransferSpec};
use fwlab_record::{DataSetup, Operation};
use libtest_mimic::{Failed, Trial};

use crate::lab::{Lab, spec, trial};
use crate::scripted::{PASSIVE, Step, answer, logged_in, say, serve};

/// Short enough for a test, long enough for a busy machine.
pub(crate) const SHORT: Timeouts = Timeouts {
    connect: Duration::from_millis(400),
    silence: Duration::from_millis(400),
    whole: Duration::from_secs(3),
};

pub(crate) const SIZE: u64 = 1000;

pub(crate) fn trials() -> Vec<Trial> {
    use Connection::{Control, Data};
    vec![
        fails("never-greets", vec![Step::Hang], Control, is_deadline),
        fails("closes-at-once", vec![], Control, |kind| {
            matches!(kind, FailureKind::Closed | FailureKind::Broken)
        }),
        fails(
            "turns-away",
            vec![say("421 too many")],
            Control,
            is_reply(421),
        ),
        fails(
            "talks-garbage",
            vec![Step::Say(vec![0xfe; 300]), say(""), Step::Hang],
            Control,
            is_no_ftp,
        ),
        fails(
            "floods-one-line",
            vec![Step::Flood(vec![b'2'; 1 << 20], 100), Step::Hang],
            Control,
            is_no_ftp,
        ),
        fails(
            "floods-lines",
            vec![
                say("220-a"),
                Step::Flood(b"x\r\n".repeat(1 << 16), 100),
                Step::Hang,
            ],
            Control,
            is_no_ftp,
        ),
        fails(
            "refuses-the-user",
            vec![say("220 a"), Step::Hear, say("530 no"), Step::Hang],
            Control,
            is_reply(530),
        ),
        fails(
            "hangs-after-login",
            after_login(vec![Step::Hang]),
            Control,
            is_deadline,
        ),
        fails(
            "announces-nonsense",
            after_login(vec![Step::Hear, say("227 (1,2,3)"), Step::Hang]),
            Control,
            |kind| matches!(kind, FailureKind::Reply(reply) if reply.code.number() == 227),
        ),
        fails(
            "announces-a-closed-port",
            after_login(vec![Step::Hear, say("227 (192,168,0,201,0,1)"), Step::Hang]),
            Data,
            |kind| *kind == FailureKind::Connect,
        ),
        fails(
            "refuses-the-file",
            transferring("550 no file", vec![Step::Hang]),
            Control,
            is_reply(550),
        ),
        fails(
            "sends-no-data",
            transferring("150 soon", vec![Step::Hang]),
            Data,
            is_deadline,
        ),
        fails(
            "trickles-for-ever",
            transferring("150 soon", vec![Step::Trickle(Duration::from_millis(100))]),
            Control,
            is_deadline,
        ),
        fails(
            "never-completes",
            transferring("150 soon", vec![data(SIZE), Step::CloseData, Step::Hang]),
            Control,
            is_deadline,
        ),
        fails(
            "aborts",
            transferring(
                "150 soon",
                vec![data(10), Step::CloseData, say("426 aborted"), Step::Hang],
            ),
            Control,
            is_reply(426),
        ),
        mismatches(
            "sends-too-little",
            transferring("150 a", vec![data(SIZE - 1), Step::CloseData, say("226 b")]),
        ),
        mismatches(
            "sends-too-much",
            transferring("150 a", vec![data(SIZE + 1), Step::CloseData, say("226 b")]),
        ),
        mismatches(
            "sends-other-bytes",
            transferring(
                "150 a",
                vec![
                    Step::SendData(vec![7; SIZE as usize]),
                    Step::CloseData,
                    say("226 b"),
                ],
            ),
        ),
        trial("bad-servers/nobody-listens".into(), nobody_listens),
        trial("bad-servers/nobody-connects".into(), nobody_connects),
        trial(
            "bad-servers/says-425-for-an-active-connection".into(),
            says_425,
        ),
        trial("scripted/eprt-over-ipv4".into(), eprt_passes),
    ]
}

/// Scripts that need no certain command in a certain place, for clients of any manners.
pub(crate) fn scripts() -> Vec<(&'static str, Vec<Step>)> {
    vec![
        ("never-greets", vec![Step::Hang]),
        ("closes-at-once", vec![]),
        ("turns-away", vec![say("421 too many")]),
        (
            "talks-garbage",
            vec![Step::Say(vec![0xfe; 300]), say(""), Step::Hang],
        ),
        (
            "floods-one-line",
            vec![Step::Flood(vec![b'2'; 1 << 20], 100), Step::Hang],
        ),
        (
            "floods-lines",
            vec![
                say("220-a"),
                Step::Flood(b"x\r\n".repeat(1 << 16), 100),
                Step::Hang,
            ],
        ),
        (
            "announces-nonsense",
            vec![answer(&[("PASV", "227 (1,2,3)")])],
        ),
        (
            "announces-a-closed-port",
            vec![answer(&[("PASV", "227 (192,168,0,201,0,1)")])],
        ),
        (
            "sends-no-data",
            vec![
                answer(&[("PASV", PASSIVE), ("RETR", "150 soon")]),
                Step::Hang,
            ],
        ),
        (
            "refuses-the-file",
            vec![answer(&[("PASV", PASSIVE), ("RETR", "550 none")])],
        ),
    ]
}

fn after_login(steps: Vec<Step>) -> Vec<Step> {
    [logged_in(), steps].concat()
}

/// Up to the reply to RETR, with a passive data connection.
fn transferring(reply: &str, steps: Vec<Step>) -> Vec<Step> {
    let begin = vec![
        Step::Hear,
        Step::Say(PASSIVE.into()),
        Step::Accept,
        Step::Hear,
        say(reply),
    ];
    after_login([begin, steps].concat())
}

fn data(bytes: u64) -> Step {
    let content = fwlab_ftp::Content::new("file.bin", SIZE).unwrap();
    let mut sent = content.bytes(0..bytes.min(SIZE));
    sent.resize(bytes as usize, 0);
    Step::SendData(sent)
}

fn retr(setup: DataSetup) -> TransferSpec {
    TransferSpec {
        timeouts: SHORT,
        ..spec(setup, Operation::Retr, SIZE)
    }
}

async fn report(steps: Vec<Step>, spec: &TransferSpec) -> Result<ClientReport, Failed> {
    let lab = Lab::build().await;
    serve(&lab.server, steps).await;
    let begun = Instant::now();
    let report = Suppaftp.transfer(&lab.client, spec).await?;
    let took = begun.elapsed();
    if took > SHORT.whole + Duration::from_secs(1) {
        return Err(format!("it took {took:?}").into());
    }
    Ok(report)
}

fn fails(
    name: &str,
    steps: Vec<Step>,
    on: Connection,
    expected: impl Fn(&FailureKind) -> bool + Send + 'static,
) -> Trial {
    trial(format!("bad-servers/{name}"), move || async move {
        let report = report(steps, &retr(DataSetup::Pasv)).await?;
        match report.result {
            Err(failure) if failure.on == on && expected(&failure.kind) => Ok(()),
            other => Err(format!("{other:?}").into()),
        }
    })
}

fn mismatches(name: &str, steps: Vec<Step>) -> Trial {
    trial(format!("bad-servers/{name}"), move || async move {
        let spec = retr(DataSetup::Pasv);
        let report = report(steps, &spec).await?;
        let transferred = report.result.map_err(|failure| failure.to_string())?;
        match spec.verify(&transferred, None) {
            Err(_) => Ok(()),
            Ok(()) => Err("the wrong bytes were taken for the right ones".into()),
        }
    })
}

fn is_deadline(kind: &FailureKind) -> bool {
    *kind == FailureKind::Deadline
}

fn is_no_ftp(kind: &FailureKind) -> bool {
    *kind == FailureKind::NoFtp
}

fn is_reply(code: u16) -> impl Fn(&FailureKind) -> bool + Send + 'static {
    move |kind| matches!(kind, FailureKind::Reply(reply) if reply.code.number() == code)
}

async fn nobody_listens() -> Result<(), Failed> {
    let lab = Lab::build().await;
    let report = Suppaftp
        .transfer(&lab.client, &retr(DataSetup::Pasv))
        .await?;
    let failure = report.result.expect_err("nobody listens");
    assert_eq!(failure.on, Connection::Control);
    assert_eq!(failure.kind, FailureKind::Connect);
    Ok(())
}

/// With a listener of suppaftp's own, and with one of ours.
async fn nobody_connects() -> Result<(), Failed> {
    for active_ports in [None, Some(39632..=39632)] {
        let spec = TransferSpec {
            active_ports,
            ..retr(DataSetup::Port)
        };
        let steps = vec![
            Step::Hear,
            say("200 a"),
            Step::Hear,
            say("150 b"),
            Step::Hang,
        ];
        let report = report(after_login(steps), &spec).await?;
        let failure = report.result.expect_err("nobody connects");
        assert_eq!(
            (failure.on, failure.kind),
            (Connection::Data, FailureKind::Deadline)
        );
    }
    Ok(())
}

/// A server that gives up on an active connection is believed at once.
async fn says_425() -> Result<(), Failed> {
    let spec = TransferSpec {
        active_ports: Some(39632..=39632),
        timeouts: Timeouts {
            connect: Duration::from_secs(60),
            ..SHORT
        },
        ..retr(DataSetup::Port)
    };
    let steps = vec![
        Step::Hear,
        say("200 a"),
        Step::Hear,
        say("150 b"),
        say("425 c"),
        Step::Hang,
    ];
    let report = report(after_login(steps), &spec).await?;
    let failure = report.result.expect_err("no data connection");
    assert!(is_reply(425)(&failure.kind), "{failure:?}");
    Ok(())
}

/// EPRT over IPv4, which the embedded server does not speak. Twenty times,
/// since the data connection and the final reply race each other.
async fn eprt_passes() -> Result<(), Failed> {
    for _ in 0..20 {
        let spec = retr(DataSetup::Eprt);
        let steps = vec![
            Step::Hear,
            say("200 a"),
            Step::Hear,
            Step::ConnectBack,
            say("150 b"),
            data(SIZE),
            Step::CloseData,
            say("226 c"),
            Step::Hear,
            say("221 d"),
        ];
        let report = report(after_login(steps), &spec).await?;
        let transferred = report.result.map_err(|failure| failure.to_string())?;
        spec.verify(&transferred, None)?;
        assert_eq!(report.final_reply.unwrap().to_string(), "226 c");
    }
    Ok(())
}
