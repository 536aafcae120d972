use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::str::FromStr;

/// A text is no host-port: six numbers of 0 to 255 with commas between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no host-port: six numbers of 0 to 255 with commas between them are needed")]
pub struct HostPortError;

/// The argument of PORT and the content of a 227 reply (RFC 959 section 4.1.2):
/// `192,168,0,211,154,208` is port 154 × 256 + 208 of 192.168.0.211.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPort(pub SocketAddrV4);

impl HostPort {
    /// Finds the six numbers in the text of a 227 reply.
    ///
    /// RFC 1123 section 4.1.2.6: the format of the reply is not fixed, and a
    /// client must scan it for the first digit of the numbers. Servers of the
    /// field leave out the parentheses, or write other digits before them.
    pub fn find(text: &str) -> Option<HostPort> {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            if bytes[at].is_ascii_digit() {
                if let Some((host_port, _)) = HostPort::read(&bytes[at..]) {
                    return Some(host_port);
                }
                // The numbers begin at a number's first digit: to try again
                // inside this one would be wrong and, for long ones, quadratic.
                at += bytes[at..]
                    .iter()
                    .take_while(|byte| byte.is_ascii_digit())
                    .count();
            } else {
                at += 1;
            }
        }
        None
    }

    /// Reads six numbers from the front; says how many bytes they took.
    fn read(bytes: &[u8]) -> Option<(HostPort, usize)> {
        let mut numbers = [0_u8; 6];
        let mut at = 0;
        for (index, number) in numbers.iter_mut().enumerate() {
            if index > 0 {
                if bytes.get(at) != Some(&b',') {
                    return None;
                }
                at += 1;
            }
            let digits = bytes[at..]
                .iter()
                .take(3)
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            *number = std::str::from_utf8(&bytes[at..at + digits])
                .ok()?
                .parse()
                .ok()?;
            at += digits;
        }
        let [a, b, c, d, high, low] = numbers;
        let port = u16::from_be_bytes([high, low]);
        let address = SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), port);
        // A seventh number or a fourth digit: these are not the six.
        match bytes.get(at) {
            Some(byte) if byte.is_ascii_digit() => None,
            _ => Some((HostPort(address), at)),
        }
    }
}

impl FromStr for HostPort {
    type Err = HostPortError;

    /// Reads the argument of PORT: the six numbers and nothing else.
    fn from_str(text: &str) -> Result<HostPort, HostPortError> {
        match HostPort::read(text.as_bytes()) {
            Some((host_port, length)) if length == text.len() => Ok(host_port),
            _ => Err(HostPortError),
        }
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.0.ip().octets();
        let [high, low] = self.0.port().to_be_bytes();
        write!(f, "{a},{b},{c},{d},{high},{low}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn socket(text: &str) -> HostPort {
        HostPort(text.parse().unwrap())
    }

    #[test]
    fn the_seeds_ports() {
        assert_eq!(
            "192,168,0,211,154,208".parse(),
            Ok(socket("192.168.0.211:39632"))
        );
        assert_eq!(
            HostPort::find("Entering Passive Mode (192,168,0,201,122,8)."),
            Some(socket("192.168.0.201:31240"))
        );
    }

    /// RFC 1123 section 4.1.2.6.
    #[test]
    fn lenient_in_a_reply() {
        let expected = Some(socket("10.0.0.1:1024"));
        for text in [
            "10,0,0,1,4,0",
            "=10,0,0,1,4,0",
            "Entering Passive Mode 10,0,0,1,4,0",
            "Passive v2.1, 5 (10,0,0,1,4,0)",
            "(010,000,000,001,004,000)",
        ] {
            assert_eq!(HostPort::find(text), expected, "{text}");
        }
        for text in [
            "",
            "no",
            "1,2,3,4,5",
            "256,1,1,1,1,1",
            "1,1,1,1,1,2567",
            "1.1.1.1:21",
        ] {
            assert_eq!(HostPort::find(text), None, "{text}");
        }
    }

    #[test]
    fn strict_in_a_command() {
        for text in [
            "(10,0,0,1,4,0)",
            "10,0,0,1,4,0 ",
            " 10,0,0,1,4,0",
            "10,0,0,1,4,-1",
            "10,0,0,1,4",
        ] {
            assert_eq!(text.parse::<HostPort>(), Err(HostPortError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn render_and_parse_are_inverse(ip in any::<u32>(), port in any::<u16>()) {
            let host_port = HostPort(SocketAddrV4::new(ip.into(), port));
            prop_assert_eq!(host_port.to_string().parse(), Ok(host_port));
            prop_assert_eq!(HostPort::find(&format!("({host_port})")), Some(host_port));
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "[0-9,() a-z]{0,80}") {
            let _ = HostPort::find(&text);
            let _ = text.parse::<HostPort>();
        }
    }
}
