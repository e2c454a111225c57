"""Prints template.yaml as CloudFormation gets it, without the Serverless transform.

It needs the SAM translator, which comes with aws-sam-cli, and a region in the
environment, but no AWS account.
"""

import json
import sys

from samtranslator.yaml_helper import yaml_parse
from samtranslator.translator.transform import transform


class NoManagedPolicies:
    """Names of managed policies are looked up at AWS; the template uses ARNs."""

    def load(self):
        return {}


def main(path):
    with open(path, encoding="utf-8") as file:
        template = yaml_parse(file.read())
    # The translator takes uploaded code only, as `sam deploy` leaves it.
    template["Globals"]["Function"]["CodeUri"] = "s3://bucket/key.zip"
    json.dump(transform(template, {}, NoManagedPolicies()), sys.stdout, indent=2)


main(sys.argv[1])
