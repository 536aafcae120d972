//! `fwlab capture`: a host in one file.

use std::fs;
use std::path::Path;

use fwlab_fabric::Fabric;
use fwlab_model::{LinkEnd, LinkSpec, NodeSpec, Topology};
use fwlab_record::{InterfaceName, NodeName};

use crate::bad_input::{folder, told};
use crate::support::{end_of, fwlab, is_root, lab, root, shared};

fn fixture() -> Vec<u8> {
    let file = root().join("crates/host/tests/fixtures/iproute2-json.fwlab");
    fs::read(file).expect("it is there")
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_script_is_printed_as_it_is() {
    let _machine = shared();
    let ended = end_of(fwlab().args(["capture", "--print"])).with(0);
    assert_eq!(
        ended.stdout,
        text(&root().join("crates/host/src/capture.sh"))
    );
}

#[test]
fn a_file_is_redacted_into_another() {
    let _machine = shared();
    let folder = folder(&[("host.fwlab", &fixture())]);
    let path = folder.path();
    let said = told(path, &["capture", "--redact", "--from", "host.fwlab"]);
    assert!(said.starts_with("exit 0\n"), "{said}");
    let redacted = text(&path.join("host.redacted.fwlab"));
    assert!(redacted.contains("\nredacted yes\n"));
    assert!(!redacted.contains("web1"));
    assert_eq!(text(&path.join("host.fwlab")).as_bytes(), fixture());
    // What was redacted can be given again, and nothing is written over.
    let again = ["capture", "--redact", "--from", "host.redacted.fwlab"];
    let said = told(path, &again);
    assert!(said.contains("exists already"), "{said}");
    let said = told(path, &[&again[..], &["-o", "twice.fwlab"]].concat());
    assert!(said.starts_with("exit 0\n"), "{said}");
}

#[test]
fn what_is_no_whole_capture_is_told_and_nothing_is_written() {
    let _machine = shared();
    let whole = String::from_utf8(fixture()).expect("it is text");
    let edited = whole.replace("COMMIT", "commit");
    let newer = whole.replacen("host 1", "host 7", 1);
    let cut = &whole[..whole.len() / 2];
    let folder = folder(&[
        ("edited", edited.as_bytes()),
        ("newer", newer.as_bytes()),
        ("cut", cut.as_bytes()),
        ("rules", b"*filter\nCOMMIT\n"),
    ]);
    let path = folder.path();
    let large = fs::File::create(path.join("large")).expect("a file");
    large.set_len(1 << 30).expect("a file of 1 GB");
    for (file, why) in [
        ("edited", "--edited"),
        ("newer", "a newer fwlab made it"),
        ("cut", "cut off"),
        ("rules", "its first line"),
        ("large", "larger than 64 MiB"),
        ("missing", "No such file"),
        ("/dev/zero", "a device"),
    ] {
        let said = told(path, &["capture", "--redact", "--from", file]);
        let folded = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            said.starts_with("exit 2\n") && folded.contains(why),
            "{file}: {said}"
        );
        assert!(!path.join("host.redacted.fwlab").exists(), "{file}");
    }
    let said = told(
        path,
        &["capture", "--redact", "--from", "edited", "--edited"],
    );
    assert!(said.starts_with("exit 0\n"), "{said}");
    // Or it is made whole, and is a capture like others.
    let said = told(path, &["capture", "--from", "edited", "--edited"]);
    assert!(said.starts_with("exit 0\n"), "{said}");
    let body = |text: &str| {
        text.lines()
            .rev()
            .skip(1)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(body(&text(&path.join("host.edited.fwlab"))), body(&edited));
    let again = [
        "capture",
        "--redact",
        "--from",
        "host.edited.fwlab",
        "-o",
        "x",
    ];
    let said = told(path, &again);
    assert!(said.starts_with("exit 0\n"), "{said}");
}

#[test]
fn this_host_is_read_into_a_file() {
    let Some(_lab) = lab() else { return };
    if !is_root("reading a host's rules") {
        return;
    }
    let (client, server) = (NodeName::client(), NodeName::server());
    let end = |node: &NodeName, address: &str| LinkEnd {
        node: node.clone(),
        interface: InterfaceName::new("eth0").expect("an interface name"),
        addresses: vec![address.parse().expect("a prefix")],
    };
    let link = [end(&client, "9.20.30.41/29"), end(&server, "9.20.30.42/29")];
    let topology = Topology {
        links: vec![LinkSpec::new(link)],
        nodes: vec![NodeSpec::new(client.clone()), NodeSpec::new(server)],
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let fabric = Fabric::build(&topology).await.expect("a lab");
        let node = fabric.node(&client).expect("it is there").clone();
        let captured = node.run(async || {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path();
            let said = told(path, &["capture"]);
            assert!(said.starts_with("exit 0\n"), "{said}");
            assert!(said.contains("capture: links: "), "{said}");
            let said = told(path, &["capture", "--redact"]);
            assert!(said.starts_with("exit 0\n"), "{said}");
            ["host.fwlab", "host.redacted.fwlab"].map(|file| text(&path.join(file)))
        });
        let [whole, redacted] = captured.await.expect("it lives");
        assert!(whole.contains("9.20.30.41"));
        assert!(redacted.contains("\nredacted yes\n"));
        drop(node);
        fabric.join().await;
    });
}

#[test]
fn arguments_that_contradict_each_other_are_told() {
    let _machine = shared();
    let folder = folder(&[]);
    for arguments in [
        &["--print", "--redact"][..],
        &["--from", "x"],
        &["--edited", "--redact"],
        &["--edited"],
        &["x"],
    ] {
        let arguments = [&["capture"], arguments].concat();
        let said = told(folder.path(), &arguments);
        assert!(said.starts_with("exit 2\n"), "{said}");
    }
}
