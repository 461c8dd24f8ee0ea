//! Arrays and scalars of each dtype, byte order and memory order, from plain pickles.

use byoc_account::Allowance;
use proptest::prelude::*;

use super::*;
use crate::testing::SCIKIT_LEARN;

/// `numpy.dtype(code)`, with a byte order.
fn dtype(code: &str, order: u8) -> Vec<u8> {
    let state = [b'(', b'K', 3, 0x8C, 1, order, b'N', b'N', b'N', b'K', 0, b'K', 0, b'K', 0, b't', b'b'];
    [b"cnumpy\ndtype\n\x8c", &[code.len() as u8][..], code.as_bytes(), b"\x85R", &state].concat()
}

/// A tree that is an array, as a plain pickle has it.
fn array(code: &str, order: u8, shape: &[usize], fortran: bool, bytes: &[u8]) -> Tree {
    let lengths: Vec<u8> = shape.iter().flat_map(|length| [b'K', *length as u8]).collect();
    let program: [&[u8]; 9] = [
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\0\x85C\x01btR(K\x01(",
        &lengths[..],
        b"t",
        &dtype(code, order),
        if fortran { b"\x88" } else { b"\x89" },
        b"B",
        &(bytes.len() as u32).to_le_bytes(),
        bytes,
        b"tb.",
    ];
    read(program.concat(), SCIKIT_LEARN, &Allowance::unbounded()).unwrap()
}

/// The tree of `scalar(dtype, bytes)`.
fn scalar(code: &str, order: u8, bytes: &[u8]) -> Tree {
    let call =
        [b"cnumpy.core.multiarray\nscalar\n(", &dtype(code, order)[..], b"C", &[bytes.len() as u8], bytes, b"tR."];
    read(call.concat(), SCIKIT_LEARN, &Allowance::unbounded()).unwrap()
}

#[test]
fn numbers_of_each_dtype_and_byte_order_are_read() {
    // (code, little-endian bytes, value)
    let cases: [(&str, &[u8], f64); 14] = [
        ("f8", &1.1f64.to_le_bytes(), 1.1),
        ("f4", &1.1f32.to_le_bytes(), 1.100000023841858),
        ("f2", &[0x00, 0x3C], 1.0),
        ("f2", &[0xFF, 0x7B], 65504.0),
        ("f2", &[0x01, 0x80], -5.960464477539063e-8),
        ("i8", &(-2i64).to_le_bytes(), -2.0),
        ("i4", &i32::MIN.to_le_bytes(), -2147483648.0),
        ("i2", &(-300i16).to_le_bytes(), -300.0),
        ("i1", &[0x80], -128.0),
        ("u8", &u64::MAX.to_le_bytes(), 18446744073709551615.0),
        ("u4", &u32::MAX.to_le_bytes(), 4294967295.0),
        ("u2", &[0x01, 0x02], 513.0),
        ("u1", &[0xFF], 255.0),
        ("b1", &[1], 1.0),
    ];
    for (code, little, expected) in cases {
        let big: Vec<u8> = little.iter().rev().copied().collect();
        for (order, bytes) in [(b'<', little), (b'>', &big[..])] {
            let tree = array(code, order, &[1], false, bytes);
            assert_eq!(tree.root().as_array().unwrap().to_f64().unwrap(), [expected], "{code} {}", order as char);
            let tree = scalar(code, order, bytes);
            let value = tree.root().as_number();
            assert!(value == Some(expected) || tree.root().describe() == "a large integer", "{code}: {value:?}");
        }
    }
}

#[test]
fn half_floats_that_are_not_finite_stay_not_finite() {
    let tree = array("f2", b'<', &[3], false, &[0x00, 0x7C, 0x00, 0xFC, 0x01, 0x7C]);
    let values = tree.root().as_array().unwrap().to_f64().unwrap();
    assert_eq!(values[..2], [f64::INFINITY, f64::NEG_INFINITY]);
    assert!(values[2].is_nan());
}

#[test]
fn integers_are_read_exactly_and_refused_beyond_i64() {
    let large = (1i64 << 53) + 1;
    let tree = array("i8", b'>', &[2], false, &[large.to_be_bytes(), (-large).to_be_bytes()].concat());
    assert_eq!(tree.root().as_array().unwrap().to_i64().unwrap(), [large, -large]);
    let tree = array("u8", b'<', &[1], false, &u64::MAX.to_le_bytes());
    assert!(tree.root().as_array().unwrap().to_i64().is_err());
    let tree = array("f8", b'<', &[1], false, &1f64.to_le_bytes());
    assert!(tree.root().as_array().unwrap().to_i64().is_err());
}

#[test]
fn text_and_bytes_are_read_without_their_padding_in_each_byte_order() {
    let little: Vec<u8> = "é\u{1F600}\0b".chars().flat_map(|unit| (unit as u32).to_le_bytes()).collect();
    let big: Vec<u8> = "é\u{1F600}\0b".chars().flat_map(|unit| (unit as u32).to_be_bytes()).collect();
    for (order, bytes) in [(b'<', little), (b'>', big)] {
        let tree = array("U2", order, &[2], false, &bytes);
        let view = tree.root().as_array().unwrap();
        assert_eq!(view.to_text().unwrap(), ["é\u{1F600}", "\0b"], "{}", order as char);
        assert!(view.to_f64().is_err() && view.to_bytes().is_err());
        assert_eq!(scalar("U2", order, &bytes[..8]).root().as_str(), Some("é\u{1F600}"));
    }
    let tree = array("S3", b'|', &[3], false, b"ab\0\0c\0\0\0\0");
    assert_eq!(tree.root().as_array().unwrap().to_bytes().unwrap(), [&b"ab"[..], b"\0c", b""]);
    assert_eq!(scalar("S3", b'|', b"ab\0").root().as_bytes(), Some(&b"ab"[..]));
    let surrogate = array("U1", b'<', &[1], false, &0xD800u32.to_le_bytes());
    assert!(surrogate.root().as_array().unwrap().to_text().is_err());
}

#[test]
fn an_array_without_dimensions_has_one_item_and_one_with_a_zero_none() {
    let tree = array("f8", b'<', &[], false, &2.5f64.to_le_bytes());
    let view = tree.root().as_array().unwrap();
    assert_eq!((view.len(), view.shape()), (1, &[][..]));
    assert_eq!(view.to_f64().unwrap(), [2.5]);
    for fortran in [false, true] {
        let tree = array("f8", b'<', &[3, 0], fortran, &[]);
        let view = tree.root().as_array().unwrap();
        assert!(view.is_empty() && view.to_f64().unwrap().is_empty());
    }
    let tree = array("U0", b'<', &[0], false, &[]);
    assert!(tree.root().as_array().unwrap().to_text().unwrap().is_empty());
}

proptest! {
    /// Reference implementation: the place of each item from its index along each axis.
    #[test]
    fn column_major_items_come_out_in_row_major_order(shape in proptest::collection::vec(1..5usize, 0..5)) {
        let count: usize = shape.iter().product();
        let stored: Vec<u8> = (0..count as u32).flat_map(u32::to_le_bytes).collect();
        let expected: Vec<i64> = (0..count)
            .map(|row_major| {
                let (mut rest, mut index) = (row_major, vec![0; shape.len()]);
                for axis in (0..shape.len()).rev() {
                    index[axis] = rest % shape[axis];
                    rest /= shape[axis];
                }
                (0..shape.len()).map(|axis| index[axis] * shape[..axis].iter().product::<usize>()).sum::<usize>() as i64
            })
            .collect();
        let tree = array("u4", b'<', &shape, true, &stored);
        prop_assert_eq!(tree.root().as_array().unwrap().to_i64().unwrap(), expected);
        let tree = array("u4", b'<', &shape, false, &stored);
        prop_assert_eq!(tree.root().as_array().unwrap().to_i64().unwrap(), (0..count as i64).collect::<Vec<_>>());
    }
}
