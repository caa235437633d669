//! How many charts a second the service codes over HTTP, beside a route that returns a constant body of the same size:
//!
//! ```sh
//! cargo run --release -p dripline-service --example load -- [SECONDS]
//! ```
//!
//! The service runs in this process, and `wrk` asks it over 64 connections of this machine: for the constant, for
//! 10,000 distinct charts without alternatives, and for the same with them. No answer is kept for a later request. The
//! memory of the process is read once a second, after the first fifth of each run.

use std::error::Error;
use std::fmt::Write as _;
use std::process::Stdio;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use dripline::chart::Chart;
use dripline_reference::{Coder, Options};
use dripline_service::serve::{listen, serve_app};
use dripline_service::{AppState, Limits, app_with};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::sync::oneshot;

/// The command's own.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CHARTS: usize = 10_000;
const CONNECTIONS: usize = 64;

/// Asks for one chart after the other.
const SCRIPT: &str = r#"
local requests, at = {}, 0
function init(args)
  local headers = { ["content-type"] = "application/json" }
  for body in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("POST", nil, headers, body)
  end
end
function request()
  at = at % #requests + 1
  return requests[at]
end
function response(status)
  if status ~= 200 then io.stderr:write("answered with ", status, "\n") os.exit(1) end
end
"#;

/// Numbers from a seed (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % n
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len() as u64) as usize]
    }
}

/// A visit of one to six administrations, as an office or a hospital charts them.
fn chart(numbers: &mut Numbers, n: usize) -> String {
    let clock = |minute: u64| format!("2026-01-05T{:02}:{:02}", minute / 60, minute % 60);
    let setting = numbers.one(&["office", "facility"]);
    let mut text = format!(r#"{{"case":"L{n}","setting":"{setting}","administrations":["#);
    let mut minute = 480 + numbers.below(120);
    for row in 0..=numbers.below(6) {
        let start = clock(minute);
        let stop = clock(minute + 16 + numbers.below(110));
        let dose = numbers.one(&["4 mg", "8 mg", "30 mg", "500 mg", "1 g"]);
        let comma = if row == 0 { "" } else { "," };
        let given = match numbers.below(6) {
            0 | 1 => {
                let drug = numbers.one(&["Zofran", "Toradol", "morphine", "Benadryl", "Solu-Medrol"]);
                format!(r#""drug":"{drug}","dose":"{dose}","route":"IV","method":"push","start":"{start}""#)
            }
            2 | 3 => {
                let drug = numbers.one(&["Rocephin", "vancomycin", "Levaquin", "paclitaxel", "Remicade"]);
                format!(
                    r#""drug":"{drug}","dose":"{dose}","route":"IV","method":"infusion","start":"{start}","stop":"{stop}""#
                )
            }
            4 => format!(
                r#""drug":"normal saline","volume":"1000 mL","route":"IV","method":"infusion","start":"{start}","stop":"{stop}","indication":"dehydration""#
            ),
            _ => {
                let drug = numbers.one(&["Toradol", "Phenergan", "Rocephin", "B12"]);
                format!(r#""drug":"{drug}","dose":"{dose}","route":"IM","method":"injection","start":"{start}""#)
            }
        };
        let _ = write!(text, "{comma}{{{given}}}");
        minute += 5 + numbers.below(50);
    }
    text + "]}"
}

/// Kilobytes of memory that the process holds.
fn resident() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).ok_or("the system does not say")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
}

struct Figures {
    a_second: f64,
    text: String,
}

/// Asks for so many seconds.
async fn ask(address: &str, path: &str, files: (&str, &str), seconds: u64) -> Result<Figures, Box<dyn Error>> {
    let duration = format!("{seconds}s");
    let wrk = Command::new("wrk")
        .args(["--threads", "1", "--connections", &CONNECTIONS.to_string(), "--duration", &duration, "--latency"])
        .args(["--script", files.0, &format!("http://{address}{path}"), "--", files.1])
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| format!("wrk does not start: {e}; install the package wrk"))?;
    let (ended, mut ends) = oneshot::channel();
    tokio::spawn(async move {
        let _ = ended.send(wrk.wait_with_output().await);
    });
    tokio::time::sleep(Duration::from_secs(seconds.div_ceil(5))).await;
    let (mut least, mut most) = (u64::MAX, 0);
    let output = loop {
        let now = resident()?;
        (least, most) = (least.min(now), most.max(now));
        if let Ok(output) = tokio::time::timeout(Duration::from_secs(1), &mut ends).await {
            break output??;
        }
    };
    let said = String::from_utf8(output.stdout)?;
    let after = |label: &str| {
        said.lines().find_map(|l| l.trim().strip_prefix(label)).map(str::trim).ok_or("wrk says something else")
    };
    if !output.status.success() || said.contains("Non-2xx") || said.contains("Socket errors") {
        return Err(format!("not every request was answered:\n{said}").into());
    }
    let a_second: f64 = after("Requests/sec:")?.parse()?;
    let text = format!(
        "{a_second:>9.0} a second, 99 % within {}, memory {} to {} MB",
        after("99%")?,
        least / 1024,
        most.div_ceil(1024)
    );
    Ok(Figures { a_second, text })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let seconds: u64 = std::env::args().nth(1).map_or(Ok(60), |s| s.parse())?;
    let mut numbers = Numbers(20_260_105);
    let coder = Coder::default();
    let (mut bodies, mut size, mut rows) = (String::new(), 0, 0);
    for n in 0..CHARTS {
        let text = chart(&mut numbers, n);
        let chart: Chart = serde_json::from_str(&text)?;
        let options = Options { alternatives: false, ..Options::default() };
        let coding = coder.code(&chart, 1, &[], &options).map_err(|e| e.message)?;
        size += serde_json::to_string(&coding)?.len();
        rows += chart.administrations.len();
        bodies += &text;
        bodies.push('\n');
    }
    let constant = Bytes::from(vec![b'x'; size / CHARTS]);
    println!(
        "{CHARTS} charts of {:.1} administrations, answers of {} bytes, {CONNECTIONS} connections, {seconds} s each",
        rows as f64 / CHARTS as f64,
        constant.len()
    );
    let folder = std::env::temp_dir().join(format!("dripline-load-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let (script, charts) = (folder.join("ask.lua"), folder.join("charts"));
    std::fs::write(&script, SCRIPT)?;
    std::fs::write(&charts, bodies)?;
    let files = (script.to_str().ok_or("a path")?, charts.to_str().ok_or("a path")?);

    let state = AppState::new(coder, Limits::default());
    let listener: TcpListener = listen("127.0.0.1:0".parse()?, &state.access).await?;
    let address = listener.local_addr()?.to_string();
    let same = Router::new().route("/constant", post(async move |_: Bytes| constant));
    let (stop, stopped) = oneshot::channel::<()>();
    let router = app_with(state.clone(), same);
    let service = tokio::spawn(serve_app(listener, router, state, async move {
        let _ = stopped.await;
    }));

    let constant = ask(&address, "/constant", files, seconds).await?;
    println!("constant               {}", constant.text);
    for (name, path) in
        [("without alternatives", "/v1/code?alternatives=false"), ("with alternatives", "/v1/code?alternatives=true")]
    {
        let coded = ask(&address, path, files, seconds).await?;
        println!("{name:<22} {}: {:.2} of the constant", coded.text, coded.a_second / constant.a_second);
    }
    let _ = stop.send(());
    service.await??;
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
