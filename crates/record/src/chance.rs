use crate::words;

words! {
    /// What an outcome rests on beside the rules: the same cell may come to another the next time.
    pub enum Chance {
        /// Which port a peer picked for the data connection: the rules tell some of those that it picks from, from the rest.
        DataPort,
        /// Which port the kernel picked for the side that opened a connection: the rules tell some of those that it picks
        /// from, from the rest.
        SourcePort,
        /// Which segments of the data carried PSH, where TCP had no more to send at that moment: a rule decides by it.
        Push,
        /// Whether a program was told of an ICMP error that came in when its connection was just open: only if it asked
        /// later than that how its connect had ended.
        LateError,
        /// A rule that decides by chance, as `-m statistic` does.
        Rule,
    }
}
