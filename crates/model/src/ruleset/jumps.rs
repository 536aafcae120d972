//! Jumps to what is no chain.

use std::collections::BTreeSet;
use std::ops::Range;

use super::apply::Applier;
use super::extension;
use super::mistake::{Draft, MistakeKind, Report, quote};
use super::statement::Statement;
use super::suggest::nearest;
use super::tables::TableName;
use super::walk::{self, Core, Piece, Walk};
use fwlab_record::Family;

/// The unknown targets for which a known name is sought that resembles them.
const TARGETS_SOUGHT: usize = 200;

/// A jump to what was no chain when it was written.
pub(super) struct Jump {
    family: Family,
    table: TableName,
    target: String,
    goto: bool,
    span: Range<usize>,
}

impl Applier {
    /// Remembers a jump to what is no chain yet; whether it is a mistake is
    /// seen at the end.
    pub(super) fn jump(
        &mut self,
        statement: &Statement<'_>,
        walk: &Walk<'_>,
        table: TableName,
        report: &mut Report,
    ) {
        let jumps = |piece: &&Piece<'_>| matches!(piece.core(), Some(Core::Jump | Core::Goto));
        let Some(piece) = walk.pieces.iter().find(jumps) else {
            return;
        };
        let (target, goto) = (piece.value(), piece.core() == Some(Core::Goto));
        let is_target = walk::is_verdict(target) || extension::target_named(target).is_some();
        if (is_target && !goto) || piece.first.is_none() {
            return;
        }
        if let Some(hook) = table.hook(target) {
            report.push(|| {
                Draft::new(
                    MistakeKind::UnknownTarget,
                    statement.piece_span(piece),
                    format!("a jump to the built-in chain {}", hook.chain()),
                )
                .label("only packets of its hook come there")
            });
        } else if self
            .builder
            .table(statement.family, table)
            .chain(target)
            .is_none()
        {
            self.jumps.push(Jump {
                family: statement.family,
                table,
                target: target.to_owned(),
                goto,
                span: statement.piece_span(piece),
            });
        }
    }

    fn unknown_target(&mut self, jump: Jump, seek: bool, report: &mut Report) {
        let Jump {
            family,
            table,
            target,
            goto,
            span,
        } = jump;
        let key = (family, table, target);
        let declared = self.declared.get(&key).copied();
        let target = key.2;
        let near = if seek && !report.is_full() {
            let chains = self
                .builder
                .table(family, table)
                .chain_names()
                .filter(|name| table.hook(name).is_none());
            let targets = extension::targets()
                .iter()
                .map(|known| known.name)
                .chain(["ACCEPT", "DROP", "RETURN", "QUEUE"]);
            let targets = targets.filter(|_| !goto);
            nearest(&target, chains.chain(targets)).map(str::to_owned)
        } else {
            None
        };
        let may_be_target =
            !goto && (walk::may_be_target(&target) || extension::is_elsewhere(&target));
        if declared.is_none()
            && (extension::is_elsewhere(&target) || (near.is_none() && may_be_target))
        {
            // A target of another system: the loader knows.
            return;
        }
        let elsewhere = self.builder.tables_with(family, &target);
        report.push(|| {
            let draft = Draft::new(
                MistakeKind::UnknownTarget,
                span,
                format!(
                    "there is no chain or target `{}` in {table}",
                    quote(&target)
                ),
            );
            match (declared, near, elsewhere.first()) {
                (Some(line), ..) => draft
                    .label(format!("declared only later, in line {line}"))
                    .help("a chain is declared before a rule jumps to it"),
                (None, Some(near), _) => draft.label(format!("`{near}`?")),
                (None, None, Some(other)) => draft.label(format!("stands in the table {other}")),
                (None, None, None) => draft.label("no such chain"),
            }
        });
    }

    /// Tells every jump that leads nowhere.
    pub(super) fn unknown_targets(&mut self, report: &mut Report) {
        let mut sought = BTreeSet::new();
        for jump in std::mem::take(&mut self.jumps) {
            sought.insert(jump.target.clone());
            self.unknown_target(jump, sought.len() <= TARGETS_SOUGHT, report);
        }
    }
}
