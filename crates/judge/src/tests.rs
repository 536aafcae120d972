//! The judge, told step by step what happens.

use fwlab_record::{
    Announcement, Cause, CauseKind, DataSetup, EventId, Flow, NodeName, Packet, Phase, Protection,
    Symptom, TcpFlags,
};

use super::failure::Ender;
use super::{ClientEnd, Stop, StoppedBy, What};
use packets::{ACK, RST, SYN, SYN_ACK, control, first, flow, policy, rule, syn, syn_ack, tcp};
use told::{Told, failed, outcome};

mod again;
mod answers;
mod data;
mod dead;
mod late_error;
mod lost;
mod others;
mod packets;
mod refused;
mod sign_result;
mod told;
mod translated;
