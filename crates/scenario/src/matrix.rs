use fwlab_record::{DataSetup, Family, Operation, PeerName, Protection};

/// The axes that are multiplied to cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix {
    /// The rulesets that cells begin with, by name; empty for all.
    pub rulesets: Vec<String>,
    /// Servers.
    pub servers: Vec<PeerName>,
    /// Clients.
    pub clients: Vec<PeerName>,
    /// Data setups.
    pub data: Vec<DataSetup>,
    /// What hides the dialogue.
    pub protections: Vec<Protection>,
    /// The families that client and server speak.
    pub families: Vec<Family>,
    /// Operations.
    pub operations: Vec<Operation>,
    /// Whether cells that a peer's recorded deviation rules out are run, to see it.
    pub deviations: bool,
}

impl Default for Matrix {
    fn default() -> Self {
        Matrix {
            rulesets: Vec::new(),
            servers: vec![PeerName::Libunftp],
            clients: vec![PeerName::Suppaftp],
            data: DataSetup::ALL.to_vec(),
            protections: vec![Protection::Plain],
            families: vec![Family::Ipv4],
            operations: vec![Operation::Retr],
            deviations: false,
        }
    }
}
