//! Markdown, for a job's summary or a comment.

use std::fs;

use crate::support::{end_of, fwlab, lab};

#[test]
fn a_table_and_its_causes() {
    let Some(_lab) = lab() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let rules = "iptables -P INPUT DROP\niptables -A INPUT -p tcp --dport 21 -j ACCEPT\n";
    fs::write(folder.path().join("rules.v4"), rules).expect("it can be written");
    let mut command = fwlab();
    command.current_dir(folder.path()).args([
        "check",
        "rules.v4",
        "--at",
        "server",
        "--server",
        "libunftp",
        "--data",
        "pasv,port,eprt",
        "--report=markdown=report.md",
    ]);
    end_of(&mut command).with(0);
    let text = fs::read_to_string(folder.path().join("report.md")).expect("it was written");
    insta::assert_snapshot!(text);
}

/// What was missed comes first, with its evidence; scenarios of which nothing need be said are folded.
#[test]
fn what_was_missed_comes_first() {
    let Some(_lab) = lab() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let dull = "description = \"Nothing need be said.\"\ntopology.shape = \"client-firewall\"\n\
                ruleset = [{ name = \"open\", text = \"iptables -P INPUT ACCEPT\" }]\n\
                matrix = { data = \"pasv\" }\nrequire = [{ symptom = \"transferred\" }]\n";
    fs::create_dir(folder.path().join("dull")).expect("a folder");
    fs::write(folder.path().join("dull/dull.toml"), dull).expect("it can be written");
    crate::reports::run(folder.path(), &["markdown=two.md"]);
    let text = fs::read_to_string(folder.path().join("two.md")).expect("it was written");
    let (head, tables) = text.split_once("### `two`").expect("its table");
    assert!(
        head.contains("## fwlab: 4 cells: 1 missed, 1 met, 2 skipped\n\n**Missed:** `symptom ")
    );
    assert!(
        head.contains("▶ ") && head.contains("client: PASV"),
        "{head}"
    );
    assert!(tables.contains("| `shut` | `nft` | `libunftp ← suppaftp` | – | ✗ timeout |"));
    assert!(!tables.contains("<details><summary>1 cell: 1 met"));
    let mut command = fwlab();
    command.current_dir(folder.path());
    command.args(["run", "dull", "--backend=nft", "--report=markdown=dull.md"]);
    end_of(&mut command).with(0);
    let text = fs::read_to_string(folder.path().join("dull.md")).expect("it was written");
    insta::assert_snapshot!(text, @r"
    <!-- A report of fwlab. -->
    ## fwlab: 1 cell: 1 met

    ### `dull`

    <details><summary>1 cell: 1 met</summary>

    | rules | backend | server ← client | pasv |
    | --- | --- | --- | --- |
    | `open` | `nft` | `libunftp ← suppaftp` | ✓ passes |

    </details>
    ");
}
