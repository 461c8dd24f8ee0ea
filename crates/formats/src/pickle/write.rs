//! Writes Python values as `joblib.dump` does, so that [`read`](super::read) reads them back.
//!
//! Protocol 4 without frames and without a memo; a reader needs neither. An array follows joblib's `NumpyArrayWrapper`
//! with padding to 16 bytes (`joblib/numpy_pickle.py`). An array of objects is a separate pickle there, and the
//! arrays within it are pickled as numpy does (`__reduce__` of `multiarray/methods.c`).

/// A value of Python.
#[derive(Clone, Debug, PartialEq)]
pub enum Python {
    /// `None`
    None,
    /// `True`, `False`
    Bool(bool),
    /// `int`
    Int(i64),
    /// `float`
    Float(f64),
    /// `str`
    Text(String),
    /// `list`
    List(Vec<Python>),
    /// `tuple`
    Tuple(Vec<Python>),
    /// `dict`, in order.
    Dict(Vec<(Python, Python)>),
    /// `slice(start, stop, None)`
    Slice(i64, i64),
    /// A class or function: its module and its name.
    Symbol(&'static str, &'static str),
    /// `numpy.dtype`
    DType(ItemType),
    /// `numpy.ndarray`
    Array(Items, Vec<usize>),
    /// An instance: the module and name of its class, and its attributes.
    Object(&'static str, &'static str, Vec<(String, Python)>),
}

/// The items of an array, in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub enum Items {
    /// `float64`
    Float64(Vec<f64>),
    /// `int64`
    Int64(Vec<i64>),
    /// `uint64`
    UInt64(Vec<u64>),
    /// `bool`
    Bool(Vec<bool>),
    /// `object`
    Object(Vec<Python>),
}

/// The dtype of an array's items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemType {
    /// `float64`
    Float64,
    /// `float32`
    Float32,
    /// `int64`
    Int64,
    /// `uint64`
    UInt64,
    /// `bool`
    Bool,
    /// `object`
    Object,
}

impl Python {
    /// A one-dimensional array.
    pub fn array(items: Items) -> Python {
        let length = items.len();
        Python::Array(items, vec![length])
    }
}

impl Items {
    fn len(&self) -> usize {
        match self {
            Items::Float64(items) => items.len(),
            Items::Int64(items) => items.len(),
            Items::UInt64(items) => items.len(),
            Items::Bool(items) => items.len(),
            Items::Object(items) => items.len(),
        }
    }

    fn item_type(&self) -> ItemType {
        match self {
            Items::Float64(_) => ItemType::Float64,
            Items::Int64(_) => ItemType::Int64,
            Items::UInt64(_) => ItemType::UInt64,
            Items::Bool(_) => ItemType::Bool,
            Items::Object(_) => ItemType::Object,
        }
    }

    /// The items, little-endian; empty for objects.
    fn bytes(&self) -> Vec<u8> {
        match self {
            Items::Float64(items) => items.iter().flat_map(|item| item.to_le_bytes()).collect(),
            Items::Int64(items) => items.iter().flat_map(|item| item.to_le_bytes()).collect(),
            Items::UInt64(items) => items.iter().flat_map(|item| item.to_le_bytes()).collect(),
            Items::Bool(items) => items.iter().map(|item| u8::from(*item)).collect(),
            Items::Object(_) => Vec::new(),
        }
    }
}

impl ItemType {
    /// Code, byte order and flags of `numpy.dtype`.
    const fn state(self) -> (&'static str, &'static str, i64) {
        match self {
            ItemType::Float64 => ("f8", "<", 0),
            ItemType::Float32 => ("f4", "<", 0),
            ItemType::Int64 => ("i8", "<", 0),
            ItemType::UInt64 => ("u8", "<", 0),
            ItemType::Bool => ("b1", "|", 0),
            // Reference-counted, a list item, and so on (`NPY_OBJECT_DTYPE_FLAGS`).
            ItemType::Object => ("O8", "|", 63),
        }
    }
}

/// The bytes of an uncompressed `model.joblib`.
pub fn write(value: &Python) -> Vec<u8> {
    let mut writer = Writer { out: PROTOCOL.to_vec(), arrays: Arrays::Joblib };
    writer.value(value);
    writer.out.push(STOP);
    writer.out
}

const PROTOCOL: [u8; 2] = [0x80, 4];
const STOP: u8 = b'.';
const ALIGNMENT: usize = 16;

/// How arrays are written.
#[derive(Clone, Copy, PartialEq)]
enum Arrays {
    /// After joblib's wrapper.
    Joblib,
    /// As numpy pickles them: within an array of objects, which joblib leaves to pickle.
    Numpy,
}

struct Writer {
    out: Vec<u8>,
    arrays: Arrays,
}

impl Writer {
    fn value(&mut self, value: &Python) {
        match value {
            Python::None => self.out.push(b'N'),
            Python::Bool(value) => self.out.push(if *value { 0x88 } else { 0x89 }),
            Python::Int(value) => self.int(*value),
            Python::Float(value) => {
                self.out.push(b'G');
                self.out.extend(value.to_be_bytes());
            }
            Python::Text(text) => self.text(text),
            Python::List(items) => {
                self.out.extend(b"](");
                items.iter().for_each(|item| self.value(item));
                self.out.push(b'e');
            }
            Python::Tuple(items) => self.tuple(items),
            Python::Dict(entries) => {
                self.out.extend(b"}(");
                for (key, value) in entries {
                    self.value(key);
                    self.value(value);
                }
                self.out.push(b'u');
            }
            Python::Slice(start, stop) => {
                self.symbol("builtins", "slice");
                self.tuple(&[Python::Int(*start), Python::Int(*stop), Python::None]);
                self.out.push(b'R');
            }
            Python::Symbol(module, name) => self.symbol(module, name),
            Python::DType(item_type) => self.dtype(*item_type),
            Python::Array(items, shape) => match self.arrays {
                Arrays::Joblib => self.wrapped(items, shape),
                Arrays::Numpy => self.plain(items, shape),
            },
            Python::Object(module, name, attributes) => {
                self.symbol(module, name);
                self.out.extend(b")\x81}(");
                for (name, value) in attributes {
                    self.text(name);
                    self.value(value);
                }
                self.out.extend(b"ub");
            }
        }
    }

    fn int(&mut self, value: i64) {
        if let Ok(value) = u8::try_from(value) {
            self.out.extend([b'K', value]);
        } else if let Ok(value) = u16::try_from(value) {
            self.out.push(b'M');
            self.out.extend(value.to_le_bytes());
        } else if let Ok(value) = i32::try_from(value) {
            self.out.push(b'J');
            self.out.extend(value.to_le_bytes());
        } else {
            self.out.extend([0x8a, 8]);
            self.out.extend(value.to_le_bytes());
        }
    }

    fn text(&mut self, text: &str) {
        if let Ok(length) = u8::try_from(text.len()) {
            self.out.extend([0x8c, length]);
        } else if let Ok(length) = u32::try_from(text.len()) {
            self.out.push(b'X');
            self.out.extend(length.to_le_bytes());
        } else {
            self.out.push(0x8d);
            self.out.extend((text.len() as u64).to_le_bytes());
        }
        self.out.extend(text.as_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        if let Ok(length) = u8::try_from(bytes.len()) {
            self.out.extend([b'C', length]);
        } else if let Ok(length) = u32::try_from(bytes.len()) {
            self.out.push(b'B');
            self.out.extend(length.to_le_bytes());
        } else {
            self.out.push(0x8e);
            self.out.extend((bytes.len() as u64).to_le_bytes());
        }
        self.out.extend(bytes);
    }

    fn tuple(&mut self, items: &[Python]) {
        if items.len() > 3 {
            self.out.push(b'(');
        }
        items.iter().for_each(|item| self.value(item));
        self.out.push(match items.len() {
            0 => b')',
            1 => 0x85,
            2 => 0x86,
            3 => 0x87,
            _ => b't',
        });
    }

    fn symbol(&mut self, module: &str, name: &str) {
        self.text(module);
        self.text(name);
        self.out.push(0x93);
    }

    fn dtype(&mut self, item_type: ItemType) {
        let (code, order, flags) = item_type.state();
        self.symbol("numpy", "dtype");
        self.tuple(&[Python::Text(code.into()), Python::Bool(false), Python::Bool(true)]);
        self.out.push(b'R');
        let state = [
            Python::Int(3),
            Python::Text(order.into()),
            Python::None,
            Python::None,
            Python::None,
            Python::Int(-1),
            Python::Int(-1),
            Python::Int(flags),
        ];
        self.tuple(&state);
        self.out.push(b'b');
    }

    fn wrapped(&mut self, items: &Items, shape: &[usize]) {
        let is_object = matches!(items, Items::Object(_));
        let state = vec![
            ("subclass".into(), Python::Symbol("numpy", "ndarray")),
            ("shape".into(), dimensions(shape)),
            ("order".into(), Python::Text("C".into())),
            ("dtype".into(), Python::DType(items.item_type())),
            ("allow_mmap".into(), Python::Bool(!is_object)),
            ("numpy_array_alignment_bytes".into(), Python::Int(ALIGNMENT as i64)),
        ];
        self.value(&Python::Object("joblib.numpy_pickle", "NumpyArrayWrapper", state));
        if is_object {
            let mut inner = Writer { out: PROTOCOL.to_vec(), arrays: Arrays::Numpy };
            inner.plain(items, shape);
            inner.out.push(STOP);
            self.out.append(&mut inner.out);
            return;
        }
        let padding = ALIGNMENT - (self.out.len() + 1) % ALIGNMENT;
        self.out.push(padding as u8);
        self.out.resize(self.out.len() + padding, 0xff);
        self.out.extend(items.bytes());
    }

    fn plain(&mut self, items: &Items, shape: &[usize]) {
        self.symbol("numpy._core.multiarray", "_reconstruct");
        self.symbol("numpy", "ndarray");
        self.tuple(&[Python::Int(0)]);
        self.bytes(b"b");
        self.out.extend([0x87, b'R']);
        self.out.push(b'(');
        self.int(1);
        self.value(&dimensions(shape));
        self.dtype(items.item_type());
        self.value(&Python::Bool(false));
        match items {
            Items::Object(objects) => {
                self.out.extend(b"](");
                objects.iter().for_each(|object| self.value(object));
                self.out.push(b'e');
            }
            numbers => self.bytes(&numbers.bytes()),
        }
        self.out.extend(b"tb");
    }
}

fn dimensions(shape: &[usize]) -> Python {
    Python::Tuple(shape.iter().map(|length| Python::Int(*length as i64)).collect())
}

#[cfg(test)]
mod tests {
    use super::super::{Value, read};
    use super::*;
    use crate::testing::SCIKIT_LEARN;
    use byoc_account::Allowance;

    fn text(value: Value<'_>) -> Option<&str> {
        value.as_str()
    }

    #[test]
    fn written_values_are_read_back() {
        let long = "x".repeat(300);
        let object = Python::Object(
            "sklearn.preprocessing._data",
            "StandardScaler",
            vec![
                ("mean_".into(), Python::array(Items::Float64(vec![1.5, f64::NAN]))),
                ("table".into(), Python::Array(Items::Float64(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), vec![3, 2])),
                ("counts".into(), Python::array(Items::Int64(vec![-1, i64::MAX]))),
                ("flags".into(), Python::array(Items::Bool(vec![true, false]))),
                ("names".into(), Python::array(Items::Object(vec![Python::Text("é".into()), Python::Float(f64::NAN)]))),
                (
                    "edges".into(),
                    Python::array(Items::Object(vec![Python::array(Items::Float64((0..40).map(f64::from).collect()))])),
                ),
                ("numbers".into(), Python::List([0, 255, 256, -1, 70_000, i64::MIN].map(Python::Int).to_vec())),
                ("long".into(), Python::Text(long.clone())),
                ("pair".into(), Python::Tuple(vec![Python::Bool(true), Python::None])),
                ("_fit_dtype".into(), Python::DType(ItemType::Object)),
                ("slices".into(), Python::Dict(vec![(Python::Text("a".into()), Python::Slice(0, 2))])),
                ("dtype".into(), Python::Symbol("numpy", "float64")),
            ],
        );
        let tree = read(write(&object), SCIKIT_LEARN, &Allowance::unbounded()).unwrap();
        let root = tree.root();
        let attribute = |name| root.attribute(name).unwrap();
        let floats = |name| attribute(name).as_array().unwrap().to_f64().unwrap();
        assert_eq!(floats("mean_")[0], 1.5);
        assert!(floats("mean_")[1].is_nan());
        assert_eq!(attribute("table").as_array().unwrap().shape(), [3, 2]);
        assert_eq!(floats("table"), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(attribute("counts").as_array().unwrap().to_i64().unwrap(), [-1, i64::MAX]);
        assert_eq!(attribute("flags").as_array().unwrap().to_i64().unwrap(), [1, 0]);
        let names: Vec<_> = attribute("names").as_array().unwrap().objects().unwrap().collect();
        assert_eq!(text(names[0]), Some("é"));
        assert!(names[1].as_float().unwrap().is_nan());
        let edges: Vec<_> = attribute("edges").as_array().unwrap().objects().unwrap().collect();
        assert_eq!(edges[0].as_array().unwrap().to_f64().unwrap().len(), 40);
        let numbers: Vec<_> = attribute("numbers").items().unwrap().map(|item| item.as_i64().unwrap()).collect();
        assert_eq!(numbers, [0, 255, 256, -1, 70_000, i64::MIN]);
        assert_eq!(text(attribute("long")), Some(long.as_str()));
        assert_eq!(attribute("dtype").symbol(), Some(("numpy", "float64")));
        assert!(attribute("_fit_dtype").as_dtype().is_some());
        assert_eq!(attribute("slices").get("a").unwrap().class().unwrap().1, "slice");
    }
}
