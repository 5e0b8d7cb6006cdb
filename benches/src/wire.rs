//! What goes over the wire: payloads and frames, made without any of the libraries under test.

/// The largest message and frame that every library is told to accept.
pub const LIMIT: usize = 128 << 20;

/// What a message holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Text in one byte per character, as JSON mostly is.
    Ascii,
    /// Any bytes.
    Binary,
    /// Text mostly in two to four bytes per character.
    MultiByte,
}

impl Kind {
    /// All of them, in the order of the tables.
    pub const ALL: [Self; 3] = [Self::Binary, Self::Ascii, Self::MultiByte];

    /// As tables name it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ascii => "ASCII text",
            Self::Binary => "binary",
            Self::MultiByte => "multi-byte text",
        }
    }

    /// Is it sent as text?
    #[must_use]
    pub const fn is_text(self) -> bool {
        !matches!(self, Self::Binary)
    }

    /// A payload of exactly `len` bytes.
    #[must_use]
    pub fn payload(self, len: usize) -> Vec<u8> {
        const ASCII: &str = r#"{"channel":"book.BTC-PERPETUAL","data":[[64021.5,1200.0]],"id":7}"#;
        const MULTI: &str =
            "Ἐν ἀρχῇ ἦν ὁ λόγος, 世界は広い、 Привет мир 🌍 größer než žluťoučký kůň ";
        let mut numbers = Numbers::new(len as u64);
        match self {
            Self::Binary => (0..len).map(|_| numbers.draw().to_le_bytes()[0]).collect(),
            Self::Ascii => ASCII.bytes().cycle().take(len).collect(),
            Self::MultiByte => {
                let mut text = String::with_capacity(len);
                let fitting = MULTI
                    .chars()
                    .cycle()
                    .take_while(|c| text_fits(&mut text, *c, len));
                let _ = fitting.count();
                text.extend(std::iter::repeat_n('x', len - text.len()));
                text.into_bytes()
            }
        }
    }
}

/// Appends a character if it fits.
fn text_fits(text: &mut String, c: char, len: usize) -> bool {
    let fits = text.len() + c.len_utf8() <= len;
    if fits {
        text.push(c);
    }
    fits
}

/// A cheap stream of numbers that look random; the same on every run.
#[derive(Clone, Debug)]
pub struct Numbers(u64);

impl Numbers {
    /// A stream chosen by `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed ^ 0x9e37_79b9_7f4a_7c15)
    }

    /// The next number.
    pub const fn draw(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// The next masking key.
    pub const fn key(&mut self) -> u32 {
        let [a, b, c, d, ..] = self.draw().to_be_bytes();
        u32::from_be_bytes([a, b, c, d])
    }
}

/// Appends a message, cut into `fragments` frames of about equal size (RFC 6455 §5.2, §5.4).
pub fn message(out: &mut Vec<u8>, kind: Kind, payload: &[u8], fragments: usize, mask: Option<u32>) {
    let fragments = fragments.max(1);
    for i in 0..fragments {
        let from = payload.len() * i / fragments;
        let to = payload.len() * (i + 1) / fragments;
        let opcode = match (i, kind.is_text()) {
            (0, true) => 1,
            (0, false) => 2,
            _ => 0,
        };
        let fin = if i + 1 == fragments { 0x80 } else { 0 };
        frame(out, fin | opcode, &payload[from..to], mask);
    }
}

/// Appends a frame whose first byte is `first`.
fn frame(out: &mut Vec<u8>, first: u8, payload: &[u8], mask: Option<u32>) {
    let masked = if mask.is_some() { 0x80 } else { 0 };
    let len = payload.len();
    out.push(first);
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(len @ 0..=125), _) => out.push(masked | len),
        (_, Ok(len)) => {
            out.push(masked | 126);
            out.extend_from_slice(&len.to_be_bytes());
        }
        _ => {
            out.push(masked | 127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    let key = mask.unwrap_or(0).to_be_bytes();
    if mask.is_some() {
        out.extend_from_slice(&key);
    }
    out.extend(
        payload
            .iter()
            .zip(key.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
}

/// Reads one whole unfragmented frame back, to check what an encoder wrote: its first byte, its
/// unmasked payload, and its length on the wire.
#[must_use]
pub fn parse(bytes: &[u8]) -> Option<(u8, Vec<u8>, usize)> {
    let (&first, second) = (bytes.first()?, *bytes.get(1)?);
    let (len, mut at) = match second & 0x7f {
        126 => (
            usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)),
            4,
        ),
        127 => (
            usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?,
            10,
        ),
        len => (usize::from(len), 2),
    };
    let mut key = [0; 4];
    if second & 0x80 != 0 {
        key = bytes.get(at..at + 4)?.try_into().ok()?;
        at += 4;
    }
    let payload = bytes.get(at..at.checked_add(len)?)?;
    let payload = payload
        .iter()
        .zip(key.iter().cycle())
        .map(|(byte, key)| byte ^ key);
    Some((first, payload.collect(), at + len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_those_of_the_rfc() {
        // RFC 6455 §5.7: "Hello", masked and unmasked, then in two fragments.
        let mut out = Vec::new();
        message(&mut out, Kind::Ascii, b"Hello", 1, Some(0x37fa_213d));
        message(&mut out, Kind::Ascii, b"Hello", 1, None);
        assert_eq!(out[..11], *b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
        assert_eq!(out[11..], *b"\x81\x05Hello");
        out.clear();
        message(&mut out, Kind::Ascii, b"Hello", 2, None);
        assert_eq!(out, b"\x01\x02He\x80\x03llo");
    }

    #[test]
    fn what_is_written_is_read_back() {
        for len in [0, 125, 126, 65_535, 65_536] {
            for mask in [None, Some(0x1234_5678)] {
                let payload = Kind::Binary.payload(len);
                let mut out = Vec::new();
                message(&mut out, Kind::Binary, &payload, 1, mask);
                assert_eq!(parse(&out), Some((0x82, payload, out.len())));
                assert_eq!(parse(&out[..out.len() - 1]), None);
            }
        }
    }

    #[test]
    fn payloads_have_their_size_and_kind() {
        for kind in Kind::ALL {
            for len in [0, 1, 16, 1000] {
                let payload = kind.payload(len);
                assert_eq!(payload.len(), len);
                assert!(!kind.is_text() || std::str::from_utf8(&payload).is_ok());
                let ascii = payload.iter().filter(|byte| byte.is_ascii()).count();
                assert!(
                    kind != Kind::MultiByte || ascii * 3 < len || len < 16,
                    "{ascii}"
                );
            }
        }
    }
}
