//! A dump that stands in a shell's heredoc: `cat <<EOF > FILE`, `iptables-restore <<'EOF'`.

use std::ops::Range;

use super::prompt::{Program, program};
use super::rules_files;
use fwlab_record::Family;

/// A heredoc whose text a shell would leave as it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Heredoc {
    /// Where the line begins that ends it.
    end: usize,
    /// The file that the text is written into.
    pub(super) file: Option<String>,
    /// Whether it is loaded, and the rules that are there stay.
    adds: bool,
}

impl Heredoc {
    /// The heredoc that a line of a text begins.
    pub(super) fn read(text: &str, line: &Range<usize>, family: Family) -> Option<Heredoc> {
        let (before, behind) = text[line.clone()].split_once("<<")?;
        let is_indented = behind.starts_with('-');
        let behind = behind.trim_start_matches('-').trim_start();
        let quoted = behind.starts_with(['\'', '"']);
        let behind = behind.trim_start_matches(['\'', '"']);
        let of_name = |char: char| char.is_ascii_alphanumeric() || char == '_';
        let end = behind.find(|char| !of_name(char)).unwrap_or(behind.len());
        let (word, behind) = behind.split_at(end);
        let behind = behind.trim_start_matches(['\'', '"']);
        let (file, adds) = command(&format!("{before} {behind}"), family)?;
        let begins = line.end + text[line.end..].find('\n')? + 1;
        let mut at = begins;
        let body = text[begins..].split_inclusive('\n').find_map(|line| {
            let start = at;
            at += line.len();
            let line = line.trim_end_matches(['\n', '\r']);
            let line = if is_indented {
                line.trim_start_matches('\t')
            } else {
                line
            };
            (line.trim_end() == word).then_some(begins..start)
        })?;
        // What the shell would put in is not known here.
        let is_plain = quoted || !text[body.clone()].contains(['$', '`', '\\']);
        (!word.is_empty() && is_plain).then_some(Heredoc {
            end: body.end,
            file,
            adds,
        })
    }

    /// Whether what begins here is the line that ends it.
    pub(super) fn ends_at(&self, start: usize) -> bool {
        self.end == start
    }

    pub(super) fn note(&self) -> String {
        let note = "a shell's heredoc around the dump: left out";
        match self.adds {
            true => format!("{note}; `--noflush` adds it to rules that are not in this file"),
            false => note.to_owned(),
        }
    }
}

/// What becomes of the text: the file that it is written into, and whether it is added to rules.
fn command(line: &str, family: Family) -> Option<(Option<String>, bool)> {
    let mut file = None;
    let mut adds = false;
    let mut programs = 0;
    for part in line.split('|') {
        let is_writing = |word: &&str| *word == ">";
        let part = part.replace('>', " > ");
        let mut words = part.split_ascii_whitespace().peekable();
        if words
            .peek()
            .is_some_and(|word| matches!(*word, "sudo" | "doas"))
        {
            words.next();
        }
        let name = words.next()?;
        programs += 1;
        match (name, program(name)) {
            ("cat" | "tee", _) => {
                while let Some(word) = words.next() {
                    // Two signs of writing add to a file.
                    if is_writing(&word) || (name == "tee" && !word.starts_with('-')) {
                        let named = if name == "tee" && !is_writing(&word) {
                            word
                        } else {
                            words.next()?
                        };
                        let is_file = !named.contains(['<', '>', ';', '&', '`', '$', '(']);
                        if !is_file || file.is_some() && named != "/dev/null" {
                            return None;
                        }
                        file.get_or_insert_with(|| named.to_owned());
                    } else {
                        return None;
                    }
                }
            }
            (_, Some(Program::Restore)) if rules_files::family(name) == family => {
                for word in words {
                    match word {
                        "-n" | "--noflush" => adds = true,
                        "-c" | "--counters" | "-v" | "--verbose" | "-w" | "--wait" => {}
                        _ => return None,
                    }
                }
            }
            _ => return None,
        }
    }
    (programs > 0).then_some((file, adds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Heredoc> {
        let line = 0..text.find('\n').unwrap_or(text.len());
        Heredoc::read(text, &line, Family::Ipv4)
    }

    #[test]
    fn a_heredoc_is_known_by_both_ends() {
        for (line, file, adds) in [
            ("cat <<EOF > /etc/a", Some("/etc/a"), false),
            ("cat > /etc/a << 'EOF'", Some("/etc/a"), false),
            ("cat >/etc/a <<-\"EOF\"", Some("/etc/a"), false),
            ("sudo tee /etc/a <<EOF", Some("/etc/a"), false),
            ("sudo tee /etc/a <<EOF > /dev/null", Some("/etc/a"), false),
            ("iptables-restore <<EOF", None, false),
            ("cat <<EOF | sudo iptables-restore -n", None, true),
        ] {
            let text = format!("{line}\n*filter\nCOMMIT\nEOF\n");
            let heredoc = read(&text).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(
                (heredoc.file.as_deref(), heredoc.adds),
                (file, adds),
                "{line}"
            );
            assert!(heredoc.ends_at(text.len() - 4), "{line}");
        }
    }

    #[test]
    fn what_a_shell_would_change_or_run_is_none() {
        for text in [
            "cat <<EOF > a\n-A INPUT -s $NET\nEOF\n",
            "cat <<EOF > a\n*filter\n",
            "cat <<EOF >> a\n*filter\nEOF\n",
            "cat <<EOF | sh\n*filter\nEOF\n",
            "ip6tables-restore <<EOF\n*filter\nEOF\n",
            "sh <<EOF\n*filter\nEOF\n",
            "cat <<EOF > a; iptables -F\n*filter\nEOF\n",
            "cat < a\n",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        let quoted = "cat <<'EOF' > a\n-A INPUT --comment \"$x\"\nEOF\n";
        assert!(read(quoted).is_some());
    }
}
