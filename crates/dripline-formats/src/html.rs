//! Text as it may stand in markup.

use std::fmt;

use crate::error::shown;

/// Escapes as it is shown, for text and for attributes in double quotes. What steers a terminal is no good on a page
/// either: it could turn the direction of what follows.
pub(crate) struct Esc<T>(pub T);

impl<T: AsRef<str>> fmt::Display for Esc<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = shown(self.0.as_ref());
        let mut rest = text.as_ref();
        while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
            f.write_str(&rest[..at])?;
            f.write_str(match rest.as_bytes()[at] {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'"' => "&quot;",
                _ => "&#39;",
            })?;
            rest = &rest[at + 1..];
        }
        f.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::Esc;

    #[test]
    fn nothing_from_a_chart_is_markup() {
        assert_eq!(Esc("<b a=\"1\" c='2'>&").to_string(), "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;");
        assert_eq!(Esc("a\u{202e}b\u{1b}").to_string(), "a\u{fffd}b\u{fffd}");
        assert_eq!(Esc("plain, µg").to_string(), "plain, µg");
    }
}
