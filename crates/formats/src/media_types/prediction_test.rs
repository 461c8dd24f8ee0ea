//! Predictions in every media type and style.

use super::answer::write_predictions;
use super::media_type::MediaType;
use super::prediction_style::{JsonForm, PredictionStyle};
use crate::error::Cause;
use crate::rows::Predictions;
use crate::rows::predictions::Scores;
use crate::rows::table::{Cell, Column};

fn written(predictions: &Predictions<'_>, media_type: MediaType, style: PredictionStyle) -> String {
    let mut out = Vec::new();
    write_predictions(predictions.clone(), style, media_type, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn scored(scores: Scores<'static>) -> Predictions<'static> {
    Predictions::new(2, Some(scores), None).unwrap()
}

fn classes(labels: Column<'static>) -> Predictions<'static> {
    Predictions::new(2, None, Some(labels)).unwrap()
}

fn labelled(scores: Scores<'static>, labels: Column<'static>) -> Predictions<'static> {
    Predictions::new(2, Some(scores), Some(labels)).unwrap()
}

/// The examples of the developer guide and of public notebooks.
#[test]
fn each_kind_of_model_answers_in_each_media_type_as_its_container_does() {
    let regressor =
        Predictions::new(3, Some(Scores::One(Column::Float32(vec![28.711_287, -0.0, 1e-5]))), None).unwrap();
    let binary = labelled(Scores::One(Column::Float32(vec![0.989_977_36, 0.5])), Column::Int64(vec![1, 0]));
    let multiclass =
        labelled(Scores::Each(vec![numbers([0.25, 1e-20]), numbers([0.75, 1e16])]), Column::Int64(vec![1, 0]));
    let none = Predictions::new(0, Some(Scores::One(Column::Float32(vec![]))), Some(Column::Int64(vec![]))).unwrap();
    for (predictions, media_type, expected) in [
        (
            &regressor,
            MediaType::Json,
            r#"{"predictions": [{"score": 28.711286544799805}, {"score": -0.0}, {"score": 9.999999747378752e-06}]}"#,
        ),
        (
            &regressor,
            MediaType::JsonLines,
            "{\"score\":28.711286544799805}\n{\"score\":-0.0}\n{\"score\":0.000009999999747}\n",
        ),
        (&regressor, MediaType::Csv, "28.711286544799805\n-0.0\n9.999999747378752e-06\n"),
        (
            &binary,
            MediaType::Json,
            r#"{"predictions": [{"score": 0.9899773597717285, "predicted_label": 1}, {"score": 0.5, "predicted_label": 0}]}"#,
        ),
        (
            &binary,
            MediaType::JsonLines,
            "{\"predicted_label\":1,\"score\":0.989977359771728}\n{\"predicted_label\":0,\"score\":0.5}\n",
        ),
        (&binary, MediaType::Csv, "0.9899773597717285,1\n0.5,0\n"),
        (
            &multiclass,
            MediaType::Json,
            r#"{"predictions": [{"score": [0.25, 0.75], "predicted_label": 1}, {"score": [1e-20, 1e+16], "predicted_label": 0}]}"#,
        ),
        (
            &multiclass,
            MediaType::JsonLines,
            "{\"predicted_label\":1,\"score\":[0.25,0.75]}\n{\"predicted_label\":0,\"score\":[1e-20,1e+16]}\n",
        ),
        (&multiclass, MediaType::Csv, "\"[0.25, 0.75]\",1\n\"[1e-20, 1e+16]\",0\n"),
        (&none, MediaType::Json, r#"{"predictions": []}"#),
        (&none, MediaType::JsonLines, ""),
        (&none, MediaType::Csv, ""),
    ] {
        assert_eq!(written(predictions, media_type, PredictionStyle::LinearLearner), expected);
    }
}

fn numbers(numbers: [f64; 2]) -> Column<'static> {
    Column::Float64(numbers.into())
}

fn labels() -> Column<'static> {
    Column::Object(vec![Cell::Text("lo\"w".into()), Cell::Text("a,b".into())])
}

fn probabilities() -> Predictions<'static> {
    let probabilities = Scores::Each(vec![numbers([0.25, 0.75]), numbers([0.75, 0.25])]);
    labelled(probabilities, labels())
}

/// Each kind of answer as a list, as lines of it, in the learner's form, as lines of that, and as CSV.
#[test]
fn json_is_a_list_or_has_the_linear_learners_shape_and_csv_is_scikit_learns_array() {
    let regressor = scored(Scores::One(numbers([28.711286544799805, 1e-20])));
    let column = scored(Scores::Each(vec![numbers([430000.0, f64::NAN])]));
    let outputs = scored(Scores::Each(vec![numbers([1.5, 2.5]), numbers([-0.0, 1e16])]));
    let cases = [
        (
            regressor,
            "[28.711286544799805, 1e-20]",
            "28.711286544799805\n1e-20\n",
            r#"{"predictions": [{"score": 28.711286544799805}, {"score": 1e-20}]}"#,
            "{\"score\":28.711286544799805}\n{\"score\":1e-20}\n",
            "28.711286544799805\n1e-20\n",
        ),
        (
            column,
            "[[430000.0], [NaN]]",
            "[430000.0]\n[NaN]\n",
            r#"{"predictions": [{"score": 430000.0}, {"score": NaN}]}"#,
            "{\"score\":430000.0}\n{\"score\":NaN}\n",
            "430000.0\nnan\n",
        ),
        (
            outputs,
            "[[1.5, -0.0], [2.5, 1e+16]]",
            "[1.5,-0.0]\n[2.5,1e+16]\n",
            r#"{"predictions": [{"score": [1.5, -0.0]}, {"score": [2.5, 1e+16]}]}"#,
            "{\"score\":[1.5,-0.0]}\n{\"score\":[2.5,1e+16]}\n",
            "1.5,-0.0\n2.5,1e+16\n",
        ),
        (
            classes(Column::Int64(vec![1, -1])),
            "[1, -1]",
            "1\n-1\n",
            r#"{"predictions": [{"predicted_label": 1}, {"predicted_label": -1}]}"#,
            "{\"predicted_label\":1}\n{\"predicted_label\":-1}\n",
            "1\n-1\n",
        ),
        (
            classes(Column::Bool(vec![true, false])),
            "[true, false]",
            "true\nfalse\n",
            r#"{"predictions": [{"predicted_label": true}, {"predicted_label": false}]}"#,
            "{\"predicted_label\":true}\n{\"predicted_label\":false}\n",
            "True\nFalse\n",
        ),
        (
            classes(labels()),
            r#"["lo\"w", "a,b"]"#,
            "\"lo\\\"w\"\n\"a,b\"\n",
            r#"{"predictions": [{"predicted_label": "lo\"w"}, {"predicted_label": "a,b"}]}"#,
            "{\"predicted_label\":\"lo\\\"w\"}\n{\"predicted_label\":\"a,b\"}\n",
            "\"lo\"\"w\"\n\"a,b\"\n",
        ),
        (
            probabilities(),
            "[[0.25, 0.75], [0.75, 0.25]]",
            "[0.25,0.75]\n[0.75,0.25]\n",
            r#"{"predictions": [{"score": [0.25, 0.75], "predicted_label": "lo\"w"}, {"score": [0.75, 0.25], "predicted_label": "a,b"}]}"#,
            "{\"predicted_label\":\"lo\\\"w\",\"score\":[0.25,0.75]}\n{\"predicted_label\":\"a,b\",\"score\":[0.75,0.25]}\n",
            "0.25,0.75\n0.75,0.25\n",
        ),
    ];
    for (predictions, list, list_lines, json, json_lines, csv) in cases {
        use JsonForm::{List, Predictions};
        use PredictionStyle::ScikitLearn;
        assert_eq!(written(&predictions, MediaType::Json, ScikitLearn(List)), list);
        assert_eq!(written(&predictions, MediaType::JsonLines, ScikitLearn(List)), list_lines);
        assert_eq!(written(&predictions, MediaType::Json, ScikitLearn(Predictions)), json);
        assert_eq!(written(&predictions, MediaType::JsonLines, ScikitLearn(Predictions)), json_lines);
        for form in JsonForm::ALL {
            assert_eq!(written(&predictions, MediaType::Csv, ScikitLearn(form)), csv);
        }
    }
}

#[test]
fn an_array_has_one_dimension_if_each_row_has_one_value() {
    for (predictions, shape) in [
        (scored(Scores::One(numbers([0.5, 0.25]))), "(2,)"),
        (classes(Column::Int64(vec![1, -1])), "(2,)"),
        (scored(Scores::Each(vec![numbers([0.5, 0.25])])), "(2, 1)"),
        (probabilities(), "(2, 2)"),
    ] {
        let array = |form| {
            let mut out = Vec::new();
            write_predictions(predictions.clone(), PredictionStyle::ScikitLearn(form), MediaType::Npy, &mut out)
                .unwrap();
            out
        };
        let list = array(JsonForm::List);
        assert_eq!(list, array(JsonForm::Predictions));
        let header = String::from_utf8_lossy(&list[10..128]);
        assert!(header.contains(&format!("'shape': {shape}, ")), "{header}");
    }
    let style = PredictionStyle::ScikitLearn(JsonForm::List);
    let error = write_predictions(classes(labels()), style, MediaType::Npy, &mut Vec::new());
    assert_eq!(error.unwrap_err().cause(), Cause::NotWritable);
}
