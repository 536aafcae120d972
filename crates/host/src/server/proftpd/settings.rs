use std::collections::{BTreeMap, BTreeSet};

use super::own::{denied, fate};
use super::sections::{Scope, Sections};
use crate::host::ServerConfig;
use crate::server::ServerSettings;
use crate::server::own::Fate;
use crate::server::reader::{Reader, Setting};

/// ProFTPD's own port (mod_core, `Port`).
const PORT: u16 = 21;

/// As the lab's servers are told of commands that a `<Limit>` denies to all.
const LIMIT: &str = "Limit";

/// Why what stands in a section is left out.
const SECTION: &str = "of a section";

/// The directives that are read, but for those that add up.
const READ: [&str; 8] = [
    "Port",
    "PassivePorts",
    "MasqueradeAddress",
    "RootRevoke",
    "ServerType",
    "TLSEngine",
    "TLSRequired",
    "DefaultAddress",
];

pub(in crate::server) fn read(files: &[ServerConfig], reader: &mut Reader) -> ServerSettings {
    let sections = Sections::read(files, reader);
    // A main server on port 0 is turned off (mod_core, `Port`).
    let is_off = |setting: &Setting| setting.value == "0";
    let of_main = sections.last(Scope::Main, "Port");
    let virtual_first = of_main.is_some_and(is_off);
    let scope = match virtual_first {
        true => Scope::Virtual,
        false => Scope::Main,
    };
    if let Some(host) = sections.first_virtual() {
        let whose = match virtual_first {
            true => {
                "the settings are those of the first <VirtualHost>, since the main server is off (Port 0)"
            }
            false => {
                "the settings are those of the main server: this <VirtualHost>'s own settings are ignored"
            }
        };
        reader.note(host, whose);
    }
    let said = Said { sections, scope };
    said.own(reader);
    said.settings(reader)
}

/// What the sections say about one server.
struct Said {
    sections: Sections,
    scope: Scope,
}

impl Said {
    /// A directive of the server's own; where it has none, the one of `<Global>`.
    fn get(&self, key: &str) -> Option<&Setting> {
        let own = self.sections.last(self.scope, key);
        own.or_else(|| self.sections.last(Scope::Global, key))
    }

    /// What becomes of each directive where ProFTPD itself runs. Of one that stands twice, the one that is taken.
    fn own(&self, reader: &mut Reader) {
        let mut taken: BTreeMap<String, (bool, &Setting, bool)> = BTreeMap::new();
        for (whose, setting, of_module) in self.sections.directives() {
            if ![self.scope, Scope::Global].contains(&whose) {
                reader.own(setting, &setting.key, Fate::LeftOut(SECTION));
                continue;
            }
            // The server's own come before those of `<Global>`.
            let is_own = whose == self.scope;
            let key = setting.key.to_ascii_lowercase();
            if is_own || taken.get(&key).is_none_or(|(known, ..)| !known) {
                taken.insert(key, (is_own, setting, of_module));
            }
        }
        let mut taken: Vec<(&Setting, bool)> = taken
            .into_values()
            .map(|(_, setting, of_module)| (setting, of_module))
            .collect();
        taken.sort_by_key(|(setting, _)| setting.line);
        for (setting, of_module) in taken {
            let (key, fate) = match fate(&setting.key, &setting.value) {
                // The module may not be here, and then nobody minds the directive.
                (key, Fate::Unknown) if of_module => (key, Fate::UNLISTED),
                known => known,
            };
            reader.own(setting, key, fate);
        }
        self.limits(reader);
    }

    fn limits(&self, reader: &mut Reader) {
        let mut all: BTreeSet<&str> = BTreeSet::new();
        let mut first = None;
        for limit in self.sections.limits() {
            let is_own = [self.scope, Scope::Global].contains(&limit.scope);
            let commands = denied(&limit.at.value, &limit.directives);
            match commands.filter(|_| is_own) {
                None => reader.own(&limit.at, "<Limit>", Fate::LeftOut(SECTION)),
                Some(commands) => {
                    let what = format!(
                        "<Limit> refuses {}, but is ignored here",
                        commands.join(" ")
                    );
                    reader.note_of_another(&limit.at, what);
                    all.extend(commands);
                    first = first.or(Some(&limit.at));
                }
            }
        }
        if let Some(first) = first {
            let together = Setting {
                value: Vec::from_iter(all).join(" "),
                ..first.clone()
            };
            reader.own(&together, LIMIT, Fate::Stands);
        }
    }

    /// The words of all `TLSOptions`: they add up (1.3.7, contrib/mod_tls.c, tls_sess_init).
    fn tls_options(&self) -> Vec<&str> {
        let of = |scope| -> Vec<&str> {
            let all = self.sections.all(scope, "TLSOptions");
            all.flat_map(Setting::words).collect()
        };
        let own = of(self.scope);
        match own.is_empty() {
            true => of(Scope::Global),
            false => own,
        }
    }

    /// Says which of several directives is taken, where they say different things.
    fn tell_repeated(&self, reader: &mut Reader) {
        for key in READ {
            let mut all = self.sections.all(self.scope, key);
            let Some(first) = all.next() else { continue };
            if let Some(last) = all.filter(|one| one.value != first.value).last() {
                reader.note(
                    last,
                    format!(
                        "{key} is also at line {}, with another value: the last one is used",
                        first.line
                    ),
                );
            }
        }
    }

    fn is(&self, key: &str, default: bool, reader: &mut Reader) -> bool {
        let Some(setting) = self.get(key) else {
            return default;
        };
        let on = ["on", "yes", "true", "1"].map(|word| (word, true));
        let off = ["off", "no", "false", "0"].map(|word| (word, false));
        let words = [on, off].concat();
        reader.one_of(setting, &words).unwrap_or(default)
    }

    fn settings(&self, reader: &mut Reader) -> ServerSettings {
        self.tell_repeated(reader);
        if let Some(setting) = self.get("TLSMasqueradeAddress") {
            reader.note(
                setting,
                "with TLS, the server announces this address, which is ignored here",
            );
        }
        let control_port = self.control_port(reader);
        let (active_enabled, data_from_port_20) = self.active(control_port, reader);
        let offers = self.is("TLSEngine", false, reader);
        let options = self.tls_options();
        let has = |option: &str| options.iter().any(|word| word.eq_ignore_ascii_case(option));
        let implicit = offers && has("UseImplicitSSL");
        let requires = self.requires_tls(reader);
        ServerSettings {
            control_port,
            passive_ports: self.passive_ports(reader),
            advertised_address: self
                .get("MasqueradeAddress")
                .and_then(|setting| reader.announced(setting, true)),
            data_from_port_20: Some(data_from_port_20),
            offers_tls: Some(offers),
            requires_tls: Some(offers && (implicit || requires)),
            implicit_tls: Some(implicit),
            // Since 1.3.3rc1 (mod_tls, `NoSessionReuseRequired`).
            require_session_reuse: Some(offers && !has("NoSessionReuseRequired")),
            active_enabled: Some(active_enabled),
            passive_enabled: Some(true),
            listens_on: self.listens_on(reader),
        }
    }

    fn control_port(&self, reader: &mut Reader) -> Option<u16> {
        if let Some(kind) = self.get("ServerType") {
            let inetd = reader.one_of(kind, &[("standalone", false), ("inetd", true)]);
            if inetd == Some(true) {
                reader.note(kind, "inetd waits for clients, and ProFTPD ignores Port");
                return None;
            }
        }
        match self.get("Port") {
            None => Some(PORT),
            Some(setting) => reader.port(setting, &setting.value.clone()),
        }
    }

    /// At least 1024, the first below the last (mod_core, `PassivePorts`; "min port must be less than max port" is what 1.3.8
    /// says).
    fn passive_ports(&self, reader: &mut Reader) -> Option<(u16, u16)> {
        let setting = self.get("PassivePorts")?;
        let words = setting.words();
        let [first, last] = words[..] else {
            reader.mistake(
                setting,
                "is not a range of ports",
                "write its two ends: PassivePorts 40000 40100",
            );
            return None;
        };
        let (first, last) = reader.range(setting, [first, last])?;
        if first < 1024 || first == last {
            reader.mistake(
                setting,
                "is a range with which ProFTPD does not start",
                "its first port is 1024 or higher, and its last one is above that",
            );
            return None;
        }
        Some((first, last))
    }

    /// Active data connections come from the port below the control port, which takes root (mod_auth, `RootRevoke`).
    fn active(&self, control_port: Option<u16>, reader: &mut Reader) -> (bool, bool) {
        #[derive(Clone, Copy, PartialEq)]
        enum Revoked {
            No,
            Yes,
            AnyPort,
        }
        let port = control_port.unwrap_or(PORT);
        let Some(setting) = self.get("RootRevoke") else {
            return (true, self.below(port, reader));
        };
        let revoked = reader.one_of(
            setting,
            &[
                ("on", Revoked::Yes),
                ("off", Revoked::No),
                ("UseNonCompliantActiveTransfers", Revoked::AnyPort),
                ("UseNonCompliantActiveTransfer", Revoked::AnyPort),
            ],
        );
        match revoked.unwrap_or(Revoked::No) {
            Revoked::No => (true, self.below(port, reader)),
            Revoked::Yes => (port >= 1024, self.below(port, reader)),
            Revoked::AnyPort => (true, false),
        }
    }

    fn below(&self, port: u16, reader: &mut Reader) -> bool {
        if let (true, Some(setting)) = (port != 21, self.get("Port")) {
            let from = port.saturating_sub(1);
            reader.note(
                setting,
                format!("active data connections come from port {from}, the one below it; here they come from a high port"),
            );
        }
        port == 21
    }

    /// Whether a session without TLS cannot transfer (mod_tls, `TLSRequired`).
    fn requires_tls(&self, reader: &mut Reader) -> bool {
        let Some(setting) = self.get("TLSRequired") else {
            return false;
        };
        if setting.value.contains("!data") {
            reader.note(setting, "protected data connections are refused; transfers with TLS protect both connections here");
        }
        let words = [
            "on",
            "ctrl",
            "data",
            "auth",
            "auth+data",
            "ctrl+data",
            "auth+!data",
            "ctrl+!data",
            "true",
            "yes",
        ];
        let words = words.map(|word| (word, true));
        let off = ["off", "!data", "false", "no"].map(|word| (word, false));
        let all: Vec<(&str, bool)> = words.into_iter().chain(off).collect();
        reader.one_of(setting, &all).unwrap_or(false)
    }

    fn listens_on(&self, reader: &mut Reader) -> Option<std::net::IpAddr> {
        // Without, one socket waits on all addresses (mod_core, `SocketBindTight`).
        if !self.is("SocketBindTight", false, reader) {
            return None;
        }
        let setting = self.get("DefaultAddress")?;
        setting.words().first()?.parse().ok()
    }
}
