use fwlab_fabric::Node;
use fwlab_ftp::TransferSpec;
use libtest_mimic::Failed;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

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
