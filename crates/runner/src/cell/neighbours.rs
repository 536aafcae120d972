use fwlab_judge::Finding;
use fwlab_record::{Cause, Packet};

/// A packet that was not handed on is lost, or is told of by ICMP; a reset or a reply is somebody's own.
fn looks_like_it(cause: &Cause) -> bool {
    matches!(
        cause,
        Cause::Loss { .. }
            | Cause::Host {
                packet: Packet::Icmp { .. },
                ..
            }
    )
}

/// What a finding is worth when the machine's neighbour table was full at the time: one node may not have found another.
pub(super) fn without_neighbours(finding: Finding) -> Finding {
    let seems = match finding {
        Finding::Outcome(outcome) if looks_like_it(&outcome.cause) => {
            format!("it seems to be {outcome}")
        }
        Finding::Inconclusive(why) => why,
        firm @ Finding::Outcome(_) => return firm,
    };
    Finding::Inconclusive(format!(
        "the machine's neighbour table was full at the time (net.ipv4.neigh.default.gc_thresh3, which all \
         namespaces share); it has room when fewer cells run at a time; {seems}"
    ))
}

#[cfg(test)]
mod tests {
    use fwlab_record::{Flow, NodeName, Outcome, Phase, Symptom, TcpFlags};

    use super::*;

    #[test]
    fn what_a_fault_of_the_lab_may_look_like_is_not_told_as_an_outcome() {
        let finding = |cause| {
            Finding::Outcome(Outcome {
                symptom: Symptom::DataTimeout,
                phase: Phase::DataConnect,
                cause,
                event: None,
                came_through: None,
            })
        };
        let node = NodeName::client();
        let packet = Packet::Tcp {
            flow: Flow {
                from: "10.0.0.2:5000".parse().expect("an address"),
                to: "10.0.0.1:31240".parse().expect("an address"),
            },
            flags: TcpFlags(TcpFlags::SYN),
            sequence: 1,
            acknowledgement: 0,
            payload: 0,
        };
        let lost = without_neighbours(finding(Cause::Loss { node, packet }));
        let Finding::Inconclusive(why) = lost else {
            panic!("{lost:?}")
        };
        assert!(why.contains("; it seems to be data-timeout"), "{why}");
        let reply = "500 Illegal PORT command.".to_owned();
        for cause in [Cause::None, Cause::Reply { reply }] {
            let firm = finding(cause);
            assert_eq!(without_neighbours(firm.clone()), firm);
        }
    }
}
