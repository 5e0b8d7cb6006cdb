//! One end of a connection, under a row of operations.

mod check;
mod receive;
mod time;
mod write;

use bytes::{Bytes, BytesMut};
use ws_core::connection::{Closed, Config, Connection, OwnedEvent};
use ws_core::error::ProtocolError;
use ws_core::handshake::{Agreed, Opened};
use ws_core::{Instant, Machine, Role, Seed, TransportEnd};

use crate::config::{TIMES, config, limits};
use crate::input::Input;
use crate::op::connection as op;
use crate::plain::Seen;
use crate::reading::Reads;
use crate::sending::Sending;

/// A connection, by operations: bytes arrive in every way and at any time, the application sends
/// everything it can, the transport writes as much as it likes, time jumps, the transport ends.
///
/// Whatever happens: nothing panics; what is held is bounded; what is told is what a plain decoder
/// finds in the same bytes; what is written is a faultless stream of frames that holds what was
/// sent; no deadline asks for attention twice; and the end comes, is told once, and is the end.
///
/// Input: role, limits, configuration, clock, leftover of the handshake; then
/// [operations](crate::op::connection).
pub fn connection(data: &[u8]) {
    let mut input = Input::new(data);
    let mut run = Run::new(&mut input);
    for _ in 0..MOST_OPERATIONS {
        if input.is_empty() {
            break;
        }
        run.operation(&mut input);
        run.check_bounds();
        run.check_deadline();
    }
    run.finish();
}

/// Enough for every input that a fuzzer makes, and few enough for a bound on time.
const MOST_OPERATIONS: usize = 4096;

/// One end, its transport, and all that is to be known about it.
struct Run {
    role: Role,
    config: Config,
    end: Connection,
    now: Instant,

    /// Written by the peer and not received yet.
    wire: BytesMut,
    /// Everything received so far.
    received: Vec<u8>,
    /// How much long frames may still add to the wire.
    budget: usize,
    /// The most bytes that were in the receive buffer at once.
    most_held: usize,
    lost: Option<TransportEnd>,

    sending: Sending,
    /// Everything written so far.
    written: Vec<u8>,
    /// What was taken out of the queue and is being written.
    popped: Option<Bytes>,
    /// The largest such piece.
    most_popped: usize,
    /// The most bytes that were in the queue at once.
    most_queued: usize,
    unwritable: bool,

    /// The event that was found and not taken.
    peeked: Option<OwnedEvent>,
    told: Vec<Seen>,
    /// Pings and pongs that were found and told at one time, and when that was.
    burst: (Instant, u32),
    fault: Option<ProtocolError>,
    closed: Option<Closed>,
}

impl Run {
    fn new(input: &mut Input<'_>) -> Self {
        let role = input.pick(&[Role::Server, Role::Client]);
        let limits = limits(input).max_control_rate(input.pick(&[None, Some(2), Some(0)]));
        let config = config(input, TIMES).limits(limits);
        let now = Instant::from_nanos(input.pick(&[0, 1 << 40, u64::MAX - 1_000_000]));
        let leftover = input.chunk();
        let opened = Opened::upgraded(role, Agreed::default(), leftover, Seed::new([7; 32]));
        Self {
            role,
            end: Connection::new(opened, &config, now),
            now,
            wire: BytesMut::new(),
            received: leftover.to_vec(),
            budget: 256 << 10,
            most_held: leftover.len(),
            lost: None,
            sending: Sending::new(config.fragment_size),
            written: Vec::new(),
            popped: None,
            most_popped: 0,
            most_queued: 0,
            unwritable: false,
            peeked: None,
            told: Vec::new(),
            burst: (now, 0),
            fault: None,
            closed: None,
            config,
        }
    }

    fn operation(&mut self, input: &mut Input<'_>) {
        match input.byte() % op::COUNT {
            op::WIRE => self.wire.extend_from_slice(input.chunk()),
            op::FRAME => self.frame(input),
            op::LONG => self.long_frame(input),
            op::READ => self.read(input.number(), Reads::PLAIN),
            op::READ_AS => {
                let reads = Reads::choose(input);
                self.read(input.number(), reads);
            }
            op::SWAP_RECEIVING => self.swap_receiving(input.flag()),
            op::TAKE_ALL => {
                self.read(usize::MAX, Reads::PLAIN);
                while self.take() {}
            }
            op::TAKE => drop(self.take_lent(None)),
            op::TAKE_OWNED => drop(self.take()),
            op::TAKE_AND_SEND => drop(self.take_lent(Some(input))),
            op::PEEK => self.peek(),

            op::SEND => self.sending.send(input, self.end.sender()),
            op::CLOSE => self.close(input),

            op::WRITE => self.write(input.number()),
            op::WRITE_VECTORED => self.write_vectored(input.byte(), input.number()),
            op::WRITE_ALL => self.write_all(),
            op::POP => self.pop(),
            op::UNPOP => self.unpop(input.number()),
            op::SWAP_SENDING => self.swap_sending(input.flag()),

            op::SLEEP => self.sleep(input),
            op::WAKE => {
                self.sleep(input);
                self.handle_timeout();
            }
            op::NEXT_DEADLINE => self.next_deadline(),

            op::LOST => self.lose(input),
            _ => self.fail_writes(),
        }
    }

    /// Takes an event; says whether there was one.
    fn take(&mut self) -> bool {
        let fresh = self.end.peek().is_none();
        let event = self.end.poll_owned(self.now);
        self.took(event, fresh)
    }

    /// Takes an event and perhaps sends something while it is lent.
    fn take_lent(&mut self, input: Option<&mut Input<'_>>) -> bool {
        let fresh = self.end.peek().is_none();
        let event = self.end.poll(self.now).map(|(event, sender)| {
            if let Some(input) = input {
                self.sending.send(input, sender);
            }
            event.to_owned()
        });
        self.took(event, fresh)
    }

    /// Looks at the next event; it stays the next whatever happens before it is taken.
    fn peek(&mut self) {
        let found = self.end.ready(self.now);
        let event = self.end.peek().map(|event| event.to_owned());
        assert_eq!(event.is_some(), found);
        if self.peeked.is_some() {
            assert_eq!(event, self.peeked);
        }
        self.peeked = event;
    }

    fn close(&mut self, input: &mut Input<'_>) {
        let open = self.end.sender().is_open();
        let (end, now) = (&mut self.end, self.now);
        self.sending
            .close(input, open, |code, reason| end.close(code, reason, now));
    }

    fn lose(&mut self, input: &mut Input<'_>) {
        let end = input.pick(&[TransportEnd::Eof, TransportEnd::Reset]);
        self.lost.get_or_insert(end);
        self.end.lost(end);
    }

    fn fail_writes(&mut self) {
        self.unwritable = true;
        self.popped = None;
        self.end.unwritable(self.now);
    }
}
