"""Transformers as people export them: an encoder of BERT's form (Devlin et al. 2019, arXiv:1810.04805) and a decoder of GPT-2's
(Radford et al. 2019), each as the usual PyTorch code writes them, so that norms, GELUs and attention reach ONNX as primitives."""

import math

import torch
from torch import nn


class Embeddings(nn.Module):
    """Token plus position, for token numbers [batch, length]."""

    def __init__(self, vocabulary, length, width):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(length, width)
        self.register_buffer("numbers", torch.arange(length).unsqueeze(0))

    def forward(self, ids):
        return self.tokens(ids) + self.positions(self.numbers[:, :ids.shape[1]])


class SelfAttention(nn.Module):
    """Separate products for queries, keys and values; a mask that is added to the scores."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.size = heads, width // heads
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))

    def split(self, x):
        return x.view(x.shape[0], x.shape[1], self.heads, self.size).permute(0, 2, 1, 3)

    def forward(self, x, mask):
        q, k, v = self.split(self.query(x)), self.split(self.key(x)), self.split(self.value(x))
        scores = torch.matmul(q, k.transpose(-1, -2)) / math.sqrt(self.size) + mask
        y = torch.matmul(torch.softmax(scores, dim=-1), v).permute(0, 2, 1, 3).contiguous()
        return self.out(y.view(x.shape))


class EncoderLayer(nn.Module):
    """LayerNorm behind each sum; GELU by erf."""

    def __init__(self, width, heads):
        super().__init__()
        self.attention = SelfAttention(width, heads)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-12), nn.LayerNorm(width, eps=1e-12)

    def forward(self, x, mask):
        x = self.norm1(self.attention(x, mask) + x)
        return self.norm2(self.down(nn.functional.gelu(self.up(x))) + x)


class Bert(nn.Module):
    """Token numbers to the last hidden states; number 0 is padding, which attention leaves out."""

    def __init__(self, layers, width, heads, length, vocabulary):
        super().__init__()
        self.embeddings = Embeddings(vocabulary, length, width)
        self.norm = nn.LayerNorm(width, eps=1e-12)
        self.layers = nn.ModuleList(EncoderLayer(width, heads) for _ in range(layers))

    def forward(self, ids):
        mask = (1.0 - (ids != 0).to(torch.float32)[:, None, None, :]) * -10000.0
        x = self.norm(self.embeddings(ids))
        for layer in self.layers:
            x = layer(x, mask)
        return x


class CausalAttention(nn.Module):
    """One product for queries, keys and values; scores of later tokens are replaced by the least float."""

    def __init__(self, width, heads, length):
        super().__init__()
        self.heads, self.size = heads, width // heads
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.register_buffer("earlier", torch.tril(torch.ones(length, length, dtype=torch.bool)).view(1, 1, length, length))

    def split(self, x):
        return x.view(x.shape[0], x.shape[1], self.heads, self.size).permute(0, 2, 1, 3)

    def forward(self, x):
        q, k, v = (self.split(part) for part in self.qkv(x).split(x.shape[2], dim=2))
        scores = torch.matmul(q, k.transpose(-1, -2)) / math.sqrt(self.size)
        length = x.shape[1]
        scores = torch.where(self.earlier[:, :, :length, :length], scores, torch.tensor(torch.finfo(scores.dtype).min))
        y = torch.matmul(torch.softmax(scores, dim=-1), v).permute(0, 2, 1, 3).contiguous()
        return self.out(y.view(x.shape))


def gelu_tanh(x):
    return 0.5 * x * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * torch.pow(x, 3.0))))


class DecoderLayer(nn.Module):
    """LayerNorm before each part; GELU by tanh."""

    def __init__(self, width, heads, length):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = CausalAttention(width, heads, length)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.down(gelu_tanh(self.up(self.norm2(x))))


class Gpt(nn.Module):
    """Token numbers to the scores of every next token; the last product's weights are those of the embedding."""

    def __init__(self, layers, width, heads, length, vocabulary):
        super().__init__()
        self.embeddings = Embeddings(vocabulary, length, width)
        self.layers = nn.ModuleList(DecoderLayer(width, heads, length) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, ids):
        x = self.embeddings(ids)
        for layer in self.layers:
            x = layer(x)
        return torch.matmul(self.norm(x), self.embeddings.tokens.weight.t())
