/// What a message says, while it is written: a fixed header, and attributes.
#[derive(Debug, Default)]
pub struct Body {
    pub(super) bytes: Vec<u8>,
}

/// Marks an attribute that holds attributes (`NLA_F_NESTED`).
const NESTED: u16 = 0x8000;

impl Body {
    /// A fixed header, padded to four bytes.
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Body {
        self.bytes.extend_from_slice(bytes);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self
    }

    /// An attribute of bytes.
    pub fn bytes(&mut self, kind: u16, value: &[u8]) -> &mut Body {
        self.attribute(kind, |bytes| bytes.extend_from_slice(value))
    }

    /// An attribute of text, with the NUL that the kernel wants.
    pub fn text(&mut self, kind: u16, value: &str) -> &mut Body {
        self.attribute(kind, |bytes| {
            bytes.extend_from_slice(value.as_bytes());
            bytes.push(0);
        })
    }

    /// An attribute of one byte.
    pub fn byte(&mut self, kind: u16, value: u8) -> &mut Body {
        self.bytes(kind, &[value])
    }

    /// A number in the machine's byte order, as rtnetlink has it.
    pub fn u32(&mut self, kind: u16, value: u32) -> &mut Body {
        self.bytes(kind, &value.to_ne_bytes())
    }

    /// A number in network byte order, as nfnetlink has it.
    pub fn be16(&mut self, kind: u16, value: u16) -> &mut Body {
        self.bytes(kind, &value.to_be_bytes())
    }

    /// A number in network byte order, as nfnetlink has it.
    pub fn be32(&mut self, kind: u16, value: u32) -> &mut Body {
        self.bytes(kind, &value.to_be_bytes())
    }

    /// A number in network byte order, as nfnetlink has it.
    pub fn signed_be32(&mut self, kind: u16, value: i32) -> &mut Body {
        self.bytes(kind, &value.to_be_bytes())
    }

    /// A number in network byte order, as nfnetlink has it.
    pub fn be64(&mut self, kind: u16, value: u64) -> &mut Body {
        self.bytes(kind, &value.to_be_bytes())
    }

    /// An attribute whose value is what `write` writes.
    pub fn nested(&mut self, kind: u16, write: impl FnOnce(&mut Body)) -> &mut Body {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        write(self);
        self.head(start, kind | NESTED);
        self
    }

    fn attribute(&mut self, kind: u16, value: impl FnOnce(&mut Vec<u8>)) -> &mut Body {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        value(&mut self.bytes);
        self.head(start, kind);
        self.raw(&[])
    }

    /// Writes the head of the attribute that begins there and ends here.
    fn head(&mut self, start: usize, kind: u16) {
        let length = u16::try_from(self.bytes.len() - start);
        let length = length.expect("an attribute that is written here is below 64 KiB");
        self.bytes[start..start + 2].copy_from_slice(&length.to_ne_bytes());
        self.bytes[start + 2..start + 4].copy_from_slice(&kind.to_ne_bytes());
    }

    /// The bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}
