//! How values stand in a table's file: little-endian numbers and texts with their length before them.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::Code;

/// Days since 1900-01-01; no table of CMS's holds an older date, and the largest value stands for none.
pub(super) const NO_DAY: u32 = u32::MAX;
const FIRST: Date = Date::constant(1900, 1, 1);

pub(super) fn day(date: Option<Date>) -> u32 {
    date.and_then(|d| u32::try_from((d - FIRST).get_days()).ok()).unwrap_or(NO_DAY)
}

pub(super) fn date(day: u32) -> Option<Date> {
    (day != NO_DAY).then(|| FIRST.checked_add(jiff::Span::new().try_days(day).ok()?).ok())?
}

#[cfg(feature = "import")]
#[derive(Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

#[cfg(feature = "import")]
impl Writer {
    pub(super) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(super) fn u16(&mut self, value: u16) {
        self.0.extend(value.to_le_bytes());
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.0.extend(value.to_le_bytes());
    }

    pub(super) fn u64(&mut self, value: u64) {
        self.0.extend(value.to_le_bytes());
    }

    pub(super) fn code(&mut self, code: Code) {
        self.u32(code.packed());
    }

    pub(super) fn date(&mut self, value: Option<Date>) {
        self.u32(day(value));
    }

    pub(super) fn decimal(&mut self, value: Decimal) {
        self.0.extend(value.serialize());
    }

    pub(super) fn option(&mut self, value: Option<Decimal>) {
        self.u8(u8::from(value.is_some()));
        if let Some(value) = value {
            self.decimal(value);
        }
    }

    /// Texts are cut from a file's cells and far shorter than 64 KiB; a longer one would be cut at a character.
    pub(super) fn text(&mut self, text: &str) {
        let mut end = text.len().min(usize::from(u16::MAX));
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.u16(u16::try_from(end).unwrap_or(u16::MAX));
        self.0.extend(&text.as_bytes()[..end]);
    }
}

/// Reads what a writer wrote; `None` where the bytes are too few or are no such value.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|b| b[0])
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_le_bytes)
    }

    pub(super) fn flag(&mut self) -> Option<bool> {
        match self.u8()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    pub(super) fn code(&mut self) -> Option<Code> {
        Code::from_packed(self.u32()?)
    }

    pub(super) fn date(&mut self) -> Option<Option<Date>> {
        match self.u32()? {
            NO_DAY => Some(None),
            days => date(days).map(Some),
        }
    }

    pub(super) fn decimal(&mut self) -> Option<Decimal> {
        let bytes: [u8; 16] = self.take(16)?.try_into().ok()?;
        // Byte 2 is the scale; `deserialize` itself does not check it.
        (bytes[2] <= 28).then(|| Decimal::deserialize(bytes))
    }

    pub(super) fn option(&mut self) -> Option<Option<Decimal>> {
        match self.flag()? {
            true => self.decimal().map(Some),
            false => Some(None),
        }
    }

    pub(super) fn text(&mut self) -> Option<String> {
        let length = usize::from(self.u16()?);
        std::str::from_utf8(self.take(length)?).ok().map(str::to_owned)
    }
}
