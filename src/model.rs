//! What a container can load, and one call: request body in, response body out.
//!
//! A container does not need to be told what it is: the artifact says. [`Artifact::find`] looks for, in order,
//! `model_algo-1` (SageMaker's linear learner), then `preprocessor.json` (fitted by `byoc train`), then one `*.joblib`, `*.pkl` or `*.pickle` (scikit-learn). A `code/` folder
//! beside them is ignored: nothing in an artifact is ever executed. Anything else is an error that lists what was found
//! and what would have been accepted.

mod files;
mod inspect;

pub use inspect::{Contents, FileSize, Inspection};

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use byoc_account::Allowance;

use crate::artifact::model_algo::ModelAlgo;
use crate::artifact::pickle;
use crate::error::{Cause, Error, Place, Result};
use crate::fitting::Document;
use crate::linear_learner::LinearLearner;
use crate::payload::table::Schema;
use crate::payload::{ContentType, Features, MediaType, Table, negotiate};
use crate::preprocessor::{ColumnsJson, Method, Preprocessor};
use crate::scorer::Scorer;
use files::Kind;

/// A request to a model, as it came.
#[derive(Clone, Copy, Debug)]
pub struct Invocation<'a> {
    /// The `Content-Type` header.
    pub content_type: Option<&'a str>,
    /// The `Accept` header.
    pub accept: Option<&'a str>,
    /// What to answer where the caller accepts anything; JSON if `None`, as SageMaker's own containers.
    pub default_accept: Option<MediaType>,
    /// The body.
    pub body: &'a [u8],
}

/// A model's answer.
#[derive(Debug)]
pub struct Answer {
    /// What the body is.
    pub content_type: MediaType,
    /// The body.
    pub body: Vec<u8>,
}

/// An artifact that was found and recognised, and not yet read.
#[derive(Debug)]
pub enum Artifact {
    /// SageMaker's linear learner, in this folder.
    LinearLearner(PathBuf),
    /// A preprocessor that `byoc train` fitted: its `preprocessor.json`. The `model.joblib` beside it is the same for
    /// scikit-learn.
    Fitted(PathBuf),
    /// A pickle of scikit-learn's, and the `columns.json` beside it if there is one.
    ScikitLearn {
        /// The pickle.
        pickle: PathBuf,
        /// `columns.json`.
        columns: Option<PathBuf>,
    },
}

/// A model in memory.
#[derive(Debug)]
pub enum Model {
    /// Features to scores, in float32.
    LinearLearner(LinearLearner),
    /// Rows to features, in float64.
    Preprocessor(Preprocessor),
    /// Rows to scores or classes, in float64.
    Scorer(Scorer),
}

/// The name of the file that `byoc train` writes for a preprocessor.
const PREPROCESSOR_JSON: &str = "preprocessor.json";

/// The name of the file that says what a pickle cannot.
const COLUMNS_JSON: &str = "columns.json";

/// How many names an error lists of what it found.
const MOST_LISTED: usize = 10;

impl Artifact {
    /// Recognises the artifact in a folder, or that which is a file of its own.
    ///
    /// # Errors
    /// [`Cause::NoModel`] where nothing, or more than one thing, is recognised.
    pub fn find(place: &Path) -> Result<Artifact> {
        if !place.is_file() {
            return Artifact::find_in(place);
        }
        match Kind::of(place) {
            // The folder of a bare name is the empty path.
            Some(Kind::ModelAlgo) => Ok(Artifact::LinearLearner(place.with_file_name(""))),
            Some(Kind::Fitted) => Ok(Artifact::Fitted(place.to_owned())),
            Some(Kind::Pickle) => {
                let columns = place.with_file_name(COLUMNS_JSON);
                let columns = columns.is_file().then_some(columns);
                Ok(Artifact::ScikitLearn { pickle: place.to_owned(), columns })
            }
            Some(Kind::Archive) | None => Err(files::unexpected(place)),
        }
    }

    /// Whether a file is an artifact of its own by its name, and no archive of one.
    pub fn is_lone_file(path: &Path) -> bool {
        path.is_file() && matches!(Kind::of(path), Some(Kind::ModelAlgo | Kind::Fitted | Kind::Pickle))
    }

    /// The error of a file that is known to be neither an artifact nor an archive of one by how it begins.
    ///
    /// # Errors
    /// [`Cause::NoModel`] with what it is instead.
    pub fn check_archive(path: &Path) -> Result<()> {
        if files::may_be_archive(path)? { Ok(()) } else { Err(files::unexpected(path)) }
    }

    fn find_in(directory: &Path) -> Result<Artifact> {
        if ModelAlgo::is_in(directory) {
            return Ok(Artifact::LinearLearner(directory.to_owned()));
        }
        let fitted = directory.join(PREPROCESSOR_JSON);
        if fitted.is_file() {
            return Ok(Artifact::Fitted(fitted));
        }
        let mut names = Vec::new();
        let mut pickles = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(|error| Error::io("list", directory, &error))? {
            let path = entry.map_err(|error| Error::io("list", directory, &error))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            // macOS' tar packs a `._model.joblib` beside the model.
            if name.starts_with('.') {
                continue;
            }
            // A folder, a pipe or a device of that name is no file to read.
            if matches!(Kind::of(&path), Some(Kind::Pickle)) && path.is_file() {
                pickles.push(path.clone());
            }
            names.push(name);
        }
        names.sort();
        match pickles.as_slice() {
            [pickle] => {
                let columns = directory.join(COLUMNS_JSON);
                Ok(Artifact::ScikitLearn { pickle: pickle.clone(), columns: columns.is_file().then_some(columns) })
            }
            [] => Err(Error::new(
                Cause::NoModel,
                format!(
                    "no model in {}: expected model_algo-1 (linear learner), preprocessor.json (fitted here) or one *.joblib, \
                     *.pkl or *.pickle (scikit-learn), found {}",
                    directory.display(),
                    listed(&names)
                ),
            )),
            several => Err(Error::new(
                Cause::NoModel,
                format!(
                    "{} models in {}: expected one *.joblib, *.pkl or *.pickle, found {}",
                    several.len(),
                    directory.display(),
                    listed(&names)
                ),
            )),
        }
    }

    /// How many bytes the file of the model has, as it lies on the disk.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub fn length(&self) -> Result<u64> {
        match self {
            Artifact::LinearLearner(directory) => Ok(ModelAlgo::length(directory)),
            Artifact::Fitted(document) => length(document),
            Artifact::ScikitLearn { pickle, .. } => length(pickle),
        }
    }

    /// Reads the artifact, and takes the memory for that and for the model. A method that is asked for here wins over that of `columns.json`; the linear learner has none.
    ///
    /// # Errors
    /// [`Cause::InsufficientMemory`]; [`Cause::BadArtifact`] for one that is broken or hostile, [`Cause::UnsupportedClass`], [`Cause::BadColumns`] and
    /// [`Cause::BadDocument`] for a file that does not fit, and [`Cause::NoSuchMethod`].
    pub fn load(self, method: Option<Method>, allowance: &Allowance) -> Result<Model> {
        match self {
            Artifact::LinearLearner(directory) => LinearLearner::open(&directory, allowance).map(Model::LinearLearner),
            Artifact::Fitted(path) => {
                let document = with_file(&path, allowance, |json| Document::parse(json, allowance))?;
                let preprocessor = document.preprocessor(allowance).map_err(|error| in_file(&path, error))?;
                Ok(Model::Preprocessor(preprocessor))
            }
            Artifact::ScikitLearn { pickle, columns } => {
                let mut columns = match columns {
                    Some(path) => with_file(&path, allowance, |json| ColumnsJson::parse(json, allowance))?,
                    None => ColumnsJson::default(),
                };
                columns.method = method.or(columns.method);
                let artifact = read(&pickle, allowance)?;
                scikit_learn(artifact, columns, allowance).map_err(|error| in_file(&pickle, error))
            }
        }
    }
}

fn scikit_learn(artifact: Vec<u8>, columns: ColumnsJson, allowance: &Allowance) -> Result<Model> {
    let tree = pickle::read(artifact, allowance)?;
    let model = if Scorer::is_in(&tree)? {
        Scorer::from_pickle(&tree, Some(columns), allowance).map(Model::Scorer)
    } else {
        Preprocessor::from_pickle(&tree, Some(columns), allowance).map(Model::Preprocessor)
    };
    tree.give_back_to(allowance);
    model
}

/// An error about a cell, with the byte at which the cell begins: what is done with columns does not know where they were.
fn at_byte(error: Error, content_type: ContentType, body: &[u8]) -> Error {
    let byte = match error.place() {
        Some(place @ Place { byte: None, .. }) => Table::byte_of(content_type, body, place),
        _ => None,
    };
    match byte {
        Some(byte) => error.at(Place::byte(byte)),
        None => error,
    }
}

/// An error in the first row, with what to do about it where that row is a header line.
fn with_advice(error: Error, content_type: ContentType, body: &[u8], schema: &dyn Schema) -> Error {
    let place = error.place().cloned().unwrap_or_default();
    if error.cause() != Cause::BadPayload || place.row.is_some_and(|row| row > 1) {
        return error;
    }
    match Table::advice(content_type, body, schema) {
        Some(advice) => Error::new(error.cause(), format!("{}; {advice}", error.message())).at(place),
        None => error,
    }
}

/// How many bytes a file has.
fn length(path: &Path) -> Result<u64> {
    std::fs::metadata(path).map(|found| found.len()).map_err(|error| Error::io("read", path, &error))
}

/// Reads a file, for whose bytes memory is taken first; not more of it than it had then.
fn read(path: &Path, allowance: &Allowance) -> Result<Vec<u8>> {
    let failed = |error| Error::io("read", path, &error);
    let file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let room = usize::try_from(length).unwrap_or(usize::MAX);
    allowance.take(room)?;
    let mut bytes = Vec::with_capacity(room);
    file.take(length).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// What a file's bytes say; they are gone then.
fn with_file<T>(path: &Path, allowance: &Allowance, parse: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
    let bytes = read(path, allowance)?;
    let parsed = parse(&bytes).map_err(|error| in_file(path, error));
    allowance.give_back(bytes.capacity());
    parsed
}

fn in_file(path: &Path, error: Error) -> Error {
    error.context(path.file_name().unwrap_or_default().to_string_lossy())
}

fn listed(names: &[String]) -> String {
    match names {
        [] => "nothing".to_owned(),
        names if names.len() <= MOST_LISTED => names.join(", "),
        names => format!("{} and {} more", names[..MOST_LISTED].join(", "), names.len() - MOST_LISTED),
    }
}

impl Model {
    /// How many bytes the model takes in memory.
    pub fn bytes(&self) -> u64 {
        match self {
            Model::LinearLearner(learner) => learner.bytes(),
            Model::Preprocessor(preprocessor) => preprocessor.bytes(),
            Model::Scorer(scorer) => scorer.bytes(),
        }
    }

    /// What was assumed of a row that a person should look at: which column is the label, where only its place says so.
    pub fn assumption(&self) -> Option<String> {
        let label = match self {
            Model::LinearLearner(_) => None,
            Model::Preprocessor(preprocessor) => preprocessor.guessed_label(),
            Model::Scorer(scorer) => scorer.guessed_label(),
        }?;
        Some(format!(
            "the column {label} is taken for the label, since it comes last and no transformer uses it: rows may come with it or \
             without; {{\"label\": null}} in a columns.json beside the artifact says that it is none, \
             {{\"label\": {label:?}}} that it is one"
        ))
    }

    /// Why every request will be refused, where that can be known beforehand.
    pub fn refusal(&self) -> Option<&str> {
        match self {
            Model::LinearLearner(_) => None,
            Model::Preprocessor(preprocessor) => preprocessor.refusal(),
            Model::Scorer(scorer) => scorer.refusal(),
        }
    }

    /// Answers one request.
    ///
    /// # Errors
    /// [`crate::error::Cause::UnsupportedMediaType`]; [`crate::error::Cause::NotAcceptable`], also for text in a media type
    /// that holds numbers only; and [`crate::error::Cause::BadPayload`] with the row, column and byte.
    pub fn invoke(&self, invocation: Invocation<'_>) -> Result<Answer> {
        let Invocation { content_type, accept, default_accept, body } = invocation;
        let exchange = self.agree(content_type, accept, default_accept)?;
        let (body, _) = self.answer(&exchange, body, None)?;
        Ok(Answer { content_type: exchange.writes, body })
    }

    /// What is read and what is answered, by a request's headers.
    ///
    /// # Errors
    /// [`crate::error::Cause::UnsupportedMediaType`] and [`crate::error::Cause::NotAcceptable`].
    pub fn agree(
        &self,
        content_type: Option<&str>,
        accept: Option<&str>,
        default_accept: Option<MediaType>,
    ) -> Result<Exchange> {
        let default_accept = default_accept.unwrap_or(MediaType::Json);
        let (readable, writable) = match self {
            Model::LinearLearner(_) => (LinearLearner::READABLE, LinearLearner::WRITABLE),
            Model::Preprocessor(_) => (Table::READABLE, Features::WRITABLE),
            Model::Scorer(_) => (Table::READABLE, Scorer::WRITABLE),
        };
        let reads = ContentType::parse(content_type, readable)?;
        Ok(Exchange { reads, writes: negotiate(accept, default_accept, writable)? })
    }

    /// The answer to a body, and what of it the pieces after it have to go on with; `before` is that of the pieces before
    /// it.
    fn answer(&self, exchange: &Exchange, body: &[u8], before: Option<Shape>) -> Result<(Vec<u8>, Shape)> {
        let mut answer = Vec::new();
        let shape = match self {
            Model::LinearLearner(learner) => {
                let unnamed = |_: usize| Ok(());
                let advised = |error| with_advice(error, exchange.reads, body, &unnamed);
                let batch = learner.read(exchange.reads, body).map_err(advised)?;
                learner.predict(&batch)?.write(exchange.writes, &mut answer);
                Shape { rows: batch.len(), columns: None }
            }
            Model::Preprocessor(preprocessor) => {
                let columns = before.and_then(|shape| shape.columns);
                let advised = |error| with_advice(error, exchange.reads, body, preprocessor);
                let rows = Table::read_piece(exchange.reads, body, columns, preprocessor).map_err(advised)?;
                let shape = Shape { rows: rows.rows, columns: Some(rows.columns.len()) };
                let located = |error| advised(at_byte(error, exchange.reads, body));
                preprocessor.transform(rows).map_err(located)?.write(exchange.writes, &mut answer)?;
                shape
            }
            Model::Scorer(scorer) => {
                let columns = before.and_then(|shape| shape.columns);
                let advised = |error| with_advice(error, exchange.reads, body, scorer);
                let rows = Table::read_piece(exchange.reads, body, columns, scorer).map_err(advised)?;
                let shape = Shape { rows: rows.rows, columns: Some(rows.columns.len()) };
                let located = |error| advised(at_byte(error, exchange.reads, body));
                scorer.score(rows).map_err(located)?.write(exchange.writes, &mut answer)?;
                shape
            }
        };
        Ok((answer, shape))
    }
}

/// The media types of a request and of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// What the body is.
    pub reads: ContentType,
    /// What the answer is.
    pub writes: MediaType,
}

/// How many rows a piece has, and how many columns its rows have where that is the body's word.
#[derive(Clone, Copy, Debug)]
struct Shape {
    rows: usize,
    columns: Option<usize>,
}

/// A request whose body is answered piece by piece while it arrives ([`crate::payload::pieces`] says where it is cut). The
/// answers, one after another, are the answer.
#[derive(Clone, Copy, Debug)]
pub struct PieceByPiece {
    exchange: Exchange,
    rows: usize,
    bytes: usize,
    columns: Option<usize>,
}

impl PieceByPiece {
    /// Begins a request.
    pub fn new(exchange: Exchange) -> PieceByPiece {
        PieceByPiece { exchange, rows: 0, bytes: 0, columns: None }
    }

    /// Answers the next piece; the last one ends the answer. A piece of blank lines has no answer.
    ///
    /// # Errors
    /// [`crate::error::Cause::BadPayload`] with the row and the byte in the body as a whole.
    pub fn answer(&mut self, model: &Model, piece: &[u8], is_last: bool) -> Result<Vec<u8>> {
        let is_json = self.exchange.writes == MediaType::Json;
        if piece.trim_ascii().is_empty() && self.rows > 0 {
            self.bytes += piece.len();
            return Ok(if is_json && is_last { b"]}".to_vec() } else { Vec::new() });
        }
        let before = Some(Shape { rows: self.rows, columns: self.columns });
        let (answer, shape) = model.answer(&self.exchange, piece, before).map_err(|error| self.moved(error))?;
        let is_first = self.rows == 0;
        self.rows += shape.rows;
        self.columns = shape.columns;
        self.bytes += piece.len();
        Ok(if is_json { part_of_a_list(&answer, is_first, is_last) } else { answer })
    }

    /// An error in a piece, as one in the body as a whole.
    fn moved(&self, error: Error) -> Error {
        let mut place = error.place().cloned().unwrap_or_default();
        place.row = place.row.map(|row| row + self.rows);
        place.byte = place.byte.map(|byte| byte + self.bytes);
        Error::new(error.cause(), error.message()).at(place)
    }
}

/// What a document with one list, such as `{"predictions": [...]}`, adds to a list that goes through several of them.
fn part_of_a_list(document: &[u8], is_first: bool, is_last: bool) -> Vec<u8> {
    let opening = memchr::memchr(b'[', document).map_or(0, |at| at + 1);
    let closing = memchr::memrchr(b']', document).unwrap_or(document.len());
    let (from, to) = (if is_first { 0 } else { opening }, if is_last { document.len() } else { closing });
    let mut part = if is_first { Vec::new() } else { b", ".to_vec() };
    part.extend_from_slice(document.get(from..to).unwrap_or_default());
    part
}
impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Model::LinearLearner(learner) => {
                write!(f, "linear learner ({}, {} features)", learner.predictor_type().name(), learner.feature_dim())
            }
            Model::Preprocessor(preprocessor) => write!(f, "scikit-learn preprocessor ({preprocessor})"),
            Model::Scorer(scorer) => write!(f, "scikit-learn scorer ({scorer})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::payload::pieces::Pieces;
    use byoc_account::Purpose;

    fn model(case: &str) -> Model {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        match case {
            "housing" => Artifact::find(&fixtures.join("sklearn/1.4.2/housing"))
                .and_then(|artifact| artifact.load(None, &Allowance::unbounded()))
                .unwrap(),
            case => {
                let folder = tempfile::tempdir().unwrap();
                let archive =
                    std::fs::File::open(fixtures.join(format!("linear-learner/{case}/model.tar.gz"))).unwrap();
                let into = folder.path().join("model");
                crate::artifact::targz::unpack(archive, &into, &Default::default()).unwrap();
                Artifact::find(&into).and_then(|artifact| artifact.load(None, &Allowance::unbounded())).unwrap()
            }
        }
    }

    #[test]
    fn a_document_leases_the_tree_that_it_becomes() {
        let folder = tempfile::tempdir().unwrap();
        let digits = 100_000;
        let document = format!("[{}0]", "0,".repeat(digits - 1));
        fs::write(folder.path().join("preprocessor.json"), &document).unwrap();
        let tree = digits * size_of::<crate::json_text::Node>();
        let load = |bytes: usize| {
            let allowance = Allowance::of_bytes(bytes as u64, Purpose::Load);
            Artifact::find(folder.path()).unwrap().load(None, &allowance).unwrap_err().cause()
        };
        assert_eq!(load(tree), Cause::InsufficientMemory);
        // The tree, what is read from it, and as much again while either grows.
        assert_eq!(load(3 * (tree + digits * size_of::<f64>())), Cause::BadDocument);
    }

    const PIECE_ROWS: usize = 50;

    fn piece_by_piece(model: &Model, content_type: &str, accept: &str, body: &[u8]) -> Result<Vec<u8>> {
        let exchange = model.agree(Some(content_type), Some(accept), None).unwrap();
        let mut pieces = Pieces::of_rows(exchange.reads.media_type, PIECE_ROWS);
        let mut progress = PieceByPiece::new(exchange);
        let (mut rest, mut answer) = (body, Vec::new());
        while let Some(end) = pieces.cut(rest) {
            let (piece, after) = rest.split_at(end);
            answer.extend(progress.answer(model, piece, false)?);
            rest = after;
        }
        answer.extend(progress.answer(model, rest, true)?);
        Ok(answer)
    }

    #[test]
    fn the_answers_to_pieces_are_the_answer_to_the_whole_in_every_media_type() {
        let houses = "1993,2728,6,3.0,0.7,1,y,y\n1980,1500.5,3,1.5,0.5,0,n,y\n".repeat(70);
        let features = "0.5,-1,0,0,1.25,0,1,0,1,0\n".repeat(140);
        let lines = "{\"features\": [0.5,-1,0,0,1.25,0,1,0,1,0]}\n".repeat(100);
        for (case, content_type, body) in [
            ("housing", "text/csv", &houses),
            ("regressor_housing", "text/csv", &features),
            ("regressor_housing", "application/jsonlines", &lines),
        ] {
            let model = model(case);
            for accept in ["text/csv", "application/jsonlines", "application/json"] {
                let whole = model.invoke(Invocation {
                    content_type: Some(content_type),
                    accept: Some(accept),
                    default_accept: None,
                    body: body.as_bytes(),
                });
                let pieces = piece_by_piece(&model, content_type, accept, body.as_bytes()).unwrap();
                assert!(whole.unwrap().body == pieces, "{case} {content_type} {accept}");
            }
        }
    }

    fn message(model: &Model, content_type: &str, body: &str) -> String {
        let body = body.as_bytes();
        let content_type = Some(content_type);
        let answer = model.invoke(Invocation { content_type, accept: Some("text/csv"), default_accept: None, body });
        match answer {
            Ok(answer) => String::from_utf8(answer.body).unwrap(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_header_line_is_read_where_it_is_announced_and_recognised_where_it_is_not() {
        const ANNOUNCED: &str = "text/csv; header=present";
        let housing = model("housing");
        let header = "YEAR_BUILT,SQUARE_FEET,NUM_BEDROOMS,NUM_BATHROOMS,LOT_ACRES,GARAGE_SPACES,FRONT_PORCH,DECK";
        let row = "1993,2728,6,3.0,0.7,1,y,n";
        let expected = message(&housing, "text/csv", row);
        assert_eq!(message(&housing, ANNOUNCED, &format!("{header}\n{row}\n")), expected);
        let backwards = |line: &str| line.rsplit(',').collect::<Vec<_>>().join(",");
        let body = format!("{}\n{}\n", backwards(header), backwards(row));
        assert_eq!(message(&housing, ANNOUNCED, &body), expected);
        let wrong = format!("{header}\n{}\n", row.replace("2728", "big"));
        let said = message(&housing, ANNOUNCED, &wrong);
        assert_eq!(said, "row 1, column 2 (SQUARE_FEET), byte 96: could not read \"big\" as a number");
        let said = message(&housing, "text/csv", &format!("{header}\n{row}\n"));
        assert!(said.starts_with("row 1, column 1 (YEAR_BUILT), byte 0: could not read \"YEAR_BUILT\""), "{said}");
        assert!(said.ends_with("leave it out, or send it with Content-Type: text/csv; header=present"), "{said}");

        let learner = model("regressor_housing");
        let (header, row) = ("a,b,c,d,e,f,g,h,i,j", "0.5,-1,0,0,1.25,0,1,0,1,0");
        let expected = message(&learner, "text/csv", row);
        assert_eq!(message(&learner, ANNOUNCED, &format!("{header}\n{row}\n")), expected);
        let said = message(&learner, ANNOUNCED, &format!("{header}\n{row}\n1,2\n"));
        assert!(said.contains("row 2, byte 46"), "{said}");
        let said = message(&learner, "text/csv", &format!("{header}\n{row}\n"));
        assert!(said.contains("the first line looks like a header line"), "{said}");
    }

    #[test]
    fn what_is_wrong_with_the_number_of_columns_or_rows_is_said_with_its_place() {
        let housing = model("housing");
        let said = message(&housing, "text/csv", "\n1,2\n");
        assert!(said.starts_with("row 1, byte 1: expected rows of 8 columns"), "{said}");
        for (content_type, body) in
            [("application/json", "[]"), ("application/json", "{\"instances\": []}"), ("text/csv", "\n")]
        {
            let said = message(&housing, content_type, body);
            assert!(said.ends_with("expected at least one row, found none"), "{said}");
        }
        let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 8), }";
        let array = format!("\u{1}\0{}\0{header}", header.len() as u8 as char);
        let body = [b"\x93NUMPY".as_slice(), array.as_bytes()].concat();
        let invocation =
            Invocation { content_type: Some("application/x-npy"), accept: None, default_accept: None, body: &body };
        let said = housing.invoke(invocation).unwrap_err().to_string();
        assert_eq!(said, "expected at least one row, found none");
    }

    #[test]
    fn a_column_has_one_type_in_each_piece() {
        let model = model("housing");
        let body = format!("{}1993,none,6,3.0,0.7,1,y,y\n", "1993,2728,6,3.0,0.7,,y,y\n".repeat(PIECE_ROWS));
        let whole = Invocation { content_type: None, accept: None, default_accept: None, body: body.as_bytes() };
        let row = |error: Error| error.place().and_then(|place| place.row);
        assert_eq!(row(model.invoke(whole).unwrap_err()), Some(51));
        assert_eq!(row(piece_by_piece(&model, "text/csv", "text/csv", body.as_bytes()).unwrap_err()), Some(51));
        // A value that is missing throughout a piece is a number there, as it is throughout a body.
        let body = "1993,2728,6,3.0,0.7,,y,y\n".repeat(PIECE_ROWS + 1);
        let answer =
            String::from_utf8(piece_by_piece(&model, "text/csv", "text/csv", body.as_bytes()).unwrap()).unwrap();
        assert!(answer.lines().all(|line| line.contains(",nan,")), "{answer}");
    }

    #[test]
    fn what_is_wrong_in_a_piece_is_said_with_its_place_in_the_body() {
        let body = format!("{}1993,big,6,3.0,0.7,1,y,y\n", "1993,2728,6,3.0,0.7,1,y,y\n".repeat(70));
        let error = piece_by_piece(&model("housing"), "text/csv", "text/csv", body.as_bytes()).unwrap_err();
        let place = error.place().unwrap();
        assert_eq!((place.row, place.column), (Some(71), Some(2)));
        let features = format!("{}1,2\n", "0.5,-1,0,0,1.25,0,1,0,1,0\n".repeat(120));
        let error =
            piece_by_piece(&model("regressor_housing"), "text/csv", "text/csv", features.as_bytes()).unwrap_err();
        let place = error.place().unwrap();
        assert_eq!((place.row, place.byte), (Some(121), Some(features.len() - 4)));
    }

    fn found(files: &[&str]) -> Result<Artifact> {
        let folder = tempfile::TempDir::new().unwrap();
        for file in files {
            match file.strip_suffix('/') {
                Some(name) => fs::create_dir(folder.path().join(name)).unwrap(),
                None => fs::write(folder.path().join(file), "x").unwrap(),
            }
        }
        Artifact::find(folder.path())
    }

    #[test]
    fn what_lies_in_the_folder_says_what_the_model_is() {
        assert!(matches!(found(&["model_algo-1", "model.joblib"]), Ok(Artifact::LinearLearner(_))));
        for name in ["model.joblib", "x.pkl", "y.pickle"] {
            let artifact = found(&[name, "code/", "notes.txt", "._model.joblib"]);
            assert!(matches!(artifact, Ok(Artifact::ScikitLearn { columns: None, .. })), "{name}: {artifact:?}");
        }
        assert!(matches!(found(&["preprocessor.json", "model.joblib", "other.pkl"]), Ok(Artifact::Fitted(_))));
        assert!(matches!(found(&["preprocessor.json", "model_algo-1"]), Ok(Artifact::LinearLearner(_))));
        let artifact = found(&["model.joblib", "columns.json"]);
        assert!(matches!(artifact, Ok(Artifact::ScikitLearn { columns: Some(_), .. })), "{artifact:?}");
    }

    #[test]
    fn what_is_not_recognised_is_listed_beside_what_would_have_been() {
        let message = found(&["model.onnx", "a.txt"]).unwrap_err().to_string();
        assert!(message.contains("expected model_algo-1"), "{message}");
        assert!(message.ends_with("found a.txt, model.onnx"), "{message}");
        assert!(found(&[]).unwrap_err().to_string().ends_with("found nothing"));
        assert!(found(&["a.pkl", "b.joblib"]).unwrap_err().to_string().contains("2 models"));
        assert!(found(&["model.joblib/"]).is_err(), "a folder of that name is no artifact");
    }

    #[test]
    fn a_long_list_is_cut() {
        let names: Vec<String> = (0..30).map(|number| format!("file{number}")).collect();
        assert!(listed(&names).ends_with("and 20 more"), "{}", listed(&names));
    }
}
