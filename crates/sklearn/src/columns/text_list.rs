//! Many short texts in two allocations.

use byoc_formats::pickle::ArrayView;
use std::sync::Arc;

/// An immutable list of texts.
#[derive(Debug)]
pub(crate) enum TextList {
    /// One after the other, with their ends.
    Packed { text: Box<str>, ends: Box<[u32]> },
    /// Texts that are shared with other lists of the model.
    Shared(Box<[Arc<str>]>),
}

impl Default for TextList {
    fn default() -> TextList {
        TextList::Packed { text: "".into(), ends: [].into() }
    }
}

impl TextList {
    /// The bytes of `count` texts that have `bytes` bytes together.
    pub(crate) fn bytes(count: usize, bytes: usize) -> usize {
        bytes.saturating_add(count.saturating_mul(size_of::<u32>()))
    }

    /// `count` texts in order, of `bytes` bytes. `None` when together they are longer than 4 GiB.
    pub(crate) fn packed<'t>(texts: impl Iterator<Item = &'t str>, count: usize, bytes: usize) -> Option<TextList> {
        let mut all = String::with_capacity(bytes);
        let mut ends = Vec::with_capacity(count);
        for text in texts {
            all.push_str(text);
            ends.push(u32::try_from(all.len()).ok()?);
        }
        Some(TextList::Packed { text: all.into(), ends: ends.into() })
    }

    /// The `count` texts of an array, of `bytes` bytes. `None` if together they are longer than 4 GiB, or if one is not
    /// text.
    pub(crate) fn of_array(array: ArrayView<'_>, count: usize, bytes: usize) -> Option<TextList> {
        let mut all = String::with_capacity(bytes);
        let mut ends = Vec::with_capacity(count);
        let read = array.each_text(|text| {
            all.push_str(text);
            ends.push(u32::try_from(all.len()).ok());
        });
        read.ok()?;
        let ends = ends.into_iter().collect::<Option<Box<[u32]>>>()?;
        Some(TextList::Packed { text: all.into(), ends })
    }

    /// Texts that are shared with others.
    pub(crate) fn shared(texts: Vec<Arc<str>>) -> TextList {
        TextList::Shared(texts.into())
    }

    /// How many texts.
    pub(crate) fn len(&self) -> usize {
        match self {
            TextList::Packed { ends, .. } => ends.len(),
            TextList::Shared(texts) => texts.len(),
        }
    }

    /// One text.
    pub(crate) fn get(&self, index: usize) -> Option<&str> {
        match self {
            TextList::Packed { text, ends } => {
                let end = *ends.get(index)?;
                let start = index.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
                text.get(start as usize..end as usize)
            }
            TextList::Shared(texts) => texts.get(index).map(|text| &**text),
        }
    }

    /// All texts in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map_while(|index| self.get(index))
    }
}

#[cfg(test)]
impl TextList {
    /// The texts in order.
    pub(crate) fn of<'t>(texts: impl IntoIterator<Item = &'t str>) -> TextList {
        TextList::packed(texts.into_iter(), 0, 0).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_returned_in_order_including_empty_ones() {
        let shared = TextList::shared(["a", "", "déjà"].map(Arc::from).into());
        for list in [TextList::of(["a", "", "déjà"]), shared] {
            assert_eq!(list.iter().collect::<Vec<_>>(), ["a", "", "déjà"]);
            assert_eq!(list.get(3), None);
        }
        assert_eq!(TextList::bytes(3, 7), 7 + 12);
    }
}
