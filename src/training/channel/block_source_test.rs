use super::*;
use crate::training::channel::Channel;
use byoc_formats::error::Cause;
use byoc_formats::media_types::recordio::write_record;
use byoc_linear_learner::train::FeatureMatrix;
use std::path::Path;

const CSV: &str = r#"{"TrainingInputMode": "File", "ContentType": "text/csv"}"#;
const RECORDIO: &str = r#"{"TrainingInputMode": "File"}"#;
const PIPE: &str = r#"{"TrainingInputMode": "Pipe", "ContentType": "text/csv"}"#;

fn source(folder: &Path, channel: &str, kind: PredictorType, batch: usize, room: usize) -> ChannelSource {
    let channel: Channel = serde_json::from_str(channel).unwrap();
    let reading =
        Reading::new("train", folder.join("train"), &channel, kind, batch, &Shape::default(), &StopFlag::default())
            .unwrap();
    ChannelSource::new(reading, room)
}

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("train")).unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.path().join("train").join(name), bytes).unwrap();
    }
    folder
}

/// The labels and features of a pass, as dense rows.
fn one_pass(source: &mut ChannelSource) -> Result<Vec<(f32, Vec<f32>)>> {
    let mut all = Vec::new();
    for block in source.pass()? {
        let block = block?;
        let mut start = 0;
        for (row, &label) in block.labels.iter().enumerate() {
            let features = match &block.features {
                FeatureMatrix::Dense(values) => values[row * block.width..(row + 1) * block.width].to_vec(),
                FeatureMatrix::Sparse { ends, keys, values } => {
                    let mut features = vec![0.0; block.width];
                    for at in start..ends[row] {
                        features[keys[at] as usize] += values[at];
                    }
                    start = ends[row];
                    features
                }
            };
            all.push((label, features));
        }
    }
    Ok(all)
}

fn lines(from: usize, to: usize) -> String {
    (from..to).map(|row| format!("{row},{},{}\n", row * 2, -(row as i64))).collect()
}

fn expected(to: usize) -> Vec<(f32, Vec<f32>)> {
    (0..to).map(|row| (row as f32, vec![row as f32 * 2.0, -(row as f32)])).collect()
}

#[test]
fn every_pass_gives_the_rows_in_order_whether_or_not_they_fit_into_memory() {
    let folder = folder(&[("a.csv", lines(0, 250).as_bytes()), ("b.csv", lines(250, 300).as_bytes())]);
    for room in [0, 700, usize::MAX] {
        let mut source = source(folder.path(), CSV, PredictorType::Regressor, 10, room);
        // Broken off first, as the scaler does.
        assert!(source.pass().unwrap().next().unwrap().is_ok());
        for _ in 0..3 {
            assert_eq!(one_pass(&mut source).unwrap(), expected(300), "room for {room} bytes");
        }
        let kept = matches!(source.state, State::Complete);
        assert_eq!(kept, room == usize::MAX);
    }
}

#[test]
fn blocks_hold_whole_mini_batches() {
    // Wide rows, so that a block is full before the channel is at its end.
    let row = format!("1{}\n", ",0.5".repeat(100_000));
    let folder = folder(&[("a.csv", row.repeat(50).as_bytes())]);
    let mut source = source(folder.path(), CSV, PredictorType::BinaryClassifier, 7, usize::MAX);
    let sizes: Vec<_> = source.pass().unwrap().map(|block| block.unwrap().len()).collect();
    assert_eq!(sizes, [14, 14, 14, 8]);
}

#[test]
fn dense_and_sparse_records_read_alike_and_mix() {
    let mut dense = Vec::new();
    let mut mixed = Vec::new();
    for row in 0..40 {
        let (label, values) = ([row as f32], [0.0, row as f32, 0.0]);
        let label = [("values", (&label[..], &[][..], &[][..]))];
        write_record(&mut dense, &[("values", (&values, &[], &[]))], &label);
        match row % 3 {
            0 => write_record(&mut mixed, &[("values", (&values, &[], &[]))], &label),
            1 => write_record(&mut mixed, &[("values", (&[row as f32], &[1], &[3]))], &label),
            _ => write_record(&mut mixed, &[("values", (&[0.0, row as f32], &[2, 1], &[3]))], &label),
        }
    }
    let [dense, mixed] = [dense, mixed].map(|bytes| {
        let folder = folder(&[("part", &bytes)]);
        one_pass(&mut source(folder.path(), RECORDIO, PredictorType::Regressor, 10, usize::MAX)).unwrap()
    });
    assert_eq!(dense.len(), 40);
    assert_eq!(dense, mixed);
}

#[test]
fn a_row_of_zeros_has_a_shape_and_nothing_else() {
    let mut bytes = Vec::new();
    let label = [("values", (&[1.0][..], &[][..], &[][..]))];
    write_record(&mut bytes, &[("values", (&[2.0], &[1], &[3]))], &label);
    write_record(&mut bytes, &[("values", (&[], &[], &[3]))], &label);
    let folder = folder(&[("part", &bytes)]);
    let rows = one_pass(&mut source(folder.path(), RECORDIO, PredictorType::Regressor, 1, usize::MAX)).unwrap();
    assert_eq!(rows, [(1.0, vec![0.0, 2.0, 0.0]), (1.0, vec![0.0; 3])]);
}

#[test]
fn bad_data_is_an_error_with_the_file_and_the_place() {
    let sparse = |values: &[f32], keys: &[u64], shape: &[u64], labels: &[f32]| {
        let mut bytes = Vec::new();
        write_record(&mut bytes, &[("values", (&[1.0, 2.0], &[], &[]))], &[("values", (&[1.0], &[], &[]))]);
        write_record(&mut bytes, &[("values", (values, keys, shape))], &[("values", (labels, &[], &[]))]);
        bytes
    };
    let binary = PredictorType::BinaryClassifier;
    let classes = PredictorType::MulticlassClassifier { classes: 3 };
    let long = [lines(0, 250_000).into_bytes(), b"1,2,x\n".to_vec()].concat();
    for (channel, kind, bytes, expected) in [
        (CSV, binary, b"1,2,3\n0,4\n".to_vec(), "part: row 2, byte 6: expected 3 columns"),
        (
            CSV,
            binary,
            b"1,2,3\n0,4\n".to_vec(),
            "expected 3 columns as in the first record, the label and 2 features, found 2",
        ),
        (
            CSV,
            binary,
            b"1,2,3\n2,4,5\n".to_vec(),
            "expected a label that is 0 or 1 for predictor_type binary_classifier, found 2",
        ),
        (CSV, classes, b"1,2,3\n3,4,5\n".to_vec(), "expected a label that is a whole number from 0 to 2"),
        (CSV, binary, b"label,a,b\n1,2,3\n".to_vec(), "this looks like a header line"),
        (CSV, PredictorType::Regressor, long, "row 250001, column 3"),
        (CSV, binary, b"1\n0\n".to_vec(), "expected at least one feature"),
        (RECORDIO, binary, b"1,2,3\n4,5,6\n".to_vec(), "text/csv needs the channel's ContentType to say so"),
        (RECORDIO, binary, sparse(&[1.0], &[5], &[2], &[1.0]), "row 2, byte"),
        (RECORDIO, binary, sparse(&[1.0], &[5], &[2], &[1.0]), "expected keys below the 2 features"),
        (RECORDIO, binary, sparse(&[1.0], &[1, 0], &[2], &[1.0]), "found 2 keys and 1 value"),
        (RECORDIO, binary, sparse(&[1.0], &[1], &[], &[1.0]), "expected the shape of sparse features"),
        (RECORDIO, binary, sparse(&[1.0], &[1], &[3], &[1.0]), "expected 2 features as in the record before, found 3"),
        (RECORDIO, binary, sparse(&[1.0], &[1], &[2], &[]), "expected one label named \"values\", found 0"),
        (RECORDIO, binary, sparse(&[f32::NAN, 1.0], &[], &[], &[1.0]), "expected finite float32 features, found NaN"),
    ] {
        let folder = folder(&[("part", &bytes)]);
        let error = one_pass(&mut source(folder.path(), channel, kind, 1, usize::MAX)).unwrap_err();
        let text = error.to_string();
        assert_eq!(error.cause(), Cause::BadPayload, "{text}");
        assert!(text.contains(expected) && text.contains("channel train") && text.contains("part"), "{text}");
    }
}

#[test]
fn each_pass_over_a_pipe_opens_its_own_fifo_even_if_it_appears_late() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().to_owned();
    // SageMaker's side: a FIFO for each pass, created when the one before is done.
    let writer = std::thread::spawn(move || {
        for pass in 0..2 {
            let path = base.join(format!("train_{pass}"));
            let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
            assert!(made.success());
            std::fs::write(&path, lines(0, 100)).unwrap();
        }
    });
    let mut source = source(folder.path(), PIPE, PredictorType::Regressor, 10, 0);
    for _ in 0..2 {
        assert_eq!(one_pass(&mut source).unwrap(), expected(100));
    }
    writer.join().unwrap();
}

#[test]
fn a_pass_that_waits_for_data_ends_when_the_job_must_stop() {
    let folder = tempfile::tempdir().unwrap();
    let channel: Channel = serde_json::from_str(PIPE).unwrap();
    let stop = StopFlag::default();
    let reading = Reading::new(
        "train",
        folder.path().join("train"),
        &channel,
        PredictorType::Regressor,
        10,
        &Shape::default(),
        &stop,
    )
    .unwrap();
    let mut source = ChannelSource::new(reading, 0);
    let mut pass = source.pass().unwrap();
    stop.set();
    // Either the wait is interrupted, or the missing FIFO is an error: both end the pass.
    assert!(pass.next().is_none_or(|block| block.is_err()));
}

#[test]
fn words_in_a_later_row_are_not_taken_for_a_header_line() {
    let present = r#"{"TrainingInputMode": "File", "ContentType": "text/csv; header=present"}"#;
    let many = format!("{}x,1,2\n", "1,1,1\n".repeat(900_000));
    for (channel, text, row) in [
        (present, "y,a,b\nx,1,2\n", 2),
        (present, "y,a,b\n1,1,2\n2,x,2\n", 3),
        // The first of a part that is read later.
        (CSV, &many, 900_001),
    ] {
        let folder = folder(&[("a.csv", text.as_bytes())]);
        let error =
            one_pass(&mut source(folder.path(), channel, PredictorType::Regressor, 10, usize::MAX)).unwrap_err();
        let error = error.to_string();
        assert!(error.contains(&format!("row {row}, ")) && error.contains("found \"x\""), "{error}");
        assert!(!error.contains("header"), "{error}");
    }
}
