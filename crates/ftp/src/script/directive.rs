use std::ops::Range;

use super::mistake::Mistakes;
use super::place::parse_port;
use super::step::StepKind;
use super::template::Template;
use super::words::parse_pause;
use crate::wire::Side;

const OF_BOTH: [&str; 11] = [
    "@listen", "@accept", "@connect", "@open", "@send", "@receive", "@say", "@pause", "@tls",
    "@clear", "@close",
];
const OF_CLIENTS: [&str; 4] = ["@login", "@setup", "@transfer", "@lower-case"];
const OF_SERVERS: [&str; 1] = ["@silence"];

fn known(side: Side) -> Vec<&'static str> {
    let own: &[&str] = match side {
        Side::Client => &OF_CLIENTS,
        Side::Server => &OF_SERVERS,
    };
    OF_BOTH.iter().chain(own).copied().collect()
}

/// Reads a line that begins with `@`, at byte `at` of the script.
pub(super) fn parse(line: &str, at: usize, side: Side, mistakes: &mut Mistakes) -> StepKind {
    let (name, argument) = line
        .split_once(char::is_whitespace)
        .map_or((line, ""), |(name, argument)| (name, argument.trim()));
    let span = at..at + line.len();
    let plain = match name {
        "@accept" => Some(StepKind::Accept),
        "@open" => Some(StepKind::Open),
        "@send" => Some(StepKind::Send),
        "@receive" => Some(StepKind::Receive),
        "@close" => Some(StepKind::Close),
        "@tls" => Some(StepKind::Tls),
        "@clear" => Some(StepKind::Clear),
        "@silence" if side == Side::Server => Some(StepKind::Silence),
        "@login" if side == Side::Client => Some(StepKind::Login),
        "@setup" if side == Side::Client => Some(StepKind::Setup),
        "@transfer" if side == Side::Client => Some(StepKind::Transfer),
        "@lower-case" if side == Side::Client => Some(StepKind::LowerCase),
        _ => None,
    };
    if let Some(does) = plain {
        if !argument.is_empty() {
            mistakes.add(
                span,
                format!("`{name}` stands alone, without `{argument}`"),
                format!("write `{name}`"),
            );
        }
        return does;
    }
    let read = match name {
        "@listen" if argument.is_empty() => Ok(StepKind::Listen(None)),
        "@listen" => parse_port(argument)
            .map(|port| StepKind::Listen(Some(port)))
            .map_err(|why| (why, "for example `@listen 8080`")),
        "@pause" => parse_pause(argument)
            .map(StepKind::Pause)
            .map_err(|why| (why, "for example `@pause 50ms`; 5s at most")),
        "@connect" => connect(argument).map_err(|why| {
            (
                why,
                "for example `@connect`, `@connect from 20` or `@connect from 20 to client:8080`",
            )
        }),
        "@say" => {
            let begin = line.len() - line["@say".len()..].trim_start().len();
            let text = Template::parse(&line[begin..], at + begin, side, mistakes);
            Ok(StepKind::Say(text))
        }
        _ => {
            unknown(name, span, side, mistakes);
            return StepKind::Unread;
        }
    };
    read.unwrap_or_else(|(why, example)| {
        mistakes.add(span, why, example);
        StepKind::Unread
    })
}

fn unknown(name: &str, line: Range<usize>, side: Side, mistakes: &mut Mistakes) {
    let (of_others, others): (&[&str], _) = match side {
        Side::Client => (&OF_SERVERS, "server"),
        Side::Server => (&OF_CLIENTS, "client"),
    };
    let message = if of_others.contains(&name) {
        format!("`{name}` belongs in a {others}'s script")
    } else {
        format!("there is no `{name}`")
    };
    let span = line.start..line.start + name.len();
    mistakes.add_unknown(span, message, name, known(side));
}

/// `[from PORT|ADDRESS|ADDRESS:PORT] [to HOST:PORT]`
fn connect(argument: &str) -> Result<StepKind, String> {
    let (mut from, mut to) = (None, None);
    let mut words = argument.split_whitespace();
    while let Some(word) = words.next() {
        let value = words
            .next()
            .ok_or_else(|| format!("`{word}` says nothing"))?;
        match word {
            "from" if from.is_none() => from = Some(value.parse()?),
            "to" if to.is_none() => to = Some(value.parse()?),
            _ => {
                return Err(format!(
                    "`@connect` takes one `from` and one `to`, and not `{word} {value}`"
                ));
            }
        }
    }
    Ok(StepKind::Connect { from, to })
}
