"""Calls AWS Systems Manager through boto3: the operations on standard input, `[[name, arguments], …]`, their answers on standard output."""

import json
import os
import sys

import boto3
from botocore.exceptions import ClientError


def answer(client, operation, arguments):
    try:
        found = getattr(client, operation)(**arguments)
    except ClientError as error:
        return {"Error": error.response["Error"]["Code"]}
    found.pop("ResponseMetadata")
    return found


def credentials(role):
    """Those of a role, in another account than ours."""
    taken = boto3.client("sts").assume_role(RoleArn=role, RoleSessionName="judge")["Credentials"]
    return {
        "aws_access_key_id": taken["AccessKeyId"],
        "aws_secret_access_key": taken["SecretAccessKey"],
        "aws_session_token": taken["SessionToken"],
    }


role = os.environ.get("JUDGE_ROLE")
ssm = boto3.client("ssm", **(credentials(role) if role else {}))
json.dump([answer(ssm, *call) for call in json.load(sys.stdin)], sys.stdout, default=str)
