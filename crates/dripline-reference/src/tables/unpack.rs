//! From files to rows: archives are opened, workbooks and text are read row by row.
//!
//! What a file is comes from its first bytes, never from its name.

use std::cell::RefCell;
use std::io::{Cursor, Read};
use std::rc::Rc;

use calamine::{DataRef, Reader as _, Xlsx};
use csv::StringRecord;

use super::ImportError;
use super::fixed::Form;

type Book = Xlsx<Cursor<Vec<u8>>>;

/// One text, sheet or other thing in a file or archive.
pub(super) struct Member {
    /// Index of the file that it came in.
    pub(super) file: usize,
    /// For people: `archive.zip > member.csv`.
    pub(super) name: String,
    /// Its own name and those of the archives around it, the innermost first.
    pub(super) names: Vec<String>,
    pub(super) body: Body,
}

pub(super) enum Body {
    /// Text; `checked` where an archive vouches that none of it is missing.
    Text {
        text: String,
        checked: bool,
    },
    Sheet {
        book: Rc<RefCell<Book>>,
        sheet: String,
    },
    /// Nothing that holds a table.
    Other(&'static str),
}

/// How the rows of a body are told apart.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    Delimited(u8),
    Fixed(&'static Form),
    Sheet,
}

/// The largest member that is opened: ten times the largest that CMS issues.
const MOST: u64 = 1 << 30;
/// Archives in archives.
const DEPTH: usize = 3;

/// Opens a file, and the archives in it.
pub(super) fn unpack(file: usize, name: &str, bytes: &[u8]) -> Result<Vec<Member>, ImportError> {
    let mut members = Vec::new();
    let base = name.rsplit(['/', '\\']).next().unwrap_or(name).to_owned();
    open(&mut members, file, name.to_owned(), &[base], bytes, false, DEPTH)?;
    Ok(members)
}

fn open(
    members: &mut Vec<Member>,
    file: usize,
    name: String,
    names: &[String],
    bytes: &[u8],
    checked: bool,
    depth: usize,
) -> Result<(), ImportError> {
    let broken = |what: String| ImportError::Unreadable { name: name.clone(), what };
    let member =
        |name: &str, names: &[String], body| Member { file, name: name.to_owned(), names: names.to_vec(), body };
    match bytes {
        [] => return Err(broken("is empty".to_owned())),
        [0x1f, 0x8b, ..] if depth > 0 => {
            let text = limited(flate2::read::MultiGzDecoder::new(bytes))
                .map_err(|e| broken(format!("is a gzip file that is cut short or damaged ({e})")))?
                .ok_or_else(|| broken("holds more than 1 GiB".to_owned()))?;
            return open(members, file, name.clone(), names, &text, true, depth - 1);
        }
        [b'P', b'K', 3 | 5, 4 | 6, ..] if depth > 0 => {
            let damaged =
                |e: &dyn std::fmt::Display| broken(format!("is a zip archive that is cut short or damaged ({e})"));
            let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|e| damaged(&e))?;
            if archive.index_for_name("xl/workbook.xml").is_some() {
                let book = Book::new(Cursor::new(bytes.to_vec()))
                    .map_err(|e| broken(format!("is a workbook that cannot be read ({e})")))?;
                let sheets = book.sheet_names();
                let book = Rc::new(RefCell::new(book));
                for sheet in &sheets {
                    let shown = if sheets.len() == 1 { name.clone() } else { format!("{name} > {sheet}") };
                    members.push(member(&shown, names, Body::Sheet { book: Rc::clone(&book), sheet: sheet.clone() }));
                }
                return Ok(());
            }
            for index in 0..archive.len() {
                let inner = archive.by_index(index).map_err(|e| damaged(&e))?;
                let path = inner.name().map_err(|e| damaged(&e))?.into_owned();
                if inner.is_dir() || path.starts_with("__MACOSX/") {
                    continue;
                }
                let base = path.rsplit(['/', '\\']).next().unwrap_or(&path).to_owned();
                let bytes = limited(inner)
                    .map_err(|e| damaged(&e))?
                    .ok_or_else(|| broken(format!("holds more than 1 GiB in {base}")))?;
                let shown = format!("{name} > {base}");
                let mut inner_names = vec![base];
                inner_names.extend_from_slice(names);
                if bytes.is_empty() {
                    members.push(member(&shown, &inner_names, Body::Other("is empty")));
                } else {
                    open(members, file, shown, &inner_names, &bytes, true, depth - 1)?;
                }
            }
            return Ok(());
        }
        _ => {}
    }
    let body = match bytes {
        [b'%', b'P', b'D', b'F', ..] => Body::Other("is a PDF"),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => {
            Body::Other("is an old workbook or document (.xls, .doc); save it as .xlsx or .csv")
        }
        _ => match text(bytes) {
            Some(text) => Body::Text { text, checked },
            None => Body::Other("is neither text nor a workbook"),
        },
    };
    members.push(member(&name, names, body));
    Ok(())
}

/// All that a reader gives, or nothing where it is more than we open.
fn limited(reader: impl Read) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    reader.take(MOST + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= MOST).then_some(bytes))
}

/// UTF-8, UTF-16 with its mark, else Latin-1, in which CMS writes; none where it is no text.
fn text(bytes: &[u8]) -> Option<String> {
    let wide = |swap: fn([u8; 2]) -> u16| {
        let units = bytes[2..].as_chunks::<2>().0.iter().map(|p| swap(*p));
        char::decode_utf16(units).collect::<Result<String, _>>().ok()
    };
    match bytes {
        [0xff, 0xfe, ..] => return wide(u16::from_le_bytes),
        [0xfe, 0xff, ..] => return wide(u16::from_be_bytes),
        _ => {}
    }
    if bytes.contains(&0) {
        return None;
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    Some(match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|b| char::from(*b)).collect(),
    })
}

impl Member {
    /// Calls `row` with each row and its line until it says to stop.
    pub(super) fn each(
        &self,
        shape: Shape,
        row: &mut dyn FnMut(u64, &StringRecord) -> Result<bool, ImportError>,
    ) -> Result<(), ImportError> {
        match (&self.body, shape) {
            (Body::Text { text, .. }, Shape::Delimited(delimiter)) => self.each_record(text, delimiter, row),
            (Body::Text { text, .. }, Shape::Fixed(form)) => {
                let mut record = StringRecord::new();
                for (index, line) in text.lines().enumerate() {
                    let number = index as u64 + 1;
                    if !form.split(line, &mut record) {
                        if form.passes(line) {
                            continue;
                        }
                        let what = format!("is not laid out as a line of {}", form.label);
                        return Err(ImportError::Row { name: self.name.clone(), line: number, what });
                    }
                    if !row(number, &record)? {
                        break;
                    }
                }
                Ok(())
            }
            (Body::Sheet { book, sheet }, _) => self.each_of_sheet(&mut book.borrow_mut(), sheet, row),
            (Body::Text { .. } | Body::Other(_), _) => Ok(()),
        }
    }

    fn each_record(
        &self,
        text: &str,
        delimiter: u8,
        row: &mut dyn FnMut(u64, &StringRecord) -> Result<bool, ImportError>,
    ) -> Result<(), ImportError> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .from_reader(text.as_bytes());
        let mut record = StringRecord::new();
        let mut last = 0;
        let unreadable = |e: csv::Error| ImportError::Unreadable { name: self.name.clone(), what: e.to_string() };
        while reader.read_record(&mut record).map_err(unreadable)? {
            let (line, byte) = record.position().map_or((0, 0), |p| (p.line(), p.byte()));
            last = usize::try_from(byte).unwrap_or(usize::MAX);
            if !row(line, &record)? {
                return Ok(());
            }
        }
        // A quote that is never closed takes in all that follows it.
        if ends_in_quotes(text.as_bytes().get(last..).unwrap_or_default(), delimiter) {
            return Err(ImportError::CutShort {
                name: self.name.clone(),
                what: "its last row has a quotation mark that is not closed".to_owned(),
                mend: "",
            });
        }
        Ok(())
    }

    fn each_of_sheet(
        &self,
        book: &mut Book,
        sheet: &str,
        row: &mut dyn FnMut(u64, &StringRecord) -> Result<bool, ImportError>,
    ) -> Result<(), ImportError> {
        let unreadable = |e: calamine::XlsxError| ImportError::Unreadable {
            name: self.name.clone(),
            what: format!("is a workbook that cannot be read ({e})"),
        };
        let mut cells = book.worksheet_cells_reader(sheet).map_err(unreadable)?;
        let mut record = StringRecord::new();
        let mut current = None;
        while let Some(cell) = cells.next_cell().map_err(unreadable)? {
            let (line, place) = cell.get_position();
            if current.is_some_and(|c| c != line) {
                if !row(u64::from(current.unwrap_or(0)) + 1, &record)? {
                    return Ok(());
                }
                record.clear();
            }
            current = Some(line);
            // No table is wider; a cell far to the right is a stray.
            if place < 256 {
                while record.len() < place as usize {
                    record.push_field("");
                }
                record.push_field(&shown(cell.get_value()));
            }
        }
        if let Some(line) = current {
            row(u64::from(line) + 1, &record)?;
        }
        Ok(())
    }
}

/// Does a record end inside a quoted field? A mark within an unquoted field is a sign like any other.
fn ends_in_quotes(record: &[u8], delimiter: u8) -> bool {
    let (mut quoted, mut start) = (false, true);
    for &byte in record {
        if byte == b'"' && (quoted || start) {
            quoted = !quoted;
            // A doubled mark opens the field again.
            start = !quoted;
        } else {
            start = !quoted && (byte == delimiter || byte == b'\n' || byte == b'\r');
        }
    }
    quoted
}

/// A cell as text. A workbook holds numbers as floats; their shortest form is what was typed.
fn shown(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Empty => String::new(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::Bool(truth) => truth.to_string(),
        DataRef::DateTime(time) => {
            let (year, month, day, ..) = time.to_ymd_hms_milli();
            format!("{year:04}-{month:02}-{day:02}")
        }
        DataRef::Error(error) => error.to_string(),
    }
}
