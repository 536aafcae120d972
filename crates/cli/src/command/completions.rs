use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Command};
use clap_complete::Shell;
use fwlab_record::Exit;

use super::exit::print;

#[derive(Debug, Args)]
pub(super) struct CompletionsArguments {
    /// The shell to write the script for
    #[arg(value_parser = shell())]
    shell: Shell,
}

/// The shells whose scripts the tests look at.
const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

fn shell() -> impl TypedValueParser<Value = Shell> {
    PossibleValuesParser::new(SHELLS).try_map(|word| word.parse::<Shell>())
}

pub(super) fn completions(arguments: &CompletionsArguments, command: Command) -> Exit {
    print(script(arguments.shell, command));
    Exit::Good
}

fn script(shell: Shell, mut command: Command) -> String {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::command::Arguments;
    use crate::text::Page;

    /// What makes text safe to show changes nothing of a script.
    #[test]
    fn a_script_is_printed_as_it_is() {
        for word in SHELLS {
            let shell = word.parse().expect("it is one");
            let script = script(shell, Arguments::command());
            assert_eq!(Page::from(&script).to_string(), script);
        }
    }
}
