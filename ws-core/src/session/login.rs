//! The login of a session: when credentials are asked for, when they are sent, and what the answers
//! mean. [`Auth`] keeps the state and alone counts what is refused; what a code means the classifier
//! says.

use core::mem;
use core::time::Duration;

use super::Session;
use super::action::Action;
use super::auth::{Auth, AuthAction, AuthEvent, AuthPhase, CredError, CredId, Purpose, Rejection};
use super::dialect::Dialect;
use super::errands::What;
use super::event::Event;
use super::link::Link;
use super::lost::{LoginLost, Lost, SetupError};
use super::setup::Stage;
use crate::Instant;
use crate::handshake::Request;
use crate::policy::{self, Failure, FailureKind, Lane, Then};

/// The numbers of questions before a dial, apart from those of logins.
const BEFORE_DIAL: u64 = 1 << 63;

impl<D: Dialect> Session<D> {
    /// Hands in what an [`Action::Credentials`] asked for. An answer to a question that is over, or
    /// was never asked, does nothing and is counted.
    pub fn credentials(
        &mut self,
        id: CredId,
        outcome: Result<D::Credentials, CredError>,
        now: Instant,
    ) {
        self.note("credentials", now, |_, line| {
            line.number(id.0);
            line.number(match &outcome {
                Ok(_) => 0u8,
                Err(CredError::Denied) => 1,
                Err(CredError::Temporary) => 2,
            });
        });
        if id.0 & BEFORE_DIAL != 0 {
            return self.signed(id, outcome, now);
        }
        let Some(auth) = &mut self.auth else {
            self.stale += 1;
            return;
        };
        let asked = match auth.phase() {
            AuthPhase::Fetching(asked) => asked == id,
            AuthPhase::Refreshing { .. } => true,
            _ => false,
        };
        if !asked {
            self.stale += 1;
            return;
        }
        let (outcome, credentials) = match outcome {
            Ok(credentials) => (Ok(()), Some(credentials)),
            Err(error) => (Err(error), None),
        };
        let event = auth.fetched(id, outcome, &mut self.rng, now);
        self.login_event(event, now);
        self.drive_login(credentials.as_ref(), now);
        self.pump(now);
    }

    /// Where the login stands; `None` if there is none to be had.
    #[must_use]
    pub fn login(&self) -> Option<AuthPhase> {
        self.auth.as_ref().map(Auth::phase)
    }

    pub(super) fn begin_login(&mut self, now: Instant) {
        if let Some(auth) = &mut self.auth {
            auth.begin(0);
            self.drive_login(None, now);
        }
    }

    /// Does what the login needs now. Credentials are not kept: they are here at the moment at which
    /// they are needed, and gone after it.
    fn drive_login(&mut self, credentials: Option<&D::Credentials>, now: Instant) {
        while let Some(action) = self.auth.as_mut().and_then(|auth| auth.poll(now)) {
            match action {
                AuthAction::Fetch {
                    id,
                    purpose,
                    refused,
                } => self.actions.push_back(Action::Credentials {
                    id,
                    purpose,
                    refused,
                }),
                AuthAction::Send { purpose } => {
                    if let Some(credentials) = credentials {
                        self.say_login(credentials, purpose, now);
                    }
                }
            }
        }
    }

    fn say_login(&mut self, credentials: &D::Credentials, purpose: Purpose, now: Instant) {
        let number = self.errands.number();
        let said = self.say(
            Lane::Auth,
            "auth",
            number,
            |dialect, out| dialect.login(credentials, purpose, out),
            now,
        );
        if said.failed.is_some() {
            return self.lost_link(Lost::Setup(SetupError::NotSent), now);
        }
        let silent = !said.posted;
        let what = What::Login(purpose);
        self.errands.begin(number, what, said.ids, said.posted);
        self.hear(said.news, &[], now);
        if silent {
            self.login_accepted(None, now);
        }
    }

    pub(super) fn login_accepted(&mut self, ttl: Option<Duration>, now: Instant) {
        let slow = self.requests.latency().map_or(Duration::ZERO, |l| l.p99);
        let Some(auth) = &mut self.auth else {
            return;
        };
        let event = auth.accepted(ttl, slow, &mut self.rng, now);
        self.login_event(event, now);
    }

    pub(super) fn login_refused(&mut self, rejection: Rejection, now: Instant) {
        let rejection = match rejection {
            Rejection::Credentials(code) => {
                let kind = FailureKind::AuthRejected { code };
                let failure = Failure::new(policy::Stage::Auth, kind);
                let verdict = self.config.classifier.classify(&failure);
                match verdict.then {
                    Then::Fail | Then::Finish => Rejection::Denied(code),
                    Then::Retry if verdict.refresh => rejection,
                    Then::Retry => Rejection::Temporary(code),
                }
            }
            other => other,
        };
        let Some(auth) = &mut self.auth else {
            return;
        };
        let event = auth.rejected(rejection, &mut self.rng, now);
        self.login_event(event, now);
        self.drive_login(None, now);
    }

    pub(super) fn expire_login(&mut self, now: Instant) {
        while self
            .auth
            .as_ref()
            .and_then(Auth::poll_timeout)
            .is_some_and(|at| at <= now)
        {
            let Some(auth) = &mut self.auth else {
                return;
            };
            let event = auth.handle_timeout(&mut self.rng, now);
            let over = event.is_none();
            self.login_event(event, now);
            self.drive_login(None, now);
            if over {
                break;
            }
        }
    }

    fn login_event(&mut self, event: Option<AuthEvent>, now: Instant) {
        let Some(event) = event else {
            return;
        };
        self.events.push_back(Event::Login(event));
        match event {
            AuthEvent::Accepted { .. } => {
                if self.stage() == Some(Stage::Login) {
                    self.proceed(now);
                }
            }
            AuthEvent::Denied { code } => {
                self.lost_link(Lost::Login(LoginLost::Denied { code }), now);
            }
            AuthEvent::Expired => self.lost_link(Lost::Login(LoginLost::Expired), now),
            AuthEvent::Failed(why) => self.lost_link(Lost::Login(LoginLost::Failed(why)), now),
            AuthEvent::RefreshFailed { .. } | AuthEvent::Rejected { .. } => {}
        }
    }

    /// The connection is gone, and its login with it.
    pub(super) fn forget_login(&mut self) {
        if let Some(auth) = &mut self.auth {
            if auth.phase() == AuthPhase::Denied {
                // Whoever dials again after that has a reason.
                *auth = Auth::new(self.config.login.clone().unwrap_or_default());
            }
            auth.lost();
        }
    }

    /// The credentials for the opening handshake are asked for before the dial.
    pub(super) fn ask_before_dial(&mut self) {
        let refused = mem::take(&mut self.unauthorized).then_some(401);
        self.actions.push_back(Action::Credentials {
            id: CredId(BEFORE_DIAL | self.conns),
            purpose: Purpose::Login,
            refused,
        });
    }

    fn signed(&mut self, id: CredId, outcome: Result<D::Credentials, CredError>, now: Instant) {
        let conn = match self.link {
            Link::Dialing {
                conn,
                signed: false,
                ..
            } if id.0 == BEFORE_DIAL | conn.0 => conn,
            _ => {
                self.stale += 1;
                return;
            }
        };
        let why = match outcome {
            Ok(credentials) => {
                if let Link::Dialing {
                    signed, request, ..
                } = &mut self.link
                {
                    *signed = true;
                    self.dialect.sign(&credentials, request);
                    let request = Request::clone(request);
                    self.actions.push_back(Action::Dial { conn, request });
                }
                return;
            }
            Err(CredError::Denied) => LoginLost::Denied { code: None },
            Err(CredError::Temporary) => {
                LoginLost::Failed(super::auth::LoginFailure::NoCredentials)
            }
        };
        self.link = Link::Down;
        self.failed(conn, Lost::Login(why), now);
    }
}
