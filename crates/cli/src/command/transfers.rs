use std::str::FromStr;

use fwlab_record::{Axes, DataSetup, Protection};

/// Some transfers, in words: `passive`, `explicit/port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Transfers {
    protection: Option<Protection>,
    data: Vec<DataSetup>,
}

impl Transfers {
    /// Whether a cell is one of them.
    pub(super) fn has(&self, axes: &Axes) -> bool {
        self.protection
            .is_none_or(|protection| protection == axes.protection)
            && self.data.contains(&axes.data)
    }
}

impl FromStr for Transfers {
    type Err = String;

    fn from_str(text: &str) -> Result<Transfers, String> {
        let (protection, data) = match text.split_once('/') {
            None => (None, text),
            Some((protection, data)) => {
                let known = protection.parse::<Protection>().map_err(|_| {
                    let words: Vec<&str> = Protection::ALL.iter().map(|one| one.word()).collect();
                    format!("`{protection}` is none of {}", words.join(", "))
                })?;
                (Some(known), data)
            }
        };
        let all = || DataSetup::ALL.iter().copied();
        let data = match data {
            "all" => all().collect(),
            "active" => all().filter(|setup| setup.is_active()).collect(),
            "passive" => all().filter(|setup| !setup.is_active()).collect(),
            word => vec![word.parse::<DataSetup>().map_err(|_| {
                let words: Vec<&str> = all().map(DataSetup::word).collect();
                format!(
                    "`{word}` is none of all, active, passive, {}",
                    words.join(", ")
                )
            })?],
        };
        Ok(Transfers { protection, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_name_transfers() {
        let read = |text: &str| text.parse::<Transfers>();
        let passive = read("explicit/passive").expect("it is right");
        assert_eq!(passive.protection, Some(Protection::Explicit));
        assert_eq!(passive.data, [DataSetup::Pasv, DataSetup::Epsv]);
        assert_eq!(read("all").expect("it is right").data.len(), 4);
        assert_eq!(
            read("tls/port").expect_err("no such word"),
            "`tls` is none of plain, explicit, implicit, ccc"
        );
        assert!(
            read("psv")
                .expect_err("no such word")
                .contains("passive, port, eprt, pasv, epsv")
        );
    }
}
