//! `dripline code`

use std::str::FromStr;
use std::sync::Arc;

use dripline::chart::Chart;
use dripline::coding::{Assumption, Coding};
use dripline_formats::error::ReadError;
use dripline_formats::{csv, json, text};
use dripline_reference::money::{self, Basis, Money, Prices};
use dripline_reference::stock::Stock;
use dripline_reference::{ChartError, Coder, Options};
use serde::Serialize;

use crate::args::{self, Code, Format};
use crate::cases;
use crate::out::{Ends, List, Out, Stop, complain_of, wrong};

/// A coding with what it is worth; only where money was asked for.
#[derive(Serialize)]
struct WithMoney<'a> {
    coding: &'a Coding,
    money: &'a Money,
}

pub fn run(args: &Code, out: &mut Out) -> Ends {
    let (mut coder, mut options) = cases::coder(&args.rules)?;
    coder.stock = args.vials.as_deref().map(stock).transpose()?.map(Arc::new);
    let basis = basis(args)?;
    options.alternatives = !args.no_alternatives;
    options.drug_lines = !args.no_drug_lines;
    let mut list = List::default();
    let mut written = 0;
    let mut bad = false;
    if args.format == Format::Csv {
        out.write(csv::HEADER)?;
    }
    let mut fail = |out: &mut Out, list: &mut List, error: &ReadError| {
        bad = true;
        match args.format {
            Format::Jsonl => out.line(&json::line(error)),
            _ => {
                list.skip();
                // What was coded before it is seen before it.
                out.flush()?;
                complain_of(error);
                Ok(())
            }
        }
    };
    cases::every(&args.files, |case| {
        let (case, blame) = match case {
            Ok(case) => case,
            Err(error) => return Ok(fail(out, &mut list, &error)?),
        };
        let coded = coded(&coder, &case.chart, case.position, &case.assumptions, &options, basis.as_ref());
        let (coding, money) = match coded {
            Ok(coded) => coded,
            Err(error) => return Ok(fail(out, &mut list, &blame(&error))?),
        };
        match args.format {
            Format::Text => {
                if written > 0 {
                    out.write(&text::between(out.style))?;
                }
                out.write(&text::coding(&coding, Some(&case.chart), out.style))?;
                if let Some(money) = &money {
                    out.write(&text::money(money, out.style))?;
                }
                written += 1;
            }
            Format::Csv => {
                out.write(&csv::rows(&coding))?;
                if let Some(money) = &money {
                    out.write(&csv::money(money))?;
                }
            }
            Format::Json | Format::Jsonl => {
                let line = args.format == Format::Jsonl;
                match &money {
                    None if line => out.line(&json::line(&coding))?,
                    None => list.push(out, &coding)?,
                    Some(money) => {
                        let both = WithMoney { coding: &coding, money };
                        if line { out.line(&json::line(&both))? } else { list.push(out, &both)? }
                    }
                }
            }
        }
        Ok(())
    })?;
    match args.format {
        Format::Json => list.finish(out)?,
        Format::Text if written > 0 => out.write(&format!("\n{}", text::notice(out.style)))?,
        _ => {}
    }
    Ok(if bad { 2 } else { 0 })
}

fn coded(
    coder: &Coder,
    chart: &Chart,
    position: usize,
    read: &[Assumption],
    options: &Options,
    basis: Option<&Basis>,
) -> Result<(Coding, Option<Money>), ChartError> {
    let coded = coder.code_with(chart, position, read, options)?;
    let money = basis.map(|basis| money::estimate(chart, &coded.coding, &coded.resolved, basis));
    coded.check_tables()?;
    Ok((coded.coding, money))
}

fn stock(file: &std::path::Path) -> Result<Stock, Stop> {
    let name = file.display();
    let text =
        std::fs::read_to_string(file).map_err(|e| wrong(&format!("--vials {name}: it cannot be read: {e}"), ""))?;
    text.parse::<Stock>().map_err(|e| wrong(&format!("{name}:{}: {}", e.line, e.message), &e.help))
}

/// How money is to be estimated, where it was asked for.
fn basis(args: &Code) -> Result<Option<Basis>, Stop> {
    let Some(prices) = args.money else { return Ok(None) };
    let number = |option: &str, text: &Option<String>, most: u32| {
        let Some(text) = text else { return Ok(None) };
        match dripline_reference::money::number(text) {
            Some(n) if n <= most.into() => Ok(Some(n)),
            _ => Err(wrong(&format!("--{option} {text}: not a number that it can be"), "write it as 1.0234 or 2")),
        }
    };
    let locality = match &args.locality {
        None => None,
        Some(text) => match text.split_once('-') {
            Some((state, locality)) if state.len() == 2 && u8::from_str(locality).is_ok() => {
                Some((state.to_ascii_uppercase(), format!("{locality:0>2}")))
            }
            _ => return Err(wrong(&format!("--locality {text}: no locality"), "write state and number, as AL-00")),
        },
    };
    Ok(Some(Basis {
        prices: match prices {
            args::Money::Medicare => Prices::Medicare,
            args::Money::Own => Prices::Own,
        },
        locality,
        wage_index: number("wage-index", &args.wage_index, 10)?,
        sequestration: number("sequestration", &args.sequestration, 100)?,
    }))
}
