use clap::Args;
use fwlab_containers::{
    Builds, ContainerReuse, Engine, Image, PruneEvent, build_images, image_of, provide_images,
    prune_images,
};
use fwlab_record::{Exit, PeerName, Place};
use fwlab_runner::Placement;
use fwlab_scenario::plan::Cell;

use super::execute::interrupted;
use super::exit::{complain, print};
use super::interruption::Interruption;
use super::word;
use crate::builds::Builder;

/// Where peers run.
#[derive(Debug, Args)]
pub(super) struct Where {
    /// Where peers that are programs run; default: on the host if they are installed there, otherwise in
    /// containers
    #[arg(id = "where", long = "where", value_name = "PLACE", value_parser = word::place())]
    place: Option<Place>,
    /// Start new containers for each cell, instead of sharing those that wait for all cells; peers then run in
    /// containers
    #[arg(long)]
    cold: bool,
    /// Exit with 3 if something needed is missing, instead of skipping its cells
    #[arg(long, value_name = "WHAT", value_parser = ["containers"])]
    require: Option<String>,
}

impl Where {
    pub(super) fn placement(&self) -> Placement {
        let (place, reuse) = if self.cold {
            (self.place.or(Some(Place::Container)), ContainerReuse::Cold)
        } else {
            (self.place, ContainerReuse::Warm)
        };
        Placement { place, reuse }
    }

    /// Whether containers are there for these cells, if that is required.
    pub(super) async fn satisfied(
        &self,
        cells: &[Cell],
        builds: Option<&Builds>,
    ) -> Result<(), Exit> {
        if self.require.is_none() {
            return Ok(());
        }
        let engine = engine().await?;
        let peers = cells
            .iter()
            .flat_map(|cell| [cell.axes.server, cell.axes.client]);
        let firewalls = cells.iter().filter_map(|cell| {
            let image = cell.scenario.rulesets[cell.ruleset].image()?;
            image.own()
        });
        let mut images: Vec<Image> = peers.filter_map(image_of).chain(firewalls).collect();
        images.sort();
        images.dedup();
        if let Some(builds) = builds {
            provide_images(&engine, &images, builds).await;
        }
        for image in images {
            match image.is_built(&engine).await {
                Ok(true) => {}
                // Why not was told.
                Ok(false) if image.not_built().is_some() => return Err(Exit::Lab),
                Ok(false) => {
                    complain(format!("there is no image {image}"), Some("fwlab images"));
                    return Err(Exit::Lab);
                }
                Err(error) => {
                    complain(format!("Docker did not answer: {error}"), None);
                    return Err(Exit::Lab);
                }
            }
        }
        Ok(())
    }
}

async fn engine() -> Result<Engine, Exit> {
    Engine::connect().await.map_err(|none| {
        complain(format!("no containers: {}", none.why), Some(&none.remedy));
        Exit::Lab
    })
}

#[derive(Debug, Args)]
pub(super) struct ImagesArguments {
    /// Only the images of these peers
    #[arg(long, value_name = "PEER", value_delimiter = ',')]
    peer: Vec<PeerName>,

    /// Build nothing; remove the images of other versions of fwlab
    #[arg(long, conflicts_with = "peer")]
    prune: bool,
}

/// Builds the images that are missing, or removes those that are too many.
pub(super) fn images(arguments: &ImagesArguments) -> Exit {
    let images = if arguments.peer.is_empty() {
        Image::ALL.to_vec()
    } else {
        let mut images: Vec<Image> = arguments
            .peer
            .iter()
            .copied()
            .filter_map(image_of)
            .collect();
        images.sort();
        images.dedup();
        images
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(format!("the runtime did not start: {error}"), None);
            return Exit::Lab;
        }
    };
    runtime.block_on(async {
        let engine = match engine().await {
            Ok(engine) => engine,
            Err(exit) => return exit,
        };
        if arguments.prune {
            return pruned(&engine).await;
        }
        let mut interruption = Interruption::listen();
        let builds = Builder::Images.builds();
        let failed = tokio::select! {
            failed = build_images(&engine, &images, &builds) => failed,
            _ = interruption.wait() => return interrupted(Ok(())).await,
        };
        // What shows that something goes on, goes first.
        drop(builds);
        failed
            .values()
            .for_each(|error| complain(error.with_causes(), None));
        if failed.is_empty() {
            Exit::Good
        } else {
            Exit::Lab
        }
    })
}

async fn pruned(engine: &Engine) -> Exit {
    let tell = |event| match event {
        PruneEvent::Removed(image) => print(format!("{image} removed\n")),
        PruneEvent::Kept(image, why) => print(format!("{image} kept: {why}\n")),
    };
    match prune_images(engine, &tell).await {
        Ok(()) => Exit::Good,
        Err(error) => {
            complain(
                format!("Docker does not say which images there are: {error}"),
                None,
            );
            Exit::Lab
        }
    }
}
