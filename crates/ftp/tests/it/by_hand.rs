use std::io;
use std::sync::Arc;

use fwlab_fabric::Node;
use fwlab_ftp::TransferSpec;
use fwlab_ftp::wire::Reply;
use libtest_mimic::Failed;
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Speaks to a server by hand, so that the data connection's other end shows.
pub(crate) async fn port_of_an_active_connection(
    client: &Node,
    spec: &TransferSpec,
) -> Result<u16, Failed> {
    let server = spec.server;
    let name = spec.content.name().to_owned();
    Ok(client
        .run(move || async move {
            let listener = TcpListener::bind(("192.168.0.211", 39632)).await?;
            let control = TcpStream::connect(server).await?;
            let mut control = BufReader::new(control);
            for line in [
                "",
                "USER anonymous\r\n",
                "PASS x\r\n",
                "PORT 192,168,0,211,154,208\r\n",
            ] {
                control.get_mut().write_all(line.as_bytes()).await?;
                control.read_line(&mut String::new()).await?;
            }
            // Some servers connect when they read PORT, others when they read RETR.
            let retr = format!("RETR {name}\r\n");
            control.get_mut().write_all(retr.as_bytes()).await?;
            let (_, from) = listener.accept().await?;
            std::io::Result::Ok(from.port())
        })
        .await??)
}

/// Goes under TLS as far as a RETR that is granted, and closes the data connection where
/// the handshake should be; comes back when the server has closed it too.
pub(crate) async fn break_a_data_handshake(
    client: &Node,
    spec: &TransferSpec,
    believed: CertificateDer<'static>,
) -> Result<(), Failed> {
    let server = spec.server;
    let name = spec.content.name().to_owned();
    let broken = client.run(move || async move {
        let mut control = BufReader::new(TcpStream::connect(server).await?);
        control.read_line(&mut String::new()).await?;
        say(&mut control, "AUTH TLS").await?;
        let control = connector(believed)
            .connect("server".try_into().expect("a name"), control.into_inner())
            .await?;
        let mut control = BufReader::new(control);
        for line in ["PBSZ 0", "PROT P", "USER anonymous", "PASS x"] {
            say(&mut control, line).await?;
        }
        let passive = say(&mut control, "PASV").await?;
        let announced = passive.announces().expect("a 227");
        let mut data = TcpStream::connect(announced.target(server.ip())).await?;
        let begun = say(&mut control, &format!("RETR {name}")).await?;
        assert!(begun.code.is_preliminary(), "{begun}");
        data.shutdown().await?;
        // What it still sends is an alert; it may reset the connection as well.
        let _ = data.read_to_end(&mut Vec::new()).await;
        io::Result::Ok(())
    });
    Ok(broken.await??)
}

fn connector(believed: CertificateDer<'static>) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(believed).expect("a certificate");
    let configuration = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring speaks both versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(configuration))
}

/// Sends a command, and reads a reply of one line.
async fn say(
    control: &mut (impl AsyncBufRead + AsyncWrite + Unpin),
    line: &str,
) -> io::Result<Reply> {
    control.write_all(format!("{line}\r\n").as_bytes()).await?;
    control.flush().await?;
    let mut answer = String::new();
    control.read_line(&mut answer).await?;
    let mut replies = Reply::parse_all(answer.as_bytes());
    replies.pop().ok_or_else(|| io::Error::other(answer))
}
