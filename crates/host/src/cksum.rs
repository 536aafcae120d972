/// The checksum of POSIX `cksum`: CRC-32 with the polynomial 0x04C11DB7, most significant bit first, over the bytes and
/// then their number, least significant byte first (IEEE Std 1003.1, `cksum`).
pub(crate) fn cksum(bytes: &[u8]) -> u32 {
    let mut length = bytes.len() as u64;
    let mut crc = bytes.iter().fold(0, |crc, byte| step(crc, *byte));
    while length > 0 {
        crc = step(crc, length as u8);
        length >>= 8;
    }
    !crc
}

fn step(crc: u32, byte: u8) -> u32 {
    (crc << 8) ^ TABLE[usize::from((crc >> 24) as u8 ^ byte)]
}

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let mut crc = (at as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000_0000 == 0 {
                crc << 1
            } else {
                (crc << 1) ^ 0x04c1_1db7
            };
            bit += 1;
        }
        table[at] = crc;
        at += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What coreutils 9.1 writes of the same bytes.
    #[test]
    fn it_is_what_cksum_writes() {
        assert_eq!(cksum(b""), 4_294_967_295);
        assert_eq!(cksum(b"123456789"), 930_766_865);
        assert_eq!(cksum(&[b'x'; 300]), 3_786_917_833);
    }
}
