//! What a failure means: one table over stage, status, close code, reason and class of I/O error.
//!
//! Close codes and statuses do not mean the same everywhere: 4401 is final in one protocol and
//! "come back" in the next. So the meaning is data: rows of one's own, presets, or a function, in
//! front of a default table that retries what may heal, refreshes credentials once and gives up on
//! what repeats. The table decides nothing about time; a [`Wait`] goes to the
//! [`Backoff`](super::Backoff).

mod failure;
mod judge;
mod table;
mod verdict;

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

pub use failure::{Failure, FailureKind, IoClass, Phase, Stage};
pub use judge::{Credentials, Decision, Judge, Stop};
pub use table::{Row, When};
pub use verdict::{Then, Verdict};

use super::Wait;

/// A function of failures, asked before any row; `None` leaves it to the rows.
///
/// Every closure of that shape is one.
pub trait Classify {
    /// The verdict on `failure`, or `None`.
    fn classify(&self, failure: &Failure<'_>) -> Option<Verdict>;
}

impl<F: Fn(&Failure<'_>) -> Option<Verdict>> Classify for F {
    fn classify(&self, failure: &Failure<'_>) -> Option<Verdict> {
        self(failure)
    }
}

/// Rows of one's own in front of the default table. The function is asked first, then the row added
/// last, and so on.
///
/// ```
/// use ws_core::close::CloseCode;
/// use ws_core::policy::{Classifier, Failure, FailureKind, Row, Stage, Then, Verdict, When};
///
/// let classifier = Classifier::default().row(Row::new(When::Close(4401..=4401), Verdict::FATAL));
/// let kind = FailureKind::Close { code: CloseCode::new(4401), reason: "unauthorized" };
/// let verdict = classifier.classify(&Failure::new(Stage::Ready, kind));
/// assert_eq!(verdict.then, Then::Fail);
/// ```
#[derive(Clone, Default)]
pub struct Classifier {
    function: Option<Arc<dyn Classify + Send + Sync>>,
    rows: Vec<Row>,
}

impl Classifier {
    /// The close codes of the graphql-transport-ws protocol.
    #[must_use]
    pub fn graphql_transport_ws() -> Self {
        Self::default().rows(table::GRAPHQL_TRANSPORT_WS)
    }

    /// The bands of close codes of Centrifugo.
    #[must_use]
    pub fn centrifugo_bands() -> Self {
        Self::default().rows(table::CENTRIFUGO_BANDS)
    }

    /// Statuses and close codes of Binance.
    #[must_use]
    pub fn binance() -> Self {
        Self::default().rows(table::BINANCE)
    }

    /// Login errors of Deribit.
    #[must_use]
    pub fn deribit() -> Self {
        Self::default().rows(table::DERIBIT)
    }

    /// Adds a row in front of all others.
    #[must_use]
    pub fn row(mut self, row: Row) -> Self {
        self.rows.push(row);
        self
    }

    /// Adds rows in front of all others, the first of them foremost.
    #[must_use]
    pub fn rows(mut self, rows: &[Row]) -> Self {
        self.rows.extend(rows.iter().rev().cloned());
        self
    }

    /// Asks `function` before any row.
    #[must_use]
    pub fn function(mut self, function: impl Classify + Send + Sync + 'static) -> Self {
        self.function = Some(Arc::new(function));
        self
    }

    /// A peer that closes with 1000 ends the session as intended, instead of being dialled again.
    #[must_use]
    pub fn stop_on_normal_close(self) -> Self {
        self.row(table::NORMAL_CLOSE_ENDS.clone())
    }

    /// The verdict on one failure, without regard to how often it happened. The wait that the server
    /// asked for is part of it.
    #[must_use]
    pub fn classify(&self, failure: &Failure<'_>) -> Verdict {
        let own = self.function.as_ref().and_then(|f| f.classify(failure));
        let mut verdict = own.unwrap_or_else(|| {
            let mut rows = self.rows.iter().rev().chain(table::DEFAULT);
            let row = rows.find(|row| row.matches(failure));
            row.map_or(Verdict::RETRY, |row| row.verdict)
        });
        if let FailureKind::Http { retry_after, .. } = failure.kind {
            verdict.wait.retry_after = verdict.wait.retry_after.or(retry_after);
        }
        verdict
    }
}

impl fmt::Debug for Classifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Classifier")
            .field("function", &self.function.is_some())
            .field("rows", &self.rows)
            .finish()
    }
}

#[cfg(test)]
mod tests;
