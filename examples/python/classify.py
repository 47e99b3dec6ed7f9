"""Classifies the held-out digits from Python: compile, run, keep the machine code, load it again.
usage: classify.py [FOLDER with digits.onnx and test_*.npy]"""
import os
import sys
import tempfile

import numpy as np
import sinter

folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "digits")
images, labels = (np.load(os.path.join(folder, f"test_{name}.npy")) for name in ("images", "labels"))

model = sinter.compile(os.path.join(folder, "digits.onnx"), shapes={"image": images.shape}, input_ranges={"image": (0, 1)})
print(model)
print(model.explain())
answers = model(images).argmax(axis=1)
print(f"accuracy {100 * np.mean(answers == labels):.1f} %")

with tempfile.TemporaryDirectory() as work:
    path = os.path.join(work, "digits.so")
    model.save(path)
    again = sinter.Model.load(path)(images)
    print("the saved model gives the same bits:", np.array_equal(again, model(images)))
