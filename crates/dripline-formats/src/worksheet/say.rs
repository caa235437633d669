//! What the words of a line say, piece by piece.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::Problem;
use super::keys;
use super::lex::{Line, Span, Token};
use super::time::{Seen, Times, When, date, half_of_day, is_hours, moment, range};
use super::words::{
    Amount, PHRASES, WORDS, Word, ends_phrase, habit, minutes_in, nearest, number, plain_unit, split_number,
    unit as unit_of, unit_names, word, word_in_text,
};

/// The words of a line.
pub(super) struct Words<'a> {
    pub line: Line<'a>,
    pub tokens: Vec<Token>,
}

/// A piece of a line by its shape alone.
#[derive(Clone, Debug)]
enum Piece {
    Pair,
    Times(Times),
    Amount(Amount),
    Word(Word),
    Phrase(&'static str),
    /// `@`.
    Place,
    Multiplier(Multiplier),
    Other,
}

/// `x2`, `q30`.
#[derive(Clone, Copy, Debug)]
enum Multiplier {
    Count(usize),
    Every(i64),
}

/// What a piece says.
#[derive(Clone, Debug)]
pub(super) enum Said {
    Times(Times),
    Start(When),
    Stop(Option<When>),
    Over(i64),
    Rate(Amount),
    Via(String),
    For(String),
    Word(Word),
    /// A `key=value`: its token.
    Pair(usize),
}

/// The name that opens a line, and what follows it.
pub(super) struct Name {
    pub text: Option<String>,
    pub span: Span,
    pub amount: Option<(Amount, Span)>,
    /// Words that stand in the name.
    pub words: Vec<(Word, Span)>,
    /// First token behind name and amount.
    pub next: usize,
}

/// Signs that people set behind a word; they say nothing there.
const STOP_SIGNS: [char; 3] = [',', ';', '.'];

/// Dashes that stand between two times.
const DASHES: &[&str] = &["-", "–", "—", "to", "until", "till"];

/// Words that open the start or the stop.
const STARTS: &[&str] = &["started", "start", "began", "begin"];
const STOPS: &[&str] = &["stopped", "stop", "ended", "end", "finished"];

impl<'a> Words<'a> {
    pub fn of(line: Line<'a>, from: usize) -> Result<Self, Problem> {
        Ok(Words { line, tokens: line.tokens(from)? })
    }

    /// Whether the line has a key, whatever its value.
    pub fn has_key(&self, key: &str) -> bool {
        self.tokens.iter().any(|t| t.equals.is_some_and(|equals| self.line.get(&(t.span.start..equals)) == key))
    }

    /// A word without the comma, semicolon or full stop that people set behind it.
    fn text(&self, at: usize) -> Option<&'a str> {
        self.tokens.get(at).map(|token| self.without_stop(token))
    }

    fn without_stop(&self, token: &Token) -> &'a str {
        let text = self.line.get(&token.span);
        let bare = text.trim_end_matches(STOP_SIGNS);
        if token.quoted || token.equals.is_some() || bare.is_empty() { text } else { bare }
    }

    /// From a token up to another.
    fn span(&self, from: usize, len: usize) -> Span {
        let (Some(first), Some(last)) = (self.tokens.get(from), self.tokens.get(from + len.max(1) - 1)) else {
            let end = self.line.text.trim_end().len();
            return end..end;
        };
        first.span.start..last.span.end
    }

    /// The texts of some tokens with the quotes off and one blank between, without a comma behind the last.
    pub fn joined(&self, from: usize, to: usize) -> Result<String, Problem> {
        let text = |token: &Token| Ok(self.line.value(token.span.clone())?.text);
        let mut texts: Vec<String> = self.tokens[from..to].iter().map(text).collect::<Result<_, Problem>>()?;
        if let (Some(token), Some(last)) = (self.tokens[from..to].last(), texts.last_mut()) {
            let dropped = token.span.len() - self.without_stop(token).len();
            last.truncate(last.len() - dropped);
        }
        Ok(texts.join(" "))
    }

    fn piece(&self, at: usize) -> Result<Option<(Piece, usize)>, Problem> {
        let Some(token) = self.tokens.get(at) else { return Ok(None) };
        let text = self.without_stop(token);
        if token.equals.is_some() {
            return Ok(Some((Piece::Pair, 1)));
        }
        if token.quoted {
            return Ok(Some((Piece::Other, 1)));
        }
        if text == "@" {
            return Ok(Some((Piece::Place, 1)));
        }
        if let Some((multiplier, n)) = self.multiplier(at) {
            return Ok(Some((Piece::Multiplier(multiplier), n)));
        }
        if let Some((amount, n)) = self.amount(at) {
            return Ok(Some((Piece::Amount(amount), n)));
        }
        if let Some((times, n)) = self.times(at)? {
            return Ok(Some((Piece::Times(times), n)));
        }
        if let Some(opener) = PHRASES.iter().find(|p| p.eq_ignore_ascii_case(text.trim_end_matches(':'))) {
            return Ok(Some((Piece::Phrase(opener), 1)));
        }
        Ok(Some((word(text).map_or(Piece::Other, Piece::Word), 1)))
    }

    fn multiplier(&self, at: usize) -> Option<(Multiplier, usize)> {
        let text = self.text(at)?.to_lowercase();
        let next = self.text(at + 1);
        let sign = |c: char| matches!(c, 'x' | '×');
        let count = |digits: &str| digits.parse().ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit()));
        if let Some(n) = text.strip_prefix(sign).and_then(count).or(text.strip_suffix(sign).and_then(count)) {
            return Some((Multiplier::Count(n), 1));
        }
        let alone = matches!(text.as_str(), "x" | "×") && self.amount(at + 1).is_none();
        if let Some(n) = next.and_then(count).filter(|_| alone) {
            return Some((Multiplier::Count(n), 2));
        }
        let (every, used) = match text.strip_prefix('q') {
            Some("") => (next?.to_lowercase(), 2),
            Some(rest) => (rest.to_owned(), 1),
            None if text == "every" => (next?.to_lowercase(), 2),
            None => return None,
        };
        let (number, unit) = split_number(&every)?;
        let number: i64 = number.parse().ok()?;
        let (unit, more) = match unit {
            "" => self.text(at + used).and_then(minutes_in).map_or((1, 0), |unit| (unit, 1)),
            unit => (minutes_in(unit)?, 0),
        };
        Some((Multiplier::Every(number.saturating_mul(i64::from(unit))), used + more))
    }

    fn amount(&self, at: usize) -> Option<(Amount, usize)> {
        let (number, rest) = split_number(self.text(at)?)?;
        if !rest.is_empty() {
            return Some((Amount::of(&number, rest)?, 1));
        }
        let next = self.text(at + 1)?;
        if next.eq_ignore_ascii_case("million") {
            return Some((Amount::of_million(&number, self.text(at + 2)?)?, 3));
        }
        Some((Amount::of(&number, next)?, 2))
    }

    fn seen<T>(&self, seen: Seen<T>, at: usize, len: usize) -> Result<Option<T>, Problem> {
        match seen {
            Seen::Is(t) => Ok(Some(t)),
            Seen::Not => Ok(None),
            Seen::Bad { message, help } => Err(self.line.problem(self.span(at, len), message, help)),
        }
    }

    /// A moment, also with `am` or `p` as a word of its own.
    fn moment(&self, at: usize) -> Result<Option<(When, usize)>, Problem> {
        let Some(text) = self.text(at) else { return Ok(None) };
        if let Some(half) = self.text(at + 1).filter(|t| half_of_day(t).is_some()) {
            let both = moment(&format!("{text}{half}"));
            if both != Seen::Not {
                return Ok(self.seen(both, at, 2)?.map(|when| (when, 2)));
            }
        }
        if let Some(hours) = self.text(at + 1).filter(|t| is_hours(t)) {
            let both = moment(&format!("{text}{hours}"));
            if both != Seen::Not {
                return Ok(self.seen(both, at, 2)?.map(|when| (when, 2)));
            }
        }
        Ok(self.seen(moment(text), at, 1)?.map(|when| (when, 1)))
    }

    fn times(&self, at: usize) -> Result<Option<(Times, usize)>, Problem> {
        let Some(text) = self.text(at) else { return Ok(None) };
        if let Some(times) = self.seen(range(text), at, 1)? {
            return Ok(Some((times, 1)));
        }
        let Some((start, n)) = self.moment(at)? else { return Ok(None) };
        if self.text(at + n).is_some_and(|t| DASHES.contains(&t.to_lowercase().as_str())) {
            if self.text(at + n + 1) == Some("?") {
                return Ok(Some((Times::Range(Some(start), None), n + 2)));
            }
            if let Some((stop, m)) = self.moment(at + n + 1)? {
                return Ok(Some((Times::Range(Some(start), Some(stop)), n + 1 + m)));
            }
        }
        Ok(Some((Times::Point(start), n)))
    }

    /// The name up to the first amount with a unit; without one, up to the first word that says something.
    pub fn name(&self) -> Result<Name, Problem> {
        let mut at = 0;
        let mut words: Vec<(usize, Word)> = Vec::new();
        let mut found = None;
        while let Some((piece, n)) = self.piece(at)? {
            match piece {
                Piece::Amount(amount) => {
                    found = Some((amount, n));
                    break;
                }
                Piece::Multiplier(_) => return Err(self.multiplied()),
                Piece::Word(w) => words.push((at, w)),
                Piece::Other => {}
                Piece::Times(Times::Point(_)) if at > 0 && words.is_empty() && n == 1 => {
                    let text = self.text(at).unwrap_or("");
                    if text.bytes().all(|b| b.is_ascii_digit()) {
                        let colon = format!("{}:{}", &text[..2], &text[2..]);
                        let help = format!("write {colon} for the time, or the unit behind a dose: {text} mg");
                        let message = format!("`{text}` can be a time or a dose without its unit");
                        return Err(self.line.problem(self.span(at, 1), message, help));
                    }
                    break;
                }
                _ => break,
            }
            at += n;
        }
        let end = match (&found, words.first()) {
            (None, Some((first, _))) => *first,
            _ => at,
        };
        self.numbers_in_name(end, found.is_some())?;
        self.no_bullet(end)?;
        let span = self.span(0, end);
        let text = if end == 0 { None } else { Some(self.joined(0, end)?) };
        let next = end + found.as_ref().map_or(0, |(_, n)| *n);
        let amount = found.map(|(amount, n)| (amount, self.span(end, n)));
        words.retain(|(at, _)| *at < end && self.text(*at).is_some_and(|t| word_in_text(t).is_some()));
        let words = words.into_iter().map(|(at, w)| (w, self.span(at, 1))).collect();
        Ok(Name { text, span, amount, words, next })
    }

    /// The mark or the number of a list is not part of a name.
    fn no_bullet(&self, end: usize) -> Result<(), Problem> {
        let Some(token) = self.tokens.first().filter(|t| end > 0 && !t.quoted) else { return Ok(()) };
        let text = self.line.get(&token.span);
        let digits = text.trim_end_matches(['.', ')', ':']);
        let numbered = digits.len() < text.len() && digits.bytes().all(|b| b.is_ascii_digit());
        let mark = !text.starts_with(|c: char| c.is_alphanumeric() || "(½¼¾.&".contains(c));
        if numbered || mark {
            let help = "begin the line with the drug's name; only `*` may stand before it, on the reason for the visit";
            return Err(self.line.problem(token.span.clone(), format!("`{text}` begins no drug's name"), help));
        }
        Ok(())
    }

    /// An amount that was not written out is not part of a name.
    fn numbers_in_name(&self, end: usize, amount: bool) -> Result<(), Problem> {
        for at in 0..end {
            let text = self.text(at).unwrap_or("");
            if self.tokens[at].quoted {
                continue;
            }
            if text.starts_with('#') || date(text) != Seen::Not {
                return Err(self.unknown(at));
            }
            if plain_unit(text)
                && let Some(before) = at.checked_sub(1).and_then(|b| self.text(b)).filter(|b| starts_as_number(b))
            {
                let help = "write the one amount that was given: 4 mg; the volume it was in is volume=50mL";
                let message = format!("`{before} {text}` is not one amount");
                return Err(self.line.problem(self.span(at - 1, 2), message, help));
            }
            if plain_unit(text) {
                let help = "write the amount before its unit: 4 mg";
                return Err(self.line.problem(self.span(at, 1), format!("`{text}` has no amount before it"), help));
            }
            if let Some(len) = self.strength(at).filter(|_| amount) {
                let help = "leave it out: the amount that was given stands behind the name; if the drug is called so, put the name in quotes";
                let strength = self.line.get(&self.span(at, len));
                return Err(self.line.problem(
                    self.span(at, len),
                    format!("`{strength}` stands in the drug's name"),
                    help,
                ));
            }
            if amount {
                continue;
            }
            let quote = "put the name in quotes if the number belongs to it";
            let wrong = |message: String, unit: &str, len: usize| {
                let help = match nearest(unit, unit_names()) {
                    Some(near) => format!("did you mean `{near}`? {quote}"),
                    None => format!("write the unit behind the number: 4 mg; {quote}"),
                };
                self.line.problem(self.span(at, len), message, help)
            };
            match split_number(text) {
                Some((_, "")) => {
                    let next = self.text(at + 1).filter(|_| at + 1 < end).unwrap_or("");
                    return Err(wrong(
                        format!("`{text}` has no unit that is known"),
                        next,
                        if next.is_empty() { 1 } else { 2 },
                    ));
                }
                Some((_, unit)) if unit.len() > 2 && nearest(unit, unit_names()).is_some() => {
                    return Err(wrong(format!("`{unit}` is not a unit that is known"), unit, 1));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// `60mg/2mL`, `5 mg/kg`: how many tokens it takes.
    fn strength(&self, at: usize) -> Option<usize> {
        let (_, rest) = split_number(self.text(at)?)?;
        let (rest, len) = if rest.is_empty() { (self.text(at + 1)?, 2) } else { (rest, 1) };
        let (unit, _) = rest.split_once('/')?;
        unit_of(unit).map(|_| len)
    }

    /// Everything from a token on.
    pub fn said(&self, from: usize) -> Result<Vec<(Said, Span)>, Problem> {
        let mut said = Vec::new();
        let mut at = from;
        while let Some((piece, n)) = self.piece(at)? {
            let (what, n) = match piece {
                Piece::Pair => (Said::Pair(at), n),
                Piece::Times(times) => (Said::Times(times), n),
                Piece::Amount(amount) if amount.rate => (Said::Rate(amount), n),
                Piece::Amount(amount) => return Err(self.late_amount(at, n, &amount)),
                Piece::Word(w) => (Said::Word(w), n),
                Piece::Multiplier(_) => return Err(self.multiplied()),
                Piece::Place => match self.timed(at + 1)? {
                    Some((what, n)) => (what, n + 1),
                    None => {
                        let (text, n) = self.phrase(at, "@")?;
                        (Said::Via(text), n)
                    }
                },
                Piece::Phrase("at") => match self.timed(at + 1)? {
                    Some((what, n)) => (what, n + 1),
                    None => {
                        let help = "write a time behind it (at 10:05a), or name a place with `via`: via left hand";
                        return Err(self.line.problem(self.span(at, 1), "no time stands behind `at`", help));
                    }
                },
                Piece::Phrase("over") => {
                    let (minutes, n) = self.duration(at)?;
                    (Said::Over(minutes), n)
                }
                Piece::Phrase("from") => match self.times(at + 1)? {
                    Some((times, n)) => (Said::Times(times), n + 1),
                    None => {
                        let help = "write it as from 10:05 to 11:20";
                        return Err(self.line.problem(self.span(at, 1), "no time stands behind `from`", help));
                    }
                },
                Piece::Phrase(opener) if STARTS.contains(&opener) || STOPS.contains(&opener) => {
                    self.bound(at, opener)?
                }
                Piece::Phrase(opener) => {
                    let (text, n) = self.phrase(at, opener)?;
                    (if opener == "via" { Said::Via(text) } else { Said::For(text) }, n)
                }
                Piece::Other => return Err(self.unknown(at)),
            };
            said.push((what, self.span(at, n)));
            at += n;
        }
        Ok(said)
    }

    /// What may stand behind `at`: a time or a rate.
    fn timed(&self, at: usize) -> Result<Option<(Said, usize)>, Problem> {
        Ok(match self.piece(at)? {
            Some((Piece::Times(times), n)) => Some((Said::Times(times), n)),
            Some((Piece::Amount(amount), n)) if amount.rate => Some((Said::Rate(amount), n)),
            _ => None,
        })
    }

    /// `started 10:05`, `stopped at 11:20`, `stopped ?`.
    fn bound(&self, at: usize, opener: &str) -> Result<(Said, usize), Problem> {
        let start = STARTS.contains(&opener);
        let skip = 1 + usize::from(self.text(at + 1).is_some_and(|t| t == "@" || t.eq_ignore_ascii_case("at")));
        if !start && self.text(at + 1) == Some("?") {
            return Ok((Said::Stop(None), 2));
        }
        match self.times(at + skip)? {
            Some((Times::Point(when), n)) => {
                Ok((if start { Said::Start(when) } else { Said::Stop(Some(when)) }, skip + n))
            }
            Some((Times::Range(..), n)) => {
                let help = "write the range alone: 10:05-11:20";
                Err(self.line.problem(self.span(at, skip + n), format!("two times stand behind `{opener}`"), help))
            }
            None => {
                let help = format!("write it as `{opener} 10:05`");
                Err(self.line.problem(self.span(at, 1), format!("no time stands behind `{opener}`"), help))
            }
        }
    }

    /// A number, the minutes of its unit of time, and how many tokens they take.
    fn length(&self, at: usize) -> Option<(Decimal, u32, usize)> {
        let (number, rest) = split_number(self.text(at)?)?;
        let (unit, n) = if rest.is_empty() { (self.text(at + 1)?, 2) } else { (rest, 1) };
        Some((number.parse().ok()?, minutes_in(unit)?, n))
    }

    /// `over 2 min`, `over 1 h 30 min`.
    fn duration(&self, at: usize) -> Result<(i64, usize), Problem> {
        let Some((hours, unit, n)) = self.length(at + 1) else {
            let help = "write how many minutes or hours: over 2 min, over 1.5 h";
            return Err(self.line.problem(self.span(at, 1), "no length of time stands behind `over`", help));
        };
        let rest = self.length(at + 1 + n).filter(|(_, smaller, _)| unit == 60 && *smaller == 1);
        let (rest, n) = rest.map_or((Decimal::ZERO, n + 1), |(minutes, _, m)| (minutes, n + m + 1));
        let minutes = hours.checked_mul(Decimal::from(unit)).and_then(|m| m.checked_add(rest));
        let minutes = minutes.filter(Decimal::is_integer).and_then(|m| m.to_i64());
        match minutes.filter(|m| *m > 0) {
            Some(minutes) => Ok((minutes, n)),
            None => {
                let help = "times are whole minutes, at least one: over 2 min";
                Err(self.line.problem(self.span(at, n), "this is not a length of time in whole minutes", help))
            }
        }
    }

    /// The free text behind `for`, `via` or `@`, and how many tokens it takes with its opener.
    fn phrase(&self, opener: usize, name: &str) -> Result<(String, usize), Problem> {
        let from = opener + 1;
        if let Some(token) = self.tokens.get(from).filter(|t| t.quoted && t.equals.is_none()) {
            return Ok((self.line.value(token.span.clone())?.text, 2));
        }
        let mut to = from;
        while !self.phrase_ends(to, name)? {
            to += 1;
        }
        let example = if name == "for" { "for \"…\"" } else { "via \"…\"" };
        if to == from {
            let help = format!("write the text behind it, in quotes where it holds a word of the worksheet: {example}");
            return Err(self.line.problem(self.span(opener, 1), format!("nothing stands behind `{name}`"), help));
        }
        let last = self.text(to - 1).unwrap_or("");
        if to - from > 1 && !self.tokens[to - 1].quoted && word_in_text(last).is_some() {
            let help = format!(
                "write `{last}` before `{name}`, or put the text in quotes if the word belongs to it: {example}"
            );
            let message = format!("`{last}` can belong to the text behind `{name}` or be a word of the line");
            return Err(self.line.problem(self.span(to - 1, 1), message, help));
        }
        let text = self.joined(from, to)?;
        if name == "for"
            && let Some((_, _, n)) = self.length(from)
        {
            let length = self.line.get(&self.span(from, n)).trim_end_matches(STOP_SIGNS);
            let help =
                format!("how long it ran is `over {length}`; put the text in quotes if it is the reason: for \"…\"");
            let message = format!("`{length}` behind `for` is a length of time and no reason");
            return Err(self.line.problem(self.span(from, n), message, help));
        }
        let bare_number = || self.text(from).and_then(split_number).is_some_and(|(_, rest)| rest.is_empty());
        if !text.contains(char::is_alphabetic) || (name == "@" && bare_number()) {
            let help = match name {
                "for" => "write the reason in words, or in quotes: for \"…\"",
                _ => "write a time as @1000 or @10:05a; put the name of an access in quotes: via \"…\"",
            };
            let what = if name == "for" { "no reason" } else { "neither a time nor the name of an access" };
            return Err(self.line.problem(self.span(from, to - from), format!("`{text}` is {what}"), help));
        }
        Ok((text, to - opener))
    }

    fn phrase_ends(&self, at: usize, name: &str) -> Result<bool, Problem> {
        let Some((piece, n)) = self.piece(at)? else { return Ok(true) };
        Ok(match piece {
            Piece::Pair | Piece::Times(_) | Piece::Place => true,
            Piece::Word(_) => self.text(at).is_some_and(ends_phrase),
            Piece::Phrase("for" | "via") => true,
            Piece::Phrase("at") => self.timed(at + 1)?.is_some(),
            Piece::Phrase("from") => self.times(at + 1)?.is_some(),
            Piece::Phrase("over") => self.text(at + 1).and_then(split_number).is_some(),
            Piece::Phrase(opener) => self.bound(at, opener).is_ok(),
            Piece::Amount(amount) if amount.rate => true,
            Piece::Amount(_) | Piece::Multiplier(_) => {
                let text = self.line.get(&self.span(at, n));
                let help = format!("put the text behind `{name}` in quotes if `{text}` belongs to it");
                if let Piece::Multiplier(_) = piece {
                    let problem = self.multiplied();
                    return Err(Problem { help: format!("{}\nor {help}", problem.help), ..problem });
                }
                let message = format!("`{text}` can belong to the text behind `{name}` or to the line");
                return Err(self.line.problem(self.span(at, n), message, help));
            }
            Piece::Other => false,
        })
    }

    fn late_amount(&self, at: usize, n: usize, amount: &Amount) -> Problem {
        let text = amount.text();
        let help = format!(
            "the dose stands right behind the drug's name: Zofran 4 mg; any other amount says what it is: volume=\"{text}\", wasted=\"{text}\" or dose=\"{text}\""
        );
        self.line.problem(
            self.span(at, n),
            format!("`{}` stands here without saying what it is", self.line.get(&self.span(at, n))),
            help,
        )
    }

    fn unknown(&self, at: usize) -> Problem {
        let text = self.text(at).unwrap_or("");
        let known = || WORDS.iter().map(|(w, _)| *w).chain(PHRASES.iter().copied());
        let help = if self.tokens[at].quoted {
            "say what the text is: for \"…\", via \"…\", or key=\"…\"".to_owned()
        } else if text.starts_with('#') {
            "a comment stands on a line of its own that begins with #".to_owned()
        } else if date(text) != Seen::Not {
            format!("write it as date={text}")
        } else if let Some(unit) = self.text(at + 1).filter(|t| number(text).is_some() && minutes_in(t).is_some()) {
            format!("write it as over {text} {unit}")
        } else if let Some(time) = short_clock(text) {
            format!("a time is written {time}, an amount with its unit behind it: 4 mg")
        } else if number(text).is_some() {
            "write its unit behind it (4 mg), or a time as 10:00".to_owned()
        } else if two_numbers(text) {
            "a range of times is written 10:00-11:20 or 10a-11:20a, a date 1/5/26".to_owned()
        } else if keys::ROW.contains(&text) {
            format!("write it as {text}=…")
        } else if let Some(help) = habit(text) {
            help.to_owned()
        } else if let Some(near) = nearest(text, known()).filter(|_| text.chars().count() > 3) {
            format!("did you mean `{near}`?")
        } else {
            "a reason begins with `for`, an access with `via`, anything else is key=value".to_owned()
        };
        let message = match number(text) {
            Some(_) => format!("`{text}` is neither a time nor an amount with a unit"),
            None => format!("`{text}` is not a word of the worksheet"),
        };
        self.line.problem(self.span(at, 1), message, help)
    }

    /// `x 30 min`: how long something ran.
    fn multiplied_by_length(&self) -> Option<(Span, String)> {
        (0..self.tokens.len()).find_map(|at| {
            let (Multiplier::Count(count), n) = self.multiplier(at)? else { return None };
            let unit = self.text(at + n).filter(|unit| minutes_in(unit).is_some())?;
            Some((self.span(at, n + 1), format!("how long it ran is `over {count} {unit}`")))
        })
    }

    /// `x2 q30`: shows the lines to write instead.
    fn multiplied(&self) -> Problem {
        const SHOWN: usize = 6;
        if let Some((span, help)) = self.multiplied_by_length() {
            let message = format!("`{}` is no number of times", self.line.get(&span));
            return self.line.problem(span, message, help);
        }
        let (mut count, mut every, mut times) = (2, None, None);
        let (mut first, mut last) = (None, 0);
        let mut parts: Vec<Option<&str>> = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            let (piece, n) = self.piece(at).ok().flatten().unwrap_or((Piece::Other, 1));
            match piece {
                Piece::Multiplier(multiplier) => {
                    match multiplier {
                        Multiplier::Count(n) => count = n,
                        Multiplier::Every(minutes) => every = Some(minutes),
                    }
                    first.get_or_insert(at);
                    last = at + n;
                }
                Piece::Times(t) if times.is_none() => {
                    times = Some(t);
                    parts.push(None);
                }
                // A blank behind `@` would do no harm, but nobody writes it.
                Piece::Place => {}
                _ => parts.push(Some(self.line.get(&self.span(at, n)))),
            }
            at += n;
        }
        if times.is_none() {
            parts.push(None);
        }
        let line = |nth: usize| {
            let shift = if nth == 0 { Some(0) } else { every.and_then(|e| e.checked_mul(i64::try_from(nth).ok()?)) };
            let shown = times.zip(shift).map_or("(time)".to_owned(), |(times, minutes)| shifted(times, minutes));
            parts.iter().map(|p| p.unwrap_or(&shown)).collect::<Vec<_>>().join(" ")
        };
        let mut help = "write one line for each time it was given:".to_owned();
        for nth in 0..count.clamp(1, SHOWN) {
            help.push('\n');
            help.push_str(&line(nth));
        }
        if count > SHOWN {
            help.push_str("\n…");
        }
        let from = first.unwrap_or(0);
        self.line.problem(
            self.span(from, last.saturating_sub(from)),
            "one line is one administration; it cannot be multiplied",
            help,
        )
    }
}

fn starts_as_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit() || c == '.')
}

/// `930` as the time that it may be.
fn short_clock(text: &str) -> Option<String> {
    let (hour, minute) = text.split_at_checked(1).filter(|_| text.len() == 3 && number(text).is_some())?;
    (minute.parse::<u8>().ok()? < 60).then(|| format!("{hour}:{minute}"))
}

/// `10-11a`, `1/5`.
fn two_numbers(text: &str) -> bool {
    text.split_once(['-', '–', '—', '/']).is_some_and(|(a, b)| starts_as_number(a) && starts_as_number(b))
}

/// Times so many minutes later, as text.
fn shifted(times: Times, by: i64) -> String {
    let one = |when: Option<When>| match when {
        None => "?".to_owned(),
        Some(When::Full(time)) => super::time::later(time, by).map_or("(time)".to_owned(), |t| t.to_string()),
        Some(When::Clock { minutes, .. }) => {
            let minutes = (minutes + by % 1440).rem_euclid(1440);
            format!("{:02}:{:02}", minutes / 60, minutes % 60)
        }
    };
    match times {
        Times::Point(when) => one(Some(when)),
        Times::Range(start @ Some(When::Full(_)), stop) => format!("{}/{}", one(start), one(stop)),
        Times::Range(start, stop) => format!("{}-{}", one(start), one(stop)),
    }
}
