use strsim::damerau_levenshtein;

/// The candidate that a name was probably meant to be: one that differs in
/// letter case alone, or in one or two letters of several.
pub fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    const LONGEST: usize = 40;
    if name.is_empty() || name.len() > LONGEST {
        return None;
    }
    let name = name.to_lowercase();
    let allowed = match name.len() {
        1 => 0,
        2..=4 => 1,
        _ => 2,
    };
    candidates
        .into_iter()
        .filter(|candidate| candidate.len().abs_diff(name.len()) <= allowed)
        .map(|candidate| {
            (
                damerau_levenshtein(&name, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_near_is_suggested() {
        let targets = ["ACCEPT", "DROP", "REJECT", "LOG"];
        assert_eq!(nearest("accept", targets), Some("ACCEPT"));
        assert_eq!(nearest("ACCPET", targets), Some("ACCEPT"));
        assert_eq!(nearest("DORP", targets), Some("DROP"));
        assert_eq!(nearest("MYCHAIN", targets), None);
        assert_eq!(nearest("", targets), None);
        assert_eq!(nearest("L", targets), None);
    }
}
