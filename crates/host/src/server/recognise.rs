use super::ServerProgram;
use super::reader::lines;
use crate::piece::Piece;

/// As many lines are looked at.
const LOOKED_AT: usize = 2000;

/// The server whose settings a file has: by what stands in it, and where that does not tell, by its name. Rules are none.
pub fn recognise(name: &str, text: &[u8]) -> Option<ServerProgram> {
    let name = name.rsplit('/').next().unwrap_or_default();
    let by_name = [
        ("proftpd", ServerProgram::Proftpd),
        ("pure-ftpd", ServerProgram::PureFtpd),
        ("vsftpd", ServerProgram::Vsftpd),
    ];
    let is_conf = name.ends_with(".conf");
    let by_name = by_name
        .iter()
        .find(|(begin, _)| name.contains(begin) && is_conf);
    let by_name = by_name.map(|(_, program)| *program);
    by_content(text, by_name).or(by_name)
}

fn by_content(text: &[u8], by_name: Option<ServerProgram>) -> Option<ServerProgram> {
    let piece = Piece {
        name: String::new(),
        text: text.to_vec(),
        begins: 1,
    };
    let mut all = 0;
    let mut of = [0; ServerProgram::ALL.len()];
    for (_, line) in lines(&piece).take(LOOKED_AT) {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', '<']) {
            continue;
        }
        all += 1;
        for (count, program) in of.iter_mut().zip(ServerProgram::ALL) {
            let split = match program {
                ServerProgram::Vsftpd => line.split_once('='),
                _ => line.split_once(char::is_whitespace),
            };
            *count += usize::from(split.is_some_and(|(key, _)| program.knows(key.trim_end())));
        }
    }
    let most = *of.iter().max()?;
    // Of what is the setting of two programs, the name tells.
    let mut programs = ServerProgram::ALL
        .iter()
        .zip(of)
        .filter(|(_, count)| *count == most);
    let named = programs
        .clone()
        .find(|(program, _)| Some(**program) == by_name);
    let (program, count) = named.or_else(|| programs.next())?;
    (count > 0 && count * 2 >= all).then_some(*program)
}
