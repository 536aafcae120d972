//! What to do with what was found.

use fwlab_check::Subject;
use fwlab_classes::Position;
use fwlab_fix::Remedy;
use fwlab_text::one_line;

/// Sentences below a patch, each a line: where its lines go, how to see what the server's part does, and what would open less.
pub(super) fn next(subject: &Subject, remedies: &[Remedy], is_default: bool) -> Vec<String> {
    let mut told = Vec::new();
    let of_rules = remedies.iter().any(Remedy::is_of_rules);
    if subject.files.host.is_some() && of_rules {
        told.push(
            "The patch is of the rules as that host had them loaded: write its lines where they are loaded from, such as ufw's before.rules, \
             Docker's DOCKER-USER chain or /etc/nftables.conf."
                .to_owned(),
        );
    }
    let mut options = Vec::new();
    if subject.files.host.is_none() {
        let at = match subject.place.position() {
            Position::Client => "client",
            Position::Server => "server",
            Position::Router => "gateway",
            Position::Forwarder => "port-forward",
            Position::Hairpin => "hairpin",
        };
        options.push(format!("--at {at}"));
    }
    let given = options.len();
    for remedy in remedies {
        match remedy {
            Remedy::PassivePorts { low, high } => {
                options.push(format!("--passive-ports {low}-{high}"))
            }
            Remedy::Advertise { address } => options.push(format!("--advertise {address}")),
            _ => {}
        }
    }
    if options.len() > given {
        told.push(format!(
            "With the server set up so, `fwlab check {} {}` shows what the rules do; a captured host shows it when it is captured again.",
            one_line(&subject.files.name),
            options.join(" ")
        ));
    }
    let opens = |remedy: &Remedy| matches!(remedy, Remedy::PassivePorts { .. });
    if is_default && remedies.iter().any(opens) {
        told.push(
            "The range is for TLS, which no helper reads: `--want plain/all` asks for plain FTP alone, and opens none where a helper does."
                .to_owned(),
        );
    }
    told
}
