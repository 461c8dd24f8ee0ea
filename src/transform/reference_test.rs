//! Compares splitting, packing, filtering, joining and assembling with a simple reference implementation, record by
//! record.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::processing::{DataProcessing, JoinSource};
use super::split::{Cutter, Header, Packing, SplitType};
use crate::platform::batch_strategy::BatchStrategy;
use byoc_formats::media_types::MediaType;

/// A container that answers each line: for CSV with its length and the line, for JSON with the line as a member. A
/// header line gets no result.
fn model(media_type: MediaType, header: Header, body: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(body).unwrap();
    let lines = text.lines().filter(|line| !line.trim().is_empty()).skip(usize::from(header == Header::Present));
    let answer = |line: &str| match media_type {
        MediaType::Csv => format!("{},{line}\n", line.len()),
        _ => format!("{{\"seen\": {line}}}\n"),
    };
    lines.map(answer).collect::<String>().into_bytes()
}

/// The output of one object, as a job writes it.
fn written(object: &[u8], media_type: MediaType, packing: &Packing) -> String {
    let mut cutter = Cutter::new(object, packing.clone());
    let mut written = Vec::new();
    while let Some(payload) = cutter.next().unwrap() {
        let answer = model(media_type, packing.header, &payload.body);
        match &packing.processing {
            Some(processing) if processing.touches_output() => {
                let records = if processing.keeps_input() { payload.records(processing).unwrap() } else { Vec::new() };
                written.extend(processing.finish(&records, &answer).unwrap());
            }
            _ => written.extend(answer),
        }
    }
    String::from_utf8(written).unwrap()
}

#[derive(Clone, Copy, Debug)]
enum Select {
    All,
    /// From, to: like a slice of Python.
    Slice(i64, i64),
    Pick(i64, i64),
}

impl Select {
    fn path(self) -> String {
        match self {
            Select::All => "$".to_owned(),
            Select::Slice(from, to) => format!("$[{from}:{to}]"),
            Select::Pick(a, b) => format!("$[{a},{b}]"),
        }
    }

    fn apply(self, row: &[String]) -> Vec<String> {
        let count = row.len() as i64;
        let index = |index: i64| if index < 0 { index + count } else { index };
        let clipped = |bound: i64| index(bound).clamp(0, count) as usize;
        match self {
            Select::All => row.to_vec(),
            Select::Slice(from, to) => row.iter().take(clipped(to)).skip(clipped(from)).cloned().collect(),
            Select::Pick(a, b) => vec![row[index(a) as usize].clone(), row[index(b) as usize].clone()],
        }
    }
}

fn select() -> impl Strategy<Value = Select> {
    prop_oneof![
        Just(Select::All),
        // Never empty: an empty row would be a blank line, which is not a row.
        (0_i64..2).prop_map(|from| Select::Slice(from, 99)),
        (2_i64..9).prop_map(|to| Select::Slice(-99, to)),
        (-3_i64..3, -3_i64..3).prop_map(|(a, b)| Select::Pick(a, b)),
    ]
}

fn parsed(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}

fn strategy(single: bool) -> BatchStrategy {
    if single { BatchStrategy::SingleRecord } else { BatchStrategy::MultiRecord }
}

fn packing(processing: Option<DataProcessing>, header: Header, single: bool, most: usize) -> Packing {
    Packing {
        split: SplitType::Line,
        strategy: strategy(single),
        most,
        fill: most,
        header,
        processing: processing.map(Arc::new),
    }
}

proptest! {
    #[test]
    fn csv_matches_the_reference_implementation(
        rows in prop::collection::vec(prop::collection::vec("[a-c,\" ]{1,4}", 3..6), 0..12),
        (input, output) in (select(), select()),
        (joins, single, crlf, blank, named) in any::<(bool, bool, bool, bool, bool)>(),
        most in 100_usize..200,
    ) {
        let end = match (crlf, blank) { (true, _) => "\r\n", (_, true) => "\n\n", _ => "\n" };
        // A single cell of blanks would be a blank line.
        let prefixed = |row: Vec<String>| row.iter().map(|cell| format!("x{cell}")).collect();
        let rows: Vec<Vec<String>> = rows.into_iter().map(prefixed).collect();
        let line = |row: &Vec<String>| row.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(",");
        let lines: Vec<String> = rows.iter().map(line).collect();
        // Each payload has the header line however rows are split, and the output does not depend on it.
        let names = named.then(|| "\"the, id\",a,b,c,d,e".to_owned());
        let header = if named { Header::Present } else { Header::Absent };
        let object = names.iter().chain(&lines).map(|line| format!("{line}{end}")).collect::<String>();
        let join = if joins { JoinSource::Input } else { JoinSource::None };
        let processing = DataProcessing::new(MediaType::Csv, Some(&input.path()), join, Some(&output.path())).unwrap();
        let found = written(object.as_bytes(), MediaType::Csv, &packing(processing, header, single, most));
        let expected: Vec<Vec<String>> = rows.iter().map(|row| {
            let seen = input.apply(row);
            let line = seen.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(",");
            let mut answer = vec![line.len().to_string()];
            answer.extend(seen);
            let joined = if joins { row.iter().cloned().chain(answer).collect() } else { answer };
            output.apply(&joined)
        }).collect();
        prop_assert_eq!(parsed(&found), expected);
    }

    #[test]
    fn json_lines_match_the_reference_implementation(
        records in prop::collection::vec(
            (any::<i32>(), "[a-z\"\\\\é]{0,4}", prop::collection::vec(any::<f32>(), 1..4), any::<bool>()),
            0..10,
        ),
        (filters, keeps, joins, single) in any::<(bool, bool, bool, bool)>(),
        most in 200_usize..400,
    ) {
        let records: Vec<Value> = records.into_iter().map(|(id, name, features, has_output)| {
            let finite = |x: f32| if x.is_finite() { f64::from(x) } else { 0.5 };
            let features: Vec<f64> = features.into_iter().map(finite).collect();
            let mut record = json!({"id": id, "name": name, "features": features});
            if has_output {
                record["SageMakerOutput"] = json!("old");
            }
            record
        }).collect();
        let object = records.iter().map(|record| format!("{record}\n")).collect::<String>();
        let join = if joins { JoinSource::Input } else { JoinSource::None };
        let output = match (keeps, joins) {
            (true, _) => "$",
            (false, true) => "$['id','SageMakerOutput']",
            (false, false) => "$.seen",
        };
        let input = if filters { "$.features[-1]" } else { "$" };
        let processing = DataProcessing::new(MediaType::JsonLines, Some(input), join, Some(output)).unwrap();
        let packing = packing(processing, Header::Absent, single, most);
        let found = written(object.as_bytes(), MediaType::JsonLines, &packing);
        let found: Vec<Value> = found.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let expected: Vec<Value> = records.into_iter().map(|record| {
            let last_feature = || record["features"].as_array().unwrap().last().unwrap().clone();
            let seen = if filters { last_feature() } else { record.clone() };
            let answer = json!({"seen": seen});
            let joined = if joins {
                let mut joined = record;
                joined["SageMakerOutput"] = answer;
                joined
            } else {
                answer
            };
            match (keeps, joins) {
                (true, _) => joined,
                (false, true) => json!({"id": joined["id"], "SageMakerOutput": joined["SageMakerOutput"]}),
                (false, false) => joined["seen"].clone(),
            }
        }).collect();
        prop_assert_eq!(found, expected);
    }
}
