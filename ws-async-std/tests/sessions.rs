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
    use std::future::Future;

    pub(crate) use ws_async_std as ws;
    use ws_async_std::Request;
    pub(crate) use ws_async_std::session::handle;
    use ws_async_std::session::{Client, Events, SessionOptions, start_with};
    use ws_async_std::session::{CredError, Wanted, start_with_credentials};
    #[cfg(feature = "record")]
    use ws_async_std::ws_core::options::StartError;
    use ws_async_std::ws_core::session::Dialect;

    macro_rules! wait {
        ($call:expr) => {
            crate::rt::block_on($call)
        };
    }
    pub(crate) use wait;

    #[cfg(feature = "smol")]
    pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
        smol::block_on(future)
    }

    #[cfg(not(feature = "smol"))]
    pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
        async_std::task::block_on(future)
    }

    #[cfg(feature = "tracing")]
    pub(crate) fn trace(client: &Client) {
        ws::session::trace(client);
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
        mut provider: P,
    ) -> (Client<D>, Events<D>)
    where
        D: Dialect<Credentials = String> + Send + 'static,
        P: FnMut(Wanted) -> Result<String, CredError> + Send + Unpin + 'static,
    {
        let provider = move |wanted| {
            let provided = provider(wanted);
            async move { provided }
        };
        start_with_credentials(request, dialect, options, provider).expect("a session")
    }
}
