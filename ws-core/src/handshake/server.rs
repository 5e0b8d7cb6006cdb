//! The server's side of the opening handshake, as a machine.
//!
//! It never accepts by itself, and refuses no valid request by itself but one that is not answered
//! in time by those who drive it meanwhile, or that more data follows than is kept.

use alloc::boxed::Box;
use core::fmt;
use core::time::Duration;

use crate::buf::{RecvBuf, SendBuf};
use crate::handshake::fields::Fields;
use crate::handshake::incoming::Incoming;
use crate::handshake::scan::{Kind, Scanner, Span};
use crate::handshake::{
    Accept, Agreed, AnswerError, EARLY, HandshakeError, Limits, Opened, RequestHead, admit, answer,
    head,
};
use crate::linger::Linger;
use crate::{Deadline, Instant, Machine, Role, Transport, TransportEnd};

/// How long a refusal may take to reach the client: what is left of the handshake's time (all of it
/// for an answer of the application's), but not less and not more than this.
const LINGER: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];

/// Bytes that are read and dropped while a refusal is on its way.
const LINGER_BUDGET: usize = 1 << 20;

/// Accepts a connection: reads a request, shows it, sends the answer, hands over an [`Opened`].
///
/// Drive it like every [`Machine`]. Once [`ready`](Machine::ready), [`poll`](Self::poll) shows the
/// request; answer it with [`accept`](Self::accept) or [`reject`](Self::reject), and do not read
/// before that: what the client sends ahead of the answer has to be kept. When the machine is ready
/// again the answer is written, and [`finish`](Self::finish) gives the connection its beginning.
///
/// A request that is not one for a WebSocket is answered by the machine itself, with a complete HTTP
/// answer that says why. [`poll`](Self::poll) reports it when that answer has reached the client as
/// surely as it can, or the time for it is over. The first of these that applies is what it says:
///
/// | status | the request |
/// |---|---|
/// | 400 | is not HTTP, or breaks its line structure (found at the byte that does) |
/// | 431 | is over `Limits::max_head` or `Limits::max_headers` (likewise) |
/// | 408 | is not complete within `Limits::timeout`; if it has not begun, nothing is said |
/// | 505 | is of another version of HTTP than 1.1 |
/// | 405 | has another method than GET |
/// | 400 | has no valid host or target, or announces a body |
/// | 426 | has neither `Upgrade: websocket` nor any of the headers of RFC 6455 |
/// | 400 | does not name `websocket` in `Upgrade` and `upgrade` in `Connection` |
/// | 426 | is of another version of the WebSocket protocol than 13 |
/// | 400 | has no valid key, or a malformed origin, subprotocol or extension |
/// | 503 | is not answered by the application within `Limits::timeout` |
///
/// The time that the application takes is not the client's: a machine that nobody drives meanwhile
/// refuses nothing, and the answer, however late, has `Limits::timeout` again to be written in.
///
/// ```
/// use bytes::Buf;
/// use ws_core::handshake::{Accept, Limits, ServerHandshake};
/// use ws_core::{Instant, Machine};
///
/// let now = Instant::ORIGIN;
/// let mut server = ServerHandshake::new(Limits::default(), now);
/// server.io().0.extend_from_slice(b"GET /chat?room=7 HTTP/1.1\r\n\
///     Host: server.example.com\r\n\
///     Upgrade: websocket\r\n\
///     Connection: Upgrade\r\n\
///     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
///     Sec-WebSocket-Protocol: chat, superchat\r\n\
///     Sec-WebSocket-Version: 13\r\n\r\n");
/// let request = server.poll(now)?.expect("the request is complete");
/// assert_eq!((request.path(), request.query()), ("/chat", Some("room=7")));
/// server.accept(Accept::new().subprotocol("chat"))?;
///
/// let (_, send) = server.io();
/// assert!(send.chunk().starts_with(b"HTTP/1.1 101 "));
/// send.advance(send.remaining());
/// let opened = server.finish().expect("the answer is written");
/// assert_eq!(opened.agreed().subprotocol.as_deref(), Some("chat"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ServerHandshake {
    recv: RecvBuf,
    send: SendBuf,
    scanner: Scanner,
    state: State,
    /// None once it is accepted, until the next `now`: then the time to write the answer begins.
    deadline: Option<Instant>,
    timeout: Duration,
    max_body: usize,
    /// Nothing more will be received.
    ended: Option<TransportEnd>,
}

/// ```text
///  Head --> Request --accept--> Open
///   |          | \--reject--\
///   |          v             v
///   \-------> Lingering --> Failed
/// ```
enum State {
    /// Over.
    Failed(HandshakeError),
    /// Reading the head of the request.
    Head,
    /// A refusal is on its way; then this is the error to report.
    Lingering(Linger, HandshakeError),
    /// Accepted; the answer may still have to be written.
    Open(Agreed),
    /// The application decides.
    Request(Box<Incoming>),
}

impl ServerHandshake {
    /// Waits for a request. The time limit starts to run `now`.
    #[must_use]
    pub fn new(limits: Limits, now: Instant) -> Self {
        Self {
            recv: RecvBuf::new(),
            send: SendBuf::new(usize::MAX),
            scanner: Scanner::new(Kind::Request, &limits),
            state: State::Head,
            deadline: Some(now + limits.timeout),
            timeout: limits.timeout,
            max_body: limits.max_body,
            ended: None,
        }
    }

    /// The client's request, once it is complete and well formed; `None` while bytes are missing,
    /// and again once it is answered. Asking again gives the same.
    ///
    /// # Errors
    /// Why there is no connection. The client has been told where it can be (see
    /// [`HandshakeError`]), and the transport can be closed.
    pub fn poll(&mut self, now: Instant) -> Result<Option<RequestHead<'_>>, HandshakeError> {
        self.advance(now);
        match &self.state {
            State::Failed(error) => Err(error.clone()),
            State::Head | State::Lingering(..) | State::Open(_) | State::Request(_) => {
                Ok(self.request())
            }
        }
    }

    /// The request that waits for an answer, if [`poll`](Self::poll) has shown one.
    #[must_use]
    pub const fn request(&self) -> Option<RequestHead<'_>> {
        match &self.state {
            State::Request(request) => Some(RequestHead(request)),
            State::Failed(_) | State::Head | State::Lingering(..) | State::Open(_) => None,
        }
    }

    /// Accepts the request that [`poll`](Self::poll) has shown.
    ///
    /// # Errors
    /// A subprotocol, extension or parameter that the client did not offer; nothing is sent then.
    pub fn accept(&mut self, answer: Accept) -> Result<(), AnswerError> {
        let State::Request(request) = &self.state else {
            return Err(AnswerError::NoRequest);
        };
        let (agreed, head) = answer.settle(request)?;
        self.send.push(&head, 0, |_| {});
        self.state = State::Open(agreed);
        self.deadline = None;
        Ok(())
    }

    /// Refuses the request that [`poll`](Self::poll) has shown, with a complete HTTP answer.
    ///
    /// The status is from 300 to 599. `Connection: close` and `Content-Length` are written by the
    /// handshake, and with 426 also `Upgrade` and `Sec-WebSocket-Version`. When the answer has left,
    /// [`poll`](Self::poll) returns [`HandshakeError::Refused`].
    ///
    /// # Errors
    /// Another status, a header that can't be sent, a body over `Limits::max_body` or one with
    /// status 304; nothing is sent then.
    pub fn reject(
        &mut self,
        status: u16,
        headers: &[(&str, &str)],
        body: &[u8],
        now: Instant,
    ) -> Result<(), AnswerError> {
        let State::Request(_) = self.state else {
            return Err(AnswerError::NoRequest);
        };
        if !(300..=599).contains(&status) {
            return Err(AnswerError::BadStatus { status });
        }
        // "cannot contain content" (RFC 9110 §15.4.5)
        let limit = if status == 304 { 0 } else { self.max_body };
        let len = body.len();
        if len > limit {
            return Err(AnswerError::BodyTooLarge { len, limit });
        }
        let mut fields = Fields::default();
        for (name, value) in headers {
            fields.add(name, value)?;
        }
        let bytes = answer::refusal(status, &fields, body);
        self.deadline = Some(now + self.timeout);
        self.refuse(HandshakeError::Refused { status }, &bytes, now);
        Ok(())
    }

    /// Ends the handshake; what was received behind it goes along.
    ///
    /// # Errors
    /// The machine itself, while the request is not accepted or the answer not written.
    pub fn finish(self) -> Result<Opened, Box<Self>> {
        match self.state {
            State::Open(agreed) if self.send.is_empty() => Ok(Opened {
                role: Role::Server,
                agreed,
                recv: self.recv,
                keys: None,
            }),
            state @ (State::Failed(_)
            | State::Head
            | State::Lingering(..)
            | State::Open(_)
            | State::Request(_)) => Err(Box::new(Self { state, ..self })),
        }
    }

    /// Takes in what was received, as far as it goes.
    fn advance(&mut self, now: Instant) {
        self.deadline.get_or_insert(now + self.timeout);
        if let State::Head = self.state {
            match self.scanner.scan(self.recv.filled()) {
                Ok(None) => {
                    if let Some(end) = self.ended {
                        self.fail(self.ended_with(end));
                    }
                }
                Ok(Some(span)) => match self.take_head(span) {
                    Ok(request) => self.state = State::Request(Box::new(request)),
                    Err(error) => self.fault(error, now),
                },
                Err(error) => self.fault(error, now),
            }
        }
        let early = self.recv.filled().len() > EARLY;
        match &mut self.state {
            State::Request(_) if early => {
                self.fault(HandshakeError::EarlyData { limit: EARLY }, now);
            }
            State::Open(_) if early && !self.send.is_empty() => {
                self.fail(HandshakeError::EarlyData { limit: EARLY });
            }
            State::Lingering(linger, error) => {
                linger.drain(&mut self.recv);
                if linger.is_over() || self.ended.is_some() && self.send.is_empty() {
                    let error = error.clone();
                    self.fail(error);
                }
            }
            State::Failed(_) => {
                self.recv.clear();
            }
            State::Head | State::Open(_) | State::Request(_) => {}
        }
    }

    fn take_head(&mut self, span: Span) -> Result<Incoming, HandshakeError> {
        let (line, headers) = head::parse(self.recv.filled(), span)?;
        let request = admit::admit(line, headers)?;
        self.recv.consume(span.end);
        Ok(request)
    }

    /// Answers a fault of the client.
    fn fault(&mut self, error: HandshakeError, now: Instant) {
        match answer::for_fault(&error) {
            Some(bytes) => self.refuse(error, &bytes, now),
            None => self.fail(error),
        }
    }

    /// Queues the last words and stays until they have been read.
    fn refuse(&mut self, error: HandshakeError, bytes: &[u8], now: Instant) {
        let [least, most] = LINGER;
        let left = self.deadline.map_or(least, |at| at - now);
        let mut linger = Linger::new(now + left.clamp(least, most), LINGER_BUDGET);
        linger.drain(&mut self.recv);
        self.send.push(bytes, 0, |_| {});
        self.state = State::Lingering(linger, error);
    }

    /// Every failure ends here.
    fn fail(&mut self, error: HandshakeError) {
        self.recv.clear();
        self.send.abandon();
        self.state = State::Failed(error);
    }

    fn ended_with(&self, end: TransportEnd) -> HandshakeError {
        HandshakeError::Ended {
            end,
            received: self.recv.received(),
        }
    }
}

impl Machine for ServerHandshake {
    fn ready(&mut self, now: Instant) -> bool {
        self.advance(now);
        match self.state {
            State::Failed(_) | State::Request(_) => true,
            State::Open(_) => self.send.is_empty(),
            State::Head | State::Lingering(..) => false,
        }
    }

    fn io(&mut self) -> (&mut RecvBuf, &mut SendBuf) {
        (&mut self.recv, &mut self.send)
    }

    fn lost(&mut self, end: TransportEnd) {
        self.ended = Some(end);
        match &mut self.state {
            // What came before may be a whole request: `advance` looks.
            State::Failed(_) | State::Head => {}
            // A client that has only ended its own side can still be answered.
            State::Lingering(..) | State::Open(_) | State::Request(_)
                if end == TransportEnd::Eof => {}
            State::Lingering(linger, _) => linger.end(),
            State::Open(_) if self.send.is_empty() => {}
            State::Open(_) | State::Request(_) => self.fail(self.ended_with(end)),
        }
    }

    fn unwritable(&mut self, _now: Instant) {
        match &mut self.state {
            State::Lingering(linger, _) => linger.end(),
            State::Open(_) if self.send.is_empty() => {}
            State::Head | State::Open(_) | State::Request(_) => {
                self.fail(self.ended_with(TransportEnd::Other));
            }
            State::Failed(_) => {}
        }
    }

    fn transport(&self) -> Transport {
        match &self.state {
            State::Failed(_) => Transport::Close,
            State::Lingering(..) if self.ended.is_some() && self.send.is_empty() => {
                Transport::Close
            }
            State::Lingering(linger, _) => linger.transport(!self.send.is_empty()),
            State::Head | State::Open(_) | State::Request(_) => Transport::Open,
        }
    }

    fn poll_timeout(&self) -> Option<(Instant, Deadline)> {
        let at = match &self.state {
            State::Head | State::Request(_) => self.deadline,
            State::Open(_) => self.deadline.filter(|_| !self.send.is_empty()),
            State::Lingering(linger, _) => linger.deadline(),
            State::Failed(_) => None,
        };
        at.map(|at| (at, Deadline::Handshake))
    }

    fn handle_timeout(&mut self, now: Instant) {
        // What came in time counts, however late it is looked at.
        self.advance(now);
        let late = self.deadline.is_some_and(|at| at <= now);
        match &mut self.state {
            State::Head if late && self.scanner.has_begun() => {
                self.fault(HandshakeError::Timeout, now);
            }
            State::Open(_) if self.send.is_empty() => {}
            State::Head | State::Open(_) if late => self.fail(HandshakeError::Timeout),
            // It is not the client who was slow.
            State::Request(_) if late => self.fault(HandshakeError::Undecided, now),
            State::Lingering(linger, _) => {
                linger.handle_timeout(now);
                self.advance(now);
            }
            State::Failed(_) | State::Head | State::Open(_) | State::Request(_) => {}
        }
    }
}

impl fmt::Debug for ServerHandshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Failed(_) => "Failed",
            State::Head => "Head",
            State::Lingering(..) => "Lingering",
            State::Open(_) => "Open",
            State::Request(_) => "Request",
        };
        f.debug_struct("ServerHandshake")
            .field("state", &state)
            .finish_non_exhaustive()
    }
}
