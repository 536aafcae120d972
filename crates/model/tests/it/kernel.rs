//! Runs the real `iptables` programs, each time in a network namespace of its
//! own that goes with it. For tests only: the crate itself runs nothing.

use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use fwlab_model::ruleset::{
    Attempt, Correspondence, Listing, Mistakes, Next, Ruleset, Source, parse,
};
use fwlab_record::{Backend, Family};
use fwlab_skipped::{Need, skipped};

/// What a loader made of a text.
pub(crate) struct Loaded {
    pub(crate) success: bool,
    pub(crate) stderr: String,
    /// What `iptables-save` says then.
    pub(crate) saved: String,
}

/// The backends that can be run here; why the others cannot is printed.
pub(crate) fn backends() -> Vec<Backend> {
    let backends = Backend::IPTABLES.iter().copied();
    backends.filter(|backend| is_there(*backend)).collect()
}

fn is_there(backend: Backend) -> bool {
    static REASONS: OnceLock<Vec<(Backend, Result<(), String>)>> = OnceLock::new();
    let reasons = REASONS.get_or_init(|| {
        let try_out = |backend: Backend| (backend, probe(backend));
        Backend::IPTABLES.iter().copied().map(try_out).collect()
    });
    let reason = reasons
        .iter()
        .find(|(of, _)| *of == backend)
        .expect("every backend was tried");
    if let Err(why) = &reason.1 {
        skipped(Need::Programs, why);
    }
    reason.1.is_ok()
}

fn probe(backend: Backend) -> Result<(), String> {
    let script = format!(
        "iptables-{backend}-restore && ip6tables-{backend}-restore </dev/null && iptables-{backend}-save"
    );
    let output = in_namespace(&script, "*filter\nCOMMIT\n").map_err(|error| error.to_string())?;
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}

/// Loads a text, and lists what the kernel then has.
pub(crate) fn load(backend: Backend, family: Family, text: &str) -> Loaded {
    let program = match family {
        Family::Ipv4 => "iptables",
        Family::Ipv6 => "ip6tables",
    };
    run(
        &format!("{program}-{backend}-restore && {program}-{backend}-save"),
        text,
    )
}

/// Hands a ruleset to a loader until it has nothing more to refuse; gives what is listed then, with counters.
pub(crate) fn attempt(
    backend: Backend,
    ruleset: &Ruleset,
    family: Family,
) -> (Attempt<'_>, Result<Listing, String>) {
    let mut attempt = Attempt::new(ruleset, family);
    loop {
        let loaded = load_batches(backend, family, &attempt.input().batches());
        let next = match loaded.success {
            true => attempt.loaded(),
            false => attempt.refused(&loaded.stderr, "a failure"),
        };
        match next {
            Next::Again => {}
            Next::Done => {
                let listing = Listing::parse(&loaded.saved, family);
                return (attempt, listing.map_err(|error| error.to_string()));
            }
            Next::Enough => return (attempt, Err("too much is refused".to_owned())),
            Next::Hopeless(said) => return (attempt, Err(said)),
        }
    }
}

/// Which command each listed rule came of; where the loader loses counters, by comments.
pub(crate) fn correspond(
    backend: Backend,
    attempt: &Attempt<'_>,
    listing: &Listing,
    family: Family,
) -> Correspondence {
    if !listing.lost_numbers() {
        return attempt.correspond(listing).unwrap();
    }
    let loaded = load_batches(backend, family, &attempt.commented().batches());
    assert!(loaded.success, "{}", loaded.stderr);
    let commented = Listing::parse(&loaded.saved, family).unwrap();
    attempt.correspond_by_comments(listing, &commented).unwrap()
}

/// Every mistake of a text, as it is read and as the loaders tell it.
pub(crate) fn mistakes(text: &str, family: Family) -> Option<Mistakes> {
    let parsed = parse(&Source::new("rules", text), family);
    let mut mistakes = parsed.mistakes;
    for backend in backends() {
        for family in parsed.ruleset.families() {
            let (attempt, _) = attempt(backend, &parsed.ruleset, family);
            match (&mut mistakes, attempt.mistakes()) {
                (Some(mistakes), Some(further)) => mistakes.with(further).expect("of one text"),
                (None, found) => mistakes = found,
                (Some(_), None) => {}
            }
        }
    }
    mistakes
}

/// Loads batches of an input one after another, and lists what the kernel then has, with counters.
fn load_batches(backend: Backend, family: Family, batches: &[String]) -> Loaded {
    const BETWEEN: &str = "#batch";
    let program = match family {
        Family::Ipv4 => "iptables",
        Family::Ipv6 => "ip6tables",
    };
    let restore = format!("{program}-{backend}-restore -c");
    let save = format!("{program}-{backend}-save -c");
    match batches {
        [one] => run(&format!("{restore} && {save}"), one),
        [first, second] => {
            let input = format!("{first}{BETWEEN}\n{second}");
            let script = format!(
                "input=$(cat) && printf '%s' \"${{input%%{BETWEEN}*}}\" | {restore} &&
                 printf '%s\n' \"${{input##*{BETWEEN}}}\" | sed 1d | {restore} --noflush && {save}"
            );
            run(&script, &input)
        }
        _ => panic!("one or two batches"),
    }
}

/// Runs a shell script of the test's own in a namespace.
pub(crate) fn run(script: &str, input: &str) -> Loaded {
    let output = in_namespace(script, input).expect("unshare ran before");
    Loaded {
        success: output.status.success(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        saved: String::from_utf8_lossy(&output.stdout).into_owned(),
    }
}

fn in_namespace(script: &str, input: &str) -> std::io::Result<Output> {
    let mut command = Command::new("unshare");
    if !is_root() {
        // The network namespace second: one that is made before the user
        // namespace has its map gives /proc/net to nobody, and legacy cannot list.
        command.args(["-r", "unshare"]);
    }
    command.arg("-n");
    command.args(["sh", "-c", script]);
    // The default lock is a file of the host.
    command.env("XTABLES_LOCKFILE", "/proc/self/ns/net");
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let mut stdin = child.stdin.take().expect("piped above");
    let input = input.as_bytes().to_vec();
    // A loader that gives up early closes its end: no fault of the test.
    let writer = std::thread::spawn(move || stdin.write_all(&input).is_ok());
    let output = child.wait_with_output();
    writer.join().expect("writing does not panic");
    output
}

fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let uid = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    uid.and_then(|uids| uids.split_whitespace().nth(1)) == Some("0")
}
