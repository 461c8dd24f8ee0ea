//! Suggestions for misspelled names: `did you mean mini_batch_size?`, and lists of the known names, best match first.
//!
//! Every error about an unknown hyperparameter, member, column or file takes its suggestion from here.

use std::fmt::Write as _;

/// Longer names get no suggestion: the comparison takes time in proportion to the product of the two lengths.
const MAX_LENGTH: usize = 64;
/// At most this many known names are compared; a table may have a hundred thousand columns.
const MAX_COMPARED: usize = 1024;
/// The most names in a message.
const MAX_LISTED: usize = 10;

/// The known name closest to `name`: it differs in at most a third of its letters, or the words of one are a subset of
/// the words of the other (`batch_size`, `mini_batch_size`). Case and the separators between words are ignored.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = Letters::of(name)?;
    let candidates = known.into_iter().take(MAX_COMPARED).filter(|candidate| *candidate != name);
    let rated = candidates.filter_map(|candidate| Some((wanted.distance(&Letters::of(candidate)?)?, candidate)));
    rated.min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

/// Whether `name` is `meant` with at most two letters wrong.
pub fn is_typo_of(name: &str, meant: &str) -> bool {
    name.len() <= MAX_LENGTH && strsim::osa_distance(&name.to_lowercase(), &meant.to_lowercase()) <= 2
}

/// `did you mean mini_batch_size? ` to put before what was expected, or an empty string when no known name is close.
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, known).map(|near| format!("did you mean {near}? ")).unwrap_or_default()
}

/// The known names as a message lists them: the closest one first, the others in their order, then how many are left
/// out.
pub fn listed<'a>(name: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    let near = nearest(name, known.clone());
    let others = known.into_iter().filter(|other| Some(*other) != near);
    let (mut list, mut count) = (String::new(), 0);
    for known in near.into_iter().chain(others) {
        count += 1;
        if count <= MAX_LISTED {
            let separator = if list.is_empty() { "" } else { ", " };
            let _ = write!(list, "{separator}{known}");
        }
    }
    match count {
        0 => "nothing".to_owned(),
        count if count > MAX_LISTED => format!("{list} and {} more", count - MAX_LISTED),
        _ => list,
    }
}

/// A name in lower case without separators, and its words.
struct Letters {
    letters: String,
    words: Vec<String>,
}

impl Letters {
    fn of(name: &str) -> Option<Letters> {
        if name.is_empty() || name.len() > MAX_LENGTH {
            return None;
        }
        let words: Vec<String> = name
            .split(|letter: char| !letter.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect();
        Some(Letters { letters: words.concat(), words }).filter(|letters| !letters.letters.is_empty())
    }

    /// The edit distance to another name, or `None` if the two have too little in common.
    fn distance(&self, other: &Letters) -> Option<usize> {
        let (own, others) = (self.letters.chars().count(), other.letters.chars().count());
        let distance = strsim::osa_distance(&self.letters, &other.letters);
        // A name that goes on with further words is as close as a typo: `houses` means `houses.csv`, not `house.csv`.
        if distance > 1 && self.letters.len() > 2 && other.words.starts_with(&self.words) {
            return Some(1);
        }
        // One of two letters may be wrong, two of six.
        if distance <= (own.max(others) / 3).max(usize::from(own > 1)) {
            return Some(distance);
        }
        let (few, many) = if self.words.len() < other.words.len() { (self, other) } else { (other, self) };
        let is_part = few.letters.len() > 2 && few.words.iter().all(|word| many.words.contains(word));
        is_part.then_some(distance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_a_missing_word_or_another_spelling_finds_the_name() {
        let known = ["epochs", "mini_batch_size", "learning_rate", "l1", "wd", "loss"];
        for (name, expected) in [
            ("mini_batchsize", Some("mini_batch_size")),
            ("minibatchsize", Some("mini_batch_size")),
            ("miniBatchSize", Some("mini_batch_size")),
            ("mini-batch-size", Some("mini_batch_size")),
            ("batch_size", Some("mini_batch_size")),
            ("epoch", Some("epochs")),
            ("epcohs", Some("epochs")),
            ("LOSS", Some("loss")),
            ("learning_rat", Some("learning_rate")),
            ("colour", None),
            ("x", None),
            ("", None),
            ("_", None),
        ] {
            assert_eq!(nearest(name, known), expected, "{name}");
        }
        assert_eq!(nearest(&"x".repeat(1 << 20), known), None);
        assert_eq!(did_you_mean("epoch", known), "did you mean epochs? ");
        assert_eq!(did_you_mean("colour", known), "");
    }

    #[test]
    fn a_name_that_goes_on_with_an_extension_is_closer_than_a_shorter_one() {
        assert_eq!(nearest("houses", ["house.csv", "houses.csv", "houses.rs"]), Some("houses.csv"));
        assert_eq!(nearest("model", ["modem", "model.tar.gz"]), Some("modem"));
    }

    #[test]
    fn a_list_starts_with_the_closest_name_and_is_cut() {
        assert_eq!(listed("los", ["a", "loss", "b"]), "loss, a, b");
        assert_eq!(listed("los", []), "nothing");
        let many: Vec<String> = (0..30).map(|number| format!("column{number}")).collect();
        let list = listed("columm29", many.iter().map(String::as_str));
        assert!(list.starts_with("column29, column0, ") && list.ends_with(" and 20 more"), "{list}");
    }
}
