use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

use fwlab_record::DataSetup;

use super::place::{Host, Hosts, Target};
use super::template::{Template, TemplatePart};
use crate::wire::{ExtendedPort, HostPort};

/// What stands for the own address over IPv6 where there is no room for it: clients and
/// servers of the field write this.
const NOWHERE: Ipv4Addr = Ipv4Addr::UNSPECIFIED;

/// What lines are filled in with.
#[derive(Debug)]
pub(super) struct Values<'a> {
    /// The own address of the control connection.
    pub(super) own: IpAddr,
    /// The own listener's port.
    pub(super) port: Option<u16>,
    /// The name of the file.
    pub(super) file: &'a str,
    /// The addresses of the nodes.
    pub(super) hosts: &'a Hosts,
    /// The setup that the cell asks for; a server has none.
    pub(super) setup: Option<DataSetup>,
    /// Whether verbs are sent in lower case.
    pub(super) lower_case: bool,
}

/// What a line is on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    /// These bytes, in one write.
    Bytes(Vec<u8>),
    /// Nothing for so long.
    Pause(Duration),
}

/// A value that a line needs is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoValue {
    #[error("nobody listens, so there is no port to write")]
    Port,
    #[error("`{0}` has no address")]
    Host(Host),
    #[error("{0} is no IPv4 address, and this notation has no other")]
    HostNumbers(IpAddr),
}

impl Values<'_> {
    /// Fills a line in, its end included.
    pub(super) fn expand(&self, text: &Template) -> Result<Vec<Segment>, NoValue> {
        let mut segments = Vec::new();
        let mut bytes = String::new();
        let mut verb = true;
        for (piece, _) in &text.0 {
            let part = match piece {
                TemplatePart::Pause(pause) => {
                    if !bytes.is_empty() {
                        segments.push(Segment::Bytes(std::mem::take(&mut bytes).into_bytes()));
                    }
                    segments.push(Segment::Pause(*pause));
                    continue;
                }
                TemplatePart::LineEnd => {
                    bytes += "\r\n";
                    verb = true;
                    continue;
                }
                piece => self.part(piece)?,
            };
            for letter in part.chars() {
                verb &= letter != ' ';
                bytes.push(if verb && self.lower_case {
                    letter.to_ascii_lowercase()
                } else {
                    letter
                });
            }
        }
        bytes += "\r\n";
        segments.push(Segment::Bytes(bytes.into_bytes()));
        Ok(segments)
    }

    fn part(&self, piece: &TemplatePart) -> Result<String, NoValue> {
        Ok(match piece {
            TemplatePart::Literal(literal) => literal.clone(),
            TemplatePart::LineEnd | TemplatePart::Pause(_) => String::new(),
            TemplatePart::Address(host) => self.address(host.as_ref())?.to_string(),
            TemplatePart::HostNumbers(host) => match self.address(host.as_ref())? {
                IpAddr::V4(four) => four.to_string().replace('.', ","),
                six => return Err(NoValue::HostNumbers(six)),
            },
            TemplatePart::Port => self.own_port()?.to_string(),
            TemplatePart::PortNumbers => {
                let [high, low] = self.own_port()?.to_be_bytes();
                format!("{high},{low}")
            }
            TemplatePart::File => self.file.to_owned(),
            TemplatePart::SetupVerb => self.setup_verb().to_owned(),
            TemplatePart::SetupArgument => {
                let argument = self.setup_argument(None)?;
                argument.unwrap_or_default()
            }
            TemplatePart::Setup(target) => {
                let announced = self.setup_argument(target.as_ref())?;
                let verb = self.setup_verb();
                announced.map_or_else(|| verb.to_owned(), |to| format!("{verb} {to}"))
            }
        })
    }

    fn address(&self, host: Option<&Host>) -> Result<IpAddr, NoValue> {
        host.map_or(Ok(self.own), |host| {
            self.hosts
                .address(host)
                .ok_or_else(|| NoValue::Host(host.clone()))
        })
    }

    fn own_port(&self) -> Result<u16, NoValue> {
        self.port.ok_or(NoValue::Port)
    }

    fn setup_verb(&self) -> &'static str {
        self.setup.map_or("", DataSetup::command)
    }

    /// The argument of the setup command, which an active setup alone has.
    fn setup_argument(&self, target: Option<&Target>) -> Result<Option<String>, NoValue> {
        let announced = || match target {
            None => Ok(SocketAddr::new(self.own, self.own_port()?)),
            Some(Target { host, port }) => Ok(SocketAddr::new(self.address(Some(host))?, *port)),
        };
        Ok(match self.setup {
            Some(DataSetup::Port) => {
                let to = match (announced()?, target) {
                    (SocketAddr::V4(to), _) => to,
                    (SocketAddr::V6(own), None) => SocketAddrV4::new(NOWHERE, own.port()),
                    (SocketAddr::V6(to), Some(_)) => {
                        return Err(NoValue::HostNumbers((*to.ip()).into()));
                    }
                };
                Some(HostPort(to).to_string())
            }
            Some(DataSetup::Eprt) => Some(ExtendedPort(announced()?).to_string()),
            Some(DataSetup::Pasv | DataSetup::Epsv) | None => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::mistake::Mistakes;
    use crate::wire::Side;

    fn segments(line: &str, setup: DataSetup, lower_case: bool) -> Result<Vec<Segment>, NoValue> {
        let mut mistakes = Mistakes::default();
        let text = Template::parse(line, 0, Side::Client, &mut mistakes);
        assert!(mistakes.0.is_empty(), "{mistakes:?}");
        let hosts: Hosts = [(fwlab_record::NodeName::gateway(), [10, 77, 1, 1].into())]
            .into_iter()
            .collect();
        let values = Values {
            own: [192, 168, 0, 211].into(),
            port: Some(39632),
            file: "a.bin",
            hosts: &hosts,
            setup: Some(setup),
            lower_case,
        };
        values.expand(&text)
    }

    fn bytes(text: &str) -> Segment {
        Segment::Bytes(text.as_bytes().to_vec())
    }

    #[test]
    fn the_seeds_ports() {
        let one = |line: &str, setup| segments(line, setup, false).unwrap();
        let port = [bytes("PORT 192,168,0,211,154,208\r\n")];
        assert_eq!(one("PORT {h1,h2,h3,h4,p1,p2}", DataSetup::Pasv), port);
        assert_eq!(one("PORT {h1,h2,h3,h4},{p1,p2}", DataSetup::Pasv), port);
        assert_eq!(one("{setup}", DataSetup::Port), port);
        let eprt = [bytes("EPRT |1|192.168.0.211|39632|\r\n")];
        assert_eq!(one("EPRT |1|{address}|{port}|", DataSetup::Pasv), eprt);
        assert_eq!(one("{setup}", DataSetup::Eprt), eprt);
        assert_eq!(one("{setup}", DataSetup::Epsv), [bytes("EPSV\r\n")]);
        assert_eq!(
            one("PORT {h1,h2,h3,h4 of gateway},0,22", DataSetup::Port),
            [bytes("PORT 10,77,1,1,0,22\r\n")]
        );
        assert_eq!(
            one("{setup to gateway:22}", DataSetup::Eprt),
            [bytes("EPRT |1|10.77.1.1|22|\r\n")]
        );
    }

    #[test]
    fn one_line_is_one_segment_unless_it_pauses() {
        let pause = Segment::Pause(Duration::from_millis(50));
        assert_eq!(
            segments("NOOP{crlf}PORT 1", DataSetup::Port, false).unwrap(),
            [bytes("NOOP\r\nPORT 1\r\n")]
        );
        assert_eq!(
            segments("PO{pause 50ms}RT 1", DataSetup::Port, false).unwrap(),
            [bytes("PO"), pause.clone(), bytes("RT 1\r\n")]
        );
        assert_eq!(
            segments(
                "{setup verb}{pause 50ms} {setup argument}",
                DataSetup::Port,
                false
            )
            .unwrap(),
            [bytes("PORT"), pause, bytes(" 192,168,0,211,154,208\r\n")]
        );
    }

    #[test]
    fn verbs_alone_are_lowered() {
        assert_eq!(
            segments("NOOP{crlf}RETR {file}.BIN", DataSetup::Port, true).unwrap(),
            [bytes("noop\r\nretr a.bin.BIN\r\n")]
        );
    }

    #[test]
    fn what_is_not_there() {
        let none = segments("PORT {h1,h2,h3,h4 of third}", DataSetup::Port, false);
        assert!(matches!(none, Err(NoValue::Host(_))));
    }
}
