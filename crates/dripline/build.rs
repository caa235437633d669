//! Makes the rule ids, the codes and the typed policy out of the rule book and the policy files, so that citing a
//! rule without a page, or a switch value that does not exist, does not compile.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Switches {
    switch: Vec<SwitchDef>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SwitchDef {
    name: String,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    options: Vec<String>,
    #[serde(default)]
    allowed: Vec<i64>,
    #[serde(default)]
    min: Option<i64>,
    #[serde(default)]
    max: Option<i64>,
    #[serde(default, rename = "try")]
    tried: Vec<i64>,
    part: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Codes {
    code: Vec<CodeDef>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeDef {
    code: String,
    label: String,
    family: String,
    since: String,
    professional: bool,
    needs: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    id: String,
    label: String,
    setting: String,
    since: String,
    #[serde(default)]
    until: Option<String>,
    authority: String,
    grade: String,
    sources: Vec<Source>,
    switch: Vec<String>,
    conflicts: Vec<String>,
    why: String,
    needs: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    url: String,
    seen: String,
}

fn camel(word: &str) -> String {
    let mut out = String::new();
    let mut up = true;
    for c in word.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(if up { c.to_ascii_uppercase() } else { c });
            up = false;
        } else {
            up = true;
        }
    }
    if out.starts_with(|c: char| c.is_ascii_digit()) { format!("N{out}") } else { out }
}

fn pages(dir: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(dir).expect("rulebook folder").map(|e| e.expect("entry").path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            pages(&path, found);
        } else if path.extension().is_some_and(|e| e == "md") {
            found.push(path);
        }
    }
}

fn main() {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("manifest dir"));
    let out = PathBuf::from(env::var("OUT_DIR").expect("out dir"));
    for watched in ["rulebook", "policies"] {
        println!("cargo::rerun-if-changed={watched}");
    }
    let switches: Switches = read(&root.join("policies/switches.toml"));
    let codes: Codes = read(&root.join("policies/codes.toml"));
    fs::write(out.join("rules.rs"), rules(&root, &switches.switch)).expect("write rules");
    fs::write(out.join("codes.rs"), code_table(&codes.code)).expect("write codes");
    fs::write(out.join("policy.rs"), policy(&root, &switches.switch)).expect("write policy");
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> T {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn rules(root: &Path, switches: &[SwitchDef]) -> String {
    let mut files = Vec::new();
    pages(&root.join("rulebook"), &mut files);
    let mut variants = String::new();
    let mut table = String::new();
    let mut ids = BTreeMap::new();
    for file in &files {
        let text = fs::read_to_string(file).expect("page");
        let body = text.strip_prefix("+++\n").unwrap_or_else(|| panic!("{}: no front matter", file.display()));
        let (front, _) =
            body.split_once("\n+++\n").unwrap_or_else(|| panic!("{}: front matter does not end", file.display()));
        let page: Page = toml::from_str(front).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let stem = file.file_stem().expect("stem").to_string_lossy().into_owned();
        assert_eq!(stem, page.id, "{}: the file is named after the id", file.display());
        assert!(["facility", "office", "both"].contains(&page.setting.as_str()), "{stem}: setting {}", page.setting);
        assert!(["A", "B", "C", "K"].contains(&page.grade.as_str()), "{stem}: grade {}", page.grade);
        for s in &page.switch {
            assert!(switches.iter().any(|d| d.name == *s), "{stem}: no switch {s}");
        }
        ids.insert(page.id.clone(), (file.clone(), page));
    }
    for (id, (file, page)) in &ids {
        let family = file.parent().and_then(Path::file_name).expect("family").to_string_lossy().into_owned();
        let name = camel(id);
        let _ = writeln!(variants, "    /// {}\n    {name},", page.label);
        let sources: Vec<_> = page.sources.iter().map(|s| format!("({:?}, {:?})", s.url, s.seen)).collect();
        let _ = writeln!(
            table,
            "    Page {{ id: {id:?}, family: {family:?}, label: {:?}, setting: {:?}, since: {:?}, until: {:?}, authority: {:?}, grade: Grade::{}, sources: &[{}], switches: &{:?}, conflicts: &{:?}, why: {:?}, needs: {:?}, text: include_str!({:?}) }},",
            page.label,
            page.setting,
            page.since,
            page.until,
            page.authority,
            page.grade,
            sources.join(", "),
            page.switch,
            page.conflicts,
            page.why,
            page.needs,
            file.to_string_lossy()
        );
    }
    format!(
        "/// A rule; each has a page in the rule book.\n#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]\n#[repr(u8)]\npub enum RuleId {{\n{variants}}}\n\nimpl RuleId {{\n    /// Every rule, by id.\n    pub const ALL: &'static [RuleId] = &[{}];\n}}\n\nstatic PAGES: [Page; {}] = [\n{table}];\n",
        ids.keys().map(|id| format!("RuleId::{}", camel(id))).collect::<Vec<_>>().join(", "),
        ids.len()
    )
}

/// Days since 1970-01-01 of a date since 2001, so that the engine compares numbers.
fn day(date: &[String]) -> i64 {
    let [year, month, day] = [0, 1, 2].map(|n| date[n].parse::<i64>().expect("number"));
    // Years begin in March: the leap day is the last of its year.
    let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 719_469
}

fn code_table(codes: &[CodeDef]) -> String {
    let mut codes: Vec<_> = codes.iter().collect();
    codes.sort_by(|a, b| a.code.cmp(&b.code));
    let mut s = String::from(
        "/// A code that the engine can earn.\n#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]\n#[repr(u8)]\npub enum Code {\n",
    );
    for c in &codes {
        let _ = writeln!(s, "    /// {}: {}\n    {},", c.code, c.label, camel(&c.code));
    }
    let _ = writeln!(s, "}}\n\nstatic CODES: [CodeInfo; {}] = [", codes.len());
    for c in &codes {
        let date: Vec<_> = c.since.split('-').map(|p| p.trim_start_matches('0').to_owned()).collect();
        let _ = writeln!(
            s,
            "    CodeInfo {{ code: {:?}, label: {:?}, family: Family::{}, since: Date::constant({}, {}, {}), since_day: Day({}), professional: {}, needs: {:?} }},",
            c.code,
            c.label,
            camel(&c.family),
            date[0],
            date[1],
            date[2],
            day(&date),
            c.professional,
            c.needs
        );
    }
    let _ = writeln!(
        s,
        "];\n\nimpl Code {{\n    /// Every code, in order.\n    pub const ALL: &'static [Code] = &[{}];\n}}",
        codes.iter().map(|c| format!("Code::{}", camel(&c.code))).collect::<Vec<_>>().join(", ")
    );
    s
}

fn policy(root: &Path, defs: &[SwitchDef]) -> String {
    let cpt: toml::Table = read(&root.join("policies/cpt.toml"));
    let defaults: BTreeMap<String, toml::Value> = cpt["value"]
        .as_array()
        .expect("values")
        .iter()
        .map(|v| (v["switch"].as_str().expect("switch").to_owned(), v["value"].clone()))
        .collect();
    let mut s = String::new();
    let mut fields = String::new();
    let mut init = String::new();
    let mut get = String::new();
    let mut set = String::new();
    let mut infos = String::new();
    for d in defs {
        let kind = d.kind.as_deref().unwrap_or("words");
        let ty = camel(&d.name);
        let default = defaults.get(&d.name).unwrap_or_else(|| panic!("cpt.toml has no {}", d.name));
        match kind {
            "words" => {
                let _ = writeln!(
                    s,
                    "/// Values of `{}`.\n#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]\npub enum {ty} {{",
                    d.name
                );
                for o in &d.options {
                    let _ = writeln!(s, "    /// `{o}`\n    {},", camel(o));
                }
                s.push_str("}\n");
                let _ = writeln!(fields, "    /// `{}`\n    pub {}: {ty},", d.name, d.name);
                let _ = writeln!(init, "            {}: {ty}::{},", d.name, camel(default.as_str().expect("word")));
                let arms: Vec<_> = d.options.iter().map(|o| format!("{ty}::{} => {o:?}", camel(o))).collect();
                let _ = writeln!(
                    get,
                    "            Switch::{ty} => SwitchValue::Word(match self.{} {{ {} }}.to_owned()),",
                    d.name,
                    arms.join(", ")
                );
                let arms: Vec<_> = d.options.iter().map(|o| format!("Some({o:?}) => {ty}::{}", camel(o))).collect();
                let _ = writeln!(
                    set,
                    "            Switch::{ty} => self.{} = match word(value).as_deref() {{ {}, _ => return Err(refused(switch, value)) }},",
                    d.name,
                    arms.join(", ")
                );
            }
            "integer" => {
                let _ = writeln!(fields, "    /// `{}`\n    pub {}: i64,", d.name, d.name);
                let _ = writeln!(init, "            {}: {},", d.name, default.as_integer().expect("integer"));
                let _ = writeln!(get, "            Switch::{ty} => SwitchValue::Integer(self.{}),", d.name);
                let _ = writeln!(set, "            Switch::{ty} => self.{} = integer(switch, value)?,", d.name);
            }
            "list" => {
                let list: Vec<_> = default
                    .as_array()
                    .expect("list")
                    .iter()
                    .map(|v| format!("{:?}.to_owned()", v.as_str().expect("word")))
                    .collect();
                let _ = writeln!(fields, "    /// `{}`\n    pub {}: Vec<String>,", d.name, d.name);
                let _ = writeln!(init, "            {}: vec![{}],", d.name, list.join(", "));
                let _ = writeln!(get, "            Switch::{ty} => SwitchValue::List(self.{}.clone()),", d.name);
                let _ = writeln!(set, "            Switch::{ty} => self.{} = list(switch, value)?,", d.name);
            }
            other => panic!("{}: kind {other}", d.name),
        }
        let kind_expr = match kind {
            "words" => format!("Kind::Words(&{:?})", d.options),
            "integer" => format!(
                "Kind::Integer {{ allowed: &{:?}, min: {}, max: {}, tried: &{:?} }}",
                d.allowed,
                d.min.unwrap_or(0),
                d.max.unwrap_or(1_000_000),
                d.tried
            ),
            _ => "Kind::List".to_owned(),
        };
        let _ = writeln!(
            infos,
            "    SwitchInfo {{ name: {:?}, kind: {kind_expr}, part: Part::{} }},",
            d.name,
            camel(&d.part)
        );
    }
    format!(
        "{s}\n/// A policy switch.\n#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]\n#[repr(u8)]\npub enum Switch {{\n{}}}\n\nimpl Switch {{\n    /// Every switch.\n    pub const ALL: &'static [Switch] = &[{}];\n}}\n\nstatic SWITCHES: [SwitchInfo; {}] = [\n{infos}];\n\n/// One value for every switch: what applies to a case.\n#[derive(Clone, Debug, PartialEq, Eq)]\npub struct Policy {{\n{fields}}}\n\nimpl Default for Policy {{\n    fn default() -> Self {{\n        Policy {{\n{init}        }}\n    }}\n}}\n\nimpl Policy {{\n    /// The value of a switch.\n    #[must_use]\n    pub fn get(&self, switch: Switch) -> SwitchValue {{\n        match switch {{\n{get}        }}\n    }}\n\n    /// Sets a switch.\n    ///\n    /// # Errors\n    /// A value that the switch does not know.\n    pub fn set(&mut self, switch: Switch, value: &SwitchValue) -> Result<(), SwitchError> {{\n        match switch {{\n{set}        }}\n        Ok(())\n    }}\n}}\n",
        defs.iter().map(|d| format!("    /// `{}`\n    {},\n", d.name, camel(&d.name))).collect::<String>(),
        defs.iter().map(|d| format!("Switch::{}", camel(&d.name))).collect::<Vec<_>>().join(", "),
        defs.len()
    )
}
