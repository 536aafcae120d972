use super::render::Rendered;
use super::tables::TableName;
use super::text::SourceLine;

/// One complaint of a loader, at the line of the ruleset's own source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The line of the text that was loaded, where the loader named one.
    pub rendered_line: Option<u32>,
    /// The line of the source; nothing where the loader does not say which
    /// rule, or the rule was generated.
    pub line: Option<SourceLine>,
    /// The table that did not load.
    pub table: Option<TableName>,
    /// The loader's own words.
    pub words: String,
    /// What the kernel's error means among rules, where that is not plain.
    pub meaning: Option<&'static str>,
}

impl std::fmt::Display for Complaint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.meaning {
            Some(meaning) => write!(f, "{}: {meaning}", self.words),
            None => f.write_str(&self.words),
        }
    }
}

impl Rendered {
    /// Reads what `iptables-restore` wrote to its standard error, of either
    /// backend (1.8.x). Warnings that concern no rule are left out.
    ///
    /// iptables-legacy-restore does not say which rule of a table the kernel
    /// refused, unless there is only one; then there is no `line`.
    pub fn complaints(&self, stderr: &str) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        let mut words: Vec<&str> = Vec::new();
        for line in stderr.lines().map(str::trim) {
            let line = without_program(line);
            if line.is_empty() || line.starts_with("Try `") || line.starts_with('#') {
                continue;
            }
            match read(line) {
                Some((number, said)) => {
                    words.extend(said);
                    complaints.push(self.complaint(Some(number), &words));
                    words.clear();
                }
                None => words.push(line),
            }
        }
        if !words.is_empty() {
            complaints.push(self.complaint(None, &words));
        }
        complaints
    }

    fn complaint(&self, number: Option<u32>, words: &[&str]) -> Complaint {
        let line = number.and_then(|number| self.line(number));
        let words = words.join(" ");
        let mut complaint = Complaint {
            rendered_line: number,
            line: line.and_then(|line| line.source),
            table: line.map(|line| line.table),
            meaning: meaning(&words),
            words,
        };
        let Some(line) = line.filter(|line| line.source.is_none() && !line.is_rule) else {
            return complaint;
        };
        // COMMIT was refused: the rule is one of the table's.
        let of_table = || {
            (1..)
                .zip(&self.lines)
                .filter(|(_, other)| other.is_rule && other.table == line.table)
        };
        let jumps = target_in(&complaint.words).and_then(|target| {
            of_table().find(|(_, other)| other.target.as_deref() == Some(target))
        });
        let only = || {
            let mut rules = of_table();
            rules.next().filter(|_| rules.next().is_none())
        };
        if let Some((number, rule)) = jumps.or_else(only) {
            complaint.rendered_line = Some(number);
            complaint.line = rule.source;
        }
        if complaint.words.is_empty() {
            complaint.words = format!("the kernel refused the table {}", line.table);
        }
        complaint
    }
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
fn target_in(words: &str) -> Option<&str> {
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
            "the match or target cannot stand here, or lacks the protocol that it needs",
        ),
        (
            "(Too many links)",
            "the chains jump in a circle, or more than 16 deep",
        ),
        (
            "(Too many levels of symbolic links)",
            "the chains jump in a circle",
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ruleset::{Source, parse};
    use fwlab_record::Family;

    /// Rules that the parser leaves to the loader.
    const RULES: &str = "# a comment
iptables -P INPUT DROP
iptables -A INPUT -j NOSUCH
iptables -A INPUT -m nosuch -j ACCEPT
iptables -t raw -A OUTPUT -p tcp -j CT --helper nosuchhelper
";

    fn complaints(stderr: &str) -> Vec<(Option<u32>, Option<u32>, String)> {
        let ruleset = parse(&Source::new("test", RULES), Family::Ipv4)
            .unwrap()
            .ruleset;
        let rendered = ruleset.render(Family::Ipv4);
        let lines: Vec<_> = rendered.text().lines().collect();
        assert_eq!(lines[1], "-A OUTPUT -p tcp -j CT --helper nosuchhelper");
        assert_eq!(lines[5], "-A INPUT -j NOSUCH");
        let complaints = rendered.complaints(stderr);
        complaints
            .into_iter()
            .map(|complaint| {
                (
                    complaint.rendered_line,
                    complaint.line.map(|line| line.line),
                    complaint.words,
                )
            })
            .collect()
    }

    #[test]
    fn both_loaders_are_understood() {
        let said = |stderr: &str| complaints(stderr).remove(0);
        assert_eq!(
            said(
                "iptables-nft-restore v1.8.9 (nf_tables): Couldn't load match `nosuch':No such file or directory\n\nError occurred at line: 7\nTry `iptables-nft-restore -h' or 'iptables-nft-restore --help' for more information.\n"
            ),
            (
                Some(7),
                Some(4),
                "Couldn't load match `nosuch':No such file or directory".into()
            )
        );
        assert_eq!(
            said(
                "iptables-nft-restore v1.8.9 (nf_tables): \nline 2: RULE_APPEND failed (No such file or directory): rule in chain OUTPUT\n"
            ),
            (
                Some(2),
                Some(5),
                "RULE_APPEND failed (No such file or directory): rule in chain OUTPUT".into()
            )
        );
        // nft notices a missing chain at COMMIT.
        assert_eq!(
            said(
                "iptables-nft-restore v1.8.9 (nf_tables): Chain 'NOSUCH' does not exist\nError occurred at line: 8\n"
            ),
            (Some(6), Some(3), "Chain 'NOSUCH' does not exist".into())
        );
        // legacy does not say which rule; there is only one in raw.
        assert_eq!(
            said("iptables-restore: line 3 failed\n"),
            (Some(2), Some(5), "the kernel refused the table raw".into())
        );
        assert_eq!(
            said("iptables-restore: line 8 failed\n"),
            (Some(8), None, "the kernel refused the table filter".into())
        );
        assert_eq!(
            said("Bad argument `foo'\nError occurred at line: 6\n"),
            (Some(6), Some(3), "Bad argument `foo'".into())
        );
        assert_eq!(
            said("iptables-nft-restore: line 6 failed: No chain/target/match by that name.\n"),
            (
                Some(6),
                Some(3),
                "No chain/target/match by that name.".into()
            )
        );
        assert_eq!(
            said(
                "iptables-restore v1.8.9 (legacy): Can't set policy `NOPE' on `INPUT' line 5: Bad policy name\n"
            ),
            (
                Some(5),
                Some(2),
                "Can't set policy `NOPE' on `INPUT'".into()
            )
        );
        assert_eq!(
            said("iptables-nft-restore v1.8.9 (nf_tables): iptables-nft-restore: line 1 table name 'nope' invalid\nError occurred at line: 1\n").2,
            "line 1 table name 'nope' invalid"
        );
        assert_eq!(
            said("iptables-restore: COMMIT expected at line 9\n"),
            (Some(9), None, "COMMIT".into())
        );
    }

    #[test]
    fn several_complaints_are_all_read_and_warnings_are_not() {
        let both = complaints(
            "# Warning: iptables-legacy tables present, use iptables-legacy-save to see them\niptables-nft-restore v1.8.9 (nf_tables): \nline 2: RULE_APPEND failed (Invalid argument): rule in chain OUTPUT\nline 6: RULE_APPEND failed (Too many links): rule in chain INPUT\n",
        );
        assert_eq!(both.len(), 2);
        assert_eq!((both[0].1, both[1].1), (Some(5), Some(3)));
        assert_eq!(
            complaints("# Warning: iptables-legacy tables present\n"),
            []
        );
        assert_eq!(complaints(""), []);
        assert_eq!(
            complaints("Fatal: can't open lock file /run/xtables.lock: Permission denied\n"),
            [(
                None,
                None,
                "Fatal: can't open lock file /run/xtables.lock: Permission denied".into()
            )]
        );
    }

    #[test]
    fn the_kernels_errors_are_explained() {
        assert!(
            meaning("RULE_APPEND failed (Too many links): rule in chain INPUT")
                .unwrap()
                .contains("circle")
        );
        assert_eq!(meaning("Bad argument `x'"), None);
    }
}
