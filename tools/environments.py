"""Prints the environment that "sam local" gives each function, for each profile of samconfig.toml.

The SAM CLI's own code reads the profiles and resolves the template; the result is JSON:
{profile: {function: {variable: value}}}. Variables of this shell and AWS's settings are
left out, so the result is what the project itself says.

  environments.py FOLDER [PARAMETER=VALUE ...]   the parameters are set in each profile
"""

import json
import logging
import os
import sys

from samcli.cli.types import CfnParameterOverridesType
from samcli.commands.local.lib.local_lambda import LocalLambdaRunner
from samcli.lib.config.samconfig import SamConfig
from samcli.lib.providers.sam_function_provider import SamFunctionProvider
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider


# What the shell or AWS's files name. A region of the profile comes before it.
SHELLS_REGION = "eu-west-1"


class Runner(LocalLambdaRunner):
    """Makes environments only; it needs neither a container engine nor AWS credentials."""

    def __init__(self, region):
        self.env_vars_values = {}
        self.region = region

    def get_aws_creds(self):
        return {"region": self.region}

    def is_debugging(self):
        return False


def environments(root, parameters, more):
    overrides = CfnParameterOverridesType().convert(parameters.get("parameter_overrides"), None, None)
    overrides.update(parameter.split("=", 1) for parameter in more)
    stacks, _ = SamLocalStackProvider.get_stacks(f"{root}/template.yaml", parameter_overrides=overrides)
    runner = Runner(parameters.get("region", SHELLS_REGION))
    return {
        function.name: runner._make_env_vars(function).resolve()
        for function in SamFunctionProvider(stacks, ignore_code_extraction_warnings=True).get_all()
    }


def main(root, *more):
    logging.disable(logging.CRITICAL)
    os.environ.clear()
    config = SamConfig(root)
    profiles = [name for name in config.document if name != "version"]
    json.dump(
        {name: environments(root, config.get_all(["local", "invoke"], "parameters", name), more) for name in profiles},
        sys.stdout,
        indent=2,
    )


main(*sys.argv[1:])
