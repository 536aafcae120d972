use fwlab_containers::Freshness;
use fwlab_record::Place;

/// Where a run's peers are to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Housing {
    /// There alone; without, on the host where they are there, and in containers otherwise.
    /// What is embedded in the lab has no other place.
    pub place: Option<Place>,
    /// How much of a container one cell takes over from another.
    pub freshness: Freshness,
}

impl Housing {
    /// Wherever they are there.
    pub const ANYWHERE: Housing = Housing {
        place: None,
        freshness: Freshness::Warm,
    };
}

impl Default for Housing {
    fn default() -> Housing {
        Housing::ANYWHERE
    }
}
