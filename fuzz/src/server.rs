use fwlab_host::{Piece, ServerConfig, ServerProgram, read_server, recognise_server};

use crate::repeated::takes_no_longer_than_it_is_long;

/// Settings of an FTP server, whichever it is; a NUL byte begins a file that the first can include.
///
/// What is told is at lines that there are, and little. Ranges of ports are in order. What a server runs with is plain.
pub fn server(input: &[u8]) {
    read(input);
    takes_no_longer_than_it_is_long(input, read);
}

fn read(input: &[u8]) {
    let files: Vec<ServerConfig> = input
        .split(|byte| *byte == 0)
        .enumerate()
        .map(file)
        .collect();
    let longest = files
        .iter()
        .map(|file| file.text.text.split(|byte| *byte == b'\n').count());
    let lines = 1..=longest.max().unwrap_or(1);
    recognise_server("vsftpd.conf", input);
    for program in ServerProgram::ALL {
        match read_server(*program, &files) {
            Err(mistakes) => {
                assert!(mistakes.told().count() <= 10);
                for mistake in mistakes.told() {
                    let line = mistake.line().unwrap_or(1) as usize;
                    assert!(lines.contains(&line), "{mistake}");
                }
            }
            Ok(read) => {
                assert!(read.notes.len() <= 10);
                for note in read.notes {
                    assert!(lines.contains(&(note.line as usize)), "{}", note.what);
                }
                for one in &read.own.stand {
                    assert!(lines.contains(&(one.line as usize)), "{one:?}");
                    assert!(stands(*program, &one.key, &one.value), "{one:?}");
                }
                if let Some((first, last)) = read.settings.passive_ports {
                    assert!(0 < first && first <= last, "{first} {last}");
                }
            }
        }
    }
}

/// Whether a setting that runs as it stands is one line, and nothing that the program reads more into.
fn stands(program: ServerProgram, key: &str, value: &str) -> bool {
    let is_key = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    let is_value = |byte: u8| match program {
        ServerProgram::Vsftpd => (b' '..=b'~').contains(&byte),
        ServerProgram::Proftpd => byte.is_ascii_alphanumeric() || b" +-.!".contains(&byte),
        ServerProgram::PureFtpd => byte.is_ascii_digit() || byte == b':',
    };
    !key.is_empty() && key.bytes().all(is_key) && value.bytes().all(is_value)
}

fn file((at, text): (usize, &[u8])) -> ServerConfig {
    ServerConfig {
        program: String::new(),
        file: format!("{at}.conf"),
        text: Piece {
            name: format!("{at}.conf"),
            text: text.to_vec(),
            begins: 1,
        },
    }
}
