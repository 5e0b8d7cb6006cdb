//! S16: connections whose certificate nobody looks at are warned of, by crate `tracing`.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use super::guard;
use super::secure::{authority, good, options, server, serving, talk, trusting};

/// Keeps the texts of the warnings.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

struct Text<'a>(&'a Warnings);

impl Visit for Text<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.0.0.lock().expect("whole").push(format!("{value:?}"));
        }
    }
}

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "websocket" && *metadata.level() == Level::WARN
    }

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Text(self));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn s16_a_certificate_that_nobody_verifies_is_warned_of() {
    guard(|| {
        let warnings = Warnings::default();
        let ours = authority("ours");
        tracing::subscriber::set_global_default(warnings.clone()).expect("the first");
        for careless in [false, true] {
            let (address, serving) = server(serving(&good(&ours)));
            let url = format!("wss://localhost:{}/", address.port());
            let tls = trusting(&ours).danger_accept_invalid_certs(careless);
            talk(&url, &options(tls));
            serving.join().expect("no panic").expect("served");
            // Other tests in this process are careless as well.
            let told = warnings.0.lock().expect("whole");
            let host = format!("localhost:{} ", address.port());
            let told = told.iter().filter(|text| text.contains(&host));
            assert_eq!(told.count(), usize::from(careless));
        }
    });
}
