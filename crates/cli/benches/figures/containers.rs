use fwlab_containers::{ContainerReuse, Engine, Image};
use fwlab_record::{PeerName, Place};
use fwlab_runner::Placement;
use tokio::runtime::Runtime;

use crate::cells::{BLOCKED, PASSES, Sort};
use crate::figures::figure;

/// Cells of vsftpd and curl, each in a container.
pub(crate) fn containers(runtime: &Runtime) {
    if let Err(why) = runtime.block_on(are_there()) {
        println!("containers: skipped, {why}");
        return;
    }
    let [passes, blocked] = [PASSES, BLOCKED].map(|sort| Sort {
        server: PeerName::Vsftpd,
        client: PeerName::Curl,
        placement: placement(ContainerReuse::Warm),
        ..sort
    });
    let cold = Sort {
        placement: placement(ContainerReuse::Cold),
        ..passes
    };
    let warm = passes.alone(runtime, 40);
    let stopped = blocked.alone(runtime, 40);
    figure("containers: one warm cell alone", warm, "ms");
    figure("containers: one warm blocked cell alone", stopped, "ms");
    figure("containers: blocked to passing", stopped / warm, "times");
    figure(
        "containers: warm cells a second",
        passes.rate(runtime, 200),
        "/s",
    );
    figure(
        "containers: one cold cell alone",
        cold.alone(runtime, 10),
        "ms",
    );
}

fn placement(reuse: ContainerReuse) -> Placement {
    Placement {
        place: Some(Place::Container),
        reuse,
    }
}

async fn are_there() -> Result<(), String> {
    let engine = Engine::connect().await.map_err(|none| none.to_string())?;
    for image in [Image::Vsftpd, Image::Client] {
        match image.is_built(&engine).await {
            Ok(true) => {}
            Ok(false) => return Err(format!("there is no image {image}: fwlab images")),
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(())
}
