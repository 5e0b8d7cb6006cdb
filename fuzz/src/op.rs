//! The operations of the targets that run a row of them, as the byte that begins each.
//!
//! Only for those who write seeds: changing a number here gives every file of the corpus another
//! meaning, so new operations go to the end.

/// The operations of [`connection`](crate::connection()).
pub mod connection {
    /// How many there are; a byte counts modulo this.
    pub const COUNT: u8 = 24;
    /// The peer writes bytes: a chunk.
    pub const WIRE: u8 = 0;
    /// The peer writes a well-formed frame: its first byte, then a chunk.
    pub const FRAME: u8 = 1;
    /// The peer writes a long frame: its first byte, a byte to fill it with, its size.
    pub const LONG: u8 = 2;
    /// Bytes arrive: a number.
    pub const READ: u8 = 3;
    /// Bytes arrive in another way: the way, storage, a number.
    pub const READ_AS: u8 = 4;
    /// All bytes arrive and all events are taken.
    pub const TAKE_ALL: u8 = 5;
    /// An event is taken, lent.
    pub const TAKE: u8 = 6;
    /// An event is taken, owned.
    pub const TAKE_OWNED: u8 = 7;
    /// An event is looked at and left there.
    pub const PEEK: u8 = 8;
    /// An event is taken and something is sent while it is lent.
    pub const TAKE_AND_SEND: u8 = 9;
    /// The application sends; see [`send`](super::send).
    pub const SEND: u8 = 10;
    /// A chunk is written: a number.
    pub const WRITE: u8 = 11;
    /// Several chunks are written at once: how many, and a number.
    pub const WRITE_VECTORED: u8 = 12;
    /// A piece is taken out of the queue.
    pub const POP: u8 = 13;
    /// A part of that piece is written and the rest put back: a number.
    pub const UNPOP: u8 = 14;
    /// Everything is written.
    pub const WRITE_ALL: u8 = 15;
    /// Time passes, unnoticed: which.
    pub const SLEEP: u8 = 16;
    /// Time passes and deadlines are handled: which.
    pub const WAKE: u8 = 17;
    /// Time passes up to the next deadline, which is handled.
    pub const NEXT_DEADLINE: u8 = 18;
    /// The connection is closed: code, and a chunk as reason.
    pub const CLOSE: u8 = 19;
    /// Nothing more will be received: how it ended.
    pub const LOST: u8 = 20;
    /// Nothing more can be written.
    pub const UNWRITABLE: u8 = 21;
    /// The storage of the receive buffer is taken and given back or not.
    pub const SWAP_RECEIVING: u8 = 22;
    /// The storage of the send queue is taken and given back or not.
    pub const SWAP_SENDING: u8 = 23;
}

/// What an application may send; the byte behind `SEND`.
pub mod send {
    /// How many there are; a byte counts modulo this.
    pub const COUNT: u8 = 12;
    /// A text message: a payload.
    pub const TEXT: u8 = 0;
    /// A binary message: a payload.
    pub const BINARY: u8 = 1;
    /// A text message, shared.
    pub const SHARED_TEXT: u8 = 2;
    /// A binary message, shared.
    pub const SHARED_BINARY: u8 = 3;
    /// A ping: a chunk.
    pub const PING: u8 = 4;
    /// A pong: a chunk.
    pub const PONG: u8 = 5;
    /// The first piece of a message: its kind, a chunk.
    pub const FRAGMENT: u8 = 6;
    /// A further piece: a byte that is not looked at, a chunk.
    pub const CONTINUATION: u8 = 7;
    /// The last piece: likewise.
    pub const FINISH: u8 = 8;
    /// Several at once: how many, up to three, and a chunk for each: binary, text, ping.
    pub const BATCH: u8 = 9;
    /// A Close frame, by the sending half: code, and a chunk as reason.
    pub const CLOSE: u8 = 10;
    /// A binary message of a certain size: which, and a byte to fill it with.
    pub const SIZED: u8 = 11;
}

/// The operations of [`pair`](crate::pair()); the lowest bit of the next byte says which end.
pub mod pair {
    /// How many there are; a byte counts modulo this.
    pub const COUNT: u8 = 9;
    /// A whole round of the driver's loop: most bytes.
    pub const TURN: u8 = 0;
    /// The application sends; see [`send`](super::send).
    pub const SEND: u8 = 1;
    /// Bytes are written: a number.
    pub const WRITE: u8 = 2;
    /// Bytes are read: a number.
    pub const READ: u8 = 3;
    /// An event is taken.
    pub const TAKE: u8 = 4;
    /// The application closes: the code.
    pub const CLOSE: u8 = 5;
    /// Time passes: which, and who notices.
    pub const SLEEP: u8 = 6;
    /// Nothing can be written any more.
    pub const FAIL_WRITES: u8 = 7;
    /// The transport breaks in both directions.
    pub const BREAK: u8 = 8;
}
