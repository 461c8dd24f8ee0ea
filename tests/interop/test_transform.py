"""Batch transform: job files are what boto3 would send, and objects are read from and written to an S3 server
(moto)."""
import gzip
import json
import os
import subprocess
import tarfile

import boto3
import botocore.session
import botocore.validate
import pytest

from conftest import BYOC, ROOT, Endpoint, runtime
from test_store import BUCKET, CREDENTIALS, s3  # noqa: F401 - a fixture

HOUSES = "1993,2728,6,3.0,0.7,1,y,y\n1980,1500,3,1.5,0.5,0,n,n\n"


def transform(*flags, **variables):
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    environment.update(variables)
    return subprocess.run([BYOC, "transform", *map(str, flags)], env=environment, capture_output=True, text=True,
                          timeout=120)


def test_the_job_of_the_example_is_valid_for_create_transform_job():
    request = json.loads((ROOT / "examples" / "housing" / "transform.json").read_text())
    model = botocore.session.get_session().get_service_model("sagemaker")
    report = botocore.validate.ParamValidator().validate(request,
                                                         model.operation_model("CreateTransformJob").input_shape)
    assert not report.has_errors(), report.generate_report()


@pytest.fixture
def in_s3(s3):  # noqa: F811
    """Runs a job over S3. Returns its process and the requests to the bucket."""
    variables = dict(AWS_ENDPOINT_URL_S3=s3.meta.endpoint_url, AWS_REGION="us-east-1", **CREDENTIALS)
    s3.upload_file(str(ROOT / "examples" / "housing" / "preprocessor" / "model.tar.gz"), BUCKET, "batch/model.tar.gz")

    def run(source, target, *flags, model="model.tar.gz"):
        return transform(
            "--model", f"s3://{BUCKET}/batch/{model}", "--input", source, "--output", target, "--content-type",
            "text/csv",
            "--accept", "text/csv", "--split-type", "Line", "--assemble-with", "Line", *flags, **variables)
    return run


def outputs(s3, prefix):  # noqa: F811
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    return {entry["Key"]: s3.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read().decode() for entry in listed}


def test_objects_are_read_from_s3_and_written_to_s3_only_once(s3, in_s3):  # noqa: F811
    for key, body in {"a.csv": HOUSES, "deep/b.csv": HOUSES * 3, "empty/": ""}.items():
        s3.put_object(Bucket=BUCKET, Key=f"batch/in/{key}", Body=body)
    first = in_s3(f"s3://{BUCKET}/batch/in", f"s3://{BUCKET}/batch/out/")
    assert first.returncode == 0, first.stderr
    found = outputs(s3, "batch/out/")
    # The prefix contains only outputs, so that the next job can read all of it.
    assert sorted(found) == ["batch/out/a.csv.out", "batch/out/deep/b.csv.out"]
    assert found["batch/out/deep/b.csv.out"] == found["batch/out/a.csv.out"] * 3
    assert len(found["batch/out/a.csv.out"].splitlines()[0].split(",")) == 10

    before = {entry["Key"]: entry["LastModified"]
              for entry in s3.list_objects_v2(Bucket=BUCKET, Prefix="batch/out/")["Contents"]}
    again = in_s3(f"s3://{BUCKET}/batch/in", f"s3://{BUCKET}/batch/out/")
    assert "2 of 2 outputs are there already" in again.stderr, again.stderr
    s3.put_object(Bucket=BUCKET, Key="batch/in/a.csv", Body=HOUSES * 2)
    changed = in_s3(f"s3://{BUCKET}/batch/in", f"s3://{BUCKET}/batch/out/")
    assert changed.returncode == 0 and "1 of 2 outputs are there already" in changed.stderr, changed.stderr
    after = {entry["Key"]: entry["LastModified"]
             for entry in s3.list_objects_v2(Bucket=BUCKET, Prefix="batch/out/")["Contents"]}
    assert before["batch/out/deep/b.csv.out"] == after["batch/out/deep/b.csv.out"]
    assert len(outputs(s3, "batch/out/")["batch/out/a.csv.out"].splitlines()) == 4


def test_a_manifest_in_s3_names_compressed_objects(s3, in_s3):  # noqa: F811
    for key in ("x/1.csv.gz", "2.csv.gz", "3.csv.gz"):
        s3.put_object(Bucket=BUCKET, Key=f"batch/packed/{key}", Body=gzip.compress(HOUSES.encode()))
    manifest = [{"prefix": f"s3://{BUCKET}/batch/packed/"}, "x/1.csv.gz", "2.csv.gz"]
    s3.put_object(Bucket=BUCKET, Key="batch/manifest.json", Body=json.dumps(manifest))
    done = in_s3(f"s3://{BUCKET}/batch/manifest.json", f"s3://{BUCKET}/batch/unpacked", "--s3-data-type",
                 "ManifestFile",
                 "--compression-type", "Gzip")
    assert done.returncode == 0, done.stderr
    assert sorted(outputs(s3, "batch/unpacked/")) == ["batch/unpacked/2.csv.gz.out", "batch/unpacked/x/1.csv.gz.out"]


def test_a_large_output_is_uploaded_in_parts_and_a_failed_object_leaves_nothing_behind(s3, in_s3):  # noqa: F811
    large = HOUSES * 60_000
    s3.put_object(Bucket=BUCKET, Key="batch/large/good.csv", Body=large)
    s3.put_object(Bucket=BUCKET, Key="batch/large/bad.csv", Body=large + "1993,big,6,3.0,0.7,1,y,y\n")
    done = in_s3(f"s3://{BUCKET}/batch/large/", f"s3://{BUCKET}/batch/scored/", "--max-payload-in-mb", "1")
    assert done.returncode == 1, done.stderr
    assert "bad.csv: record 120001" in done.stderr, done.stderr
    found = outputs(s3, "batch/scored/")
    assert list(found) == ["batch/scored/good.csv.out"]
    assert found["batch/scored/good.csv.out"].count("\n") == 120_000
    assert not s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads"), "no part is left to be paid for"


def test_an_unusable_key_is_reported_and_does_not_fail_jobs_that_do_not_read_it(s3, in_s3):  # noqa: F811
    for place in ("odd", "odd-out"):
        for name in (".hidden.csv", "one.csv", "one//dbl.csv", "../up.csv", "./dot.csv", "a\tb.csv"):
            s3.put_object(Bucket=BUCKET, Key=f"batch/{place}/{name}", Body=HOUSES)
    whole = in_s3(f"s3://{BUCKET}/batch/odd/", f"s3://{BUCKET}/batch/odd-out/")
    assert whole.returncode == 78, whole.stderr
    assert "cannot be read here" in whole.stderr and "up.csv" in whole.stderr, whole.stderr
    assert "QUEUE" not in whole.stderr, whole.stderr
    for name in (".hidden.csv", "one.csv"):
        for run in ("0 of", "1 of"):
            done = in_s3(f"s3://{BUCKET}/batch/odd/{name}", f"s3://{BUCKET}/batch/odd-out/")
            assert done.returncode == 0, done.stderr
            assert (run == "1 of") == ("1 of 1 outputs are there already" in done.stderr), done.stderr
        assert outputs(s3, f"batch/odd-out/{name}.out")


def test_missing_buckets_and_objects_are_reported_in_plain_words(s3, in_s3):  # noqa: F811
    s3.put_object(Bucket=BUCKET, Key="batch/there/a.csv", Body=HOUSES)
    there = f"s3://{BUCKET}/batch/there/"
    for source, target in ((there, "s3://no-such-bucket/out/"),
                           ("s3://no-such-bucket/in/", f"s3://{BUCKET}/batch/none/")):
        done = in_s3(source, target)
        assert done.returncode == 78, done.stderr
        assert "s3://no-such-bucket: no such bucket" in done.stderr and "<" not in done.stderr, done.stderr
    done = in_s3(there, f"s3://{BUCKET}/batch/none/", model="no-model.tar.gz")
    assert done.returncode == 66, done.stderr
    assert "no-model.tar.gz\": there is no object at the URL" in done.stderr, done.stderr
    assert "damaged" not in done.stderr, done.stderr


@pytest.fixture
def uncompressed(s3, tmp_path):  # noqa: F811
    """The example's preprocessor in S3 as a prefix with files, as one file and as an archive."""
    archive = ROOT / "examples" / "housing" / "preprocessor" / "model.tar.gz"
    s3.upload_file(str(archive), BUCKET, "forms/model.tar.gz")
    with tarfile.open(archive) as files:
        files.extractall(tmp_path, filter="data")
    for file in tmp_path.rglob("*"):
        if file.is_file():
            s3.upload_file(str(file), BUCKET, f"forms/folder/{file.relative_to(tmp_path)}")
            if file.suffix == ".joblib":
                s3.upload_file(str(file), BUCKET, "forms/one/model.joblib")
    return [("folder/", "S3Prefix", "None"), ("one/model.joblib", "S3Object", "None"),
            ("model.tar.gz", "S3Object", "Gzip")]


def test_a_model_data_source_is_a_prefix_a_file_or_an_archive(s3, uncompressed, tmp_path):  # noqa: F811
    variables = dict(AWS_ENDPOINT_URL_S3=s3.meta.endpoint_url, AWS_REGION="us-east-1", **CREDENTIALS)
    house = HOUSES.splitlines()[0].encode()
    answers = []
    for number, (place, data_type, compression) in enumerate(uncompressed):
        source = {"S3DataType": data_type, "CompressionType": compression,
                  "S3Uri": f"https://{BUCKET}.s3.us-east-1.amazonaws.com/forms/{place}"}
        # The form that DescribeModel prints.
        model = {"ModelName": "m", "PrimaryContainer": {"Image": "i", "ModelDataSource": {"S3DataSource": source}},
                 "ModelArn": "arn:aws:sagemaker:us-east-1:123456789012:model/m",
                 "CreationTime": "2026-11-30T09:00:00+00:00"}
        botocore_model = botocore.session.get_session().get_service_model("sagemaker")
        shape = botocore_model.shape_for("ContainerDefinition")
        assert not botocore.validate.ParamValidator().validate(model["PrimaryContainer"], shape).has_errors()
        (tmp_path / "model.json").write_text(json.dumps({**model, "EndpointName": "e"}))
        (tmp_path / "in.csv").write_text(HOUSES)
        done = transform(
            "--model", tmp_path / "model.json", "--input", tmp_path / "in.csv", "--output", tmp_path / f"out{number}",
            "--content-type", "text/csv", "--accept", "text/csv", **variables)
        assert done.returncode == 0, done.stderr
        answers.append((tmp_path / f"out{number}" / "in.csv.out").read_text())
        endpoint = Endpoint(tmp_path / "model.json", BYOC_STATE_DIR=str(tmp_path / f"state{number}"), **variables)
        try:
            invoked = runtime(endpoint.url).invoke_endpoint(EndpointName="e", ContentType="text/csv", Accept="text/csv",
                                                            Body=house)
            assert invoked["Body"].read().decode() == answers[0].splitlines(keepends=True)[0]
        finally:
            endpoint.process.kill()
            endpoint.process.wait()
    assert answers == [answers[0]] * 3


def test_input_output_and_model_may_be_https_urls_of_s3(s3, in_s3):  # noqa: F811
    s3.put_object(Bucket=BUCKET, Key="batch/by https/a.csv", Body=HOUSES)
    done = in_s3(f"https://{BUCKET}.s3.amazonaws.com/batch/by%20https/",
                 f"https://s3.eu-west-1.amazonaws.com/{BUCKET}/batch/https-out/")
    assert done.returncode == 0, done.stderr
    assert list(outputs(s3, "batch/https-out/")) == ["batch/https-out/a.csv.out"]


def test_a_description_of_the_aws_cli_runs_as_a_job(s3, in_s3, tmp_path):  # noqa: F811
    """A description of a job with all members, as `aws sagemaker describe-transform-job` prints it."""
    s3.put_object(Bucket=BUCKET, Key="batch/described/a.csv", Body=HOUSES)
    description = {
        "TransformJobName": "j", "TransformJobArn": "arn:aws:sagemaker:us-east-1:123456789012:transform-job/j",
        "TransformJobStatus": "Completed", "ModelName": "m", "Environment": {}, "BatchStrategy": "MultiRecord",
        "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix",
                                                           "S3Uri": f"s3://{BUCKET}/batch/described/"}},
                           "ContentType": "text/csv", "CompressionType": "None", "SplitType": "Line"},
        "TransformOutput": {"S3OutputPath": f"s3://{BUCKET}/batch/described-out", "Accept": "text/csv",
                            "AssembleWith": "Line",
                            "KmsKeyId": ""},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        "CreationTime": "2026-11-30T09:00:00.123000+00:00", "TransformStartTime": "2026-11-30T09:00:00+00:00",
        "TransformEndTime": "2026-11-30T09:05:00+00:00",
        "DataProcessing": {"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None"},
    }
    described = botocore.session.get_session().get_service_model("sagemaker").shape_for("DescribeTransformJobResponse")
    assert set(description) <= set(described.members)
    (tmp_path / "job.json").write_text(json.dumps(description))
    variables = dict(AWS_ENDPOINT_URL_S3=s3.meta.endpoint_url, AWS_REGION="us-east-1", **CREDENTIALS)
    done = transform("--model", f"s3://{BUCKET}/batch/model.tar.gz", "--job", tmp_path / "job.json", **variables)
    assert done.returncode == 0, done.stderr
    assert list(outputs(s3, "batch/described-out/")) == ["batch/described-out/a.csv.out"]
    (tmp_path / "job.json").write_text(json.dumps({**description, "TransformJobStaus": "Completed"}))
    wrong = transform("--model", f"s3://{BUCKET}/batch/model.tar.gz", "--job", tmp_path / "job.json", **variables)
    assert wrong.returncode == 78 and "TransformJobStaus: unknown member" in wrong.stderr, wrong.stderr


def test_descriptions_of_the_api_run_as_a_model_and_a_job(s3, in_s3, tmp_path):  # noqa: F811
    """boto3 creates and describes the model and the job; byoc runs the JSON."""
    s3.put_object(Bucket=BUCKET, Key="batch/by-api/a.csv", Body=HOUSES)
    api = boto3.client("sagemaker", endpoint_url=s3.meta.endpoint_url, region_name="us-east-1",
                       aws_access_key_id="test",
                       aws_secret_access_key="test")
    container = {"Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/byoc:1",
                 "ModelDataUrl": f"s3://{BUCKET}/batch/model.tar.gz"}
    api.create_model(ModelName="m", PrimaryContainer=container,
                     ExecutionRoleArn="arn:aws:iam::123456789012:role/service-role/r")
    api.create_transform_job(
        TransformJobName="j", ModelName="m",
        TransformInput={"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix",
                                                        "S3Uri": f"s3://{BUCKET}/batch/by-api/"}},
                        "ContentType": "text/csv"},
        TransformOutput={"S3OutputPath": f"s3://{BUCKET}/batch/by-api-out"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1})
    for name, description in (("model", api.describe_model(ModelName="m")),
                              ("job", api.describe_transform_job(TransformJobName="j"))):
        (tmp_path / f"{name}.json").write_text(json.dumps(description, default=str))
    variables = dict(AWS_ENDPOINT_URL_S3=s3.meta.endpoint_url, AWS_REGION="us-east-1", **CREDENTIALS)
    done = transform("--model", tmp_path / "model.json", "--job", tmp_path / "job.json", **variables)
    assert done.returncode == 0, done.stderr
    assert list(outputs(s3, "batch/by-api-out/")) == ["batch/by-api-out/a.csv.out"]
