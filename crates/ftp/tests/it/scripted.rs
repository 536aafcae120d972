use std::net::SocketAddr;
use std::time::Duration;

use fwlab_fabric::Node;
use fwlab_ftp::wire::Command;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What a scripted server does next.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Sends these bytes.
    Say(Vec<u8>),
    /// Sends these bytes again and again, this many times or until it cannot.
    Flood(Vec<u8>, usize),
    /// Reads one command.
    Hear,
    /// Sends a greeting, then reads commands and answers them, until it has sent a
    /// preliminary reply.
    Answer(Vec<(String, String)>),
    /// Connects to what the latest PORT or EPRT announced.
    ConnectBack,
    /// Accepts a data connection on the port that [`PASSIVE`] names.
    Accept,
    /// Sends these bytes over the data connection.
    SendData(Vec<u8>),
    /// Sends a byte over the data connection every so often, for ever.
    Trickle(Duration),
    /// Closes the data connection.
    CloseData,
    /// Does nothing more, and keeps every connection open.
    Hang,
}

/// The reply that names the scripted server's passive port.
pub(crate) const PASSIVE: &str = "227 Entering Passive Mode (192,168,0,201,122,8)\r\n";

/// A polite server with these answers to these verbs, and the usual ones to others.
pub(crate) fn answer(answers: &[(&str, &str)]) -> Step {
    Step::Answer(
        answers
            .iter()
            .map(|(verb, reply)| ((*verb).into(), reply.trim_end().into()))
            .collect(),
    )
}

pub(crate) fn say(line: &str) -> Step {
    Step::Say(format!("{line}\r\n").into_bytes())
}

/// Greeting, USER, PASS and TYPE.
pub(crate) fn logged_in() -> Vec<Step> {
    vec![
        say("220 scripted"),
        Step::Hear,
        say("331 password"),
        Step::Hear,
        say("230 in"),
        Step::Hear,
        say("200 binary"),
    ]
}

/// Serves one connection by a script; closes everything at its end.
pub(crate) async fn serve(node: &Node, steps: Vec<Step>) {
    node.run(move || async move {
        let control = TcpListener::bind("192.168.0.201:21")
            .await
            .expect("port 21");
        let data = TcpListener::bind("192.168.0.201:31240")
            .await
            .expect("port 31240");
        // Ends with its script, or with its node.
        tokio::spawn(async move {
            if let Ok((stream, _)) = control.accept().await {
                let _ = play(stream, data, steps).await;
            }
        });
    })
    .await
    .expect("the node is there");
}

async fn play(stream: TcpStream, listener: TcpListener, steps: Vec<Step>) -> std::io::Result<()> {
    let mut control = BufReader::new(stream);
    let mut announced: Option<SocketAddr> = None;
    let mut data: Option<TcpStream> = None;
    for step in steps {
        match step {
            Step::Say(bytes) => control.get_mut().write_all(&bytes).await?,
            Step::Flood(bytes, times) => {
                for _ in 0..times {
                    control.get_mut().write_all(&bytes).await?;
                }
            }
            Step::Hear => {
                let mut line = String::new();
                control.read_line(&mut line).await?;
                let command = Command::parse(line.trim_end().as_bytes());
                let heard = command.as_ref().and_then(Command::announces);
                announced = heard.map(|to| to.target([0, 0, 0, 0].into())).or(announced);
            }
            Step::Answer(answers) => polite(&mut control, &answers).await?,
            Step::ConnectBack => {
                let to = announced.expect("the script hears PORT or EPRT first");
                data = Some(TcpStream::connect(to).await?);
            }
            Step::Accept => data = Some(listener.accept().await?.0),
            Step::SendData(bytes) => {
                data.as_mut()
                    .expect("a data connection")
                    .write_all(&bytes)
                    .await?;
            }
            Step::Trickle(pause) => loop {
                data.as_mut()
                    .expect("a data connection")
                    .write_all(b"x")
                    .await?;
                tokio::time::sleep(pause).await;
            },
            Step::CloseData => data = None,
            Step::Hang => {
                // Until the client goes.
                let mut rest = Vec::new();
                control.read_to_end(&mut rest).await?;
            }
        }
    }
    Ok(())
}

/// Answers every command: as it is told, and as servers do.
async fn polite(
    control: &mut BufReader<TcpStream>,
    answers: &[(String, String)],
) -> std::io::Result<()> {
    control.get_mut().write_all(b"220 polite\r\n").await?;
    loop {
        let mut line = String::new();
        if control.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let Some(command) = Command::parse(line.trim_end().as_bytes()) else {
            continue;
        };
        let reply = match answers.iter().find(|(verb, _)| command.is(verb)) {
            Some((_, reply)) => reply.as_str(),
            None if command.is("USER") => "331 password",
            None if command.is("PASS") => "230 in",
            None if command.is("PWD") => "257 \"/\"",
            None if command.is("FEAT") => "211-Features\r\n EPSV\r\n211 End",
            None if command.is("SIZE") => "213 5",
            None if command.is("TYPE") => "200 binary",
            None if command.is("QUIT") => "221 bye",
            None => "502 no",
        };
        control
            .get_mut()
            .write_all(format!("{reply}\r\n").as_bytes())
            .await?;
        if reply.starts_with('1') {
            return Ok(());
        }
    }
}
