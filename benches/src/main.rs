//! The harness: `ws-benches codec|echo|memory|growth|all`.

#![forbid(unsafe_code)]
#![allow(clippy::print_stderr, reason = "a command line tool tells what is wrong")]

use std::io;
use std::process::ExitCode;

use ws_benches::args::{Args, Command, USAGE};
use ws_benches::codec;
use ws_benches::report::Report;

fn main() -> ExitCode {
    let args = match Args::parse(std::env::args().skip(1)) {
        Ok(args) => args,
        Err(error) => {
            eprintln!("error: {error}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> io::Result<()> {
    let report = Report::new(args.out.clone())?;
    let wants = |command| args.command == Command::All || args.command == command;
    if wants(Command::Codec) {
        for question in codec::Question::all() {
            if args.effort.wants_cell(&question.title()) {
                report.publish(&codec::table(&question, &args.effort))?;
            }
        }
    }
    report.end();
    Ok(())
}
