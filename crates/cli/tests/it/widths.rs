//! What `explain` prints is as wide as the terminal: from 40 columns, where what happened stands one below the other, each with its node.

use fwlab_explain::timeline;
use fwlab_record::CellRecord;

use crate::pictures::REPORT;

/// The timeline of the kept report's first cell, of which no line is wider.
#[track_caller]
fn told(width: usize) -> String {
    let line = REPORT.lines().next().expect("a cell");
    let record: CellRecord = serde_json::from_str(line).expect("a record");
    let lines = timeline(&record, width);
    for line in &lines {
        assert!(line.chars().count() <= width, "{width}: {line}");
    }
    lines.join("\n")
}

#[test]
fn a_timeline_of_40_columns_has_its_nodes_in_words() {
    insta::assert_snapshot!(told(40), @r#"
       20.768  1    client: sends SYN
                      10.77.0.2:36074 →
                      10.77.0.1:21
       20.900  2    server: gets SYN
                      10.77.0.2:36074 →
                      10.77.0.1:21
       20.915  3    server: sends SYN+ACK
                      10.77.0.1:21 →
                      10.77.0.2:36074
       21.003  5    server: new connection
                      10.77.0.2:36074 →
                      10.77.0.1:21
       21.804  8    client: gets SYN+ACK
                      10.77.0.1:21 →
                      10.77.0.2:36074
       23.344  12   server: ‹ 220 (vsFTPd
                      3.0.3)
       23.373  14   client: › USER
                      anonymous
       24.354  22   server: ‹ 331 Please
                      specify the password.
       24.358  23   client: › PASS ***
       24.966  24   server: ‹ 230 Login
                      successful.
       24.985  25   client: › PWD
       27.184  30   server: ‹ 257
                      "/files/root" is the
                      current directory
       27.188  31   client: › PASV
       27.728  32   server: ‹ 227 Entering
                      Passive Mode
                      (10,77,0,1,153,66).
       27.728  32   client: 227 announces
                      10.77.0.1:39234
       27.850  34   client: sends SYN
                      10.77.0.2:40620 →
                      10.77.0.1:39234
       27.899  37   server: gets SYN
                      10.77.0.2:40620 →
                      10.77.0.1:39234
    ▶  27.884  35   server: ✗ server:
                      policy of
                      ipv4/filter/INPUT
                      (line 7) `-P INPUT
                      DROP` stopped SYN
                      10.77.0.2:40620 →
                      10.77.0.1:39234 (NEW)
       28.303  38   client: sent again, as
                      TCP would: SYN
                      10.77.0.2:40620 →
                      10.77.0.1:39234
       28.561  39   client: sends SYN
                      10.77.0.2:40620 →
                      10.77.0.1:39234
       28.626  41   server: gets SYN
                      10.77.0.2:40620 →
                      10.77.0.1:39234
       28.642  42   server: ✗ server:
                      policy of
                      ipv4/filter/INPUT
                      (line 7) `-P INPUT
                      DROP` stopped SYN
                      10.77.0.2:40620 →
                      10.77.0.1:39234 (NEW)
       29.212  44   client: ended the
                      waiting socket
                      10.77.0.2:40620 →
                      10.77.0.1:39234
       29.404  45   client: sends FIN+ACK
                      10.77.0.2:36074 →
                      10.77.0.1:21
       29.693  46   client: gets FIN+ACK
                      10.77.0.1:21 →
                      10.77.0.2:36074
       34.352  54   server: no expectation,
                      though 227 announces
                      10.77.0.1:39234: no
                      conntrack helper is
                      assigned to the
                      control connection
    "#);
}

#[test]
fn a_timeline_of_80_columns_has_a_column_for_each_node() {
    insta::assert_snapshot!(told(80), @r#"
          ms  no.   client                          server
       20.768  1    sends SYN 10.77.0.2:36074 → 10.77.0.1:21
       20.900  2                                    gets SYN 10.77.0.2:36074 →
                                                      10.77.0.1:21
       20.915  3                                    sends SYN+ACK 10.77.0.1:21 →
                                                      10.77.0.2:36074
       21.003  5                                    new connection 10.77.0.2:36074
                                                      → 10.77.0.1:21
       21.804  8    gets SYN+ACK 10.77.0.1:21 → 10.77.0.2:36074
       23.344  12                                   ‹ 220 (vsFTPd 3.0.3)
       23.373  14   › USER anonymous
       24.354  22                                   ‹ 331 Please specify the
                                                      password.
       24.358  23   › PASS ***
       24.966  24                                   ‹ 230 Login successful.
       24.985  25   › PWD
       27.184  30                                   ‹ 257 "/files/root" is the
                                                      current directory
       27.188  31   › PASV
       27.728  32                                   ‹ 227 Entering Passive Mode
                                                      (10,77,0,1,153,66).
       27.728  32   227 announces 10.77.0.1:39234
       27.850  34   sends SYN 10.77.0.2:40620 → 10.77.0.1:39234
       27.899  37                                   gets SYN 10.77.0.2:40620 →
                                                      10.77.0.1:39234
    ▶  27.884  35                                   ✗ server: policy of
                                                      ipv4/filter/INPUT (line 7)
                                                      `-P INPUT DROP` stopped SYN
                                                      10.77.0.2:40620 →
                                                      10.77.0.1:39234 (NEW)
       28.303  38   sent again, as TCP would: SYN 10.77.0.2:40620 →
                      10.77.0.1:39234
       28.561  39   sends SYN 10.77.0.2:40620 → 10.77.0.1:39234
       28.626  41                                   gets SYN 10.77.0.2:40620 →
                                                      10.77.0.1:39234
       28.642  42                                   ✗ server: policy of
                                                      ipv4/filter/INPUT (line 7)
                                                      `-P INPUT DROP` stopped SYN
                                                      10.77.0.2:40620 →
                                                      10.77.0.1:39234 (NEW)
       29.212  44   ended the waiting socket 10.77.0.2:40620 → 10.77.0.1:39234
       29.404  45   sends FIN+ACK 10.77.0.2:36074 → 10.77.0.1:21
       29.693  46   gets FIN+ACK 10.77.0.1:21 → 10.77.0.2:36074
       34.352  54                                   no expectation, though 227
                                                      announces 10.77.0.1:39234: no
                                                      conntrack helper is assigned
                                                      to the control connection
    "#);
}

#[test]
fn a_timeline_of_120_columns_breaks_no_line_of_the_dialogue() {
    insta::assert_snapshot!(told(120), @r#"
          ms  no.   client                                              server
       20.768  1    sends SYN 10.77.0.2:36074 → 10.77.0.1:21
       20.900  2                                                        gets SYN 10.77.0.2:36074 → 10.77.0.1:21
       20.915  3                                                        sends SYN+ACK 10.77.0.1:21 → 10.77.0.2:36074
       21.003  5                                                        new connection 10.77.0.2:36074 → 10.77.0.1:21
       21.804  8    gets SYN+ACK 10.77.0.1:21 → 10.77.0.2:36074
       23.344  12                                                       ‹ 220 (vsFTPd 3.0.3)
       23.373  14   › USER anonymous
       24.354  22                                                       ‹ 331 Please specify the password.
       24.358  23   › PASS ***
       24.966  24                                                       ‹ 230 Login successful.
       24.985  25   › PWD
       27.184  30                                                       ‹ 257 "/files/root" is the current directory
       27.188  31   › PASV
       27.728  32                                                       ‹ 227 Entering Passive Mode (10,77,0,1,153,66).
       27.728  32   227 announces 10.77.0.1:39234
       27.850  34   sends SYN 10.77.0.2:40620 → 10.77.0.1:39234
       27.899  37                                                       gets SYN 10.77.0.2:40620 → 10.77.0.1:39234
    ▶  27.884  35                                                       ✗ server: policy of ipv4/filter/INPUT (line 7) `-P
                                                                          INPUT DROP` stopped SYN 10.77.0.2:40620 →
                                                                          10.77.0.1:39234 (NEW)
       28.303  38   sent again, as TCP would: SYN 10.77.0.2:40620 →
                      10.77.0.1:39234
       28.561  39   sends SYN 10.77.0.2:40620 → 10.77.0.1:39234
       28.626  41                                                       gets SYN 10.77.0.2:40620 → 10.77.0.1:39234
       28.642  42                                                       ✗ server: policy of ipv4/filter/INPUT (line 7) `-P
                                                                          INPUT DROP` stopped SYN 10.77.0.2:40620 →
                                                                          10.77.0.1:39234 (NEW)
       29.212  44   ended the waiting socket 10.77.0.2:40620 → 10.77.0.1:39234
       29.404  45   sends FIN+ACK 10.77.0.2:36074 → 10.77.0.1:21
       29.693  46   gets FIN+ACK 10.77.0.1:21 → 10.77.0.2:36074
       34.352  54                                                       no expectation, though 227 announces
                                                                          10.77.0.1:39234: no conntrack helper is assigned
                                                                          to the control connection
    "#);
}

/// Also the way through the rules, and lines of TLS.
#[test]
fn no_width_is_too_narrow_for_the_way_to_the_rule_that_decided() {
    let mut told = 0;
    for line in include_str!("../../../record/tests/it/version-2.jsonl").lines() {
        let record: CellRecord = serde_json::from_str(line).expect("a record");
        for width in [40, 80, 120] {
            let lines = timeline(&record, width);
            for line in &lines {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
            let words = lines.join(" ");
            let words: Vec<&str> = words.split_whitespace().collect();
            let way = "walked, by the rules that it matched: ipv4/filter/INPUT:";
            told += usize::from(words.join(" ").contains(way));
        }
    }
    assert!(told >= 3, "{told}");
}
