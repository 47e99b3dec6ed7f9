"""Batch inference with several worker processes: one compilation, many runs of the compiled .so, the same results as one process.
Every worker loads the library once; its pages are shared by all.
usage: classify_many.py [--workers N] [--pieces N]   (needs distributed and the package sinter; run.sh sets both up)"""
import argparse
import os
import tempfile
import time

import numpy as np
import sinter
from distributed import Client, LocalCluster, get_worker

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "digits")


def classify(path, images):
    """Runs in a worker: the model stays loaded between pieces; one thread, for the workers are the parallelism."""
    worker = get_worker()
    if not hasattr(worker, "sinter_model"):
        worker.sinter_model = sinter.Model.load(path, threads=1)
    return os.getpid(), worker.sinter_model(images)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--pieces", type=int, default=40)
    arguments = parser.parse_args()
    images = np.load(os.path.join(FOLDER, "test_images.npy"))
    labels = np.load(os.path.join(FOLDER, "test_labels.npy"))
    pieces = np.split(images, arguments.pieces)
    with tempfile.TemporaryDirectory() as work:
        path = os.path.join(work, "digits.so")
        start = time.perf_counter()
        sinter.compile(os.path.join(FOLDER, "digits.onnx"), shapes={"image": pieces[0].shape}).save(path)
        print(f"one compilation: {time.perf_counter() - start:.2f} s")
        model = sinter.Model.load(path, threads=1)
        alone = [model(piece) for piece in pieces]
        with LocalCluster(n_workers=arguments.workers, threads_per_worker=1, processes=True, dashboard_address=None) as cluster, \
                Client(cluster) as client:
            results = client.gather(client.map(classify, [path] * len(pieces), pieces, pure=False))
    processes = {process for process, _ in results}
    answers = np.concatenate([logits for _, logits in results]).argmax(axis=1)
    print(f"{len(pieces)} runs in {len(processes)} processes, accuracy {100 * np.mean(answers == labels):.1f} %")
    same = os.getpid() not in processes and all(np.array_equal(a, b) for a, (_, b) in zip(alone, results))
    print("results equal to one process:", "yes" if same else "no")
    return not same


if __name__ == "__main__":
    raise SystemExit(main())
