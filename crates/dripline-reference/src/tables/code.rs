use std::fmt;

/// A five-character HCPCS or CPT code, packed into one number so that a million pairs stay small.
///
/// Codes order as their text does: digits before letters.
///
/// ```
/// use dripline_reference::tables::Code;
/// assert_eq!(Code::parse(" j0129 ").unwrap().to_string(), "J0129");
/// assert!(Code::parse("J0129-59").is_none());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(u32);

const BASE: u32 = 36;
const LENGTH: usize = 5;

impl Code {
    /// Reads five letters or digits; blanks around them and the case of letters do not matter.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim_ascii();
        if text.len() != LENGTH {
            return None;
        }
        let mut packed = 0;
        for byte in text.bytes() {
            packed = packed * BASE + char::from(byte).to_digit(BASE)?;
        }
        Some(Code(packed))
    }

    /// The packed number, below 2²⁶.
    pub(super) const fn packed(self) -> u32 {
        self.0
    }

    /// The code of a packed number, where it is one.
    pub(super) fn from_packed(packed: u32) -> Option<Self> {
        (packed < BASE.pow(5)).then_some(Code(packed))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [b'0'; LENGTH];
        let mut rest = self.0;
        for place in text.iter_mut().rev() {
            *place = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[(rest % BASE) as usize];
            rest /= BASE;
        }
        f.pad(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_order_as_their_text() {
        let texts = ["00100", "0001U", "96365", "A0021", "J9999", "V5364", "ZZZZZ"];
        for a in texts {
            assert_eq!(Code::parse(a).unwrap().to_string(), a);
            for b in texts {
                assert_eq!(Code::parse(a).cmp(&Code::parse(b)), a.cmp(b), "{a} {b}");
            }
        }
    }

    #[test]
    fn only_five_letters_or_digits_are_a_code() {
        for text in ["", "9636", "963655", "9636-", "J01é"] {
            assert_eq!(Code::parse(text), None, "{text}");
        }
    }
}
