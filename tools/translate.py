"""Prints template.yaml as CloudFormation gets it, without the Serverless transform.

Usage: translate.py template.yaml [version]

With a version the functions are the packages of that release, in a bucket that
parameters name. It needs the SAM translator, which comes with aws-sam-cli, and a
region in the environment, but no AWS account.
"""

import json
import sys

from samtranslator.yaml_helper import yaml_parse
from samtranslator.translator.transform import transform

FUNCTION = "AWS::Serverless::Function"


class NoManagedPolicies:
    """Names of managed policies are looked up at AWS; the template uses ARNs."""

    def load(self):
        return {}


def use_packages(template, version):
    """Lets each function be the package that `make release` has made of it."""
    template["Parameters"] = {
        "CodeBucket": {
            "Type": "String",
            "Description": "S3 bucket, in the stack's region, that holds the functions' packages of this release.",
            "AllowedPattern": "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
            "ConstraintDescription": "the name of a bucket",
        },
        "CodePrefix": {
            "Type": "String",
            "Description": "What the packages' keys begin with. Their names hold the release.",
            "Default": "token-refresh/",
            "AllowedPattern": "^([A-Za-z0-9_.-]+/)*$",
            "ConstraintDescription": "a path that ends with a slash, or empty",
        },
        **template["Parameters"],
    }
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    groups.insert(0, {"Label": {"default": "Where the code is"}, "Parameters": ["CodeBucket", "CodePrefix"]})
    del template["Globals"]["Function"]["CodeUri"]
    for name, resource in template["Resources"].items():
        if resource["Type"] != FUNCTION:
            continue
        del resource["Metadata"]  # how `sam build` makes it
        provider = name.removeprefix("Refresh").lower()
        resource["Properties"]["CodeUri"] = {
            "Bucket": {"Ref": "CodeBucket"},
            "Key": {"Fn::Sub": "${CodePrefix}refresh-%s_%s_${Architecture}.zip" % (provider, version)},
        }


def main(path, version=""):
    with open(path, encoding="utf-8") as file:
        template = yaml_parse(file.read())
    if version:
        use_packages(template, version)
    else:  # the translator takes uploaded code only, as `sam deploy` leaves it
        template["Globals"]["Function"]["CodeUri"] = "s3://bucket/key.zip"
    json.dump(transform(template, {}, NoManagedPolicies()), sys.stdout, indent=2)
    print()


main(*sys.argv[1:])
