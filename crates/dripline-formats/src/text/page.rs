//! Words on a page of a given width: wrapping, columns, colour.

use crate::error::shown;

/// How text is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Columns of the page.
    pub width: usize,
    /// Colour and weight by terminal sequences.
    pub colour: bool,
    /// Nothing beyond ASCII in our own signs.
    pub ascii: bool,
}

impl Default for Style {
    fn default() -> Self {
        Style { width: 80, colour: false, ascii: false }
    }
}

/// What a piece of text is; decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    Plain,
    Heading,
    Code,
    Faint,
    Alert,
    Ask,
    Good,
}

impl Ink {
    fn style(self) -> anstyle::Style {
        use anstyle::AnsiColor as C;
        let plain = anstyle::Style::new();
        match self {
            Ink::Plain => plain,
            Ink::Heading => plain.bold(),
            Ink::Code => plain.bold().fg_color(Some(C::Cyan.into())),
            Ink::Faint => plain.dimmed(),
            Ink::Alert => plain.fg_color(Some(C::Yellow.into())),
            Ink::Ask => plain.fg_color(Some(C::Magenta.into())),
            Ink::Good => plain.fg_color(Some(C::Green.into())),
        }
    }
}

/// A page that is being written.
pub(crate) struct Page {
    pub style: Style,
    out: String,
}

impl Page {
    pub fn new(style: Style) -> Self {
        Page { style, out: String::new() }
    }

    pub fn done(self) -> String {
        self.out
    }

    pub fn blank(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// A section's heading, with a blank line before it.
    pub fn heading(&mut self, text: &str) {
        self.blank();
        self.line(&[(Ink::Heading, text)]);
    }

    /// One line of pieces, as they are.
    pub fn line(&mut self, pieces: &[(Ink, &str)]) {
        let mut line = String::new();
        for (ink, text) in pieces {
            line.push_str(&self.paint(*ink, text));
        }
        // Trailing blanks would only make copies of the text differ.
        self.out.push_str(if self.style.colour { &line } else { line.trim_end() });
        self.out.push('\n');
    }

    /// Text in words, wrapped, each line indented; the first line begins with `lead`, which the others leave blank.
    pub fn words(&mut self, lead: &[(Ink, &str)], indent: usize, ink: Ink, text: &str) {
        let used: usize = lead.iter().map(|(_, t)| width(t)).sum();
        let blank = " ".repeat(indent);
        if used > indent {
            self.line(lead);
            return self.words(&[], indent, ink, text);
        }
        let gap = " ".repeat(indent - used);
        for (i, line) in wrap(text, self.style.width.saturating_sub(indent)).iter().enumerate() {
            if i == 0 {
                let mut pieces = lead.to_vec();
                pieces.push((Ink::Plain, &gap));
                pieces.push((ink, line));
                self.line(&pieces);
            } else {
                self.line(&[(Ink::Plain, &blank), (ink, line)]);
            }
        }
    }

    /// Rows in columns, two blanks apart. The last column takes what is left; if that is too little for it, the widest
    /// of the others gives way. Cells wrap.
    pub fn table(&mut self, head: Option<&[&str]>, rows: &[Vec<(Ink, String)>]) {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        // Only columns that hold something are shown.
        let held: Vec<usize> =
            (0..columns).filter(|&c| rows.iter().any(|r| r.get(c).is_some_and(|(_, t)| !t.is_empty()))).collect();
        let mut widths: Vec<usize> = held
            .iter()
            .map(|&c| {
                let cells = rows.iter().filter_map(|r| r.get(c)).map(|(_, t)| width(t));
                cells.chain(head.map(|h| width(h[c]))).max().unwrap_or(0)
            })
            .collect();
        let Some(last) = widths.pop() else { return };
        let used = |widths: &[usize]| 2 + widths.iter().map(|w| w + 2).sum::<usize>();
        if let Some(widest) = (0..widths.len()).max_by_key(|&i| widths[i]) {
            let missing = (used(&widths) + last.min(24)).saturating_sub(self.style.width);
            widths[widest] = widths[widest].saturating_sub(missing).max(widths[widest].min(12));
        }
        let room = self.style.width.saturating_sub(used(&widths));
        widths.push(room.max(8));
        if let Some(head) = head {
            self.row(&widths, &held.iter().map(|&c| (Ink::Faint, head[c].to_owned())).collect::<Vec<_>>());
        }
        for cells in rows {
            let cells: Vec<_> =
                held.iter().map(|&c| cells.get(c).cloned().unwrap_or((Ink::Plain, String::new()))).collect();
            self.row(&widths, &cells);
        }
    }

    fn row(&mut self, widths: &[usize], cells: &[(Ink, String)]) {
        let wrapped: Vec<Vec<String>> = cells.iter().zip(widths).map(|((_, t), w)| wrap(t, *w)).collect();
        for i in 0..wrapped.iter().map(Vec::len).max().unwrap_or(0) {
            let mut line: Vec<(Ink, String)> = vec![(Ink::Plain, "  ".to_owned())];
            for (n, ((lines, (ink, _)), w)) in wrapped.iter().zip(cells).zip(widths).enumerate() {
                let text = lines.get(i).map_or("", String::as_str);
                let pad = " ".repeat(w.saturating_sub(width(text)));
                // Numbers stand right.
                let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
                let amount = text.split_once('.').is_some_and(|(whole, cents)| digits(whole) && digits(cents));
                let number =
                    n + 1 < widths.len() && (amount || matches!(text, "–" | "?") || (text.len() < 5 && digits(text)));
                line.push((*ink, if number { format!("{pad}{text}  ") } else { format!("{text}{pad}  ") }));
            }
            if let Some((_, text)) = line.last_mut() {
                text.truncate(text.trim_end().len());
            }
            self.line(&line.iter().map(|(i, t)| (*i, t.as_str())).collect::<Vec<_>>());
        }
    }

    pub fn paint(&self, ink: Ink, text: &str) -> String {
        let text = shown(text);
        let text = if self.style.ascii { plain_signs(&text) } else { text.into_owned() };
        if !self.style.colour || ink == Ink::Plain || text.trim().is_empty() {
            return text;
        }
        let style = ink.style();
        format!("{style}{text}{style:#}")
    }
}

/// Our own signs in ASCII; a chart's own letters stay.
fn plain_signs(text: &str) -> String {
    text.replace('×', "x")
        .replace('–', "-")
        .replace('·', "|")
        .replace('…', "...")
        .replace('→', "->")
        .replace('©', "(c)")
}

/// Columns that a text takes.
pub(crate) fn width(text: &str) -> usize {
    text.chars().count()
}

/// A text cut to a width.
pub(crate) fn cut(text: &str, most: usize) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(most.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// Holds two words together on one line; written as a blank.
pub(crate) const GLUE: char = '\u{a0}';

/// Lines of whole words. A word longer than a line is broken, but not an address, which is there to be copied.
pub(crate) fn wrap(text: &str, most: usize) -> Vec<String> {
    let most = most.max(1);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(|c: char| c.is_whitespace() && c != GLUE).filter(|w| !w.is_empty()) {
        let mut rest: Vec<char> = word.chars().map(|c| if c == GLUE { ' ' } else { c }).collect();
        if used > 0 && used + 1 + rest.len() > most {
            lines.push(String::new());
            used = 0;
        }
        while !rest.is_empty() {
            let line = lines.last_mut().expect("there is always a line");
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            let room = if word.contains("://") { rest.len() } else { most - used };
            let piece: Vec<char> = rest.drain(..rest.len().min(room)).collect();
            used += piece.len();
            line.extend(piece);
            if !rest.is_empty() {
                lines.push(String::new());
                used = 0;
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_wrap_and_long_ones_break() {
        assert_eq!(wrap("one two three four", 10), ["one two", "three four"]);
        assert_eq!(wrap("a abcdefghijklmnop b", 10), ["a", "abcdefghij", "klmnop b"]);
        assert_eq!(wrap("", 10), [""]);
    }

    #[test]
    fn the_last_column_wraps_under_itself() {
        let mut page = Page::new(Style { width: 20, ..Style::default() });
        page.table(
            None,
            &[vec![(Ink::Plain, "ab".into()), (Ink::Plain, String::new()), (Ink::Plain, "words that wrap".into())]],
        );
        assert_eq!(page.done(), "  ab  words that\n      wrap\n");
    }

    #[test]
    fn nothing_from_a_chart_steers_the_terminal() {
        let page = Page::new(Style { colour: true, ..Style::default() });
        assert_eq!(page.paint(Ink::Plain, "a\u{1b}[31mb"), "a\u{fffd}[31mb");
    }
}
