//! `--bundle`: one file from which a run can be seen elsewhere, and nothing else is read or written for it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use fwlab_host::Bundle;
use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::support::{DEADLINE, Ended, Running, end_of, eventually, fwlab, lab, report, shared};

const SCENARIO: &str = r#"description = "Two rulesets in a folder of their own."
[topology]
shape = "server-firewall"
[[ruleset]]
name = "open"
file = "../../rules/open.v4"
[[ruleset]]
name = "shut"
file = "../../rules/shut.v4"
[matrix]
servers = ["libunftp"]
data = ["port", "pasv"]
[[require]]
ruleset = "open"
symptom = "transferred"
[[require]]
ruleset = "shut"
symptom = "data-timeout"
cause = { kind = "rule", line = 2 }
"#;
const OPEN: &str = "iptables -P INPUT ACCEPT\n";
const SHUT: &str = "iptables -A INPUT -p tcp --dport 21 -j ACCEPT\niptables -A INPUT -p tcp -j DROP\n\
                    # \u{fc}\r\n";

/// A folder with a scenario two folders deep, and its rules in another.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path();
    fs::create_dir_all(place.join("scenarios/of/me")).expect("a folder");
    fs::create_dir_all(place.join("scenarios/rules")).expect("a folder");
    for (name, text) in [
        ("scenarios/of/me/two.toml", SCENARIO),
        ("scenarios/rules/open.v4", OPEN),
        ("scenarios/rules/shut.v4", SHUT),
    ] {
        fs::write(place.join(name), text).expect("it can be written");
    }
    folder
}

fn run(folder: &Path, arguments: &[&str]) -> Ended {
    let mut command = fwlab();
    end_of(command.current_dir(folder).arg("run").args(arguments))
}

/// Two cells, one of which is stopped.
fn bundle(folder: &Path) -> Ended {
    let chosen = ["--filter", "nft pasv", "--bundle", "out.fwlab"];
    run(folder, &[&["scenarios"], &chosen[..]].concat())
}

fn inside(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).expect("it can be read");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    names
        .map(|name| name.to_string_lossy().into_owned())
        .collect()
}

#[test]
fn a_run_is_seen_elsewhere_from_one_file() {
    let Some(_lab) = lab() else { return };
    let there = folder();
    let ended = bundle(there.path()).with(0);
    let line = "out.fwlab: 2 cells, what was seen of them, packets of 2, of/me/two.toml, rules/open.v4, rules/shut.v4; ";
    assert!(ended.stdout.contains(line), "{}", ended.stdout);
    let written = fs::read(there.path().join("out.fwlab")).expect("it was written");
    let read = Bundle::read(&written).expect("it is whole");
    assert_eq!(read.files["rules/shut.v4"], SHUT.as_bytes());
    assert_eq!(read.text, SCENARIO.as_bytes());
    let name = there.path().to_str().expect("it is text").as_bytes();
    assert!(!written.windows(name.len()).any(|text| text == name));
    // A recorded stream each, to be judged again anywhere.
    let streams = String::from_utf8(read.streams).expect("it is text");
    assert_eq!(streams.lines().count(), 2);
    for line in streams.lines() {
        let stream: fwlab_judge::Stream = serde_json::from_str(line).expect("it is one");
        stream.replay().expect("it is judged as it was");
    }

    let here = tempfile::tempdir().expect("a folder");
    let here = here.path();
    fs::write(here.join("out.fwlab"), &written).expect("it can be written");
    let ended = run(here, &["out.fwlab", "--report", "json=again.json"]).with(0);
    let line = "as in out.fwlab: 2 of 2 cells\n";
    assert!(ended.stdout.contains(line), "{}", ended.stdout);
    assert!(!ended.stdout.contains("\nonly "), "{}", ended.stdout);
    assert!(ended.stdout.contains(": 2 met\n"), "{}", ended.stdout);
    let cells: Vec<String> = report(&here.join("again.json")).into_keys().collect();
    assert_eq!(
        cells,
        [
            "of/me/two::open::nft::libunftp::suppaftp::pasv::plain::ipv4::retr",
            "of/me/two::shut::nft::libunftp::suppaftp::pasv::plain::ipv4::retr",
        ]
    );
    let ended = run(here, &["out.fwlab", "--filter", "shut"]).with(0);
    let line = "as in out.fwlab: 1 of 1 cells\n";
    assert!(ended.stdout.contains(line), "{}", ended.stdout);
    let left = BTreeSet::from(["again.json".to_owned(), "out.fwlab".to_owned()]);
    assert_eq!(inside(here), left);
}

/// What passed has its evidence, too.
#[test]
fn it_is_explained_without_running() {
    let Some(_lab) = lab() else { return };
    let there = folder();
    bundle(there.path()).with(0);
    for (cell, told) in [
        ("open", "transferred"),
        ("shut", "`-A INPUT -p tcp -j DROP`"),
    ] {
        let mut command = fwlab();
        command
            .current_dir(there.path())
            .args(["explain", "out.fwlab"]);
        let Ended { stdout, .. } = end_of(command.args(["--cell", cell])).with(0);
        assert!(stdout.contains(told), "{stdout}");
        assert!(stdout.contains("227 "), "{stdout}");
    }
}

/// The packets are those of each cell, and come out into a folder, with nothing of the bundle in their names that leads out of it.
#[test]
fn its_packets_can_be_read() {
    let Some(_lab) = lab() else { return };
    let there = folder();
    let place = there.path();
    bundle(place).with(0);
    let explain = |arguments: &[&str]| {
        let mut command = fwlab();
        command.current_dir(place).args(["explain", "out.fwlab"]);
        end_of(command.args(arguments))
    };
    let Ended { stdout, .. } = explain(&["--capture", "all"]).with(0);
    assert!(
        stdout.ends_with("the packets of 2 cells: all\n"),
        "{stdout}"
    );
    assert!(stdout.contains("`-A INPUT -p tcp -j DROP`"), "{stdout}");
    let cell =
        |ruleset: &str| format!("{ruleset}-nft-libunftp-suppaftp-pasv-plain-ipv4-retr.pcapng");
    let names = BTreeSet::from([cell("open"), cell("shut")]);
    assert_eq!(inside(&place.join("all/of/me/two")), names);
    let Ended { stdout, .. } = explain(&["--capture", "one", "--cell", "shut"]).with(0);
    assert!(
        stdout.ends_with("the packets of one cell: one\n"),
        "{stdout}"
    );
    let shut = fs::read(place.join("one/of/me/two").join(cell("shut"))).expect("it is there");
    let has = |text: &str| shut.windows(text.len()).any(|it| it == text.as_bytes());
    assert!(has("USER anonymous") && has("-A INPUT -p tcp -j DROP"));
    let ended = explain(&["--capture", "one"]).with(2);
    assert!(ended.stderr.contains("is not empty"), "{}", ended.stderr);

    let file = place.join("out.fwlab");
    let written = fs::read(&file).expect("it is there");
    let mut changed = Bundle::read(&written).expect("it is whole");
    let records = String::from_utf8(changed.records.clone()).expect("it is text");
    changed.records = records.replace("\"of/me/two\"", "\"../../out\"").into();
    fs::write(&file, changed.write().expect("it can be")).expect("it can be written");
    explain(&["--capture", "deep/er"]).with(0);
    assert_eq!(inside(&place.join("deep/er/_/_/out")), names);

    // One that an older fwlab wrote.
    changed.packets.clear();
    let old = String::from_utf8(changed.write().expect("it can be")).expect("it is text");
    let (body, end) = old.rsplit_once("end ").expect("an end");
    let old = format!("{}end {end}", body.replacen("bundle 2", "bundle 1", 1));
    fs::write(&file, without_sum(&old)).expect("it can be written");
    let told = explain(&[]).with(0);
    assert!(told.stdout.contains("227 "), "{}", told.stdout);
    let ended = explain(&["--capture", "none"]).with(2);
    assert!(
        ended
            .stderr
            .contains("the bundle has no packets of these cells"),
        "{}",
        ended.stderr
    );
    assert!(!place.join("none").exists());
}

#[test]
fn what_went_otherwise_here_is_told() {
    let Some(_lab) = lab() else { return };
    let there = folder();
    let file = there.path().join("out.fwlab");
    bundle(there.path()).with(0);
    let mut changed = Bundle::read(&fs::read(&file).expect("it is there")).expect("it is whole");
    changed.files.insert("rules/shut.v4".into(), OPEN.into());
    let records = String::from_utf8(changed.records).expect("it is text");
    let records = records.replace("\"kernel\":\"", "\"kernel\":\"0.");
    changed.records = records.into_bytes();
    let about = String::from_utf8(changed.about).expect("it is text");
    let about = about.replace("\"fwlab\": \"", "\"fwlab\": \"9.");
    changed.about = about.into_bytes();
    fs::write(&file, changed.write().expect("it can be")).expect("it can be written");
    let ended = run(there.path(), &["out.fwlab"]).with(1);
    for told in [
        "as in out.fwlab: 1 of 2 cells\n  of/me/two::shut::nft",
        "\n    there: data-timeout at data-connect: server: rule ipv4/filter/INPUT/2 (line 2)",
        "\n    here:  transferred\n",
        "\nonly there: fwlab 9.0.1.0, kernel 0.",
        "\nonly here: fwlab 0.1.0, kernel ",
    ] {
        assert!(ended.stdout.contains(told), "{told}: {}", ended.stdout);
    }
}

/// A cell that the bundled run did not come to is run here, and is neither the same nor another.
#[test]
fn what_was_not_run_there_is_run_here() {
    let Some(_lab) = lab() else { return };
    let there = folder();
    let wrong = SCENARIO.replacen("\"transferred\"", "\"refused\"", 1);
    fs::write(there.path().join("scenarios/of/me/two.toml"), wrong).expect("it can be written");
    let chosen = ["scenarios", "--jobs", "1", "--filter", "nft pasv"];
    let ended = run(
        there.path(),
        &[&chosen[..], &["--bundle", "out.fwlab"]].concat(),
    )
    .with(1);
    assert!(
        ended.stdout.contains("1 missed, 1 not run"),
        "{}",
        ended.stdout
    );
    let ended = run(there.path(), &["out.fwlab"]).with(1);
    let line = "as in out.fwlab: 1 of 1 cells, and 1 not run there or here\n";
    assert!(ended.stdout.contains(line), "{}", ended.stdout);
    assert!(
        ended.stdout.contains("1 met, 1 missed\n"),
        "{}",
        ended.stdout
    );
}

/// Nothing of a bundle is run or explained that is not whole and as it was written.
#[test]
fn a_bad_bundle_is_told() {
    let Some(_lab) = lab() else { return };
    let there = folder();
    let file = there.path().join("out.fwlab");
    bundle(there.path()).with(0);
    let good = fs::read(&file).expect("it is there");
    let text = String::from_utf8(good.clone()).expect("it is text");
    let of = |change: &dyn Fn(&mut Bundle)| {
        let mut bundle = Bundle::read(&good).expect("it is whole");
        change(&mut bundle);
        bundle.write().expect("its paths are good")
    };
    let before = inside(there.path());
    for (bad, told) in [
        (good[..good.len() / 2].to_vec(), "it is cut off"),
        (good[..good.len() - 1].to_vec(), "it is cut off"),
        (
            text.replace("-j DROP", "-j DROQ").into_bytes(),
            "it was edited, or damaged on the way: its checksum differs",
        ),
        (
            text.replacen("bundle 2", "bundle 3", 1).into_bytes(),
            "it is a bundle of format 3, and this fwlab reads formats 1 and 2: a newer fwlab made it",
        ),
        (
            [&good[..], b"more\n"].concat(),
            "there is more after its last line",
        ),
        (
            outside(&text),
            "the path `../../../tmp/x` is not below the bundle's own folder",
        ),
        (
            of(&|bundle| bundle.records = b"{\"schema\":3}\n".to_vec()),
            "a record of version 3, and this reads version 2",
        ),
        (
            of(&|bundle| bundle.streams = b"{}\n".to_vec()),
            "what it recorded: missing field",
        ),
        (
            of(&|bundle| bundle.about = b"[]".to_vec()),
            "what it says of itself",
        ),
        (
            of(&|bundle| {
                let file = bundle.packets[&0].clone();
                bundle.packets.insert(7, file);
            }),
            "it has packets of the cell 8 but no record of that cell",
        ),
    ] {
        fs::write(&file, bad).expect("it can be written");
        for command in ["run", "explain"] {
            let mut called = fwlab();
            called
                .current_dir(there.path())
                .args([command, "out.fwlab"]);
            let ended = end_of(&mut called).with(2);
            assert!(ended.stderr.contains(told), "{command}: {}", ended.stderr);
            assert_eq!(ended.stdout, "");
        }
    }
    // What it says beside its records counts where it is run.
    for (bad, told) in [
        (
            of(&|bundle| bundle.files.clear()),
            "cannot read rules/open.v4: it did not come with the scenario",
        ),
        (
            of(&|bundle| {
                let text = SCENARIO.replace("../../rules/open.v4", "/etc/hostname");
                bundle.text = text.into_bytes();
            }),
            "cannot read /etc/hostname: it did not come with the scenario",
        ),
        (
            of(&|bundle| bundle.text = SCENARIO.replace("\"shut\"", "\"closed\"").into_bytes()),
            "it has a record of the cell of/me/two::shut::nft",
        ),
    ] {
        fs::write(&file, bad).expect("it can be written");
        let ended = run(there.path(), &["out.fwlab"]).with(2);
        assert!(ended.stderr.contains(told), "{}", ended.stderr);
        assert_eq!(ended.stdout, "");
    }
    assert_eq!(inside(there.path()), before);
}

/// A bundle with a path that leads out, and a last line that fits.
fn outside(text: &str) -> Vec<u8> {
    without_sum(&text.replace("== file rules/open.v4", "== file ../../../tmp/x"))
}

/// The same with a last line that fits, and has no checksum.
fn without_sum(text: &str) -> Vec<u8> {
    let (body, end) = text.rsplit_once("end sections=").expect("it has an end");
    let (sections, _) = end.split_once(' ').expect("there is more");
    let end = format!("end sections={sections} bytes={} cksum=none\n", body.len());
    [body.as_bytes(), end.as_bytes()].concat()
}

#[test]
fn a_huge_bundle_is_not_read() {
    let _started = shared();
    let folder = tempfile::tempdir().expect("a folder");
    let mut file = File::create(folder.path().join("huge")).expect("a file");
    file.write_all(b"fwlab bundle 1\n")
        .expect("it can be written");
    file.set_len(1 << 30).expect("it can be made longer");
    for command in ["run", "explain"] {
        let mut called = fwlab();
        called.current_dir(folder.path()).args([command, "huge"]);
        let ended = end_of(&mut called).with(2);
        let told = "huge: it is larger than 256 MiB, the most that a bundle may have";
        assert!(ended.stderr.contains(told), "{}", ended.stderr);
    }
}

/// It is refused before the run, and no file is left.
#[test]
fn what_cannot_be_bundled_is_told() {
    let Some(_lab) = lab() else { return };
    let folder = folder();
    let place = folder.path();
    let put =
        |name: &str, text: &str| fs::write(place.join(name), text).expect("it can be written");
    let named = place.join("scenarios/rules/open.v4");
    let absolute = SCENARIO.replace("../../rules/open.v4", named.to_str().expect("it is text"));
    put(
        "absolute.toml",
        &absolute.replace("../../rules", "scenarios/rules"),
    );
    put(
        "bad.toml",
        &SCENARIO
            .replace("../../rules/open.v4", "bad.v4")
            .replace("../../rules", "scenarios/rules"),
    );
    put("bad.v4", "iptables -A NOWHERE -j ACCEPT\n");
    put("there.fwlab", "mine\n");
    let before = inside(place);
    let own = "scenarios/of/me/two.toml";
    for (arguments, told) in [
        (
            &[own, "--bundle", "there.fwlab"][..],
            "--bundle: cannot make there.fwlab: File exists",
        ),
        (
            &[own, "--bundle", "no/where"],
            "--bundle: cannot make no/where: No such file",
        ),
        (
            &[own, "--bundle", "x.toml"],
            "x.toml would be taken for a scenario",
        ),
        (
            &["absolute.toml", "--bundle", "x"],
            "by an absolute path, which will not hold on another machine",
        ),
        (
            &[own, "bad.toml", "--bundle", "x"],
            "a bundle has one scenario, and the chosen cells are of several",
        ),
        (&["bad.toml", "--bundle", "x"], "NOWHERE"),
        (
            &[own, "--bundle", "x", "--report", "json=x"],
            "x and the bundle would be written to the same file",
        ),
    ] {
        let ended = run(place, arguments).with(2);
        assert!(ended.stderr.contains(told), "{told}: {}", ended.stderr);
        assert_eq!(inside(place), before, "{told}");
    }
    assert_eq!(
        fs::read(place.join("there.fwlab")).expect("it is there"),
        b"mine\n"
    );
}

#[test]
fn an_interrupted_run_leaves_no_bundle() {
    let Some(_lab) = lab() else { return };
    let folder = folder();
    let mut command = fwlab();
    command
        .current_dir(folder.path())
        .args(["run", "scenarios"]);
    command.args(["--filter", "nft pasv", "--patience", "full"]);
    let run = Running::start(command.args(["--bundle", "out", "--report", "json=r.json"]));
    // The cell that passes is finished, and the other one waits for its peers' timers.
    eventually("a cell is finished", DEADLINE, || {
        fs::metadata(folder.path().join("r.json")).is_ok_and(|found| found.len() > 0)
    });
    assert!(inside(folder.path()).contains("out"));
    run.signal(Signal::SIGINT);
    run.end(DEADLINE).with(3);
    assert!(!inside(folder.path()).contains("out"));
}

#[test]
fn a_bundle_is_run_by_itself_and_not_written_over() {
    let Some(_lab) = lab() else { return };
    let folder = folder();
    let place = folder.path();
    bundle(place).with(0);
    let before = fs::read(place.join("out.fwlab")).expect("it was written");
    for (arguments, told) in [
        (
            &["out.fwlab", "scenarios"][..],
            "is a bundle, which must be run by itself",
        ),
        (
            &["out.fwlab", "--client", "curl"],
            "itself says which servers and clients",
        ),
        (
            &["out.fwlab", "--report", "json=out.fwlab"],
            "out.fwlab is read by this run",
        ),
        (&["out.fwlab", "--bundle", "out.fwlab"], "File exists"),
    ] {
        let ended = run(place, arguments).with(2);
        assert!(ended.stderr.contains(told), "{}", ended.stderr);
    }
    assert_eq!(
        fs::read(place.join("out.fwlab")).expect("it is there"),
        before
    );
}
