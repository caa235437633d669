//! The tables as their keepers publish them: plain or gzip, headers in capitals or not.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use csv::StringRecord;
use flate2::read::GzDecoder;
use jiff::civil::DateTime;
use rust_decimal::Decimal;

/// One row of `INPUTEVENTS_MV` that can be read.
#[derive(Clone, Debug)]
pub struct Row {
    /// `ROW_ID`: the row's name in everything that is said of it.
    pub id: String,
    /// `HADM_ID`.
    pub admission: String,
    /// `STARTTIME` in whole minutes.
    pub start: DateTime,
    /// `ENDTIME` in whole minutes.
    pub stop: DateTime,
    /// `ITEMID`.
    pub item: String,
    /// `AMOUNT`.
    pub amount: Decimal,
    /// `AMOUNTUOM`.
    pub amount_unit: String,
    /// `RATE`.
    pub rate: Option<Decimal>,
    /// `RATEUOM`.
    pub rate_unit: String,
    /// `ORDERID`: the rows of one bag, while it ran at one rate.
    pub order: String,
    /// `LINKORDERID`: the order that they carry out.
    pub link: String,
    /// `ORDERCATEGORYNAME`.
    pub category: String,
    /// `ORDERCOMPONENTTYPEDESCRIPTION`.
    pub component: String,
    /// `STATUSDESCRIPTION`.
    pub status: String,
}

/// A row that no case is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// `ROW_ID`.
    pub row: String,
    /// Label of its item.
    pub item: String,
    /// `STATUSDESCRIPTION`.
    pub status: String,
    /// Why, in short: rows are counted by it.
    pub reason: &'static str,
    /// What it says.
    pub says: String,
}

/// An item of `D_ITEMS`.
#[derive(Clone, Debug, Default)]
pub struct Item {
    /// `LABEL`.
    pub label: String,
    /// `CATEGORY`.
    pub category: String,
}

/// What was read.
#[derive(Debug, Default)]
pub struct Tables {
    /// Rows of the table.
    pub read: usize,
    /// Rows whose times had seconds, which were cut.
    pub seconds_cut: usize,
    /// Rows that were rewritten: another row stands for them.
    pub rewritten: usize,
    /// Rows that nothing can be made of.
    pub refused: Vec<Refused>,
    /// The others, in the table's order.
    pub rows: Vec<Row>,
    /// Items by their number.
    pub items: BTreeMap<String, Item>,
    /// HCPCS codes by item, where the user gave a table of them.
    pub codes: BTreeMap<String, String>,
}

/// Reads the tables in `folder`, and the codes of items in `codes`.
pub fn read(folder: &Path, codes: Option<&Path>) -> Result<Tables, String> {
    let mut tables = Tables::default();
    let mut items = Table::open(folder, &["D_ITEMS", "D_ITEMS_inputs"])?;
    while items.next()? {
        let item = Item { label: items.get("LABEL")?.to_owned(), category: items.get("CATEGORY")?.to_owned() };
        tables.items.insert(items.get("ITEMID")?.to_owned(), item);
    }
    if let Some(file) = codes {
        let mut codes = Table::new(file)?;
        while codes.next()? {
            if !codes.get("HCPCS")?.is_empty() {
                tables.codes.insert(codes.get("ITEMID")?.to_owned(), codes.get("HCPCS")?.to_owned());
            }
        }
    }
    let mut events = Table::open(folder, &["INPUTEVENTS_MV"])?;
    while events.next()? {
        tables.read += 1;
        match row(&events)? {
            Err((reason, says)) => {
                let item = tables.items.get(events.get("ITEMID")?).map_or("", |i| i.label.as_str());
                tables.refused.push(Refused {
                    row: events.get("ROW_ID")?.to_owned(),
                    item: item.to_owned(),
                    status: events.get("STATUSDESCRIPTION")?.to_owned(),
                    reason,
                    says,
                });
            }
            Ok((row, _)) if row.status == "Rewritten" => tables.rewritten += 1,
            Ok((row, cut)) => {
                tables.seconds_cut += usize::from(cut);
                tables.rows.push(row);
            }
        }
    }
    Ok(tables)
}

type Unfit = (&'static str, String);

/// The row, and whether seconds were cut from its times.
fn row(t: &Table) -> Result<Result<(Row, bool), Unfit>, String> {
    let text = |column: &str| t.get(column).map(str::to_owned);
    let time = |text: &str| DateTime::strptime("%Y-%m-%d %H:%M:%S", text).ok();
    let (from, to) = (t.get("STARTTIME")?, t.get("ENDTIME")?);
    let (Some(start), Some(stop)) = (time(from), time(to)) else {
        return Ok(Err(("has no readable times", format!("{from} to {to}"))));
    };
    if stop < start {
        return Ok(Err(("ends before it starts", format!("starts {from}, ends {to}"))));
    }
    let admission = text("HADM_ID")?;
    if admission.is_empty() {
        return Ok(Err(("belongs to no admission", String::new())));
    }
    let written = t.get("AMOUNT")?;
    let Some(amount) = decimal(written) else {
        return Ok(Err(("has no readable amount", format!("`{written}`"))));
    };
    let rate = t.get("RATE")?;
    let whole = |t: DateTime| t.with().second(0).subsec_nanosecond(0).build().unwrap_or(t);
    let cut = (start, stop) != (whole(start), whole(stop));
    let row = Row {
        id: text("ROW_ID")?,
        admission,
        start: whole(start),
        stop: whole(stop),
        item: text("ITEMID")?,
        amount,
        amount_unit: text("AMOUNTUOM")?,
        rate: decimal(rate),
        rate_unit: text("RATEUOM")?,
        order: text("ORDERID")?,
        link: text("LINKORDERID")?,
        category: text("ORDERCATEGORYNAME")?,
        component: text("ORDERCOMPONENTTYPEDESCRIPTION")?,
        status: text("STATUSDESCRIPTION")?,
    };
    Ok(Ok((row, cut)))
}

/// The table computes its amounts with binary fractions (99.999999 for 100); four places are what anyone charted.
fn decimal(text: &str) -> Option<Decimal> {
    let exact = text.parse().or_else(|_| Decimal::from_scientific(text)).ok()?;
    (exact >= Decimal::ZERO).then(|| exact.round_dp(4).normalize())
}

/// A table with a header line.
struct Table {
    name: String,
    columns: BTreeMap<String, usize>,
    reader: csv::Reader<Box<dyn Read>>,
    record: StringRecord,
}

impl Table {
    /// The first of these tables that stands in the folder, plain or gzip.
    fn open(folder: &Path, names: &[&str]) -> Result<Table, String> {
        for name in names {
            for ending in ["csv", "csv.gz"] {
                let file = folder.join(format!("{name}.{ending}"));
                if file.exists() {
                    return Table::new(&file);
                }
            }
        }
        Err(format!("{}: there is no {}.csv or .csv.gz; name the folder of the tables", folder.display(), names[0]))
    }

    fn new(file: &Path) -> Result<Table, String> {
        let name = file.display().to_string();
        let opened = File::open(file).map_err(|e| format!("{name}: it cannot be opened: {e}"))?;
        let input: Box<dyn Read> =
            if name.ends_with(".gz") { Box::new(GzDecoder::new(opened)) } else { Box::new(opened) };
        let mut reader = csv::Reader::from_reader(input);
        let header = reader.headers().map_err(|e| format!("{name}: {e}"))?;
        let columns = header.iter().enumerate().map(|(i, c)| (c.trim().to_uppercase(), i)).collect();
        Ok(Table { name, columns, reader, record: StringRecord::new() })
    }

    fn next(&mut self) -> Result<bool, String> {
        self.reader.read_record(&mut self.record).map_err(|e| format!("{}: {e}", self.name))
    }

    fn get(&self, column: &str) -> Result<&str, String> {
        let at = self.columns.get(column).ok_or_else(|| format!("{}: there is no column {column}", self.name))?;
        Ok(self.record.get(*at).unwrap_or("").trim())
    }
}
