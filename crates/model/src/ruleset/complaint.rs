use super::attempt::Refusal;
use super::command::Command;
use super::input::Input;
use super::tables::TableName;

/// One complaint of `iptables-restore`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Complaint {
    /// The place of the command; nothing where the loader does not say which.
    pub(super) command: Option<usize>,
    /// The table that did not load.
    pub(super) table: Option<TableName>,
    pub(super) refusal: Refusal,
}

/// Reads what `iptables-restore` wrote to its standard error about an input, of either backend (1.8.x). Warnings that
/// concern no command are left out.
///
/// iptables-legacy-restore does not say which command of a table the kernel refused.
pub(super) fn complaints(stderr: &str, input: &Input, commands: &[Command]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut words: Vec<&str> = Vec::new();
    let complaint = |number: Option<u32>, words: &[&str]| {
        let words = words.join(" ");
        let table = number.and_then(|number| input.table(number));
        let named = number.and_then(|number| input.command(number));
        // Where COMMIT was refused, it is one of the table's.
        let command = named.or_else(|| jump_to(target_in(&words)?, table?, input, commands));
        Complaint {
            command,
            table,
            refusal: Refusal {
                meaning: meaning(&words),
                words,
            },
        }
    };
    for line in stderr.lines().map(str::trim) {
        let line = without_program(line);
        if line.is_empty() || line.starts_with("Try `") || line.starts_with('#') {
            continue;
        }
        match read(line) {
            Some((number, said)) => {
                words.extend(said);
                complaints.push(complaint(Some(number), &words));
                words.clear();
            }
            None => words.push(line),
        }
    }
    if !words.is_empty() {
        complaints.push(complaint(None, &words));
    }
    complaints
}

/// The first command of a table in an input that jumps to a chain.
fn jump_to(chain: &str, table: TableName, input: &Input, commands: &[Command]) -> Option<usize> {
    const JUMPS: [&str; 4] = ["-j", "-g", "--jump", "--goto"];
    input.commands().find(|at| {
        let command = &commands[*at];
        let mut pairs = command.words.windows(2);
        command.table == table
            && pairs.any(|pair| JUMPS.contains(&pair[0].as_str()) && pair[1] == chain)
    })
}

/// `iptables-restore v1.8.9 (legacy): words`, `iptables-nft-restore: words`.
fn without_program(line: &str) -> &str {
    let Some((program, words)) = line.split_once(':') else {
        return line;
    };
    let name = program.split(' ').next().unwrap_or_default();
    if name.starts_with("ip") && name.contains("tables") {
        without_program(words.trim_start())
    } else {
        line
    }
}

/// A line that names a line, and what it says beside.
fn read(line: &str) -> Option<(u32, Option<&str>)> {
    fn number(text: &str) -> Option<(u32, &str)> {
        let end = text
            .find(|char: char| !char.is_ascii_digit())
            .unwrap_or(text.len());
        Some((
            text[..end].parse::<u32>().ok()?,
            text[end..].trim_start_matches([':', ' ', '.']),
        ))
    }
    if let Some(rest) = line.strip_prefix("Error occurred at line: ") {
        return Some((number(rest)?.0, None));
    }
    if let Some((words, rest)) = line.split_once(" expected at line ") {
        return Some((number(rest)?.0, Some(words)));
    }
    if let Some(rest) = line.strip_prefix("line ") {
        let (number, rest) = number(rest)?;
        return match rest.strip_prefix("failed") {
            Some(said) => Some((
                number,
                Some(said.trim_start_matches([':', ' '])).filter(|said| !said.is_empty()),
            )),
            // `line 1 table name 'x' invalid` is followed by `Error occurred`.
            None if line.ends_with("invalid") => None,
            None => Some((number, Some(rest))),
        };
    }
    // `Can't set policy `X' on `INPUT' line 2: Bad policy name`
    let (said, rest) = line.rsplit_once("' line ")?;
    let (number, _) = number(rest)?;
    let said = &line[..said.len() + 1];
    Some((number, Some(said)))
}

/// The target or chain that the loader did not find.
pub(super) fn target_in(words: &str) -> Option<&str> {
    let quoted = |start: &str| {
        let (_, rest) = words.split_once(start)?;
        rest.split('\'').next()
    };
    quoted("Couldn't load target `").or_else(|| {
        words
            .contains("does not exist")
            .then(|| quoted("Chain '"))?
    })
}

fn meaning(words: &str) -> Option<&'static str> {
    const MEANINGS: &[(&str, &str)] = &[
        (
            "(No such file or directory)",
            "the kernel has no such match, target or helper, or no such helper for this protocol",
        ),
        (
            "(Invalid argument)",
            "the match or target is not allowed here, or lacks the protocol that it needs",
        ),
        (
            "(Too many links)",
            "the chains jump in a loop, or more than 16 deep",
        ),
        (
            "(Too many levels of symbolic links)",
            "the chains jump in a loop",
        ),
        (
            "(Operation not supported)",
            "a jump to a built-in chain, or a match that the kernel lacks",
        ),
        (
            "(Operation not permitted)",
            "no privilege in this network namespace",
        ),
        ("(Device or resource busy)", "a chain that is still in use"),
        (
            "Permission denied",
            "no privilege in this network namespace",
        ),
        ("Index of insertion too big", "the chain has fewer rules"),
    ];
    MEANINGS
        .iter()
        .find(|(sign, _)| words.contains(sign))
        .map(|(_, meaning)| *meaning)
}
