//! Numbers as iptables reads them.

/// A number as `xtables_strtoul` reads it: decimal, `0x` hexadecimal, `0` octal.
pub(super) fn integer(text: &str) -> Option<u64> {
    let text = text.strip_prefix('+').unwrap_or(text);
    if !text.starts_with(|char: char| char.is_ascii_digit()) {
        return None;
    }
    if let Some(digits) = text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        return u64::from_str_radix(digits, 16).ok();
    }
    match text.strip_prefix('0') {
        Some(digits) if !digits.is_empty() => u64::from_str_radix(digits, 8).ok(),
        _ => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_three_bases() {
        assert_eq!(integer("21"), Some(21));
        assert_eq!(integer("021"), Some(17));
        assert_eq!(integer("0x15"), Some(21));
        assert_eq!(integer("+5"), Some(5));
        assert_eq!(integer("0"), Some(0));
        for no in ["", "-5", "08", "0x", "ftp", "99999999999999999999"] {
            assert_eq!(integer(no), None, "{no}");
        }
    }
}
