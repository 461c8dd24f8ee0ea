//! How much memory a document takes once it is read, estimated from its text.

/// The bytes that a document takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// The values that are read from it: a number of eight bytes, or a text, for each.
    pub typed: usize,
    /// The memory of its longest list beside its items while it grows.
    pub growth: usize,
    /// The number of bytes of its longest text.
    pub longest_text: usize,
}

impl Size {
    /// Estimates by the commas and brackets outside of texts, and by the lengths of the texts.
    pub fn of(json: &[u8]) -> Size {
        let (mut values, mut lists, mut text, mut texts) = (1usize, 0usize, 0usize, 0usize);
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
                _ => {}
            }
        }
        // A list doubles its capacity as it grows, and is copied then. Its items are texts or numbers.
        let capacity = longest.next_power_of_two();
        let growth = capacity.max(capacity + capacity / 2 - longest) * size_of::<String>();
        // A text is a `String`, a number has eight bytes, and an object some 64 bytes besides its values.
        let numbers = values.saturating_sub(texts).saturating_sub(lists);
        let typed = numbers * size_of::<f64>() + texts * size_of::<String>() + text + lists * 64;
        Size { typed, growth, longest_text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_estimated_by_its_values_and_texts() {
        let digits = Size::of(format!("[{}0]", "0,".repeat(999)).as_bytes());
        assert_eq!(digits.growth, 1024 * 24);
        assert!((1000 * 8..1020 * 8).contains(&digits.typed), "{digits:?}");
        let long = Size::of(format!("[{}0]", "0.12345678901234567,".repeat(999)).as_bytes());
        assert_eq!(long, digits);
        let text = Size::of(br#"["a,b:[{\"c", "d"]"#);
        assert!(text.typed < 24 * 3 + 64 + 20, "{text:?}");
        assert_eq!(text.longest_text, 8);
        Size::of(br#"{"a": "\"#);
    }
}
