//! Compressors that are not in this crate: programs that handle the same messages when they are told
//! to, and say what it cost (`benches/node/deflate.mjs` is one).

use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::Case;

/// A program, and the command that starts it.
pub(super) type Foreign = (String, String);

/// One such program under way; gone with its value.
pub(super) struct Running {
    child: Child,
    told: ChildStdin,
    says: BufReader<ChildStdout>,
}

impl Running {
    /// Starts a program on the messages of a case.
    pub(super) fn start(who: &Foreign, verb: &str, case: &Case, file: &Path) -> io::Result<Self> {
        let mut child = command(who, verb, case, file)?
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let gone = || io::Error::other("no pipe");
        Ok(Self {
            told: child.stdin.take().ok_or_else(gone)?,
            says: BufReader::new(child.stdout.take().ok_or_else(gone)?),
            child,
        })
    }

    /// Nanoseconds of CPU time per message.
    pub(super) fn sample(&mut self) -> io::Result<f64> {
        self.told.write_all(b"\n")?;
        let mut line = String::new();
        self.says.read_line(&mut line)?;
        line.trim().parse().map_err(io::Error::other)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Bytes of resident memory per idle connection.
pub(super) fn held(who: &Foreign, case: &Case, file: &Path) -> io::Result<f64> {
    let output = command(who, "hold", case, file)?.output()?;
    let told = String::from_utf8_lossy(&output.stdout);
    told.trim().parse().map_err(io::Error::other)
}

/// Where the messages of a case lie for such programs.
pub(super) fn file() -> PathBuf {
    let name = format!("ws-benches-{}.messages", std::process::id());
    std::env::temp_dir().join(name)
}

fn command((_, command): &Foreign, verb: &str, case: &Case, file: &Path) -> io::Result<Command> {
    let messages: Vec<u8> = case.messages.concat();
    std::fs::write(file, &messages)?;
    let size = messages.len() / case.messages.len().max(1);
    let takeover = if case.takeover { "keep" } else { "reset" };
    let mut words = command.split(' ');
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words).arg(verb).arg(file);
    command.arg(size.to_string()).arg(takeover);
    Ok(command)
}
