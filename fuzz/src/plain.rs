//! A plain decoder to judge by: all bytes at once, one frame after the other, as sections 5, 7 and 8
//! of RFC 6455 tell it. It shares no code with the crate that it judges.
//!
//! It serves twice: what a connection makes of received bytes must be what this makes of them, and
//! what a connection writes must be without fault here.

use core::str;

use ws_core::Role;
use ws_core::message::Limits;

/// A message, ping or pong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Seen {
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Text(String),
}

impl Seen {
    pub(crate) fn is_message(&self) -> bool {
        matches!(self, Self::Binary(_) | Self::Text(_))
    }
}

/// How a stream of frames ends.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum End {
    /// With a Close frame; its payload.
    Close(Vec<u8>),
    /// With a fault; the close code that answers it.
    Fault(u16),
    /// It does not end: more is to come.
    Open,
}

/// Everything there is to tell about a stream of frames.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) seen: Vec<Seen>,
    pub(crate) end: End,
    /// Where the last whole frame ends.
    pub(crate) used: usize,
    /// The longest payload of a data frame.
    pub(crate) longest: usize,
}

/// Reads what an end of the role `from` has written.
pub(crate) fn decode(from: Role, limits: &Limits, wire: &[u8]) -> Told {
    let mut stream = Stream {
        from,
        limits,
        wire,
        at: 0,
        message: None,
        seen: Vec::new(),
        longest: 0,
    };
    let mut used = 0;
    let end = loop {
        match stream.frame() {
            Ok(()) => used = stream.at,
            Err(end) => break end,
        }
    };
    if let End::Close(_) = end {
        used = stream.at;
    }
    Told {
        seen: stream.seen,
        end,
        used,
        longest: stream.longest,
    }
}

struct Stream<'a> {
    from: Role,
    limits: &'a Limits,
    wire: &'a [u8],
    at: usize,
    message: Option<Message>,
    seen: Vec<Seen>,
    longest: usize,
}

struct Message {
    text: bool,
    data: Vec<u8>,
    /// So many bytes of it are whole characters.
    checked: usize,
    fragments: u32,
    empty: u32,
}

fn must(rule: bool, code: u16) -> Result<(), End> {
    if rule { Ok(()) } else { Err(End::Fault(code)) }
}

impl Stream<'_> {
    fn number(&mut self, bytes: usize) -> Result<u64, End> {
        let mut number = 0;
        for _ in 0..bytes {
            let byte = self.wire.get(self.at).ok_or(End::Open)?;
            number = number << 8 | u64::from(*byte);
            self.at += 1;
        }
        Ok(number)
    }

    fn frame(&mut self) -> Result<(), End> {
        let first = self.number(1)?;
        let (fin, opcode) = (first & 0x80 != 0, first & 0x0f);
        let control = opcode >= 8;
        must(first & 0x70 == 0, 1002)?;
        must(matches!(opcode, 0 | 1 | 2 | 8 | 9 | 10), 1002)?;
        must(fin || !control, 1002)?;

        let second = self.number(1)?;
        must((second & 0x80 != 0) == (self.from == Role::Client), 1002)?;
        must(!control || second & 0x7f <= 125, 1002)?;
        let len = match second & 0x7f {
            126 => {
                let len = self.number(2)?;
                must(len > 125, 1002)?;
                len
            }
            127 => {
                let len = self.number(8)?;
                must(len > 0xffff && len < 1 << 63, 1002)?;
                len
            }
            len => len,
        };
        let key = match self.from {
            Role::Client => self.number(4)?,
            Role::Server => 0,
        };
        if control {
            let (payload, whole) = self.payload(len, key);
            must(whole, 0).map_err(|_| End::Open)?;
            return self.control(opcode, payload);
        }
        self.data(fin, opcode, len, key)
    }

    /// What there is of a payload, and whether that is all of it.
    fn payload(&mut self, len: u64, key: u64) -> (Vec<u8>, bool) {
        let there = &self.wire[self.at..];
        let n = usize::try_from(len).map_or(there.len(), |len| len.min(there.len()));
        self.at += n;
        let mut payload = there[..n].to_vec();
        // In words, because a fuzzer notes every turn of a loop.
        let key = key << 32 | key;
        let mut words = payload.chunks_exact_mut(8);
        for word in &mut words {
            let clear = u64::from_be_bytes((&*word).try_into().expect("eight bytes")) ^ key;
            word.copy_from_slice(&clear.to_be_bytes());
        }
        for (byte, key) in words.into_remainder().iter_mut().zip(key.to_be_bytes()) {
            *byte ^= key;
        }
        (payload, n as u64 == len)
    }

    fn control(&mut self, opcode: u64, payload: Vec<u8>) -> Result<(), End> {
        match opcode {
            9 => self.seen.push(Seen::Ping(payload)),
            10 => self.seen.push(Seen::Pong(payload)),
            _ => {
                if let [high, low, reason @ ..] = &payload[..] {
                    let code = u16::from_be_bytes([*high, *low]);
                    must(
                        matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999),
                        1002,
                    )?;
                    must(str::from_utf8(reason).is_ok(), 1007)?;
                }
                must(payload.len() != 1, 1002)?;
                return Err(End::Close(payload));
            }
        }
        Ok(())
    }

    fn data(&mut self, fin: bool, opcode: u64, len: u64, key: u64) -> Result<(), End> {
        must((opcode == 0) == self.message.is_some(), 1002)?;
        let mut message = self.message.take().unwrap_or(Message {
            text: opcode == 1,
            data: Vec::new(),
            checked: 0,
            fragments: 0,
            empty: 0,
        });
        must(len <= self.limits.max_frame as u64, 1009)?;
        let total = (message.data.len() as u64).checked_add(len);
        must(
            total.is_some_and(|n| n <= self.limits.max_message as u64),
            1009,
        )?;
        if opcode == 0 || !fin {
            message.fragments += 1;
            message.empty = if len == 0 { message.empty + 1 } else { 0 };
            must(message.fragments <= self.limits.max_fragments, 1008)?;
            must(message.empty <= self.limits.max_empty_fragments, 1008)?;
        }
        let (payload, whole) = self.payload(len, key);
        self.longest = self.longest.max(payload.len());
        message.data.extend(payload);
        message.check(whole && fin)?;
        must(whole, 0).map_err(|_| End::Open)?;
        if !fin {
            self.message = Some(message);
        } else if message.text {
            let text = String::from_utf8(message.data).expect("checked");
            self.seen.push(Seen::Text(text));
        } else {
            self.seen.push(Seen::Binary(message.data));
        }
        Ok(())
    }
}

impl Message {
    /// Text must be text as far as it goes, and at its end a whole one.
    fn check(&mut self, last: bool) -> Result<(), End> {
        if !self.text {
            return Ok(());
        }
        match str::from_utf8(&self.data[self.checked..]) {
            Ok(text) => self.checked += text.len(),
            Err(error) => {
                must(error.error_len().is_none() && !last, 1007)?;
                self.checked += error.valid_up_to();
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(from: Role, wire: &[u8]) -> (Vec<Seen>, End, usize) {
        let Told {
            seen, end, used, ..
        } = decode(from, &Limits::default(), wire);
        (seen, end, used)
    }

    #[test]
    fn the_examples_of_the_rfc_are_read() {
        // RFC 6455 §5.7
        let hello = || vec![Seen::Text("Hello".into())];
        let wire = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
        assert_eq!(told(Role::Client, wire), (hello(), End::Open, 11));
        let wire = b"\x01\x03Hel\x80\x02lo\x89\x05Hello\x88";
        let seen = [hello(), vec![Seen::Ping(b"Hello".into())]].concat();
        assert_eq!(told(Role::Server, wire), (seen, End::Open, 16));
    }

    #[test]
    fn faults_and_ends_are_told_apart() {
        for (wire, end) in [
            (&b"\x88\x02\x03\xe8"[..], End::Close(vec![3, 232])),
            (b"\x88\x01\x03", End::Fault(1002)),
            (b"\x88\x02\x03\xed", End::Fault(1002)),
            (b"\x88\x03\x03\xe8\xff", End::Fault(1007)),
            (b"\x81\x05ab\xff", End::Fault(1007)),
            (b"\x81\x05ab\xe2", End::Open),
            (b"\x81\x01\xe2", End::Fault(1007)),
            (b"\x01\x01\xe2\x00\x01\x28", End::Fault(1007)),
            (b"\x80\x00", End::Fault(1002)),
            (b"\x82\x7e\x00\x7d", End::Fault(1002)),
            (
                b"\x82\x7f\x00\x00\x00\x00\x40\x00\x00\x00",
                End::Fault(1009),
            ),
            (b"\x81\x80", End::Fault(1002)),
            (b"\xc1", End::Fault(1002)),
        ] {
            assert_eq!(told(Role::Server, wire).1, end, "{wire:02x?}");
        }
    }
}
