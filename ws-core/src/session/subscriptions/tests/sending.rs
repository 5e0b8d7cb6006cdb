//! Commands that wait to be sent, or are not sent at all.

use super::*;

#[test]
fn the_time_to_answer_begins_when_a_command_has_left() {
    let mut registry = registry();
    let id = subscribe(&mut registry, "a");
    let Some(Command::Join(items)) = registry.poll(at(0)) else {
        panic!("a topic is wanted");
    };
    assert_eq!(registry.next_deadline(), Some(at(30_000)));
    registry.waits(&items);
    assert_eq!(registry.poll_timeout(), None);
    assert!(registry.any_pending(&items));
    registry.sent(&items, at(50_000));
    assert_eq!(registry.next_deadline(), Some(at(80_000)));
    assert!(registry.poll_expired(at(80_000)).is_some());
    assert_eq!(registry.state(id), Some(State::Expired));
    assert!(!registry.any_pending(&items));
    // What is over is not begun again by that.
    registry.sent(&items, at(90_000));
    assert_eq!(registry.next_deadline(), None);
}

#[test]
fn a_command_that_was_not_sent_is_made_again_later() {
    let mut registry = confirmed(&["a"]);
    subscribe(&mut registry, "b");
    let Some(Command::Join(join)) = registry.poll(at(0)) else {
        panic!("b is wanted");
    };
    registry.unsent(&join, at(100));
    assert_eq!(registry.next_command(), Some(at(100)));
    assert_eq!(next(&mut registry, at(99)), None);
    assert_eq!(next(&mut registry, at(100)).unwrap(), "join b");
    let a = registry.find(&"a").unwrap();
    registry.unsubscribe(a);
    let Some(Command::Leave(leave)) = registry.poll(at(100)) else {
        panic!("a is to be left");
    };
    registry.unsent(&leave, at(200));
    assert_eq!(next(&mut registry, at(200)).unwrap(), "leave a");
    // An attempt that was made anew since is not touched.
    registry.unsent(&leave, at(300));
    assert_eq!(next(&mut registry, at(300)), None);
    assert!(!registry.is_settled());
}

#[test]
fn all_wishes_can_be_taken_back_at_once() {
    let mut registry = confirmed(&["a", "b"]);
    subscribe(&mut registry, "a");
    let told = registry.abandon();
    let topics: Vec<_> = told.iter().map(|notice| notice.topic).collect();
    assert_eq!(topics, ["a", "b"]);
    assert_eq!(next(&mut registry, at(0)).unwrap(), "leave a b");
    assert!(registry.abandon().is_empty());
    assert!(registry.export().is_empty());
}
