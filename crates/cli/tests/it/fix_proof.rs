//! `fix --report`: how all cells ended with the remedies, and without them.

use serde_json::Value;

use crate::bad_input::folder;
use crate::html::data_in;
use crate::support::{end_of, fwlab, lab, report};

const RULES: &str = "*filter
:INPUT DROP [0:0]
-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 21 -j ACCEPT
COMMIT
";

#[test]
fn the_proof_stands_in_reports() {
    let Some(_lab) = lab() else { return };
    let folder = folder(&[("rules.v4", RULES.as_bytes())]);
    let fix = |want: &str, more: &[&str]| {
        let mut command = fwlab();
        command
            .current_dir(folder.path())
            .args(["fix", "rules.v4", "--at", "server", "--want", want])
            .args([
                "--server",
                "libunftp",
                "--data",
                "port,pasv",
                "--backend",
                "nft",
            ])
            .args(more);
        end_of(&mut command)
    };
    fix(
        "plain/pasv",
        &["--report", "json=proof.json", "--report", "html=proof.html"],
    )
    .with(0);
    let proof = report(&folder.path().join("proof.json"));
    let symptoms = |of: &str| {
        let cells = proof.iter().filter(|(name, _)| name.contains(of));
        let symptoms =
            cells.map(|(_, line)| line["symptom"].as_str().expect("an outcome").to_owned());
        symptoms.collect::<Vec<String>>()
    };
    assert_eq!(proof.len(), 4, "{proof:?}");
    assert_eq!(symptoms("::pasv").len(), 2);
    // In plain FTP it passes now; under TLS it does not, as before.
    let mut passive = symptoms("::pasv");
    passive.sort();
    assert_eq!(passive, ["data-timeout", "transferred"]);
    let page = std::fs::read_to_string(folder.path().join("proof.html")).expect("it was written");
    let data: Value = serde_json::from_str(data_in(&page)).expect("JSON");
    assert_eq!(data["against"], true, "{data}");
    // The changed rules are those of the page.
    assert!(data_in(&page).contains("--helper ftp"), "{page}");
    // A report that cannot be written is told before anything is run.
    let refused = fix("plain/pasv", &["--report", "json=rules.v4"]).with(2);
    assert!(refused.stderr.contains("rules.v4"), "{}", refused.stderr);
    let refused = fix("plain/pasv", &["--capture", "packets"]).with(2);
    assert!(
        refused.stderr.contains("`fwlab fix` has no --capture"),
        "{}",
        refused.stderr
    );
    // Where nothing is stopped, it is as it was.
    fix("plain/port", &["--report", "json=same.json"]).with(0);
    assert_eq!(report(&folder.path().join("same.json")).len(), 4);
}
