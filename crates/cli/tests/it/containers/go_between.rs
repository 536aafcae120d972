//! A Docker that is the real one but for what a test plants: fwlab asks at a socket of the
//! test's, and what is not planted is handed on.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tempfile::TempDir;

const REAL: &str = "/var/run/docker.sock";

/// What becomes of a request.
pub(crate) enum Planted {
    /// The real Docker is asked.
    Nothing,
    /// The real Docker is asked, for another image.
    Swapped {
        /// What fwlab calls it.
        from: String,
        /// What it gets.
        to: String,
    },
    /// This is the answer: a status and Docker's message.
    Answer(u16, &'static str),
    /// These are the bytes of the answer, whatever they are.
    Bytes(&'static [u8]),
    /// No answer ever comes.
    Silence,
}

/// Decides by the request's line, such as `GET /v1.41/images/…/json HTTP/1.1`.
type Plan = dyn Fn(&str) -> Planted + Send + Sync;

/// A socket that fwlab takes for Docker's. Dropping this closes it.
pub(crate) struct GoBetween {
    folder: TempDir,
    over: Arc<AtomicBool>,
    planted: Arc<AtomicUsize>,
}

impl GoBetween {
    pub(crate) fn start(plan: impl Fn(&str) -> Planted + Send + Sync + 'static) -> GoBetween {
        let folder = tempfile::tempdir().expect("a folder");
        let listener = UnixListener::bind(folder.path().join("docker.sock")).expect("a socket");
        let (over, planted) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let plan: Arc<Plan> = Arc::new(plan);
        let between = GoBetween {
            folder,
            over: Arc::clone(&over),
            planted: Arc::clone(&planted),
        };
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let (client, plan) = (client.expect("a connection"), Arc::clone(&plan));
                let planted = Arc::clone(&planted);
                std::thread::spawn(move || {
                    // Either side may go in the middle of it.
                    let _ = serve(client, &*plan, &planted);
                });
            }
        });
        between
    }

    /// A Docker that has another image under the name of one of fwlab's.
    pub(crate) fn with(image: fwlab_containers::Image, stand: &str) -> GoBetween {
        let (from, to) = (image.to_string(), stand.to_owned());
        GoBetween::start(move |_| Planted::Swapped {
            from: from.clone(),
            to: to.clone(),
        })
    }

    /// What is to be `DOCKER_HOST`.
    pub(crate) fn host(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    fn socket(&self) -> std::path::PathBuf {
        self.folder.path().join("docker.sock")
    }

    /// Whether something was planted yet.
    pub(crate) fn has_planted(&self) -> bool {
        self.planted.load(Ordering::Relaxed) > 0
    }

    /// Fails when nothing was planted: then the test has shown nothing.
    #[track_caller]
    pub(crate) fn assert_planted(&self) {
        assert!(
            self.planted.load(Ordering::Relaxed) > 0,
            "fwlab never asked what something was planted for"
        );
    }
}

impl Drop for GoBetween {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        let _ = UnixStream::connect(self.socket());
    }
}

/// One request, and its answer; then the connection ends.
fn serve(client: UnixStream, plan: &Plan, planted: &AtomicUsize) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut client = client;
    let Some(mut request) = Request::read(&mut reader)? else {
        return Ok(());
    };
    match plan(&request.line) {
        Planted::Nothing => {}
        Planted::Swapped { from, to } => {
            let swapped = request.swap(&from, &to);
            planted.fetch_add(usize::from(swapped), Ordering::Relaxed);
        }
        Planted::Answer(status, message) => {
            planted.fetch_add(1, Ordering::Relaxed);
            let body = serde_json::json!({ "message": message }).to_string();
            return write!(
                client,
                "HTTP/1.1 {status} Planted\r\nContent-Type: application/json\r\n\
                 Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
        Planted::Bytes(bytes) => {
            planted.fetch_add(1, Ordering::Relaxed);
            client.write_all(bytes)?;
            return client.shutdown(Shutdown::Write);
        }
        Planted::Silence => {
            planted.fetch_add(1, Ordering::Relaxed);
            // Until it gives up.
            return std::io::copy(&mut reader, &mut std::io::sink()).map(drop);
        }
    }
    let mut real = UnixStream::connect(REAL)?;
    request.write(&mut real)?;
    let real_too = real.try_clone()?;
    std::thread::spawn(move || {
        // What comes behind a request is a container's input. When this ends, whoever asked has gone, and
        // Docker is to see that as it would without a go-between.
        let _ = std::io::copy(&mut reader, &mut &real_too);
        let _ = real_too.shutdown(Shutdown::Both);
    });
    std::io::copy(&mut real, &mut client)?;
    client.shutdown(Shutdown::Both)
}

struct Request {
    line: String,
    headers: Vec<String>,
    body: Vec<u8>,
}

impl Request {
    fn read(reader: &mut impl BufRead) -> std::io::Result<Option<Request>> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(None);
            }
            match line.trim_end() {
                "" => break,
                text => lines.push(text.to_owned()),
            }
        }
        let line = lines.remove(0);
        let length = lines.iter().find_map(|header| {
            let (name, value) = header.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse::<usize>().ok())?
        });
        let mut body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut body)?;
        // Their own places, and one request a connection.
        lines.retain(|header| {
            let name = header.split(':').next().unwrap_or_default();
            !["content-length", "connection"]
                .iter()
                .any(|ours| name.eq_ignore_ascii_case(ours))
        });
        Ok(Some(Request {
            line,
            headers: lines,
            body,
        }))
    }

    /// Names another image in place of one, and returns whether it was named.
    fn swap(&mut self, from: &str, to: &str) -> bool {
        let body = String::from_utf8_lossy(&self.body).into_owned();
        let named = self.line.contains(from) || body.contains(from);
        self.line = self.line.replace(from, to);
        self.body = body.replace(from, to).into_bytes();
        named
    }

    fn write(&self, to: &mut impl Write) -> std::io::Result<()> {
        let headers = self.headers.join("\r\n");
        let length = self.body.len();
        write!(
            to,
            "{}\r\n{headers}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n",
            self.line
        )?;
        to.write_all(&self.body)
    }
}

/// A socket that is there, and where nobody speaks: connections wait to be accepted.
pub(crate) fn mute(folder: &Path) -> (UnixListener, String) {
    let socket = folder.join("mute.sock");
    let listener = UnixListener::bind(&socket).expect("a socket");
    (listener, format!("unix://{}", socket.display()))
}

/// The deadline by which fwlab gives up on such a socket.
pub(crate) const GIVES_UP: Duration = Duration::from_secs(40);

#[test]
fn what_is_not_planted_is_dockers_own_answer() {
    let Some(_containers) = super::docker::containers() else {
        return;
    };
    let between = GoBetween::start(|_| Planted::Nothing);
    let ask = |socket: &Path| {
        let mut stream = UnixStream::connect(socket).expect("it listens");
        write!(
            stream,
            "GET /version HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n"
        )
        .expect("it is read");
        let mut answer = String::new();
        match stream.read_to_string(&mut answer) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => panic!("{error}"),
        }
        // Behind the headers, which have the time in them.
        let (_, body) = answer.split_once("\r\n\r\n").expect("headers");
        body.to_owned()
    };
    let answer = ask(&between.socket());
    assert!(answer.contains("ApiVersion"), "{answer}");
    assert_eq!(answer, ask(Path::new(REAL)));
}
