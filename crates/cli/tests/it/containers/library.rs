//! Peers in containers, as a user's tests have them.

use fwlab::{DataSetup, Lab, assert_transferred, curl};
use fwlab_containers::{Engine, Image};
use fwlab_skipped::{Need, skipped};
use testcontainers::bollard::Docker;
use testcontainers::bollard::query_parameters::ListContainersOptionsBuilder;
use tokio::runtime::Runtime;

use crate::support::{is_root, lab_alone};

/// How many containers of clients this process has.
async fn clients() -> usize {
    let docker = Docker::connect_with_local_defaults().expect("the engine is there");
    let filters = [
        ("ancestor".to_owned(), vec![Image::Client.to_string()]),
        (
            "name".to_owned(),
            vec![format!("^/fwlab-{}-", std::process::id())],
        ),
    ];
    let options = ListContainersOptionsBuilder::new()
        .all(true)
        .filters(&filters.into())
        .build();
    let listed = docker.list_containers(Some(options)).await;
    listed.expect("the engine lists").len()
}

/// A test's process may end as soon as its last transfer is over.
#[test]
fn a_container_of_one_transfer_is_gone_with_it() {
    let Some(_lab) = lab_alone() else { return };
    if !is_root("a container's network") {
        return;
    }
    let runtime = Runtime::new().expect("threads can be had");
    let engine = match runtime.block_on(Engine::connect()) {
        Ok(engine) => engine,
        Err(none) => return skipped(Need::Containers, none),
    };
    match runtime.block_on(Image::Client.is_built(&engine)) {
        Ok(true) => {}
        other => {
            return skipped(
                Need::Containers,
                format_args!("no image {}: {other:?}", Image::Client),
            );
        }
    }
    let observed = Lab::client_firewall()
        .client(curl().cold())
        .transfer(DataSetup::Epsv);
    assert_transferred!(observed.unwrap());
    // The one that waits for cells, and ends with this process.
    assert_eq!(runtime.block_on(clients()), 1);
    let warm = Lab::client_firewall().client(curl().in_container());
    let observed = warm.transfer(DataSetup::Epsv).unwrap();
    let told = observed.to_string();
    assert!(
        told.contains(", curl 7.88.1-") && told.contains(" in a container\n"),
        "{told}"
    );
    assert_eq!(runtime.block_on(clients()), 1);
}
