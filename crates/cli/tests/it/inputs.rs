//! What is read of the machine, and how much of it: scenarios and rulesets come from others.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::stat::Mode;

use crate::bad_input::{folder, told};
use crate::support::{DEADLINE, Running, end_of, fwlab, shared};

/// What nobody may see, as a file of the machine has it.
const SECRET: &str = "root:$y$j9T$secret:19000:0:99999:7:::\n";

fn scenario(ruleset: &str) -> String {
    format!(
        "description = \"x\"\ntopology.shape = \"client-firewall\"\nruleset = [{{ name = \"r\", {ruleset} }}]\n"
    )
}

#[test]
fn a_file_outside_the_scenario_s_folder_is_not_shown() {
    let _machine = shared();
    let elsewhere = folder(&[("shadow", SECRET.as_bytes()), ("inner.v4", b"-A secret\n")]);
    let inside = folder(&[("own.v4", b"-A secret\n")]);
    let path = inside.path();
    symlink(elsewhere.path().join("shadow"), path.join("link.v4")).expect("a link");
    let absolute = elsewhere.path().join("shadow").display().to_string();
    let name = elsewhere.path().file_name().expect("a name").display();
    for file in [
        absolute.clone(),
        "link.v4".into(),
        format!("../{name}/inner.v4"),
    ] {
        for key in ["file", "file6"] {
            let families = "matrix.families = [\"ipv4\", \"ipv6\"]\n";
            let text = scenario(&format!("{key} = \"{file}\"")) + families;
            fs::write(path.join("a.toml"), text).expect("it can be written");
            let told = told(path, &["run", "a.toml"]);
            assert!(told.starts_with("exit 2\n"), "{told}");
            assert!(!told.contains("secret"), "{told}");
            assert!(!told.contains("root"), "{told}");
            let folded = told.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(folded.contains("outside the scenario's folder"), "{told}");
        }
    }
    // What is in the folder is shown, and so is what the user named.
    fs::write(path.join("a.toml"), scenario("file = \"own.v4\"")).expect("it can be written");
    assert!(told(path, &["run", "a.toml"]).contains("secret"));
    assert!(told(path, &["check", &absolute, "--at", "client"]).contains("secret"));
    assert!(told(path, &["check", "link.v4", "--at", "client"]).contains("secret"));
    // A scenario that is a link out of the folder.
    fs::remove_file(path.join("a.toml")).expect("it is there");
    symlink(&absolute, path.join("b.toml")).expect("a link");
    let told = told(path, &["run", "."]);
    assert!(told.contains("leads out of"), "{told}");
    assert!(!told.contains("secret"), "{told}");
}

/// What a loader says of rules from elsewhere quotes them.
#[test]
fn a_loader_s_words_about_such_a_file_are_not_shown() {
    let Some(_lab) = crate::support::lab() else {
        return;
    };
    let nft = "table inet f { chain c { secret_word 1 drop } }\n";
    let elsewhere = folder(&[("rules.nft", nft.as_bytes())]);
    let file = elsewhere.path().join("rules.nft").display().to_string();
    let text = scenario(&format!("file = \"{file}\""));
    let inside = folder(&[("a.toml", text.as_bytes())]);
    let told_of_it = told(inside.path(), &["run", "a.toml"]);
    assert!(told_of_it.starts_with("exit 2\n"), "{told_of_it}");
    assert!(!told_of_it.contains("secret"), "{told_of_it}");
    let named = told(inside.path(), &["check", &file, "--at", "client"]);
    assert!(named.contains("secret"), "{named}");
}

#[test]
fn only_plain_files_are_read() {
    let _machine = shared();
    let inside = folder(&[]);
    let path = inside.path();
    nix::unistd::mkfifo(&path.join("pipe"), Mode::S_IRWXU).expect("a pipe");
    let large = fs::File::create(path.join("large")).expect("a file");
    large.set_len((16 << 20) + 1).expect("it has holes");
    for (file, why) in [
        ("/dev/zero", "it is a device, and only plain files are read"),
        ("/dev/tty", "it is a device"),
        ("pipe", "it is a pipe, and only plain files are read"),
        ("/proc/kmsg", "the kernel makes its content up"),
        ("/proc/self/environ", "the kernel makes its content up"),
        (
            "/sys/kernel/uevent_seqnum",
            "the kernel makes its content up",
        ),
        (".", "it is a directory"),
        ("large", "it is larger than 16 MiB, the most that is read"),
    ] {
        let text = scenario(&format!("file = \"{file}\""));
        fs::write(path.join("a.toml"), text).expect("it can be written");
        let certificate = scenario("none = true") + &format!("server.certificate = \"{file}\"\n");
        fs::write(path.join("b.toml"), certificate).expect("it can be written");
        symlink(file, path.join("c.toml")).expect("a link");
        for arguments in [
            &["run", "a.toml"][..],
            &["run", "b.toml"],
            &["check", file, "--at", "client"],
            &["run", "c.toml"],
        ] {
            if arguments == ["run", "c.toml"] && file == "." {
                continue;
            }
            let mut command = fwlab();
            command.current_dir(path).args(arguments);
            let ended = Running::start(&mut command)
                .end(Duration::from_secs(20))
                .with(2);
            let folded = ended.stderr.split_whitespace().collect::<Vec<_>>();
            let folded = folded.join(" ").replace("│ ", "");
            assert!(folded.contains(why), "{arguments:?} {file}: {folded}");
        }
        fs::remove_file(path.join("c.toml")).expect("it is there");
    }
}

#[test]
fn standard_input_is_read_to_the_limit() {
    let _machine = shared();
    let zero = fs::File::open("/dev/zero").expect("it is there");
    let mut command: Command = fwlab();
    let output = command
        .args(["check", "-", "--at", "client"])
        .stdin(Stdio::from(zero))
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("larger than 16 MiB, the most that is read"),
        "{said}"
    );
}

/// What the shell makes of `<(…)` is open already, and is read.
#[test]
fn a_pipe_that_is_open_is_read() {
    let _machine = shared();
    let script = format!(
        "exec '{}' check <(echo 'iptables -A SECRET') --at client",
        fwlab().get_program().display()
    );
    let ended = end_of(Command::new("bash").args(["-c", &script])).with(2);
    assert!(ended.stderr.contains("SECRET"), "{ended:?}");
}

#[test]
fn of_many_mistakes_the_first_are_told() {
    let _machine = shared();
    let more: String = (0..300).map(|n| format!("unknown-{n} = 1\n")).collect();
    let text = more + &scenario("none = true");
    let inside = folder(&[("a.toml", text.as_bytes())]);
    let told = told(inside.path(), &["run", "a.toml"]);
    assert!(told.contains("a.toml has 300 mistakes"), "{told}");
    assert!(told.contains("the first 50, and 250 more"), "{told}");
    assert_eq!(told.matches("unknown key").count(), 50, "{told}");
}

/// A mark that is not closed makes a mistake of every line behind it.
#[test]
fn a_stray_quotation_mark_is_told_in_few_words() {
    let _machine = shared();
    let lines: String = (0..300)
        .map(|n| format!("[[require]]\nruleset = \"r\" # {n}\n"))
        .collect();
    let text = scenario("none = true").replace("\"x\"", "\"x") + &lines;
    let inside = folder(&[("a.toml", text.as_bytes())]);
    let told = told(inside.path(), &["run", "a.toml"]);
    assert!(told.matches("  × ").count() <= 51, "{told}");
}

/// Checking takes time in proportion: of everything that a file can have many of, there are many.
#[test]
fn five_thousand_requirements_are_checked_at_once() {
    let _machine = shared();
    let rulesets: String = (0..5_000)
        .map(|n| format!("[[ruleset]]\nname = \"r{n}\"\ntext = \"iptables -P INPUT DROP\"\n"))
        .collect();
    let matrix = "[matrix]\nservers = \"libunftp\"\nclients = \"suppaftp\"\ndata = \"pasv\"\n";
    let require = |name: &str| -> String {
        let each = (0..5_000)
            .map(|n| format!("[[require]]\nruleset = \"{name}{n}\"\nsymptom = \"transferred\"\n"));
        each.collect()
    };
    let head = "description = \"x\"\ntopology.shape = \"client-firewall\"\n";
    for (what, name, arguments, code) in [
        ("sound", "r", &["list", "a.toml"][..], 0),
        ("unknown names", "q", &["list", "a.toml"], 2),
        ("idle", "r", &["run", "a.toml", "--filter", "nothing"], 2),
    ] {
        let text = format!("{head}{rulesets}{matrix}{}", require(name));
        let inside = folder(&[("a.toml", text.as_bytes())]);
        let begun = Instant::now();
        let mut command = fwlab();
        command.current_dir(inside.path()).args(arguments);
        Running::start(&mut command).end(DEADLINE).with(code);
        let took = begun.elapsed();
        eprintln!("{what}: {took:?}");
        assert!(took < Duration::from_secs(20), "{what}: {took:?}");
    }
}

#[test]
fn a_matrix_of_millions_is_refused_before_it_is_made() {
    let _machine = shared();
    let rulesets: String = (0..5_000)
        .map(|n| format!("[[ruleset]]\nname = \"r{n}\"\nnone = true\n"))
        .collect();
    let text = format!(
        "description = \"x\"\ntopology.shape = \"client-firewall\"\n{rulesets}[matrix]\nservers = [\"libunftp\", \"vsftpd\"]\n\
         clients = [\"suppaftp\", \"curl\", \"lftp\"]\nfamilies = [\"ipv4\", \"ipv6\"]\noperations = [\"retr\", \"stor\", \"list\"]\n"
    );
    let inside = folder(&[("a.toml", text.as_bytes())]);
    let told = told(inside.path(), &["run", "a.toml"]);
    for part in [
        "this matrix has 1440000 cells",
        "10000 rulesets and backends",
        "2 servers",
        "3 clients",
        "at most 100000 can be run",
        "name fewer `rulesets` in [matrix]",
    ] {
        let folded = told.split_whitespace().collect::<Vec<_>>().join(" ");
        let folded = folded.replace("│ ", "");
        assert!(folded.contains(part), "{part}: {told}");
    }
}

#[test]
fn a_word_that_stands_twice_is_told() {
    let _machine = shared();
    let text = scenario("none = true") + "matrix.data = [\"pasv\", \"port\", \"pasv\"]\n";
    let inside = folder(&[("a.toml", text.as_bytes())]);
    insta::assert_snapshot!(told(inside.path(), &["run", "a.toml"]));
}

/// The limit is the documentation's.
#[test]
fn the_limits_are_documented() {
    let docs = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/scenario-files.md"),
    );
    let docs = docs.expect("it is there");
    assert_eq!(fwlab_scenario::input::MAX_INPUT, 16 << 20);
    assert!(docs.contains("16 MiB"), "the largest file");
    assert!(docs.contains("100,000 cells"), "the largest matrix");
    assert_eq!(fwlab_scenario::plan::MAX_CELLS, 100_000);
}
