//! Two reports of runs, held against each other: nothing is run.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use fwlab_record::Exit;

use super::DiffArguments;
use crate::command::execute::Beside;
use crate::command::exit::{complain, print};
use crate::command::reporters::ReportFiles;
use crate::report::{Before, is_json_report, read_report};

/// What comes of two reports; nothing where these are rules.
pub(super) fn of_reports(arguments: &DiffArguments) -> Result<Option<Exit>, Exit> {
    let (old, new) = (&arguments.old, &arguments.new);
    match [is_report(old), is_report(new)] {
        [false, false] => return Ok(None),
        [true, true] => {}
        _ => {
            complain(
                format!(
                    "{} and {} are a report and rules",
                    old.display(),
                    new.display()
                ),
                Some("give two rulesets, or two JSON reports that `--report json=FILE` wrote"),
            );
            return Err(Exit::Usage);
        }
    }
    let unread = |error: crate::report::EarlierError| {
        complain(&error, Some(error.help()));
        Exit::Usage
    };
    let before = Before::read(old).map_err(unread)?;
    let records = read_report(new).map_err(unread)?;
    let all: Vec<_> = records.iter().map(AsRef::as_ref).collect();
    let page = before.page(&all);
    let is_same = !all.iter().any(|record| before.is_otherwise(record));
    let how = &arguments.terms.how;
    let beside = Beside {
        read: vec![old, new],
        ..Beside::default()
    };
    let files = ReportFiles::against(how, &[], &beside, Some(before))?;
    print(page);
    files.write(&records).map_err(|error| {
        complain(format!("a report could not be written: {error}"), None);
        Exit::Lab
    })?;
    Ok(Some(if is_same { Exit::Good } else { Exit::Missed }))
}

fn is_report(file: &Path) -> bool {
    let mut begin = Vec::new();
    let read = File::open(file).and_then(|file| file.take(64).read_to_end(&mut begin));
    read.is_ok() && is_json_report(&begin)
}
