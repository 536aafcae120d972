use std::fmt;

/// An image of fwlab's own: what it is built from is part of this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Image {
    /// vsftpd.
    Vsftpd,
    /// ProFTPD.
    Proftpd,
    /// Pure-FTPd.
    PureFtpd,
    /// curl, lftp, tnftp and wget.
    Client,
    /// iptables and nftables, and rules that it loads by itself: a firewall as people have theirs.
    Firewall,
}

/// A file of `lab/`, at the path that it has there.
macro_rules! lab {
    ($path:literal) => {
        ($path, include_str!(concat!("../lab/", $path)))
    };
}

const DOCKERFILE: &str = "Dockerfile";

impl Image {
    /// The label of each, and of each layer that is made here.
    #[cfg(feature = "engine")]
    pub(crate) const LABEL: &str = "org.fwlab.image";

    /// All of them.
    pub const ALL: [Image; 5] = [
        Image::Vsftpd,
        Image::Proftpd,
        Image::PureFtpd,
        Image::Client,
        Image::Firewall,
    ];

    /// The image that a reference without a tag names, `fwlab/firewall`: whichever tag it
    /// has by now.
    pub fn named(reference: &str) -> Option<Image> {
        let mut all = Image::ALL.into_iter();
        all.find(|image| image.repository() == reference)
    }

    /// Its name, and its folder's below `lab/images`.
    pub fn word(self) -> &'static str {
        match self {
            Image::Vsftpd => "vsftpd",
            Image::Proftpd => "proftpd",
            Image::PureFtpd => "pure-ftpd",
            Image::Client => "client",
            Image::Firewall => "firewall",
        }
    }

    /// What it is built from: paths and contents, the Dockerfile first.
    pub(crate) fn context(self) -> Vec<(&'static str, &'static str)> {
        let settings = lab!("servers/settings.sh");
        let (dockerfile, mut files) = match self {
            Image::Vsftpd => (
                lab!("images/vsftpd/Dockerfile"),
                vec![
                    settings,
                    lab!("servers/vsftpd/serve"),
                    lab!("servers/vsftpd/vsftpd.conf"),
                ],
            ),
            Image::Proftpd => (
                lab!("images/proftpd/Dockerfile"),
                vec![
                    settings,
                    lab!("servers/proftpd/serve"),
                    lab!("servers/proftpd/proftpd.conf"),
                ],
            ),
            Image::PureFtpd => (
                lab!("images/pure-ftpd/Dockerfile"),
                vec![settings, lab!("servers/pure-ftpd/serve")],
            ),
            Image::Client => (lab!("images/client/Dockerfile"), Vec::new()),
            Image::Firewall => (
                lab!("images/firewall/Dockerfile"),
                vec![
                    lab!("images/firewall/load"),
                    lab!("images/firewall/rules.v4"),
                    lab!("images/firewall/rules.nft"),
                ],
            ),
        };
        files.insert(0, (DOCKERFILE, dockerfile.1));
        files
    }

    /// The repository part of its reference.
    pub(crate) fn repository(self) -> String {
        format!("fwlab/{}", self.word())
    }

    /// The tag part of its reference: a digest of what it is built from, so that an
    /// image that is there is the right one.
    pub(crate) fn tag(self) -> String {
        let mut hasher = blake3::Hasher::new();
        for (path, content) in self.context() {
            for text in [path, content] {
                hasher.update(&(text.len() as u64).to_le_bytes());
                hasher.update(text.as_bytes());
            }
        }
        hasher.finalize().to_hex()[..12].to_owned()
    }
}

/// Its reference: repository and tag.
impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.repository(), self.tag())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_image_has_a_reference_of_its_own() {
        let references: BTreeSet<String> = Image::ALL.map(|image| image.to_string()).into();
        assert_eq!(references.len(), Image::ALL.len());
        for reference in references {
            let (repository, tag) = reference.split_once(':').unwrap();
            assert!(repository.starts_with("fwlab/"));
            assert_eq!(tag.len(), 12);
        }
    }

    #[test]
    fn a_reference_without_a_tag_names_an_image_of_fwlab() {
        assert_eq!(Image::named("fwlab/firewall"), Some(Image::Firewall));
        assert_eq!(Image::named("fwlab/firewall:latest"), None);
        assert_eq!(Image::named("firewall"), None);
    }

    #[test]
    fn each_dockerfile_copies_only_what_it_is_given() {
        for image in Image::ALL {
            let context = image.context();
            assert_eq!(context[0].0, DOCKERFILE);
            let copied = context[0]
                .1
                .lines()
                .filter(|line| line.starts_with("COPY "));
            for path in copied.flat_map(|line| {
                let words: Vec<&str> = line.split(' ').skip(1).collect();
                words[..words.len() - 1].to_vec()
            }) {
                assert!(
                    context.iter().any(|(file, _)| file.starts_with(path)),
                    "{image}: {path}"
                );
            }
        }
    }
}
