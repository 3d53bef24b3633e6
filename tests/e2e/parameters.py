"""Calls AWS Systems Manager through boto3: the operations on standard input, `[[name, arguments], …]`, their answers on standard output."""

import json
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


ssm = boto3.client("ssm")
json.dump([answer(ssm, *call) for call in json.load(sys.stdin)], sys.stdout, default=str)
