//! A blank inside of an option: `-- dport`, `- p`.

use super::mistake::{MistakeBuilder, MistakeKind, Report, quote};
use super::statement::Statement;
use super::walk::{Fault, walk};

/// Tells the first one; `false` where there is none. `--` ends the options, and what stands behind it is for nobody.
pub(super) fn tell(statement: &Statement<'_>, report: &mut Report) -> bool {
    let words = &statement.words;
    let is_dashes = |at: &usize| matches!(statement.word(*at), "-" | "--") && !words[*at].quoted;
    let mut dashes = (0..words.len()).filter(is_dashes);
    let Some((at, option)) = dashes.find_map(|at| Some((at, meant(statement, at)?))) else {
        return false;
    };
    report.push(|| {
        let span = statement.word_span(at).start..statement.word_span(at + 1).end;
        let fix = statement.write_instead(&[(span.clone(), option.clone())]);
        let message = format!("a blank inside `{}`", quote(&option));
        MistakeBuilder::new(MistakeKind::StrayWord, span, message)
            .label("read as two words")
            .help(fix)
    });
    true
}

/// The option that dashes and the word behind them make, where there is one.
fn meant(statement: &Statement<'_>, at: usize) -> Option<String> {
    let next = statement.words.get(at + 1)?;
    let option = format!("{}{}", statement.word(at), next.text);
    let mut words: Vec<&str> = statement.words.iter().map(|word| word.as_ref()).collect();
    words.splice(at..=at + 1, [option.as_str()]);
    let walk = walk(&words, statement.family);
    let is_fault = |fault: &Fault| match fault {
        Fault::Dash { word, .. } | Fault::Stray { word } | Fault::Unknown { word } => *word == at,
    };
    let is_read = walk.pieces.iter().any(|piece| piece.at == at);
    (is_read && !walk.faults.iter().any(is_fault)).then_some(option)
}
