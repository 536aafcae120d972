/// Walks over the attributes in a stretch of bytes. Ends at the first one
/// that does not fit, so that broken input yields less and never fails.
#[derive(Debug, Clone)]
pub struct Attributes<'a>(&'a [u8]);

impl<'a> Attributes<'a> {
    /// Those in these bytes.
    pub fn new(bytes: &'a [u8]) -> Attributes<'a> {
        Attributes(bytes)
    }

    /// Those behind a fixed header of that length.
    pub fn after(body: &'a [u8], header: usize) -> Attributes<'a> {
        Attributes(body.get(header..).unwrap_or_default())
    }

    /// The value of the first of that type.
    pub fn find(mut self, kind: u16) -> Option<&'a [u8]> {
        Iterator::find(&mut self, |(found, _)| *found == kind).map(|(_, value)| value)
    }
}

impl<'a> Iterator for Attributes<'a> {
    /// The attribute's type, without the bits for nesting and byte order, and its value.
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<(u16, &'a [u8])> {
        let (header, _) = self.0.split_first_chunk::<4>()?;
        let length = usize::from(u16::from_ne_bytes([header[0], header[1]]));
        let kind = u16::from_ne_bytes([header[2], header[3]]) & 0x3fff; // NLA_TYPE_MASK
        let value = self.0.get(4..length)?;
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    }
}

/// A number in the machine's byte order, at a place in a header.
pub fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// A number in the machine's byte order, at a place in a header.
pub fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// A value's first byte.
pub fn byte(value: &[u8]) -> Option<u8> {
    value.first().copied()
}

/// A value as a number in network byte order.
pub fn be16(value: &[u8]) -> Option<u16> {
    value.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

/// A value as a number in network byte order.
pub fn be32(value: &[u8]) -> Option<u32> {
    value.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

/// A value as a number in network byte order.
pub fn signed_be32(value: &[u8]) -> Option<i32> {
    value.first_chunk().map(|bytes| i32::from_be_bytes(*bytes))
}

/// A value as a number in network byte order.
pub fn be64(value: &[u8]) -> Option<u64> {
    value.first_chunk().map(|bytes| u64::from_be_bytes(*bytes))
}

/// A value as text, up to its NUL. `None` where it is not UTF-8, which no name of a table or chain is.
pub fn text(value: &[u8]) -> Option<&str> {
    let end = value.iter().position(|byte| *byte == 0);
    std::str::from_utf8(&value[..end.unwrap_or(value.len())]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::Body;

    #[test]
    fn attributes_come_back_as_they_were_put() {
        let mut body = Body::default();
        body.text(1, "filter").be32(2, 7).nested(3, |inner| {
            inner.byte(1, 9);
        });
        let bytes = body.into_bytes();
        let mut walk = Attributes::new(&bytes);
        let first = walk.next().map(|(kind, value)| (kind, text(value)));
        assert_eq!(first, Some((1, Some("filter"))));
        let second = walk.next().map(|(kind, value)| (kind, be32(value)));
        assert_eq!(second, Some((2, Some(7))));
        let (kind, nested) = walk.next().expect("a third attribute was put");
        assert_eq!(kind, 3);
        let nested: Vec<_> = Attributes::new(nested).collect();
        assert_eq!(nested, [(1, &[9u8][..])]);
        assert_eq!(walk.next(), None);
        assert_eq!(Attributes::new(&bytes).find(2).and_then(be32), Some(7));
    }

    #[test]
    fn a_length_that_lies_ends_the_walk() {
        for length in [0u16, 3, 5, 200] {
            let mut bytes = length.to_ne_bytes().to_vec();
            bytes.extend(1u16.to_ne_bytes());
            assert_eq!(Attributes::new(&bytes).next(), None, "length {length}");
        }
    }
}
