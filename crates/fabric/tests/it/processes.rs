use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use fwlab_fabric::{
    Capabilities, Fabric, Node, Program, ProgramError, ProgramSpec, Scratch, ToolCall,
    ToolErrorCause,
};
use fwlab_record::NodeName;
use fwlab_skipped::{Need, skipped};

use crate::support::{build, can_build, eventually, ipv4_pair, shell as script};

fn server(fabric: &Fabric) -> &Node {
    fabric.node(&NodeName::server()).expect("a server")
}

fn shell(script: &str) -> ToolCall {
    ToolCall::new("/bin/sh").arguments(["-c", script])
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The ids of all processes whose command line holds that word.
pub(crate) fn processes_with(word: &str) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").expect("/proc");
    processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid| *pid != std::process::id())
        .filter(|pid| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.windows(word.len()).any(|part| part == word.as_bytes())
        })
        .collect()
}

async fn output(program: &mut Program) -> String {
    let status = program.wait().await.expect("the node lives");
    let (out, err) = (text(&program.stdout()), text(&program.stderr()));
    assert!(status.success(), "{status}: {out}{err}");
    out
}

#[tokio::test]
async fn a_tool_s_exit_status_and_streams_are_results() {
    if !can_build() {
        return;
    }
    let fabric = build(&ipv4_pair()).await;
    let call = shell("read word; echo out $word $LC_ALL$PATH_NOT_SET; echo err >&2; exit 3");
    let result = server(&fabric)
        .tool(call.stdin(*b"in\n"))
        .await
        .expect("a shell");
    assert_eq!(result.status.code(), Some(3));
    assert_eq!(text(&result.stdout), "out in C\n");
    assert_eq!(text(&result.stderr), "err\n");
    // More input than a pipe holds, which nobody reads.
    let result = server(&fabric)
        .tool(shell("exit 0").stdin(vec![b'x'; 1 << 20]))
        .await
        .expect("a shell");
    assert_eq!(result.status.code(), Some(0));
    // More of everything than a pipe holds.
    let result = server(&fabric)
        .tool(ToolCall::new("/bin/cat").stdin(vec![b'x'; 1 << 20]))
        .await
        .expect("cat");
    assert_eq!(result.stdout.len(), 1 << 20);
}

#[tokio::test]
async fn a_tool_that_fails_to_run_says_what_it_was() {
    if !can_build() {
        return;
    }
    let fabric = build(&ipv4_pair()).await;
    let call = ToolCall::new("/no/such/tool").arguments(["--flag"]);
    let error = server(&fabric).tool(call).await.expect_err("no such tool");
    assert!(matches!(error.cause, ToolErrorCause::NotFound), "{error:?}");
    assert_eq!(error.to_string(), "/no/such/tool --flag");
    let call = ToolCall {
        deadline: Duration::from_millis(50),
        ..ToolCall::new("/bin/sleep").arguments(["63914"])
    };
    let start = Instant::now();
    let error = server(&fabric).tool(call).await.expect_err("it sleeps");
    assert!(
        matches!(error.cause, ToolErrorCause::Deadline(_)),
        "{error:?}"
    );
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(
        processes_with("63914"),
        Vec::<u32>::new(),
        "it was killed and reaped"
    );
}

#[tokio::test]
async fn both_backends_load_and_save_without_a_lock_file() {
    if !can_build() {
        return;
    }
    let fabric = build(&ipv4_pair()).await;
    let rules = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 21 -j ACCEPT\nCOMMIT\n";
    for backend in ["nft", "legacy"] {
        let tool = |verb| format!("/usr/sbin/iptables-{backend}-{verb}");
        if !std::path::Path::new(&tool("restore")).exists() {
            skipped(Need::Programs, format_args!("no {}", tool("restore")));
            continue;
        }
        let node = server(&fabric);
        let restored = node.tool(ToolCall::new(tool("restore")).stdin(rules)).await;
        let restored = restored.expect("it runs");
        assert!(
            restored.status.success(),
            "{backend}: {}",
            text(&restored.stderr)
        );
        let saved = node
            .tool(ToolCall::new(tool("save")))
            .await
            .expect("it runs");
        assert!(text(&saved.stdout).contains("--dport 21"), "{backend}");
    }
}

#[tokio::test]
async fn a_program_s_status_output_and_signal_are_passed_on() {
    if !can_build() {
        return;
    }
    let fabric = build(&ipv4_pair()).await;
    let mut program = server(&fabric)
        .program(script("echo out; echo err >&2; exit 7"))
        .await
        .expect("a shell");
    let status = program.wait().await.expect("the node lives");
    assert_eq!(status.code(), Some(7));
    assert_eq!(text(&program.stdout()), "out\n");
    assert_eq!(text(&program.stderr()), "err\n");
    let mut program = server(&fabric)
        .program(script("kill -TERM $$"))
        .await
        .expect("a shell");
    let status = program.wait().await.expect("the node lives");
    assert_eq!(status.signal(), Some(libc::SIGTERM));
    let mut program = server(&fabric)
        .program(script("exec sleep 1000"))
        .await
        .expect("a shell");
    let status = program.kill().await.expect("the node lives");
    assert_eq!(status.signal(), Some(libc::SIGKILL));
}

/// As a server does that was written for inetd.
#[tokio::test]
async fn what_a_program_writes_to_its_input_is_output() {
    if !can_build() {
        return;
    }
    let fabric = build(&ipv4_pair()).await;
    let mut spec = script("echo input >&0; echo output");
    let mut silent = server(&fabric)
        .program(spec.clone())
        .await
        .expect("a shell");
    assert_eq!(output(&mut silent).await, "output\n");
    spec.speaks_on_input = true;
    let mut program = server(&fabric).program(spec).await.expect("a shell");
    assert_eq!(output(&mut program).await, "input\noutput\n");
}

#[tokio::test]
async fn a_program_that_does_not_start_says_why() {
    if !can_build() {
        return;
    }
    let fabric = build(&ipv4_pair()).await;
    let node = server(&fabric);
    let missing = node.program(ProgramSpec::new("/no/such/program")).await;
    let error = missing.expect_err("it is not there");
    assert!(
        matches!(&error, ProgramError::Start { step: None, source, .. }
        if source.kind() == std::io::ErrorKind::NotFound),
        "{error:?}"
    );
    let spec = ProgramSpec {
        working_directory: Some("/no/such/folder".into()),
        ..script("true")
    };
    let error = node
        .program(spec)
        .await
        .expect_err("no such folder")
        .to_string();
    assert!(error.contains("enter its working directory"), "{error}");
    let relative = node.program(ProgramSpec::new("sh")).await;
    assert!(matches!(relative, Err(ProgramError::NotAbsolute(_))));
    let files = Scratch::new(4096).expect("a scratch");
    let hidden = files.mount_point().join("vsftpd");
    let hidden = node.program(ProgramSpec::new(hidden).files(files)).await;
    assert!(matches!(hidden, Err(ProgramError::Hidden { .. })));
}

#[tokio::test]
async fn a_program_sees_its_own_world_only() {
    if !can_build() {
        return;
    }
    let fabric = build(&ipv4_pair()).await;
    let node = server(&fabric);
    let scratch = Scratch::new(1 << 20).expect("a scratch");
    scratch.write("config", b"from the lab").expect("a file");
    let point = scratch.mount_point().display().to_string();
    let spec = script(&format!(
        "cat config; echo; cut -d: -f1 /etc/passwd | head -1; \
         readlink /proc/self/ns/net; ls -d /proc/[0-9]* | wc -l; \
         ls /proc/self/fd | wc -l; cat /proc/self/stat | cut -d' ' -f6; readlink /proc/self/fd/0; \
         grep CapEff /proc/self/status; \
         (echo x > /etc/fwlab-test-file) 2>/dev/null && echo wrote; \
         (echo 1 > /proc/sys/net/ipv4/ip_forward) 2>/dev/null && echo wrote; \
         kill -0 {lab} 2>/dev/null && echo signalled; \
         echo from the program > {point}/answer",
        lab = std::process::id(),
    ));
    let spec = ProgramSpec {
        capabilities: Capabilities::SERVER,
        ..spec
    };
    let mut program = node
        .program(spec.files(scratch.clone()))
        .await
        .expect("a shell");
    let out = output(&mut program).await;
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(lines[..2], ["from the lab", "root"], "{out}");
    let namespace = node
        .run(async || std::fs::read_link("/proc/thread-self/ns/net"))
        .await
        .expect("the node lives")
        .expect("a namespace");
    assert_eq!(
        lines[2],
        namespace.display().to_string(),
        "it is in the node"
    );
    let processes: u32 = lines[3].parse().expect("a count");
    assert!(processes <= 4, "init, the shell, ls and wc: {out}");
    assert_eq!(
        lines[4], "4",
        "its three streams and the folder that ls reads: {out}"
    );
    assert_eq!(lines[5], "2", "a session of its own: {out}");
    assert_eq!(lines[6], "/dev/null");
    let capabilities = lines[7].split_whitespace().last().expect("a mask");
    let capabilities = u64::from_str_radix(capabilities, 16).expect("a mask");
    assert_eq!(capabilities, 1 << 10, "it may bind port 21: {out}");
    assert_eq!(
        lines.len(),
        8,
        "it wrote nowhere and signalled nobody: {out}"
    );
    assert_eq!(
        scratch.read("answer").expect("a file"),
        b"from the program\n"
    );
    // The next program finds the same files, where the kernel can attach them again.
    match node.program(script("cat answer").files(scratch)).await {
        Ok(mut program) => assert_eq!(output(&mut program).await, "from the program\n"),
        Err(error) => {
            assert!(error.to_string().contains("before Linux 6.15"), "{error}");
            skipped(Need::Lab, error);
        }
    }
}

#[tokio::test]
async fn a_program_ends_with_all_that_it_started() {
    if !can_build() {
        return;
    }
    let fabric = build(&ipv4_pair()).await;
    // A session of its own each, and one orphan.
    let family = |id: u32| {
        script(&format!(
            "setsid sh -c 'sleep {id}1 & sleep {id}2' & \
             (setsid setsid sleep {id}3 &) & echo started; exec sleep {id}4"
        ))
    };
    let alive = |id: u32| processes_with(&id.to_string()).len();
    let started = async |id: u32| {
        let program = server(&fabric).program(family(id)).await.expect("a shell");
        let limit = Duration::from_secs(30);
        eventually("four sleep", limit, || {
            (1..=4).all(|last| processes_with(&format!("\0{id}{last}\0")).len() == 1)
        });
        program
    };
    let mut killed = started(70101).await;
    killed.kill().await.expect("the node lives");
    assert_eq!(alive(70101), 0, "none is left when kill returns");

    drop(started(70102).await);
    eventually("none is left", Duration::from_secs(5), || alive(70102) == 0);

    let kept = started(70103).await;
    fabric.join().await;
    assert_eq!(alive(70103), 0, "none is left when the fabric has ended");
    let mut kept = kept;
    assert!(
        kept.wait().await.is_err(),
        "the program is known to be lost"
    );
}
