//! The byte order mark that Windows' editors and .NET put before text in UTF-8.

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A body's text without a byte order mark, and the byte of the body at which it begins.
pub(super) fn without_byte_order_mark(body: &[u8]) -> (&[u8], usize) {
    match body.strip_prefix(BYTE_ORDER_MARK) {
        Some(text) => (text, BYTE_ORDER_MARK.len()),
        None => (body, 0),
    }
}
