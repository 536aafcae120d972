use std::collections::BTreeMap;
use std::ops::Range;

use miette::{LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use crate::visible::{one_line, push_visible};

/// The longest line that is shown whole, in characters.
const LINE_SHOWN: usize = 400;

/// What is shown of a longer line before and after a place, in characters.
const AROUND: usize = 60;

/// The longest place of a longer line that is shown whole, in characters.
const PLACE_SHOWN: usize = 160;

/// Of a place that has more lines, the first is shown.
const LINES_SHOWN: usize = 12;

/// The most places that are shown of one mistake.
const PLACES_SHOWN: usize = 50;

/// The lines of a source around some places, made visible, and long ones cut. What stands in it has
/// other offsets than in the source, and the same line numbers and columns.
#[derive(Debug)]
pub(crate) struct Excerpt {
    name: Option<String>,
    text: String,
    /// The first byte of each line, and its number in the source, 0 for the first.
    lines: Vec<(usize, usize)>,
    /// The first byte of each place, and its column in the source.
    columns: Vec<(usize, usize)>,
}

impl Excerpt {
    /// The lines around some places of a source, and the places in them.
    pub(crate) fn of(
        source: &dyn SourceCode,
        labels: impl Iterator<Item = LabeledSpan>,
    ) -> Option<(Excerpt, Vec<LabeledSpan>)> {
        let mut name = None;
        let mut read: BTreeMap<usize, (usize, String)> = BTreeMap::new();
        let mut places = Vec::new();
        for label in labels.take(PLACES_SHOWN) {
            let Ok(alone) = source.read_span(label.inner(), 0, 0) else {
                continue;
            };
            let span = in_few_lines(alone.data(), label.offset()..label.offset() + label.len());
            let Ok(around) = source.read_span(&SourceSpan::from(span.clone()), 1, 1) else {
                continue;
            };
            name = name.or_else(|| around.name().map(one_line));
            let mut at = around.span().offset();
            let whole = around.data().split_inclusive(|byte| *byte == b'\n');
            for (line, bytes) in (around.line()..).zip(whole) {
                read.entry(line).or_insert_with(|| {
                    let text = String::from_utf8_lossy(bytes);
                    (at, text.trim_end_matches(['\n', '\r']).to_owned())
                });
                at += bytes.len();
            }
            places.push((span, alone.column(), label.label().map(str::to_owned)));
        }
        if places.is_empty() {
            return None;
        }
        let mut excerpt = Excerpt {
            name,
            text: String::new(),
            lines: Vec::new(),
            columns: Vec::new(),
        };
        let spans: Vec<Range<usize>> = places.iter().map(|(span, ..)| span.clone()).collect();
        let shifts = excerpt.fill(&read, &spans);
        let shift = |at: usize| {
            let next = shifts.partition_point(|(source, _)| *source <= at);
            next.checked_sub(1).map_or(0, |last| shifts[last].1)
        };
        let mut labels = Vec::new();
        for (span, column, words) in places {
            let (start, end) = (shift(span.start), shift(span.end));
            excerpt.columns.push((start, column));
            labels.push(LabeledSpan::new(words, start, end.saturating_sub(start)));
        }
        Some((excerpt, labels))
    }

    /// Where a label is in the source: its name, the line and the column.
    pub(crate) fn place(&self, label: &LabeledSpan) -> Option<String> {
        let (_, line) = self.line_of(label)?;
        let mut columns = self.columns.iter();
        let (_, column) = columns.find(|(first, _)| *first == label.offset())?;
        let name = self.name.as_deref().unwrap_or("line");
        Some(format!("{name}:{}:{}", line + 1, column + 1))
    }

    /// The lines with their numbers, and marks below the labels.
    pub(crate) fn marked(&self, labels: &[LabeledSpan]) -> String {
        let last = self.lines.last().map_or(0, |(_, number)| number + 1);
        let width = last.to_string().len();
        let mut marked = String::new();
        for &(first, number) in &self.lines {
            let line = self.text[first..].lines().next().unwrap_or_default();
            let number_shown = number + 1;
            match line.is_empty() && !labels.iter().any(|label| label.offset() == first) {
                // What stands between lines that do not follow each other.
                true => marked += &format!("\n{:width$} |", "…"),
                false => marked += &format!("\n{number_shown:width$} | {line}"),
            }
            let here = |label: &&LabeledSpan| self.line_of(label) == Some((first, number));
            for label in labels.iter().filter(here) {
                let start = (label.offset() - first).min(line.len());
                let end = (start + label.len()).min(line.len());
                let before: String = line[..start]
                    .chars()
                    .map(|c| if c == '\t' { c } else { ' ' })
                    .collect();
                let marks = "^".repeat(line[start..end].chars().count().max(1));
                let words = label.label().unwrap_or_default();
                marked += &format!("\n{:width$} | {before}{marks} {words}", "");
                marked.truncate(marked.trim_end().len());
            }
        }
        marked
    }

    /// The first byte and the number of the line that a label begins in.
    fn line_of(&self, label: &LabeledSpan) -> Option<(usize, usize)> {
        let next = self
            .lines
            .partition_point(|(first, _)| *first <= label.offset());
        self.lines.get(next.checked_sub(1)?).copied()
    }

    /// Writes the lines, and tells where in the text each byte of the source that is shown stands.
    fn fill(
        &mut self,
        read: &BTreeMap<usize, (usize, String)>,
        spans: &[Range<usize>],
    ) -> Vec<(usize, usize)> {
        let mut shifts = Vec::new();
        for (&number, (at, line)) in read {
            // Lines that do not follow each other do not touch.
            if let Some((_, last)) = self.lines.last()
                && last + 1 < number
            {
                self.lines.push((self.text.len(), last + 1));
                self.text.push('\n');
            }
            self.lines.push((self.text.len(), number));
            let end = at + line.len();
            let of_line = spans.iter().filter_map(|span| {
                let begins = (*at..=end).contains(&span.start);
                let ends = (*at..=end).contains(&span.end);
                (begins || ends).then(|| span.start.max(*at) - at..span.end.min(end) - at)
            });
            let mut until = 0;
            for part in parts(line, &of_line.collect::<Vec<_>>()) {
                if part.start > until {
                    shifts.push((at + until, self.text.len() + '…'.len_utf8()));
                    self.text.push('…');
                }
                for (place, c) in line[part.clone()].char_indices() {
                    shifts.push((at + part.start + place, self.text.len()));
                    push_visible(&mut self.text, c);
                }
                until = part.end;
            }
            if until < line.len() {
                self.text.push('…');
                shifts.push((at + until, self.text.len()));
            }
            shifts.push((end, self.text.len()));
            self.text.push('\n');
        }
        shifts
    }
}

/// A place without its lines but the first, where there are too many of them.
fn in_few_lines(text: &[u8], span: Range<usize>) -> Range<usize> {
    let mut ends = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let first = ends.next();
    match (first, ends.nth(LINES_SHOWN)) {
        (Some((first, _)), Some(_)) => span.start..span.start + first,
        _ => span,
    }
}

/// The parts of a line that are shown, in order: all of it, or what is around its places.
fn parts(line: &str, places: &[Range<usize>]) -> Vec<Range<usize>> {
    if line.char_indices().nth(LINE_SHOWN).is_none() {
        return std::iter::once(0..line.len()).collect();
    }
    if places.is_empty() {
        return std::iter::once(0..after(line, 0, LINE_SHOWN / 2)).collect();
    }
    let mut around: Vec<Range<usize>> = places
        .iter()
        .map(|place| {
            let end = place.end.min(after(line, place.start, PLACE_SHOWN));
            let mut start = place.start;
            if let Some((before, _)) = line[..start].char_indices().rev().take(AROUND).last() {
                start = before;
            }
            start..after(line, end, AROUND)
        })
        .collect();
    around.sort_by_key(|part| part.start);
    let mut parts: Vec<Range<usize>> = Vec::new();
    for part in around {
        match parts.last_mut() {
            Some(last) if part.start <= last.end => last.end = last.end.max(part.end),
            _ => parts.push(part),
        }
    }
    parts
}

/// The byte so many characters after another.
fn after(line: &str, at: usize, characters: usize) -> usize {
    let mut rest = line[at..].char_indices();
    rest.nth(characters)
        .map_or(line.len(), |(place, _)| at + place)
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let read = self.text.as_bytes().read_span(span, before, after)?;
        let start = read.span().offset();
        let next = self.lines.partition_point(|(first, _)| *first <= start);
        let line = next.checked_sub(1).map_or(0, |last| self.lines[last].1);
        let mut columns = self.columns.iter().filter(|_| before == 0);
        let column = columns.find(|(first, _)| *first == start);
        let column = column.map_or(0, |(_, column)| *column);
        // Of the lines that are read, and not of all before them: what is far apart stays apart.
        let count = read.data().iter().filter(|byte| **byte == b'\n').count();
        let (data, span) = (read.data(), *read.span());
        Ok(Box::new(match &self.name {
            Some(name) => {
                MietteSpanContents::new_named(name.clone(), data, span, line, column, count)
            }
            None => MietteSpanContents::new(data, span, line, column, count),
        }))
    }
}
