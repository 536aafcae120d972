//! What of Pure-FTPd's settings runs as it stands: each as the option that it stands for (pure-ftpd(8), 1.0.50, and what
//! its own `simpleconf_ftpd.h` makes of the file).

use crate::server::own::Fate;
use crate::server::reader::{Reader, Setting};

/// Switches: the setting, and its option.
const SWITCHES: &[(&str, &str)] = &[
    ("AllowAnonymousFXP", "--allowanonymousfxp"),
    ("AllowDotFiles", "--allowdotfiles"),
    ("AllowUserFXP", "--allowuserfxp"),
    ("AnonymousCanCreateDirs", "--anonymouscancreatedirs"),
    ("AnonymousCantUpload", "--anonymouscantupload"),
    ("AntiWarez", "--antiwarez"),
    ("AutoRename", "--autorename"),
    ("BrokenClientsCompatibility", "--brokenclientscompatibility"),
    ("DisplayDotFiles", "--displaydotfiles"),
    ("KeepAllFiles", "--keepallfiles"),
    ("NoChmod", "--nochmod"),
    ("NoRename", "--norename"),
    ("ProhibitDotFilesRead", "--prohibitdotfilesread"),
    ("ProhibitDotFilesWrite", "--prohibitdotfileswrite"),
];

/// Those of one number, or of two.
const NUMBERS: &[(&str, &str, usize)] = &[
    ("LimitRecursion", "--limitrecursion", 2),
    ("MaxClientsNumber", "--maxclientsnumber", 1),
    ("MaxClientsPerIP", "--maxclientsperip", 1),
    ("MaxLoad", "--maxload", 1),
    ("PerUserLimits", "--peruserlimits", 2),
];

/// Read, and set up by the lab.
const SET_UP: &[&str] = &[
    "Bind",
    "ForcePassiveIP",
    "IPV4Only",
    "IPV6Only",
    "PassivePortRange",
    "TLS",
];

/// The lab has its own.
const REPLACED: &[&str] = &[
    "AltLog",
    "AnonymousOnly",
    "CertFile",
    "ChrootEveryone",
    "Daemonize",
    "DontResolve",
    "MaxIdleTime",
    "NoAnonymous",
    "PAMAuthentication",
    "PIDFile",
    "SyslogFacility",
    "Umask",
    "UnixAuthentication",
];

/// Takes a setting as what becomes of it.
pub(super) fn take(setting: &Setting, reader: &mut Reader) {
    let key = setting.key.as_str();
    let is = |name: &str| name.eq_ignore_ascii_case(key);
    if is("NATmode") {
        // It is read, too, and a value that is wrong is told there.
        if ["yes", "on", "true", "1"].contains(&setting.value.to_ascii_lowercase().as_str()) {
            stands(setting, "--natmode", String::new(), reader);
        }
    } else if let Some((_, option)) = SWITCHES.iter().find(|(name, _)| is(name)) {
        let yes = ["yes", "on", "true", "1"].map(|word| (word, true));
        let no = ["no", "off", "false", "0"].map(|word| (word, false));
        match reader.one_of(setting, &[yes, no].concat()) {
            Some(true) => stands(setting, option, String::new(), reader),
            // What is off is so without its option.
            Some(false) => reader.own(setting, key, Fate::SetUp),
            None => {}
        }
    } else if let Some((_, option, count)) = NUMBERS.iter().find(|(name, ..)| is(name)) {
        let parts = setting.value.split([' ', '\t', ':']);
        let numbers: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
        let is_number = |part: &&str| part.len() <= 9 && part.bytes().all(|b| b.is_ascii_digit());
        match numbers.len() == *count && numbers.iter().all(is_number) {
            true => stands(setting, option, numbers.join(":"), reader),
            false => {
                let (what, help) = match count {
                    1 => ("is not a number", "write one number, such as 50"),
                    _ => ("is not two numbers", "write two, such as 10000 8"),
                };
                reader.mistake(setting, what, help);
            }
        }
    } else {
        let fate = match () {
            () if SET_UP.iter().any(|name| is(name)) => Fate::SetUp,
            () if REPLACED.iter().any(|name| is(name)) => Fate::Replaced,
            // An option of a name that nobody knows cannot be tried.
            () => Fate::UNLISTED,
        };
        reader.own(setting, key, fate);
    }
}

fn stands(setting: &Setting, option: &str, value: String, reader: &mut Reader) {
    let setting = Setting {
        value,
        ..setting.clone()
    };
    reader.own(&setting, option, Fate::Stands);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::ServerProgram;

    #[test]
    fn every_setting_of_the_lists_is_one_and_stands_once() {
        let switches = SWITCHES.iter().map(|(key, _)| *key);
        let numbers = NUMBERS.iter().map(|(key, ..)| *key);
        let lists = [SET_UP, REPLACED].concat();
        let all: Vec<&str> = switches.chain(numbers).chain(lists).collect();
        for key in &all {
            assert!(ServerProgram::PureFtpd.knows(key), "{key}");
            assert_eq!(all.iter().filter(|other| *other == key).count(), 1, "{key}");
        }
        for (key, option) in SWITCHES {
            assert_eq!(format!("--{}", key.to_ascii_lowercase()), *option);
        }
    }
}
