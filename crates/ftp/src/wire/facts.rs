use std::str::FromStr;

/// A line of an MLSD listing (RFC 3659 section 7.2): `type=file;size=42; name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactLine {
    /// The path name: all that follows the first blank.
    pub name: String,
    facts: String,
}

/// A text is no line of an MLSD listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no line of facts: FACT=VALUE;… NAME is needed")]
pub struct FactLineError;

impl FromStr for FactLine {
    type Err = FactLineError;

    fn from_str(line: &str) -> Result<FactLine, FactLineError> {
        let (facts, name) = line.split_once(' ').ok_or(FactLineError)?;
        let well_formed = facts.is_empty() || facts.ends_with(';') && facts.contains('=');
        if name.is_empty() || !well_formed {
            return Err(FactLineError);
        }
        Ok(FactLine {
            name: name.into(),
            facts: facts.into(),
        })
    }
}

impl FactLine {
    /// A fact's value; facts' names are case-blind.
    pub fn fact(&self, fact: &str) -> Option<&str> {
        self.facts
            .split(';')
            .filter_map(|pair| pair.split_once('='))
            .find(|(name, _)| name.eq_ignore_ascii_case(fact))
            .map(|(_, value)| value)
    }

    /// The size in octets (RFC 3659 section 7.5.7).
    pub fn size(&self) -> Option<u64> {
        self.fact("size")?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_and_name() {
        let line: FactLine = "Type=file;SIZE=25730;Perm=; a b".parse().unwrap();
        assert_eq!(line.name, "a b");
        assert_eq!(line.size(), Some(25730));
        assert_eq!(line.fact("perm"), Some(""));
        assert_eq!(line.fact("modify"), None);
        assert_eq!(" x".parse::<FactLine>().unwrap().name, "x");
        for text in [
            "",
            "x",
            "size=1;",
            "size=1 x",
            "-rw-r--r-- 1 0 0 5 x",
            "size=1; ",
        ] {
            assert_eq!(text.parse::<FactLine>(), Err(FactLineError), "{text}");
        }
    }
}
