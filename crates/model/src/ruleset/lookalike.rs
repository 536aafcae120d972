//! Characters that look like the ones that iptables reads, and are not.

/// What a character passes for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Dash,
    Quote(char),
    Blank,
    /// Cannot be seen at all.
    Nothing,
    /// Stands for a byte that is no text.
    Damage,
}

/// A character with its Unicode name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lookalike {
    pub(super) char: char,
    name: &'static str,
    pub(super) role: Role,
}

impl std::fmt::Display for Lookalike {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.role, self.char) {
            (Role::Damage, '\u{fffd}') => f.write_str("a byte that is not UTF-8"),
            (Role::Damage, '\u{2421}') => f.write_str("the control character 0x7f"),
            (Role::Damage, char) => {
                write!(f, "the control character {:#04x}", char as u32 - 0x2400)
            }
            _ => write!(f, "U+{:04X} {}", self.char as u32, self.name),
        }
    }
}

/// The lookalike that a character is, if it is one.
pub(super) fn lookalike(char: char) -> Option<Lookalike> {
    if char.is_ascii() {
        return None;
    }
    let (name, role) = match char {
        '\u{2010}' => ("HYPHEN", Role::Dash),
        '\u{2011}' => ("NON-BREAKING HYPHEN", Role::Dash),
        '\u{2012}' => ("FIGURE DASH", Role::Dash),
        '\u{2013}' => ("EN DASH", Role::Dash),
        '\u{2014}' => ("EM DASH", Role::Dash),
        '\u{2015}' => ("HORIZONTAL BAR", Role::Dash),
        '\u{2043}' => ("HYPHEN BULLET", Role::Dash),
        '\u{2212}' => ("MINUS SIGN", Role::Dash),
        '\u{2e3a}' => ("TWO-EM DASH", Role::Dash),
        '\u{2e3b}' => ("THREE-EM DASH", Role::Dash),
        '\u{fe58}' => ("SMALL EM DASH", Role::Dash),
        '\u{fe63}' => ("SMALL HYPHEN-MINUS", Role::Dash),
        '\u{ff0d}' => ("FULLWIDTH HYPHEN-MINUS", Role::Dash),
        '\u{ab}' => (
            "LEFT-POINTING DOUBLE ANGLE QUOTATION MARK",
            Role::Quote('"'),
        ),
        '\u{bb}' => (
            "RIGHT-POINTING DOUBLE ANGLE QUOTATION MARK",
            Role::Quote('"'),
        ),
        '\u{2018}' => ("LEFT SINGLE QUOTATION MARK", Role::Quote('\'')),
        '\u{2019}' => ("RIGHT SINGLE QUOTATION MARK", Role::Quote('\'')),
        '\u{201a}' => ("SINGLE LOW-9 QUOTATION MARK", Role::Quote('\'')),
        '\u{201c}' => ("LEFT DOUBLE QUOTATION MARK", Role::Quote('"')),
        '\u{201d}' => ("RIGHT DOUBLE QUOTATION MARK", Role::Quote('"')),
        '\u{201e}' => ("DOUBLE LOW-9 QUOTATION MARK", Role::Quote('"')),
        '\u{2032}' => ("PRIME", Role::Quote('\'')),
        '\u{2033}' => ("DOUBLE PRIME", Role::Quote('"')),
        '\u{ff02}' => ("FULLWIDTH QUOTATION MARK", Role::Quote('"')),
        '\u{a0}' => ("NO-BREAK SPACE", Role::Blank),
        '\u{2002}' => ("EN SPACE", Role::Blank),
        '\u{2003}' => ("EM SPACE", Role::Blank),
        '\u{2007}' => ("FIGURE SPACE", Role::Blank),
        '\u{2009}' => ("THIN SPACE", Role::Blank),
        '\u{200a}' => ("HAIR SPACE", Role::Blank),
        '\u{202f}' => ("NARROW NO-BREAK SPACE", Role::Blank),
        '\u{3000}' => ("IDEOGRAPHIC SPACE", Role::Blank),
        '\u{2028}' => ("LINE SEPARATOR", Role::Blank),
        '\u{2029}' => ("PARAGRAPH SEPARATOR", Role::Blank),
        '\u{ad}' => ("SOFT HYPHEN", Role::Nothing),
        '\u{200b}' => ("ZERO WIDTH SPACE", Role::Nothing),
        '\u{200c}' => ("ZERO WIDTH NON-JOINER", Role::Nothing),
        '\u{200d}' => ("ZERO WIDTH JOINER", Role::Nothing),
        '\u{2060}' => ("WORD JOINER", Role::Nothing),
        '\u{feff}' => ("ZERO WIDTH NO-BREAK SPACE", Role::Nothing),
        '\u{200e}' => ("LEFT-TO-RIGHT MARK", Role::Nothing),
        '\u{200f}' => ("RIGHT-TO-LEFT MARK", Role::Nothing),
        '\u{202a}'..='\u{202e}' => ("a direction override", Role::Nothing),
        '\u{2066}'..='\u{2069}' => ("a direction isolate", Role::Nothing),
        '\u{fffd}' => ("REPLACEMENT CHARACTER", Role::Damage),
        '\u{2400}'..='\u{241f}' | '\u{2421}' => ("a control character", Role::Damage),
        _ => return None,
    };
    Some(Lookalike { char, name, role })
}

/// The option that a word with typographic dashes stands for: `–dport` is
/// `--dport`, `–p` is `-p`.
pub(super) fn option_meant(word: &str) -> Option<(Lookalike, String)> {
    if word.is_ascii() {
        return None;
    }
    let is_dash =
        |char: char| char == '-' || lookalike(char).is_some_and(|alike| alike.role == Role::Dash);
    if !word.starts_with(is_dash) {
        return None;
    }
    let found = word
        .chars()
        .find_map(|char| lookalike(char).filter(|alike| alike.role == Role::Dash))?;
    let name = plain(word.trim_start_matches(is_dash));
    let letters = name.split('=').next().unwrap_or_default();
    if !letters.starts_with(|char: char| char.is_ascii_alphanumeric()) {
        return None;
    }
    let dashes = if letters.len() == 1 { "-" } else { "--" };
    Some((found, format!("{dashes}{name}")))
}

/// A word with every lookalike replaced by what it passes for.
pub(super) fn plain(word: &str) -> String {
    word.chars()
        .filter_map(|char| match lookalike(char).map(|alike| alike.role) {
            None => Some(char),
            Some(Role::Dash) => Some('-'),
            Some(Role::Quote(quote)) => Some(quote),
            Some(Role::Blank) => Some(' '),
            Some(Role::Nothing | Role::Damage) => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_recognised_behind_any_dash() {
        let meant = |word| option_meant(word).map(|(alike, option)| (alike.to_string(), option));
        let en_dash = "U+2013 EN DASH".to_owned();
        assert_eq!(
            meant("–dport"),
            Some((en_dash.clone(), "--dport".to_owned()))
        );
        assert_eq!(meant("–p"), Some((en_dash.clone(), "-p".to_owned())));
        assert_eq!(
            meant("-–dport=21"),
            Some((en_dash, "--dport=21".to_owned()))
        );
        assert_eq!(
            meant("--log\u{2011}prefix"),
            Some((
                "U+2011 NON-BREAKING HYPHEN".to_owned(),
                "--log-prefix".to_owned()
            ))
        );
        assert_eq!(meant("—"), None);
        assert_eq!(meant("--dport"), None);
        assert_eq!(meant("é–x"), None);
    }

    #[test]
    fn damage_is_named_by_its_byte() {
        assert_eq!(
            lookalike('\u{241b}').unwrap().to_string(),
            "the control character 0x1b"
        );
        assert_eq!(
            lookalike('\u{2400}').unwrap().to_string(),
            "the control character 0x00"
        );
    }
}
