//! The names of columns while a model is built: handed from step to step, and looked up by name.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::ops::Deref;
use std::rc::Rc;

/// Names in order. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct ColumnNames<'t>(Rc<Inner<'t>>);

#[derive(Debug)]
struct Inner<'t> {
    names: Vec<&'t str>,
    /// The first position of each name; created on its first use.
    positions: OnceCell<HashMap<&'t str, usize>>,
}

impl<'t> ColumnNames<'t> {
    /// The bytes of `count` names, without the table of their positions.
    pub(crate) fn bytes(count: usize) -> usize {
        count.saturating_mul(size_of::<&str>())
    }

    /// The bytes of the table by which [`ColumnNames::position`] finds `count` names. Its first use makes the table.
    pub(crate) fn table_bytes(count: usize) -> usize {
        count.saturating_mul(2 * (size_of::<(&str, usize)>() + 1))
    }

    /// Names in order.
    pub(crate) fn new(names: Vec<&'t str>) -> ColumnNames<'t> {
        ColumnNames(Rc::new(Inner { names, positions: OnceCell::new() }))
    }

    /// The first position of a name.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        const FEW: usize = 8;
        if self.len() <= FEW {
            return self.iter().position(|own| *own == name);
        }
        let positions = self.0.positions.get_or_init(|| {
            let mut positions = HashMap::with_capacity(self.len());
            for (position, name) in self.iter().enumerate() {
                positions.entry(*name).or_insert(position);
            }
            positions
        });
        positions.get(name).copied()
    }

    /// Whether both are the same names in memory.
    pub(crate) fn is_same(&self, other: &ColumnNames<'_>) -> bool {
        std::ptr::eq(self.0.names.as_ptr(), other.0.names.as_ptr()) && self.len() == other.len()
    }
}

impl<'t> Deref for ColumnNames<'t> {
    type Target = [&'t str];

    fn deref(&self) -> &[&'t str] {
        &self.0.names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_at_its_first_position() {
        let many: Vec<String> = (0..100).map(|number| format!("c{}", number % 60)).collect();
        for length in [0, 5, 100] {
            let names = ColumnNames::new(many.iter().take(length).map(String::as_str).collect());
            for wanted in many.iter().map(String::as_str).chain(["x"]) {
                assert_eq!(names.position(wanted), names.iter().position(|own| *own == wanted), "{length} {wanted}");
            }
        }
    }
}
