//! What only newer kernels offer is not needed.

use fwlab_observe::Newer;
use fwlab_record::PeerName;
use fwlab_runner::RunSettings;
use fwlab_scenario::plan::Overrides;

use crate::support::{as_report, assert_same, count, lab, root, run_cells};

#[test]
fn an_older_kernel_gives_the_same_outcomes() {
    let Some(_lab) = lab() else { return };
    let folders = ["scenarios/seed", "scenarios/regressions"].map(|folder| root().join(folder));
    let overrides = Overrides {
        servers: vec![PeerName::Libunftp, PeerName::Vsftpd],
        clients: vec![PeerName::Suppaftp],
        ..Overrides::default()
    };
    let run = |pretend_without| {
        let settings = RunSettings {
            pretend_without,
            ..RunSettings::default()
        };
        as_report(&run_cells(&folders, &overrides, &[], settings))
    };
    let newer = run(Vec::new());
    assert!(count(&newer, "met") > 100, "{}", newer.len());
    // As on Linux 6.1 and 6.12, and as on 5.10.
    for absent in [
        vec![Newer::TraceConntrack],
        vec![Newer::TraceConntrack, Newer::OwnedTable],
    ] {
        let name = format!("without {absent:?}");
        assert_same(("with everything", &newer), (&name, &run(absent)));
    }
}
