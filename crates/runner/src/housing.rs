use fwlab_containers::Freshness;

/// Where a peer runs.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    strum::Display,
    strum::EnumString,
    strum::VariantNames,
    strum::IntoStaticStr,
)]
#[strum(serialize_all = "kebab-case")]
pub enum Place {
    /// Inside the lab, or as a program of the machine.
    Host,
    /// As a program of an image.
    Container,
}

impl Place {
    /// The name as it is written in reports and on command lines.
    pub fn word(self) -> &'static str {
        self.into()
    }
}

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
