"""docker-build.sh: the images of each engine, wrong usage, and pushing, with and without a dry run."""
import json
import os
import pathlib
import shutil
import stat
import subprocess

import boto3
import moto.server
import pytest

from conftest import ENGINE, ROOT

SCRIPT = ROOT / "docker-build.sh"
DOCKERS_OWN = "application/vnd.docker.distribution.manifest.v2+json"
ACCOUNT = "123456789012"


def run(*arguments, script=SCRIPT, **variables):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment.update(variables)
    return subprocess.run([script, *arguments], env=environment, capture_output=True, text=True, timeout=600)


def test_missing_requirements_are_reported_before_the_build():
    for arguments, message in [
        (["--platform", "linux/amd64,linux/arm64"], "one at a time"),
        (["--platform=windows/amd64"], "linux/amd64 or linux/arm64"),
        (["--engine", "rkt"], "docker, podman or buildah"),
        (["--rust", "elsewhere"], "host or image"),
        (["--tag", "Not A Name"], "small letters"),
        (["--tag"], "needs a value"),
        (["--publish"], "unknown option --publish"),
    ]:
        ended = run(*arguments)
        assert (ended.returncode, ended.stdout) == (64, ""), (arguments, ended)
        assert message in ended.stderr and "--help" in ended.stderr, ended.stderr
    helped = run("--help")
    assert helped.returncode == 0
    for option in ("--tag", "--platform", "--engine", "--rust", "--push", "--dry-run"):
        assert option in helped.stdout


@pytest.mark.parametrize("name", ["docker", "podman", "buildah"])
def test_each_engine_builds_an_image_that_sagemaker_accepts(name, tmp_path):
    asked = {"docker": ["version"], "podman": ["info"], "buildah": ["images"]}[name]
    if not shutil.which(name) or subprocess.run([name, *asked], capture_output=True).returncode != 0:
        pytest.skip(f"{name} does not answer here")
    tag = f"byoc:by-{name}"
    ended = run("--engine", name, "--tag", tag, "--rust", "host")
    assert ended.returncode == 0, ended.stderr
    assert "bytes of at most 25000000" in ended.stderr
    if name == "podman":
        inspected = json.loads(subprocess.check_output([name, "image", "inspect", tag]))
        assert inspected[0]["ManifestType"] == DOCKERS_OWN
    if name == "buildah":
        inspected = json.loads(subprocess.check_output([name, "inspect", "--type", "image", tag]))
        assert json.loads(inspected["Manifest"])["mediaType"] == DOCKERS_OWN
    subprocess.run([name, "rmi", tag], check=True, capture_output=True)


def test_an_image_above_the_budget_is_an_error(tmp_path):
    script = SCRIPT.with_name("docker-build-under-test.sh")
    script.write_text(SCRIPT.read_text().replace("BUDGET=25000000", "BUDGET=1000000"))
    script.chmod(0o755)
    try:
        ended = run("--engine", ENGINE, "--tag", "byoc:too-large", "--rust", "host", script=script)
    finally:
        script.unlink()
    assert ended.returncode == 1, ended.stderr
    assert "the budget is 1000000" in ended.stderr
    subprocess.run([ENGINE, "rmi", "byoc:too-large"], check=True, capture_output=True)


def test_the_binary_for_graviton_is_built_in_a_container_or_by_a_cross_compiler():
    in_container = run("--platform", "linux/arm64", "--rust", "image", "--engine", ENGINE, "--dry-run")
    assert in_container.returncode == 0, in_container
    assert "--platform linux/arm64" in in_container.stdout and "prebuilt" not in in_container.stdout
    on_host = run("--platform", "linux/arm64", "--rust", "host", "--engine", ENGINE, "--dry-run")
    assert on_host.stdout.splitlines()[0] == "container/build arm64"
    assert "target/image/arm64" in on_host.stdout


@pytest.mark.parametrize("region, domain", [("eu-west-1", "amazonaws.com"), ("cn-north-1", "amazonaws.com.cn")])
def test_a_dry_run_prints_the_commands_for_ecr_and_runs_none(region, domain):
    ended = run("--push", "--dry-run", "--tag", "team/byoc:7", "--engine", ENGINE, AWS_REGION=region,
                AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert ended.returncode == 0, ended.stderr
    for part in [
        "account=$(aws sts get-caller-identity --region",
        f"aws ecr create-repository --region {region} --repository-name team/byoc",
        f"aws ecr get-login-password --region {region} | {ENGINE} login --username AWS --password-stdin ${{account}}.dkr.ecr.{region}.{domain}",
        f'{ENGINE} push "${{account}}.dkr.ecr.{region}.{domain}/team/byoc:7"',
    ]:
        assert part in ended.stdout, (part, ended.stdout)


@pytest.fixture
def ecr():
    server = moto.server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield boto3.client(
        "ecr", endpoint_url=f"http://{host}:{port}", region_name="eu-west-1", aws_access_key_id="a",
        aws_secret_access_key="a")
    server.stop()


def stand_in(folder, manifest):
    """The engine with its `login` and `push` replaced: they are recorded, and a pushed image arrives in moto's ECR."""
    program = folder / ENGINE
    program.write_text(f"""#!/bin/sh
case $1 in
    login) cat >/dev/null; echo "$*" >>{folder}/calls ;;
    push) echo "$*" >>{folder}/calls
        repository=${{2#*/}}
        aws ecr put-image --region eu-west-1 --repository-name "${{repository%:*}}" --image-tag "${{repository##*:}}" \\
            --image-manifest '{json.dumps(manifest)}' --image-manifest-media-type '{manifest["mediaType"]}' >/dev/null 2>{folder}/refusal \\
            || grep -q ImageAlreadyExistsException {folder}/refusal ;;
    *) exec {shutil.which(ENGINE)} "$@" ;;
esac
""")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return folder


def manifest(media_type):
    digest = "sha256:" + "0" * 64
    return {
        "schemaVersion": 2, "mediaType": media_type,
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 7, "digest": digest},
        "layers": [{"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "size": 7, "digest": digest}],
    }


def push(ecr, folder):
    return run(
        "--push", "--engine", ENGINE, "--rust", "host", "--tag", "byoc:pushed", PATH=f"{folder}:{os.environ['PATH']}",
        AWS_ENDPOINT_URL=ecr.meta.endpoint_url, AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="a",
        AWS_REGION="eu-west-1",
        AWS_EC2_METADATA_DISABLED="true")


def test_push_creates_the_repository_once_logs_in_and_pushes(ecr, tmp_path):
    folder = stand_in(tmp_path, manifest(DOCKERS_OWN))
    full_name = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/byoc:pushed"
    for _ in range(2):
        ended = push(ecr, folder)
        assert ended.returncode == 0, ended.stderr
        assert f"Image for CreateModel is {full_name}" in ended.stderr
    (repository,) = ecr.describe_repositories()["repositories"]
    assert repository["repositoryName"] == "byoc"
    assert repository["imageScanningConfiguration"] == {"scanOnPush": True}
    calls = pathlib.Path(folder / "calls").read_text().splitlines()
    login = f"login --username AWS --password-stdin {full_name.partition('/')[0]}"
    assert calls == [login, f"push {full_name}"] * 2
    subprocess.run([ENGINE, "rmi", "byoc:pushed", full_name], check=True, capture_output=True)


def test_push_fails_if_the_pushed_manifest_is_not_one_that_sagemaker_accepts(ecr, tmp_path):
    ended = push(ecr, stand_in(tmp_path, manifest("application/vnd.oci.image.manifest.v1+json")))
    assert ended.returncode == 1
    assert "SageMaker takes application/vnd.docker.distribution.manifest.v2+json only" in ended.stderr
    full_name = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/byoc:pushed"
    subprocess.run([ENGINE, "rmi", "byoc:pushed", full_name], check=True, capture_output=True)
