use std::collections::{BTreeSet, VecDeque};

use super::includes::included;
use crate::host::ServerConfig;
use crate::server::reader::{Reader, Setting, lines};

use crate::server::ServerProgram;

/// Whose a directive is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// The main server's.
    Main,
    /// All servers' that do not have their own.
    Global,
    /// The first `<VirtualHost>`'s.
    Virtual,
    /// Of nobody that is looked at: other virtual hosts, directories, users.
    Other,
}

/// The directives of the files, each with whose it is.
pub(super) struct Sections {
    directives: Vec<(Scope, Setting)>,
    first_virtual: Option<Setting>,
    limits: Vec<Limit>,
    /// Of the directives, those that hold only where a module is there, by their places.
    of_modules: BTreeSet<usize>,
}

/// A `<Limit>`, with whose it is, the commands that it is about, and the names of what stands in it.
pub(super) struct Limit {
    pub(super) scope: Scope,
    pub(super) at: Setting,
    pub(super) directives: Vec<String>,
}

/// A section that is open.
struct Open {
    name: String,
    scope: Scope,
    /// Whether it is a `<Limit>`, or within one.
    in_limit: bool,
    /// Whether it is an `<IfModule>`, or within one.
    in_module: bool,
}

/// The most files that are read for one: includes can go round.
const MOST_FILES: usize = 100;

impl Sections {
    pub(super) fn read(files: &[ServerConfig], reader: &mut Reader) -> Sections {
        let mut sections = Sections {
            directives: Vec::new(),
            first_virtual: None,
            limits: Vec::new(),
            of_modules: BTreeSet::new(),
        };
        let mut open = Vec::new();
        let mut read = 0;
        // More files than that are not one server's.
        let files = &files[..files.len().min(MOST_FILES)];
        sections.file(files, 0, &mut open, &mut read, reader);
        sections
    }

    /// Every directive of somebody's, in order.
    pub(super) fn all<'s>(
        &'s self,
        scope: Scope,
        key: &'s str,
    ) -> impl Iterator<Item = &'s Setting> {
        let of = self.directives.iter();
        let of = of.filter(move |(whose, at)| *whose == scope && at.key.eq_ignore_ascii_case(key));
        of.map(|(_, setting)| setting)
    }

    /// The directive of somebody's that holds, the last.
    pub(super) fn last(&self, scope: Scope, key: &str) -> Option<&Setting> {
        let mut of = self.directives.iter().rev();
        let found = of.find(|(whose, at)| *whose == scope && at.key.eq_ignore_ascii_case(key));
        found.map(|(_, setting)| setting)
    }

    /// Every directive, in order: whose it is, and whether it holds only where a module is there.
    pub(super) fn directives(&self) -> impl Iterator<Item = (Scope, &Setting, bool)> {
        let all = self.directives.iter().enumerate();
        all.map(|(at, (scope, setting))| (*scope, setting, self.of_modules.contains(&at)))
    }

    /// Every `<Limit>`, in order.
    pub(super) fn limits(&self) -> &[Limit] {
        &self.limits
    }

    /// Where the first `<VirtualHost>` begins.
    pub(super) fn first_virtual(&self) -> Option<&Setting> {
        self.first_virtual.as_ref()
    }

    fn file(
        &mut self,
        files: &[ServerConfig],
        at: usize,
        open: &mut Vec<Open>,
        read: &mut usize,
        reader: &mut Reader,
    ) {
        *read += 1;
        let piece = &files[at].text;
        let mut lines: VecDeque<(u32, String)> = lines(piece).collect();
        while let Some((line, mut text)) = lines.pop_front() {
            // A line goes on behind a backslash.
            while text.trim_end().ends_with('\\') {
                let Some((_, next)) = lines.pop_front() else {
                    break;
                };
                text.truncate(text.trim_end().len() - 1);
                text.push_str(&next);
            }
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let (key, value) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
            let setting = Setting {
                file: piece.name.clone(),
                line,
                key: key.to_owned(),
                between: ' ',
                value: value.trim().trim_matches('"').to_owned(),
            };
            if key.starts_with('<') {
                self.section(text, setting, open, reader);
                continue;
            }
            let scope = open.last().map_or(Scope::Main, |open| open.scope);
            let is_limits = self.in_limits(key, open);
            if key.eq_ignore_ascii_case("Include") {
                if scope == Scope::Other {
                    continue;
                }
                let included = included(files, &setting.value);
                if included.is_empty() {
                    reader.note(
                        &setting,
                        format!(
                            "{} is not here, so its settings are not used: give that file, too",
                            crate::mistake::quote(setting.value.as_bytes())
                        ),
                    );
                }
                for file in included {
                    match *read < MOST_FILES {
                        true => self.file(files, file, open, read, reader),
                        false => return,
                    }
                }
                continue;
            }
            reader.unknown(&setting, ServerProgram::Proftpd);
            if !is_limits {
                if open.last().is_some_and(|open| open.in_module) {
                    self.of_modules.insert(self.directives.len());
                }
                self.directives.push((scope, setting));
            }
        }
    }

    /// What stands in a `<Limit>`, however deep, is its own: whether this does.
    fn in_limits(&mut self, key: &str, open: &[Open]) -> bool {
        let is_within = open.last().is_some_and(|open| open.in_limit);
        if let (true, Some(limit)) = (is_within, self.limits.last_mut()) {
            limit.directives.push(key.to_owned());
        }
        is_within
    }

    /// `<VirtualHost 192.0.2.1>`, `</VirtualHost>`.
    fn section(&mut self, text: &str, at: Setting, open: &mut Vec<Open>, reader: &mut Reader) {
        let inner = text.trim_matches(['<', '>', ' ']);
        let name = inner.split_ascii_whitespace().next().unwrap_or_default();
        if let Some(closed) = name.strip_prefix('/') {
            if !open
                .last()
                .is_some_and(|open| open.name.eq_ignore_ascii_case(closed))
            {
                reader.mistake(
                    &at,
                    "closes a section that is not open",
                    "each <SECTION> has its </SECTION>, the last one opened first",
                );
                return;
            }
            open.pop();
            return;
        }
        let around = open.last().map_or(Scope::Main, |open| open.scope);
        // A section within one is not what is looked for.
        self.in_limits(name, open);
        let is_limit = name.eq_ignore_ascii_case("limit");
        if is_limit {
            let (_, commands) = inner.split_once(char::is_whitespace).unwrap_or_default();
            self.limits.push(Limit {
                scope: around,
                at: Setting {
                    key: "<Limit>".into(),
                    value: commands.trim().to_owned(),
                    ..at.clone()
                },
                directives: Vec::new(),
            });
        }
        let condition = inner.split_ascii_whitespace().nth(1).unwrap_or_default();
        let scope = match name.to_ascii_lowercase().as_str() {
            // Modules that are asked about are taken to be there.
            "ifmodule" if !condition.starts_with('!') => around,
            "ifdefine" | "ifversion" => {
                reader.note(
                    &at,
                    "it is not known here whether this applies, so its contents are ignored",
                );
                Scope::Other
            }
            "global" if around != Scope::Other => Scope::Global,
            "virtualhost" if self.first_virtual.is_none() => {
                self.first_virtual = Some(at);
                Scope::Virtual
            }
            _ => Scope::Other,
        };
        let within = open.last();
        open.push(Open {
            name: name.to_owned(),
            scope,
            in_limit: is_limit || within.is_some_and(|open| open.in_limit),
            in_module: name.eq_ignore_ascii_case("ifmodule")
                || within.is_some_and(|open| open.in_module),
        });
    }
}
