"""Speaks to the container engine that "sam local" would use, found by the SAM CLI's own code.

  engine.py gateway        prints the address by which containers reach this machine
  engine.py import NAME    makes an image of the tar archive on standard input
  engine.py remove FOLDER  removes the containers that have the folder, or one below it, mounted
"""

import ipaddress
import sys

from samcli.local.docker.container_client_factory import ContainerClientFactory


def gateway(client):
    for config in client.networks.get("bridge").attrs["IPAM"]["Config"] or []:
        subnet = ipaddress.ip_network(config["Subnet"])
        if subnet.version == 4:
            print(config.get("Gateway") or subnet[1])  # an engine that names none takes the first address
            return


def remove(client, folder):
    for container in client.containers.list(all=True):
        if any((mount.get("Source", "") + "/").startswith(folder + "/") for mount in container.attrs["Mounts"]):
            container.remove(force=True)


def main(verb, *arguments):
    client = ContainerClientFactory.create_client()
    if verb == "gateway":
        gateway(client)
    elif verb == "import":
        client.api.import_image_from_data(sys.stdin.buffer.read(), *arguments[0].rsplit(":", 1))
    elif verb == "remove":
        remove(client, *arguments)
    else:
        sys.exit(__doc__)


main(*sys.argv[1:])
