//! Everything in a lab that the kernel provides: namespaces, links, addresses, sysctls,
//! the processes in a namespace, and their end.
//!
//! This is the only crate that needs privilege, and the only one with `unsafe`
//! (`src/sys`). It knows nothing of FTP, rules or packets.
//!
//! - [`Fabric`] builds a topology; a [`Node`] of it is a thread in a network namespace
//!   that runs futures, [tools](ToolCall) and [programs](ProgramSpec). Neither is trusted: each sees its own
//!   root file system, with [its own files](Scratch).
//! - An [`EnclosedTool`] is trusted with root's rights, yet leaves nothing behind.
//! - A node can be a [namespace](NetworkNamespace) that somebody else made, and a program
//!   can run in a container's [root](ContainerRoot).
//! - [`Privilege`] says by what right, [`Machine`] what else this machine can do, and
//!   both what to do about what it cannot.
//! - [`HostState`] proves that the host was left as it was.
//!
//! Everything hangs on this process: a namespace on its threads and descriptors, a
//! program on the thread that started it, its files on descriptors and mounts that
//! only it sees. So all of it is gone after `kill -9`, and nothing has to be swept up.
//!
//! # Without root
//!
//! A process that links this crate and is not root becomes root of a user namespace
//! of its own *before `main`*, since a process can do that only while it has a single
//! thread. It then appears to itself as user 0 and may do nothing more than before
//! outside of what it makes itself. `FWLAB_USER_NAMESPACE=off` in its environment
//! keeps it from that.
//!
//! # Example
//!
//! ```
//! use fwlab_fabric::Fabric;
//! use fwlab_model::{LinkEnd, LinkSpec, NodeSpec, Topology};
//! use fwlab_record::{InterfaceName, NodeName};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # if let Err(error) = fwlab_fabric::Privilege::current() {
//! #     eprintln!("not run: {error}");
//! #     return Ok(());
//! # }
//! let end = |node: NodeName, address: &str| -> Result<LinkEnd, Box<dyn std::error::Error>> {
//!     Ok(LinkEnd {
//!         node,
//!         interface: InterfaceName::new("eth0")?,
//!         addresses: vec![address.parse()?],
//!     })
//! };
//! let topology = Topology {
//!     nodes: vec![NodeSpec::new(NodeName::client()), NodeSpec::new(NodeName::server())],
//!     links: vec![LinkSpec::new([
//!             end(NodeName::client(), "192.168.0.211/24")?,
//!             end(NodeName::server(), "192.168.0.201/24")?,
//!     ])],
//! };
//! let runtime = tokio::runtime::Builder::new_current_thread().build()?;
//! runtime.block_on(async {
//!     let fabric = Fabric::build(&topology).await?;
//!     let [client, server] = [NodeName::client(), NodeName::server()]
//!         .map(|name| fabric.node(&name).expect("it is in the topology").clone());
//!     // Port 21, whoever runs this: the namespace is the lab's own.
//!     let listener = server.run(async || tokio::net::TcpListener::bind("0.0.0.0:21").await);
//!     let listener = listener.await??;
//!     let connect = async || tokio::net::TcpStream::connect("192.168.0.201:21").await;
//!     client.run(connect).await??;
//!     drop(listener);
//!     fabric.join().await;
//!     Ok(())
//! })
//! # }
//! ```

mod adoption;
mod assembly;
mod fabric;
mod host_state;
mod limits;
mod machine;
mod namespace;
pub mod netlink;
mod node;
mod ordinary_user;
mod privilege;
mod process;
mod raw_tcp;
mod scratch;
mod socket_error;
#[expect(
    unsafe_code,
    reason = "the system calls that no safe crate offers, and code between fork and exec"
)]
mod sys;
mod sysctl;
mod thread;

pub use fabric::{Fabric, FabricError};
pub use host_state::HostState;
pub use limits::{cells_at_a_time, raise_open_file_limit};
pub use machine::{
    Ability, Machine, Missing, PeerProgram, Peers, ToolProgram, find_tool, install_package,
    kernel_release, need_xtables, neighbour_overflows, tool_version, version_said,
};
pub use namespace::{ContainerRoot, NamespaceError, NetworkNamespace};
pub use netlink::NetlinkError;
pub use node::{Node, NodeGone, TaskHandle};
pub use ordinary_user::{as_ordinary_user, by_ordinary_user, has_ordinary_user};
pub use privilege::{Privilege, PrivilegeError, ShutDoor};
pub use process::{
    EnclosedError, EnclosedTool, ProcessEnd, Program, ProgramError, ProgramLost, ProgramSpec,
    ToolCall, ToolError, ToolErrorCause, ToolOutput,
};
pub use scratch::{Scratch, ScratchError};
pub use socket_error::SocketError;
pub use sys::{Capabilities, WatchedFd, readable_from};
pub use sysctl::{SysctlError, check_sysctl, try_sysctls};
