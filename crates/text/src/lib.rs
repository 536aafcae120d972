//! Text that others wrote, made safe for where it goes: the library's messages and all that the command prints.
//!
//! | where it goes | by |
//! | --- | --- |
//! | one line, such as a test's name or JUnit's | [`line()`], [`one_line`] |
//! | several lines | [`lines`] |
//! | a log that a CI system reads orders from | [`message`], [`without_orders`] |
//! | a message about a mistake, with its place | [`rendered`] |
//! | what draws such a message for a terminal | [`Told`] |
//!
//! It prints nothing and reads nothing.
//!
//! ```
//! assert_eq!(fwlab_text::one_line("550 \u{1b}[2J gone"), "550 ␛[2J gone");
//! ```

mod excerpt;
mod orders;
mod told;
mod visible;

pub use orders::{message, without_orders};
pub use told::{Told, rendered};
pub use visible::{line, lines, one_line};
