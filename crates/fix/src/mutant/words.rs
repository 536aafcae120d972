//! The words of a rule, with some left out.

use std::ops::Range;

/// The places of a line's words; quotes hold one together.
pub(super) fn split(line: &str) -> Vec<Range<usize>> {
    let mut words: Vec<Range<usize>> = Vec::new();
    let mut begins = None;
    let mut quote = None;
    for (at, letter) in line.char_indices() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(letter);
                begins = begins.or(Some(at));
            }
            (None, _) if letter.is_whitespace() => {
                words.extend(begins.take().map(|begins| begins..at));
            }
            _ => begins = begins.or(Some(at)),
        }
    }
    words.extend(begins.map(|begins| begins..line.len()));
    words
}

/// Options of a rule that say where it stands, or that belong to its target, and so ask nothing.
const PLACES: [&str; 8] = [
    "-A",
    "-I",
    "-R",
    "-t",
    "--append",
    "--insert",
    "--replace",
    "--table",
];

/// A rule of iptables without one of the things that it asks, each once: what is left out, and what the line is then.
pub(super) fn of_iptables(line: &str) -> Vec<(String, String)> {
    let words = split(line);
    let word = |at: usize| &line[words[at].clone()];
    let target = (0..words.len()).find(|at| matches!(word(*at), "-j" | "--jump" | "-g" | "--goto"));
    let end = target.unwrap_or(words.len());
    let is_option = |at: usize| {
        let word = word(at);
        word.starts_with('-') && word.len() > 1 && !word.ends_with('-')
    };
    // Each option begins with itself, or with the `!` before it.
    let begins: Vec<usize> = (0..end)
        .filter(|at| {
            let negates = word(*at) == "!" && at + 1 < end && is_option(at + 1);
            let is_negated = *at > 0 && word(at - 1) == "!";
            negates || is_option(*at) && !is_negated
        })
        .collect();
    let ends = begins.iter().skip(1).copied().chain([end]);
    let options: Vec<Range<usize>> = begins
        .iter()
        .copied()
        .zip(ends)
        .map(|(a, b)| a..b)
        .collect();
    let name = |option: &Range<usize>| match word(option.start) {
        "!" => word(option.start + 1),
        name => name,
    };
    let mut left_out = Vec::new();
    let mut at = 0;
    while at < options.len() {
        let option = options[at].clone();
        at += 1;
        if PLACES.contains(&name(&option)) || name(&option) == "--comment" {
            continue;
        }
        if !matches!(name(&option), "-m" | "--match") {
            left_out.push(option);
            continue;
        }
        // A match with one option asks nothing without it, and is refused or idle.
        let of_match = options[at..]
            .iter()
            .take_while(|one| name(one).starts_with("--"));
        let of_match: Vec<Range<usize>> = of_match.cloned().collect();
        let is_comment = of_match.iter().any(|one| name(one) == "--comment");
        at += of_match.len();
        match &of_match[..] {
            _ if is_comment => {}
            [] => left_out.push(option),
            [one] => left_out.push(option.start..one.end),
            several => left_out.extend(several.iter().cloned()),
        }
    }
    let without = left_out.into_iter().map(|option| {
        let (begin, end) = (words[option.start].start, words[option.end - 1].end);
        let rest = format!("{}{}", &line[..begin], line[end..].trim_start());
        (line[begin..end].to_owned(), rest)
    });
    without.collect()
}

/// Words by which a statement of nft begins that does something.
const ACTS: [&str; 12] = [
    "accept",
    "drop",
    "reject",
    "jump",
    "goto",
    "return",
    "dnat",
    "snat",
    "masquerade",
    "redirect",
    "notrack",
    "queue",
];

/// A rule of nft that asks nothing any more, and does what it did to every packet.
pub(super) fn of_script(line: &str) -> Option<(String, String)> {
    let code = line.split('#').next().unwrap_or_default();
    if code.contains([';', '"']) {
        return None;
    }
    let words = split(code);
    let word = |at: usize| &code[words[at].clone()];
    let begins = match words.len() {
        0 => return None,
        // `add rule inet filter input`
        _ => match (0..words.len()).position(|at| word(at) == "rule") {
            Some(at) => {
                let is_family = |word: &str| {
                    matches!(word, "ip" | "ip6" | "inet" | "arp" | "bridge" | "netdev")
                };
                let has_family = words.len() > at + 1 && is_family(word(at + 1));
                at + 3 + usize::from(has_family)
            }
            None => 0,
        },
    };
    let acts = |at: &usize| {
        ACTS.contains(&word(*at))
            || word(*at) == "ct"
                && words.len() > at + 2
                && (word(at + 1), word(at + 2)) == ("helper", "set")
    };
    let act = (begins..words.len()).find(acts)?;
    if act <= begins {
        return None;
    }
    let (begin, end) = (words[begins].start, words[act].start);
    let rest = format!("{}{}", &line[..begin], &line[end..]);
    Some((code[begin..end].trim_end().to_owned(), rest))
}
