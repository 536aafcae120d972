//! `--write-scenario`: the table as scenario files, a file for each row, that stand as regressions.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use fwlab_check::{Tried, described, grouped};
use fwlab_record::{CellRecord, Exit};
use fwlab_scenario::observed::requirements;
use fwlab_scenario::plan::Cell;
use fwlab_scenario::{Deployment, Scenario, WrittenScenario};
use fwlab_text::one_line;

use super::table::{Came, axes};
use crate::command::exit::{complain, print, tell};
use crate::command::requirements::what_can_be_required;

/// A file that is to be written.
type File = (PathBuf, Vec<u8>);

/// Whether a scenario can be written there: nothing is written over what is there.
pub(super) fn is_free(file: &Path) -> Result<(), Exit> {
    if file.extension().is_none_or(|extension| extension != "toml") {
        complain(
            format!(
                "--write-scenario {}: the name of a scenario file ends in .toml",
                file.display()
            ),
            Some("its rules are written beside it, with other extensions"),
        );
        return Err(Exit::Usage);
    }
    if std::fs::symlink_metadata(file).is_ok() {
        complain(
            format!(
                "{} exists already, and fwlab does not overwrite it",
                file.display()
            ),
            Some("name another file"),
        );
        return Err(Exit::Usage);
    }
    Ok(())
}

/// Writes a scenario for each row of the table: what was observed is required, all of it.
pub(super) fn write(
    file: &Path,
    subject: &str,
    tried: &[Tried],
    planned: &[Cell],
    records: &[&CellRecord],
) -> Result<(), Exit> {
    let cells = tried
        .iter()
        .zip(planned.iter().zip(records.iter().copied()));
    let groups = grouped(cells, |(_, record)| (axes(record), Came::of(record)));
    let mut files: Vec<File> = Vec::new();
    let mut told = String::new();
    let several = groups.len() > 1;
    for (classes, number) in groups.iter().zip(1..) {
        let path = match several {
            true => numbered(file, number),
            false => file.to_owned(),
        };
        let (_, (cell, _)) = &classes[0][0];
        let peers = described(classes);
        let records: Vec<&CellRecord> = classes[0].iter().map(|(_, (_, record))| *record).collect();
        files.extend(written(&path, &cell.scenario, subject, &peers, &records)?);
        told += &format!("wrote {}: {}\n", one_line(path.display()), one_line(&peers));
    }
    for (path, bytes) in &files {
        let opened = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(path);
        if let Err(error) = opened.and_then(|mut file| file.write_all(bytes)) {
            complain(format!("cannot write {}: {error}", path.display()), None);
            return Err(Exit::Lab);
        }
    }
    print(told);
    Ok(())
}

/// `web.toml` as `web-2.toml`.
fn numbered(file: &Path, number: usize) -> PathBuf {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!("{stem}-{number}.toml"))
}

/// The files of one row's scenario, read back before they are written.
fn written(
    path: &Path,
    of: &Scenario,
    subject: &str,
    peers: &str,
    records: &[&CellRecord],
) -> Result<Vec<File>, Exit> {
    let stem = path
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let scenario = renamed(of, subject, peers);
    let (observed, without) = what_can_be_required(&scenario, records);
    let own: Vec<_> = observed
        .into_iter()
        .map(|(axes, outcome)| {
            let mut axes = axes.clone();
            axes.ruleset = scenario.rulesets[0].name.clone();
            (axes, outcome)
        })
        .collect();
    let blocks = requirements(
        &scenario,
        own.iter().map(|(axes, outcome)| (axes, *outcome)),
    );
    let refused = |why: String| {
        complain(
            format!("{} cannot be written: {}", path.display(), one_line(&why)),
            Some("fwlab check itself checks that host as it is"),
        );
        Exit::Usage
    };
    let WrittenScenario { mut text, files } =
        WrittenScenario::of(&scenario, &stem, &blocks).map_err(refused)?;
    for (why, cells) in &without {
        text += &format!(
            "\n# Nothing is required of {} transfers: they are {}\n",
            cells.len(),
            one_line(why)
        );
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let files: Vec<File> = files
        .into_iter()
        .map(|(name, bytes)| (folder.join(name), bytes))
        .collect();
    let beside: BTreeMap<PathBuf, Vec<u8>> = files.iter().cloned().collect();
    let back = Scenario::prepare_from(stem, path, &text, &beside).map_err(|error| {
        tell([&error as &dyn miette::Diagnostic]);
        refused(format!("the written scenario cannot be read back: {error}"))
    })?;
    // An address that is the server's own need not be said.
    let families = scenario.matrix.families.iter();
    let connects = families.clone().all(|family| {
        back.deployment.connect_to(*family) == scenario.deployment.connect_to(*family)
    });
    let read = Deployment {
        reached_at: scenario.deployment.reached_at.clone(),
        ..back.deployment
    };
    if !connects || read != scenario.deployment {
        return Err(refused("its topology differs from the table's".into()));
    }
    let mut all = files;
    all.push((path.to_owned(), text.into_bytes()));
    Ok(all)
}

/// The scenario of a row, as a file of its own says what it is.
fn renamed(of: &Scenario, subject: &str, peers: &str) -> Scenario {
    let mut scenario = of.clone();
    scenario.description = format!(
        "What the rules of {} let through for peers of one class, {peers}, as observed.",
        one_line(subject)
    );
    scenario.tags = vec!["observed".to_owned()];
    let name = Path::new(&scenario.rulesets[0].name);
    let name = name
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let fits = |name: &String| !name.is_empty() && name.len() <= 60;
    scenario.rulesets[0].name = name.filter(fits).unwrap_or_else(|| "rules".to_owned());
    scenario
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_has_a_file_of_its_own() {
        assert_eq!(
            numbered(Path::new("a/web.toml"), 2),
            Path::new("a/web-2.toml")
        );
        assert_eq!(is_free(Path::new("web.rules")), Err(Exit::Usage));
        assert_eq!(is_free(Path::new("/nowhere/web.toml")), Ok(()));
    }
}
