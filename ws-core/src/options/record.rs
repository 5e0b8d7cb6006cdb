//! Where a session is written down. It opens no file itself.

use std::path::PathBuf;

/// What is written down of a session, and where.
///
/// Files are written by threads of their own: the session never waits for them. Logins are never
/// shown; see [`Session::record_frames`](crate::session::Session::record_frames).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Record {
    /// All frames as lines of JSON, appended to this file; see [`testing`](crate::testing). Default
    /// `None`.
    pub frames: Option<PathBuf>,
    /// All inputs, to run the session again; see [`journal`](crate::session::journal). What the file
    /// held before is lost. Default `None`.
    pub journal: Option<PathBuf>,
    /// Bytes of frames that may wait to be written; what comes beyond them is dropped and counted.
    /// Default 4 MiB.
    pub max_bytes: usize,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            frames: None,
            journal: None,
            max_bytes: 4 << 20,
        }
    }
}

impl Record {
    /// Sets [`frames`](Self#structfield.frames).
    #[must_use]
    pub fn frames(mut self, path: impl Into<PathBuf>) -> Self {
        self.frames = Some(path.into());
        self
    }

    /// Sets [`journal`](Self#structfield.journal).
    #[must_use]
    pub fn journal(mut self, path: impl Into<PathBuf>) -> Self {
        self.journal = Some(path.into());
        self
    }

    /// Sets [`max_bytes`](Self#structfield.max_bytes).
    #[must_use]
    pub const fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }
}
