use fwlab_runner::{Run, RunSettings};
use tokio::runtime::Runtime;

use crate::cells::{PASSES, prepared, run};

/// 5,000 cells in a row, and what the process holds after each thousand.
pub(crate) fn soak(runtime: &Runtime) {
    let prepared = prepared(runtime, vec![PASSES.cell(); 1000], RunSettings::default());
    for round in 1..=5 {
        run(runtime, &prepared);
        let settled = runtime.block_on(Run::settle());
        settled.expect("Docker removes what it is asked to");
        let status = std::fs::read_to_string("/proc/self/status").expect("proc is there");
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .expect("a line of memory")
            .trim();
        let files = std::fs::read_dir("/proc/self/fd")
            .expect("proc is there")
            .count();
        println!(
            "after {:4} cells: resident {resident}, {files} open files",
            round * 1000
        );
    }
}
