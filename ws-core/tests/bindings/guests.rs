//! What the handlers of the async bindings do in the tests of their servers, by the path that is
//! asked for. Included by a test of each.

use std::future::{Future, pending};

use crate::rt::ws::server::{Arrival, Guest};

/// Goes on in another thread, whatever becomes of the handler.
fn elsewhere(work: impl Future<Output = ()> + Send + 'static) {
    std::thread::spawn(move || crate::rt::block_on(work));
}

async fn echo(mut guest: Guest) {
    while let Some(event) = guest.next().await {
        if let Some(message) = event.into_message() {
            let _ = guest.send(message).await;
        }
    }
}

/// Sends without end, and stays until the end.
async fn flood(mut guest: Guest) {
    let much = vec![7; 1 << 20];
    while guest.send(&*much).await.is_ok() {}
    while guest.next().await.is_some() {}
}

pub(crate) async fn route(arrival: Arrival) {
    match arrival.request().path() {
        "/before" => panic!("on purpose, before the answer"),
        "/unanswered" => return,
        "/later" => {
            return elsewhere(async move {
                if let Ok(guest) = arrival.open().await {
                    echo(guest).await;
                }
            });
        }
        "/later/unanswered" => return elsewhere(async move { drop(arrival) }),
        "/rejected" => {
            let headers = [("WWW-Authenticate", "Basic")];
            let _ = arrival.reject(401, &headers, b"who is it?").await;
            return;
        }
        _ => {}
    }
    let path = String::from(arrival.request().path());
    let Ok(mut guest) = arrival.open().await else {
        return;
    };
    match &*path {
        "/panic" => {
            guest.next().await;
            panic!("on purpose, in the middle");
        }
        "/leave" => drop(guest.next().await),
        "/stay" => pending().await,
        "/halves" => {
            let (mut reader, mut writer) = guest.into_inner().split();
            while let Some(event) = reader.next().await {
                if let Some(message) = event.into_message() {
                    let _ = writer.send(message).await;
                }
            }
        }
        "/moved" => elsewhere(echo(guest)),
        "/moved/leave" => elsewhere(async move { drop(guest.next().await) }),
        "/moved/panics" => elsewhere(async move {
            guest.next().await;
            panic!("on purpose, elsewhere");
        }),
        "/moved/panic" => {
            elsewhere(async move { drop(guest.next().await) });
            panic!("on purpose, without it");
        }
        "/taken" => {
            let mut socket = guest.into_inner();
            elsewhere(async move {
                while let Some(event) = socket.next().await {
                    if let Some(message) = event.into_message() {
                        let _ = socket.send(message).await;
                    }
                }
            });
        }
        "/flood" => flood(guest).await,
        "/moved/flood" => elsewhere(flood(guest)),
        "/taken/flood" => {
            let (mut reader, mut writer) = guest.into_inner().split();
            elsewhere(async move {
                let much = vec![7; 1 << 20];
                while writer.send(&*much).await.is_ok() {}
                while reader.next().await.is_some() {}
            });
        }
        _ => echo(guest).await,
    }
}
