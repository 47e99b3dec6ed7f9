#!/usr/bin/python3
"""Writes the networks that the benchmarks run: NAME.onnx with every BatchNorm standing, beside one input and PyTorch's
output for it (NAME.input.npy, NAME.output.npy).

Weights come from a seed made of the name, so every call writes the same models; BatchNorm statistics are those of one
random batch, perturbed, so that no BatchNorm is an identity and no value grows out of bounds."""

import argparse
import os
import sys
import time
import zlib

try:
    import numpy as np
    import onnx
    import torch
    import torch.nn.functional as F
    import torchvision.models as tv
    from torch import nn

    import other_models
    import transformers
except ImportError as error:
    sys.exit(f"export_models.py: {error}. The exporter runs on Debian's PyTorch:\n"
             "  apt-get install python3-torch python3-torchvision python3-onnx\n"
             "and under Debian's own interpreter: /usr/bin/python3 benchmarks/export_models.py")

OPSET = 13


class PreActBasic(nn.Module):
    """The block of ResNet-18 with BatchNorm and ReLU in front of each convolution (He et al. 2016, arXiv:1603.05027)."""
    expansion = 1

    def __init__(self, cin, c, stride):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(cin)
        self.conv1 = nn.Conv2d(cin, c, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(c)
        self.conv2 = nn.Conv2d(c, c, 3, 1, 1, bias=False)
        self.has_sc = stride != 1 or cin != c
        self.sc = nn.Conv2d(cin, c, 1, stride, bias=False) if self.has_sc else nn.Identity()

    def forward(self, x):
        h = F.relu(self.bn1(x))
        sc = self.sc(h) if self.has_sc else x
        h = self.conv1(h)
        return self.conv2(F.relu(self.bn2(h))) + sc


class PreActBottleneck(nn.Module):
    """The same for ResNet-50."""
    expansion = 4

    def __init__(self, cin, c, stride):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(cin)
        self.conv1 = nn.Conv2d(cin, c, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(c)
        self.conv2 = nn.Conv2d(c, c, 3, stride, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(c)
        self.conv3 = nn.Conv2d(c, 4 * c, 1, bias=False)
        self.has_sc = stride != 1 or cin != 4 * c
        self.sc = nn.Conv2d(cin, 4 * c, 1, stride, bias=False) if self.has_sc else nn.Identity()

    def forward(self, x):
        h = F.relu(self.bn1(x))
        sc = self.sc(h) if self.has_sc else x
        h = self.conv1(h)
        h = self.conv2(F.relu(self.bn2(h)))
        return self.conv3(F.relu(self.bn3(h))) + sc


class PreActResNet(nn.Module):
    def __init__(self, block, layers):
        super().__init__()
        self.stem = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.pool = nn.MaxPool2d(3, 2, 1)
        cin = 64
        blocks = []
        for i, count in enumerate(layers):
            c = 64 << i
            for j in range(count):
                blocks.append(block(cin, c, 2 if j == 0 and i > 0 else 1))
                cin = c * block.expansion
        self.blocks = nn.Sequential(*blocks)
        self.bn = nn.BatchNorm2d(cin)
        self.fc = nn.Linear(cin, 1000)

    def forward(self, x):
        x = F.relu(self.bn(self.blocks(self.pool(self.stem(x)))))
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, (1, 1)), 1))


class ConvReluBN(nn.Module):
    """Convolution, ReLU, then BatchNorm everywhere: the BatchNorm can only be folded forward, through the padding of the
    next convolution, or computed in the kernel before."""

    def __init__(self):
        super().__init__()
        layers = []
        cin = 3
        for c, stride in [(32, 2), (64, 1), (64, 2), (128, 1), (128, 2), (256, 1), (256, 1), (256, 2), (512, 1), (512, 2),
                          (512, 1)]:
            layers += [nn.Conv2d(cin, c, 3, stride, 1), nn.ReLU(), nn.BatchNorm2d(c)]
            cin = c
        layers += [nn.Conv2d(512, 1024, 1), nn.ReLU(), nn.BatchNorm2d(1024)]
        layers += [nn.Conv2d(1024, 512, 1), nn.ReLU(), nn.BatchNorm2d(512)]
        self.f = nn.Sequential(*layers)
        self.fc = nn.Linear(512, 1000)

    def forward(self, x):
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(self.f(x), (1, 1)), 1))


def two_convolutions(cin, c):
    return nn.Sequential(nn.Conv2d(cin, c, 3, 1, 1, bias=False), nn.BatchNorm2d(c), nn.ReLU(),
                         nn.Conv2d(c, c, 3, 1, 1, bias=False), nn.BatchNorm2d(c), nn.ReLU())


def up(cin, c):
    return nn.Sequential(nn.ConvTranspose2d(cin, c, 2, 2, bias=False), nn.BatchNorm2d(c), nn.ReLU())


class UNetSmall(nn.Module):
    """Four levels down and up with skip connections: transposed convolutions and large concatenations."""

    def __init__(self, width=16):
        super().__init__()
        ch = [width << i for i in range(5)]
        self.e0, self.e1, self.e2, self.e3, self.e4 = (two_convolutions(a, b) for a, b in zip([3] + ch, ch))
        self.u3, self.u2, self.u1, self.u0 = (up(ch[i + 1], ch[i]) for i in (3, 2, 1, 0))
        self.d3, self.d2, self.d1, self.d0 = (two_convolutions(2 * ch[i], ch[i]) for i in (3, 2, 1, 0))
        self.head = nn.Conv2d(ch[0], 2, 1)
        self.pool = nn.MaxPool2d(2, 2)

    def forward(self, x):
        a = self.e0(x)
        b = self.e1(self.pool(a))
        c = self.e2(self.pool(b))
        d = self.e3(self.pool(c))
        e = self.e4(self.pool(d))
        x = self.d3(torch.cat([self.u3(e), d], 1))
        x = self.d2(torch.cat([self.u2(x), c], 1))
        x = self.d1(torch.cat([self.u1(x), b], 1))
        x = self.d0(torch.cat([self.u0(x), a], 1))
        return self.head(x)


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        layers = []
        cin = 784
        for c in (1024, 1024, 1024, 512):
            layers += [nn.Linear(cin, c), nn.BatchNorm1d(c), nn.LeakyReLU(0.01)]
            cin = c
        self.f = nn.Sequential(*layers)
        self.out = nn.Linear(cin, 10)

    def forward(self, x):
        return self.out(self.f(x))


class Tokens(tuple):
    """The shape of an input of token numbers, 1 to 1000; a quarter of the last row is padding, 0."""


IMAGE = (1, 3, 224, 224)
# Name: how to build it, the shape of its input.
MODELS = {
    "resnet18": (lambda: tv.resnet18(weights=None), IMAGE),
    "resnet50": (lambda: tv.resnet50(weights=None), IMAGE),
    "mobilenet_v2": (lambda: tv.mobilenet_v2(weights=None), IMAGE),
    "mobilenet_v3_large": (lambda: tv.mobilenet_v3_large(weights=None), IMAGE),
    "vgg16_bn": (lambda: tv.vgg16_bn(weights=None), IMAGE),
    "densenet121": (lambda: tv.densenet121(weights=None), IMAGE),
    "squeezenet1_1": (lambda: tv.squeezenet1_1(weights=None), IMAGE),
    "efficientnet_b0": (lambda: tv.efficientnet_b0(weights=None), IMAGE),
    "googlenet": (lambda: tv.googlenet(weights=None, aux_logits=False, init_weights=False), IMAGE),
    "inception_v3": (lambda: tv.inception_v3(weights=None, aux_logits=False, init_weights=False), (1, 3, 299, 299)),
    "shufflenet_v2_x1_0": (lambda: tv.shufflenet_v2_x1_0(weights=None), IMAGE),
    "regnet_y_400mf": (lambda: tv.regnet_y_400mf(weights=None), IMAGE),
    "mnasnet1_0": (lambda: tv.mnasnet1_0(weights=None), IMAGE),
    "preact_resnet18": (lambda: PreActResNet(PreActBasic, [2, 2, 2, 2]), IMAGE),
    "preact_resnet50": (lambda: PreActResNet(PreActBottleneck, [3, 4, 6, 3]), IMAGE),
    "conv_relu_bn": (ConvReluBN, IMAGE),
    "unet_small": (UNetSmall, IMAGE),
    "mlp_bn": (MLP, (1, 784)),
    "mlp_bn_b32": (MLP, (32, 784)),
    "bert_base": (lambda: transformers.Bert(12, 768, 12, 128, 8192), Tokens((1, 128))),
    "bert_small": (lambda: transformers.Bert(4, 512, 8, 64, 8192), Tokens((1, 64))),
    "gpt_small": (lambda: transformers.Gpt(8, 512, 8, 256, 8192), Tokens((1, 256))),
    "vit_tiny": (lambda: tv.VisionTransformer(224, 16, 12, 3, 192, 768), IMAGE),
}
KNOWN = {**MODELS, **other_models.MODELS}


def make_input(shape):
    if not isinstance(shape, Tokens):
        return torch.randn(shape)
    ids = torch.randint(1, 1000, shape)
    ids[-1, shape[1] - shape[1] // 4:] = 0
    return ids


def build(name):
    """(module in evaluation mode, input) of the model called `name`; the same on every call."""
    make, shape = KNOWN[name]
    torch.manual_seed(zlib.crc32(name.encode()) & 0x7FFFFFFF)
    model = make().eval()
    norms = [m for m in model.modules() if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d))]
    with torch.no_grad():
        for norm in (m for m in model.modules() if isinstance(m, nn.LayerNorm)):
            norm.weight.uniform_(0.6, 1.4)
            norm.bias.uniform_(-0.4, 0.4)
        # torchvision's head starts at 0.
        for linear in (m for m in model.modules() if isinstance(m, nn.Linear)):
            if not linear.weight.any():
                linear.weight.normal_(std=0.1)
        for norm in norms:
            norm.weight.uniform_(0.6, 1.4)
            norm.bias.uniform_(-0.4, 0.4)
            norm.momentum = None
            norm.reset_running_stats()
            norm.train()
        if norms:
            model(torch.randn((max(8, shape[0]),) + shape[1:]))
        for norm in norms:
            norm.eval()
            norm.momentum = 0.1
            norm.running_mean.add_(0.1 * torch.randn_like(norm.running_mean) * norm.running_var.sqrt())
            norm.running_var.mul_(torch.empty_like(norm.running_var).uniform_(0.7, 1.4)).clamp_(min=1e-4)
    return model, make_input(shape)


def export(name, folder, batch):
    """Writes the model's three files and checks that each BatchNorm is there, in inference form. Returns a line about it."""
    start = time.time()
    model, x = build(name)
    if batch != 1:
        shape = KNOWN[name][1]
        x = make_input(type(shape)((batch * shape[0], *shape[1:])))
    with torch.no_grad():
        y = model(x)
    stem = os.path.join(folder, name)
    torch.onnx.export(model, x, stem + ".onnx", training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False,
                      opset_version=OPSET, input_names=["input"], output_names=["output"])
    np.save(stem + ".input.npy", x.numpy())
    np.save(stem + ".output.npy", y.numpy())
    graph = onnx.load(stem + ".onnx")
    onnx.checker.check_model(graph)
    norms = [n for n in graph.graph.node if n.op_type == "BatchNormalization"]
    if any(len(n.output) != 1 or any(a.name == "training_mode" and a.i for a in n.attribute) for n in norms):
        sys.exit(f"export_models.py: {name}: a BatchNorm was exported in training mode")
    return (f"{name:21s} {os.path.getsize(stem + '.onnx') / 1e6:6.1f} MB  {len(graph.graph.node):4d} nodes  "
            f"{len(norms):3d} BatchNorms  output {'x'.join(map(str, y.shape))}, at most {y.abs().max():.3g}  "
            f"({time.time() - start:.1f} s)")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="models to write (default: all)")
    parser.add_argument("--out", metavar="DIR", default="build/benchmarks/models",
                        help="folder to write to (default: %(default)s)")
    parser.add_argument("--others", action="store_true",
                        help="by default all of benchmarks/other_models.py: other widths, sizes, groups, 1-D, 3-D, batches")
    parser.add_argument("--list", action="store_true", help="print the names and input shapes, write nothing")
    parser.add_argument("--batch", type=int, default=1, metavar="N",
                        help="export for N inputs at once, with the same weights (default: 1)")
    options = parser.parse_args()
    if options.batch < 1:
        parser.error("--batch must be 1 or more")
    for name in options.names:
        if name not in KNOWN:
            parser.error(f"no model is called '{name}' (see --list)")
    names = options.names or list(other_models.MODELS if options.others else MODELS)
    if options.list:
        for name in names:
            print(f"{name:21s} {'x'.join(map(str, KNOWN[name][1]))}")
        return
    os.makedirs(options.out, exist_ok=True)
    # PyTorch's sums depend on the number of threads, and BatchNorm statistics are such sums.
    torch.set_num_threads(2)
    for name in names:
        print(export(name, options.out, options.batch), flush=True)


if __name__ == "__main__":
    main()
