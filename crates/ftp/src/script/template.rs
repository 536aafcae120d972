use std::ops::Range;
use std::time::Duration;

use super::mistake::Mistakes;
use super::place::{Host, Target};
use super::words::parse_pause;
use crate::wire::Side;

/// One line of a script that is sent: what stands between braces is filled in, and
/// everything else is sent as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Template(pub(super) Vec<(TemplatePart, Range<usize>)>);

impl Template {
    pub(super) fn pauses(&self) -> bool {
        self.0
            .iter()
            .any(|(piece, _)| matches!(piece, TemplatePart::Pause(_)))
    }
}

/// A part of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TemplatePart {
    /// As written.
    Literal(String),
    /// `{crlf}`: the end of an FTP line, in the same segment.
    LineEnd,
    /// `{pause 50ms}`: the end of a segment.
    Pause(Duration),
    /// `{address}`, `{address of NODE}`.
    Address(Option<Host>),
    /// `{h1,h2,h3,h4}`, `{h1,h2,h3,h4 of NODE}`.
    HostNumbers(Option<Host>),
    /// `{port}`: of the own listener.
    Port,
    /// `{p1,p2}`: the same.
    PortNumbers,
    /// `{file}`: the name of the file.
    File,
    /// `{setup}`: the command that the cell asks for, announcing the own listener
    /// or the target.
    Setup(Option<Target>),
    /// `{setup verb}`.
    SetupVerb,
    /// `{setup argument}`.
    SetupArgument,
}

const OF_BOTH: [&str; 9] = [
    "h1,h2,h3,h4,p1,p2",
    "h1,h2,h3,h4",
    "p1,p2",
    "address",
    "port",
    "file",
    "crlf",
    "pause 50ms",
    "address of client",
];
const OF_CLIENTS: [&str; 3] = ["setup", "setup verb", "setup argument"];

/// One FTP command in a line: lines may hold several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sent {
    /// The setup command that the cell asks for; whether it names a target.
    Setup { to_target: bool },
    /// A command, by its verb in upper case and what is written after it; what is
    /// filled in is left out.
    Command { verb: String, argument: String },
}

impl Template {
    /// Reads a line that begins at byte `at` of the script.
    pub(super) fn parse(line: &str, at: usize, side: Side, mistakes: &mut Mistakes) -> Template {
        let mut text = Template::default();
        let mut rest = line;
        let mut literal = String::new();
        while let Some(open) = rest.find('{') {
            literal += &rest[..open];
            let from = at + line.len() - rest.len() + open;
            rest = &rest[open + 1..];
            if let Some(after) = rest.strip_prefix('{') {
                literal.push('{');
                rest = after;
                continue;
            }
            let Some(close) = rest.find('}') else {
                mistakes.add(
                    from..at + line.len(),
                    "this brace is not closed",
                    "write `{{` to send a brace",
                );
                rest = "";
                break;
            };
            let span = from..from + close + 2;
            text.literal(&mut literal, from);
            text.placeholder(&rest[..close], span, side, mistakes);
            rest = &rest[close + 1..];
        }
        literal += rest;
        text.literal(&mut literal, at + line.len());
        text
    }

    /// Takes the literal that has come together before byte `end`.
    fn literal(&mut self, literal: &mut String, end: usize) {
        if !literal.is_empty() {
            let span = end.saturating_sub(literal.len())..end;
            self.0
                .push((TemplatePart::Literal(std::mem::take(literal)), span));
        }
    }

    fn placeholder(&mut self, name: &str, span: Range<usize>, side: Side, mistakes: &mut Mistakes) {
        let client = side == Side::Client;
        let (word, argument) = name
            .split_once(" of ")
            .or_else(|| name.split_once(" to "))
            .or_else(|| name.split_once(' '))
            .map_or((name, None), |(word, argument)| (word, Some(argument)));
        let piece = match (word, argument) {
            ("h1,h2,h3,h4,p1,p2", None) => {
                let comma = (TemplatePart::Literal(",".into()), span.clone());
                self.0
                    .extend([(TemplatePart::HostNumbers(None), span.clone()), comma]);
                Ok(TemplatePart::PortNumbers)
            }
            ("h1,h2,h3,h4", None) => Ok(TemplatePart::HostNumbers(None)),
            ("address", None) => Ok(TemplatePart::Address(None)),
            ("p1,p2", None) => Ok(TemplatePart::PortNumbers),
            ("port", None) => Ok(TemplatePart::Port),
            ("file", None) => Ok(TemplatePart::File),
            ("crlf", None) => Ok(TemplatePart::LineEnd),
            ("setup", None) if client => Ok(TemplatePart::Setup(None)),
            ("setup", Some("verb")) if client => Ok(TemplatePart::SetupVerb),
            ("setup", Some("argument")) if client => Ok(TemplatePart::SetupArgument),
            ("pause", Some(pause)) => parse_pause(pause).map(TemplatePart::Pause),
            ("h1,h2,h3,h4", Some(host)) if name.contains(" of ") => host
                .parse()
                .map(|host| TemplatePart::HostNumbers(Some(host))),
            ("address", Some(host)) if name.contains(" of ") => {
                host.parse().map(|host| TemplatePart::Address(Some(host)))
            }
            ("setup", Some(target)) if client && name.contains(" to ") => target
                .parse()
                .map(|target| TemplatePart::Setup(Some(target))),
            _ => {
                let clients = OF_CLIENTS.iter().filter(|_| client);
                mistakes.add_unknown(
                    span,
                    format!("fwlab does not know what to fill in for `{{{name}}}`"),
                    name,
                    OF_BOTH.iter().chain(clients).copied().collect(),
                );
                return;
            }
        };
        match piece {
            Ok(piece) => self.0.push((piece, span)),
            Err(why) => mistakes.add(
                span,
                why,
                "for example `{pause 50ms}`, `{address of client}` or `{setup to client:8080}`; a pause is 5s at most",
            ),
        }
    }

    /// The FTP commands that the line is made of, pauses left out.
    pub(super) fn commands(&self) -> Vec<Sent> {
        let mut commands = Vec::new();
        let mut current: Option<Sent> = None;
        let mut verb_is_over = false;
        for (piece, _) in &self.0 {
            match (piece, &mut current) {
                (TemplatePart::Pause(_), _) => {}
                (TemplatePart::LineEnd, _) => {
                    commands.extend(current.take());
                    verb_is_over = false;
                }
                (TemplatePart::Setup(target), None) => {
                    let to_target = target.is_some();
                    current = Some(Sent::Setup { to_target });
                }
                (TemplatePart::SetupVerb, None) => current = Some(Sent::Setup { to_target: false }),
                (TemplatePart::Literal(literal), command) => {
                    let command = command.get_or_insert(Sent::Command {
                        verb: String::new(),
                        argument: String::new(),
                    });
                    if let Sent::Command { verb, argument } = command {
                        let (first, second) = match literal.split_once(' ') {
                            _ if verb_is_over => ("", literal.as_str()),
                            Some(parts) => {
                                verb_is_over = true;
                                parts
                            }
                            None => (literal.as_str(), ""),
                        };
                        *verb += &first.to_ascii_uppercase();
                        *argument += second;
                    }
                }
                (_, None) => {
                    current = Some(Sent::Command {
                        verb: String::new(),
                        argument: String::new(),
                    });
                    verb_is_over = true;
                }
                (_, Some(_)) => verb_is_over = true,
            }
        }
        commands.extend(current);
        commands
    }

    /// The places where the own listener's port is filled in.
    pub(super) fn ports(&self) -> impl Iterator<Item = &Range<usize>> {
        self.0.iter().filter_map(|(piece, span)| {
            matches!(piece, TemplatePart::Port | TemplatePart::PortNumbers).then_some(span)
        })
    }

    /// The other hosts whose addresses are filled in as PORT and 227 have them; whether
    /// the cell asks for PORT.
    pub(super) fn hosts_of_ipv4(&self, port: bool) -> impl Iterator<Item = &Host> {
        self.0.iter().filter_map(move |(piece, _)| match piece {
            TemplatePart::HostNumbers(host) => host.as_ref(),
            TemplatePart::Setup(Some(target)) if port => Some(&target.host),
            _ => None,
        })
    }

    /// The hosts that it names, and where.
    pub(super) fn hosts(&self) -> impl Iterator<Item = (&Host, &Range<usize>)> {
        self.0.iter().filter_map(|(piece, span)| {
            let host = match piece {
                TemplatePart::Address(host) | TemplatePart::HostNumbers(host) => host.as_ref()?,
                TemplatePart::Setup(Some(target)) => &target.host,
                _ => return None,
            };
            Some((host, span))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> (Template, Vec<String>) {
        let mut mistakes = Mistakes::default();
        let text = Template::parse(line, 100, Side::Client, &mut mistakes);
        let told = mistakes.0.iter().map(|mistake| mistake.to_string());
        (text, told.collect())
    }

    fn sent(verb: &str, argument: &str) -> Sent {
        Sent::Command {
            verb: verb.into(),
            argument: argument.into(),
        }
    }

    #[test]
    fn pieces_know_their_places() {
        let (text, told) = parse("EPRT |1|{address}|{port}|");
        assert!(told.is_empty(), "{told:?}");
        let spans: Vec<_> = text.0.iter().map(|(_, span)| span.clone()).collect();
        assert_eq!(spans, [100..108, 108..117, 117..118, 118..124, 124..125]);
    }

    #[test]
    fn verbs_are_found_across_pauses_and_line_ends() {
        let verbs = |line: &str| parse(line).0.commands();
        assert_eq!(
            verbs("po{pause 50ms}rt {h1,h2,h3,h4,p1,p2}"),
            [sent("PORT", ",")]
        );
        assert_eq!(
            verbs("NOOP{crlf}RETR {file}"),
            [sent("NOOP", ""), sent("RETR", "")]
        );
        assert_eq!(verbs("EPSV ALL"), [sent("EPSV", "ALL")]);
        let setup = Sent::Setup { to_target: false };
        assert_eq!(
            verbs("NOOP{crlf}{setup}"),
            [sent("NOOP", ""), setup.clone()]
        );
        assert_eq!(verbs("{setup verb}{pause 50ms} {setup argument}"), [setup]);
        assert_eq!(
            verbs("{setup to gateway:80}"),
            [Sent::Setup { to_target: true }]
        );
    }

    #[test]
    fn braces_of_the_text_itself() {
        let (text, told) = parse("SITE {{x}");
        assert!(told.is_empty());
        assert!(matches!(&text.0[..], [(TemplatePart::Literal(line), _)] if line == "SITE {x}"));
    }

    #[test]
    fn what_cannot_be_filled_in() {
        for line in [
            "PORT {prot}",
            "PORT {",
            "x {pause 50}",
            "x {pause 9s}",
            "{setup to gateway}",
            "{address to client}",
            "{address of Client}",
            "{}",
        ] {
            assert_eq!(parse(line).1.len(), 1, "{line}");
        }
        let mut mistakes = Mistakes::default();
        Template::parse("{setup}", 0, Side::Server, &mut mistakes);
        assert_eq!(mistakes.0.len(), 1, "a server asks for no setup");
    }
}
