//! A report is written where there is nothing, or an older report, and nowhere else; what is wrong with
//! its file is told before the run.

use std::fs::{self, File};
use std::io::Write;

use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::Path;
use std::process::Stdio;

use fwlab_cli::report::Format;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use tempfile::TempDir;

use crate::support::{DEADLINE, Ended, Running, end_of, eventually, fwlab, is_root, lab, report};

const RULES: &str = "iptables -P INPUT ACCEPT\n";

/// A folder with a ruleset and a scenario that has another in a file.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).expect("it can be written");
    };
    write("rules.v4", RULES);
    write("empty.v4", "");
    write(
        "scenario.toml",
        "description = \"Everything passes.\"\ntopology.shape = \"client-firewall\"\n\
         ruleset = [{ name = \"empty\", file = \"empty.v4\" }]\n\
         matrix = { data = \"pasv\" }\nrequire = [{ symptom = \"transferred\" }]\n",
    );
    folder
}

const CHECK: [&str; 10] = [
    "check",
    "rules.v4",
    "--at",
    "client",
    "--data",
    "pasv",
    "--server",
    "libunftp",
    "--protection",
    "plain",
];

fn run(folder: &Path, arguments: &[&str], reports: &[&str]) -> Ended {
    let mut command = fwlab();
    command.current_dir(folder).args(arguments);
    for report in reports {
        command.args(["--report", report]);
    }
    end_of(&mut command)
}

/// It ends with 2 before anything is run, and says that; every file is as it was.
#[track_caller]
fn assert_refused(folder: &Path, arguments: &[&str], reports: &[&str], words: &[&str]) {
    let files = || {
        let mut files: Vec<(String, Option<Vec<u8>>)> = fs::read_dir(folder)
            .expect("a folder")
            .flatten()
            .map(|entry| {
                let is_file = entry.path().is_file();
                let content = is_file.then(|| fs::read(entry.path()).expect("it can be read"));
                (entry.file_name().to_string_lossy().into_owned(), content)
            })
            .collect();
        files.sort();
        files
    };
    let before = files();
    let ended = run(folder, arguments, reports).with(2);
    assert_eq!(ended.stdout, "", "nothing was run");
    for part in words {
        assert!(ended.stderr.contains(part), "{part} in {}", ended.stderr);
    }
    assert_eq!(files(), before, "{}", ended.stderr);
}

#[test]
fn a_ruleset_is_not_overwritten_by_its_own_report() {
    let Some(_lab) = lab() else { return };
    let folder = folder();
    let path = folder.path();
    symlink("rules.v4", path.join("link")).expect("a link");
    fs::hard_link(path.join("rules.v4"), path.join("same")).expect("a link");
    let read = "is read by this run, so a report would overwrite it";
    let help = "name a different file for each report";
    for report in [
        "json=rules.v4",
        "junit=rules.v4",
        "json=./rules.v4",
        "json=link",
        "json=same",
    ] {
        assert_refused(path, &CHECK, &[report], &[read, help]);
    }
    let scenario = ["run", "scenario.toml"];
    for report in ["json=scenario.toml", "junit=empty.v4"] {
        assert_refused(path, &scenario, &[report], &[read, help]);
    }
    assert_eq!(
        fs::read_to_string(path.join("rules.v4")).expect("it is there"),
        RULES
    );
}

#[test]
fn a_ruleset_from_standard_input_is_not_overwritten_either() {
    let Some(_lab) = lab() else { return };
    let folder = folder();
    let output = fwlab()
        .current_dir(folder.path())
        .args(["check", "-", "--at", "client", "--report", "json=rules.v4"])
        .stdin(Stdio::from(
            File::open(folder.path().join("rules.v4")).expect("it is there"),
        ))
        .output()
        .expect("it runs");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("rules.v4 is read by this run"), "{told}");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn nothing_but_a_report_is_written_over() {
    let Some(_lab) = lab() else { return };
    let folder = folder();
    let path = folder.path();
    for (name, content) in [
        ("notes", "buy milk\n"),
        ("other.json", "{\"schema\":2,\"title\":\"mine\"}\n"),
        (
            "other.xml",
            "<?xml version=\"1.0\"?>\n<testsuites name=\"pytest\"/>\n",
        ),
        ("binary", "\0\0\0\0"),
    ] {
        fs::write(path.join(name), content).expect("it can be written");
        let told = format!("{name} exists and is not a report of fwlab");
        for format in Format::all() {
            let report = format!("{}={name}", format.word);
            assert_refused(
                path,
                &CHECK,
                &[&report],
                &[&told, "move this one away or delete it"],
            );
        }
    }
}

#[test]
fn an_older_report_or_an_empty_file_is_written_over() {
    let Some(_lab) = lab() else { return };
    let folder = folder();
    let path = folder.path();
    fs::write(path.join("report"), "").expect("it can be written");
    for (format, begins) in [
        ("json", "{\"schema\":2,\"scenario\":\"rules.v4\","),
        ("json", "{\"schema\":2,\"scenario\":\"rules.v4\","),
        ("junit", "<?xml "),
        ("junit", "<?xml "),
        ("json", "{\"schema\":2,\"scenario\":\"rules.v4\","),
    ] {
        run(path, &CHECK, &[&format!("{format}=report")]).with(0);
        let text = fs::read_to_string(path.join("report")).expect("it was written");
        assert!(text.starts_with(begins), "{text}");
        let rest = text.matches("<testsuites").count() + text.matches("\"schema\"").count();
        // Two backends; and nothing of what was there before.
        assert_eq!(rest, if format == "json" { 2 } else { 1 }, "{text}");
    }
}

/// Whatever was written there is known for a report of fwlab, in whatever format the next one is.
#[test]
fn every_format_is_written_over_by_every_other() {
    let Some(_lab) = lab() else { return };
    let folder = folder();
    let path = folder.path();
    let words: Vec<&str> = Format::all().iter().map(|format| format.word).collect();
    let written = |word: &str| {
        run(path, &CHECK, &[&format!("{word}=report")]).with(0);
        fs::read(path.join("report")).expect("it was written")
    };
    let lengths: Vec<usize> = words.iter().map(|word| written(word).len()).collect();
    for (word, length) in words.iter().zip(lengths).rev() {
        let again = written(word);
        assert!(
            again.len().abs_diff(length) < 100,
            "{word} is as it was where nothing else had been: {}",
            String::from_utf8_lossy(&again)
        );
    }
}

/// The exit code says so, and the other reports are whole.
#[test]
fn a_report_that_cannot_be_written_in_the_end_is_told() {
    let Some(_lab) = lab() else { return };
    let folder = folder();
    let path = folder.path();
    for word in Format::all().iter().map(|format| format.word) {
        // A pipe that is full, until its reader goes away.
        let pipe = path.join(word);
        nix::unistd::mkfifo(&pipe, Mode::S_IRWXU).expect("a pipe");
        let mut options = File::options();
        options.custom_flags(OFlag::O_NONBLOCK.bits());
        let reader = options.read(true).open(&pipe).expect("it is open");
        let mut writer = options.write(true).open(&pipe).expect("it is open");
        while writer.write(&[0; 4096]).is_ok() {}
        drop(writer);
        let mut command = fwlab();
        command.current_dir(path).args(CHECK);
        let to_pipe = format!("--report={word}={word}");
        let running = Running::start(command.args(["--report=json=whole", &to_pipe]));
        let whole = path.join("whole");
        eventually("a cell is finished", DEADLINE, || {
            fs::metadata(&whole).is_ok_and(|found| found.len() > 0)
        });
        drop(reader);
        let ended = running.end(DEADLINE).with(3);
        let told = format!("a report could not be written: {word}: Broken pipe");
        assert!(ended.stderr.contains(&told), "{}", ended.stderr);
        assert_eq!(report(&whole).len(), 2);
        fs::remove_file(whole).expect("it is there");
    }
}

#[test]
fn two_reports_do_not_go_to_one_file() {
    let Some(_lab) = lab() else { return };
    let folder = folder();
    let path = folder.path();
    symlink("report", path.join("link")).expect("a link");
    for (one, other) in [
        ("json=report", "junit=report"),
        ("json=report", "json=./report"),
        ("junit=report", "json=link"),
    ] {
        assert_refused(
            path,
            &CHECK,
            &[one, other],
            &["would be written to the same file"],
        );
    }
    let out = File::create(path.join("report")).expect("a file");
    let mut command = fwlab();
    command
        .current_dir(path)
        .args(CHECK)
        .args(["--report", "json=report"]);
    let output = command
        .stdin(Stdio::null())
        .stdout(out)
        .output()
        .expect("it runs");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        told.contains("report and standard output would be written to the same file"),
        "{told}"
    );
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_report_that_cannot_be_written_is_told_before_the_run() {
    let Some(_lab) = lab() else { return };
    let folder = folder();
    let path = folder.path();
    let none = "cannot write nonexistent/report: No such file or directory";
    let help = "name a file in a folder that exists";
    assert_refused(path, &CHECK, &["json=nonexistent/report"], &[none, help]);
    assert_refused(
        path,
        &CHECK,
        &["junit=/proc/report"],
        &["cannot write /proc/report"],
    );
    assert_refused(path, &CHECK, &["json=."], &[". is not a file"]);
    if is_root("a block device") {
        use nix::sys::stat::{SFlag, makedev, mknod};
        // Of no driver at all: nothing could be lost.
        let number = makedev(4095, 0);
        mknod(
            &path.join("disk"),
            SFlag::S_IFBLK,
            Mode::S_IRUSR | Mode::S_IWUSR,
            number,
        )
        .expect("root may");
        mknod(
            &path.join("zero"),
            SFlag::S_IFCHR,
            Mode::S_IRUSR | Mode::S_IWUSR,
            makedev(1, 5),
        )
        .expect("root may");
        for device in ["disk", "zero"] {
            let report = format!("json={device}");
            assert_refused(
                path,
                &CHECK,
                &[&report],
                &["is not a file, so no report is written there"],
            );
        }
    }
    // All of them at once, and none is made for another's sake.
    let reports = ["json=good", "json=nonexistent/one", "junit=rules.v4"];
    assert_refused(
        path,
        &CHECK,
        &reports,
        &["nonexistent/one", "rules.v4 is read by this run"],
    );
}

#[test]
fn a_run_that_does_not_begin_makes_no_report() {
    let Some(_lab) = lab() else { return };
    let folder = folder();
    let path = folder.path();
    fs::write(path.join("bad.v4"), "iptables -A INPUT -j NOSUCH\n").expect("it can be written");
    run(path, &CHECK, &["json=old"]).with(0);
    let old = fs::read(path.join("old")).expect("it was written");
    let arguments = ["check", "bad.v4", "--at", "client"];
    let ended = run(path, &arguments, &["json=new", "junit=old"]).with(2);
    assert!(!path.join("new").exists(), "{}", ended.stderr);
    assert_eq!(fs::read(path.join("old")).expect("it is there"), old);
}

#[test]
fn a_report_can_go_to_a_pipe() {
    let Some(_lab) = lab() else { return };
    let folder = folder();
    let ended = run(
        folder.path(),
        &CHECK,
        &["json=/dev/stdout", "junit=/dev/null"],
    )
    .with(0);
    let lines = ended
        .stdout
        .lines()
        .filter(|line| line.starts_with("{\"schema\":2,"));
    assert_eq!(lines.count(), 2, "{}", ended.stdout);
    assert!(ended.stdout.contains("2 cells in "), "{}", ended.stdout);
}

/// A line is whole in the file when its cell is finished: whatever ends the run then.
#[test]
fn a_killed_run_leaves_the_lines_of_the_cells_that_were_finished() {
    let Some(_lab) = lab() else { return };
    let folder = folder();
    let path = folder.path();
    fs::write(
        path.join("two.toml"),
        "description = \"One passes, one waits.\"\ntopology.shape = \"client-firewall\"\n\
         ruleset = [{ name = \"open\", text = \"iptables -P INPUT ACCEPT\" },\n\
         { name = \"shut\", text = \"iptables -A INPUT -p tcp --sport 21 -j ACCEPT\\niptables -A INPUT -p tcp -j DROP\" }]\n\
         matrix = { data = \"pasv\" }\n",
    )
    .expect("it can be written");
    let mut command = fwlab();
    command
        .current_dir(path)
        .args(["run", "two.toml", "--backend=nft", "--patience=full"]);
    let running = Running::start(command.args(["--report", "json=report"]));
    let file = path.join("report");
    eventually("a first cell is finished", DEADLINE, || {
        fs::metadata(&file).is_ok_and(|found| found.len() > 0)
    });
    running.signal(nix::sys::signal::Signal::SIGKILL);
    running.end(DEADLINE);
    let cells = report(&file);
    assert_eq!(cells.len(), 1, "the other waits for eight seconds");
    assert!(cells.keys().all(|name| name.contains("::open::")));
}
