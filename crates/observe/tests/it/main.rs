//! The observer against a real kernel, as root and as an ordinary user.

mod capture;
mod conntrack;
mod lab;
mod load;
mod stops;
mod table;
mod watch;
