//! The command: arguments in, exit code out. Only here are exit codes known, and only
//! here is anything printed.

mod bundle;
mod capture;
mod catalogue;
mod check;
mod choice;
mod completions;
mod containers;
mod diff;
mod doctor;
mod execute;
mod exit;
mod explain;
mod fix;
mod generate;
mod interruption;
mod lint;
mod list;
mod man;
mod mutate;
mod peers;
mod reporters;
mod requirements;
mod rerun;
mod run;
mod schema;
mod settle;
mod topology;
mod trial;
mod watch;
mod word;

use std::process::ExitCode;

use clap::{ColorChoice, CommandFactory, Parser, Subcommand};

pub(crate) use exit::{complain, print};
use fwlab_record::Exit;

/// Proves on a real kernel which FTP transfers a firewall ruleset lets through, and
/// names the rule that stops the rest.
#[derive(Debug, Parser)]
#[command(name = "fwlab", version, max_term_width = 100, after_help = EXIT_CODES)]
struct Arguments {
    /// Whether to print in colours: where the output is a terminal and NO_COLOR is not set, always or never
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 everything required was met; 1 something was missed; \
    2 the arguments, a scenario or a ruleset are wrong; 3 the lab could not tell, or cannot work here.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run scenarios and compare their outcomes with their requirements
    Run(Box<run::RunArguments>),
    /// Print the truth table of your own ruleset
    Check(Box<check::CheckArguments>),
    /// Show one transfer as a timeline, and why it ended as it did
    Explain(Box<explain::ExplainArguments>),
    /// Say what to change so that transfers pass: tried first, then written as a patch to your own rules
    Fix(Box<fix::FixArguments>),
    /// Print the fewest rules that let through what you ask for, proven before they are printed
    Generate(generate::GenerateArguments),
    /// Take each rule away in turn, and say which change nothing and which let in more than FTP
    Lint(Box<lint::LintArguments>),
    /// Make one mistake after another in the rules of scenarios, and say which ones no requirement notices
    Mutate(mutate::MutateArguments),
    /// Print which transfers would change under other rules
    Diff(Box<diff::DiffArguments>),
    /// Read this host's firewall, network and FTP server into one file
    Capture(capture::CaptureArguments),
    /// List scenarios and what they would run; `list peers`: servers and clients
    List(list::ListArguments),
    /// Print the format of scenario files
    Schema(schema::SchemaArguments),
    /// Print what a named topology stands for, as nodes and links
    Topology(topology::TopologyArguments),
    /// Build the missing images for peers that run in containers
    Images(containers::ImagesArguments),
    /// Say what this machine can do, and what to do about what it cannot
    Doctor,
    /// Print a script that lets a shell complete fwlab's commands and options
    Completions(completions::CompletionsArguments),
    /// Print the manual page of fwlab or of one of its commands
    Man(man::ManArguments),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    fwlab_ftp::silence_failed_handshakes();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            if error.use_stderr() {
                // It quotes the arguments, and names of files are among them.
                exit::print_aside(error.to_string());
                return ExitCode::from(Exit::Usage as u8);
            }
            // Help, in colours. A reader that is gone has nothing to be told.
            let _ = error.print();
            return ExitCode::from(Exit::Good as u8);
        }
    };
    if let Some(coloured) = match arguments.color {
        ColorChoice::Auto => None,
        ColorChoice::Always => Some(true),
        ColorChoice::Never => Some(false),
    } {
        console::set_colors_enabled(coloured);
        console::set_colors_enabled_stderr(coloured);
    }
    let exit = match arguments.command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Check(arguments) => check::check(&arguments),
        Command::Explain(arguments) => explain::explain(&arguments),
        Command::Fix(arguments) => fix::fix(&arguments),
        Command::Generate(arguments) => generate::generate(&arguments),
        Command::Lint(arguments) => lint::lint(&arguments),
        Command::Mutate(arguments) => mutate::mutate(&arguments),
        Command::Diff(arguments) => diff::diff(&arguments),
        Command::Capture(arguments) => capture::capture(&arguments),
        Command::List(arguments) => list::list(&arguments),
        Command::Schema(arguments) => schema::schema(&arguments),
        Command::Topology(arguments) => topology::topology(&arguments),
        Command::Images(arguments) => containers::images(&arguments),
        Command::Doctor => doctor::doctor(),
        Command::Completions(arguments) => {
            completions::completions(&arguments, Arguments::command())
        }
        Command::Man(arguments) => man::man(&arguments, Arguments::command()),
    };
    ExitCode::from(exit::code(exit))
}
