use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use fwlab_record::{Backend, DataSetup, Family, PeerName, Place, Protection};
use fwlab_scenario::Shape;

/// Reads one of a closed set of words; clap lists them, and suggests the nearest.
fn one_of<T>(words: Vec<&'static str>) -> impl TypedValueParser<Value = T>
where
    T: FromStr + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(words).try_map(|word| word.parse::<T>().map_err(|_| UnknownWord))
}

#[derive(Debug, thiserror::Error)]
#[error("no such word")]
struct UnknownWord;

pub(super) fn backend() -> impl TypedValueParser<Value = Backend> {
    one_of(Backend::ALL.iter().map(|word| word.word()).collect())
}

pub(super) fn family() -> impl TypedValueParser<Value = Family> {
    one_of(Family::ALL.iter().map(|word| word.word()).collect())
}

pub(super) fn shape() -> impl TypedValueParser<Value = Shape> {
    one_of(Shape::ALL.iter().map(|shape| shape.word()).collect())
}

pub(super) fn data_setup() -> impl TypedValueParser<Value = DataSetup> {
    one_of(DataSetup::ALL.iter().map(|word| word.word()).collect())
}

pub(super) fn protection() -> impl TypedValueParser<Value = Protection> {
    one_of(Protection::ALL.iter().map(|word| word.word()).collect())
}

pub(super) fn place() -> impl TypedValueParser<Value = Place> {
    one_of([Place::Host, Place::Container].map(Place::word).to_vec())
}

pub(super) fn server() -> impl TypedValueParser<Value = PeerName> {
    peer(true)
}

pub(super) fn client() -> impl TypedValueParser<Value = PeerName> {
    peer(false)
}

fn peer(server: bool) -> impl TypedValueParser<Value = PeerName> {
    let peers = PeerName::ALL
        .iter()
        .filter(|peer| peer.is_server() == server);
    one_of(peers.map(|peer| peer.word()).collect())
}
