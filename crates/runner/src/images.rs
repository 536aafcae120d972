use std::collections::BTreeSet;

use fwlab_containers::{Builds, Engine, Image, provide_images};

use fwlab_scenario::plan::Cell;

/// Builds the images of fwlab that are these cells' firewalls and that are missing. Why one cannot be
/// built, its cells say when they are skipped; so they do where there are no containers.
pub(crate) async fn firewalls(cells: &[Cell], builds: Option<&Builds>) {
    let images = cells.iter().filter_map(|cell| {
        let image = cell.scenario.rulesets[cell.ruleset].image()?;
        image.own()
    });
    let images: BTreeSet<Image> = images.collect();
    let Some(builds) = builds.filter(|_| !images.is_empty()) else {
        return;
    };
    if let Ok(engine) = Engine::connect().await {
        let images: Vec<Image> = images.into_iter().collect();
        provide_images(&engine, &images, builds).await;
    }
}
