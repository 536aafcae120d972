use std::fs;

/// A family of distributions, by the way it installs a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Distribution {
    Debian,
    Fedora,
    Suse,
    Arch,
    Alpine,
    Unknown,
}

impl Distribution {
    /// The one that this process runs on (`os-release(5)`).
    pub(super) fn here() -> Distribution {
        let text = fs::read_to_string("/etc/os-release")
            .or_else(|_| fs::read_to_string("/usr/lib/os-release"));
        Distribution::from_os_release(&text.unwrap_or_default())
    }

    fn from_os_release(text: &str) -> Distribution {
        let values = |key: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
                .unwrap_or_default()
                .trim_matches(['"', '\''])
        };
        let mut names = values("ID").split(' ').chain(values("ID_LIKE").split(' '));
        names
            .find_map(|name| {
                Some(match name {
                    "debian" | "ubuntu" => Distribution::Debian,
                    "fedora" | "rhel" | "centos" => Distribution::Fedora,
                    "suse" | "opensuse" | "sles" => Distribution::Suse,
                    "arch" => Distribution::Arch,
                    "alpine" => Distribution::Alpine,
                    _ => return None,
                })
            })
            .unwrap_or(Distribution::Unknown)
    }

    /// The command that installs a tool that loads rules.
    pub(super) fn install(self, tool: &str) -> String {
        let package = match (self, tool) {
            (_, "nft") => "nftables",
            (Distribution::Fedora, tool) if tool.contains("-legacy-") => "iptables-legacy",
            (Distribution::Fedora, _) => "iptables-nft",
            (Distribution::Suse, tool) if tool.contains("-nft-") => "iptables-backend-nft",
            (Distribution::Alpine, tool) if tool.contains("-legacy-") => "iptables-legacy",
            _ => "iptables",
        };
        self.install_package(package)
    }

    fn install_package(self, package: &str) -> String {
        let command = match self {
            Distribution::Debian => "sudo apt-get install",
            Distribution::Fedora => "sudo dnf install",
            Distribution::Suse => "sudo zypper install",
            Distribution::Arch => "sudo pacman -S",
            Distribution::Alpine => "sudo apk add",
            Distribution::Unknown => "install the package",
        };
        format!("{command} {package}")
    }
}

/// The command that installs a package on this machine.
pub fn install_package(package: &str) -> String {
    Distribution::here().install_package(package)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_derivative_is_known_by_what_it_is_like() {
        for (text, distribution) in [
            ("ID=debian\n", Distribution::Debian),
            (
                "NAME=x\nID=linuxmint\nID_LIKE=\"ubuntu debian\"\n",
                Distribution::Debian,
            ),
            (
                "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n",
                Distribution::Fedora,
            ),
            (
                "ID=opensuse-leap\nID_LIKE='suse opensuse'\n",
                Distribution::Suse,
            ),
            ("ID=nixos\n", Distribution::Unknown),
            ("", Distribution::Unknown),
        ] {
            assert_eq!(Distribution::from_os_release(text), distribution, "{text}");
        }
        assert_eq!(
            Distribution::Fedora.install("iptables-legacy-restore"),
            "sudo dnf install iptables-legacy"
        );
    }
}
