//! What shells and `man` read of the command: it is whole, and they take it.

use std::path::Path;
use std::process::Command;

use fwlab_skipped::{Need, skipped};

use crate::support::{end_of, fwlab, has_program, shared};

const COMMANDS: [&str; 16] = [
    "run",
    "check",
    "explain",
    "fix",
    "generate",
    "lint",
    "mutate",
    "diff",
    "capture",
    "list",
    "schema",
    "topology",
    "images",
    "doctor",
    "completions",
    "man",
];

/// What a command prints.
fn printed(arguments: &[&str]) -> String {
    end_of(fwlab().args(arguments)).with(0).stdout
}

/// Whether a program takes a file; `None` where there is no such program.
fn taken(program: &str, arguments: &[&str], file: &Path) -> Option<String> {
    if !has_program(program) {
        // Only bash is on every machine that the tests are for.
        let need = if program == "bash" {
            Need::Programs
        } else {
            Need::Machine
        };
        skipped(need, format_args!("{program} is not here"));
        return None;
    }
    let mut command = Command::new(program);
    let ended = end_of(command.args(arguments).arg(file)).with(0);
    assert_eq!(ended.stderr, "", "{program}");
    Some(ended.stdout)
}

#[test]
fn shells_take_the_completions() {
    let _started = shared();
    let folder = tempfile::tempdir().expect("a folder");
    for shell in ["bash", "zsh", "fish"] {
        let script = printed(&["completions", shell]);
        for command in COMMANDS {
            assert!(script.contains(command), "{shell}: {command}");
        }
        for option in ["keep-going", "write-requirements", "rerun", "bundle"] {
            assert!(script.contains(option), "{shell}: {option}");
        }
        let file = folder.path().join(shell);
        std::fs::write(&file, script).expect("it can be written");
        taken(shell, &["-n"], &file);
    }
}

/// What is completed in bash, by the script itself.
#[test]
fn bash_completes_an_option() {
    let _started = shared();
    if !has_program("bash") {
        skipped(Need::Programs, "bash is not here");
        return;
    }
    let ask = "COMP_WORDS=(fwlab run --keep); COMP_CWORD=2; \
               _fwlab fwlab --keep run; echo \"${COMPREPLY[@]}\"";
    let script = format!("{}\n{ask}\n", printed(&["completions", "bash"]));
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ask");
    std::fs::write(&file, script).expect("it can be written");
    let ended = end_of(Command::new("bash").arg("--norc").arg(&file)).with(0);
    assert_eq!(ended.stdout, "--keep-going\n", "{}", ended.stderr);
}

#[test]
fn other_shells_are_told() {
    let _started = shared();
    let ended = end_of(fwlab().args(["completions", "tcsh"])).with(2);
    let told = "possible values: bash, zsh, fish";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
    let ended = end_of(fwlab().args(["man", "nosuch"])).with(2);
    let told = "there is no command `nosuch`\n  the commands are run, check,";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
}

#[test]
fn every_command_has_a_page_that_man_takes() {
    let _started = shared();
    let folder = tempfile::tempdir().expect("a folder");
    let whole = printed(&["man"]);
    for command in COMMANDS {
        let listed = format!("fwlab\\-{command}(1)");
        assert!(whole.contains(&listed), "{command}: {whole}");
    }
    let pages = COMMANDS.map(|command| (format!("fwlab-{command}"), vec!["man", command]));
    for (name, arguments) in pages.into_iter().chain([("fwlab".to_owned(), vec!["man"])]) {
        let page = printed(&arguments);
        assert!(page.contains(".SH SYNOPSIS\n"), "{page}");
        let title = format!(".TH {name} 1  \"fwlab 0");
        assert!(page.contains(&title), "{page}");
        let file = folder.path().join(format!("{name}.1"));
        std::fs::write(&file, page).expect("it can be written");
        // It says of a page which name and line it would be found by.
        if let Some(found) = taken("lexgrog", &[], &file) {
            assert!(found.contains(&format!(": \"{name} - ")), "{found}");
        }
        if let Some(shown) = taken("man", &["--warnings", "-l"], &file) {
            assert!(shown.contains("SYNOPSIS"), "{shown}");
        }
    }
}

/// The usage in a command's page is what one types.
#[test]
fn a_command_s_page_has_its_options() {
    let _started = shared();
    let page = printed(&["man", "run"]);
    for told in [
        "\\fBfwlab run\\fR",
        "\\fB\\-\\-rerun\\fR \\fI<REPORT>\\fR",
        "\\fB\\-\\-bundle\\fR \\fI<FILE>\\fR",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
}
