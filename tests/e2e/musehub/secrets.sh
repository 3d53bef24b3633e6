#!/bin/bash
# Fetches every parameter of the environment and writes .env, as on MuseHub's server. The settings stand for its instance profile.
set -euo pipefail
umask 077
set -a
. deploy/settings
set +a

"$PYTHON" - "/musehub/production/" >.env.new <<'CODE'
import sys

import boto3

pages = boto3.client("ssm").get_paginator("get_parameters_by_path").paginate(Path=sys.argv[1], WithDecryption=True)
for page in pages:
    for parameter in page["Parameters"]:
        print(parameter["Name"].rsplit("/", 1)[1], parameter["Value"], sep="=")
CODE
mv .env.new .env
