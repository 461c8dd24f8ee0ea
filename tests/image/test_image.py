"""The image, run exactly as SageMaker runs it (docs.aws.amazon.com/sagemaker/latest/dg:
your-algorithms-inference-code.html, your-algorithms-training-algo-running-container.html)."""
import json
import shutil
import ssl
import statistics
import subprocess
import tarfile
import time

import pytest

from conftest import ENGINE, HOUSE, IMAGE, PRICE, ROOT, Container, engine, http, interop

BUDGET = 25_000_000
IDLE = 12 * 1024 * 1024
NOBODY = ("--user", "65534:65534", "--cap-drop", "ALL")
BINARY = ROOT / "target" / "image" / "amd64" / "rootfs" / "usr" / "local" / "bin" / "byoc"


def mounted(folder, at, mode="ro"):
    return ("--volume", f"{folder}:{at}:{mode}")


@pytest.fixture(scope="module")
def inspected():
    (image,) = json.loads(engine("image", "inspect", IMAGE))
    return image


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The contents of the image as a tar."""
    exported = tmp_path_factory.mktemp("export") / "image.tar"
    created = engine("create", IMAGE)
    engine("export", "--output", exported, created)
    engine("rm", created)
    with tarfile.open(exported) as tar:
        yield tar


def test_the_image_meets_sagemakers_requirements(inspected):
    config = inspected["Config"]
    assert config["Labels"]["com.amazonaws.sagemaker.capabilities.multi-models"] == "true"
    assert config["Labels"]["com.amazonaws.sagemaker.capabilities.accept-bind-to-port"] == "true"
    assert config["Labels"]["org.opencontainers.image.version"] in (ROOT / "Cargo.toml").read_text()
    assert config["Entrypoint"] == ["/usr/local/bin/byoc"]
    assert not config.get("Cmd")
    assert (inspected["Os"], inspected["Architecture"]) == ("linux", "amd64")
    assert inspected["Size"] < BUDGET


def test_the_only_program_of_the_image_is_a_static_binary(files):
    members = {member.name.strip("./"): member for member in files if member.name.strip("./")}
    # Engines add the files on which they mount, such as /etc/hosts and /dev.
    ours = {name: member for name, member in members.items() if name.split("/")[0] in ("opt", "tmp", "usr")}
    assert sorted(ours) == ["opt", "opt/ml", "tmp", "usr", "usr/local", "usr/local/bin"] + [
        f"usr/local/bin/{name}" for name in ("byoc", "serve", "train")]
    assert members["tmp"].mode & 0o7777 == 0o1777
    for name in ("serve", "train"):
        link = members[f"usr/local/bin/{name}"]
        assert (link.issym(), link.linkname) == (True, "byoc")
    assert all((member.uid, member.gid) == (0, 0) for member in ours.values())
    binary = files.extractfile(members["usr/local/bin/byoc"]).read()
    headers = [binary[at:at + 56] for at in range(64, 64 + 56 * int.from_bytes(binary[56:58], "little"), 56)]
    kinds = [int.from_bytes(header[:4], "little") for header in headers]
    # PT_LOAD, but no PT_INTERP: it needs no dynamic loader.
    assert binary[:5] == b"\x7fELF\x02" and 1 in kinds and 3 not in kinds


def test_the_image_trusts_mozillas_certificate_authorities(files):
    bundle = files.extractfile(next(m for m in files if m.name.endswith("etc/ssl/certs/ca-certificates.crt"))).read()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=bundle.decode())
    assert len(context.get_ca_certs()) > 100
    names = str(context.get_ca_certs())
    assert "Amazon Root CA 1" in names


def test_the_image_contains_the_licences_of_its_software(files):
    for name in ("LICENSE", "THIRD-PARTY-NOTICES"):
        (member,) = [member for member in files if member.name.removeprefix("./") == name]
        assert files.extractfile(member).read() == (ROOT / name).read_bytes()
    assert engine("run", "--rm", IMAGE, "licenses").strip() == (ROOT / "THIRD-PARTY-NOTICES").read_text().strip()


def test_the_image_loads_models_only_from_sagemakers_folder(run, new_york):
    options = ["--read-only", "--env", "SAGEMAKER_MULTI_MODEL=true", *mounted(new_york, "/elsewhere/model")]
    container = run("serve", options=options).ready()
    body = json.dumps({"model_name": "m", "url": "/elsewhere/model"}).encode()
    status, answer = http(f"{container.url}/models", body, Content_Type="application/json")
    assert (status, json.loads(answer)["message"]) == (404, "Model not found in model store: /elsewhere/model")


@pytest.mark.parametrize("user", [(), NOBODY], ids=["root", "nobody"])
def test_two_read_only_containers_predict_a_price(run, preprocessor, new_york, user):
    csv = ["--env", "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT=text/csv"]
    first = run("serve", options=["--read-only", *mounted(preprocessor, "/opt/ml/model"), *csv, *user]).ready()
    second = run("serve", options=["--read-only", *mounted(new_york, "/opt/ml/model"), *user]).ready()
    status, features = http(f"{first.url}/invocations", HOUSE, Content_Type="text/csv")
    assert status == 200, features
    assert second.score(features) == pytest.approx(PRICE, rel=2e-6)
    for container in (first, second):
        code, took = container.stop()
        assert code == 0, container.logs()
        assert took < 30
        assert "SIGTERM" in container.logs()


def test_sagemaker_chooses_the_port(run, new_york):
    options = ["--read-only", "--env", "SAGEMAKER_BIND_TO_PORT=17001", *mounted(new_york, "/opt/ml/model")]
    run("serve", options=options, port=17001).ready()


def test_many_models_in_one_container(run, new_york, opt_ml):
    model = opt_ml / "models" / "0123456789abcdef0123456789abcdef" / "model"
    shutil.copytree(new_york, model)
    for folder in (opt_ml / "models", model.parent):
        folder.chmod(0o755)
    options = ["--read-only", "--env", "SAGEMAKER_MULTI_MODEL=true", *mounted(opt_ml / "models", "/opt/ml/models"),
               *NOBODY]
    container = run("serve", options=options).ready()
    body = json.dumps({"model_name": model.parent.name, "url": f"/opt/ml/models/{model.parent.name}/model"}).encode()
    assert http(f"{container.url}/models", body, Content_Type="application/json")[0] == 200, container.logs()
    assert http(f"{container.url}/models", body, Content_Type="application/json")[0] == 409
    listed = json.loads(http(f"{container.url}/models")[1])["models"]
    assert [one["modelName"] for one in listed] == [model.parent.name]
    assert http(f"{container.url}/models/{model.parent.name}", method="DELETE")[0] == 200
    assert container.stop()[0] == 0


def test_a_container_without_its_model_exits_with_an_error():
    ended = engine("run", "--rm", "--read-only", IMAGE, "serve", check=False)
    assert ended.returncode == 66, ended
    assert "/opt/ml/model" in ended.stderr


@pytest.fixture
def job(opt_ml):
    """/opt/ml as SageMaker creates it for a training job. The label is 3 × the first feature − the second + 5."""
    rows = [(3 * a - b + 5, a, b) for a in range(40) for b in range(25)]
    train = opt_ml / "job" / "input" / "data" / "train"
    train.mkdir(parents=True)
    (train / "part.csv").write_text("".join(f"{y},{a},{b}\n" for y, a, b in rows))
    config = opt_ml / "job" / "input" / "config"
    config.mkdir()
    parameters = {"predictor_type": "regressor", "mini_batch_size": "100", "epochs": "5"}
    (config / "hyperparameters.json").write_text(json.dumps(parameters))
    (config / "inputdataconfig.json").write_text(
        json.dumps({"train": {"TrainingInputMode": "File", "ContentType": "text/csv;label_size=1"}}))
    return opt_ml / "job"


def test_a_trained_model_is_served(run, job):
    ended = engine("run", "--rm", "--read-only", *mounted(job, "/opt/ml", "rw"), IMAGE, "train", check=False)
    assert ended.returncode == 0, ended
    assert (job / "model" / "model_algo-1").is_file()
    container = run("serve", options=["--read-only", *mounted(job / "model", "/opt/ml/model")]).ready()
    assert container.score(b"10,4\n") == pytest.approx(31, abs=0.5)


def test_a_failed_training_job_reports_the_reason(job):
    (job / "input" / "config" / "hyperparameters.json").write_text('{"predictor_type": "oracle"}')
    ended = engine("run", "--rm", "--read-only", *mounted(job, "/opt/ml", "rw"), IMAGE, "train", check=False)
    assert ended.returncode != 0
    assert "oracle" in (job / "output" / "failure").read_text()


def test_without_a_command_the_image_prints_help():
    for arguments, code in [((), 64), (("--help",), 0), (("serve", "--help"), 0), (("--version",), 0), (("sing",), 64)]:
        ended = engine("run", "--rm", "--network", "none", "--read-only", *NOBODY, IMAGE, *arguments, check=False)
        assert ended.returncode == code, (arguments, ended)
        assert ended.stdout + ended.stderr
    assert "serve" in engine("run", "--rm", IMAGE, "--help")


@pytest.mark.parametrize("name", ["serve", "train"])
def test_the_names_on_the_path_are_the_commands(name):
    said = engine("run", "--rm", "--entrypoint", name, IMAGE, "--help")
    assert {"serve": "--model-dir", "train": "--base-dir"}[name] in said and "Commands:" not in said


def test_an_endpoint_on_the_host_and_a_container_may_use_different_paths(run, opt_ml, example):
    """The container has its models at SageMaker's path, the endpoint in its own folder."""
    state = opt_ml / "state"
    (state / "models").mkdir(parents=True)
    for folder in (state, state / "models"):
        folder.chmod(0o755)
    options = ["--read-only", "--env", "SAGEMAKER_MULTI_MODEL=true", *mounted(state / "models", "/opt/ml/models"),
               *NOBODY]
    container = run("serve", options=options).ready()
    endpoint = interop.Endpoint(
        example / "endpoint.json", BYOC_STATE_DIR=str(state), BYOC_ENDPOINT_MODELS_SEEN_AT="/opt/ml/models",
        BYOC_ENDPOINT_CONTAINERS=f"linear-learner={container.url}")
    try:
        answer = interop.runtime(endpoint.url).invoke_endpoint(
            EndpointName="housing", TargetModel="NewYork_NY/NewYork_NY.tar.gz", ContentType="text/csv", Body=HOUSE)
        (prediction,) = json.load(answer["Body"])["predictions"]
        assert prediction["score"] == pytest.approx(PRICE, rel=2e-6)
        assert "from /opt/ml/models/" in container.logs()
    finally:
        endpoint.process.kill()
        endpoint.process.wait()


def resident(container):
    """Resident bytes of the container's process; None if it does not run on this machine."""
    try:
        with open(f"/proc/{container.state('Pid')}/status") as status:
            (line,) = [line for line in status if line.startswith("VmRSS")]
        return 1024 * int(line.split()[1])
    except OSError:
        return None


def test_size_and_memory_meet_the_targets(run, new_york, inspected, capsys):
    """Checks size and memory against the targets. Times are only printed: they depend on the machine's load."""
    until_ready, exec_to_ready = [], []
    for _ in range(10):
        start = time.monotonic()
        container = Container("serve", options=["--read-only", *mounted(new_york, "/opt/ml/model")]).ready()
        until_ready.append(time.monotonic() - start)
        engine("rm", "--force", container.id)
    for _ in range(10):
        start = time.monotonic()
        process = subprocess.Popen(
            [BINARY, "serve", "--model-dir", new_york, "--host", "127.0.0.1", "--port", "0"], stderr=subprocess.PIPE,
            text=True)
        url = "http://" + process.stderr.readline().split("http://")[1].split()[0]
        while http(f"{url}/ping")[0] != 200:
            pass
        exec_to_ready.append(time.monotonic() - start)
        process.kill()
        process.communicate()
    single = run("serve", options=["--read-only", *mounted(new_york, "/opt/ml/model")]).ready()
    multi = run("serve", options=["--read-only", "--env", "SAGEMAKER_MULTI_MODEL=true"]).ready()
    idle = [resident(container) for container in (single, multi)]
    with capsys.disabled():
        print(f"\nimage {inspected['Size'] / 1e6:.2f} MB")
        milliseconds = statistics.median(until_ready) * 1e3
        print(f"from `{ENGINE} run` to the first 200 of /ping: {milliseconds:.0f} ms (median of 10)")
        print(f"the same program from exec on: {statistics.median(exec_to_ready) * 1e3:.1f} ms (median of 10)")
        if None not in idle:
            one, many = (size / 1e6 for size in idle)
            print(f"resident, idle: {one:.1f} MB with a model, {many:.1f} MB in multi-model mode")
    assert all(one is None or one <= IDLE for one in idle)
