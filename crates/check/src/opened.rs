//! Whether rules accept a range of ports, as far as one line says it.

use crate::host_files::HostFiles;

impl HostFiles {
    /// Whether a line of the rules accepts these ports.
    pub fn opens(&self, (low, high): (u16, u16)) -> bool {
        let ranges = [format!("{low}:{high}"), format!("{low}-{high}")];
        let is_range = |word: &str| ranges.iter().any(|range| word == range);
        let all = self.rules();
        let mut lines = all.iter().flat_map(|(_, lines)| lines);
        lines.any(|line| {
            let words = || line.split([' ', '\t', ',', '{', '}']);
            words().any(is_range) && words().any(|word| matches!(word, "ACCEPT" | "accept"))
        })
    }
}

#[cfg(test)]
mod tests {
    use fwlab_model::ruleset::Source;
    use fwlab_scenario::RulesOrigin;

    use super::*;

    #[test]
    fn a_range_is_open_where_it_is_accepted() {
        let opens = |rules: &str| {
            let files = HostFiles {
                origin: RulesOrigin::Written(Source::new("rules", rules)),
                ..HostFiles::empty()
            };
            files.opens((40000, 40100))
        };
        assert!(opens("-A INPUT -p tcp --dport 40000:40100 -j ACCEPT"));
        assert!(opens("tcp dport {21,40000-40100} accept"));
        assert!(!opens("-A INPUT -p tcp --dport 40000:40100 -j DROP"));
        assert!(!opens("# tcp dport 40000-40100 accept"));
        assert!(!opens("tcp dport 40000-40101 accept"));
    }
}
