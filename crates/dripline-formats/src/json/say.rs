//! The messages of the JSON library in words for the person who wrote the case.

use crate::near::nearest;

/// What is wrong in a well-formed text, and at which key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub message: String,
    pub help: String,
    /// The key inside the object at the path that is in question.
    pub key: Option<String>,
    /// The key stands there twice and the second is meant.
    pub second: bool,
}

/// What is wrong with a value. `path` is where it was found.
pub(crate) fn data(raw: &str, path: &str) -> Said {
    let mut said = Said { message: String::new(), help: String::new(), key: None, second: false };
    if let Some((key, known)) = named(raw, "unknown field `") {
        said.message = format!("`{key}` is not a key of {}", owner(path.strip_suffix(key).unwrap_or(path)));
        said.help = meant(key, &known);
        said.key = Some(key.to_owned());
    } else if let Some((word, known)) = named(raw, "unknown variant `") {
        said.message = format!("`{word}` is not a value of this key");
        said.help = meant(word, &known);
    } else if let Some(key) = between(raw, "missing field `", "`") {
        said.message = format!("`{key}` is missing");
        said.help = format!("add \"{key}\": {}", example(key).unwrap_or("…"));
    } else if let Some(key) = between(raw, "duplicate field `", "`") {
        said.message = format!("`{key}` is given twice");
        said.help = "keep one of the two".to_owned();
        said.key = Some(key.to_owned());
        said.second = true;
    } else if let Some((found, expected)) = found_expected(raw) {
        let expected = kind(expected);
        said.message = format!("expected {expected}, found {}", found_kind(found));
        said.help = match example(path.rsplit(['.', ']']).next().unwrap_or("")) {
            Some(shape) => format!("write it as {shape}"),
            None if expected == "a text" => "put it in double quotes".to_owned(),
            None if found == "null" => "leave the key out".to_owned(),
            None => format!("write {expected}"),
        };
    } else if let Some((message, help)) = raw.split_once("; ") {
        said.message = message.to_owned();
        said.help = help.to_owned();
    } else {
        said.message = raw.to_owned();
    }
    said
}

/// What is wrong with the shape of the text.
pub(crate) fn syntax(raw: &str) -> (String, String) {
    let (message, help) = match raw {
        "EOF while parsing an object" => ("the text ends inside an object", "close it with }"),
        "EOF while parsing a list" => ("the text ends inside a list", "close it with ]"),
        "EOF while parsing a string" => ("the text ends inside a quoted text", "close it with \""),
        "EOF while parsing a value" => ("the text ends where a value should stand", "write the value"),
        "trailing comma" => ("a comma stands before the closing bracket", "delete the comma"),
        "expected `:`" => ("a colon is missing after the key", "write \"key\": value"),
        "expected `,` or `}`" => {
            ("the entry does not end here", "put a comma between two entries; a quote inside a text is written \\\"")
        }
        "expected `,` or `]`" => ("the item does not end here", "put a comma between two items, and ] after the last"),
        "key must be a string" => ("a key must stand in double quotes", "write \"key\": value"),
        "expected value" => (
            "no value of JSON begins like this",
            "texts stand in double quotes; numbers, true, false and null stand without",
        ),
        "expected ident" => ("this word is not JSON", "write true, false or null, or put a text in double quotes"),
        "trailing characters" => (
            "something follows the end of the case",
            "put several cases into one list [ … ], or each on a line of its own",
        ),
        "recursion limit exceeded" => ("the brackets are nested too deeply", "a case needs no more than five levels"),
        "invalid escape" => ("this escape is not known", "write \\\" \\\\ \\n \\t or \\u00e9"),
        "invalid number" | "number out of range" => ("this is not a number that can be used", "write a whole number"),
        _ if raw.starts_with("control character") => {
            ("a line break or tab stands inside a quoted text", "write \\n or \\t, or close the text with \"")
        }
        _ => return (raw.to_owned(), "see `dripline schema case` for the shape of a case".to_owned()),
    };
    (message.to_owned(), help.to_owned())
}

fn between<'a>(raw: &'a str, before: &str, after: &str) -> Option<&'a str> {
    raw.strip_prefix(before)?.rsplit_once(after).map(|(inside, _)| inside)
}

/// `unknown field `x`, expected one of `a`, `b``: the word and the known ones. The word may hold anything.
fn named<'a>(raw: &'a str, before: &str) -> Option<(&'a str, Vec<&'a str>)> {
    let rest = raw.strip_prefix(before)?;
    let (word, known) = rest.rsplit_once("`, expected ").or_else(|| rest.rsplit_once("`, there are no "))?;
    Some((word, known.split('`').skip(1).step_by(2).collect()))
}

fn found_expected(raw: &str) -> Option<(&str, &str)> {
    let rest = ["invalid type: ", "invalid value: ", "invalid length "].iter().find_map(|p| raw.strip_prefix(p))?;
    rest.rsplit_once(", expected ")
}

fn meant(written: &str, known: &[&str]) -> String {
    match nearest(written, known.iter().copied()) {
        Some(word) => format!("did you mean `{word}`?"),
        None => format!("known here: {}", known.join(", ")),
    }
}

/// What holds the keys at a path.
fn owner(path: &str) -> &'static str {
    let path = path.trim_end_matches('.');
    let last = path.rsplit('.').next().unwrap_or("");
    let last = last.split('[').next().unwrap_or("");
    match last {
        "" => "a case",
        "administrations" => "an administration",
        "services" => "a service",
        "interruptions" => "a pause",
        "containers" => "a container",
        "billed" => "a billed line",
        "pump" => "a pump",
        _ if path.starts_with("accesses.") => "an access",
        _ => "this object",
    }
}

fn kind(expected: &str) -> &str {
    match expected {
        "a string" | "a borrowed string" | "a formatted string" | "str" => "a text",
        "a boolean" => "true or false",
        "a sequence" => "a list [ … ]",
        "a map" => "an object { … }",
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "a nonzero u32" => "a whole number from 1 to 4294967295",
        "u64" | "usize" => "a whole number, 0 or more",
        "i64" => "a whole number",
        _ if expected.starts_with("struct ") => "an object { … }",
        _ if expected.starts_with("variant identifier") || expected.starts_with("string or map") => "a word in quotes",
        _ => expected,
    }
}

fn found_kind(found: &str) -> String {
    match found {
        "map" => "an object".to_owned(),
        "sequence" => "a list".to_owned(),
        _ => found
            .replace("integer `", "the number `")
            .replace("floating point `", "the number `")
            .replace("boolean `", "`")
            .replace("string \"", "the text \""),
    }
}

/// How the value of a key is written, where its shape is not plain.
fn example(key: &str) -> Option<&'static str> {
    Some(match key {
        "dose" => "\"4 mg\"",
        "wasted" | "amount" => "\"20 mg\"",
        "volume" => "\"1000 mL\"",
        "rate" => "\"125 mL/h\"",
        "start" | "stop" | "arrival" | "departure" | "inpatient_order" => "\"2026-01-05T10:00\"",
        "date" | "as_of" => "\"2026-01-05\"",
        "place_of_service" => "\"11\"",
        "bill_type" => "\"131\"",
        "setting" => "\"office\"",
        "code" => "\"99213\"",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_hold_the_library_s_own_punctuation_are_kept_whole() {
        let said = data("unknown field `a`, expected `b`, expected one of `stop`, `start`", "");
        assert_eq!(said.key.as_deref(), Some("a`, expected `b"));
        assert_eq!(said.help, "known here: stop, start");
    }
}
