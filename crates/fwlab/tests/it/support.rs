use fwlab_fabric::Privilege;
use fwlab_runner::Loader;
use fwlab_skipped::{Need, skipped};

/// Whether there can be a lab here; where not, says why.
pub(crate) fn can_build() -> bool {
    let privilege = Privilege::current().map_err(|error| format!("{error}; {}", error.help));
    let loader = Loader::find().map_err(|error| format!("{error}; {}", error.help()));
    match privilege.and(loader.map(drop)) {
        Ok(()) => true,
        Err(why) => {
            skipped(Need::Lab, why);
            false
        }
    }
}
