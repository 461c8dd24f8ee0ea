//! Artifacts of any size of every scikit-learn class that can be read. They are pickles made of pieces, so that a test
//! can replace a piece or refer to it again.

use byoc_formats::pickle::{ItemType, Items, Python, write};

/// A value in a pickle: opcodes that push it on the stack.
pub type Piece = Vec<u8>;

/// An attribute of an object.
pub type Attribute = (&'static str, Piece);

/// An object: its module, its class and its attributes.
#[derive(Clone)]
pub struct Object {
    pub module: &'static str,
    pub class: &'static str,
    pub attributes: Vec<Attribute>,
}

/// A plain value.
pub fn value(python: &Python) -> Piece {
    let pickle = write(python);
    pickle[2..pickle.len() - 1].to_vec()
}

pub fn none() -> Piece {
    b"N".to_vec()
}

pub fn flag(value: bool) -> Piece {
    vec![if value { 0x88 } else { 0x89 }]
}

pub fn int(number: i64) -> Piece {
    value(&Python::Int(number))
}

pub fn float(number: f64) -> Piece {
    value(&Python::Float(number))
}

pub fn text(text: &str) -> Piece {
    value(&Python::Text(text.to_owned()))
}

pub fn floats(count: usize) -> Piece {
    value(&Python::array(Items::Float64((0..count).map(|number| number as f64 + 0.5).collect())))
}

pub fn bools(count: usize) -> Piece {
    value(&Python::array(Items::Bool((0..count).map(|number| number % 2 == 0).collect())))
}

pub fn texts(count: usize) -> Piece {
    let texts = (0..count).map(|number| Python::Text(format!("category {number:08}")));
    value(&Python::array(Items::Object(texts.collect())))
}

/// Strings and integers, unsorted.
pub fn mixed(count: usize) -> Piece {
    let item = |number: usize| match number % 2 {
        0 => Python::Int(number as i64),
        _ => Python::Text(format!("category {number:08}")),
    };
    value(&Python::array(Items::Object((0..count).map(item).chain([Python::None]).collect())))
}

pub fn list(items: impl IntoIterator<Item = Piece>) -> Piece {
    [b"](".to_vec(), items.into_iter().flatten().collect(), b"e".to_vec()].concat()
}

pub fn tuple(items: impl IntoIterator<Item = Piece>) -> Piece {
    [b"(".to_vec(), items.into_iter().flatten().collect(), b"t".to_vec()].concat()
}

pub fn dict(entries: impl IntoIterator<Item = (Piece, Piece)>) -> Piece {
    let entries = entries.into_iter().flat_map(|(key, value)| [key, value].concat());
    [b"}(".to_vec(), entries.collect(), b"u".to_vec()].concat()
}

/// A value with a memo entry, so that it can be referred to again.
pub fn named(piece: Piece, place: u8) -> Piece {
    [piece, vec![b'q', place]].concat()
}

/// A reference to a memo entry.
pub fn again(place: u8) -> Piece {
    vec![b'h', place]
}

/// A NumPy array of dtype object with these values.
pub fn objects(items: Vec<Piece>) -> Piece {
    let count = items.len() as i64;
    let dtype = value(&Python::DType(ItemType::Object));
    let state = tuple([int(1), tuple([int(count)]), dtype, flag(false), list(items)]);
    let call = tuple([value(&Python::Symbol("numpy", "ndarray")), tuple([int(0)]), b"C\x01b".to_vec()]);
    [value(&Python::Symbol("numpy._core.multiarray", "_reconstruct")), call, b"R".to_vec(), state, b"b".to_vec()]
        .concat()
}

impl Object {
    pub fn new(module: &'static str, class: &'static str, attributes: Vec<Attribute>) -> Object {
        Object { module, class, attributes }
    }

    /// The object as a piece, of scikit-learn 1.6 unless it has another version.
    pub fn piece(&self) -> Piece {
        const VERSION: &str = "_sklearn_version";
        let version = (VERSION, text("1.6.1"));
        let said = self.attributes.iter().any(|(name, _)| *name == VERSION);
        let attributes = self.attributes.iter().chain((!said).then_some(&version));
        let state = dict(attributes.map(|(name, piece)| (text(name), piece.clone())));
        [value(&Python::Symbol(self.module, self.class)), b")\x81".to_vec(), state, b"b".to_vec()].concat()
    }

    /// The object with a different value of one attribute.
    pub fn with(mut self, name: &str, piece: Piece) -> Object {
        for (own, value) in &mut self.attributes {
            if *own == name {
                *value = piece.clone();
            }
        }
        self
    }
}

/// A whole file.
pub fn file(piece: &[u8]) -> Vec<u8> {
    [&[0x80, 4], piece, b"."].concat()
}

const DATA: &str = "sklearn.preprocessing._data";
const UNIVARIATE: &str = "sklearn.feature_selection._univariate_selection";

fn width(count: usize) -> Attribute {
    ("n_features_in_", int(count as i64))
}

fn float64() -> Piece {
    value(&Python::Symbol("numpy", "float64"))
}

fn binarizer(width_: usize) -> Object {
    Object::new(DATA, "Binarizer", vec![("threshold", float(0.5)), ("copy", flag(true)), width(width_)])
}

fn encoder(class: &'static str, categories: Vec<Piece>, more: Vec<Attribute>) -> Object {
    let count = categories.len();
    let mut attributes = vec![("categories_", list(categories)), ("dtype", float64()), width(count)];
    attributes.extend(more);
    let module = if class == "TargetEncoder" {
        "sklearn.preprocessing._target_encoder"
    } else {
        "sklearn.preprocessing._encoders"
    };
    Object::new(module, class, attributes)
}

fn univariate(class: &'static str, count: usize, more: Vec<Attribute>) -> Object {
    let mut attributes = vec![("scores_", floats(count)), ("pvalues_", floats(count)), width(count)];
    attributes.extend(more);
    Object::new(UNIVARIATE, class, attributes)
}

/// A fitted transformer with about `count` fitted values; `None` for a class without a model here.
pub fn transformer(class: &str, count: usize) -> Option<Object> {
    let selector = |module, class| Object::new(module, class, vec![("support_", bools(count)), width(count)]);
    Some(match class {
        "Binarizer" => binarizer(count.min(1000)),
        "ColumnTransformer" => column_transformer(count),
        "FeatureUnion" => {
            let part = |number: usize| tuple([text(&format!("part {number}")), binarizer(3).piece()]);
            let parts = ("transformer_list", list((0..count).map(part)));
            Object::new("sklearn.pipeline", "FeatureUnion", vec![parts, ("transformer_weights", none())])
        }
        "FunctionTransformer" => {
            let function = ("func", value(&Python::Symbol("numpy", "log1p")));
            let attributes = vec![
                function,
                ("validate", flag(false)),
                ("accept_sparse", flag(false)),
                ("kw_args", none()),
                ("feature_names_out", text("one-to-one")),
                width(count.min(1000)),
            ];
            Object::new("sklearn.preprocessing._function_transformer", "FunctionTransformer", attributes)
        }
        "GenericUnivariateSelect" => {
            univariate("GenericUnivariateSelect", count, vec![("mode", text("percentile")), ("param", int(10))])
        }
        "KBinsDiscretizer" => {
            let edges = objects((0..count / 4).map(|_| floats(4)).collect());
            let attributes = vec![("bin_edges_", edges), ("encode", text("ordinal")), width(count / 4)];
            Object::new("sklearn.preprocessing._discretization", "KBinsDiscretizer", attributes)
        }
        "LabelBinarizer" => {
            let attributes = vec![
                ("classes_", texts(count)),
                ("y_type_", text("multiclass")),
                ("neg_label", int(0)),
                ("pos_label", int(1)),
                ("sparse_output", flag(false)),
            ];
            Object::new("sklearn.preprocessing._label", "LabelBinarizer", attributes)
        }
        "MaxAbsScaler" => Object::new(DATA, "MaxAbsScaler", vec![("scale_", floats(count)), width(count)]),
        "MinMaxScaler" => {
            let range = ("feature_range", tuple([int(0), int(1)]));
            let attributes =
                vec![("scale_", floats(count)), ("min_", floats(count)), range, ("clip", flag(true)), width(count)];
            Object::new(DATA, "MinMaxScaler", attributes)
        }
        "Normalizer" => Object::new(DATA, "Normalizer", vec![("norm", text("l2")), width(count.min(1000))]),
        "OneHotEncoder" => {
            let more = vec![
                ("handle_unknown", text("ignore")),
                ("sparse_output", flag(false)),
                ("_infrequent_enabled", flag(false)),
                ("_drop_idx_after_grouping", none()),
            ];
            encoder("OneHotEncoder", (0..4).map(|_| texts(count / 4)).collect(), more)
        }
        "OrdinalEncoder" => {
            let features = count / 10;
            let missing = (0..features as i64).map(|feature| (int(feature), int(10)));
            let more = vec![
                ("handle_unknown", text("error")),
                ("_missing_indices", dict(missing)),
                ("encoded_missing_value", float(-1.0)),
                ("_infrequent_enabled", flag(false)),
            ];
            encoder("OrdinalEncoder", (0..features).map(|_| mixed(10)).collect(), more)
        }
        "Pipeline" => {
            let step = |number: usize| tuple([text(&format!("step {number}")), binarizer(3).piece()]);
            Object::new("sklearn.pipeline", "Pipeline", vec![("steps", list((0..count).map(step)))])
        }
        "PolynomialFeatures" => {
            let features = ((2 * count) as f64).sqrt() as usize;
            let attributes = vec![
                ("_min_degree", int(0)),
                ("_max_degree", int(2)),
                ("interaction_only", flag(false)),
                ("include_bias", flag(true)),
                width(features),
            ];
            Object::new("sklearn.preprocessing._polynomial", "PolynomialFeatures", attributes)
        }
        "PowerTransformer" => {
            let attributes = vec![
                ("method", text("yeo-johnson")),
                ("lambdas_", floats(count)),
                ("standardize", flag(false)),
                width(count),
            ];
            Object::new(DATA, "PowerTransformer", attributes)
        }
        "QuantileTransformer" => {
            let quantiles = Python::Array(Items::Float64(vec![0.5; 4 * (count / 4)]), vec![4, count / 4]);
            let attributes = vec![
                ("references_", floats(4)),
                ("quantiles_", value(&quantiles)),
                ("output_distribution", text("uniform")),
                ("ignore_implicit_zeros", flag(false)),
                width(count / 4),
            ];
            Object::new(DATA, "QuantileTransformer", attributes)
        }
        "RFE" => selector("sklearn.feature_selection._rfe", "RFE"),
        "RFECV" => selector("sklearn.feature_selection._rfe", "RFECV"),
        "RobustScaler" => {
            let attributes = vec![
                ("with_centering", flag(true)),
                ("with_scaling", flag(true)),
                ("center_", floats(count)),
                ("scale_", floats(count)),
                width(count),
            ];
            Object::new(DATA, "RobustScaler", attributes)
        }
        "SelectFdr" => univariate("SelectFdr", count, vec![("alpha", float(0.05))]),
        "SelectFpr" => univariate("SelectFpr", count, vec![("alpha", float(0.05))]),
        "SelectFromModel" => {
            let attributes = vec![
                ("estimator_", estimator("Lasso", count)?.piece()),
                ("threshold", none()),
                ("norm_order", int(1)),
                ("max_features", int(10)),
                width(count),
            ];
            Object::new("sklearn.feature_selection._from_model", "SelectFromModel", attributes)
        }
        "SelectFwe" => univariate("SelectFwe", count, vec![("alpha", float(0.05))]),
        "SelectKBest" => univariate("SelectKBest", count, vec![("k", int(10))]),
        "SelectPercentile" => univariate("SelectPercentile", count, vec![("percentile", int(10))]),
        "SequentialFeatureSelector" => selector("sklearn.feature_selection._sequential", "SequentialFeatureSelector"),
        "SimpleImputer" => {
            let attributes = vec![
                ("strategy", text("most_frequent")),
                ("statistics_", texts(count)),
                ("missing_values", float(f64::NAN)),
                ("add_indicator", flag(false)),
                ("keep_empty_features", flag(false)),
                ("_fit_dtype", value(&Python::DType(ItemType::Object))),
                ("_fill_dtype", value(&Python::DType(ItemType::Object))),
                width(count),
            ];
            Object::new("sklearn.impute._base", "SimpleImputer", attributes)
        }
        "StandardScaler" => {
            let attributes = vec![
                ("with_mean", flag(true)),
                ("with_std", flag(true)),
                ("mean_", floats(count)),
                ("scale_", floats(count)),
                width(count),
            ];
            Object::new(DATA, "StandardScaler", attributes)
        }
        "TargetEncoder" => {
            let more = vec![
                ("encodings_", list((0..2).map(|_| floats(count / 2)))),
                ("target_mean_", float(0.5)),
                ("target_type_", text("continuous")),
            ];
            encoder("TargetEncoder", (0..2).map(|_| texts(count / 2)).collect(), more)
        }
        "VarianceThreshold" => {
            let attributes = vec![("threshold", float(0.0)), ("variances_", floats(count)), width(count)];
            Object::new("sklearn.feature_selection._variance_threshold", "VarianceThreshold", attributes)
        }
        _ => return None,
    })
}

/// A branch with a scaler for each column.
fn column_transformer(count: usize) -> Object {
    let name = |number: usize| text(&format!("branch {number}"));
    let column = |number: usize| text(&format!("column {number}"));
    let scaler = || transformer("MaxAbsScaler", 1).map_or_else(none, |scaler| scaler.piece());
    let branch = |number: usize| tuple([name(number), scaler(), list([column(number)])]);
    let indices = (0..count).map(|number| (name(number), list([int(number as i64)])));
    let attributes = vec![
        ("transformers_", list((0..count).map(branch))),
        ("_transformer_to_input_indices", dict(indices)),
        ("feature_names_in_", objects((0..count).map(column).collect())),
        ("sparse_output_", flag(false)),
        ("transformer_weights", dict((0..count).map(|number| (name(number), float(0.5))))),
        ("verbose_feature_names_out", flag(true)),
        width(count),
    ];
    Object::new("sklearn.compose._column_transformer", "ColumnTransformer", attributes)
}

/// Classes as older versions of scikit-learn wrote them: 0.22, and the first patch releases of 0.20.
pub fn older(count: usize) -> Vec<Object> {
    let version = ("_sklearn_version", text("0.22.1"));
    let scaler = || transformer("MaxAbsScaler", 1).map_or_else(none, |scaler| scaler.piece());
    let column = |number: usize| text(&format!("column {number}"));
    let branch = |number: usize, columns: Piece| tuple([text(&format!("branch {number}")), scaler(), columns]);
    let all = value(&Python::Slice(0, count as i64));
    let by = |columns: &dyn Fn(usize) -> Piece| {
        let passed = tuple([text("rest"), text("passthrough"), all.clone()]);
        let branches = (0..count).map(|number| branch(number, columns(number))).chain([passed]);
        let attributes = vec![
            version.clone(),
            ("transformers_", list(branches)),
            ("_df_columns", objects((0..count).map(column).collect())),
            ("_n_features", int(count as i64)),
            ("sparse_output_", flag(false)),
            ("transformer_weights", none()),
        ];
        Object::new("sklearn.compose._column_transformer", "ColumnTransformer", attributes)
    };
    let early = |columns: &dyn Fn(usize) -> Piece| {
        let passed = tuple([text("rest"), text("passthrough"), all.clone()]);
        let branches = (0..count).map(|number| branch(number, columns(number))).chain([passed]);
        let attributes = vec![
            ("_sklearn_version", text("0.20.2")),
            ("transformers_", list(branches)),
            ("sparse_output_", flag(false)),
            ("transformer_weights", none()),
        ];
        Object::new("sklearn.compose._column_transformer", "ColumnTransformer", attributes)
    };
    let polynomial = vec![
        version.clone(),
        ("degree", int(2)),
        ("interaction_only", flag(false)),
        ("include_bias", flag(true)),
        ("n_input_features_", int(((2 * count) as f64).sqrt() as i64)),
    ];
    vec![
        by(&|number| list([column(number)])),
        by(&|number| int(number as i64)),
        early(&|number| list([column(number)])),
        early(&|number| list([int(number as i64)])),
        Object::new(DATA, "PolynomialFeatures", polynomial),
    ]
}

/// A fitted linear estimator with `count` coefficients; `None` for a class without a model here.
pub fn estimator(class: &str, count: usize) -> Option<Object> {
    let module = |class: &str| -> Option<(&'static str, &'static str)> {
        Some(match class {
            "ElasticNet" => ("sklearn.linear_model._coordinate_descent", "ElasticNet"),
            "ElasticNetCV" => ("sklearn.linear_model._coordinate_descent", "ElasticNetCV"),
            "Lasso" => ("sklearn.linear_model._coordinate_descent", "Lasso"),
            "LassoCV" => ("sklearn.linear_model._coordinate_descent", "LassoCV"),
            "LinearRegression" => ("sklearn.linear_model._base", "LinearRegression"),
            "LinearSVC" => ("sklearn.svm._classes", "LinearSVC"),
            "LinearSVR" => ("sklearn.svm._classes", "LinearSVR"),
            "LogisticRegression" => ("sklearn.linear_model._logistic", "LogisticRegression"),
            "LogisticRegressionCV" => ("sklearn.linear_model._logistic", "LogisticRegressionCV"),
            "Perceptron" => ("sklearn.linear_model._perceptron", "Perceptron"),
            "Ridge" => ("sklearn.linear_model._ridge", "Ridge"),
            "RidgeCV" => ("sklearn.linear_model._ridge", "RidgeCV"),
            "RidgeClassifier" => ("sklearn.linear_model._ridge", "RidgeClassifier"),
            "RidgeClassifierCV" => ("sklearn.linear_model._ridge", "RidgeClassifierCV"),
            "SGDClassifier" => ("sklearn.linear_model._stochastic_gradient", "SGDClassifier"),
            "SGDRegressor" => ("sklearn.linear_model._stochastic_gradient", "SGDRegressor"),
            _ => return None,
        })
    };
    let (module, class) = module(class)?;
    let classifies = class.contains("Classifier") || class.ends_with("SVC") || class.starts_with("Logistic");
    let outputs = if classifies || class == "Perceptron" { 4 } else { 1 };
    let coefficients =
        Python::Array(Items::Float64(vec![0.5; outputs * (count / outputs)]), vec![outputs, count / outputs]);
    let mut attributes = vec![
        ("coef_", value(&coefficients)),
        ("intercept_", floats(outputs)),
        ("penalty", text("l2")),
        width(count / outputs),
    ];
    if outputs > 1 {
        attributes.push(("classes_", texts(outputs)));
        attributes.extend([("multi_class", text("auto")), ("solver", text("lbfgs")), ("loss", text("hinge"))]);
    }
    Some(Object::new(module, class, attributes))
}

/// A model of any class that can be read.
pub fn model(class: &str, count: usize) -> Option<Object> {
    transformer(class, count).or_else(|| estimator(class, count))
}

/// All classes that can be read.
pub fn classes() -> impl Iterator<Item = &'static str> {
    byoc_sklearn::transformers::class::supported_transformers()
        .chain(byoc_sklearn::estimators::registry::supported_estimators())
}
