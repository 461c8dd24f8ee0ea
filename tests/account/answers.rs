//! Memory of answering requests, for each class and media type that can be read.

use allocation_counter::measure;
use byoc::model::{Invocation, Model};
use byoc_account::{Allowance, Purpose};

use super::models;
use super::requests::{csv, json, model};

/// Bytes of small allocations that an allowance does not count.
const SMALL: u64 = 128 << 10;

/// A block of rows is estimated from its largest cell. The estimate exceeds the bytes of the block by at most this
/// many.
const BLOCK: u64 = 768 << 10;

/// The number of cells in a body.
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
fn the_bytes_taken_by_an_answer_match_the_allocator_and_stay_within_the_allowance_for_every_class_and_media_type() {
    let mut wrong = Vec::new();
    for class in models::classes() {
        let (model, width) = model(class);
        let (csv, json) = (csv(class, width, CELLS), json(class, width, CELLS));
        for body in [("text/csv", csv.as_str()), ("application/json", json.as_str())] {
            for accept in ["text/csv", "application/json", "application/jsonlines", "application/x-npy"] {
                let what = format!("{class}, {} to {accept}", body.0);
                let allowance = Allowance::unbounded();
                let mut answered = Ok(0);
                let allocated = measure(|| answered = answer(&model, body, accept, &allowance)).bytes_max;
                match answered {
                    Ok(_) => {}
                    // These classifiers have classes of strings, which npy cannot contain.
                    Err(error) if accept == "application/x-npy" && error.contains("the answer has the text") => {
                        continue;
                    }
                    Err(error) => {
                        wrong.push(format!("{what}: {error}"));
                        continue;
                    }
                }
                let taken = allowance.max_taken();
                if allocated > taken + taken / 10 + SMALL || taken > allocated + allocated / 10 + BLOCK {
                    wrong.push(format!("{what}: took {taken} bytes from its allowance, allocated {allocated}"));
                }
                let most = taken / 2;
                let less = Allowance::of_bytes(most, Purpose::Answer);
                let allocated = measure(|| answered = answer(&model, body, accept, &less)).bytes_max;
                if answered.is_ok() || allocated > most + most / 10 + SMALL {
                    wrong.push(format!(
                        "{what}: {answered:?} after allocating {allocated} bytes of an allowance of {most}"
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
#[ignore = "prints a table of docs/dev/bounds.md"]
fn print_the_table_of_answers() {
    println!("| | body, KiB | taken, KiB | allocated, KiB |\n| --- | --- | --- | --- |");
    for class in models::classes() {
        let (model, width) = model(class);
        let body = csv(class, width, 8 * CELLS);
        let allowance = Allowance::unbounded();
        let allocated = measure(|| drop(answer(&model, ("text/csv", &body), "text/csv", &allowance))).bytes_max;
        println!("| {class} | {} | {} | {} |", body.len() / 1024, allowance.max_taken() / 1024, allocated / 1024);
    }
}
