"""Asks a server of the Open Inference Protocol (Triton, KServe) for the digits, several requests at a time, and compares with
recorded outputs.
usage: check.py URL"""
import json
import os
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import numpy as np

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "digits")


def ask(url, images):
    tensor = {"name": "image", "shape": images.shape, "datatype": "FP32", "data": images.ravel().tolist()}
    body = json.dumps({"inputs": [tensor]}).encode()
    request = urllib.request.Request(f"{url}/v2/models/digits/infer", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        (output,) = json.load(answer)["outputs"]
    return np.array(output["data"], np.float32).reshape(output["shape"])


def wait_until_ready(url, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"{url}/v2/models/digits/ready"):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
    sys.exit(f"{url} has no model 'digits' after {seconds} s")


def main():
    url = sys.argv[1]
    images, logits = (np.load(os.path.join(FOLDER, f"test_{name}.npy")) for name in ("images", "logits"))
    wait_until_ready(url)
    sizes = [1, 3, 8, 2, 5] * 8
    ends = np.cumsum(sizes)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda part: ask(url, part), np.split(images[: ends[-1]], ends[:-1])))
    difference = np.abs(np.concatenate(answers) - logits[: ends[-1]]).max()
    print(f"{len(answers)} requests, {ends[-1]} images, largest difference {difference:.1e}")
    return not difference < 1e-4


if __name__ == "__main__":
    raise SystemExit(main())
