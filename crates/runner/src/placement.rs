use fwlab_containers::ContainerReuse;
use fwlab_record::Place;

/// Where a run's peers are to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// There alone; without, on the host where they are there, and in containers otherwise.
    /// What is embedded in the lab has no other place.
    pub place: Option<Place>,
    /// How much of a container one cell takes over from another.
    pub reuse: ContainerReuse,
}

impl Placement {
    /// Wherever they are there.
    pub const ANYWHERE: Placement = Placement {
        place: None,
        reuse: ContainerReuse::Warm,
    };
}

impl Default for Placement {
    fn default() -> Placement {
        Placement::ANYWHERE
    }
}
