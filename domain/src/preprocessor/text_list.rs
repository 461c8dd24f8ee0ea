//! Many short texts in two allocations.

/// An immutable list of texts.
#[derive(Debug, Default)]
pub(super) struct TextList {
    text: Box<str>,
    ends: Box<[u32]>,
}

impl TextList {
    /// The texts in order. `None` when together they are longer than 4 GiB.
    pub(super) fn new<'t>(texts: impl IntoIterator<Item = &'t str>) -> Option<TextList> {
        let mut all = String::new();
        let mut ends = Vec::new();
        for text in texts {
            all.push_str(text);
            ends.push(u32::try_from(all.len()).ok()?);
        }
        Some(TextList { text: all.into(), ends: ends.into() })
    }

    /// How many texts.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// One text.
    pub(super) fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)?;
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.text.get(start as usize..end as usize)
    }

    /// All texts in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map_while(|index| self.get(index))
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        self.text.len() + size_of_val(&*self.ends)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_in_order_and_empty_ones_count() {
        let list = TextList::new(["a", "", "déjà"]).unwrap();
        assert_eq!(list.iter().collect::<Vec<_>>(), ["a", "", "déjà"]);
        assert_eq!(list.get(3), None);
        assert_eq!(list.heap_bytes(), 7 + 12);
    }
}
