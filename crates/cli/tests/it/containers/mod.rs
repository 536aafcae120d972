//! Servers and clients in containers, beside the Docker of this machine: they come to what
//! others come to, and leave nothing, with cells, on the host or in Docker.

mod agreement;
mod bad_images;
mod clean_up;
mod docker;
mod full_disk;
mod go_between;
mod harmless;
mod hung;
mod images;
mod inside;
mod labels;
mod leaks;
mod library;
mod no_engine;
mod owners;
mod pruning;
mod server_settings;
