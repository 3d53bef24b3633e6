"""Drives the sandbox with the vendors' usual Python clients; the environment says where it is. Prints "done"."""

import base64
import json
import os
import sys
import time
import urllib.request


def expect(condition, what):
    if not condition:
        raise SystemExit(f"not as expected: {what}")


def refused(error_type, code, call, **arguments):
    try:
        call(**arguments)
    except error_type as error:
        expect(error.response["Error"]["Code"] == code, f"{code}, not {error}")
        return
    raise SystemExit(f"{code} was expected of {arguments}")


def misfits(shape, value, at):
    """What of an answer the service model does not have."""
    if shape.type_name == "structure":
        if not isinstance(value, dict):
            return [f"{at}: no structure"]
        found = [f"{at}.{name} is not in the model" for name in value if name not in shape.members]
        for name, member in value.items():
            if name in shape.members:
                found += misfits(shape.members[name], member, f"{at}.{name}")
        return found
    if shape.type_name == "list":
        return [line for item in value for line in misfits(shape.member, item, f"{at}[]")]
    kinds = {"string": str, "integer": int, "long": int, "boolean": bool, "timestamp": (int, float)}
    if not isinstance(value, kinds[shape.type_name]):
        return [f"{at}: {value!r} is no {shape.type_name}"]
    choices = shape.enum if shape.type_name == "string" else []
    return [f"{at}: {value!r} is not one of {choices}"] if choices and value not in choices else []


def aws():
    import boto3
    from botocore.exceptions import ClientError

    ssm = boto3.client("ssm", region_name=os.environ["AWS_REGION"])
    problems, seen = [], set()

    def judge(response_dict, **_):
        operation = response_dict["context"]["operation_name"]
        seen.add(operation)
        if response_dict["status_code"] == 200:
            shape = ssm.meta.service_model.operation_model(operation).output_shape
            problems.extend(misfits(shape, json.loads(response_dict["body"]), operation))

    ssm.meta.events.register("before-parse.ssm", judge)
    name = "/molecule/production/TOKEN"
    made = ssm.put_parameter(
        Name=name, Value="first", Type="SecureString", Tags=[{"Key": "a", "Value": "b"}], Description="a mark"
    )
    expect(made["Version"] == 1 and made["Tier"] == "Standard", made)
    refused(ClientError, "ParameterAlreadyExists", ssm.put_parameter, Name=name, Value="x", Type="SecureString")
    both = {"Name": name, "Value": "x", "Type": "SecureString", "Overwrite": True, "Tags": [{"Key": "a", "Value": "b"}]}
    refused(ClientError, "ValidationException", ssm.put_parameter, **both)
    refused(ClientError, "HierarchyTypeMismatchException", ssm.put_parameter, Name=name, Value="x", Type="String", Overwrite=True)
    refused(ClientError, "ValidationException", ssm.put_parameter, Name=name, Value="x" * 4097, Overwrite=True)
    refused(ClientError, "ValidationException", ssm.put_parameter, Name="/aws/x", Value="x", Type="String")
    expect(ssm.put_parameter(Name=name, Value="second", Overwrite=True)["Version"] == 2, "a second version")
    read = ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]
    expect(read["Value"] == "second" and read["Version"] == 2, read)
    old = ssm.get_parameter(Name=f"{name}:1", WithDecryption=True)["Parameter"]
    expect(old["Value"] == "first" and old["Selector"] == ":1", old)
    sealed = ssm.get_parameter(Name=name)["Parameter"]["Value"]
    expect("second" not in sealed and b"second" not in base64.b64decode(sealed), sealed)
    refused(ClientError, "ParameterVersionNotFound", ssm.get_parameter, Name=f"{name}:9")
    refused(ClientError, "ParameterNotFound", ssm.get_parameter, Name="/nowhere")
    expect(ssm.label_parameter_version(Name=name, ParameterVersion=1, Labels=["ok", "1x"])["InvalidLabels"] == ["1x"], "labels")
    expect(ssm.get_parameter(Name=f"{name}:ok", WithDecryption=True)["Parameter"]["Value"] == "first", "by label")
    history = ssm.get_parameter_history(Name=name, WithDecryption=True)["Parameters"]
    expect([entry["Value"] for entry in history] == ["first", "second"] and history[0]["Labels"] == ["ok"], history)
    several = ssm.get_parameters(Names=[name, "/nowhere"], WithDecryption=True)
    expect(several["InvalidParameters"] == ["/nowhere"] and len(several["Parameters"]) == 1, several)
    ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId=name, Tags=[{"Key": "c", "Value": "d"}])
    ssm.remove_tags_from_resource(ResourceType="Parameter", ResourceId=name, TagKeys=["a"])
    tags = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"]
    expect(tags == [{"Key": "c", "Value": "d"}], tags)
    for number in range(55):
        ssm.put_parameter(Name=f"/many/{number:02}", Value="v", Type="String")
    pages = list(ssm.get_paginator("describe_parameters").paginate(PaginationConfig={"PageSize": 20}))
    names = [entry["Name"] for page in pages for entry in page["Parameters"]]
    expect(len(pages) == 3 and len(set(names)) == 56, names)
    wanted = [{"Key": "Name", "Option": "Equals", "Values": [name, "/many/07"]}]
    found = ssm.describe_parameters(ParameterFilters=wanted)["Parameters"]
    expect([entry["Name"] for entry in found] == ["/many/07", name] and found[1]["Description"] == "a mark", found)
    below = ssm.get_parameters_by_path(Path="/molecule", Recursive=True, WithDecryption=True)["Parameters"]
    expect([entry["Value"] for entry in below] == ["second"], below)
    ssm.delete_parameter(Name=name)
    refused(ClientError, "ParameterNotFound", ssm.delete_parameter, Name=name)
    gone = ssm.delete_parameters(Names=["/many/00", "/nowhere"])
    expect(gone["DeletedParameters"] == ["/many/00"] and gone["InvalidParameters"] == ["/nowhere"], gone)
    advanced = ssm.put_parameter(Name="/big", Value="x" * 5000, Type="String", Tier="Intelligent-Tiering")
    expect(advanced["Tier"] == "Advanced", advanced)
    for number, value in enumerate(["first", "second", "third"], 1):
        made = ssm.put_parameter(Name="/molecule/kept", Value=value, Type="SecureString", Overwrite=True)
        expect(made["Version"] == number, made)
    ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId="/molecule/kept", Tags=[{"Key": "owner", "Value": "team"}])
    expect(not problems, problems)
    expect(len(seen) == 12, seen)

    sts = boto3.client("sts", region_name=os.environ["AWS_REGION"])
    expect(sts.get_caller_identity()["Account"] == "000000000000", "an identity")
    stranger = {"aws_access_key_id": "AKIAUNKNOWN000000000", "aws_secret_access_key": "x"}
    forger = {"aws_access_key_id": os.environ["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": "x"}
    for keys, code in ((stranger, "UnrecognizedClientException"), (forger, "InvalidSignatureException")):
        client = boto3.client("ssm", region_name="us-east-1", **keys)
        refused(ClientError, code, client.describe_parameters)


def github_client(auth):
    from github import Github

    return Github(
        base_url=os.environ["GITHUB_BASE_URL"],
        auth=auth,
        retry=None,
        seconds_between_requests=0,
        seconds_between_writes=0,
    )


def github():
    from github import Auth, UnknownObjectException

    client = github_client(Auth.Token(os.environ["GITHUB_TOKEN"]))
    repository = client.get_repo("molecule-ai/molecule-monorepo")
    repository.create_secret("from_pygithub", "café")
    secret = repository.get_secret("FROM_PYGITHUB")
    expect(secret.name == "FROM_PYGITHUB" and secret.updated_at.microsecond == 0, secret)
    for number in range(35):
        repository.create_secret(f"S{number:02}", "x")
    expect(len(list(repository.get_secrets())) == 36, "more than one page of secrets")
    expect(repository.delete_secret("S00"), "a deleted secret")
    try:
        expect(repository.get_secret("S00").created_at is None, "an answer about a deleted secret")
        raise SystemExit("a deleted secret is still there")
    except UnknownObjectException:
        pass
    environment = repository.get_environment("production")
    environment.create_secret("FROM_PYGITHUB", "in production")
    expect([entry.name for entry in environment.get_secrets()] == ["FROM_PYGITHUB"], "an environment's secrets")
    workflow = repository.get_workflow("publish-platform-image.yml")
    expect(workflow.create_dispatch("main", {"reason": "a test"}), "a dispatch")
    runs = workflow.get_runs(event="workflow_dispatch", branch="main")
    expect(runs.totalCount == 1, "a run")
    run = runs[0]
    for _ in range(5):
        if run.status == "completed":
            break
        run = repository.get_workflow_run(run.id)
    expect(run.conclusion == "success", run)


def github_app():
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from github import Auth, BadCredentialsException, GithubIntegration

    def pair():
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        return private.decode(), public.decode()

    private, public = pair()
    app = {"id": 4711, "installation_id": 815, "public_key": public, "repositories": ["molecule-ai/molecule-docs"]}
    request = urllib.request.Request(
        os.environ["SANDBOX_URL"] + "/_sandbox/seed", data=json.dumps({"github": {"app": app}}).encode(), method="POST"
    )
    urllib.request.urlopen(request).close()

    def integration(key):
        return GithubIntegration(auth=Auth.AppAuth(4711, key), base_url=os.environ["GITHUB_BASE_URL"], retry=None)

    try:
        integration(pair()[0]).get_access_token(815)
        raise SystemExit("an assertion with another key was accepted")
    except Exception as error:
        expect(getattr(error, "status", None) == 401, error)
    token = integration(private).get_access_token(815)
    expect(token.token.startswith("ghs_4711_") and token.expires_at.timestamp() > time.time() + 3000, token)
    client = github_client(Auth.Token(token.token))
    client.get_repo("molecule-ai/molecule-docs").create_secret("BY_APP", "x")
    status, _, _ = client.requester.requestJson("GET", "/repos/molecule-ai/molecule-monorepo")
    expect(status == 404, status)
    status, _, _ = client.requester.requestJson("DELETE", "/installation/token")
    expect(status == 204, status)
    try:
        client.get_repo("molecule-ai/molecule-docs")
        raise SystemExit("a revoked token works")
    except BadCredentialsException:
        pass


{"aws": aws, "github": github, "github_app": github_app}[sys.argv[1]]()
print("done")
