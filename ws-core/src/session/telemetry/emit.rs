//! An entry as an event of crate `tracing`. This crate does not emit it: the macro writes the
//! statements into the crate that does, and that has `tracing`.

/// Emits an event of a session, given as its [`Entry`](crate::session::telemetry::Entry), with the
/// macros of crate `tracing`, which the caller depends on. The target is `websocket`; the fields are
/// `category`, `event`, `conn`, `attempt`, `size` in bytes and `time` in seconds, as far as there are
/// such; the message is the detail.
#[macro_export]
macro_rules! emit {
    ($entry:expr) => {{
        let entry: $crate::session::telemetry::Entry<'_> = $entry;
        match entry.level {
            $crate::session::telemetry::Level::Trace => $crate::emit!(TRACE, entry),
            $crate::session::telemetry::Level::Debug => $crate::emit!(DEBUG, entry),
            $crate::session::telemetry::Level::Info => $crate::emit!(INFO, entry),
            $crate::session::telemetry::Level::Warn => $crate::emit!(WARN, entry),
            $crate::session::telemetry::Level::Error => $crate::emit!(ERROR, entry),
        }
    }};
    ($level:ident, $entry:ident) => {
        ::tracing::event!(
            target: "websocket",
            ::tracing::Level::$level,
            category = $entry.category.name(),
            event = $entry.name,
            conn = $entry.conn.map(|conn| conn.get()),
            attempt = $entry.attempt,
            size = $entry.size,
            time = $entry.time.map(|time| time.as_secs_f64()),
            "{}",
            $entry.detail
        )
    };
}
