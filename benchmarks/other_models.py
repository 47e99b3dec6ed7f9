"""Networks beside the usual ones: other widths, resolutions, groups, numbers of dimensions and batch sizes, so that a
compiler tuned to the usual ones shows. Nothing in Sinter was fitted to them."""

import torch
import torch.nn.functional as F
import torchvision.models as tv
from torch import nn


class Residual1d(nn.Module):
    """Two dilated 1-D convolutions around a shortcut (Bai, Kolter and Koltun 2018, arXiv:1803.01271)."""

    def __init__(self, cin, c, kernel, dilation, stride=1):
        super().__init__()
        pad = dilation * (kernel - 1) // 2
        self.conv1 = nn.Conv1d(cin, c, kernel, stride, pad, dilation, bias=False)
        self.bn1 = nn.BatchNorm1d(c)
        self.conv2 = nn.Conv1d(c, c, kernel, 1, pad, dilation, bias=False)
        self.bn2 = nn.BatchNorm1d(c)
        plain = stride == 1 and cin == c
        self.shortcut = nn.Identity() if plain else nn.Sequential(nn.Conv1d(cin, c, 1, stride, bias=False), nn.BatchNorm1d(c))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + self.shortcut(x))


class Series(nn.Module):
    """A temporal network: series of `channels` values, dilations doubling from block to block."""

    def __init__(self, channels=40, width=96, kernel=5, blocks=5):
        super().__init__()
        layers = [Residual1d(channels if i == 0 else width, width, kernel, 1 << i) for i in range(blocks)]
        self.f = nn.Sequential(*layers)
        self.head = nn.Linear(width, 12)

    def forward(self, x):
        return self.head(self.f(x).mean(2))


class Waveform(nn.Module):
    """Raw audio: a long first kernel with a large stride, then strided residual blocks of kernel 9."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv1d(1, 48, 79, 4, 39, bias=False), nn.BatchNorm1d(48), nn.ReLU(), nn.MaxPool1d(4))
        self.f = nn.Sequential(*(Residual1d(a, b, 9, 1, s) for a, b, s in ((48, 48, 1), (48, 96, 2), (96, 192, 2), (192, 192, 1))))
        self.head = nn.Linear(192, 35)

    def forward(self, x):
        return self.head(self.f(self.stem(x)).mean(2))


class Separable1d(nn.Module):
    """Depthwise and pointwise 1-D convolutions, as keyword spotting uses them."""

    def __init__(self, width=72, blocks=5):
        super().__init__()
        layers = [nn.Conv1d(20, width, 11, 2, 5, bias=False), nn.BatchNorm1d(width), nn.ReLU()]
        for i in range(blocks):
            layers += [nn.Conv1d(width, width, 9 + 2 * i, 1, 4 + i, groups=width, bias=False), nn.BatchNorm1d(width), nn.ReLU(),
                       nn.Conv1d(width, width, 1, bias=False), nn.BatchNorm1d(width), nn.ReLU()]
        self.f = nn.Sequential(*layers)
        self.head = nn.Linear(width, 12)

    def forward(self, x):
        return self.head(self.f(x).mean(2))


class Volume(nn.Module):
    """3-D residual network of odd widths over short clips (the R3D of Tran et al. 2018, arXiv:1711.11248, narrow)."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv3d(3, 24, (3, 7, 7), (1, 2, 2), (1, 3, 3), bias=False), nn.BatchNorm3d(24), nn.ReLU())
        layers = []
        for a, b, s in ((24, 24, 1), (24, 40, 2), (40, 72, 2)):
            layers += [nn.Conv3d(a, b, 3, s, 1, bias=False), nn.BatchNorm3d(b), nn.ReLU(),
                       nn.Conv3d(b, b, 3, 1, 1, bias=False), nn.BatchNorm3d(b), nn.ReLU()]
        self.f = nn.Sequential(*layers)
        self.head = nn.Linear(72, 51)

    def forward(self, x):
        return self.head(torch.flatten(F.adaptive_avg_pool3d(self.f(self.stem(x)), 1), 1))


class Segmenter(nn.Module):
    """Dilated convolutions at an eighth of the resolution, then resized: widths that no vector divides."""

    def __init__(self):
        super().__init__()
        def conv(a, b, stride=1, dilation=1, groups=1):
            return [nn.Conv2d(a, b, 3, stride, dilation, dilation, groups, bias=False), nn.BatchNorm2d(b), nn.ReLU6()]
        self.f = nn.Sequential(*conv(3, 28, 2), *conv(28, 44, 2), *conv(44, 44, groups=4), *conv(44, 76, 2),
                               *conv(76, 76, dilation=2), *conv(76, 76, dilation=4), *conv(76, 76, dilation=8))
        self.head = nn.Conv2d(76, 19, 1)

    def forward(self, x):
        return F.interpolate(self.head(self.f(x)), scale_factor=8.0, mode="bilinear", align_corners=False)


class Perceptron(nn.Module):
    """Fully connected layers of widths that are no multiple of anything."""

    def __init__(self):
        super().__init__()
        layers = []
        for a, b in ((300, 500), (500, 333), (333, 129)):
            layers += [nn.Linear(a, b), nn.BatchNorm1d(b), nn.ReLU()]
        self.f = nn.Sequential(*layers, nn.Linear(129, 7))

    def forward(self, x):
        return self.f(x)


def image(size, batch=1):
    return (batch, 3, size, size)


# Name: how to build it, the shape of its input.
MODELS = {
    "resnet34_160": (lambda: tv.resnet34(weights=None), image(160)),
    "resnet18_b4": (lambda: tv.resnet18(weights=None), image(224, 4)),
    "resnext50": (lambda: tv.resnext50_32x4d(weights=None), image(224)),
    "vgg11_bn_b2": (lambda: tv.vgg11_bn(weights=None), image(224, 2)),
    "densenet_g24": (lambda: tv.DenseNet(24, (4, 8, 12, 8), 48), image(192)),
    "regnet_x_800mf": (lambda: tv.regnet_x_800mf(weights=None), image(224)),
    "regnet_y_800mf_192": (lambda: tv.regnet_y_800mf(weights=None), image(192)),
    "mobilenet_v2_w14_192": (lambda: tv.mobilenet_v2(weights=None, width_mult=1.4), image(192)),
    "mobilenet_v2_b8": (lambda: tv.mobilenet_v2(weights=None), image(224, 8)),
    "mobilenet_v3_small": (lambda: tv.mobilenet_v3_small(weights=None), image(224)),
    "mnasnet0_5": (lambda: tv.mnasnet0_5(weights=None), image(224)),
    "efficientnet_b1_240": (lambda: tv.efficientnet_b1(weights=None), image(240)),
    "shufflenet_v2_x1_5": (lambda: tv.shufflenet_v2_x1_5(weights=None), image(224)),
    "shufflenet_v2_x0_5_b4": (lambda: tv.shufflenet_v2_x0_5(weights=None), image(160, 4)),
    "squeezenet1_0": (lambda: tv.squeezenet1_0(weights=None), image(224)),
    "segmenter": (Segmenter, (1, 3, 200, 264)),
    "series": (Series, (1, 40, 500)),
    "series_b8": (Series, (8, 40, 250)),
    "waveform": (Waveform, (1, 1, 16000)),
    "separable_1d": (Separable1d, (1, 20, 200)),
    "volume": (Volume, (1, 3, 8, 80, 80)),
    "perceptron_b7": (Perceptron, (7, 300)),
}
