//! Each rule of the developer guide's page on associating predictions with input.

use super::*;

fn processing(media_type: MediaType, input: &str, join: JoinSource, output: &str) -> DataProcessing {
    DataProcessing::new(media_type, Some(input), join, Some(output)).unwrap().unwrap()
}

fn finished(processing: &DataProcessing, records: &[&str], answer: &str) -> Result<String, Problem> {
    let records: Vec<&[u8]> = records.iter().map(|record| record.as_bytes()).collect();
    processing.finish(&records, answer.as_bytes()).map(|text| String::from_utf8(text).unwrap())
}

#[test]
fn a_job_with_default_filters_and_no_join_has_no_processing() {
    for (input, output) in [(None, None), (Some("$"), Some("$")), (None, Some("$")), (Some(""), Some(""))] {
        assert_eq!(DataProcessing::new(MediaType::Csv, input, JoinSource::None, output), Ok(None));
    }
    assert!(DataProcessing::new(MediaType::Csv, None, JoinSource::Input, None).unwrap().is_some());
}

#[test]
fn all_wrong_filters_are_reported() {
    let problems = DataProcessing::new(MediaType::Csv, Some("$.a"), JoinSource::None, Some("b")).unwrap_err();
    assert_eq!([problems[0].0, problems[1].0], ["InputFilter", "OutputFilter"], "{problems:?}");
}

/// The guide's example: the model does not see the id column, and the result is joined to it.
#[test]
fn the_container_gets_the_filtered_record_and_the_join_the_whole_one() {
    let csv = processing(MediaType::Csv, "$[1:]", JoinSource::Input, "$[0,-1]");
    assert_eq!(&*csv.filter_input(b"id7,1,2").unwrap(), b"1,2");
    assert_eq!(finished(&csv, &["id7,1,2", "id8,3,4"], "0.5\n0.7\n").unwrap(), "id7,0.5\nid8,0.7\n");

    let lines = processing(MediaType::JsonLines, "$.features", JoinSource::Input, "$['id','SageMakerOutput']");
    assert_eq!(&*lines.filter_input(br#"{"id": 7, "features": [1, 2]}"#).unwrap(), b"[1, 2]");
    let records = [r#"{"id": 7, "features": [1, 2]}"#, r#"{"id": 8, "features": [3, 4]}"#];
    assert_eq!(
        finished(&lines, &records, "{\"score\": 0.5}\n{\"score\": 0.7}\n").unwrap(),
        "{\"id\":7,\"SageMakerOutput\":{\"score\": 0.5}}\n{\"id\":8,\"SageMakerOutput\":{\"score\": 0.7}}\n"
    );
}

#[test]
fn without_a_join_the_output_filter_applies_to_the_result_alone() {
    let csv = processing(MediaType::Csv, "$", JoinSource::None, "$[0]");
    assert_eq!(finished(&csv, &[], "1,2\n3,4").unwrap(), "1\n3\n");
    let json = processing(MediaType::Json, "$", JoinSource::None, "$.predictions[*].score");
    let answer = r#"{"predictions": [{"score": 1.50}, {"score": 2}]}"#;
    assert_eq!(finished(&json, &[], answer).unwrap(), "[1.50,2]\n");
}

#[test]
fn a_json_document_is_one_record() {
    let json = processing(MediaType::Json, "$", JoinSource::Input, "$");
    let document = "{\n  \"instances\": [[1], [2]]\n}";
    assert_eq!(json.records(document.as_bytes()).unwrap(), [document.as_bytes()]);
    assert_eq!(
        finished(&json, &[document], "{\"predictions\": [1, 2]}").unwrap(),
        "{\n  \"instances\": [[1], [2]],\"SageMakerOutput\":{\"predictions\": [1, 2]}}\n"
    );
}

#[test]
fn an_answer_with_a_different_number_of_results_is_never_joined() {
    let csv = processing(MediaType::Csv, "$", JoinSource::Input, "$");
    for answer in ["1\n", "1\n2\n3\n", ""] {
        let problem = finished(&csv, &["a", "b"], answer).unwrap_err();
        assert!(problem.message.contains("a result for each of 2 records"), "{problem:?}");
        assert_eq!(problem.record, None);
    }
}

#[test]
fn an_index_outside_the_joined_record_is_an_error_of_that_record() {
    let csv = processing(MediaType::Csv, "$", JoinSource::Input, "$[3]");
    assert_eq!(
        finished(&csv, &["a,b,c", "a,b"], "1\n2\n").unwrap_err(),
        Problem { record: Some(1), message: "OutputFilter $[3]: [3] is beyond the 3 elements of the record".into() }
    );
}

#[test]
fn an_answer_with_wrong_quotes_is_never_joined_or_filtered() {
    let joined = processing(MediaType::Csv, "$", JoinSource::Input, "$");
    let filtered = processing(MediaType::Csv, "$", JoinSource::None, "$[0]");
    for (answer, record, expected) in [
        ("1\n\"x\n", 1, "the container's answer: a quote does not close (row 2, column 1 of the answer)"),
        ("\"x\n1\n", 0, "the container's answer: a quote does not close (row 1, column 1 of the answer)"),
        ("1\n2,x\"y\n", 1, "the container's answer: bare \" in non quoted field (row 2, column 2 of the answer)"),
        ("1\n\"x\"y\n", 1, "the container's answer: text after the quote that closes a field (row 2, column 1"),
        // aws/sagemaker-tensorflow-serving-container#154: a JSON response although CSV was requested.
        (
            "{\"predictions\": [[1.5], [2.5]]}",
            0,
            "the container's answer: bare \" in non quoted field (row 1, column 1",
        ),
    ] {
        for processing in [&joined, &filtered] {
            let problem = finished(processing, &["a", "b"], answer).unwrap_err();
            assert!(problem.message.starts_with(expected), "{problem:?}");
            assert_eq!(problem.record, Some(record), "{problem:?}");
        }
    }
    assert_eq!(finished(&joined, &["a", "b"], "\"x\n\"\"y\"\n1\n").unwrap(), "a,\"x\n\"\"y\"\nb,1\n");
}

#[test]
fn a_record_that_is_not_json_is_an_error_of_that_record() {
    let json = processing(MediaType::JsonLines, "$", JoinSource::Input, "$");
    let problem = finished(&json, &["{}", "{bad"], "1\n2\n").unwrap_err();
    assert_eq!(problem.record, Some(1));
    assert!(problem.message.starts_with("expected JSON: line 1, column 2: "), "{problem:?}");
}
