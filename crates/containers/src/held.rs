use std::collections::HashMap;
use std::fmt;
use std::sync::Mutex;

use testcontainers::TestcontainersError;
use testcontainers::bollard::container::AttachContainerResults;
use testcontainers::bollard::models::{ContainerCreateBody, HostConfig, Mount, MountType};
use testcontainers::bollard::query_parameters::{
    AttachContainerOptionsBuilder, CreateContainerOptionsBuilder, StartContainerOptions,
};
use testcontainers::core::error::ClientError;

use crate::Engine;
use crate::owner::Owner;

/// A container that is to end with this process, whenever that ends: a shell's command that ends with
/// its input.
#[derive(Debug, Clone)]
pub(crate) struct HeldRequest {
    /// The image's reference: repository and tag.
    pub(crate) image: String,
    pub(crate) command: &'static str,
    /// Whether the engine removes it as soon as it ends, with its log.
    pub(crate) goes_when_it_ends: bool,
}

/// The input of a container. The kernel closes it with this process, and the engine then closes the
/// container's.
pub(crate) struct Held {
    _input: Mutex<AttachContainerResults>,
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").finish_non_exhaustive()
    }
}

/// Makes one, takes hold of its input and starts it, which testcontainers has no words for. One that
/// starts when this process has ended finds its input closed.
pub(crate) async fn start(
    engine: &Engine,
    request: &HeldRequest,
    owner: &Owner,
    name: &str,
) -> Result<(String, Held), TestcontainersError> {
    let docker = engine.docker();
    let options = CreateContainerOptionsBuilder::new().name(name).build();
    let made = docker.create_container(Some(options), described(request, owner));
    let id = made.await.map_err(ClientError::CreateContainer)?.id;
    let options = AttachContainerOptionsBuilder::new()
        .stdin(true)
        .stream(true)
        .build();
    // Both are asked for at once: what this process has asked for is done even when it has ended, and
    // in between it would leave a container that is never started.
    let (attached, started) = tokio::join!(
        docker.attach_container(&id, Some(options)),
        docker.start_container(&id, None::<StartContainerOptions>),
    );
    started.map_err(ClientError::StartContainer)?;
    let input = attached.map_err(ClientError::StartContainer)?;
    let held = Held {
        _input: Mutex::new(input),
    };
    Ok((id, held))
}

fn described(request: &HeldRequest, owner: &Owner) -> ContainerCreateBody {
    let labels = [
        (Owner::LABEL, owner.to_string()),
        ("org.fwlab.version", env!("CARGO_PKG_VERSION").to_owned()),
    ];
    let mounts = ["/run", "/tmp"].map(|directory| Mount {
        target: Some(directory.into()),
        typ: Some(MountType::TMPFS),
        ..Mount::default()
    });
    ContainerCreateBody {
        image: Some(request.image.clone()),
        entrypoint: Some(vec!["/bin/sh".into()]),
        cmd: Some(vec!["-c".into(), request.command.into()]),
        labels: Some(HashMap::from(
            labels.map(|(name, value)| (name.to_owned(), value)),
        )),
        open_stdin: Some(true),
        stdin_once: Some(true),
        attach_stdin: Some(true),
        host_config: Some(HostConfig {
            network_mode: Some("none".into()),
            readonly_rootfs: Some(true),
            init: Some(true),
            auto_remove: Some(request.goes_when_it_ends),
            mounts: Some(mounts.into()),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    }
}
