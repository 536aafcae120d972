use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::host::ServerConfig;
use crate::server::reader::{Reader, Setting, lines};
use crate::server::{ServerProgram, ServerSettings};

/// Pure-FTPd's own port (`pure-ftpd.conf`, `Bind`).
const PORT: u16 = 21;

pub(in crate::server) fn read(files: &[ServerConfig], reader: &mut Reader) -> ServerSettings {
    let mut said = Said::default();
    for file in files {
        let mut text = lines(&file.text).filter(|(_, line)| is_setting(line));
        if super::options::are_options(&file.text) {
            for setting in super::options::settings(&file.text, reader) {
                said.take(setting);
            }
            continue;
        }
        if let Some(key) = named(&file.file) {
            // Of a file for one setting, the first line counts.
            if let Some((line, value)) = text.next() {
                let setting = Setting {
                    file: file.text.name.clone(),
                    line,
                    key,
                    between: ' ',
                    value: value.trim().to_owned(),
                };
                reader.unknown(&setting, ServerProgram::PureFtpd);
                said.take(setting);
            }
            continue;
        }
        for (line, text) in text {
            let text = text.trim();
            let (key, value) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
            let setting = Setting {
                file: file.text.name.clone(),
                line,
                key: key.to_owned(),
                between: ' ',
                value: value.trim().trim_matches('"').to_owned(),
            };
            if key.eq_ignore_ascii_case("Include") {
                reader.note(&setting, "what it includes is not read");
                continue;
            }
            reader.unknown(&setting, ServerProgram::PureFtpd);
            said.take(setting);
        }
    }
    said.own(reader);
    said.settings(reader)
}

fn is_setting(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with('#')
}

/// The setting that a file of Debian's is for: `/etc/pure-ftpd/conf/TLS`.
pub(in crate::server) fn named(file: &str) -> Option<String> {
    let (folder, name) = file.rsplit_once('/')?;
    (folder.ends_with("/conf") || folder == "conf").then(|| name.to_owned())
}

/// What the settings say, each as it stands last.
#[derive(Default)]
struct Said(Vec<Setting>);

impl Said {
    fn take(&mut self, setting: Setting) {
        self.0.push(setting);
    }

    fn get(&self, key: &str) -> Option<&Setting> {
        let mut said = self.0.iter().rev();
        said.find(|setting| setting.key.eq_ignore_ascii_case(key))
    }

    /// What becomes of each where Pure-FTPd itself runs, as it stands last.
    fn own(&self, reader: &mut Reader) {
        let mut last: BTreeMap<String, &Setting> = BTreeMap::new();
        for setting in &self.0 {
            last.insert(setting.key.to_ascii_lowercase(), setting);
        }
        let mut last: Vec<&Setting> = last.into_values().collect();
        last.sort_by_key(|setting| setting.line);
        for setting in last {
            super::own::take(setting, reader);
        }
    }

    fn is(&self, key: &str, reader: &mut Reader) -> bool {
        let Some(setting) = self.get(key) else {
            return false;
        };
        let yes = ["yes", "on", "true", "1"].map(|word| (word, true));
        let no = ["no", "off", "false", "0"].map(|word| (word, false));
        let words = [yes, no].concat();
        reader.one_of(setting, &words).unwrap_or(false)
    }

    fn settings(&self, reader: &mut Reader) -> ServerSettings {
        let (listens_on, port) = self.bound(reader);
        let tls = self.tls(reader);
        ServerSettings {
            control_port: Some(port),
            passive_ports: self.passive_ports(reader),
            advertised_address: self
                .get("ForcePassiveIP")
                .and_then(|setting| reader.announced(setting, true)),
            // Measured with 1.0.50: always.
            data_from_port_20: Some(true),
            offers_tls: Some(tls > 0),
            requires_tls: Some(tls > 1),
            implicit_tls: Some(false),
            require_session_reuse: Some(false),
            active_enabled: Some(true),
            // "Force active mode" (pure-ftpd(8), -N).
            passive_enabled: Some(!self.is("NATmode", reader)),
            listens_on,
        }
    }

    fn tls(&self, reader: &mut Reader) -> u8 {
        let Some(setting) = self.get("TLS") else {
            return 0;
        };
        let words = [("0", 0), ("1", 1), ("2", 2), ("3", 3)];
        reader.one_of(setting, &words).unwrap_or(0)
    }

    fn passive_ports(&self, reader: &mut Reader) -> Option<(u16, u16)> {
        let setting = self.get("PassivePortRange")?;
        let words: Vec<&str> = setting
            .value
            .split([' ', '\t', ':'])
            .filter(|word| !word.is_empty())
            .collect();
        match words[..] {
            [first, last] => reader.range(setting, [first, last]),
            _ => {
                reader.mistake(
                    setting,
                    "is not a range of ports",
                    "write its two ends: PassivePortRange 40000 40100",
                );
                None
            }
        }
    }

    /// `[address][,port]`.
    fn bound(&self, reader: &mut Reader) -> (Option<IpAddr>, u16) {
        let Some(setting) = self.get("Bind") else {
            return (None, PORT);
        };
        let (address, port) = setting
            .value
            .rsplit_once(',')
            .unwrap_or((&setting.value, ""));
        let port = match port {
            "" => Some(PORT),
            // Names of services are in /etc/services.
            "ftp" => Some(PORT),
            port => reader.port(setting, port),
        };
        let is_number = address.bytes().all(|byte| byte.is_ascii_digit()) && !address.is_empty();
        if is_number {
            reader.mistake(
                setting,
                "is an address without a port",
                format!("write `,{address}` for that port on all addresses"),
            );
        }
        (address.parse().ok(), port.unwrap_or(PORT))
    }
}
