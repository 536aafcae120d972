use fwlab_record::{DataSetup, Family, Operation, PeerName, Protection};

use crate::format::table::table;
use crate::format::value::{Switch, Texts, Words};
use crate::format::vocabulary::{Clients, Servers};

table! {
    MatrixTable, ["matrix"],
    "Every combination is a cell. A peer that cannot do a cell skips it and says why.",
    fills matrix:
    /// The axes that are multiplied to cells.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Matrix {
        /// The rulesets that cells begin with, by name; empty for all.
        rulesets: Vec<String> = Vec::new(),
    }
    keys {
        "rulesets", Texts,
        "the rulesets that cells begin with; default all. Leave out those that only a `[[step]]` loads" -> rulesets;
        "servers", Words<Servers>, "default `libunftp`"
            => servers: Vec<PeerName> = vec![PeerName::Libunftp];
        "clients", Words<Clients>, "default `suppaftp`"
            => clients: Vec<PeerName> = vec![PeerName::Suppaftp];
        "data", Words<DataSetup>, "default all four"
            => data: Vec<DataSetup> = DataSetup::ALL.to_vec();
        "protections", Words<Protection>,
        "`explicit` is AUTH TLS with PROT P, `implicit` is TLS from the first byte, `ccc` is explicit until the login \
         and then CCC; default `plain`"
            => protections: Vec<Protection> = vec![Protection::Plain];
        "families", Words<Family>,
        "the family that client and server speak; a named topology gets addresses of these; default `ipv4`"
            => families: Vec<Family> = vec![Family::Ipv4];
        "operations", Words<Operation>, "default `retr`"
            => operations: Vec<Operation> = vec![Operation::Retr];
        "deviations", Switch,
        "`true` also runs cells that a peer's recorded deviation rules out: such a cell is met if exactly that \
         shows, and missed if it no longer does; default `false`"
            => deviations: bool = false;
    }
}
