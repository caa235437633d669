//! What the command line takes.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
#[cfg(feature = "serve")]
use dripline_service::access::role::{Permission, Role};

const ABOUT: &str = "Codes drug administration charts: from the IV line to the claim line, with the proof of each line";

const EXAMPLES: &str = "\
Examples:
  dripline code chart.txt                     code a worksheet and show why
  dripline code cases.jsonl --format jsonl    one answer a line, as they come
  dripline why-not 96376 chart.txt            why a code is not earned
  dripline compare chart.txt --with setting=facility
  dripline rule same-push-again-office        what a rule says, and who says so

A worksheet is what you would type:
  office 1/5/26
  Zofran 4 mg IV push 10:00
  Zofran 4 mg IV push 10:35

Exit codes: 0 done, 1 there are findings, 2 the input or the call is wrong.";

/// The command.
#[derive(Parser)]
#[command(name = "dripline", version, about = ABOUT, after_help = EXAMPLES, disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

/// What it is to do.
#[derive(Subcommand)]
pub enum Command {
    /// Code charts: administration lines, drug lines, what earns nothing, what to ask
    #[command(after_help = "\
Input is told apart by its first character: { or [ is JSON, one object a line is JSON Lines,
anything else is worksheet text. A case that cannot be read does not stop the others.

Examples:
  dripline code chart.txt
  dripline code - --format json < case.json
  dripline code cases.jsonl --format csv > lines.csv
  dripline code chart.txt --profile medicare --set hydration_sum=per_interval
  dripline code chart.txt --vials stock.csv --money")]
    Code(Code),
    /// Why a chart does not earn a code, or by what it does
    #[command(
        after_help = "Examples:\n  dripline why-not 96376 chart.txt\n  dripline why-not 96368 cases.jsonl --case ED-17 --format json"
    )]
    WhyNot(WhyNot),
    /// A chart beside itself under another policy, setting or date, or beside what was billed
    #[command(after_help = "\
Examples:
  dripline compare chart.txt --with setting=facility
  dripline compare chart.txt --with profile=medicare
  dripline compare chart.txt --with as_of=2015-06-01
  dripline compare claim.json --with billed")]
    Compare(Compare),
    /// The support sheet of a claim: each line with its chart entries, clock arithmetic, rules and sources
    #[command(after_help = "\
The sheet says that it is a draft until a person signs it. The print for an appeal names sources
of the grades A and B alone. As HTML it prints as one clean page a claim.

Examples:
  dripline support chart.txt
  dripline support chart.txt --appeal --format html > sheet.html
  dripline support chart.txt --signed-by 'A. Coder' --signed-on 2026-01-09")]
    Support(Support),
    /// The page of a rule; without an id, the list of all
    #[command(after_help = "Examples:\n  dripline rule\n  dripline rule hydration-definition")]
    Rule(Rule),
    /// Run text cases: Markdown, .case files, and rows of cases with what is expected
    #[command(after_help = "Examples:\n  dripline test rulebook\n  dripline test new.case --complete")]
    Test(Test),
    /// Look at policies
    #[command(subcommand)]
    Policy(Policy),
    /// CMS's tables: read release files into the reference store, list it, compare two quarters
    #[command(after_help = "\
Nothing is required to code a chart: an edit whose table of the quarter is not stored says so.
What a file holds is told by its content; its quarter by the file, its name or --quarter.

Examples:
  dripline reference import medicare-ncci-2026q1-practitioner-ptp-edits.zip
  dripline reference import mue.csv --quarter 2026Q1
  dripline reference list
  dripline reference diff mue-practitioner 2025Q4 2026Q1")]
    Reference(Reference),
    /// The JSON Schema of what goes in or comes out
    Schema {
        /// Which
        #[arg(value_enum)]
        of: Shape,
    },
    /// Rewrite cases as JSON, JSON Lines or worksheet text
    #[command(
        after_help = "Examples:\n  dripline convert chart.txt --to json\n  dripline convert cases.jsonl --to worksheet"
    )]
    Convert(Convert),
    /// Answer over HTTP: the API and the page
    #[cfg(feature = "serve")]
    #[command(after_help = "\
Without accounts whoever can use this machine can ask, and nobody else: requests that name another
host or come from another site's page are refused. From the first account on (dripline account add)
every route but those that sign in needs credentials. Other addresses than 127.0.0.1 need an account.
Only cases of the queue are kept; no line of the log holds anything of a chart.
Ctrl-C stops it: requests under way are finished first.

Examples:
  dripline serve
  dripline serve --listen 127.0.0.1:9000 --reference tables
  dripline serve --store postgres://localhost/dripline
  dripline serve --behind-proxy https://dripline.clinic.example
  curl -H 'content-type: text/plain' --data-binary @chart.txt http://127.0.0.1:8080/v1/code
  curl http://127.0.0.1:8080/openapi.json         every route, and what it takes and gives")]
    Serve(Serve),
    /// The store of cases: back it up, restore it, look whether it is whole
    #[cfg(feature = "serve")]
    #[command(
        subcommand,
        after_help = "\
A backup is one file of lines, a view of one moment: the service may go on meanwhile. It comes back
into a SQLite file or PostgreSQL, whichever it was taken from. It holds everything that is kept,
charts too: keep it as safe as the store.

Examples:
  dripline store backup --to cases-2026-01-05.jsonl
  dripline store restore --from cases-2026-01-05.jsonl --store postgres://localhost/dripline
  dripline store check"
    )]
    Store(StoreWhat),
    /// Who may sign in to the service
    #[cfg(feature = "serve")]
    #[command(after_help = "\
The first account makes the service ask everyone for credentials. Roles: coder (codes charts and works
on cases), auditor (reads everything and changes no case), administrator (accounts, tokens, settings).
A password is asked for, or read as one line of standard input; it is never an argument.

Examples:
  dripline account add anna --role administrator --role coder
  dripline account add ben --role auditor --store postgres://localhost/dripline
  dripline account password anna < new-password.txt
  dripline account disable ben")]
    Account(Account),
    /// Tokens with which programs ask the service
    #[cfg(feature = "serve")]
    #[command(after_help = "\
A token is printed once and kept nowhere. A program sends it as `Authorization: Bearer TOKEN`.
Scopes: code, read, work, release, export, watch.

Examples:
  dripline token add ehr --scope code --scope work --days 90
  dripline token add prometheus --scope watch --days 366
  dripline token end ehr")]
    Token(Token),
    /// Answer a program that speaks the Model Context Protocol, on standard input and output
    #[cfg(feature = "serve")]
    #[command(after_help = "\
Tools: code_chart, why_not, compare, explain_rule, list_rules. What they give is what the HTTP
routes of `dripline serve` give, which offers the same tools at /mcp.

Example of a client's settings:
  {\"mcpServers\": {\"dripline\": {\"command\": \"dripline\", \"args\": [\"mcp\"]}}}")]
    Mcp(Mcp),
}

/// Which policy holds, and what it reads.
#[derive(Args)]
pub struct Rules {
    /// Policy to code by: its name, or a policy file; wins over the case's own
    #[arg(long, value_name = "NAME|FILE")]
    pub profile: Option<String>,
    /// Set one policy switch; wins over everything else; may be repeated
    #[arg(long, value_name = "SWITCH=VALUE")]
    pub set: Vec<String>,
    /// Folder of reference tables; else DRIPLINE_REFERENCE, else the user's data folder
    #[arg(long, value_name = "DIR")]
    pub reference: Option<PathBuf>,
}

#[derive(Args)]
pub struct Code {
    /// Files with cases; - reads standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
    /// How the answers are written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    #[command(flatten)]
    pub rules: Rules,
    /// Do not try other readings of the rules
    #[arg(long)]
    pub no_alternatives: bool,
    /// Leave the drug lines out
    #[arg(long)]
    pub no_drug_lines: bool,
    /// Stock list (CSV: drug, hcpcs, ndc, kind, amount): fills in the containers that a chart does not name
    #[arg(long, value_name = "FILE")]
    pub vials: Option<PathBuf>,
    /// Also estimate what the lines are worth, by Medicare's tables or by the own price list
    #[arg(long, value_enum, value_name = "PRICES", num_args = 0..=1, require_equals = true, default_missing_value = "medicare")]
    pub money: Option<Money>,
    /// State and locality of the fee schedule, as AL-00; national amounts without
    #[arg(long, value_name = "STATE-NN", requires = "money")]
    pub locality: Option<String>,
    /// The hospital's wage index
    #[arg(long, value_name = "INDEX", requires = "money")]
    pub wage_index: Option<String>,
    /// Sequestration in per cent
    #[arg(long, value_name = "PER CENT", requires = "money")]
    pub sequestration: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Money {
    /// Fee schedule, OPPS and ASP limits of the quarter
    Medicare,
    /// The imported charge master
    Own,
}

#[derive(Args)]
pub struct WhyNot {
    /// The code in question
    pub code: String,
    /// File with cases; - reads standard input
    pub file: String,
    /// Only the case of this id
    #[arg(long, value_name = "ID")]
    pub case: Option<String>,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Short::Text)]
    pub format: Short,
    #[command(flatten)]
    pub rules: Rules,
}

#[derive(Args)]
pub struct Compare {
    /// File with cases; - reads standard input
    pub file: String,
    /// profile=NAME, setting=office, setting=facility, as_of=DATE or billed
    #[arg(long, value_name = "WHAT")]
    pub with: String,
    /// Only the case of this id
    #[arg(long, value_name = "ID")]
    pub case: Option<String>,
    /// How the comparison is written
    #[arg(long, value_enum, default_value_t = Short::Text)]
    pub format: Short,
    #[command(flatten)]
    pub rules: Rules,
}

#[derive(Args)]
pub struct Support {
    /// File with cases; - reads standard input
    pub file: String,
    /// Only the case of this id; HTML holds one
    #[arg(long, value_name = "ID")]
    pub case: Option<String>,
    /// For a payer: sources of the grades A and B alone
    #[arg(long)]
    pub appeal: bool,
    /// Who signs the sheet off
    #[arg(long, value_name = "NAME", requires = "signed_on")]
    pub signed_by: Option<String>,
    /// The date on which it is signed
    #[arg(long, value_name = "DATE", requires = "signed_by")]
    pub signed_on: Option<String>,
    /// How the sheet is written
    #[arg(long, value_enum, default_value_t = Print::Text)]
    pub format: Print,
    #[command(flatten)]
    pub rules: Rules,
}

#[derive(Args)]
pub struct Rule {
    /// The rule's id, as it stands in an answer
    pub id: Option<String>,
}

#[derive(Args)]
pub struct Test {
    /// Files or folders with cases
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Write the answers into the files in place of what does not hold
    #[arg(long)]
    pub complete: bool,
}

#[derive(Subcommand)]
pub enum Policy {
    /// Look for mistakes in a policy file
    Check {
        /// Name of a policy, or a file
        #[arg(value_name = "NAME|FILE")]
        policy: String,
    },
    /// Every switch of a policy, its value and who says so; without a name, the list of policies
    Show {
        /// Name of a policy, or a file
        #[arg(value_name = "NAME|FILE")]
        policy: Option<String>,
        /// On this date
        #[arg(long, value_name = "DATE")]
        as_of: Option<String>,
    },
}

#[derive(Args)]
pub struct Reference {
    /// Folder of reference tables; else DRIPLINE_REFERENCE, else the user's data folder
    #[arg(long, value_name = "DIR", global = true)]
    pub reference: Option<PathBuf>,
    #[command(subcommand)]
    pub what: ReferenceWhat,
}

#[derive(Subcommand)]
pub enum ReferenceWhat {
    /// Read release files into the store: all of them, or none
    Import {
        /// Release files: zip, gzip, xlsx, csv or text
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// The quarter of the files, where they do not say it
        #[arg(long, value_name = "2026Q1")]
        quarter: Option<String>,
    },
    /// What the store holds
    List,
    /// What a later quarter of a table changes
    Diff {
        /// The table; without it, every table that has two quarters
        table: Option<String>,
        /// The earlier quarter; without it, the last but one
        #[arg(requires = "after")]
        before: Option<String>,
        /// The later quarter; without it, the last
        after: Option<String>,
    },
}

#[derive(Args)]
pub struct Convert {
    /// Files with cases; - reads standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
    /// What to write
    #[arg(long, value_enum)]
    pub to: Target,
}

#[cfg(feature = "serve")]
#[derive(Args)]
pub struct Serve {
    /// Address and port of this machine to listen on; port 0 takes any that is free
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    pub listen: String,
    /// Where cases are kept: a SQLite file, or postgres://…; else cases.db in the user's data folder
    #[arg(long, value_name = "PATH|URL")]
    pub store: Option<String>,
    /// Keep no cases
    #[arg(long, conflicts_with = "store")]
    pub no_store: bool,
    /// Where browsers find the service, if a proxy with the certificate stands before it
    #[arg(long, value_name = "https://NAME", conflicts_with = "no_store")]
    pub behind_proxy: Option<String>,
    /// Sign in through OpenID Connect too, as a file of settings says
    #[cfg(feature = "oidc")]
    #[arg(long, value_name = "FILE", conflicts_with = "no_store")]
    pub oidc: Option<PathBuf>,
    /// Certificates in PEM that alone are trusted for the provider; else those that the machine trusts
    #[cfg(feature = "oidc")]
    #[arg(long, value_name = "FILE", requires = "oidc")]
    pub oidc_root: Option<PathBuf>,
    /// Folder of reference tables; else DRIPLINE_REFERENCE, else the user's data folder
    #[arg(long, value_name = "DIR")]
    pub reference: Option<PathBuf>,
    /// What is logged on standard error: `info` adds a line for each request
    #[arg(long, value_enum, default_value_t = Log::Warn)]
    pub log: Log,
}

#[cfg(feature = "serve")]
#[derive(Subcommand)]
pub enum StoreWhat {
    /// Write everything that is kept into a new file
    Backup {
        /// The file; it must not be there yet
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        #[command(flatten)]
        store: StorePlace,
    },
    /// Make a new store of a backup
    Restore {
        /// The backup
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
        #[command(flatten)]
        store: StorePlace,
    },
    /// Read every case and look whether what is kept fits together; exit code 1 where it does not
    Check {
        #[command(flatten)]
        store: StorePlace,
    },
}

#[cfg(feature = "serve")]
#[derive(Args)]
pub struct StorePlace {
    /// Where cases are kept: a SQLite file, or postgres://…; else cases.db in the user's data folder
    #[arg(long, value_name = "PATH|URL")]
    pub store: Option<String>,
}

#[cfg(feature = "serve")]
#[derive(Args)]
pub struct Account {
    /// Where the service keeps its cases and accounts; else cases.db in the user's data folder
    #[arg(long, value_name = "PATH|URL", global = true)]
    pub store: Option<String>,
    #[command(subcommand)]
    pub what: AccountWhat,
}

#[cfg(feature = "serve")]
#[derive(Subcommand)]
pub enum AccountWhat {
    /// Make an account; its password is asked for
    Add {
        /// Small letters, digits and . _ - @ +
        name: String,
        /// What the person is here for; may be repeated
        #[arg(long = "role", value_name = "coder|auditor|administrator", required = true)]
        roles: Vec<Role>,
    },
    /// Every account
    List,
    /// Give an account other roles
    Roles {
        /// The account's name
        name: String,
        /// What the person is here for; may be repeated
        #[arg(long = "role", value_name = "coder|auditor|administrator", required = true)]
        roles: Vec<Role>,
    },
    /// Set a new password, which is asked for; the account's sessions end
    Password {
        /// The account's name
        name: String,
    },
    /// Let an account do nothing; its sessions end
    Disable {
        /// The account's name
        name: String,
    },
    /// Let a disabled account sign in again
    Enable {
        /// The account's name
        name: String,
    },
}

#[cfg(feature = "serve")]
#[derive(Args)]
pub struct Token {
    /// Where the service keeps its cases and accounts; else cases.db in the user's data folder
    #[arg(long, value_name = "PATH|URL", global = true)]
    pub store: Option<String>,
    #[command(subcommand)]
    pub what: TokenWhat,
}

#[cfg(feature = "serve")]
#[derive(Subcommand)]
pub enum TokenWhat {
    /// Make a token and print it, this once
    Add {
        /// What the token is called in the history
        name: String,
        /// What whoever holds it may do; may be repeated
        #[arg(long = "scope", value_name = "code|read|work|release|export|watch", required = true)]
        scope: Vec<Permission>,
        /// For how many days it holds, 366 at most
        #[arg(long)]
        days: i64,
    },
    /// Every token, without its secret
    List,
    /// End a token before its time
    End {
        /// The token's name
        name: String,
    },
}

#[cfg(feature = "serve")]
#[derive(Args)]
pub struct Mcp {
    /// Folder of reference tables; else DRIPLINE_REFERENCE, else the user's data folder
    #[arg(long, value_name = "DIR")]
    pub reference: Option<PathBuf>,
}

#[cfg(feature = "serve")]
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Log {
    /// Nothing
    Off,
    /// Defects of the program
    Error,
    /// And what an operator should know
    Warn,
    /// And each request: its id, route, status and time
    Info,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For reading
    Text,
    /// One object, or a list for several cases
    Json,
    /// One object a line
    Jsonl,
    /// One row for each line and finding
    Csv,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Short {
    /// For reading
    Text,
    /// One object, or a list for several cases
    Json,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Print {
    /// For reading
    Text,
    /// A page that stands alone, for a browser and for paper
    Html,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Target {
    /// One object, or a list for several cases
    Json,
    /// One object a line
    Jsonl,
    /// Worksheet text
    Worksheet,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shape {
    /// What goes in
    Case,
    /// What comes out
    Coding,
}
