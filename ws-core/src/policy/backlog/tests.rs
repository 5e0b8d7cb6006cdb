use super::*;
use alloc::vec::Vec;
use proptest::prelude::*;

fn full(overflow: SlowConsumer) -> Backlog<u32> {
    let policy = BacklogPolicy::default().max_messages(3).max_bytes(30);
    let mut backlog = Backlog::new(policy.overflow(overflow));
    for i in 0..3 {
        assert_eq!(backlog.offer(i, 10), Offered::Queued);
    }
    backlog
}

fn rest(backlog: &mut Backlog<u32>) -> Vec<u32> {
    core::iter::from_fn(|| match backlog.take() {
        Taken::Message(message) => Some(message),
        Taken::Close(_) | Taken::Nothing => None,
    })
    .collect()
}

#[test]
fn each_policy_does_what_it_says() {
    let mut backlog = full(SlowConsumer::DropNewest);
    assert_eq!(backlog.offer(3, 10), Offered::Dropped(3));
    assert_eq!(backlog.counts().dropped_newest, 1);
    assert_eq!(rest(&mut backlog), [0, 1, 2]);
    assert_eq!(backlog.offer(4, 10), Offered::Queued);

    let mut backlog = full(SlowConsumer::DropOldest);
    assert_eq!(backlog.offer(3, 20), Offered::MadeRoom(2));
    assert_eq!(backlog.counts().dropped_oldest, 2);
    assert_eq!(rest(&mut backlog), [2, 3]);

    let mut backlog = full(SlowConsumer::Reject);
    assert_eq!(backlog.offer(3, 10), Offered::Rejected(3));
    assert_eq!(backlog.counts().rejected, 1);
    assert_eq!(rest(&mut backlog), [0, 1, 2]);

    let mut backlog = full(SlowConsumer::Close);
    assert_eq!(backlog.offer(3, 10), Offered::Closed(3));
    assert_eq!(backlog.offer(4, 10), Offered::Closed(4));
    assert_eq!(
        (backlog.counts().discarded, backlog.counts().closed),
        (4, 1)
    );
    assert_eq!(backlog.take(), Taken::Close(CloseCode::TRY_AGAIN_LATER));
    assert_eq!(backlog.take(), Taken::Nothing);
    assert_eq!(backlog.offer(5, 0), Offered::Closed(5));
}

#[test]
fn one_message_of_any_size_may_wait_alone() {
    for overflow in [
        SlowConsumer::Close,
        SlowConsumer::DropNewest,
        SlowConsumer::Reject,
    ] {
        let policy = BacklogPolicy::default().max_messages(0).max_bytes(0);
        let mut backlog = Backlog::new(policy.overflow(overflow));
        assert_eq!(backlog.offer(1, usize::MAX), Offered::Queued);
        assert_ne!(backlog.offer(2, 1), Offered::Queued);
    }
    let policy = BacklogPolicy::default().overflow(SlowConsumer::DropOldest);
    let mut backlog = Backlog::new(policy);
    assert_eq!(backlog.offer(1, 1), Offered::Queued);
    assert_eq!(backlog.offer(2, usize::MAX), Offered::MadeRoom(1));
    assert_eq!(backlog.bytes(), usize::MAX);
}

#[test]
fn a_receiver_that_is_gone_holds_nothing() {
    let mut backlog = full(SlowConsumer::Reject);
    backlog.close();
    backlog.close();
    assert!(backlog.is_empty() && backlog.bytes() == 0);
    assert_eq!(
        (backlog.take(), backlog.counts().discarded),
        (Taken::Nothing, 3)
    );
    assert_eq!(backlog.offer(9, 1), Offered::Closed(9));
}

proptest! {
    #[test]
    fn what_waits_is_bounded_and_nothing_is_lost_uncounted(
        overflow in prop_oneof![
            Just(SlowConsumer::Close),
            Just(SlowConsumer::DropNewest),
            Just(SlowConsumer::DropOldest),
            Just(SlowConsumer::Reject),
        ],
        max_messages in 0..5usize,
        max_bytes in 0..50usize,
        ops in proptest::collection::vec(prop_oneof![
            3 => (0..30usize).prop_map(Some),
            2 => Just(None),
        ], 0..60),
    ) {
        let policy = BacklogPolicy::default()
            .max_messages(max_messages)
            .max_bytes(max_bytes)
            .overflow(overflow);
        let mut backlog = Backlog::new(policy);
        let (mut offered, mut last, mut closes) = (0u64, None, 0);
        for (i, op) in ops.into_iter().enumerate() {
            match op {
                Some(bytes) => {
                    offered += 1;
                    backlog.offer(i, bytes);
                }
                None => match backlog.take() {
                    Taken::Message(message) => {
                        prop_assert!(last.is_none_or(|last| last < message), "in order");
                        last = Some(message);
                    }
                    Taken::Close(_) => closes += 1,
                    Taken::Nothing => {}
                },
            }
            prop_assert!(backlog.len() <= max_messages.max(1));
            prop_assert!(backlog.len() <= 1 || backlog.bytes() <= max_bytes);
            let BacklogCounts {
                closed, queued, taken, dropped_newest, dropped_oldest, rejected, discarded,
            } = *backlog.counts();
            // The one that was too much was discarded without having waited.
            let too_much = u64::from(overflow == SlowConsumer::Close && discarded > 0);
            prop_assert_eq!(queued + closed + dropped_newest + rejected + too_much, offered);
            let waiting = backlog.len() as u64;
            prop_assert_eq!(taken + dropped_oldest + discarded - too_much + waiting, queued);
            prop_assert!(closes <= 1);
        }
    }
}
