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
            "The patch applies to the rules as they were loaded on that host. Write its lines where they are \
             loaded from, such as ufw's before.rules, Docker's DOCKER-USER chain or /etc/nftables.conf."
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
            "Once the server is set up so, `fwlab check {} {}` shows what the rules do; capture a captured host again to see it.",
            one_line(&subject.files.name),
            options.join(" ")
        ));
    }
    let opens = |remedy: &Remedy| matches!(remedy, Remedy::PassivePorts { .. });
    if is_default && remedies.iter().any(opens) {
        told.push(
            "The range is for TLS, which no helper reads: `--want plain/all` asks for plain FTP only, and opens no range where a helper is enough."
                .to_owned(),
        );
    }
    told
}
