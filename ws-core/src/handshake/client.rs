//! The client's side of the opening handshake, as a machine.
//!
//! It never connects anywhere, and never asks again by itself.

use alloc::boxed::Box;
use core::fmt;

use crate::buf::{RecvBuf, SendBuf};
use crate::handshake::body::Body;
use crate::handshake::response::Expected;
use crate::handshake::scan::{Kind, Scanner, Span};
use crate::handshake::{
    Agreed, EARLY, HandshakeError, Headers, Limits, Opened, Request, Response, head, key,
};
use crate::seed::Keys;
use crate::{Deadline, Instant, Machine, Role, Seed, Transport, TransportEnd};

/// Opens a connection: sends a request, checks the answer, hands over an [`Opened`].
///
/// Drive it like every [`Machine`]; once [`ready`](Machine::ready), [`poll`](Self::poll) shows the
/// answer or says what failed, and [`finish`](Self::finish) gives the connection its beginning.
///
/// ```
/// use bytes::Buf;
/// use ws_core::handshake::{ClientHandshake, Limits, Request};
/// use ws_core::{Instant, Machine, Seed};
///
/// let now = Instant::ORIGIN;
/// let request = Request::new("ws://server.example.com/chat")?;
/// let key = *b"the sample nonce"; // a test's; new() draws one from the seed
/// let seed = Seed::new([7; 32]);
/// let mut client = ClientHandshake::with_key(&request, Limits::default(), seed, key, now);
///
/// let (recv, send) = client.io();
/// assert!(send.chunk().starts_with(b"GET /chat HTTP/1.1\r\nHost: server.example.com\r\n"));
/// send.advance(send.remaining());
/// recv.extend_from_slice(b"HTTP/1.1 101 Switching Protocols\r\n\
///     Upgrade: websocket\r\n\
///     Connection: Upgrade\r\n\
///     Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
/// let response = client.poll(now)?.expect("the answer is complete");
/// assert_eq!((response.status(), response.subprotocol()), (101, None));
/// let opened = client.finish().expect("the server accepted");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ClientHandshake {
    recv: RecvBuf,
    send: SendBuf,
    keys: Keys,
    expected: Expected,
    scanner: Scanner,
    state: State,
    deadline: Instant,
    max_body: usize,
    /// The transport failed before all of the request was written.
    cut_short: bool,
}

/// ```text
///  Head --101--> Open
///   |  \--other--> Body --> Failed
///   \--> Failed
/// ```
enum State {
    /// Reading the body of a refusal.
    Body(Body),
    /// Over.
    Failed(HandshakeError),
    /// Reading the head of the answer.
    Head,
    /// The server accepted.
    Open(Agreed, Headers),
}

impl ClientHandshake {
    /// Queues the request. The key of the handshake comes from the seed, and so do the masking keys
    /// of the connection. The time limit starts to run `now`.
    #[must_use]
    pub fn new(request: &Request, limits: Limits, seed: Seed, now: Instant) -> Self {
        let mut keys = Keys::new(&seed);
        let nonce = keys.nonce();
        Self::start(request, &limits, keys, nonce, now)
    }

    /// Like [`new`](Self::new) with a key of one's own, for tests such as the example of RFC 6455
    /// §1.3. The key "MUST be selected randomly for each connection" (§4.1).
    #[must_use]
    pub fn with_key(
        request: &Request,
        limits: Limits,
        seed: Seed,
        key: [u8; 16],
        now: Instant,
    ) -> Self {
        Self::start(request, &limits, Keys::new(&seed), key, now)
    }

    fn start(
        request: &Request,
        limits: &Limits,
        keys: Keys,
        nonce: [u8; 16],
        now: Instant,
    ) -> Self {
        let key = key::encode(&nonce);
        let mut send = SendBuf::new(usize::MAX);
        send.push(&request.encode(&key), 0, |_| {});
        Self {
            recv: RecvBuf::new(),
            send,
            keys,
            expected: Expected::new(request, &key),
            scanner: Scanner::new(Kind::Response, limits),
            state: State::Head,
            deadline: now + limits.timeout,
            max_body: limits.max_body,
            cut_short: false,
        }
    }

    /// The server's answer, once it is complete and opens the connection; `None` while bytes are
    /// missing. Asking again gives the same.
    ///
    /// # Errors
    /// Why there is no connection. The transport can be closed then.
    pub fn poll(&mut self, now: Instant) -> Result<Option<Response<'_>>, HandshakeError> {
        let ready = self.ready(now);
        match &self.state {
            State::Failed(error) => Err(error.clone()),
            State::Open(agreed, headers) if ready => Ok(Some(Response { agreed, headers })),
            State::Body(_) | State::Head | State::Open(..) => Ok(None),
        }
    }

    /// Ends the handshake; what was received behind it goes along.
    ///
    /// # Errors
    /// The machine itself, while [`poll`](Self::poll) has not returned an answer.
    pub fn finish(mut self) -> Result<Opened, Box<Self>> {
        self.advance();
        match self.state {
            State::Open(mut agreed, headers) if self.send.is_empty() => {
                agreed.response_headers = Some(Box::new(headers));
                let Self { recv, keys, .. } = self;
                Ok(Opened {
                    role: Role::Client,
                    agreed,
                    recv,
                    keys: Some(keys),
                })
            }
            state @ (State::Body(_) | State::Failed(_) | State::Head | State::Open(..)) => {
                Err(Box::new(Self { state, ..self }))
            }
        }
    }

    /// Takes in what was received, as far as it goes.
    fn advance(&mut self) {
        while let State::Head = self.state {
            match self.scanner.scan(self.recv.filled()) {
                Ok(Some(span)) => {
                    if let Err(error) = self.take_head(span) {
                        self.fail(error);
                    }
                }
                Ok(None) => return,
                Err(error) => self.fail(error),
            }
        }
        match &mut self.state {
            State::Body(body) => {
                body.feed(self.recv.filled());
                self.recv.clear();
                if body.is_done() {
                    self.end_of_body(true);
                }
            }
            State::Failed(_) => {
                self.recv.clear();
            }
            State::Open(..) if !self.send.is_empty() && self.recv.filled().len() > EARLY => {
                self.fail(HandshakeError::EarlyData { limit: EARLY });
            }
            State::Head | State::Open(..) => {}
        }
    }

    fn take_head(&mut self, span: Span) -> Result<(), HandshakeError> {
        let (line, headers) = head::parse(self.recv.filled(), span)?;
        let (minor, status) = head::parse_status_line(line)?;
        self.recv.consume(span.end);
        self.state = match status {
            101 => {
                let agreed = self.expected.check(minor, &headers)?;
                if self.cut_short {
                    return Err(self.ended(TransportEnd::Other));
                }
                State::Open(agreed, headers)
            }
            // "A client MUST be able to parse one or more 1xx responses received prior to a final
            // response" (RFC 9110 §15.2)
            100..=199 => {
                self.scanner.restart();
                State::Head
            }
            _ => State::Body(Body::new(status, headers, self.max_body)),
        };
        Ok(())
    }

    fn end_of_body(&mut self, ended: bool) {
        match core::mem::replace(&mut self.state, State::Head) {
            State::Body(body) => self.fail(HandshakeError::Rejected(body.finish(ended))),
            state @ (State::Failed(_) | State::Head | State::Open(..)) => self.state = state,
        }
    }

    fn ended(&self, end: TransportEnd) -> HandshakeError {
        HandshakeError::Ended {
            end,
            received: self.recv.received(),
        }
    }

    /// Every failure goes through here.
    fn fail(&mut self, error: HandshakeError) {
        self.recv.clear();
        self.send.abandon();
        self.state = State::Failed(error);
    }
}

impl Machine for ClientHandshake {
    fn ready(&mut self, _now: Instant) -> bool {
        self.advance();
        match self.state {
            State::Failed(_) => true,
            State::Open(..) => self.send.is_empty(),
            State::Body(_) | State::Head => false,
        }
    }

    fn io(&mut self) -> (&mut RecvBuf, &mut SendBuf) {
        (&mut self.recv, &mut self.send)
    }

    fn lost(&mut self, end: TransportEnd) {
        self.advance();
        match self.state {
            State::Body(_) => self.end_of_body(end == TransportEnd::Eof),
            State::Open(..) if self.send.is_empty() => {}
            State::Head | State::Open(..) => self.fail(self.ended(end)),
            State::Failed(_) => {}
        }
    }

    fn unwritable(&mut self, _now: Instant) {
        self.advance();
        if self.send.is_empty() {
            return;
        }
        self.send.abandon();
        match self.state {
            State::Open(..) => self.fail(self.ended(TransportEnd::Other)),
            // The server may be saying why it does not want the rest.
            State::Body(_) | State::Head => self.cut_short = true,
            State::Failed(_) => {}
        }
    }

    fn transport(&self) -> Transport {
        match self.state {
            State::Failed(_) => Transport::Close,
            State::Body(_) | State::Head | State::Open(..) => Transport::Open,
        }
    }

    fn poll_timeout(&self) -> Option<(Instant, Deadline)> {
        let waiting = match self.state {
            State::Body(_) | State::Head => true,
            State::Open(..) => !self.send.is_empty(),
            State::Failed(_) => false,
        };
        waiting.then_some((self.deadline, Deadline::Handshake))
    }

    fn handle_timeout(&mut self, now: Instant) {
        if now < self.deadline {
            return;
        }
        // What came in time counts, however late it is looked at.
        self.advance();
        match self.state {
            State::Body(_) => self.end_of_body(false),
            State::Open(..) if self.send.is_empty() => {}
            State::Head | State::Open(..) => self.fail(HandshakeError::Timeout),
            State::Failed(_) => {}
        }
    }
}

impl fmt::Debug for ClientHandshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Body(_) => "Body",
            State::Failed(_) => "Failed",
            State::Head => "Head",
            State::Open(..) => "Open",
        };
        f.debug_struct("ClientHandshake")
            .field("state", &state)
            .finish_non_exhaustive()
    }
}
