//! Rules of a family that nobody asked for.

use fwlab_record::{Exit, Family};
use fwlab_text::one_line;

use crate::host_files::HostFiles;
use crate::messages::Messages;
use crate::terms::Terms;

/// Refuses rules that say that they are of a family which nobody asked for.
pub(crate) fn refuse_others(
    files: &HostFiles,
    terms: &Terms,
    said: &mut Messages,
) -> Result<(), Exit> {
    let is_asked = |family: &Family| terms.families.contains(family);
    let (Some(asked), Some(own)) = (terms.families.first(), files.families.first()) else {
        return Ok(());
    };
    if !files.beside.is_empty() || files.families.iter().any(is_asked) {
        return Ok(());
    }
    said.say(
        format!(
            "{} has rules for {}, but --family asks only for {}",
            one_line(&files.name),
            own.protocol(),
            asked.protocol()
        ),
        Some(&format!(
            "--family {own}, or leave --family out; give the rules for {}, too, to check both",
            asked.protocol()
        )),
    );
    Err(Exit::Usage)
}
