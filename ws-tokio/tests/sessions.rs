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
    use std::sync::LazyLock;

    use tokio::runtime::{Builder, Runtime};
    pub(crate) use ws_tokio as ws;
    use ws_tokio::Request;
    use ws_tokio::session::{
        Actor, Client, Events, Handler, SessionOptions, handle as attend, start_with,
    };
    use ws_tokio::session::{CredError, Wanted, start_with_credentials};
    #[cfg(feature = "record")]
    use ws_tokio::ws_core::options::StartError;
    use ws_tokio::ws_core::session::Dialect;

    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(2).enable_all();
        builder.build().expect("a runtime")
    });

    macro_rules! wait {
        ($call:expr) => {
            crate::rt::block_on($call)
        };
    }
    pub(crate) use wait;

    pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
        RUNTIME.block_on(future)
    }

    #[cfg(feature = "tracing")]
    pub(crate) fn trace(client: &Client) {
        let _entered = RUNTIME.enter();
        ws::session::trace(client);
    }

    pub(crate) fn start<D: Dialect + Send + 'static>(
        request: Request,
        dialect: D,
        options: &SessionOptions,
    ) -> (Client<D>, Events<D>) {
        let _entered = RUNTIME.enter();
        start_with(request, dialect, options).expect("a session")
    }

    #[cfg(feature = "record")]
    pub(crate) fn try_start<D: Dialect + Send + 'static>(
        request: Request,
        dialect: D,
        options: &SessionOptions,
    ) -> Result<(Client<D>, Events<D>), StartError> {
        let _entered = RUNTIME.enter();
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
        let _entered = RUNTIME.enter();
        let provider = move |wanted| {
            let provided = provider(wanted);
            async move { provided }
        };
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
        let _entered = RUNTIME.enter();
        attend(client, events, handler)
    }
}
