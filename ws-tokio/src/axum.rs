//! WebSockets on the routes of axum 0.8: an extractor. Requests are judged and answered as the core
//! says; axum routes them, and hyper hands the connection over.

use std::future::Future;

use axum_core::body::Body;
use axum_core::extract::FromRequestParts;
use axum_core::response::{IntoResponse, Response};
use hyper::StatusCode;
use hyper::http::Extensions;
use hyper::http::request::Parts;
use hyper::upgrade::OnUpgrade;
use ws_core::handshake::http::{Refusal, Upgrade};
use ws_core::handshake::{OriginPolicy, RequestHead};
use ws_core::options::AcceptOptions;

use crate::WebSocket;
use crate::hyper::{Upgraded, answered};

/// A request for a WebSocket, well formed and of RFC 6455; what is not is rejected before the
/// handler is called, with the status that says why: 405, 426, 400, 431, 505.
///
/// By default pages of other sites are refused with 403 ([`OriginPolicy::SameOrigin`]).
///
/// ```
/// use axum::{Router, response::Response, routing::any};
/// use ws_tokio::{Event, axum::Asked};
///
/// async fn chat(asked: Asked) -> Response {
///     asked.open(|mut socket| async move {
///         while let Some((event, reply)) = socket.read().await {
///             if let Event::Text(text) = event {
///                 let _ = reply.text(text);
///             }
///         }
///     })
/// }
///
/// let app: Router = Router::new().route("/chat", any(chat));
/// # drop(app);
/// ```
#[derive(Debug)]
pub struct Asked {
    upgrade: Upgrade,
    connection: Option<OnUpgrade>,
    options: AcceptOptions,
    origins: OriginPolicy,
}

impl Asked {
    /// How to accept it: subprotocols, compression, limits. The limits on the head were looked at
    /// before, by their defaults, and origins are judged by [`origins`](Self::origins) alone.
    #[must_use]
    pub fn options(mut self, options: AcceptOptions) -> Self {
        self.options = options;
        self
    }

    /// From which pages it is accepted. Default [`OriginPolicy::SameOrigin`], whatever the options say.
    #[must_use]
    pub fn origins(mut self, origins: OriginPolicy) -> Self {
        self.origins = origins;
        self
    }

    /// What the client asks for.
    #[must_use]
    pub const fn request(&self) -> RequestHead<'_> {
        self.upgrade.request()
    }

    /// Accepts, and runs `handler` in a task of its own when the connection is handed over. The
    /// response is for axum to send; it is a refusal if the options refuse.
    pub fn open<F, Fut>(self, handler: F) -> Response
    where
        F: FnOnce(WebSocket<Upgraded>) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let Self {
            upgrade,
            connection,
            options,
            origins,
        } = self;
        let options = options.origins(origins);
        let answer = match options.judge(&upgrade.request()) {
            Ok(answer) => answer,
            Err(status) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN);
                return Refused(Refusal::new(status, "")).into_response();
            }
        };
        let mut extensions = Extensions::new();
        if let Some(connection) = connection {
            extensions.insert(connection);
        }
        match answered(upgrade, answer, &mut extensions, &options) {
            Ok((response, upgrading)) => {
                tokio::spawn(async move {
                    if let Ok(socket) = upgrading.await {
                        handler(socket).await;
                    }
                });
                response.map(|()| Body::empty())
            }
            Err(refusal) => Refused(refusal).into_response(),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Asked {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        let upgrade = Upgrade::new(parts).map_err(Refused)?;
        Ok(Self {
            upgrade,
            connection: parts.extensions.remove::<OnUpgrade>(),
            options: AcceptOptions::default(),
            origins: OriginPolicy::SameOrigin,
        })
    }
}

/// A refusal, as axum answers with it.
#[derive(Debug)]
pub struct Refused(pub Refusal);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        self.0.response.map(Body::from)
    }
}
