//! A plain decoder to compare with: the whole input at once, one byte after the other, as RFC 6455
//! sections 5 to 8 tell it. It is slow, keeps everything, and shares no code with the crate.

use ws_core::Role;
use ws_core::message::Limits;

/// Something the application would be shown.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Seen {
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Text(String),
}

/// How the input ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Ended {
    /// A Close frame with this payload.
    Closed(Vec<u8>),
    /// A fault that is answered with this code.
    Fault(u16),
    /// More is to come.
    Open,
}

/// Reads everything that an end of this role receives.
pub(crate) fn decode(role: Role, limits: &Limits, input: &[u8]) -> (Vec<Seen>, Ended) {
    let mut reader = Reader { input, at: 0 };
    let mut state = State {
        role,
        limits,
        message: None,
        seen: Vec::new(),
    };
    let ended = loop {
        match state.frame(&mut reader) {
            Ok(()) => {}
            Err(ended) => break ended,
        }
    };
    (state.seen, ended)
}

struct Reader<'a> {
    input: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn byte(&mut self) -> Result<u8, Ended> {
        let byte = self.input.get(self.at).ok_or(Ended::Open)?;
        self.at += 1;
        Ok(*byte)
    }
}

struct Message {
    text: bool,
    data: Vec<u8>,
    /// The bytes of a character that is not complete yet.
    character: Vec<u8>,
    frames: u32,
    empty: u32,
}

struct State<'a> {
    role: Role,
    limits: &'a Limits,
    message: Option<Message>,
    seen: Vec<Seen>,
}

fn check(rule: bool, code: u16) -> Result<(), Ended> {
    if rule {
        Ok(())
    } else {
        Err(Ended::Fault(code))
    }
}

impl State<'_> {
    fn frame(&mut self, reader: &mut Reader<'_>) -> Result<(), Ended> {
        // §5.2: FIN, RSV1-3, opcode
        let first = reader.byte()?;
        let (fin, opcode) = (first & 0x80 != 0, first & 0x0f);
        check(first & 0x70 == 0, 1002)?;
        check(matches!(opcode, 0 | 1 | 2 | 8 | 9 | 10), 1002)?;
        let control = opcode >= 8;
        check(fin || !control, 1002)?;

        // MASK, payload length
        let second = reader.byte()?;
        check((second & 0x80 != 0) == (self.role == Role::Server), 1002)?;
        let mut len = u64::from(second & 0x7f);
        check(!control || len <= 125, 1002)?;
        let (more, least) = match len {
            126 => (2, 126),
            127 => (8, 65_536),
            _ => (0, 0),
        };
        if more > 0 {
            len = 0;
            for _ in 0..more {
                len = len << 8 | u64::from(reader.byte()?);
            }
        }
        check(len >= least && len < 1 << 63, 1002)?;
        let mut key = [0; 4];
        if second & 0x80 != 0 {
            for byte in &mut key {
                *byte = reader.byte()?;
            }
        }

        if control {
            let payload = self.payload(reader, len, key, |_| Ok(()))?;
            return self.control(opcode, payload);
        }
        self.data(reader, fin, opcode, len, key)
    }

    /// Unmasks the payload, showing each byte to `look` as it comes.
    fn payload(
        &self,
        reader: &mut Reader<'_>,
        len: u64,
        key: [u8; 4],
        mut look: impl FnMut(u8) -> Result<(), Ended>,
    ) -> Result<Vec<u8>, Ended> {
        let mut payload = Vec::new();
        for i in 0..len {
            let byte = reader.byte()? ^ key[usize::try_from(i % 4).expect("small")];
            look(byte)?;
            payload.push(byte);
        }
        Ok(payload)
    }

    fn control(&mut self, opcode: u8, payload: Vec<u8>) -> Result<(), Ended> {
        match (opcode, &payload[..]) {
            (9, _) => self.seen.push(Seen::Ping(payload)),
            (10, _) => self.seen.push(Seen::Pong(payload)),
            // §5.5.1, §7.4
            (_, []) => return Err(Ended::Closed(payload)),
            (_, [_]) => return Err(Ended::Fault(1002)),
            (_, [high, low, reason @ ..]) => {
                let code = u16::from(*high) << 8 | u16::from(*low);
                let registered = matches!(code, 1000..=1014) && !matches!(code, 1004..=1006);
                check(registered || matches!(code, 3000..=4999), 1002)?;
                check(Text::of(reason) == Text::Whole, 1007)?;
                return Err(Ended::Closed(payload));
            }
        }
        Ok(())
    }

    fn data(
        &mut self,
        reader: &mut Reader<'_>,
        fin: bool,
        opcode: u8,
        len: u64,
        key: [u8; 4],
    ) -> Result<(), Ended> {
        // §5.4
        let started = self.message.is_some();
        check(started == (opcode == 0), 1002)?;
        let mut message = self.message.take().unwrap_or(Message {
            text: opcode == 1,
            data: Vec::new(),
            character: Vec::new(),
            frames: 0,
            empty: 0,
        });
        let held = message.data.len();
        let (max_frame, max_message) = (self.limits.max_frame, self.limits.max_message);
        check(u128::from(len) <= max_frame as u128, 1009)?;
        check(held as u128 + u128::from(len) <= max_message as u128, 1009)?;
        if started || !fin {
            message.frames += 1;
            message.empty = if len == 0 { message.empty + 1 } else { 0 };
            check(message.frames <= self.limits.max_fragments, 1008)?;
            check(message.empty <= self.limits.max_empty_fragments, 1008)?;
        }
        // §8.1, byte by byte: what no text begins with fails at once
        let (is_text, character) = (message.text, &mut message.character);
        let payload = self.payload(reader, len, key, |byte| {
            if !is_text {
                return Ok(());
            }
            character.push(byte);
            let so_far = Text::of(character);
            if so_far == Text::Whole {
                character.clear();
            }
            check(so_far != Text::Never, 1007)
        })?;
        message.data.extend(payload);
        if !fin {
            self.message = Some(message);
        } else if message.text {
            check(message.character.is_empty(), 1007)?;
            let text = String::from_utf8(message.data).expect("checked");
            self.seen.push(Seen::Text(text));
        } else {
            self.seen.push(Seen::Binary(message.data));
        }
        Ok(())
    }
}

/// What bytes are as text (RFC 3629 §4).
#[derive(Debug, PartialEq)]
enum Text {
    /// Text, but for the end of its last character.
    Cut,
    /// Not text, whatever follows.
    Never,
    Whole,
}

impl Text {
    fn of(mut bytes: &[u8]) -> Self {
        while let [first, rest @ ..] = bytes {
            let ranges: &[(u8, u8)] = match first {
                0x00..=0x7f => &[],
                0xc2..=0xdf => &[(0x80, 0xbf)],
                0xe0 => &[(0xa0, 0xbf), (0x80, 0xbf)],
                0xed => &[(0x80, 0x9f), (0x80, 0xbf)],
                0xe1..=0xef => &[(0x80, 0xbf), (0x80, 0xbf)],
                0xf0 => &[(0x90, 0xbf), (0x80, 0xbf), (0x80, 0xbf)],
                0xf1..=0xf3 => &[(0x80, 0xbf), (0x80, 0xbf), (0x80, 0xbf)],
                0xf4 => &[(0x80, 0x8f), (0x80, 0xbf), (0x80, 0xbf)],
                _ => return Self::Never,
            };
            for (i, (low, high)) in ranges.iter().enumerate() {
                match rest.get(i) {
                    Some(byte) if (low..=high).contains(&byte) => {}
                    Some(_) => return Self::Never,
                    None => return Self::Cut,
                }
            }
            bytes = &rest[ranges.len()..];
        }
        Self::Whole
    }
}
