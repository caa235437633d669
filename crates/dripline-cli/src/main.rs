//! The `dripline` command: reads the command line, calls one function, prints.

// An error is as large as what it tells, and there are few of them.
#![allow(clippy::result_large_err)]

mod args;
mod cases;
mod command;
mod out;

use std::process::ExitCode;

use clap::Parser as _;
use dripline_formats::{json, schema};

use args::{Cli, Command, Shape};
use out::{Ends, Out, Stop, complain};

/// An answer is made of many small texts: a third of the time to code a chart goes into memory, and this takes less.
#[cfg(feature = "serve")]
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut out = Out::new();
    let ends = run(&cli.command, &mut out).and_then(|code| {
        out.flush()?;
        Ok(code)
    });
    match ends {
        Ok(code) => ExitCode::from(code),
        Err(Stop::Unread) => ExitCode::SUCCESS,
        Err(Stop::Wrong(message)) => {
            let _ = out.flush();
            complain(&message);
            ExitCode::from(2)
        }
    }
}

fn run(command: &Command, out: &mut Out) -> Ends {
    match command {
        Command::Code(args) => command::code::run(args, out),
        Command::WhyNot(args) => command::why_not::run(args, out),
        Command::Compare(args) => command::compare::run(args, out),
        Command::Support(args) => command::support::run(args, out),
        Command::Rule(args) => command::rule::run(args, out),
        Command::Test(args) => command::test::run(args, out),
        Command::Policy(args) => command::policy::run(args, out),
        Command::Reference(args) => command::reference::run(args, out),
        Command::Convert(args) => command::convert::run(args, out),
        #[cfg(feature = "serve")]
        Command::Serve(args) => command::serve::run(args, out),
        #[cfg(feature = "serve")]
        Command::Store(what) => command::store::run(what, out),
        #[cfg(feature = "serve")]
        Command::Account(args) => command::account::account(args, out),
        #[cfg(feature = "serve")]
        Command::Token(args) => command::account::token(args, out),
        #[cfg(feature = "serve")]
        Command::Mcp(args) => command::serve::mcp(args),
        Command::Schema { of } => {
            let schema = match of {
                Shape::Case => schema::case(),
                Shape::Coding => schema::coding(),
            };
            out.line(&json::pretty(&schema))?;
            Ok(0)
        }
    }
}
