//! The protobuf wire format: takes fields off the front of a message, with their byte offsets.

/// The content of a field.
#[derive(Debug, Clone, Copy)]
pub(super) enum Content<'a> {
    Varint(u64),
    Eight(u64),
    Bytes(Message<'a>),
    Four,
}

/// A part of the input and its offset.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Message<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

pub(super) type Fault = (usize, String);

impl<'a> Message<'a> {
    /// Takes the next field off the front, if there is one.
    pub(super) fn field(&mut self) -> Result<Option<(u64, Content<'a>)>, Fault> {
        if self.bytes.is_empty() {
            return Ok(None);
        }
        let at = self.at;
        let tag = self.varint()?;
        let number = tag >> 3;
        if number == 0 || number > 0x1fff_ffff {
            return Err((at, format!("invalid field number {number}; the input is damaged or not protobuf")));
        }
        let content = match tag & 7 {
            0 => Content::Varint(self.varint()?),
            1 => Content::Eight(u64::from_le_bytes(*self.take(8)?.bytes.first_chunk().ok_or((at, String::new()))?)),
            2 => Content::Bytes(self.delimited()?),
            5 => {
                self.take(4)?;
                Content::Four
            }
            other => {
                return Err((at, format!("unknown wire type {other}; the input is damaged or not protobuf")));
            }
        };
        Ok(Some((number, content)))
    }

    pub(super) fn varint(&mut self) -> Result<u64, Fault> {
        let mut number = 0u64;
        for (at, byte) in self.bytes.iter().enumerate().take(10) {
            let part = u64::from(byte & 0x7f);
            number |= part << (7 * at);
            if byte & 0x80 == 0 {
                if at == 9 && part > 1 {
                    break;
                }
                self.take(at + 1)?;
                return Ok(number);
            }
        }
        let problem = match self.bytes.len() {
            0..10 => "the input ends within a number; it is truncated",
            _ => "a number has more than 64 bits; the input is damaged or not protobuf",
        };
        Err((self.at, problem.into()))
    }

    pub(super) fn delimited(&mut self) -> Result<Message<'a>, Fault> {
        let at = self.at;
        let length = self.varint()?;
        let left = self.bytes.len();
        usize::try_from(length).ok().filter(|length| *length <= left).map_or_else(
            || Err((at, format!("expected {length} bytes, got {left}; the input is truncated or not protobuf"))),
            |length| self.take(length),
        )
    }

    pub(super) fn take(&mut self, length: usize) -> Result<Message<'a>, Fault> {
        let Some((taken, rest)) = self.bytes.split_at_checked(length) else {
            return Err((self.at, "the input ends within a field; it is truncated".into()));
        };
        let message = Message { bytes: taken, at: self.at };
        *self = Message { bytes: rest, at: self.at + length };
        Ok(message)
    }

    pub(super) fn text(self, what: &str) -> Result<&'a str, Fault> {
        str::from_utf8(self.bytes)
            .map_err(|error| (self.at + error.valid_up_to(), format!("{what} is not UTF-8; the input is damaged")))
    }
}

impl<'a> Content<'a> {
    pub(super) fn message(self, at: usize) -> Result<Message<'a>, Fault> {
        match self {
            Self::Bytes(message) => Ok(message),
            _ => Err((at, "expected a message or text, got a number; the schema differs".into())),
        }
    }

    pub(super) fn varint(self, at: usize) -> Result<u64, Fault> {
        match self {
            Self::Varint(number) => Ok(number),
            _ => Err((at, "expected an integer; the schema differs".into())),
        }
    }

    pub(super) fn double(self, at: usize) -> Result<f64, Fault> {
        match self {
            Self::Eight(bits) => Ok(f64::from_bits(bits)),
            _ => Err((at, "expected a double; the schema differs".into())),
        }
    }
}

pub(super) fn zigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

/// Appends repeated integers, packed or not.
pub(super) fn varints(content: Content, at: usize, out: &mut Vec<i64>) -> Result<(), Fault> {
    match content {
        Content::Bytes(mut packed) => {
            while !packed.bytes.is_empty() {
                out.push(zigzag(packed.varint()?));
            }
        }
        other => out.push(zigzag(other.varint(at)?)),
    }
    Ok(())
}

/// Appends repeated doubles, packed or not.
pub(super) fn doubles(content: Content, at: usize, out: &mut Vec<f64>) -> Result<(), Fault> {
    match content {
        Content::Bytes(packed) => {
            let (doubles, rest) = packed.bytes.as_chunks::<8>();
            if !rest.is_empty() {
                return Err((packed.at, "the doubles are not 8 bytes each; the input is damaged".into()));
            }
            out.extend(doubles.iter().map(|bytes| f64::from_le_bytes(*bytes)));
        }
        other => out.push(other.double(at)?),
    }
    Ok(())
}
