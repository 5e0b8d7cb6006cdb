//! The transport as it is written to, one piece at a time. It knows neither the queue nor who else
//! wants to write.

use std::io::{self, ErrorKind};
use std::time::Duration;

use crate::Transport;
use crate::driver::{Wait, flush};

#[derive(Debug)]
pub(super) struct WriteSide<S> {
    pub(super) io: S,
    pub(super) wait: Wait,
    /// The transport may still buffer what was written.
    pub(super) unflushed: bool,
}

impl<S: Transport> WriteSide<S> {
    pub(super) fn write(&mut self, piece: &[u8], left: Option<Duration>) -> io::Result<usize> {
        if let Some(timeout) = self.wait.change(left) {
            self.io.set_write_timeout(timeout)?;
        }
        match self.io.write(piece) {
            Ok(0) => Err(ErrorKind::WriteZero.into()),
            Ok(n) => {
                self.unflushed = true;
                Ok(n)
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(0),
            Err(error) => Err(error),
        }
    }

    pub(super) fn flush(&mut self, left: Option<Duration>) -> io::Result<()> {
        if let Some(timeout) = self.wait.change(left) {
            self.io.set_write_timeout(timeout)?;
        }
        self.unflushed = !flush(&mut self.io)?;
        Ok(())
    }
}
