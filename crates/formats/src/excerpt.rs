//! Pieces of a body or file in error messages.

/// The text in quotes, cut after 40 characters; `nothing` for an empty one.
pub(crate) fn excerpt(text: &[u8]) -> String {
    const MAX_LENGTH: usize = 40;
    if text.is_empty() {
        return "nothing".to_owned();
    }
    let text = String::from_utf8_lossy(text);
    match text.char_indices().nth(MAX_LENGTH) {
        Some((end, _)) => format!("{:?}...", text.get(..end).unwrap_or_default()),
        None => format!("{text:?}"),
    }
}
