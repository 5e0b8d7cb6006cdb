//! What a session tells, in words.

use ws_core::session::{Event, Lent};

/// One line of the log.
pub(crate) fn describe(event: &Lent<'_>) -> String {
    match event {
        Event::Binary(data) => format!("binary {data:?}"),
        Event::Disconnected { lost, .. } => format!("disconnected: {lost}"),
        Event::Failed { attempt, lost, .. } => format!("attempt {attempt} failed: {lost}"),
        Event::Opened { .. } => "opened".into(),
        Event::Ping(data) => format!("ping {data:?}"),
        Event::Pong(data) => format!("pong {data:?}"),
        Event::ProtocolError(error) => format!("protocol error: {error}"),
        Event::Ready {
            attempt, downtime, ..
        } => match downtime {
            Some(downtime) => format!("ready {attempt} after {}", downtime.as_millis()),
            None => format!("ready {attempt}"),
        },
        Event::RequestEnded { id, why, sent } => {
            format!("request {} ended: {why:?} {sent:?}", id.number())
        }
        Event::Response {
            id,
            message,
            round_trip,
        } => {
            let text = message.clone().into_text().unwrap_or("bytes");
            let answer = text.split_once('!').map_or(text, |(_, answer)| answer);
            format!(
                "answer to {} after {}: {answer}",
                id.number(),
                round_trip.as_millis()
            )
        }
        Event::Unmatched { why, message } => format!("unmatched {why:?} {message:?}"),
        Event::RetryScheduled { attempt, delay, .. } => {
            format!("attempt {attempt} in {}", delay.as_millis())
        }
        Event::Terminated(end) => format!("over: {end}"),
        Event::Text(text) => format!("text {text}"),
        Event::Login(event) => format!("login {event:?}"),
        Event::Subscription { topic, change, .. } => format!("topic {topic}: {change:?}"),
        Event::Continuity {
            topic, continued, ..
        } => format!(
            "topic {topic}: {:?} after {}",
            continued.verdict,
            continued.blind_for.as_millis()
        ),
        Event::Data { step, message, .. } => {
            let text = message.clone().into_text().unwrap_or("bytes");
            format!("{text} {step:?}")
        }
        Event::MessageSent { .. } => "message sent".into(),
        Event::MessageLost { why, sent, .. } => format!("message lost: {why:?} {sent:?}"),
        other => format!("{other:?}"),
    }
}
