//! The part of the scenario file format that tells of nodes and links.

use fwlab_record::Backend;

use super::section::{Kind, Section, field};

const SHAPES: &[&str] = &[
    "client-firewall",
    "server-firewall",
    "gateway",
    "client-nat",
    "server-nat",
    "both-nat",
    "hairpin",
];

pub(super) static TOPOLOGY: Section = Section {
    name: "topology",
    repeated: false,
    about: "Where the firewall stands: a `shape`, or nodes and links. `client-firewall` and `server-firewall` are one link \
            between client and server, with the rules on the one or the other; `gateway` is a router between them, without \
            NAT. In `client-nat` the client is in a private network behind the gateway, and the server has no route back; \
            in `server-nat` the server is, and the client connects to the gateway; in `both-nat` each is behind a gateway \
            of its own, `client-gateway` and `server-gateway`; in `hairpin` both are in the same private network, and the \
            client connects to the gateway's address outside. A packet to an address that leads nowhere is swallowed \
            there, as the Internet does. `fwlab topology SHAPE` prints what a shape stands for, as nodes and links.",
    fields: &[
        field(
            "shape",
            Kind::Word(SHAPES),
            "required, unless there are nodes",
        ),
        field(
            "client",
            Kind::AddressesWithPrefix,
            "the client's address, or several; replaces the shape's own of that family",
        ),
        field(
            "server",
            Kind::AddressesWithPrefix,
            "the server's address, or several; the first of a family is the one that is connected to",
        ),
        field(
            "client-interface",
            Kind::Text,
            "the client's interface; default `e0`",
        ),
        field(
            "server-interface",
            Kind::Text,
            "the server's interface; default `e0`",
        ),
        field(
            "gateway-client-side",
            Kind::AddressesWithPrefix,
            "the gateway's address towards the client; in `hairpin`, inside",
        ),
        field(
            "gateway-server-side",
            Kind::AddressesWithPrefix,
            "the gateway's address towards the server; in `hairpin`, outside",
        ),
        field(
            "gateway-client-interface",
            Kind::Text,
            "the gateway's interface towards the client; default `lan`, in `server-nat` `wan`",
        ),
        field(
            "gateway-server-interface",
            Kind::Text,
            "the gateway's interface towards the server; default `wan`, in `server-nat` `lan`",
        ),
        field(
            "clients",
            Kind::Number,
            "how many clients there are in the client's network, 1 to 9: `client`, `client2`, …, each with the address after \
             the last; default 1",
        ),
        field(
            "third",
            Kind::Switch,
            "`true` puts a host `third` into the server's network, with the number 66: a bounce's target, an attacker; \
             default `false`",
        ),
        field(
            "firewall",
            Kind::NodeOrTable(&FIREWALL),
            "with nodes: the node that loads the rulesets that do not say where they belong. With a shape or nodes: the \
             image that the firewall is",
        ),
        field(
            "connect-to",
            Kind::Addresses,
            "with nodes: the address that clients know the server by; default the server's own",
        ),
        field(
            "node",
            Kind::Tables(&NODE),
            "the nodes, where there is no shape",
        ),
        field("link", Kind::Tables(&LINK), "the links between them"),
    ],
};

static FIREWALL: Section = Section {
    name: "topology.firewall",
    repeated: false,
    about: "A firewall that is a container: each cell starts one of this image, without a network of the engine's and with \
            NET_ADMIN. Its namespace is the node, with the lab's links, and its entry point loads its rules, which \
            are read from outside when they are in. There is no `[[ruleset]]` then; the one that there is, is named `image`.",
    fields: &[
        field(
            "image",
            Kind::Text,
            "its reference, of an image that the engine has: nothing is pulled. `fwlab/firewall` is built by `fwlab images`. Required",
        ),
        field(
            "ready",
            Kind::Text,
            "text that its log shows when its rules are in; default: when its HEALTHCHECK finds it healthy",
        ),
        field(
            "backend",
            Kind::Word(Backend::WORDS),
            "what its rules are, all of them: `nft` and `legacy` of iptables, `native` of nft; default `nft`",
        ),
        field(
            "environment",
            Kind::Settings,
            "environment variables that it is started with",
        ),
        field(
            "at",
            Kind::Node,
            "the node that it is; default the shape's firewall",
        ),
    ],
};

static NODE: Section = Section {
    name: "topology.node",
    repeated: true,
    about: "A network namespace with rules, routes and sysctls of its own. The client runs on the one named `client` and the \
            server on the one named `server`, unless `[client]` and `[server]` say otherwise.",
    fields: &[
        field(
            "name",
            Kind::Text,
            "1 to 32 of a-z, 0-9 and -, a letter first; unique. Required",
        ),
        field(
            "forwards",
            Kind::Switch,
            "`true`: it is a router; default `false`",
        ),
        field(
            "addresses",
            Kind::Lists,
            "by interface: `{ e0 = [\"10.77.0.2/24\", \"fd77::2/64\"] }`",
        ),
        field(
            "bridges",
            Kind::Lists,
            "interfaces that make one network of the links at their ports: `{ lan = [\"port1\", \"port2\"] }`",
        ),
        field(
            "routes",
            Kind::Tables(&ROUTE),
            "routes beside those of its own links",
        ),
    ],
};

static ROUTE: Section = Section {
    name: "topology.node.routes",
    repeated: true,
    about: "A route: exactly one of `via`, `link` or `sink`.",
    fields: &[
        field(
            "to",
            Kind::AddressWithPrefix,
            "the destination; `0.0.0.0/0` and `::/0` are the default routes. Required",
        ),
        field("via", Kind::Address, "the next hop, on a link of the node"),
        field(
            "link",
            Kind::Text,
            "the interface on whose link the destination is, outside of the link's own prefixes",
        ),
        field(
            "sink",
            Kind::Text,
            "the interface by which packets leave for nobody: nothing comes back, no ICMP error either",
        ),
    ],
};

static LINK: Section = Section {
    name: "topology.link",
    repeated: true,
    about: "A veth pair between two nodes.",
    fields: &[
        field(
            "between",
            Kind::Texts,
            "its two ends, each a node and the interface there: `[\"client:e0\", \"gateway:lan\"]`. Required",
        ),
        field(
            "mtu",
            Kind::Number,
            "the largest packet that it carries, in bytes; default 1500",
        ),
    ],
};
