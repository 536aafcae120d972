use std::fmt;
use std::sync::Arc;

/// A network interface of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Its index in the node's namespace.
    pub index: u32,
    /// Its name when it was first seen; `None` when it was gone by then.
    pub name: Option<Arc<str>>,
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => f.write_str(name),
            None => write!(f, "interface {}", self.index),
        }
    }
}

/// The interfaces seen so far: the kernel's evidence has indexes only.
#[derive(Debug, Default)]
pub(crate) struct Interfaces(Vec<Interface>);

impl Interfaces {
    /// Looks an index up in the namespace of the calling thread, once.
    pub(crate) fn get(&mut self, index: u32) -> Interface {
        if let Some(known) = self.0.iter().find(|known| known.index == index) {
            return known.clone();
        }
        let name = nix::net::if_::if_indextoname(index)
            .ok()
            .and_then(|name| name.into_string().ok())
            .map(Arc::from);
        let interface = Interface { index, name };
        self.0.push(interface.clone());
        interface
    }
}
