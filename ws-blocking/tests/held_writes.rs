//! Two halves while a write does not return: what is in it has not left yet. The transport holds
//! every write until it is let go.

#[path = "../../ws-core/tests/bindings/guard.rs"]
mod guard;

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use guard::{guard, join};
use ws_blocking::ws_core::handshake::{Agreed, Opened};
use ws_blocking::ws_core::{Role, Seed};
use ws_blocking::{CloseCode, Config, OwnedEvent, Transport, TrySplit, WebSocket};

#[derive(Default)]
struct State {
    incoming: VecDeque<u8>,
    written: Vec<u8>,
    let_go: bool,
    writing: bool,
    shut: bool,
}

#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<State>, Condvar)>);

impl Gate {
    fn open(&self, config: &Config) -> WebSocket<Self> {
        let opened = Opened::upgraded(Role::Server, Agreed::default(), &[], Seed::new([7; 32]));
        WebSocket::upgraded(self.clone(), opened, config)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.0.1.notify_all();
    }

    fn wait_while(&self, condition: impl FnMut(&mut State) -> bool) -> MutexGuard<'_, State> {
        self.0.1.wait_while(self.state(), condition).unwrap()
    }
}

impl Read for Gate {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut state = self.wait_while(|state| state.incoming.is_empty() && !state.shut);
        let n = state.incoming.read(buf)?;
        drop(state);
        self.0.1.notify_all();
        Ok(n)
    }
}

impl Write for Gate {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.change(|state| state.writing = true);
        let mut state = self.wait_while(|state| !state.let_go && !state.shut);
        if state.shut {
            return Err(ErrorKind::BrokenPipe.into());
        }
        state.written.extend_from_slice(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for Gate {
    fn set_read_timeout(&mut self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn set_write_timeout(&mut self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn shutdown(&mut self, _: Shutdown) -> io::Result<()> {
        self.change(|state| state.shut = true);
        Ok(())
    }
}

impl TrySplit for Gate {
    fn try_split(&self) -> io::Result<Self> {
        Ok(self.clone())
    }
}

/// How often: whoever tells the end too early has to lose the race against the writer each time.
const ROUNDS: usize = 100;

#[test]
fn the_end_waits_for_a_close_frame_that_is_being_written() {
    guard(|| {
        for _ in 0..ROUNDS {
            let gate = Gate::default();
            let (mut reader, mut writer) = gate.open(&Config::default()).split().unwrap();
            let closing = thread::spawn(move || writer.close(CloseCode::NORMAL, ""));
            drop(gate.wait_while(|state| !state.writing));
            let told = gate.clone();
            let reading = thread::spawn(move || {
                let event = reader.next();
                // What has left by the time that the end is told.
                let left = told.state().written.clone();
                (event, left, reader.next())
            });
            // The peer's Close crosses ours, and is read while ours is still being written.
            gate.change(|state| state.incoming.extend(b"\x88\x82\0\0\0\0\x03\xe8"));
            drop(gate.wait_while(|state| !state.incoming.is_empty()));
            gate.change(|state| state.let_go = true);
            let (Some(OwnedEvent::Closed(closed)), left, None) = join(reading) else {
                panic!("the end is told, and it is the end");
            };
            assert!(closed.is_clean(), "{closed}");
            assert_eq!(left, b"\x88\x02\x03\xe8", "told before it had left");
            assert!(join(closing).is_ok());
        }
    });
}
