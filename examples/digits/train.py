#!/usr/bin/python3
"""Trains the digits network and writes digits.onnx, test_images.npy, test_labels.npy and test_logits.npy beside itself.

Needs Debian's python3-torch, python3-sklearn and python3-onnx; takes about a minute on one core. The BatchNorms stay
separate nodes in the file: folding them is the compiler's work."""

from pathlib import Path

import numpy as np
import onnx
import torch
from sklearn.datasets import load_digits
from torch import nn

SEED = 7
HELD_OUT = 400
EPOCHS = 60
FOLDER = Path(__file__).resolve().parent


class ConvBlock(nn.Module):
    """Conv -> BN -> ReLU: the BN folds into the convolution before it."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(self.bn(self.conv(x)))


class PreActivationBlock(nn.Module):
    """x + Conv(ReLU(BN(x))): nothing before the BN can take it, because x is also the skip."""

    def __init__(self, channels):
        super().__init__()
        self.bn = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)

    def forward(self, x):
        return x + self.conv(self.relu(self.bn(x)))


class Head(nn.Module):
    """Linear -> BatchNorm1d -> ReLU -> Linear, to one logit per digit."""

    def __init__(self, features, hidden):
        super().__init__()
        self.fc1 = nn.Linear(features, hidden)
        self.bn = nn.BatchNorm1d(hidden)
        self.relu = nn.ReLU()
        self.fc2 = nn.Linear(hidden, 10)

    def forward(self, x):
        return self.fc2(self.relu(self.bn(self.fc1(x))))


class Digits(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = ConvBlock(1, 16)
        self.block1 = ConvBlock(16, 32)
        self.pool = nn.MaxPool2d(2)
        self.block2 = PreActivationBlock(32)
        self.block3 = ConvBlock(32, 48)
        self.average = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.head = Head(48, 32)

    def forward(self, image):
        x = self.pool(self.block1(self.stem(image)))
        x = self.block3(self.block2(x))
        return self.head(self.flatten(self.average(x)))


def load_split():
    """(training, held out), each images as float32 [n, 1, 8, 8] in [0, 1] and int64 labels. The set is ordered by writer,
    so holding out its end asks for handwriting the network has never seen, which a shuffled split would not."""
    data = load_digits()
    images = (data.images / 16.0).astype(np.float32)[:, None]
    labels = data.target.astype(np.int64)
    return (images[:-HELD_OUT], labels[:-HELD_OUT]), (images[-HELD_OUT:], labels[-HELD_OUT:])


def shifted(batch):
    """Moves each image by -1, 0 or +1 pixels per axis, zeros coming in: 1,397 images are few."""
    padded = nn.functional.pad(batch, (1, 1, 1, 1))
    offsets = torch.randint(0, 3, (len(batch), 2))
    return torch.stack([image[:, y : y + 8, x : x + 8] for image, (y, x) in zip(padded, offsets.tolist())])


def train(images, labels):
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    model = Digits()
    images, labels = torch.from_numpy(images), torch.from_numpy(labels)
    batch = 64
    steps = EPOCHS * (len(images) // batch)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=1e-2, total_steps=steps)
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.05)
    for epoch in range(EPOCHS):
        model.train()
        total = 0.0
        order = torch.randperm(len(images))
        for start in range(0, len(images) - batch + 1, batch):
            chosen = order[start : start + batch]
            optimiser.zero_grad()
            loss = loss_of(model(shifted(images[chosen])), labels[chosen])
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        if epoch % 10 == 9:
            print(f"epoch {epoch + 1}: loss {total / (len(images) // batch):.4f}")
    return model.eval()


def node_name(exported):
    """"/stem/conv/Conv" -> "stem.conv"; the block's own Add, "/block2/Add" -> "block2.add"."""
    parts = exported.strip("/").split("/")
    last = parts.pop()
    return ".".join(parts + [last.lower()] if last == "Add" else parts)


def export(model, path):
    """Writes the graph as it was trained (PRESERVE keeps the BatchNorms), batch size open, nodes named after modules."""
    torch.onnx.export(
        model,
        torch.zeros(1, 1, 8, 8),
        str(path),
        opset_version=13,
        training=torch.onnx.TrainingMode.PRESERVE,
        do_constant_folding=False,
        input_names=["image"],
        output_names=["logits"],
        dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}},
    )
    graph_file = onnx.load(str(path))
    graph_file.graph.name = "digits"
    renamed = {}
    for node in graph_file.graph.node:
        node.name = node_name(node.name)
        for old in node.output:
            renamed[old] = node.name if old != "logits" else old
    for node in graph_file.graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        node.output[:] = [renamed[name] for name in node.output]
    names = [node.name for node in graph_file.graph.node]
    assert len(set(names)) == len(names), names
    assert sum(node.op_type == "BatchNormalization" for node in graph_file.graph.node) == 5
    onnx.checker.check_model(graph_file)
    onnx.save(graph_file, str(path))


def main():
    (images, labels), (test_images, test_labels) = load_split()
    model = train(images, labels)
    with torch.no_grad():
        logits = model(torch.from_numpy(test_images)).numpy()
    export(model, FOLDER / "digits.onnx")
    np.save(FOLDER / "test_images.npy", test_images)
    np.save(FOLDER / "test_labels.npy", test_labels)
    np.save(FOLDER / "test_logits.npy", logits)
    correct = int((logits.argmax(1) == test_labels).sum())
    print(f"held out: {correct} of {len(test_labels)} right, {100 * correct / len(test_labels):.1f} %")


if __name__ == "__main__":
    main()
