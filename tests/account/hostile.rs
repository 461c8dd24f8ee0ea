//! Hostile values in a file of every class that can be read. Each must give a model or a clean error, quickly and
//! within its lease of memory.

use super::models::{
    self, Object, Piece, again, file, flag, float, floats, int, list, named, none, objects, text, texts,
};
use super::{folder, inspect, load, pickled};
use allocation_counter::measure;
use byoc::error::Cause;
use byoc_account::{Allowance, Purpose};
use byoc_formats::pickle::{Items, Python};
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// Bytes of small allocations that an allowance does not count.
const SMALL: u64 = 256 << 10;

/// Bytes that a load may take.
const LEASE: u64 = 64 << 20;

/// How long a debug build may take for one file.
const SOON: Duration = Duration::from_secs(5);

/// Loads and inspects a pickle within a lease. Returns the peak of allocated bytes, and the cause of an error.
fn load_and_inspect(what: &str, pickle: &[u8], lease: u64) -> (u64, Option<Cause>) {
    let folder = pickled(pickle);
    let (loading, inspecting) = (Allowance::of_bytes(lease, Purpose::Load), Allowance::of_bytes(lease, Purpose::Load));
    let started = Instant::now();
    let mut outcome = None;
    let mut run = |work: &mut dyn FnMut() -> Option<Cause>| {
        measure(|| outcome = Some(catch_unwind(AssertUnwindSafe(&mut *work)))).bytes_max
    };
    let loaded = run(&mut || load(folder.path(), &loading).err().map(|error| error.cause()));
    let inspected = run(&mut || inspect(folder.path(), &inspecting).err().map(|error| error.cause()));
    let cause = outcome.unwrap().unwrap_or_else(|_| panic!("{what}: a panic"));
    let within = |allocated: u64, taken: u64| allocated <= taken + taken / 2 + SMALL;
    let (taken_loaded, taken_inspected) = (loading.max_taken(), inspecting.max_taken());
    assert!(
        within(loaded, taken_loaded),
        "{what}: loading allocated {loaded} bytes and took {taken_loaded} from its lease"
    );
    assert!(
        within(inspected, taken_inspected),
        "{what}: inspecting allocated {inspected} bytes and took {taken_inspected} from its lease"
    );
    assert!(started.elapsed() < SOON, "{what}: {:?}", started.elapsed());
    let is_clean = matches!(
        cause,
        None | Some(Cause::BadArtifact | Cause::Unsupported | Cause::InsufficientMemory | Cause::NoSuchMethod)
    );
    assert!(is_clean, "{what}: {cause:?}");
    (loaded.max(inspected), cause)
}

/// An array of shape (0, `width`).
fn empty_of(width: usize) -> Piece {
    models::value(&Python::Array(Items::Float64(Vec::new()), vec![0, width]))
}

/// Values that a hostile file may contain in place of any other.
fn claims() -> Vec<(&'static str, Piece)> {
    let many = |piece: Piece, count: usize| [vec![named(piece, 1)], vec![again(1); count]].concat();
    vec![
        ("2^62", int(1 << 62)),
        ("a million", int(1_000_000)),
        ("-1", int(-1)),
        ("nan", float(f64::NAN)),
        ("an array of shape (0, 10^12)", empty_of(1_000_000_000_000)),
        ("an array of shape (0, 2^24)", empty_of(1 << 24)),
        ("an empty array", floats(0)),
        ("an empty list", list([])),
        ("an array a thousand times in a list", list(many(floats(1000), 1000))),
        ("an array a thousand times in an array", objects(many(floats(1000), 1000))),
        ("texts a thousand times in a list", list(many(texts(100), 1000))),
        ("a text a thousand times in an array", objects(many(text(&"x".repeat(1000)), 1000))),
        ("a text", text("x")),
        ("None", none()),
        ("True", flag(true)),
    ]
}

#[test]
fn a_hostile_value_in_any_attribute_of_any_class_gives_a_model_or_a_clean_error() {
    let known = models::classes().map(|class| {
        models::model(class, 40)
            .unwrap_or_else(|| panic!("{class} can be read but has no model in tests/account/models.rs"))
    });
    for model in known.chain(models::older(40)) {
        let class = model.class;
        assert_eq!(load_and_inspect(class, &file(&model.piece()), LEASE).1, None, "the correct {class}");
        for (name, _) in &model.attributes {
            for (claim, piece) in claims() {
                let what = format!("{claim} as {name} of {class}");
                load_and_inspect(&what, &file(&model.clone().with(name, piece).piece()), LEASE);
            }
        }
    }
}

#[test]
fn values_that_a_file_repeats_by_reference_are_shared_in_memory_or_refused() {
    let long = || named(text(&"x".repeat(100_000)), 1);
    let many_texts = || objects([vec![long()], vec![again(1); 100_000]].concat());
    let shared_texts = || [vec![named(texts(5_000), 1)], vec![again(1); 50_000]].concat();
    let shared_numbers = || [vec![named(floats(20_000), 1)], vec![again(1); 50_000]].concat();
    let of = |class: &str| models::model(class, 40).unwrap();
    let width = int(50_001);
    let cases: Vec<(&str, Object)> = vec![
        (
            "a text in categories",
            of("OneHotEncoder").with("categories_", list([many_texts()])).with("n_features_in_", int(1)),
        ),
        (
            "categories",
            of("OneHotEncoder").with("categories_", list(shared_texts())).with("n_features_in_", width.clone()),
        ),
        (
            "categories of an OrdinalEncoder",
            of("OrdinalEncoder").with("categories_", list(shared_texts())).with("n_features_in_", width.clone()),
        ),
        (
            "encodings",
            of("TargetEncoder")
                .with("categories_", list([vec![named(texts(20_000), 2)], vec![again(2); 50_000]].concat()))
                .with("encodings_", list(shared_numbers()))
                .with("n_features_in_", width.clone()),
        ),
        ("edges", of("KBinsDiscretizer").with("bin_edges_", objects(shared_numbers())).with("n_features_in_", width)),
        ("fills", of("SimpleImputer").with("statistics_", many_texts()).with("n_features_in_", int(100_001))),
        ("classes of text", of("LabelBinarizer").with("classes_", many_texts())),
        ("classes", of("LogisticRegression").with("classes_", many_texts())),
    ];
    for (what, model) in cases {
        let pickle = file(&model.piece());
        let allowance = Allowance::unbounded();
        let folder = pickled(&pickle);
        let allocated = measure(|| drop(load(folder.path(), &allowance))).bytes_max;
        // The tree of a pickle with values of two bytes takes about ten times the bytes of its file.
        let most = 40 * pickle.len() as u64 + SMALL;
        assert!(allocated < most, "{what}: {allocated} bytes for a file of {}", pickle.len());
        load_and_inspect(what, &pickle, LEASE);
    }
}

#[test]
fn a_count_without_data_for_it_is_refused() {
    for (class, count) in [("Normalizer", 1 << 62), ("Normalizer", 100_000_000), ("PolynomialFeatures", 100_000_000)] {
        let model = models::model(class, 40).unwrap().with("n_features_in_", int(count));
        let (allocated, cause) = load_and_inspect(class, &file(&model.piece()), LEASE);
        assert_eq!(cause, Some(Cause::BadArtifact), "{class} {count}");
        assert!(allocated < 1 << 20, "{class} {count}: {allocated}");
    }
    // A width of a million is possible: the model loads, without a million column names.
    let model = models::model("Normalizer", 40).unwrap().with("n_features_in_", int(1 << 20));
    assert!(load_and_inspect("Normalizer", &file(&model.piece()), LEASE).0 < LEASE);
}

#[test]
fn nested_unions_of_the_same_union_twice_are_refused() {
    let part = |name: &str, piece: Piece| models::tuple([text(name), piece]);
    let mut inner = models::model("Binarizer", 3).unwrap().piece();
    for level in 1..20 {
        let parts = list([part("a", named(inner, level)), part("b", again(level))]);
        let union = models::model("FeatureUnion", 1).unwrap().with("transformer_list", parts);
        inner = union.piece();
    }
    let (allocated, cause) = load_and_inspect("unions", &file(&inner), LEASE);
    assert_eq!(cause, Some(Cause::BadArtifact));
    assert!(allocated < 8 << 20, "{allocated}");
}

#[test]
fn a_file_that_unpacks_to_more_than_the_lease_is_refused_within_the_lease() {
    let zeros = 24 << 20;
    let pickle = [&[0x80, 4, b'B'], &u32::to_le_bytes(zeros)[..], &vec![0; zeros as usize], b"."].concat();
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&pickle).unwrap();
    let packed = packed.finish().unwrap();
    let (allocated, cause) = load_and_inspect("a compressed pickle", &packed, 8 << 20);
    assert_eq!(cause, Some(Cause::InsufficientMemory));
    assert!(allocated < 9 << 20, "{allocated}");
}

#[test]
fn the_memory_of_a_columns_json_is_leased_before_it_is_read() {
    let columns = format!(r#"{{"columns": [{}"x"]}}"#, "\"a\",".repeat(500_000));
    let scaler = file(&models::model("StandardScaler", 40).unwrap().piece());
    let folder = folder(&[("model.joblib", &scaler), ("columns.json", columns.as_bytes())]);
    let allowance = Allowance::of_bytes(8 << 20, Purpose::Load);
    let mut cause = None;
    let allocated = measure(|| cause = load(folder.path(), &allowance).err().map(|error| error.cause())).bytes_max;
    assert_eq!(cause, Some(Cause::InsufficientMemory));
    assert!(allocated < 9 << 20, "{allocated}");
}
