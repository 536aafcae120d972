use fwlab_containers::{Engine, Image, image_of};
use fwlab_fabric::{Ability, Machine, Privilege, install_package};
use fwlab_ftp::peer_entry;
use fwlab_runner::PeerRegistry;

use super::exit::print;
use fwlab_record::Exit;

pub(super) fn doctor() -> Exit {
    let machine = Machine::examine();
    print(format!("Linux {}\n", machine.kernel));
    if let Ok(privilege) = &machine.privilege {
        let words = match privilege {
            Privilege::Root => "root",
            Privilege::UserNamespace => "an ordinary user, in its own user namespace",
        };
        found("privilege", words);
    }
    for tool in &machine.tools {
        found(
            tool.path
                .file_name()
                .map_or("?".into(), |name| name.to_string_lossy())
                .as_ref(),
            tool.version.as_deref().unwrap_or("version unknown"),
        );
    }
    for ability in Ability::ALL
        .into_iter()
        .filter(|ability| machine.can(*ability))
    {
        found("kernel", &ability.to_string());
    }
    let registry = PeerRegistry::discover();
    let inventory = registry.inventory();
    for present in inventory.iter().flatten() {
        found(present.peer.word(), &present.version);
    }
    let mut works = true;
    for missing in machine.missing() {
        works &= missing.optional;
        lacks(&missing.what, &missing.why, &missing.remedy);
    }
    for missing in inventory.iter().filter_map(|found| found.as_ref().err()) {
        match peer_entry(missing.peer).program {
            Some(program) => lacks(
                &format!("the peer {}", missing.peer),
                &missing.why,
                &install_package(program.package),
            ),
            // One that runs in a container alone is told of by its image.
            None if image_of(missing.peer).is_some() => {}
            None => lacks(missing.peer.word(), &missing.why, &missing.remedy),
        }
    }
    containers();
    if works {
        print("\nfwlab works here.\n");
        Exit::Good
    } else {
        print("\nfwlab cannot work here yet.\n");
        Exit::Lab
    }
}

/// What there is for peers in containers. Labs work without.
fn containers() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let Ok(runtime) = runtime else { return };
    runtime.block_on(async {
        let engine = match Engine::connect().await {
            Ok(engine) => engine,
            Err(none) => return lacks("containers", &none.why, &none.remedy),
        };
        match engine.version().await {
            Ok(version) => found("containers", &format!("Docker {version}")),
            Err(none) => return lacks("containers", &none.why, &none.remedy),
        }
        for image in Image::ALL {
            match image.is_built(&engine).await {
                Ok(true) => found("image", &image.to_string()),
                Ok(false) => lacks("image", &format!("{image} is not built"), "fwlab images"),
                Err(error) => lacks("image", &error.to_string(), "fwlab doctor"),
            }
        }
    });
}

fn found(what: &str, detail: &str) {
    print(format!("✓ {what:26} {detail}\n"));
}

fn lacks(what: &str, why: &str, remedy: &str) {
    print(format!("✗ {what:26} {why}\n  {:26} {remedy}\n", ""));
}
