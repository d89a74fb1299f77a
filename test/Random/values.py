# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Arithmetic of numbers with bounds of their error: what f32 code may differ from float64, operation by operation."""

import dataclasses

import numpy as np
from moe_layers import U

EXP_ERROR = 16 * U  # relative, of an exponential, what is divided by it, and of what a polynomial of tanh gives


@dataclasses.dataclass
class Value:
    """In float64, and how far f32 code may be off."""

    v: np.ndarray
    e: np.ndarray

    def __getitem__(self, index):
        return Value(self.v[index], self.e[index])

    def size(self):
        return np.abs(self.v) + self.e


def exact(v):
    v = np.asarray(v, dtype=np.float64)
    return Value(v, np.zeros_like(v))


def product(x, w, start=None):
    """Rows times w [N, K] transposed, one chain of fused multiply-adds that starts from 0 or from rows."""
    w = w.astype(np.float64)
    v, e, size = x.v @ w.T, x.e @ np.abs(w).T, x.size() @ np.abs(w).T
    if start is not None:
        v, e, size = v + start.v, e + start.e, size + start.size()
    return Value(v, e + (w.shape[1] + 1) * U * size)


def add(a, b):
    v = a.v + b.v
    return Value(v, a.e + b.e + U * (np.abs(v) + a.e + b.e))


def multiply(a, b):
    v = a.v * b.v
    e = np.abs(a.v) * b.e + np.abs(b.v) * a.e + a.e * b.e
    return Value(v, e + U * (np.abs(v) + e))


def clip(a, low, high):
    return Value(np.clip(a.v, low, high), a.e)


def sigmoid(a):
    with np.errstate(over="ignore"):
        v = 1 / (1 + np.exp(-a.v))
    return Value(v, a.e / 4 + EXP_ERROR * v)


def silu(a):
    v = a.v * sigmoid(a).v
    return Value(v, 1.1 * a.e + EXP_ERROR * np.abs(v))  # |silu'| < 1.1


def relu(a):
    return Value(np.maximum(a.v, 0), a.e)


def gelu_tanh(a):
    v = 0.5 * a.v * (1 + np.tanh(0.7978845608 * (a.v + 0.044715 * a.v**3)))
    return Value(v, 1.13 * a.e + EXP_ERROR * a.size())  # |gelu'| < 1.13


def relu2(a):
    return multiply(relu(a), relu(a))


def rms_norm(a, w, eps):
    """Rows divided by their root mean square, times a vector."""
    width = a.v.shape[1]
    root = np.sqrt((a.v**2).mean(axis=1, keepdims=True) + eps)
    error = np.sqrt((a.e**2).mean(axis=1, keepdims=True))
    least = np.maximum(root - error, np.sqrt(eps))
    w = w.astype(np.float64)
    v = a.v / root * w
    e = np.abs(w) * (a.e + np.abs(a.v) * error / least) / least
    return Value(v, e + (width + 8) * U * (np.abs(v) + e))


def center(a):
    """Rows less their mean."""
    width = a.v.shape[1]
    v = a.v - a.v.mean(axis=1, keepdims=True)
    error = (a.e + (width + 1) * U * a.size()).mean(axis=1, keepdims=True)
    return Value(v, a.e + error + U * (np.abs(v) + a.e + error))


class Sum:
    """Of a token's rows in slot order, each step one fused multiply-add."""

    def __init__(self, tokens, width, start):
        self.total = exact(np.zeros((tokens, width))) if start is None else Value(start.v.copy(), start.e.copy())
        self.size = self.total.size()

    def add(self, tokens, weights, rows):
        """`tokens` has each token once, or several times."""
        np.add.at(self.total.v, tokens, weights * rows.v)
        np.add.at(self.total.e, tokens, np.abs(weights) * rows.e)
        np.add.at(self.size, tokens, np.abs(weights) * rows.size())

    def value(self, slots):
        return Value(self.total.v, self.total.e + (slots + 1) * U * self.size)
