"""botocore, which shares no code with the provider, as the judge of what AWS takes.

`endpoints`: prints `service region fips dual-stack URL` for every region that botocore knows, and for some that do not exist yet.
`signatures`: reads requests as JSON (method, url, headers, body, service, region, key), and prints for each the `authorization` header
that botocore would have sent with them.
"""

import base64
import json
import sys

from botocore import loaders
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.endpoint_provider import EndpointProvider

SERVICES = ["ssm", "sts"]
NEW = ["us-north-9", "cn-south-9", "us-gov-north-9", "us-iso-north-9", "us-isob-north-9", "eu-isoe-north-9", "us-isof-north-9", "eusc-de-north-9"]
# Follow no pattern.
OTHER = ["local", "us-east", "moon-east-1", "us-east-x", "fips-us-east-1", "eusc-fr-east-1"]


def endpoints():
    loader = loaders.create_loader()
    partitions = loader.load_data("partitions")
    # Not places of their own: `aws-global` and the like.
    known = [r for p in partitions["partitions"] for r in p["regions"] if not r.endswith("-global")]
    for service in SERVICES:
        rules = loader.load_service_model(service, "endpoint-rule-set-1")
        provider = EndpointProvider(rules, partitions)
        for region in known + NEW + OTHER:
            for fips in (False, True):
                for dual in (False, True):
                    found = provider.resolve_endpoint(Region=region, UseFIPS=fips, UseDualStack=dual)
                    schemes = found.properties.get("authSchemes", [{}])
                    assert schemes == [{}], f"{service} signs in a way of its own in {region}: {schemes}"
                    print(service, region, str(fips).lower(), str(dual).lower(), found.url)


def signatures():
    for sent in json.load(sys.stdin):
        headers = {name.lower(): value for name, value in sent["headers"].items()}
        body = base64.b64decode(sent["body"])
        theirs = headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
        signed = {name: headers[name] for name in theirs}
        credentials = Credentials("AKIDEXAMPLE", sent["key"], headers.get("x-amz-security-token"))
        request = AWSRequest(sent["method"], sent["url"], signed, body)
        request.context["timestamp"] = headers["x-amz-date"]
        auth = SigV4Auth(credentials, sent["service"], sent["region"])
        text = auth.string_to_sign(request, auth.canonical_request(request))
        assert set(theirs) >= {"host", "content-type", "x-amz-date"}, theirs
        assert ("x-amz-security-token" in headers) == ("x-amz-security-token" in theirs), theirs
        print(
            f"AWS4-HMAC-SHA256 Credential={auth.scope(request)}, SignedHeaders={auth.signed_headers(auth.headers_to_sign(request))}, "
            f"Signature={auth.signature(text, request)}"
        )


{"endpoints": endpoints, "signatures": signatures}[sys.argv[1]]()
