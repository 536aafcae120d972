use crate::piece::Piece;
use crate::server::reader::{Reader, Setting, lines};

/// The options that matter: the letter, the long name, the setting that it stands for, and whether a value follows.
const OPTIONS: [(char, &str, &str, bool); 5] = [
    ('p', "passiveportrange", "PassivePortRange", true),
    ('P', "forcepassiveip", "ForcePassiveIP", true),
    ('S', "bind", "Bind", true),
    ('Y', "tls", "TLS", true),
    ('N', "natmode", "NATmode", false),
];

/// The letters of the others that a value follows (pure-ftpd(8)).
const WITH_VALUE: &str = "23acCfFgIJkLlmnOqQtTuUvVy";

/// Whether a text is a command line of Pure-FTPd's.
pub(super) fn are_options(piece: &Piece) -> bool {
    words(piece).is_some()
}

/// The program's words, and the line that they stand on.
fn words(piece: &Piece) -> Option<(u32, Vec<String>)> {
    lines(piece).find_map(|(line, text)| {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let at = words.iter().position(|word| {
            word.rsplit('/')
                .next()
                .is_some_and(|name| name.starts_with("pure-ftpd"))
        })?;
        // With a file for settings, there are no options.
        let rest = &words[at + 1..];
        let is_options = rest.first().is_some_and(|word| word.starts_with('-'));
        is_options.then(|| (line, rest.iter().map(|word| (*word).to_owned()).collect()))
    })
}

/// What they say, as the file would.
pub(super) fn settings(piece: &Piece, reader: &mut Reader) -> Vec<Setting> {
    let Some((line, words)) = words(piece) else {
        return Vec::new();
    };
    let mut settings = Vec::new();
    let mut words = words.into_iter();
    let setting = |key: &str, value: String| Setting {
        file: piece.name.clone(),
        line,
        key: key.to_owned(),
        between: ' ',
        value,
    };
    let mut missing = |key: &str| {
        reader.mistake(
            &setting(key, String::new()),
            "has no value",
            "pure-ftpd(8) has its values",
        );
    };
    while let Some(word) = words.next() {
        if let Some(long) = word.strip_prefix("--") {
            let (name, value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            let Some((.., key, has_value)) = OPTIONS.iter().find(|(_, known, ..)| *known == name)
            else {
                continue;
            };
            match (
                has_value,
                value.or_else(|| if *has_value { words.next() } else { None }),
            ) {
                (false, _) => settings.push(setting(key, "yes".into())),
                (true, Some(value)) => settings.push(setting(key, value)),
                (true, None) => missing(key),
            }
            continue;
        }
        let Some(letters) = word.strip_prefix('-') else {
            continue;
        };
        // Letters stand together: -AEp 40000:40100.
        for (at, letter) in letters.char_indices() {
            let rest = &letters[at + letter.len_utf8()..];
            let known = OPTIONS.iter().find(|(known, ..)| *known == letter);
            let takes = known.map_or_else(|| WITH_VALUE.contains(letter), |(.., takes)| *takes);
            if !takes {
                settings.extend(known.map(|(.., key, _)| setting(key, "yes".into())));
                continue;
            }
            let value = match rest {
                "" => words.next(),
                rest => Some(rest.to_owned()),
            };
            match (known, value) {
                (Some((.., key, _)), Some(value)) => settings.push(setting(key, value)),
                (Some((.., key, _)), None) => missing(key),
                (None, _) => {}
            }
            break;
        }
    }
    settings
}
