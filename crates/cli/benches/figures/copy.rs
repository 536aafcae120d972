use std::time::{Duration, Instant};

use fwlab_fabric::Fabric;
use fwlab_ftp::{Content, ServerSettings, TransferSpec};
use fwlab_record::{DataSetup, Family, NodeName, PeerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;

use crate::cells::PASSES;
use crate::figures::figure;
use crate::median;

pub(crate) fn copy(runtime: &Runtime) {
    let (ftp, plain) = large(runtime);
    figure("100 MiB by RETR", 100.0 / ftp, "MiB/s");
    figure("100 MiB by a plain TCP copy", 100.0 / plain, "MiB/s");
    figure("RETR to plain copy", plain / ftp, "times");
}

/// Seconds for 100 MiB by RETR, and by a plain copy, between the same two namespaces: medians of five.
fn large(runtime: &Runtime) -> (f64, f64) {
    const SIZE: u64 = 100 << 20;
    let deployment = &PASSES.cell().scenario.deployment.clone();
    let connect_to = deployment
        .connect_to(Family::Ipv4)
        .expect("the shapes have addresses of IPv4");
    let (mut ftp, mut plain) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        runtime.block_on(async {
            let fabric = Fabric::build(&deployment.topology).await.expect("a fabric");
            let node = |name| fabric.node(&name).expect("a node of the stage").clone();
            let (client, server) = (node(NodeName::client()), node(NodeName::server()));
            let content = Content::new("large", SIZE).expect("within the limit");
            let patience = fwlab_ftp::Timeouts {
                connect: Duration::from_secs(5),
                silence: Duration::from_secs(5),
                whole: Duration::from_secs(60),
            };
            let spec = TransferSpec::retr(connect_to, DataSetup::Pasv, content, patience);
            let settings = ServerSettings::for_transfer(&spec);
            let _running = fwlab_ftp::server(PeerName::Libunftp)
                .expect("embedded")
                .start(&server, &settings)
                .await
                .expect("it starts");
            let suppaftp = fwlab_ftp::client(PeerName::Suppaftp).expect("embedded");
            // The digest to compare with is made once, and is no part of a transfer.
            spec.content.digest(0..SIZE);
            let started = Instant::now();
            let report = suppaftp.transfer(&client, &spec).await.expect("no fault");
            ftp.push(started.elapsed().as_secs_f64());
            spec.verify(&report.result.expect("it passes"), None)
                .expect("the right bytes");

            let address = (connect_to.ip(), 5001);
            let sender = server.run(async move || {
                let listener = tokio::net::TcpListener::bind(address)
                    .await
                    .expect("a free port");
                Ok::<_, std::io::Error>(tokio::task::spawn_local(async move {
                    let (mut stream, _) = listener.accept().await.expect("a connection");
                    let piece = vec![7_u8; 256 * 1024];
                    for _ in 0..SIZE / piece.len() as u64 {
                        stream.write_all(&piece).await.expect("it is read");
                    }
                }))
            });
            // The task goes on in the node; only that it listens is waited for.
            drop(sender.await.map(|task| task.map(|_| ())));
            let received = client.run(async move || {
                let started = Instant::now();
                let mut stream = tokio::net::TcpStream::connect(address)
                    .await
                    .expect("somebody listens");
                let mut piece = vec![0; 256 * 1024];
                let mut bytes = 0;
                while bytes < SIZE {
                    bytes += stream.read(&mut piece).await.expect("it is sent") as u64;
                }
                started.elapsed().as_secs_f64()
            });
            plain.push(received.await.expect("the node is there"));
            drop(fabric);
        });
    }
    (median(ftp), median(plain))
}
