//! What is captured is read, and what is damaged is told.

mod damaged;
mod reads;
mod redacted;
mod script;
mod support;
