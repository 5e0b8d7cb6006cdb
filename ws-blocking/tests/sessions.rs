//! What every binding's sessions and handlers must do on real sockets.

#[path = "../../ws-core/tests/bindings/clients.rs"]
mod clients;
#[path = "../../ws-core/tests/bindings/guard.rs"]
mod guard;
#[path = "../../ws-core/tests/bindings/handlers.rs"]
mod handlers;
#[path = "../../ws-core/examples/market/mod.rs"]
mod market;
#[path = "../../ws-core/tests/bindings/raw.rs"]
#[allow(dead_code, reason = "other tests need more of it")]
mod raw;
#[cfg(feature = "record")]
#[path = "../../ws-core/tests/bindings/records.rs"]
mod records;
#[path = "../../ws-core/tests/bindings/sessions.rs"]
mod sessions;
#[cfg(feature = "tracing")]
#[path = "../../ws-core/tests/bindings/traced.rs"]
mod traced;

mod rt {
    pub(crate) use ws_blocking as ws;
    use ws_blocking::Request;
    use ws_blocking::session::{
        Actor, Client, Events, Handler, SessionOptions, handle as attend, start_with,
    };
    use ws_blocking::session::{CredError, Wanted, start_with_credentials};
    #[cfg(feature = "record")]
    use ws_blocking::ws_core::options::StartError;
    use ws_blocking::ws_core::session::Dialect;

    macro_rules! wait {
        ($call:expr) => {
            $call
        };
    }
    pub(crate) use wait;

    #[cfg(feature = "tracing")]
    pub(crate) fn trace(client: &Client) {
        ws::session::trace(client).expect("a thread");
    }

    pub(crate) fn start<D: Dialect + Send + 'static>(
        request: Request,
        dialect: D,
        options: &SessionOptions,
    ) -> (Client<D>, Events<D>) {
        start_with(request, dialect, options).expect("a session")
    }

    #[cfg(feature = "record")]
    pub(crate) fn try_start<D: Dialect + Send + 'static>(
        request: Request,
        dialect: D,
        options: &SessionOptions,
    ) -> Result<(Client<D>, Events<D>), StartError> {
        start_with(request, dialect, options)
    }

    pub(crate) fn provided<D, P>(
        request: Request,
        dialect: D,
        options: &SessionOptions,
        provider: P,
    ) -> (Client<D>, Events<D>)
    where
        D: Dialect<Credentials = String> + Send + 'static,
        P: FnMut(Wanted) -> Result<String, CredError> + Send + Unpin + 'static,
    {
        start_with_credentials(request, dialect, options, provider).expect("a session")
    }

    pub(crate) fn handle<D, H>(
        client: Client<D>,
        events: Events<D>,
        handler: H,
    ) -> Actor<H::Command, D>
    where
        D: Dialect + Send + 'static,
        H: Handler + 'static,
    {
        attend(client, events, handler).expect("a thread")
    }
}
