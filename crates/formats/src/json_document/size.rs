//! What a document takes in memory, told by its text before it is read.

use super::Node;

/// The bytes that a document becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// As a tree.
    pub tree: usize,
    /// What the longest list of the tree takes beside its items while it grows.
    pub growth: usize,
    /// As what is read from the tree: at most a number of eight bytes, or a text, for each of its values.
    pub typed: usize,
    /// How many bytes its longest text has.
    pub longest_text: usize,
}

impl Size {
    /// Reckons by the commas, colons and brackets outside of texts, and by the texts' lengths: text that is no JSON becomes less.
    pub fn of(json: &[u8]) -> Size {
        let (mut values, mut members, mut lists, mut text, mut texts) = (1usize, 0usize, 0usize, 0usize, 0usize);
        let (mut longest, mut longest_text) = (0usize, 0usize);
        let mut list = 0usize;
        let mut rest = json.iter();
        while let Some(byte) = rest.next() {
            match byte {
                b'"' => {
                    texts += 1;
                    let before = text;
                    while let Some(byte) = rest.next() {
                        match byte {
                            b'"' => break,
                            b'\\' => {
                                rest.next();
                                text += 1;
                            }
                            _ => text += 1,
                        }
                    }
                    longest_text = longest_text.max(text - before);
                }
                b',' => {
                    values += 1;
                    list += 1;
                    longest = longest.max(list);
                }
                b'[' | b'{' => {
                    values += 1;
                    lists += 1;
                    list = 0;
                }
                b']' | b'}' => list = 0,
                b':' => members += 1,
                _ => {}
            }
        }
        // A member has its name beside its value. A list doubles its room as it grows, and is copied then, and at its end.
        let node = size_of::<Node>();
        let tree = (values + lists) * node + members * size_of::<String>() + text;
        let room = longest.next_power_of_two();
        let growth = room.max(room + room / 2 - longest) * node;
        // A text of a type is a `String`, a number eight bytes, and an object some hundred of its fields.
        let numbers = values.saturating_sub(texts).saturating_sub(lists);
        let typed = numbers * size_of::<f64>() + texts * size_of::<String>() + text + lists * 64;
        Size { tree, growth, typed, longest_text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_reckoned_by_its_values_and_texts() {
        let digits = Size::of(format!("[{}0]", "0,".repeat(999)).as_bytes());
        assert!((1000 * 24..1100 * 24).contains(&digits.tree), "{digits:?}");
        assert_eq!(digits.growth, 1024 * 24);
        assert!((1000 * 8..1020 * 8).contains(&digits.typed), "{digits:?}");
        let long = Size::of(format!("[{}0]", "0.12345678901234567,".repeat(999)).as_bytes());
        assert_eq!(long, digits);
        let text = Size::of(br#"["a,b:[{\"c", "d"]"#);
        assert!(text.tree < 24 * 5 + 20, "{text:?}");
        assert_eq!(text.longest_text, 8);
        Size::of(br#"{"a": "\"#);
    }
}
