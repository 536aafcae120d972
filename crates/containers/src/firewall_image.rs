use crate::Image;

/// A firewall that somebody made as an image: its entry point loads its rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirewallImage {
    /// Its reference. One of fwlab's own is named without a tag.
    pub image: String,
    /// The text that its log shows when its rules are in; without, its HEALTHCHECK tells.
    pub ready: Option<String>,
    /// What stands in its environment beside what the image has there.
    pub environment: Vec<(String, String)>,
}

impl FirewallImage {
    /// The image, where it is one of fwlab's own.
    pub fn own(&self) -> Option<Image> {
        Image::named(&self.image)
    }

    #[cfg(feature = "engine")]
    pub(crate) fn reference(&self) -> String {
        self.own()
            .map_or_else(|| self.image.clone(), |image| image.to_string())
    }
}
