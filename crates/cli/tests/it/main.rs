//! The command as its users have it: built, and on this machine's kernel.
#![expect(clippy::print_stderr, reason = "tests say what they skip")]

mod architecture;
mod bad_input;
mod bad_scenario;
mod bad_script;
mod ccc;
mod chance;
mod containers;
mod deaths;
mod deviations;
mod docs;
mod evidence;
mod faults;
mod firewall_image;
mod harmless;
mod hostile_text;
mod in_step;
mod inputs;
mod interrupted;
mod killed;
mod licences;
mod native;
mod old_kernel;
mod ordinary_user;
mod paths;
mod patience;
mod reach;
mod recorded;
mod regressions;
mod report_files;
mod reports;
mod scenario_tests;
mod scripted;
mod support;
mod surroundings;
mod topologies;
