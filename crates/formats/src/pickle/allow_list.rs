//! Every class and function that a pickle may name, by its full name, and what it may be used for.
//!
//! The names of NumPy, pandas, joblib, dill and Python are listed here: the reader understands their calls. The classes
//! of models come from the caller, as an [`AllowList`].
//!
//! Lists hold full names, not prefixes: `joblib.numpy_pickle.load` and `numpy.load` are both in an allowed package.
//! Each class is listed under every module path that numpy 1 and 2 and pandas 0.25 to 3 have written for it.

/// The classes and functions that a pickle may name in addition to those of this module.
pub trait AllowList: Sync {
    /// The class or function of this name, if it may be named.
    fn find(&self, module: &str, name: &str) -> Option<Listed>;

    /// Why a class or function is not supported, and the alternatives: the end of a sentence that begins with its name.
    fn reason(&self, module: &str, name: &str) -> String;
}

/// A class or function of an [`AllowList`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its module.
    pub module: &'static str,
    /// Its name in the module.
    pub name: &'static str,
    /// What it may be used for.
    pub usage: Usage,
}

/// What a name may be used for, besides being named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// Nothing: a class as an argument, a function as a setting.
    Name,
    /// It becomes an object whose attributes are a dict.
    Object,
    /// A call of it is kept as it was written, with its arguments.
    Call,
}

/// A name that is on the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) module: &'static str,
    pub(super) name: &'static str,
    pub(super) meaning: Meaning,
}

/// What a name may be used for, besides being named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Nothing: a class as an argument, a function as a setting.
    Inert,
    /// Becomes an object whose attributes are a dict (NEWOBJ and BUILD).
    Instance,
    /// joblib's array wrapper: becomes the array whose bytes follow.
    ArrayWrapper,
    /// A class of arrays.
    ArrayClass,
    /// Is called with arguments (REDUCE) and becomes the value of that call.
    Constructor(Constructor),
}

/// The supported calls. All are pure: their value depends on their arguments alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Constructor {
    /// `numpy.dtype("f8", False, True)`
    DType,
    /// `_reconstruct(numpy.ndarray, (0,), b"b")`: an empty array, filled by BUILD.
    EmptyArray,
    /// `_frombuffer(bytes, dtype, shape, order)`
    ArrayFromBuffer,
    /// `scalar(dtype, bytes)`
    Scalar,
    /// `_ufunc_reconstruct("numpy", "log1p")`
    Ufunc,
    /// `_codecs.encode(text, "latin1")`: bytes, in protocols without an opcode for them.
    Encode,
    /// `bytes()`, `bytearray(bytes)`
    Bytes,
    /// `set([…])`
    Set,
    /// `OrderedDict()`, `defaultdict(int)`
    Dict,
    /// `copyreg._reconstructor(class, object, None)`: an instance, in protocols 0 and 1.
    Instance,
    /// `_load_type("slice")`: a built-in class of Python, as dill names it.
    TypeByName,
    /// `_create_array(_reconstruct, (ndarray, (0,), b"b"), state, None)`: an array, as dill writes it.
    ArrayWithState,
    /// `_get_attr(_import_module("numpy.core.multiarray"), "scalar")`: a function, as dill before 0.3.4 names it.
    Member,
    /// Kept as written, with its arguments.
    Kept,
}

use Constructor::{
    ArrayFromBuffer, ArrayWithState, DType, Dict, EmptyArray, Encode, Kept, Member, Scalar, Set, TypeByName, Ufunc,
};
use Meaning::{ArrayClass, ArrayWrapper, Inert, Instance};

/// Modules that contain or have contained the same names.
struct Row {
    modules: &'static [&'static str],
    names: &'static [&'static str],
    meaning: Meaning,
}

const fn row(modules: &'static [&'static str], names: &'static [&'static str], meaning: Meaning) -> Row {
    Row { modules, names, meaning }
}

const fn call(modules: &'static [&'static str], names: &'static [&'static str], constructor: Constructor) -> Row {
    Row { modules, names, meaning: Meaning::Constructor(constructor) }
}

/// Elementary functions of numpy, which a model may name in a parameter.
const UFUNCS: &[&str] = &[
    "abs",
    "absolute",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctanh",
    "cbrt",
    "ceil",
    "cos",
    "cosh",
    "deg2rad",
    "exp",
    "exp2",
    "expm1",
    "fabs",
    "floor",
    "isfinite",
    "isinf",
    "isnan",
    "log",
    "log10",
    "log1p",
    "log2",
    "logical_not",
    "negative",
    "positive",
    "rad2deg",
    "reciprocal",
    "rint",
    "sign",
    "sin",
    "sinh",
    "sqrt",
    "square",
    "tan",
    "tanh",
    "trunc",
];

#[rustfmt::skip]
const ROWS: &[Row] = &[
    // joblib: arrays
    row(&["joblib.numpy_pickle", "sklearn.externals.joblib.numpy_pickle", "sklearn.externals._joblib.numpy_pickle"],
        &["NumpyArrayWrapper"], ArrayWrapper),

    // numpy: arrays, scalars and their types
    row(&["numpy"], &["ndarray", "matrix", "memmap"], ArrayClass),
    row(&["numpy.matrixlib.defmatrix"], &["matrix"], ArrayClass),
    row(&["numpy.core.memmap"], &["memmap"], ArrayClass),
    call(&["numpy"], &["dtype"], DType),
    // (dill before 0.3.4 names these two by the module that they are compiled in)
    call(&["numpy.core.multiarray", "numpy._core.multiarray", "numpy.core._multiarray_umath"],
         &["_reconstruct"], EmptyArray),
    call(&["numpy.core.multiarray", "numpy._core.multiarray", "numpy.core._multiarray_umath"], &["scalar"], Scalar),
    call(&["numpy.core.numeric", "numpy._core.numeric"], &["_frombuffer"], ArrayFromBuffer),
    row(&["numpy"],
        &["bool", "bool_", "bytes_", "float16", "float32", "float64", "floating", "generic", "inexact", "int16", "int32",
          "int64", "int8", "integer", "intc", "intp", "longlong", "number", "object_", "signedinteger", "str_", "uint16",
          "uint32", "uint64", "uint8", "uintc", "uintp", "ulonglong", "unicode_", "unsignedinteger"], Inert),

    // numpy: elementary functions
    row(&["numpy", "numpy.core._multiarray_umath", "numpy._core._multiarray_umath", "numpy.core.umath"], UFUNCS, Inert),
    call(&["numpy.core", "numpy._core"], &["_ufunc_reconstruct"], Ufunc),

    // numpy: what estimators carry but predictions do not need (random_state, cv_results_)
    call(&["numpy.random._pickle"], &["__bit_generator_ctor", "__generator_ctor", "__randomstate_ctor"], Kept),
    call(&["numpy.random"], &["__RandomState_ctor"], Kept),
    row(&["numpy.random._mt19937"], &["MT19937"], Inert),
    call(&["numpy.ma.core"], &["_mareconstruct"], Kept),
    row(&["numpy.ma.core", "numpy.ma"], &["MaskedArray"], Inert),

    // pandas: indexes as column names, and pandas.NA
    call(&["pandas.core.indexes.base"], &["_new_Index"], Kept),
    row(&["pandas.core.indexes.base"], &["Index"], Inert),
    row(&["pandas"], &["Index", "RangeIndex"], Inert),
    row(&["pandas.core.indexes.range"], &["RangeIndex"], Inert),
    row(&["pandas.core.indexes.numeric"], &["Int64Index", "Float64Index", "UInt64Index"], Inert),
    call(&["pandas._libs.arrays"], &["__pyx_unpickle_NDArrayBacked"], Kept),
    call(&["pandas", "pandas.core.arrays.string_"], &["StringDtype"], Kept),
    row(&["pandas.arrays", "pandas.core.arrays.string_"], &["StringArray"], Inert),
    row(&["pandas.arrays", "pandas.core.arrays.string_arrow"], &["ArrowStringArray"], Instance),
    call(&["pyarrow.lib"], &["_restore_array", "chunked_array", "py_buffer", "type_for_alias"], Kept),
    row(&["pandas._libs.missing"], &["NA"], Inert),

    // dill: its names for arrays and for Python's built-in classes and functions (dill.dill until 0.2.7)
    call(&["dill._dill", "dill.dill"], &["_create_array"], ArrayWithState),
    call(&["dill._dill", "dill.dill"], &["_load_type"], TypeByName),
    call(&["dill._dill", "dill.dill"], &["_get_attr"], Member),
    call(&["dill._dill", "dill.dill"], &["_import_module"], Kept),

    // Python
    call(&["_codecs"], &["encode"], Encode),
    call(&["copyreg"], &["_reconstructor"], Constructor::Instance),
    call(&["builtins"], &["slice", "range"], Kept),
    call(&["builtins"], &["set", "frozenset"], Set),
    call(&["builtins"], &["bytes", "bytearray"], Constructor::Bytes),
    call(&["collections"], &["OrderedDict", "defaultdict"], Dict),
    row(&["builtins"], &["bool", "complex", "dict", "float", "int", "list", "object", "str", "tuple"], Inert),
];

/// Translates a name of Python 2, which protocols 0 to 2 still use, to Python 3's (`_compat_pickle.py`).
fn of_python_3<'n>(module: &'n str, name: &'n str) -> (&'n str, &'n str) {
    match (module, name) {
        ("__builtin__", "long") => ("builtins", "int"),
        ("__builtin__", "unicode") => ("builtins", "str"),
        ("__builtin__", "xrange") => ("builtins", "range"),
        ("__builtin__", _) => ("builtins", name),
        ("copy_reg", _) => ("copyreg", name),
        _ => (module, name),
    }
}

/// Looks a name up in the list of this module and in the caller's. Names of Python 2 are translated to those of Python
/// 3 first.
pub(super) fn find(list: &dyn AllowList, module: &str, name: &str) -> Option<Name> {
    let (module, name) = of_python_3(module, name);
    let own = ROWS.iter().find_map(|row| {
        let module = row.modules.iter().find(|known| **known == module)?;
        let name = row.names.iter().find(|known| **known == name)?;
        Some(Name { module, name, meaning: row.meaning })
    });
    own.or_else(|| {
        let Listed { module, name, usage } = list.find(module, name)?;
        let meaning = match usage {
            Usage::Name => Inert,
            Usage::Object => Instance,
            Usage::Call => Meaning::Constructor(Kept),
        };
        Some(Name { module, name, meaning })
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::testing::SCIKIT_LEARN;

    fn find(module: &str, name: &str) -> Option<Name> {
        super::find(SCIKIT_LEARN, module, name)
    }

    #[test]
    fn names_are_listed_once_and_have_no_dots() {
        let mut seen = BTreeSet::new();
        for row in ROWS {
            for (module, name) in row.modules.iter().flat_map(|module| row.names.iter().map(move |name| (module, name)))
            {
                assert!(seen.insert((module, name)), "{module}.{name} is listed twice");
                assert!(!name.contains('.'), "{name}");
            }
        }
    }

    #[test]
    fn names_beside_or_below_a_listed_one_are_not_on_the_list() {
        for (module, name) in [
            ("joblib.numpy_pickle", "load"),
            ("numpy", "load"),
            ("numpy", "f2py.os.system"),
            ("numpy", "ndarray.tofile"),
            ("numpy.core", "multiarray.scalar"),
            ("builtins", "eval"),
            ("builtins", "getattr"),
            ("os", "system"),
            ("__builtin__", "eval"),
            ("copy_reg", "add_extension"),
            ("functools", "partial"),
            ("", ""),
        ] {
            assert_eq!(find(module, name), None, "{module}.{name}");
        }
    }

    #[test]
    fn names_of_python_2_are_found_as_those_of_python_3() {
        for (old, new) in [
            (("__builtin__", "long"), ("builtins", "int")),
            (("__builtin__", "object"), ("builtins", "object")),
            (("copy_reg", "_reconstructor"), ("copyreg", "_reconstructor")),
        ] {
            let found = find(old.0, old.1);
            assert!(found.is_some() && found == find(new.0, new.1), "{old:?}");
        }
    }
}
