//! The seed's scenarios as tests, one a cell: what a user's `tests/scenarios.rs` looks like.

fwlab::scenario_tests!("../../scenarios/seed");
