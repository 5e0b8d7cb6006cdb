//! The harness: `ws-benches codec|echo|memory|growth|deflate|broadcast|session|all`.

#![forbid(unsafe_code)]

use std::io;
use std::process::ExitCode;

use ws_benches::args::{Args, Command, USAGE};
use ws_benches::report::Report;
use ws_benches::wire::Kind;
use ws_benches::{broadcast, codec, deflate, echo, growth, memory, servers, session};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [serve, name] = &words[..]
        && serve == "serve"
    {
        return told(servers::serve(name));
    }
    if let [hold, name, takeover] = &words[..]
        && hold == "hold"
    {
        return told(deflate::hold(name, takeover));
    }
    match Args::parse(words.into_iter()) {
        Ok(args) => told(run(&args)),
        Err(error) => {
            eprintln!("error: {error}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn told(result: io::Result<()>) -> ExitCode {
    match result {
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
            if args.effort.wants_table(&question.title()) {
                report.publish(&codec::table(&question, &args.effort))?;
            }
        }
    }
    if wants(Command::Echo) {
        for table in echo::tables(args)? {
            report.publish(&table)?;
        }
    }
    if wants(Command::Memory) {
        report.publish(&memory::table(args)?)?;
    }
    if wants(Command::Growth) {
        for kind in [Kind::Binary, Kind::MultiByte] {
            report.publish(&growth::sizes(kind, &args.effort))?;
        }
        report.publish(&growth::in_memory(&args.effort))?;
        report.publish(&growth::sockets(args)?)?;
    }
    if wants(Command::Deflate) {
        for decompress in [false, true] {
            let table = deflate::table(decompress, &args.effort, &args.compressors)?;
            report.publish(&table)?;
        }
        report.publish(&deflate::memory(&args.effort, &args.compressors)?)?;
    }
    if wants(Command::Broadcast) {
        report.publish(&broadcast::table(&args.effort))?;
    }
    if wants(Command::Session) {
        report.publish(&session::overhead(&args.effort))?;
        report.publish(&session::idle_wakes())?;
    }
    report.end()
}
