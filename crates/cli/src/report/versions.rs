//! What cells ran on and with.

use fwlab_record::Versions;

/// The versions that are known, each with what it is of.
pub(crate) fn named(versions: &Versions) -> impl Iterator<Item = (&'static str, &str)> {
    let Versions {
        kernel,
        loader,
        server,
        client,
    } = versions;
    let all = [
        ("kernel", kernel),
        ("loader", loader),
        ("server", server),
        ("client", client),
    ];
    all.into_iter()
        .filter_map(|(what, version)| Some((what, version.as_deref()?)))
}
