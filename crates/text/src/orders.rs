use crate::visible::lines;

/// Text of several lines that GitHub's runner takes for no workflow command. It reads the log of a step: `::error::…` at
/// the beginning of a line, and `##[error]…` anywhere in one.
pub fn without_orders(text: &str) -> String {
    text.split_inclusive('\n')
        .map(line_without_orders)
        .collect()
}

/// A message of several lines, in which every character can be seen and nothing is an order to whoever reads the log.
pub fn message(text: &str) -> String {
    without_orders(&lines(text))
}

fn line_without_orders(line: &str) -> String {
    let blanks = line.len() - line.trim_start().len();
    let (before, rest) = line.split_at(blanks);
    let rest = match rest.strip_prefix("::") {
        Some(rest) => format!("<U+003A>:{rest}"),
        None => rest.to_owned(),
    };
    format!("{before}{}", rest.replace("##[", "##<U+005B>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_log_is_no_order_to_github() {
        let page = message("::error::a\n  ::stop-commands::x\na::b\n##[group]c");
        let expected = "<U+003A>:error::a\n  <U+003A>:stop-commands::x\na::b\n##<U+005B>group]c";
        assert_eq!(page, expected);
    }
}
