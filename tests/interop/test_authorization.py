"""`byoc endpoint --iam`: which calls each principal may make, with boto3, the AWS CLI and curl."""
import concurrent.futures
import datetime
import hashlib
import http.client
import json
import os
import pathlib
import shutil
import subprocess
import unittest.mock
import urllib.error
import urllib.parse
import urllib.request

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials
import botocore.exceptions
import pytest

from conftest import BYOC, Endpoint

ACCOUNT = "123456789012"
NEW_YORK = {
    "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/NewYork/app", "AccessKeyId": "ASIANEWYORK",
    "SecretAccessKey": "new/york+secret", "SessionToken": "IQoJb3JpZ2luX2VjE//new+york==",
}
ANY_CITY_BUT_ONE = {
    "Arn": f"arn:aws:iam::{ACCOUNT}:user/staff/Jane", "AccessKeyId": "AKIAJANE", "SecretAccessKey": "janes/secret",
}
NOBODY = {"Arn": f"arn:aws:iam::{ACCOUNT}:user/nobody", "AccessKeyId": "AKIANOBODY", "SecretAccessKey": "nobodys"}
RESOURCE = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:endpoint/housing"


def allow(**condition):
    return {"Effect": "Allow", "Action": "sagemaker:InvokeEndpoint", "Resource": RESOURCE, "Condition": condition}


def policy(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


IAM = {
    "Account": ACCOUNT,
    "Principals": [
        {**NEW_YORK, "Tags": [{"Key": "TenantID", "Value": "NewYork_NY"}], "Policies": [
            policy(allow(StringLike={"sagemaker:TargetModel": ["${aws:PrincipalTag/TenantID}/*"]}))]},
        {**ANY_CITY_BUT_ONE, "Policies": [
            policy({"Effect": "Allow", "Action": "sagemaker:Invoke*", "Resource": "*"}),
            policy({"Effect": "Deny", "Action": "*", "Resource": "*",
                    "Condition": {"StringLike": {"sagemaker:TargetModel": "Houston_TX/*"}}})]},
        {**NOBODY, "Policies": []},
    ],
}


def house():
    return (pathlib.Path(__file__).resolve().parents[2] / "examples" / "housing" / "house.csv").read_bytes()


@pytest.fixture(scope="module")
def guarded(housing, tmp_path_factory):
    file = tmp_path_factory.mktemp("iam") / "iam.json"
    file.write_text(json.dumps(IAM))
    running = Endpoint(housing / "endpoint.json", BYOC_ENDPOINT_IAM=str(file))
    yield running
    running.process.kill()
    running.process.wait()


def runtime(endpoint, principal, **changed):
    keys = {**principal, **changed}
    return boto3.client(
        "sagemaker-runtime", endpoint_url=endpoint.url, region_name="us-east-1", aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"], aws_session_token=keys.get("SessionToken"),
        config=botocore.config.Config(max_pool_connections=32))


def invoke(client, city, **more):
    target = {"TargetModel": f"{city}/{city}.tar.gz"} if city else {}
    answer = client.invoke_endpoint(
        **{"EndpointName": "housing", "ContentType": "text/csv", "Body": house(), **target, **more})
    return json.load(answer["Body"])["predictions"][0]["score"]


def refusal(call):
    """The status, the exception and the message of a refused call."""
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        call()
    response = raised.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"], response["Error"]["Message"]


def denied(principal, why, resource=RESOURCE):
    return 403, "AccessDeniedException", (
        f"User: {principal['Arn']} is not authorized to perform: sagemaker:InvokeEndpoint "
        f"on resource: {resource} {why}")


IMPLICITLY = "because no identity-based policy allows the sagemaker:InvokeEndpoint action"
EXPLICITLY = "with an explicit deny in an identity-based policy"


def test_the_first_log_line_says_whether_signatures_are_checked(guarded, endpoint):
    assert "signatures are checked against 3 principals" in guarded.log[0]
    assert "signatures are not checked" in endpoint.log[0]


def test_a_role_reaches_its_own_city_only(guarded):
    client = runtime(guarded, NEW_YORK)
    assert invoke(client, "NewYork_NY") == pytest.approx(429700, rel=2e-6)
    assert refusal(lambda: invoke(client, "Chicago_IL")) == denied(NEW_YORK, IMPLICITLY)
    assert refusal(lambda: invoke(client, None)) == denied(NEW_YORK, IMPLICITLY)
    assert refusal(lambda: invoke(client, None, TargetModel="NewYork_NY2/x.tar.gz")) == denied(NEW_YORK, IMPLICITLY)
    assert refusal(lambda: invoke(client, "NewYork_NY", EndpointName="Other")) == denied(
        NEW_YORK, IMPLICITLY, f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:endpoint/other")


def test_a_deny_overrides_an_allow(guarded):
    client = runtime(guarded, ANY_CITY_BUT_ONE)
    assert invoke(client, "Chicago_IL") == pytest.approx(429700, rel=2e-6)
    assert refusal(lambda: invoke(client, "Houston_TX")) == denied(ANY_CITY_BUT_ONE, EXPLICITLY)
    # The call is authorized, so the error is the next one that AWS would report.
    status, code, message = refusal(lambda: invoke(client, "Chicago_IL", EndpointName="other"))
    assert (status, code, message) == (400, "ValidationError", f"Endpoint other of account {ACCOUNT} not found.")


def test_a_principal_without_policies_is_denied_every_call(guarded):
    assert refusal(lambda: invoke(runtime(guarded, NOBODY), "NewYork_NY")) == denied(NOBODY, IMPLICITLY)


@pytest.mark.parametrize("changed, code, message", [
    ({"SecretAccessKey": "guess"}, "InvalidSignatureException",
     "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
     "and signing method. Consult the service documentation for details."),
    ({"AccessKeyId": "AKIAUNKNOWN"}, "UnrecognizedClientException",
     "The security token included in the request is invalid."),
    ({"SessionToken": "another"}, "UnrecognizedClientException",
     "The security token included in the request is invalid."),
    ({"SessionToken": None}, "UnrecognizedClientException", "The security token included in the request is invalid."),
])
def test_unknown_or_wrong_keys_are_refused(guarded, changed, code, message):
    assert refusal(lambda: invoke(runtime(guarded, NEW_YORK, **changed), "NewYork_NY")) == (403, code, message)


def post(endpoint, headers, body=None):
    request = urllib.request.Request(
        f"{endpoint.url}/endpoints/housing/invocations", data=house() if body is None else body,
        headers={"Content-Type": "text/csv", **headers})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, None, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["x-amzn-errortype"], json.load(error)["Message"]


def signed_headers(endpoint, city, service="sagemaker", region="us-east-1", **more):
    """The request that botocore would send, to be sent by another client."""
    headers = {"Content-Type": "text/csv", "X-Amzn-SageMaker-Target-Model": f"{city}/{city}.tar.gz", **more}
    request = botocore.awsrequest.AWSRequest(
        "POST", f"{endpoint.url}/endpoints/housing/invocations", data=house(), headers=headers)
    credentials = botocore.credentials.Credentials(
        ANY_CITY_BUT_ONE["AccessKeyId"], ANY_CITY_BUT_ONE["SecretAccessKey"])
    botocore.auth.SigV4Auth(credentials, service, region).add_auth(request)
    return dict(request.headers)


def test_a_request_without_a_signature_is_refused(guarded):
    expected = (403, "MissingAuthenticationTokenException", "Missing Authentication Token")
    assert post(guarded, {"X-Amzn-SageMaker-Target-Model": "NewYork_NY/NewYork_NY.tar.gz"}) == expected


def test_a_request_that_was_changed_after_signing_is_refused(guarded):
    headers = signed_headers(guarded, "Chicago_IL")
    assert post(guarded, headers)[0] == 200
    for status, kind, _ in [
        post(guarded, {**headers, "X-Amzn-SageMaker-Target-Model": "NewYork_NY/NewYork_NY.tar.gz"}),
        post(guarded, headers, body=house() + b"\n"),
    ]:
        assert (status, kind) == (403, "InvalidSignatureException")


def test_the_digest_header_must_match_the_body_and_an_unsigned_body_is_refused(guarded):
    def headers(digest):
        return signed_headers(guarded, "Chicago_IL", **{"X-Amz-Content-SHA256": digest})

    digest = hashlib.sha256(house()).hexdigest()
    assert post(guarded, headers(digest))[0] == 200
    for answer in [
        post(guarded, headers(digest), body=house() + b"\n"),
        post(guarded, headers("0" * 64)),
        post(guarded, headers("UNSIGNED-PAYLOAD")),
    ]:
        assert answer[:2] == (403, "InvalidSignatureException"), answer


def test_repeating_a_header_does_not_evade_a_condition(guarded):
    headers = signed_headers(guarded, "Chicago_IL")
    address = urllib.parse.urlsplit(guarded.url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    connection.putrequest("POST", "/endpoints/housing/invocations")
    for name, value in [*headers.items(), ("X-Amzn-SageMaker-Target-Model", "Houston_TX/Houston_TX.tar.gz"),
                        ("Content-Length", str(len(house())))]:
        connection.putheader(name, value)
    connection.endheaders(house())
    answer = connection.getresponse()
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "ValidationError")
    assert "given more than once" in json.load(answer)["Message"]


def test_another_host_is_refused(guarded):
    status, kind, message = post(guarded, {**signed_headers(guarded, "Chicago_IL"), "Host": "evil.example"})
    assert (status, kind) == (421, "MisdirectedRequestException")
    assert "--allow-host NAME" in message


def test_a_signature_for_another_service_is_refused(guarded):
    status, kind, message = post(guarded, signed_headers(guarded, "Chicago_IL", service="s3"))
    assert (status, kind) == (403, "InvalidSignatureException")
    assert message == "Credential should be scoped to correct service: 'sagemaker'."
    # The region of the signature does not matter.
    assert post(guarded, signed_headers(guarded, "Chicago_IL", region="eu-central-1"))[0] == 200


def test_an_old_signature_has_expired(guarded):
    now = botocore.auth.get_current_datetime
    earlier = unittest.mock.Mock(side_effect=lambda: now() - datetime.timedelta(minutes=16))
    with unittest.mock.patch.object(botocore.auth, "get_current_datetime", earlier):
        headers = signed_headers(guarded, "Chicago_IL")
    assert earlier.called
    status, kind, message = post(guarded, headers)
    assert (status, kind) == (403, "InvalidSignatureException")
    assert message.startswith(f"Signature expired: {headers['X-Amz-Date']} is now earlier than ")


def test_concurrent_signed_requests_are_answered(guarded):
    client = runtime(guarded, NEW_YORK)
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        scores = list(pool.map(lambda _: invoke(client, "NewYork_NY"), range(200)))
    assert scores == [scores[0]] * 200


@pytest.mark.skipif(not shutil.which("aws"), reason="the AWS CLI is not installed")
def test_the_aws_cli_gets_the_same_errors(guarded, tmp_path):
    (tmp_path / "house.csv").write_bytes(house())
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": NEW_YORK["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": NEW_YORK["SecretAccessKey"],
        "AWS_SESSION_TOKEN": NEW_YORK["SessionToken"], "AWS_EC2_METADATA_DISABLED": "true",
    }

    def run(city):
        return subprocess.run(
            ["aws", "sagemaker-runtime", "invoke-endpoint", "--endpoint-url", guarded.url, "--endpoint-name", "housing",
             "--target-model", f"{city}/{city}.tar.gz", "--content-type", "text/csv", "--body", "fileb://house.csv",
             "answer.json"], env=environment, cwd=tmp_path, capture_output=True, text=True)

    answered = run("NewYork_NY")
    assert answered.returncode == 0, answered
    assert json.loads((tmp_path / "answer.json").read_text())["predictions"]
    refused = run("Chicago_IL")
    assert refused.returncode != 0
    assert "(AccessDeniedException) when calling the InvokeEndpoint operation: User: " in refused.stderr


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_the_command_in_the_log_works(guarded, housing):
    guarded.wait_for(lambda: any(line.startswith("curl ") for line in guarded.output))
    (command,) = [line for line in guarded.output if line.startswith("curl ")]
    command = command.replace("Chicago_IL", "NewYork_NY").replace("Houston_TX", "NewYork_NY")
    keys = {"AWS_ACCESS_KEY_ID": NEW_YORK["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": NEW_YORK["SecretAccessKey"]}
    for token, expected in [(NEW_YORK["SessionToken"], "predictions"), (None, "security token")]:
        environment = {"PATH": os.environ["PATH"], **keys, **({"AWS_SESSION_TOKEN": token} if token else {})}
        answer = subprocess.run(["sh", "-c", command], env=environment, cwd=housing, capture_output=True, text=True)
        assert expected in answer.stdout, (command, answer)


def test_every_mistake_in_a_wrong_file_is_reported(housing, tmp_path):
    file = tmp_path / "iam.json"
    file.write_text(json.dumps({"Account": "1", "Principals": [
        {**NEW_YORK, "Polices": [], "Policies": [policy({**allow(StringLikes={}), "Effect": "Permit"})]}]}))
    command = [BYOC, "endpoint", "--config", str(housing / "endpoint.json"), "--port", "0", "--iam", str(file)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 78
    for part in ["--iam is ", "Account: expected the twelve digits", "Principals[0].Polices: unknown member",
                 "Policies[0].Statement[0].Effect: expected Allow or Deny", "Condition.StringLikes: operator"]:
        assert part in ended.stderr, (part, ended.stderr)
    assert NEW_YORK["SecretAccessKey"] not in ended.stderr


def test_the_examples_file_does_what_its_readme_says(housing):
    running = Endpoint(housing / "endpoint.json", BYOC_ENDPOINT_IAM=str(housing / "iam.json"))
    try:
        new_york, operator = json.loads((housing / "iam.json").read_text())["Principals"]
        assert invoke(runtime(running, new_york), "NewYork_NY")
        assert refusal(lambda: invoke(runtime(running, new_york), "Chicago_IL")) == denied(new_york, IMPLICITLY)
        assert invoke(runtime(running, operator), "Chicago_IL")
    finally:
        running.process.kill()
        running.process.wait()
