//! Programs that no pickler writes, composed opcode by opcode: each is refused before it takes memory or time.

use crate::testing::SCIKIT_LEARN;
use byoc_account::Allowance;
use std::io::Write;
use std::time::Duration;

use super::read;

/// Reads a program that must be refused quickly, with a message that contains `expected`.
#[track_caller]
fn assert_refused(program: impl Into<Vec<u8>>, expected: &str) {
    let program = program.into();
    let started = time_of_this_thread();
    let error =
        read(program, SCIKIT_LEARN, &Allowance::unbounded()).map(|_| ()).expect_err("the program was read").to_string();
    let taken = time_of_this_thread() - started;
    assert!(error.contains(expected), "{error}");
    assert!(taken < Duration::from_secs(1), "{taken:?}");
}

/// The CPU time of this thread. Available on Linux only.
fn time_of_this_thread() -> Duration {
    // The first number is nanoseconds on a processor (docs.kernel.org/scheduler/sched-stats.html).
    if !cfg!(target_os = "linux") {
        return Duration::ZERO;
    }
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(statistics.split(' ').next().unwrap().parse().unwrap())
}

/// `numpy.dtype(code)`
fn dtype(code: &str) -> Vec<u8> {
    [b"cnumpy\ndtype\nX", &(code.len() as u32).to_le_bytes()[..], code.as_bytes(), b"\x85R"].concat()
}

/// `_reconstruct(ndarray, (0,), b"b")`
const EMPTY_ARRAY: &[u8] = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\0\x85C\x01btR";

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(plain).unwrap();
    packed.finish().unwrap()
}

#[test]
fn only_listed_names_may_be_called_and_only_listed_classes_instantiated() {
    assert_refused(*b"csklearn.pipeline\nPipeline\n)R.", "sklearn.pipeline.Pipeline may be named, but not called");
    assert_refused(*b"cnumpy\nlog1p\n(K\x01tR.", "numpy.log1p may be named, but not called");
    assert_refused(*b"cnumpy\nndarray\n)\x81.", "numpy.ndarray may be named, but not made an object of");
    assert_refused(*b"cbuiltins\nslice\n)\x81.", "builtins.slice may be named, but not made an object of");
    assert_refused(*b"csklearn.pipeline\nPipeline\nN\x85\x81.", "expected an empty tuple");
    assert_refused(*b"ccopyreg\n_reconstructor\n(cos\nsystem\nNNtR.", "os.system");
    assert_refused(*b"ccopyreg\n_reconstructor\n(csklearn.pipeline\nPipeline\ncbuiltins\ndict\n}tR.", "another class");
    assert_refused(*b"cnumpy.core\n_ufunc_reconstruct\n(\x8c\x02os\x8c\x06systemtR.", "is not supported");
    assert_refused(*b"c_codecs\nencode\n(\x8c\x01a\x8c\x05rot13tR.", "other than latin1");
    assert_refused([b"c", &b"a".repeat(300)[..], b"\nb\n."].concat(), "not text of at most");
}

#[test]
fn a_state_must_fit_its_object_and_is_set_once() {
    assert_refused(*b"csklearn.pipeline\nPipeline\n)\x81}b}b.", "given a state twice");
    assert_refused(*b"csklearn.pipeline\nPipeline\n)\x81}K\x01Nsb.", "an integer as the name of an attribute");
    assert_refused(*b"csklearn.pipeline\nPipeline\n)\x81]b.", "found a list");
    assert_refused(*b"}}b.", "a state is given to a dict");
    assert_refused([dtype("f8"), b"(K\x03\x8c\x01?NNNK\0K\0K\0tb.".to_vec()].concat(), "byte order");
    assert_refused([dtype("f8"), b"(K\x03\x8c\x01<\x8c\x01xNNK\0K\0K\0tb.".to_vec()].concat(), "records");
    assert_refused([dtype("f8"), b"(K\x03tb.".to_vec()].concat(), "has 1 items; expected 8");
}

#[test]
fn dtypes_that_no_prediction_needs_are_refused() {
    for code in [
        "M8",
        "m8[ns]",
        "c16",
        "f16",
        "V8",
        "g",
        "f3",
        "i16",
        "b2",
        "U-1",
        "U99999999999",
        "",
        "<",
        ">",
        "é8",
        "f8,f8",
        "U 3",
    ] {
        assert_refused([dtype(code), b".".to_vec()].concat(), "not supported");
    }
    for code in ["b1", "i1", "u8", "f2", "<f4", ">f8", "U0", "S12", "O", "O8", "|b1"] {
        assert!(read([dtype(code), b".".to_vec()].concat(), SCIKIT_LEARN, &Allowance::unbounded()).is_ok(), "{code}");
    }
}

#[test]
fn an_array_and_its_bytes_agree() {
    let state =
        |shape: &[u8], items: &[u8]| [EMPTY_ARRAY, b"(K\x01", shape, &dtype("f8"), b"\x89", items, b"tb."].concat();
    assert!(read(state(b"K\x01\x85", b"C\x0812345678"), SCIKIT_LEARN, &Allowance::unbounded()).is_ok());
    assert!(read(state(b")", b"C\x0812345678"), SCIKIT_LEARN, &Allowance::unbounded()).is_ok());
    assert_refused(state(b"K\x02\x85", b"C\x0812345678"), "has 8 bytes; expected 16");
    assert_refused(state(b"K\x01\x85", b"]"), "expected bytes");
    assert_refused(state(b"J\xff\xff\xff\xff\x85", b"C\0"), "a dimension of an array is -1");
    assert_refused(state(b"\x88\x85", b"C\0"), "a bool; expected an integer");
    assert_refused(state(b"K\0J\0\0\0\x40J\0\0\0\x40\x87", b"C\0"), "too large");
    assert_refused(
        state(&[b"(".to_vec(), b"K\x01".repeat(33), b"t".to_vec()].concat(), b"C\x0812345678"),
        "33 dimensions",
    );
}

#[test]
fn a_list_of_objects_becomes_the_items_of_one_array_only() {
    let array = [EMPTY_ARRAY, b"(K\x01K\x02\x85", &dtype("O8"), b"\x89h\0tb"].concat();
    let once = [&b"(](NNeq\0"[..], &array, b"t."].concat();
    assert!(read(once, SCIKIT_LEARN, &Allowance::unbounded()).is_ok());
    assert_refused([&b"(](NNeq\0"[..], &array, &array, b"t."].concat(), "an array of 2 objects is given 0");
}

#[test]
fn text_is_not_converted_repeatedly() {
    let text = "é".repeat(50_000);
    let head = [
        b"(X",
        &(text.len() as u32).to_le_bytes()[..],
        text.as_bytes(),
        b"q\0c_codecs\nencode\nq\x01\x8c\x06latin1q\x02",
    ]
    .concat();
    let call = b"h\x01h\0h\x02\x86R";
    assert!(read([&head[..], call, b"t."].concat(), SCIKIT_LEARN, &Allowance::unbounded()).is_ok());
    assert_refused([&head[..], &call.repeat(50_000), b"t."].concat(), "over and over");
}

#[test]
fn repeated_scans_of_a_wide_value_are_refused() {
    let attributes = |count: u32| {
        let entries: Vec<u8> = (0..count).flat_map(|name| [&b"J"[..], &name.to_le_bytes(), b"N"].concat()).collect();
        [&b"(}("[..], &entries, b"uq\0csklearn.pipeline\nPipeline\n)\x81h\0bt."].concat()
    };
    assert_refused(attributes(100_000), "100000 attributes");
    let wide_tuple = [&b"(("[..], &b"N".repeat(5000), b"tq\0}h\0Nst."].concat();
    assert_refused(wide_tuple, "a tuple is used as a key");
}

#[test]
fn a_small_compressed_file_cannot_exhaust_memory() {
    let bytes = 200 << 20;
    assert_refused(gzip(&vec![b'N'; 40 << 20]), "wait on the stack");
    assert_refused(gzip(&b"]a".repeat(4 << 20)), "from an empty stack");
    assert_refused(gzip(&[b"]".to_vec(), b"]a".repeat(2 << 20)].concat()), "values");
    assert_refused(gzip(&b"(".repeat(4 << 20)), "marks wait");
    let announced = [&b"B"[..], &(bytes as u32).to_le_bytes()].concat();
    assert_refused(gzip(&announced), "is unpacked to at most");
    let trailing = [&b"N."[..], &vec![0; 64 << 20]].concat();
    assert_refused(gzip(&trailing), "unpacks to more than");
}

#[test]
fn a_dictionary_beyond_the_largest_preset_is_refused_before_it_is_allocated() {
    let header = |dictionary: u32| [&[0x5D][..], &dictionary.to_le_bytes(), &[0xFF; 8], &[0; 32]].concat();
    assert_refused(header(0xF000_0000), "dictionary");
    assert_refused(header(0x0800_0000), "dictionary");
}
