use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// The argument of EPRT (RFC 2428 section 2): `|1|132.235.1.2|6275|` or
/// `|2|1080::8:800:200C:417A|5282|`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExtendedPort(pub SocketAddr);

/// A text is no EPRT argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no extended port: |1|IPV4-ADDRESS|PORT| or |2|IPV6-ADDRESS|PORT| is needed")]
pub struct ExtendedPortError;

/// Any of the ASCII characters 33 to 126 may stand between the parts.
fn is_delimiter(byte: u8) -> bool {
    (33..=126).contains(&byte)
}

impl FromStr for ExtendedPort {
    type Err = ExtendedPortError;

    fn from_str(text: &str) -> Result<ExtendedPort, ExtendedPortError> {
        let delimiter = *text.as_bytes().first().ok_or(ExtendedPortError)?;
        if !is_delimiter(delimiter) {
            return Err(ExtendedPortError);
        }
        let parts: Vec<&str> = text.splitn(6, char::from(delimiter)).collect();
        let ["", protocol, address, port, ""] = parts[..] else {
            return Err(ExtendedPortError);
        };
        let address: IpAddr = address.parse().map_err(|_| ExtendedPortError)?;
        if protocol != if address.is_ipv4() { "1" } else { "2" } {
            return Err(ExtendedPortError);
        }
        let port = number(port.as_bytes()).ok_or(ExtendedPortError)?;
        Ok(ExtendedPort(SocketAddr::new(address, port)))
    }
}

impl fmt::Display for ExtendedPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = if self.0.is_ipv4() { 1 } else { 2 };
        write!(f, "|{protocol}|{}|{}|", self.0.ip(), self.0.port())
    }
}

/// Finds the port in the text of a 229 reply (RFC 2428 section 3):
/// `Entering Extended Passive Mode (|||6446|)`.
pub fn extended_passive_port(text: &str) -> Option<u16> {
    text.as_bytes()
        .windows(4)
        .enumerate()
        .filter(|(_, window)| {
            window[0] == b'('
                && is_delimiter(window[1])
                && window[1] == window[2]
                && window[2] == window[3]
        })
        .find_map(|(at, window)| {
            let rest = &text.as_bytes()[at + 4..];
            // Five digits and what ends them; a longer number is no port.
            let length = rest.iter().take(6).position(|&byte| byte == window[1])?;
            number(&rest[..length])
        })
}

/// A port in digits alone: no sign, which `u16::from_str` would take.
fn number(digits: &[u8]) -> Option<u16> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 2428 section 2.
    #[test]
    fn the_rfcs_examples() {
        let four: SocketAddr = "132.235.1.2:6275".parse().unwrap();
        let six: SocketAddr = "[1080::8:800:200C:417A]:5282".parse().unwrap();
        assert_eq!("|1|132.235.1.2|6275|".parse(), Ok(ExtendedPort(four)));
        assert_eq!(
            "|2|1080::8:800:200C:417A|5282|".parse(),
            Ok(ExtendedPort(six))
        );
        assert_eq!("!1!132.235.1.2!6275!".parse(), Ok(ExtendedPort(four)));
        assert_eq!(
            extended_passive_port("Entering Extended Passive Mode (|||6446|)"),
            Some(6446)
        );
    }

    #[test]
    fn what_is_neither() {
        for text in [
            "",
            "|",
            "|2|132.235.1.2|6275|",
            "|1|132.235.1.2|65536|",
            "|1|132.235.1.2|+21|",
            "|1|132.235.1.2|6275",
            "|1|132.235.1.2|6275||",
            " 1 132.235.1.2 6275 ",
            "ü1ü132.235.1.2ü6275ü",
        ] {
            assert_eq!(
                text.parse::<ExtendedPort>(),
                Err(ExtendedPortError),
                "{text}"
            );
        }
        for text in [
            "",
            "(|||)",
            "(|||65536|)",
            "(||6446|)",
            "(|||6446)",
            "(|||123456|)",
        ] {
            assert_eq!(extended_passive_port(text), None, "{text}");
        }
        assert_eq!(extended_passive_port("(see) (!!!21!)"), Some(21));
    }

    proptest! {
        #[test]
        fn render_and_parse_are_inverse(ip in any::<IpAddr>(), port in any::<u16>()) {
            let extended = ExtendedPort(SocketAddr::new(ip, port));
            prop_assert_eq!(extended.to_string().parse(), Ok(extended));
            prop_assert_eq!(extended_passive_port(&format!("mode (|||{port}|)")), Some(port));
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC{0,40}") {
            let _ = text.parse::<ExtendedPort>();
            let _ = extended_passive_port(&text);
        }
    }
}
