//! The contract of this crate's example programs.

#[path = "../../ws-core/tests/bindings/examples.rs"]
mod examples;
#[path = "../../ws-core/tests/bindings/guard.rs"]
mod guard;
#[path = "../../ws-core/tests/bindings/raw.rs"]
mod raw;

mod rt {
    pub(crate) use ws_tokio as ws;
}

/// What `broadcast` prints: whether the receiver was slow, how many messages it received, how it
/// ended; then what became of those that were queued for it.
fn broadcast(policy: &str) -> Vec<(String, String)> {
    let mut command = examples::example("broadcast");
    command.args(["--policy", policy, "--receivers", "2"]);
    let output = command.output().expect("started");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("text");
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let pair = |pair: &[&str]| (pair[0].to_owned(), pair[1].to_owned());
    lines.chunks(2).map(pair).collect()
}

#[test]
fn a_broadcast_reaches_the_fast_and_gives_the_slow_what_the_policy_says() {
    guard::guard(|| {
        for (policy, end, counted) in [
            ("close", "1013 try again later", "discarded"),
            ("drop-newest", "1000 normal closure", "dropped newest"),
            ("drop-oldest", "1000 normal closure", "dropped oldest"),
            ("reject", "1000 normal closure", "rejected"),
        ] {
            let seen = broadcast(policy);
            let [(slow, lost), fast @ ..] = &seen[..] else {
                panic!("{seen:?}");
            };
            assert!(slow.starts_with("slow: ") && slow.contains(end), "{slow}");
            let count = |part: &str| part.trim().split(' ').next().map(str::to_owned);
            let lost = lost.split(',').find(|part| part.contains(counted));
            assert_ne!(lost.and_then(count).as_deref(), Some("0"), "{policy}");
            assert_eq!(fast.len(), 2);
            for (fast, _) in fast {
                assert!(fast.starts_with("fast: 2000 received, "), "{fast}");
            }
        }
    });
}

#[test]
fn a_large_message_comes_back_as_it_was_sent() {
    guard::guard(|| {
        let ways = [&[][..], &["--deflate"]];
        for compressed in &ways[..1 + usize::from(cfg!(feature = "deflate"))] {
            for bytes in ["0", "65537", "30000000"] {
                let mut command = examples::example("large_message");
                command.args(["--bytes", bytes]).args(*compressed);
                let output = command.output().expect("started");
                let text = String::from_utf8_lossy(&output.stdout);
                assert!(output.status.success(), "{output:?}");
                assert!(text.starts_with(&format!("{bytes} bytes there and back in ")));
            }
        }
    });
}

#[test]
fn a_session_lives_through_a_bad_day_at_an_exchange() {
    guard::guard(|| {
        let output = examples::example("market_feed").arg("4").output();
        let output = output.expect("started");
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("20/20 subscriptions"), "{text}");
        assert!(text.contains("turned away with 429"), "{text}");
        assert!(text.trim_end().ends_with(" 0 of them lost"), "{text}");
        let wrong = examples::example("market_feed").arg("soon").output();
        assert_eq!(wrong.expect("started").status.code(), Some(2));
    });
}
