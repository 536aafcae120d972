//! A server that does what it is told and no more, in vsftpd's place: below
//! `FWLAB_PEERS` stands a `vsftpd` that is this very test program, so that fwlab
//! starts it in a node, confined, as it starts the real one.

use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// What a scripted server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Greets, and never says anything more.
    Mute,
    /// Ends when it is asked for a data connection.
    Dies,
    /// Answers the first command with lines without end.
    Floods,
    /// Speaks no FTP.
    Garbage,
    /// Has no room: 421.
    Full,
    /// Sends other bytes than it was given, and says that all is well.
    WrongBytes,
    /// Lists its file by MLSD, as no vsftpd does.
    KnowsMlsd,
}

const ALL: [Manner; 7] = [
    Manner::Mute,
    Manner::Dies,
    Manner::Floods,
    Manner::Garbage,
    Manner::Full,
    Manner::WrongBytes,
    Manner::KnowsMlsd,
];

/// Says to this program that it is a server: its manner.
const MANNER: &str = "FWLAB_TEST_MANNER";

/// A word in its environment by which a test finds its own servers.
pub(crate) const TOKEN: &str = "FWLAB_TEST_TOKEN";

/// Puts such a server in place below a folder, and returns what is to be `FWLAB_PEERS`.
pub(crate) fn install(folder: &Path, manner: Manner) -> PathBuf {
    let bin = folder.join("peers/bin");
    std::fs::create_dir_all(&bin).expect("a folder");
    // A server sees of the machine its own file and the libraries beside it: this program stands among those.
    let libraries = folder.join("peers/lib");
    std::fs::create_dir_all(&libraries).expect("a folder");
    let itself = std::env::current_exe().expect("this program has a file");
    let own = libraries.join("scripted");
    if std::fs::hard_link(&itself, &own).is_err() {
        std::fs::copy(&itself, &own).expect("it can be copied");
    }
    let script = format!(
        "#!/bin/sh\n\
         if [ \"$1\" = -v ]; then echo 'vsftpd: version 0 (scripted)'; exit; fi\n\
         export {MANNER}={manner:?} {TOKEN}='{}' FWLAB_TEST_CONFIGURATION=\"$1\"\n\
         exec '{}' --exact scripted::plays_the_server --ignored --nocapture\n",
        folder.display(),
        own.display()
    );
    let program = bin.join("vsftpd");
    std::fs::write(&program, script).expect("it can be written");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
    folder.join("peers")
}

#[test]
#[ignore = "it is no test: faults.rs has fwlab start it as a server"]
fn plays_the_server() {
    let Ok(manner) = std::env::var(MANNER) else {
        return;
    };
    let manner = ALL.into_iter().find(|one| format!("{one:?}") == manner);
    let manner = manner.expect("a manner");
    let file = std::env::var("FWLAB_TEST_CONFIGURATION").expect("vsftpd's argument");
    let configuration = std::fs::read_to_string(file).expect("vsftpd's configuration");
    let value = |name: &str| {
        let mut lines = configuration.lines();
        let line = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.expect("fwlab tells its server the address and the port")
    };
    let address: IpAddr = value("listen_address").parse().expect("an address");
    let port: u16 = value("listen_port").parse().expect("a port");
    let listener = TcpListener::bind(SocketAddr::new(address, port)).expect("the port is free");
    for stream in listener.incoming() {
        // A client that goes ends its session, not the server.
        let _ = serve(stream.expect("a connection"), manner);
    }
}

fn serve(stream: TcpStream, manner: Manner) -> std::io::Result<()> {
    let mut say = stream.try_clone()?;
    match manner {
        Manner::Garbage => say.write_all(&[0xff, 0x00, b'\n', 0x16, 0x03, b'\r', b'\n'])?,
        Manner::Full => return say.write_all(b"421 too many of you\r\n"),
        _ => say.write_all(b"220 scripted\r\n")?,
    }
    let mut data = None;
    for line in BufReader::new(&stream).lines() {
        let line = line?;
        let verb = line.split(' ').next().unwrap_or_default();
        match (manner, verb) {
            (Manner::Mute | Manner::Garbage, _) => {}
            (Manner::Floods, _) => loop {
                say.write_all(b"331-and another thing\r\n")?;
            },
            (_, "USER") => say.write_all(b"331 password\r\n")?,
            (_, "PASS") => say.write_all(b"230 in\r\n")?,
            (Manner::Dies, "PASV") => std::process::exit(7),
            (_, "PASV") => {
                let listener = TcpListener::bind((stream.local_addr()?.ip(), 0))?;
                let [high, low] = listener.local_addr()?.port().to_be_bytes();
                let IpAddr::V4(address) = stream.local_addr()?.ip() else {
                    return Ok(());
                };
                let [a, b, c, d] = Ipv4Addr::octets(&address);
                data = Some(listener);
                say.write_all(format!("227 here ({a},{b},{c},{d},{high},{low})\r\n").as_bytes())?;
            }
            (_, "RETR") => {
                let listener = data.take().expect("PASV comes first");
                say.write_all(b"150 here it comes\r\n")?;
                listener.accept()?.0.write_all(b"not what was stored")?;
                say.write_all(b"226 there you are\r\n")?;
            }
            (Manner::KnowsMlsd, "MLSD") => {
                let listener = data.take().expect("PASV comes first");
                say.write_all(b"150 here it comes\r\n")?;
                let line = b"type=file;size=300000; fwlab.bin\r\n";
                listener.accept()?.0.write_all(line)?;
                say.write_all(b"226 there you are\r\n")?;
            }
            _ => say.write_all(b"200 fine\r\n")?,
        }
    }
    Ok(())
}
