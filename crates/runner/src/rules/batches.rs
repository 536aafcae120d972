/// The most rules that are loaded in one go where the loader's socket has no more than
/// `net.core.wmem_max`: one batch of nf_tables goes out in one message, and only the
/// machine's own root may send a larger one. Measured with 208 KiB: 700 rules of one
/// match load, 500 of two do not; the largest matches take 2 KiB a rule.
const PIECE: usize = 100;

/// Cuts the input of a loader into inputs that add up to it. Every line stays on its line, so that
/// what the loader says about line 7 is about line 7.
pub(super) fn pieces(input: &str) -> Vec<String> {
    let is_command = |line: &&str| !(line.is_empty() || line.starts_with('*') || *line == "COMMIT");
    let commands = input.lines().filter(is_command).count();
    let count = commands.div_ceil(PIECE).max(1);
    let piece = |piece: usize| {
        let mut text = String::new();
        let mut command = 0;
        for line in input.lines() {
            let kept = if is_command(&line) {
                command += 1;
                (command - 1) / PIECE == piece
            } else {
                true
            };
            if kept {
                text.push_str(line);
            }
            text.push('\n');
        }
        text
    };
    (0..count).map(piece).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of so many rules, and two commands before them.
    fn ruleset(rules: usize) -> String {
        let mut text = "*filter\n:INPUT DROP [0:0]\n:mine - [0:0]\n".to_owned();
        for port in 0..rules {
            text += &format!("[{port}:0] -A mine -p tcp --dport {port} -j ACCEPT\n");
        }
        text + "COMMIT\n"
    }

    #[test]
    fn a_small_ruleset_is_one_piece() {
        let small = ruleset(PIECE - 2);
        assert_eq!(pieces(&small), [small]);
        assert_eq!(pieces(""), [""]);
    }

    #[test]
    fn pieces_hold_every_rule_once_and_on_its_own_line() {
        let whole = ruleset(2 * PIECE + 1);
        let pieces = pieces(&whole);
        assert_eq!(pieces.len(), 3);
        for (number, line) in whole.lines().enumerate() {
            let holders = pieces
                .iter()
                .filter(|piece| piece.lines().nth(number) == Some(line))
                .count();
            let expected = if line.starts_with(['[', ':']) { 1 } else { 3 };
            assert_eq!(holders, expected, "{line}");
        }
    }
}
