use crate::peer::entry::ContainedServer;
use crate::{Login, ServerSettings, Support, TransferSpec};

pub(super) const CONTAINED: ContainedServer = ContainedServer {
    image: "vsftpd",
    package: "vsftpd",
    capabilities: &[],
    supports,
    is_option,
};

fn supports(transfer: &TransferSpec, settings: &ServerSettings) -> Support {
    if settings.login == Login::Anonymous && transfer.operation.is_upload() {
        return Support::no("vsftpd refuses anonymous users if their root directory is writable");
    }
    Support::Yes
}

fn is_option(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}
