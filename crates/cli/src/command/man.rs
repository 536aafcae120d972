use clap::{Args, Command};
use clap_mangen::Man;
use fwlab_record::Exit;

use super::exit::{complain, print};

#[derive(Debug, Args)]
pub(super) struct ManArguments {
    /// The command to describe; default: fwlab itself
    command: Option<String>,
}

pub(super) fn man(arguments: &ManArguments, mut whole: Command) -> Exit {
    // Only then have commands all that is theirs, the name of their page among it: fwlab-run.
    whole.build();
    let Some(name) = &arguments.command else {
        return printed(whole);
    };
    let own = |command: &&Command| command.get_name() == name && name != "help";
    if let Some(command) = whole.get_subcommands().find(own) {
        return printed(command.clone());
    }
    let names = whole.get_subcommands().map(Command::get_name);
    let names: Vec<&str> = names.filter(|name| *name != "help").collect();
    complain(
        format!("there is no command `{name}`"),
        Some(&format!("the commands are {}", names.join(", "))),
    );
    Exit::Usage
}

fn printed(command: Command) -> Exit {
    match page(command) {
        Ok(page) => {
            print(page);
            Exit::Good
        }
        Err(error) => {
            complain(format!("the page could not be made: {error}"), None);
            Exit::Lab
        }
    }
}

fn page(command: Command) -> std::io::Result<String> {
    let mut page = Vec::new();
    let source = concat!("fwlab ", env!("CARGO_PKG_VERSION"));
    Man::new(command).source(source).render(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::command::Arguments;
    use crate::text::Page;

    /// What makes text safe to show changes nothing of a page.
    #[test]
    fn a_page_is_printed_as_it_is() {
        let mut whole = Arguments::command();
        whole.build();
        let commands = whole.get_subcommands().cloned();
        for command in commands.chain([whole.clone()]) {
            let page = page(command).expect("it is made");
            assert_eq!(Page::from(&page).to_string(), page);
        }
    }
}
