//! Where results and messages go.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};

use dripline_formats::error::ReadError;
use dripline_formats::json;
use dripline_formats::text::Style;
use serde::Serialize;

/// Why a command ends before its end.
pub enum Stop {
    /// Nobody reads our output any more; that is no mistake.
    Unread,
    /// The input or the call is wrong.
    Wrong(String),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Stop::Unread,
            _ => Stop::Wrong(format!("the result cannot be written: {error}")),
        }
    }
}

/// How a command ends: its exit code.
pub type Ends = Result<u8, Stop>;

/// A message of what is wrong and how to mend it.
pub fn wrong(message: &str, help: &str) -> Stop {
    Stop::Wrong(if help.is_empty() { message.to_owned() } else { format!("{message}\n  = help: {help}") })
}

/// Results: standard output.
pub struct Out {
    to: BufWriter<Stdout>,
    pub style: Style,
    terminal: bool,
}

impl Out {
    pub fn new() -> Self {
        let stdout = io::stdout();
        let terminal = stdout.is_terminal();
        Out { to: BufWriter::new(stdout), style: style(terminal), terminal }
    }

    pub fn write(&mut self, text: &str) -> io::Result<()> {
        self.to.write_all(text.as_bytes())?;
        if self.terminal { self.to.flush() } else { Ok(()) }
    }

    /// Writes and hands over at once, for whoever waits for the line.
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.to, "{text}")?;
        self.to.flush()
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

fn colour(terminal: bool) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
    terminal && !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|t| t != "dumb")
}

/// Output that is piped or saved is the same everywhere: 80 columns, no colour.
fn style(terminal: bool) -> Style {
    if !terminal {
        return Style::default();
    }
    let width = terminal_size::terminal_size().map_or(80, |(w, _)| usize::from(w.0).clamp(40, 100));
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|n| std::env::var(n).ok().filter(|v| !v.is_empty()));
    let ascii = locale.is_some_and(|l| !l.to_ascii_uppercase().contains("UTF"));
    Style { width, colour: colour(true), ascii }
}

/// A message on standard error.
pub fn complain(message: &str) {
    let error = if colour(io::stderr().is_terminal()) { "\u{1b}[1;31merror\u{1b}[0m" } else { "error" };
    // Nothing can be done if even this cannot be written.
    let _ = writeln!(io::stderr(), "{error}: {message}");
}

/// A case that cannot be used, on standard error.
pub fn complain_of(error: &ReadError) {
    complain(&error.to_string());
}

/// JSON of one case as an object, of several as a list.
#[derive(Default)]
pub struct List {
    cases: usize,
    held: Option<String>,
    open: bool,
}

impl List {
    /// A case with its answer.
    pub fn push(&mut self, out: &mut Out, value: &impl Serialize) -> io::Result<()> {
        self.cases += 1;
        if self.cases == 1 {
            self.held = Some(json::pretty(value));
            return Ok(());
        }
        self.release(out)?;
        self.item(out, &json::pretty(value))
    }

    /// A case without an answer.
    pub fn skip(&mut self) {
        self.cases += 1;
    }

    pub fn finish(mut self, out: &mut Out) -> io::Result<()> {
        match (self.cases, self.held.take()) {
            (0 | 1, None) if !self.open => Ok(()),
            (1, Some(only)) => out.line(&only),
            (_, held) => {
                self.held = held;
                self.release(out)?;
                out.line(if self.open { "\n]" } else { "[]" })
            }
        }
    }

    fn release(&mut self, out: &mut Out) -> io::Result<()> {
        match self.held.take() {
            Some(first) => self.item(out, &first),
            None => Ok(()),
        }
    }

    fn item(&mut self, out: &mut Out, text: &str) -> io::Result<()> {
        // No line break stands inside a text of JSON, so each begins a line of layout.
        let indented = text.replace('\n', "\n  ");
        out.write(&format!("{}{indented}", if self.open { ",\n  " } else { "[\n  " }))?;
        self.open = true;
        out.flush()
    }
}
