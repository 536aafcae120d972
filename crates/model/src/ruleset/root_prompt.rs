//! Whether `# iptables …` in a text is a command behind root's prompt, or a comment.

use std::ops::Range;

use super::mistake::{MistakeBuilder, MistakeKind, Report};
use super::pasted::only_prints;
use super::prompt::{Program, Prompt, privileged, program, prompt, starts_command};
use super::unrelated::opens_root_shell;

/// What `#` before a command is in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HashSign {
    /// Root's prompt: no command stands without one.
    Prompt,
    /// Root's prompt: a command before it opens root's shell, and no rule stands without a prompt.
    PromptOfShell,
    /// A comment's sign.
    Comment,
    /// One of these: root's shell is opened, and rules stand without a prompt.
    Unclear,
}

/// What `#` is in this text.
pub(super) fn means(text: &str) -> HashSign {
    let mut continued = false;
    let mut has_bare = false;
    let is_script = text.starts_with("#!");
    let mut has_bare_rules = false;
    let mut root = None;
    for line in text.lines() {
        if std::mem::replace(&mut continued, line.ends_with('\\')) {
            continue;
        }
        let (found, behind) = prompt(line);
        match found {
            Prompt::Hash => {
                root.get_or_insert(false);
            }
            // A shell is opened before the first of these lines, or it is not theirs.
            _ if root.is_none() && opens_root_shell(&line[behind..]) => root = Some(true),
            _ => {}
        }
        if found == Prompt::None && starts_command(line) {
            has_bare = true;
            has_bare_rules |= makes_rules(line);
        }
    }
    match (has_bare, has_bare_rules, root) {
        (false, _, _) => HashSign::Prompt,
        _ if is_script => HashSign::Comment,
        (true, false, Some(true)) => HashSign::PromptOfShell,
        (true, true, Some(true)) => HashSign::Unclear,
        (true, _, _) => HashSign::Comment,
    }
}

fn makes_rules(line: &str) -> bool {
    let words = || line.split_ascii_whitespace();
    let name = words().nth(privileged(words())).unwrap_or_default();
    let is_of_rules = matches!(
        program(name),
        Some(Program::Iptables(_) | Program::Restore | Program::Nft | Program::Ipset)
    );
    is_of_rules && !only_prints(line)
}

/// Tells how many lines `# iptables …` were taken for which, where there is a choice: of which the first is, and how many.
pub(super) fn tell(hash: HashSign, lines: Option<(Range<usize>, usize)>, report: &mut Report) {
    let Some((span, count)) = lines else {
        return;
    };
    let lines = match count {
        1 => "this line".to_owned(),
        count => format!("{count} lines like this"),
    };
    let note = match hash {
        HashSign::Prompt => return,
        HashSign::Unclear => {
            let message = format!("{lines}: commands at root's prompt, or comments?");
            report.push(|| {
                MistakeBuilder::new(MistakeKind::Command, span, message)
                    .label("root's shell is opened above, but other commands have no prompt")
                    .help("remove `# ` where they were run, and delete them where they were not")
            });
            return;
        }
        HashSign::PromptOfShell => format!(
            "{lines}, a command after `#`: taken for commands at root's prompt, since root's shell is opened above"
        ),
        HashSign::Comment => format!(
            "{lines}, a command after `#`: taken for comments and left out, since other commands have no prompt; if they were run, remove `# `"
        ),
    };
    report.note(span.start, span.end, note);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_sign_is_follows_from_the_other_lines() {
        for (text, expected) in [
            (
                "# iptables -F\n# iptables -P INPUT DROP\n",
                HashSign::Prompt,
            ),
            ("$ iptables -S\n# iptables -F\n", HashSign::Prompt),
            ("# iptables -F\niptables -P INPUT DROP\n", HashSign::Comment),
            (
                "$ sudo -E -s\n# iptables -F\n# exit\nsudo iptables-save > x\n",
                HashSign::PromptOfShell,
            ),
            ("su -\n# iptables -F\nmodprobe x\n", HashSign::PromptOfShell),
            (
                "sudo -s\n# iptables -F\niptables -P INPUT DROP\n",
                HashSign::Unclear,
            ),
            ("# iptables -F\nsudo -s\nmodprobe x\n", HashSign::Comment),
            (
                "#!/bin/sh\nsudo -s\n# iptables -F\nmodprobe x\n",
                HashSign::Comment,
            ),
            ("modprobe x\n# iptables -F\n", HashSign::Comment),
        ] {
            assert_eq!(means(text), expected, "{text}");
        }
    }
}
