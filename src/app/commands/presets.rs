//! `loopdash presets`: which presets loops can work by, where each is found, and what one sets.

use super::text::{columns, line};
use crate::app::cli::args::PresetsArgs;
use crate::app::cli::exit::{Exit, Failure};
use crate::app::config::{Place, Preset, PresetSource, Shelf, Source, visible};
use crate::app::context::Context;
use serde::Serialize;
use std::io::Write;
use std::sync::Arc;

/// A preset, as `--json` prints it.
#[derive(Serialize)]
struct Row {
    /// What loops call it.
    name: String,
    from: PresetSource,
    /// Where else there is one of this name, which is not meant.
    hides: Vec<PresetSource>,
    /// Its file, as far as it could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// What it sets; `null` where that is wrong.
    sets: Option<toml::Table>,
    /// What is wrong with it, first of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// Lists all presets, or shows one.
///
/// # Errors
/// There is none of this name, it is wrong inside, or the output cannot be written.
pub fn presets(context: &Context, args: &PresetsArgs) -> Result<Exit, Failure> {
    let shelf = Shelf::new(&context.load_options());
    match &args.name {
        None => list(&shelf, args.json)?,
        Some(name) => show(context, &shelf, name, args.json)?,
    }
    Ok(Exit::Done)
}

fn list(shelf: &Shelf, json: bool) -> Result<(), Failure> {
    let rows = shelf.all().into_iter().map(|shelved| {
        let (preset, problem) = match shelved.preset {
            Ok(preset) => (Some(preset), None),
            Err(problems) => (None, problems.0.first().map(|problem| problem.title.clone())),
        };
        Row { hides: shelved.hides, problem, ..row(shelved.name, shelved.from, preset) }
    });
    let mut out = std::io::stdout().lock();
    if json {
        for row in rows {
            print(&mut out, &row)?;
        }
        return Ok(());
    }
    let mut cells = vec![["NAME", "FROM", "WHAT"].map(str::to_owned).to_vec()];
    cells.extend(rows.map(|row| {
        let from = match row.hides.first() {
            None => row.from.to_string(),
            Some(hidden) => format!("{}, hides the {hidden} one", row.from),
        };
        let what = match (&row.problem, &row.description) {
            (Some(problem), _) => format!("cannot be used: {problem}; `loopdash presets {}` says more", row.name),
            (None, description) => description.clone().unwrap_or_default(),
        };
        vec![line(&row.name), from, line(&what)]
    }));
    out.write_all(columns(&cells).as_bytes())?;
    Ok(())
}

fn show(context: &Context, shelf: &Shelf, name: &str, json: bool) -> Result<(), Failure> {
    let source = Arc::new(Source { name: "presets".to_owned(), text: name.to_owned() });
    let preset = shelf.find(name, Some(Place { source, span: 0..name.len() }))?;
    // Agents that it names are known only where the configuration is right.
    if let Ok(loaded) = context.config() {
        loaded.tries(&preset)?;
    }
    let mut out = std::io::stdout().lock();
    if json {
        let hides = shelf.hidden(&preset.name);
        return print(&mut out, &Row { hides, ..row(preset.name.clone(), preset.from, Some(preset)) });
    }
    writeln!(out, "# {} ({})\n", visible(&preset.source.name), preset.from)?;
    let text = preset.source.text.replace("\r\n", "\n").replace('\t', "    ");
    out.write_all(visible(text.trim_end()).as_bytes())?;
    writeln!(out)?;
    Ok(())
}

fn row(name: String, from: PresetSource, preset: Option<Preset>) -> Row {
    let file = preset.as_ref().map(|preset| preset.source.name.clone());
    let (description, sets) = preset.map_or((None, None), |preset| (preset.description, Some(preset.sets)));
    Row { name, from, hides: Vec::new(), file, description, sets, problem: None }
}

fn print(out: &mut impl Write, row: &Row) -> Result<(), Failure> {
    let json = serde_json::to_string(row).map_err(|error| Failure::Failed(error.to_string()))?;
    writeln!(out, "{json}")?;
    Ok(())
}
