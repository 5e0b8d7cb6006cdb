//! Limits and configurations, chosen by the input. The first choice is always the default.

use core::num::NonZeroUsize;
use core::time::Duration;

use ws_core::connection::{AutoPong, Config, Keepalive};
use ws_core::message::Limits;

use crate::input::Input;

/// Spans of time around which a machine may have to decide.
pub(crate) const TIMES: &[Duration] = &[
    Duration::from_millis(10),
    Duration::ZERO,
    Duration::from_nanos(1),
    Duration::from_millis(1),
    Duration::from_secs(1),
    Duration::from_secs(3600),
    Duration::MAX,
];

/// The same without none at all and without the end of time: pings that follow each other at once
/// never end while both ends keep up.
pub(crate) const SOME_TIME: &[Duration] = &[
    Duration::from_millis(10),
    Duration::from_millis(1),
    Duration::from_secs(1),
    Duration::from_secs(3600),
];

/// What a peer may send: sizes, and numbers of fragments.
pub(crate) fn limits(input: &mut Input<'_>) -> Limits {
    let default = Limits::default();
    let sizes = [1, 0, 5, 125, 126, 1000, 65_535, 65_536, usize::MAX];
    let counts = [1, 0, 2, 3, 10, u32::MAX];
    match input.byte() % 4 {
        0 => default,
        1 => default.max_message(input.pick(&sizes)),
        2 => default
            .max_message(input.pick(&sizes))
            .max_frame(input.pick(&sizes)),
        _ => default
            .max_message(input.pick(&sizes))
            .max_frame(input.pick(&sizes))
            .max_fragments(input.pick(&counts))
            .max_empty_fragments(input.pick(&counts)),
    }
}

/// Everything that the owner of a connection may choose but the limits; spans of time are among
/// `times`.
pub(crate) fn config(input: &mut Input<'_>, times: &[Duration]) -> Config {
    let config = Config::default()
        .auto_pong(input.pick(&[AutoPong::On, AutoPong::Off]))
        .send_limit(input.pick(&[1 << 20, 0, 1, 100, 1000, 70_000]))
        .fragment_size(NonZeroUsize::new(input.pick(&[0, 1, 7, 125, 126, 5000])))
        .share_min(input.pick(&[16 << 10, 0, 1, 200, usize::MAX]));
    if !input.flag() {
        return config;
    }
    let keepalive = input.flag().then(|| {
        Keepalive::default()
            .interval(input.pick(times))
            .timeout(input.pick(times))
    });
    config
        .keepalive(keepalive)
        .idle_timeout(input.flag().then(|| input.pick(times)))
        .close_timeout(input.pick(times))
}
