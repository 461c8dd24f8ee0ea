//! Answers a request's body while it arrives.

use byoc_account::Allowance;

use super::answer::PrecedingRows;
use super::{Exchange, Model, SeenColumnTypes};
use crate::error::Result;
use byoc_formats::media_types::Part;

/// A request whose body is answered piece by piece ([`byoc_formats::media_types::pieces`] decides where it is cut). The
/// answers to the pieces, one after another, are the whole answer.
#[derive(Clone, Copy, Debug)]
pub struct PiecewiseInvocation {
    exchange: Exchange,
    bytes: usize,
    before: PrecedingRows,
}

impl PiecewiseInvocation {
    /// Begins a request.
    pub fn new(exchange: Exchange) -> PiecewiseInvocation {
        PiecewiseInvocation { exchange, bytes: 0, before: PrecedingRows::default() }
    }

    /// The media types of the request and of its answer.
    pub fn exchange(&self) -> Exchange {
        self.exchange
    }

    /// Whether no row has been answered yet.
    pub fn is_new(&self) -> bool {
        self.before.rows == 0
    }

    /// Answers the next piece. With the last piece, the answer is closed. The answer to a piece of blank lines is
    /// empty.
    ///
    /// # Errors
    /// Those of [`Model::answer`]. Rows and bytes in errors count from the start of the whole body.
    pub fn answer(
        &mut self,
        model: &Model,
        piece: &[u8],
        is_last: bool,
        (seen, allowance): (Option<&SeenColumnTypes>, &Allowance),
    ) -> Result<Vec<Vec<u8>>> {
        if piece.trim_ascii().is_empty() && self.before.rows > 0 {
            self.bytes += piece.len();
            let closing = self.exchange.writes.brackets(model.document()).closing;
            return Ok(if is_last && !closing.is_empty() { vec![closing.to_vec()] } else { Vec::new() });
        }
        let part = Part { is_first: self.before.rows == 0, is_last };
        let answered = model.answer_part(self.exchange, piece, self.before, part, (seen, allowance));
        let (answer, shape) = answered.map_err(|error| error.shifted(self.before.rows, self.bytes))?;
        self.before = PrecedingRows { rows: self.before.rows + shape.rows, ..shape };
        self.bytes += piece.len();
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::error::Error;
    use crate::model::{Answer, Artifact, Invocation};
    use byoc_formats::media_types::prediction_style::JsonForm;
    use byoc_sklearn::preprocessor::Overrides;

    fn model(case: &str) -> Model {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        let scikit_learn = |case: &str, overrides: &Overrides| {
            let artifact = Artifact::find(&fixtures.join("sklearn").join(case));
            artifact.and_then(|artifact| artifact.load(overrides, &Allowance::unbounded())).unwrap()
        };
        let predictions = Overrides { json: Some(JsonForm::Predictions), ..Overrides::default() };
        match case {
            "housing" => scikit_learn("1.4.2/housing", &Overrides::default()),
            "scorer" => scikit_learn("1.9.1/model_multinomial", &Overrides::default()),
            "scorer of predictions" => scikit_learn("1.9.1/model_multinomial", &predictions),
            case => {
                let folder = tempfile::tempdir().unwrap();
                let archive =
                    std::fs::File::open(fixtures.join(format!("linear-learner/{case}/model.tar.gz"))).unwrap();
                let into = folder.path().join("model");
                byoc_formats::targz::unpack(archive, &into, &Default::default()).unwrap();
                Artifact::find(&into)
                    .and_then(|artifact| artifact.load(&Overrides::default(), &Allowance::unbounded()))
                    .unwrap()
            }
        }
    }

    fn invoke(model: &Model, invocation: Invocation<'_>) -> Result<Vec<u8>> {
        model.invoke(invocation, &Allowance::unbounded()).map(Answer::into_body)
    }

    const PIECE_ROWS: usize = 50;

    fn piece_by_piece(model: &Model, content_type: &str, accept: &str, body: &[u8]) -> Result<Vec<u8>> {
        let exchange = model.negotiate(Some(content_type), Some(accept), None).unwrap();
        let mut pieces = exchange.reads.media_type.pieces().unwrap().with_rows(PIECE_ROWS);
        let (mut progress, allowance) = (PiecewiseInvocation::new(exchange), Allowance::unbounded());
        let (mut rest, mut answer) = (body, Vec::new());
        while let Some(end) = pieces.cut(rest) {
            let (piece, after) = rest.split_at(end);
            answer.extend(progress.answer(model, piece, false, (None, &allowance))?.concat());
            rest = after;
        }
        answer.extend(progress.answer(model, rest, true, (None, &allowance))?.concat());
        Ok(answer)
    }

    #[test]
    fn the_answers_to_pieces_make_up_the_answer_to_the_whole_in_every_media_type() {
        let houses = "1993,2728,6,3.0,0.7,1,y,y\n1980,1500.5,3,1.5,0.5,0,n,y\n".repeat(70);
        let features = "0.5,-1,0,0,1.25,0,1,0,1,0\n".repeat(140);
        let lines = "{\"features\": [0.5,-1,0,0,1.25,0,1,0,1,0]}\n".repeat(100);
        let scored = "0.5,1.5,red,2,3.5,yes\n".repeat(120);
        // The last piece has no row.
        let blank = format!("{scored}{}", "\n".repeat(40));
        for (case, content_type, body) in [
            ("housing", "text/csv", &houses),
            ("regressor_housing", "text/csv", &features),
            ("regressor_housing", "application/jsonlines", &lines),
            ("scorer", "text/csv", &scored),
            ("scorer", "text/csv", &blank),
            ("scorer of predictions", "text/csv", &scored),
            ("scorer of predictions", "text/csv", &blank),
        ] {
            let model = model(case);
            for accept in ["text/csv", "application/jsonlines", "application/json"] {
                let whole = invoke(
                    &model,
                    Invocation {
                        content_type: Some(content_type),
                        accept: Some(accept),
                        default_accept: None,
                        body: body.as_bytes(),
                    },
                );
                let pieces = piece_by_piece(&model, content_type, accept, body.as_bytes()).unwrap();
                assert!(whole.unwrap() == pieces, "{case} {content_type} {accept}");
            }
        }
    }

    fn message(model: &Model, content_type: &str, body: &str) -> String {
        let body = body.as_bytes();
        let content_type = Some(content_type);
        let answer = invoke(model, Invocation { content_type, accept: Some("text/csv"), default_accept: None, body });
        match answer {
            Ok(answer) => String::from_utf8(answer).unwrap(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_header_line_is_read_if_announced_and_recognised_in_an_error_if_not() {
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
        let error = message(&housing, ANNOUNCED, &wrong);
        assert_eq!(error, "row 1, column 2 (SQUARE_FEET), byte 96: could not read \"big\" as a number");
        let error = message(&housing, "text/csv", &format!("{header}\n{row}\n"));
        assert!(error.starts_with("row 1, column 1 (YEAR_BUILT), byte 0: could not read \"YEAR_BUILT\""), "{error}");
        assert!(error.ends_with("leave it out, or send it with Content-Type: text/csv; header=present"), "{error}");

        let learner = model("regressor_housing");
        let (header, row) = ("a,b,c,d,e,f,g,h,i,j", "0.5,-1,0,0,1.25,0,1,0,1,0");
        let expected = message(&learner, "text/csv", row);
        assert_eq!(message(&learner, ANNOUNCED, &format!("{header}\n{row}\n")), expected);
        let error = message(&learner, ANNOUNCED, &format!("{header}\n{row}\n1,2\n"));
        assert!(error.contains("row 2, byte 46"), "{error}");
        let error = message(&learner, "text/csv", &format!("{header}\n{row}\n"));
        assert!(error.contains("the first line looks like a header line"), "{error}");
    }

    #[test]
    fn an_error_about_the_number_of_columns_or_rows_says_where() {
        let housing = model("housing");
        let error = message(&housing, "text/csv", "\n1,2\n");
        assert!(error.starts_with("row 1, byte 1: expected rows of 8 columns"), "{error}");
        for (content_type, body) in
            [("application/json", "[]"), ("application/json", "{\"instances\": []}"), ("text/csv", "\n")]
        {
            let error = message(&housing, content_type, body);
            assert!(error.ends_with("expected at least one row, found none"), "{error}");
        }
        let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 8), }";
        let array = format!("\u{1}\0{}\0{header}", header.len() as u8 as char);
        let body = [b"\x93NUMPY".as_slice(), array.as_bytes()].concat();
        let invocation =
            Invocation { content_type: Some("application/x-npy"), accept: None, default_accept: None, body: &body };
        let error = invoke(&housing, invocation).unwrap_err().to_string();
        assert_eq!(error, "expected at least one row, found none");
    }

    #[test]
    fn a_column_has_a_single_type_in_each_piece() {
        let model = model("housing");
        let body = format!("{}1993,none,6,3.0,0.7,1,y,y\n", "1993,2728,6,3.0,0.7,,y,y\n".repeat(PIECE_ROWS));
        let whole = Invocation { content_type: None, accept: None, default_accept: None, body: body.as_bytes() };
        let row = |error: Error| error.place().and_then(|place| place.row);
        assert_eq!(row(invoke(&model, whole).unwrap_err()), Some(51));
        assert_eq!(row(piece_by_piece(&model, "text/csv", "text/csv", body.as_bytes()).unwrap_err()), Some(51));
        // A column without values in a piece is numeric there, as it is in a whole body.
        let body = "1993,2728,6,3.0,0.7,,y,y\n".repeat(PIECE_ROWS + 1);
        let answer =
            String::from_utf8(piece_by_piece(&model, "text/csv", "text/csv", body.as_bytes()).unwrap()).unwrap();
        assert!(answer.lines().all(|line| line.contains(",nan,")), "{answer}");
    }

    #[test]
    fn the_first_piece_decides_whether_rows_have_the_guessed_label() {
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sklearn/1.4.2/housing/model.joblib");
        let folder = tempfile::tempdir().unwrap();
        std::fs::copy(fixture, folder.path().join("model.joblib")).unwrap();
        let model = Artifact::find(folder.path())
            .and_then(|artifact| artifact.load(&Overrides::default(), &Allowance::unbounded()))
            .unwrap();
        let (number, text) = ("1993,2728,6,3.0,0.7,1,y,y,5\n", "1993,2728,6,3.0,0.7,1,y,y,sold\n");
        let widths = |body: String| {
            let answer = piece_by_piece(&model, "text/csv", "text/csv", body.as_bytes())?;
            let answer = String::from_utf8(answer).unwrap();
            let widths: Vec<usize> = answer.lines().map(|line| line.split(',').count()).collect();
            Ok::<_, Error>((widths.iter().min().copied(), widths.iter().max().copied()))
        };
        assert_eq!(widths(number.repeat(2 * PIECE_ROWS)).unwrap(), (Some(11), Some(11)));
        assert_eq!(widths(text.repeat(PIECE_ROWS) + &number.repeat(PIECE_ROWS)).unwrap(), (Some(10), Some(10)));
        let error = widths(number.repeat(PIECE_ROWS + 3) + text).unwrap_err();
        let place = error.place().unwrap();
        assert_eq!((place.row, place.column, place.name.as_deref()), (Some(PIECE_ROWS + 4), Some(9), Some("PRICE")));
        assert!(error.message().contains("--label none"), "{error}");
    }

    #[test]
    fn an_error_in_a_piece_has_its_place_in_the_whole_body() {
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
}
