//! Accounting while requests are answered, for each class and each media type that can be read.

use allocation_counter::measure;
use byoc::model::{Invocation, Model};
use byoc_account::{Allowance, Purpose};

use super::models;
use super::requests::{csv, json, model};

/// Bytes of small allocations that are not counted one by one.
const SMALL: u64 = 128 << 10;

/// A block of rows is estimated by the largest size of its cells, which is at most this many times what it takes.
const BLOCK: u64 = 768 << 10;

/// Cells of a body.
const CELLS: usize = 200_000;

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
        let (csv, json) = (csv(class, width, CELLS), json(class, width, CELLS));
        for body in [("text/csv", csv.as_str()), ("application/json", json.as_str())] {
            for accept in ["text/csv", "application/json", "application/jsonlines", "application/x-npy"] {
                let what = format!("{class}, {} to {accept}", body.0);
                let allowance = Allowance::unbounded();
                let mut answered = Ok(0);
                let seen = measure(|| answered = answer(&model, body, accept, &allowance)).bytes_max;
                match answered {
                    Ok(_) => {}
                    // Here the classes of a classifier are strings.
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

#[test]
#[ignore = "prints a table of docs/dev/bounds.md"]
fn the_table_of_answers() {
    println!("| | body, KiB | said, KiB | seen, KiB |\n| --- | --- | --- | --- |");
    for class in models::classes() {
        let (model, width) = model(class);
        let body = csv(class, width, 8 * CELLS);
        let allowance = Allowance::unbounded();
        let seen = measure(|| drop(answer(&model, ("text/csv", &body), "text/csv", &allowance))).bytes_max;
        println!("| {class} | {} | {} | {} |", body.len() / 1024, allowance.most_taken() / 1024, seen / 1024);
    }
}
