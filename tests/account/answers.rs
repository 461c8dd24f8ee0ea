//! The account while requests are answered: for each class that is read, and each media type.

use allocation_counter::measure;
use byoc::model::{Invocation, Model};
use byoc_account::{Allowance, Purpose};

use super::models::{self, file};
use super::{load, pickled};

/// What small things take that are not counted one by one.
const SMALL: u64 = 128 << 10;

/// A block of rows is reckoned by the largest that its cells can be: that is more than it takes, by this at most.
const BLOCK: u64 = 3 << 20;

/// How many cells a body has.
const CELLS: usize = 200_000;

/// A model of a class, and how many columns a row of it has.
fn model(class: &str) -> (Model, usize) {
    let count = match class {
        "FeatureUnion" => 8,
        _ => 40,
    };
    let folder = pickled(&file(&models::model(class, count).unwrap().piece()));
    let model = load(folder.path(), &Allowance::unbounded()).unwrap();
    let width = match &model {
        Model::Preprocessor(preprocessor) => preprocessor.row_width(),
        Model::Scorer(scorer) => scorer.row_width(),
        Model::LinearLearner(learner) => Some(learner.feature_dim()),
    };
    (model, width.unwrap_or(10))
}

/// A value that every column of a class takes.
fn value(class: &str) -> &'static str {
    match class {
        "LabelBinarizer" | "OneHotEncoder" | "OrdinalEncoder" | "TargetEncoder" => "category 00000001",
        _ => "0",
    }
}

fn csv(value: &str, width: usize) -> String {
    let row = vec![value; width].join(",");
    format!("{row}\n").repeat(CELLS / width)
}

fn json(value: &str, width: usize) -> String {
    let value = if value == "0" { value.to_owned() } else { format!("{value:?}") };
    let row = vec![value; width].join(",");
    format!("[{}[{row}]]", format!("[{row}],").repeat(CELLS / width - 1))
}

fn answer(model: &Model, body: (&str, &str), accept: &str, allowance: &Allowance) -> Result<usize, String> {
    let (content_type, body) = body;
    let invocation = Invocation {
        content_type: Some(content_type),
        accept: Some(accept),
        default_accept: None,
        body: body.as_bytes(),
    };
    let answer = model.invoke(invocation, allowance).map_err(|error| error.to_string())?;
    Ok(answer.pieces.iter().map(Vec::len).sum())
}

#[test]
fn what_an_answer_takes_is_as_it_is_said_for_every_class_and_media_type_and_never_more_than_is_allowed() {
    let mut wrong = Vec::new();
    for class in models::classes() {
        let (model, width) = model(class);
        let (csv, json) = (csv(value(class), width), json(value(class), width));
        for body in [("text/csv", csv.as_str()), ("application/json", json.as_str())] {
            for accept in ["text/csv", "application/json", "application/jsonlines", "application/x-npy"] {
                let what = format!("{class}, {} to {accept}", body.0);
                let allowance = Allowance::unbounded();
                let mut answered = Ok(0);
                let seen = measure(|| answered = answer(&model, body, accept, &allowance)).bytes_max;
                match answered {
                    Ok(_) => {}
                    // The classes of a classifier are text here.
                    Err(error) if accept == "application/x-npy" && error.contains("the answer has the text") => {
                        continue;
                    }
                    Err(error) => {
                        wrong.push(format!("{what}: {error}"));
                        continue;
                    }
                }
                let said = allowance.most_taken();
                if seen > said + said / 10 + SMALL || said > seen + seen / 10 + BLOCK {
                    wrong.push(format!("{what}: said {said}, seen {seen}"));
                }
                let most = said / 2;
                let less = Allowance::of_bytes(most, Purpose::Answer);
                let seen = measure(|| answered = answer(&model, body, accept, &less)).bytes_max;
                if answered.is_ok() || seen > most + most / 10 + SMALL {
                    wrong.push(format!("{what}: {answered:?} with {seen} bytes where {most} were allowed"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
