"""Does with the example what it is told, a line of JSON each."""

import json
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from access_token import AccessToken, NoToken, urlopen

ahead = 0
options = json.loads(sys.argv[2])
token = AccessToken(sys.argv[1], now=lambda: time.time() + ahead, **options)
last = None

for line in sys.stdin:
    order = json.loads(line)
    said = {}
    try:
        if order["do"] == "advance":
            ahead += order["seconds"]
        elif order["do"] == "get":
            last = token.get()
            said["authorization"] = last.authorization
            assert last.authorization.split()[1] not in repr(last)
        elif order["do"] == "renew":
            renewed = token.renew(last)
            said["authorization"] = renewed.authorization if renewed else "none"
        elif order["do"] == "get many":
            with ThreadPoolExecutor(20) as pool:
                said["authorization"] = " ".join({t.authorization for t in pool.map(lambda _: token.get(), range(20))})
        elif order["do"] == "renew many":
            with ThreadPoolExecutor(20) as pool:
                renewed = pool.map(lambda _: token.renew(last), range(20))
                said["authorization"] = " ".join({t.authorization if t else "none" for t in renewed})
        elif order["do"] == "post":
            request = urllib.request.Request(order["url"], data=order["body"].encode())
            with urlopen(token, request) as response:
                said["status"] = response.status
    except NoToken as error:
        said["error"] = str(error)
    except urllib.error.HTTPError as error:
        said["status"] = error.code
    print(json.dumps(said), flush=True)
