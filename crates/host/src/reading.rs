//! From the file's sections to a host.

use std::collections::BTreeMap;
use std::net::IpAddr;

use fwlab_record::{Backend, Family};

use crate::frame::{Answer, Frame, Section};
use crate::host::{Host, Listener, ServerConfig, Unread};
use crate::mistake::{CaptureMistake, CaptureMistakes, MISTAKES_TOLD, Problem, quote};
use crate::network::Answered;
use crate::nft_tables::apart;
use crate::piece::Piece;
use crate::section::SectionName;

/// What is collected while a file is read.
pub(crate) struct Reading<'n> {
    pub(crate) name: &'n str,
    mistakes: Vec<CaptureMistake>,
    /// Mistakes that are only counted.
    more: usize,
    unread: Vec<Unread>,
}

/// As much as is told of what is not known.
const UNREAD_TOLD: usize = 200;

impl<'n> Reading<'n> {
    pub(crate) fn new(name: &'n str) -> Reading<'n> {
        Reading {
            name,
            mistakes: Vec::new(),
            more: 0,
            unread: Vec::new(),
        }
    }

    /// Takes down what cannot be.
    pub(crate) fn mistake(&mut self, line: u32, problem: Problem) {
        if self.mistakes.len() == MISTAKES_TOLD {
            self.more += 1;
        } else {
            let mistake = CaptureMistake::new(self.name, line, problem);
            self.mistakes.push(mistake);
        }
    }

    /// Takes down what is not known: the first of it, where it is much.
    pub(crate) fn unread(&mut self, section: SectionName, line: u32, why: impl Into<String>) {
        if self.unread.len() == UNREAD_TOLD {
            return;
        }
        self.unread.push(Unread {
            section,
            line,
            why: why.into(),
        });
    }

    pub(crate) fn host(mut self, frame: Frame<'_>) -> Result<Host, CaptureMistakes> {
        let mut host = Host {
            is_redacted: frame.is_redacted,
            ..Host::default()
        };
        for section in frame.sections {
            self.section(section, &mut host);
        }
        host.policy_rules
            .sort_by_key(|rule| (rule.family, rule.priority));
        let begins = host.iptables.values().map(|dump| dump.begins).min();
        for table in tables_apart(&mut host) {
            self.mistake(begins.unwrap_or(1), Problem::Hidden(table));
        }
        self.unread.sort_by_key(|unread| unread.line);
        host.unread = self.unread;
        CaptureMistakes::of(self.mistakes, self.more)?;
        Ok(host)
    }

    fn section(&mut self, section: Section<'_>, host: &mut Host) {
        let Section {
            name,
            label,
            line,
            answer,
        } = section;
        let (command, content) = match answer {
            Answer::Absent => return,
            Answer::Unread(why) => return self.unread(name, line, why),
            Answer::Given {
                content,
                exit: 0,
                command,
                ..
            } => (command, content),
            Answer::Given { exit, aside, .. } => {
                let said = quote(&aside.text());
                let why = match said.is_empty() {
                    true => format!("its command failed with exit status {exit}"),
                    false => format!("its command failed: {said}"),
                };
                return self.unread(name, line, why);
            }
        };
        let answered = Answered {
            section: name,
            // Behind its heading and its command.
            begins: line + 2,
            content,
        };
        if !name.is_text() && answered.is_too_much(self) {
            return;
        }
        match name {
            SectionName::Hostname => host.name = first_line(&answered),
            SectionName::Kernel => host.kernel = first_line(&answered),
            SectionName::Time => host.time = first_line(&answered),
            SectionName::System => host.system = pretty_name(&answered),
            SectionName::Versions => host.versions = self.settings(&answered),
            SectionName::Sysctls => host.sysctls = self.settings(&answered),
            SectionName::Parameters => host.parameters = self.settings(&answered),
            SectionName::Modules => {
                let names = answered.text().map(|(_, name)| name.trim().to_owned());
                host.modules = names.collect();
            }
            SectionName::Links => host.links = answered.links(self),
            SectionName::Addresses => host.addresses = answered.addresses(self),
            SectionName::Routes | SectionName::Routes6 => {
                let routes = answered.routes(self);
                host.routes.extend(routes);
            }
            SectionName::Rules | SectionName::Rules6 => {
                let rules = answered.policy_rules(self);
                host.policy_rules.extend(rules);
            }
            SectionName::Nft => host.nft = self.piece(&answered),
            SectionName::Ipset => host.ipset = self.piece(&answered),
            SectionName::FtpConfig => {
                let file = command.split_once(' ').map_or("", |(_, file)| file);
                host.servers.push(ServerConfig {
                    program: label,
                    file: file.to_owned(),
                    text: self.text(&answered, file),
                });
            }
            SectionName::Listening => host.listeners = self.listeners(&answered),
            SectionName::IptablesNft
            | SectionName::Ip6tablesNft
            | SectionName::IptablesLegacy
            | SectionName::Ip6tablesLegacy => {
                if let (Some(key), Some(piece)) = (name.iptables(), self.piece(&answered)) {
                    host.iptables.insert(key, piece);
                }
            }
        }
    }

    fn text(&self, answered: &Answered<'_>, title: &str) -> Piece {
        Piece {
            name: format!("{}: {title}", self.name),
            text: answered.content.text(),
            begins: answered.begins,
        }
    }

    /// Rules or sets, where there are any.
    fn piece(&self, answered: &Answered<'_>) -> Option<Piece> {
        let piece = self.text(answered, answered.section.title());
        (!piece.is_empty()).then_some(piece)
    }

    /// `name = value`, one a line.
    fn settings(&mut self, answered: &Answered<'_>) -> BTreeMap<String, String> {
        let mut settings = BTreeMap::new();
        for (line, text) in answered.text() {
            match text.split_once(" = ") {
                Some((name, value)) => {
                    // Of a value of several lines, the first.
                    let first = settings.entry(name.to_owned());
                    first.or_insert_with(|| value.trim().to_owned());
                }
                // A setting can be empty.
                None if text.ends_with(" =") => {
                    settings.insert(text.trim_end_matches(" =").to_owned(), String::new());
                }
                None => answered.not_understood(self, line, &text),
            }
        }
        settings
    }

    /// `tcp 0.0.0.0 21 vsftpd /usr/sbin/vsftpd /etc/vsftpd.conf`, one a line.
    fn listeners(&mut self, answered: &Answered<'_>) -> Vec<Listener> {
        let mut listeners = Vec::new();
        for (line, text) in answered.text() {
            let words: Vec<&str> = text.split_ascii_whitespace().collect();
            let ["tcp", address, port, program, command @ ..] = &words[..] else {
                answered.not_understood(self, line, &text);
                continue;
            };
            let address = answered.valid::<IpAddr>(self, line, address, "address");
            let port = answered.valid::<u16>(self, line, port, "port");
            if let (Some(address), Some(port)) = (address, port) {
                listeners.push(Listener {
                    address,
                    port,
                    program: (*program).to_owned(),
                    command: command.join(" "),
                });
            }
        }
        listeners
    }
}

fn first_line(answered: &Answered<'_>) -> Option<String> {
    answered
        .text()
        .next()
        .map(|(_, line)| line.trim().to_owned())
}

/// `PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"` of `/etc/os-release`.
fn pretty_name(answered: &Answered<'_>) -> Option<String> {
    let mut lines = answered.text();
    lines.find_map(|(_, line)| {
        let name = line.strip_prefix("PRETTY_NAME=")?;
        Some(name.trim().trim_matches(['"', '\'']).to_owned())
    })
}

/// What iptables-nft has loaded, nft lists once more, and cannot load as it lists it. Gives the tables that neither shows in full.
fn tables_apart(host: &mut Host) -> Vec<String> {
    let mut dumps: Vec<(Family, &mut Vec<u8>)> = Vec::new();
    for ((backend, family), dump) in &mut host.iptables {
        if *backend == Backend::Nft {
            dumps.push((*family, &mut dump.text));
        }
    }
    let listing = host.nft.as_mut().map(|nft| &mut nft.text);
    let hidden = apart(&mut dumps, listing);
    host.iptables.retain(|_, dump| !dump.is_empty());
    host.nft = host.nft.take().filter(|nft| !nft.is_empty());
    hidden
}
