//! The command line of the examples. It never panics on what stands there, and never guesses what
//! was meant.

use std::ffi::OsString;
use std::{env, error, fmt};

/// What stands on the command line, without the name of the program.
pub(crate) fn words() -> Result<Vec<String>, NotText> {
    let word = |word: OsString| word.into_string().map_err(NotText);
    env::args_os().skip(1).map(word).collect()
}

/// An argument that is not Unicode.
#[derive(Debug)]
pub(crate) struct NotText(OsString);

impl fmt::Display for NotText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this argument is not text: {:?}", self.0)
    }
}

impl error::Error for NotText {}
