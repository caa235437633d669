//! What a page sends: the fields of one form.

/// The fields of a form, in the order in which they were sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads an `application/x-www-form-urlencoded` body.
    pub fn read(body: &[u8]) -> Self {
        Form(form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// The first field of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// A field that says something.
    pub fn said(&self, name: &str) -> Option<&str> {
        self.get(name).map(str::trim).filter(|v| !v.is_empty())
    }

    /// Every field whose name begins so, without that beginning.
    pub fn under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value.as_str())))
    }

    /// The fields of a numbered group: `row.3.dose` is `(3, "dose", …)` under `row.`.
    pub fn numbered<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (usize, &'a str, &'a str)> {
        self.under(prefix).filter_map(|(name, value)| {
            let (number, key) = name.split_once('.')?;
            Some((number.parse().ok()?, key, value))
        })
    }

    /// A text of several lines: a browser sends `\r\n`.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(|text| text.replace("\r\n", "\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::Form;

    #[test]
    fn fields_are_found_by_name_and_by_number() {
        let form = Form::read(b"text=a%0D%0Ab+c&row.0.dose=4+mg&row.10.dose=&row.x.dose=1&payer=");
        assert_eq!(form.text("text").as_deref(), Some("a\nb c"));
        assert_eq!(form.numbered("row.").collect::<Vec<_>>(), [(0, "dose", "4 mg"), (10, "dose", "")]);
        assert_eq!((form.get("payer"), form.said("payer"), form.get("none")), (Some(""), None, None));
    }
}
