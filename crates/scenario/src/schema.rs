//! The scenario file format as a table: the reader takes its keys from here, the
//! documentation is printed from here.

use fwlab_ftp::{CLIENT_WORDS, SERVER_WORDS};
use fwlab_record::{Backend, CauseKind, DataSetup, Family, Operation, Phase, Protection, Symptom};
use serde_json::Value;

use super::schema_topology::TOPOLOGY;
use super::section::{Kind, Section, field};

/// The format's version. It changes when a file that was valid stops being so.
pub const SCHEMA_VERSION: u32 = 1;

/// The format as a page of Markdown.
pub fn describe() -> String {
    let mut text = format!(
        "# The scenario file\n\nOne TOML file a scenario, version {SCHEMA_VERSION} of the format. \
         This page is what `fwlab schema` prints.\n\n"
    );
    SCENARIO.describe(&mut text);
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// The format as a JSON Schema (draft 2020-12), for editors.
pub fn json_schema() -> Value {
    let mut value = SCENARIO.json();
    value["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    value["title"] = format!("fwlab scenario, version {SCHEMA_VERSION}").into();
    value
}

const MOMENTS: &[&str] = &["start", "logged-in", "halfway"];

/// The whole file.
pub(super) static SCENARIO: Section = Section {
    name: "",
    repeated: false,
    about: "What the scenario is and where it comes from.",
    fields: &[
        field(
            "description",
            Kind::Text,
            "one sentence: what this shows. Required",
        ),
        field(
            "report",
            Kind::Texts,
            "links to the reports that it reproduces",
        ),
        field(
            "messages",
            Kind::Texts,
            "what people see of it, in the words of their programs: `fwlab list --by-symptom` lists it by them",
        ),
        field("tags", Kind::Texts, "words to filter by"),
        field(
            "topology",
            Kind::Table(&TOPOLOGY),
            "nodes, links and addresses",
        ),
        field(
            "server",
            Kind::Table(&SERVER),
            "how the FTP server is set up",
        ),
        field(
            "client",
            Kind::Table(&CLIENT),
            "how the FTP client is set up",
        ),
        field("transfer", Kind::Table(&TRANSFER), "what is transferred"),
        field(
            "sysctl",
            Kind::Tables(&SYSCTL),
            "per-namespace kernel settings",
        ),
        field(
            "ruleset",
            Kind::Tables(&RULESET),
            "the rulesets to try, at least one; none where the firewall is an image",
        ),
        field(
            "step",
            Kind::Tables(&STEP),
            "what is done while a session is under way, in order",
        ),
        field(
            "matrix",
            Kind::Table(&MATRIX),
            "the axes that are multiplied to cells",
        ),
        field(
            "require",
            Kind::Tables(&REQUIRE),
            "what the outcomes must be, most specific last",
        ),
    ],
};

static SERVER: Section = Section {
    name: "server",
    repeated: false,
    about: "How the FTP server is set up, whichever it is.",
    fields: &[
        field(
            "at",
            Kind::Node,
            "the node that it runs on; default `server`",
        ),
        field("control-port", Kind::Port, "where it listens; default 21"),
        field(
            "passive-ports",
            Kind::Ports,
            "where it listens for passive data connections; default: any port of its choice. A range may be written the wrong way round to see what the server makes of it",
        ),
        field(
            "data-source-port",
            Kind::Word(&["20", "ephemeral"]),
            "the source port of its active data connections; default `ephemeral`",
        ),
        field(
            "login",
            Kind::Word(&["anonymous", "named"]),
            "who logs in; default: whom the server lets do most",
        ),
        field(
            "options",
            Kind::Settings,
            "further settings of a server that is a program, by their own names; a server that does not know them is skipped",
        ),
        field(
            "advertised-address",
            Kind::Address,
            "the IPv4 address that its 227 announces, as one writes it who has the server behind NAT; default: the control connection's",
        ),
        field(
            "certificate",
            Kind::Text,
            "a PEM file, relative to this one, of a certificate and its private key; default: one that the lab makes",
        ),
        field(
            "require-session-reuse",
            Kind::Switch,
            "`true` refuses a protected data connection that does not resume the TLS session of the control connection; default `false`",
        ),
        field(
            "script",
            Kind::Text,
            "what `scripted-server` does, in the language of [Scripted peers](#scripted-peers)",
        ),
    ],
};

static CLIENT: Section = Section {
    name: "client",
    repeated: false,
    about: "How the FTP client is set up, whichever it is.",
    fields: &[
        field(
            "active-ports",
            Kind::Ports,
            "where it listens for active data connections; default: any port of its choice",
        ),
        field(
            "at",
            Kind::Node,
            "the node that it runs on; default `client`",
        ),
        field(
            "connect-to",
            Kind::Addresses,
            "the address that it connects to; default: the one that the topology has for it, which is the server's own unless the server is behind NAT",
        ),
        field(
            "control-port",
            Kind::Port,
            "the port that it connects to; default: the server's",
        ),
        field(
            "read-pace",
            Kind::Number,
            "bytes a second that it reads from the data connection at most; default: as fast as it can",
        ),
        field(
            "passive-address",
            Kind::Word(&["announced", "ignored"]),
            "`ignored`: of a 227 it takes the port alone and connects to the address of the control connection, as curl does by default; default `announced`",
        ),
        field(
            "session-reuse",
            Kind::Switch,
            "whether a protected data connection resumes the TLS session of the control connection; default `true`",
        ),
        field(
            "script",
            Kind::Text,
            "what `scripted-client` does, in the language of [Scripted peers](#scripted-peers)",
        ),
    ],
};

static TRANSFER: Section = Section {
    name: "transfer",
    repeated: false,
    about: "What is transferred. The content is made by fwlab and compared by hash at the other end.",
    fields: &[field(
        "size",
        Kind::Number,
        "bytes, 0 to 104857600; default 300000",
    )],
};

static SYSCTL: Section = Section {
    name: "sysctl",
    repeated: true,
    about: "Kernel settings of a node's namespace. What is not per namespace is refused, with the reason.",
    fields: &[
        field("node", Kind::Node, "required"),
        field(
            "set",
            Kind::Settings,
            "names and values: `{ \"net.netfilter.nf_conntrack_tcp_loose\" = 0 }`. Required",
        ),
    ],
};

static RULESET: Section = Section {
    name: "ruleset",
    repeated: true,
    about: "A ruleset that a node loads: exactly one of `file`, `text`, `policy` or `none`. An IPv6 dump stands in \
            `file6` or `text6`, beside an IPv4 one or alone; commands name their family themselves.",
    fields: &[
        field(
            "name",
            Kind::Text,
            "its name in the matrix, unique in the file. Required",
        ),
        field(
            "file",
            Kind::Text,
            "a file, relative to this one: what `iptables-save` writes, lines of `iptables` commands, or an nft script",
        ),
        field("text", Kind::Text, "the same, in place"),
        field(
            "file6",
            Kind::Text,
            "a file of what `ip6tables-save` writes",
        ),
        field("text6", Kind::Text, "the same, in place"),
        field(
            "policy",
            Kind::Table(&POLICY),
            "a ruleset generated for a purpose, for every family of the matrix",
        ),
        field("none", Kind::Switch, "`true`: no rules at all"),
        field(
            "helper",
            Kind::Switch,
            "`true` adds the rule that assigns the conntrack helper `ftp` to the control connection, where it belongs on this node, for every family of the matrix; default `false`",
        ),
        field(
            "skip-refused-lines",
            Kind::Switch,
            "`true` goes on without the lines that are refused, as a shell script does; default `false`",
        ),
        field(
            "backends",
            Kind::Words(Backend::WORDS),
            "the backends that load it: `nft` and `legacy` rules of iptables, `native` an nft script; default both, or `native`",
        ),
        field(
            "at",
            Kind::Node,
            "the node that loads it; default the topology's firewall",
        ),
        field(
            "also",
            Kind::Tables(&ALSO),
            "rules that other nodes load at the same time",
        ),
        field(
            "sets",
            Kind::Text,
            "a file that `ipset save` wrote: the sets that the rules match on. What a script of commands makes by `ipset` itself needs none",
        ),
        field(
            "beside",
            Kind::Table(&BESIDE),
            "rules that stand beside it in the same namespace, through a backend of their own",
        ),
    ],
};

static STEP: Section = Section {
    name: "step",
    repeated: true,
    about: "Something that happens to the rules or to conntrack while a session is under way: exactly one of `load`, \
            `flush-conntrack` or `await-expiry`. The client waits meanwhile; one that is a program cannot, and is skipped.",
    fields: &[
        field(
            "at",
            Kind::Word(MOMENTS),
            "`start`: all is set up, and the client has not connected; `logged-in`: the login is over; `halfway`: half of \
             the bytes have gone. Required",
        ),
        field(
            "load",
            Kind::Text,
            "a ruleset of this file by name, loaded on the firewall's node as its loader does it: it replaces the tables that it has, and leaves the others",
        ),
        field(
            "flush-conntrack",
            Kind::Node,
            "the node that forgets every connection",
        ),
        field(
            "await-expiry",
            Kind::Node,
            "waits until conntrack on this node has forgotten the control connection; shorten its timeout by `[[sysctl]]`",
        ),
    ],
};

static POLICY: Section = Section {
    name: "ruleset.policy",
    repeated: false,
    about: "A generated ruleset: what the firewall is meant to allow.",
    fields: &[
        field(
            "allow",
            Kind::Words(DataSetup::WORDS),
            "the data setups that are to pass. Required",
        ),
        field(
            "stateful",
            Kind::Switch,
            "`true`: by RELATED, for the passive setups without a range too; `false`: by fixed ports; default `true`",
        ),
        field(
            "passive-ports",
            Kind::Ports,
            "the static passive range, with `stateful = false`",
        ),
        field(
            "helper",
            Kind::Switch,
            "assign the conntrack helper; default as `stateful`",
        ),
        field(
            "default",
            Kind::Word(&["drop", "reject", "accept"]),
            "what happens to the rest; default `drop`",
        ),
    ],
};

static BESIDE: Section = Section {
    name: "ruleset.beside",
    repeated: false,
    about: "Rules beside a ruleset: exactly one of `file` or `text`.",
    fields: &[
        field("backend", Kind::Word(Backend::WORDS), "required"),
        field("file", Kind::Text, "a file, relative to the scenario"),
        field("text", Kind::Text, "the rules in place"),
    ],
};

static ALSO: Section = Section {
    name: "ruleset.also",
    repeated: true,
    about: "Rules that another node loads in the same cells, through the same backend: exactly one of `file`, `text` or \
            `policy`, or an IPv6 dump in `file6` or `text6`.",
    fields: &[
        field("at", Kind::Node, "the node that loads them. Required"),
        field("file", Kind::Text, "a file, relative to the scenario"),
        field("text", Kind::Text, "the rules in place"),
        field(
            "file6",
            Kind::Text,
            "a file of what `ip6tables-save` writes",
        ),
        field("text6", Kind::Text, "the same, in place"),
        field(
            "policy",
            Kind::Table(&POLICY),
            "rules generated for a purpose",
        ),
        field(
            "helper",
            Kind::Switch,
            "`true` adds the rule that assigns the conntrack helper; default `false`",
        ),
    ],
};

static MATRIX: Section = Section {
    name: "matrix",
    repeated: false,
    about: "Every combination is a cell. A peer that cannot do a cell skips it, with the reason.",
    fields: &[
        field(
            "rulesets",
            Kind::Texts,
            "the rulesets that cells begin with; default all. What only a `[[step]]` loads is left out here",
        ),
        field("servers", Kind::Words(SERVER_WORDS), "default `libunftp`"),
        field("clients", Kind::Words(CLIENT_WORDS), "default `suppaftp`"),
        field("data", Kind::Words(DataSetup::WORDS), "default all four"),
        field(
            "protections",
            Kind::Words(Protection::WORDS),
            "`explicit` is AUTH TLS with PROT P, `implicit` is TLS from the first byte, `ccc` is explicit until the login and then CCC; default `plain`",
        ),
        field(
            "families",
            Kind::Words(Family::WORDS),
            "the family that client and server speak; a named topology has addresses of these; default `ipv4`",
        ),
        field(
            "operations",
            Kind::Words(Operation::WORDS),
            "default `retr`",
        ),
        field(
            "deviations",
            Kind::Switch,
            "`true` runs cells too that a peer's recorded deviation rules out: such a cell is met when just that shows, and missed when it no longer does; default `false`",
        ),
    ],
};

static REQUIRE: Section = Section {
    name: "require",
    repeated: true,
    about: "A requirement for the cells that its selectors name; without selectors, for all. Where several name a \
            cell, the last one holds. A cell that none names is reported and nothing more.",
    fields: &[
        field("ruleset", Kind::Texts, "selector: rulesets by name"),
        field("backend", Kind::Words(Backend::WORDS), "selector"),
        field("server", Kind::Words(SERVER_WORDS), "selector"),
        field("client", Kind::Words(CLIENT_WORDS), "selector"),
        field("data", Kind::Words(DataSetup::WORDS), "selector"),
        field("protection", Kind::Words(Protection::WORDS), "selector"),
        field("family", Kind::Words(Family::WORDS), "selector"),
        field("operation", Kind::Words(Operation::WORDS), "selector"),
        field(
            "symptom",
            Kind::Word(Symptom::WORDS),
            "what the client's user sees. Required",
        ),
        field(
            "phase",
            Kind::Word(Phase::WORDS),
            "the phase that the transfer ended in",
        ),
        field("cause", Kind::Table(&CAUSE), "why"),
    ],
};

static CAUSE: Section = Section {
    name: "require.cause",
    repeated: false,
    about: "What the cause must be; only what is written is compared.",
    fields: &[
        field("kind", Kind::Word(CauseKind::WORDS), "required"),
        field(
            "backend",
            Kind::Word(Backend::WORDS),
            "the backend that the rule was loaded through",
        ),
        field("node", Kind::Node, "the node whose rules, or which host"),
        field(
            "chain",
            Kind::Text,
            "table and chain, `filter/INPUT`; of an nft script with the family too, `inet/filter/input`",
        ),
        field(
            "ordinal",
            Kind::Number,
            "the rule's place in its chain, 1 for the first",
        ),
        field("line", Kind::Number, "the line of the ruleset's source"),
        field("reply", Kind::Number, "the code of the FTP reply"),
    ],
};
