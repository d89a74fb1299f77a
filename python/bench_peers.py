# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Other implementations for moe-bench, which puts this file into itself.

The first line of standard input is the setup, a JSON object; the answer is {"name": ...}, or
{"missing": reason} where a package is not there. Each further line is a request for one measurement,
answered by one JSON object with seconds.
"""

import json
import os
import sys
import time

# What libraries print is not an answer.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def answer(**values):
    print(json.dumps(values), file=answers, flush=True)


class TorchLayer:
    """A Mixture-of-Experts layer as people write it in PyTorch: a loop over the chosen experts."""

    def __init__(self, setup):
        import torch

        self.torch = torch
        self.name = f"torch {torch.__version__}"
        torch.set_num_threads(setup["threads"])
        torch.set_grad_enabled(False)
        torch.manual_seed(0)
        self.dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[setup["dtype"]]
        self.experts, self.top_k = setup["experts"], setup["top_k"]
        dim, ffn = setup["dim"], setup["ffn"]
        self.dim = dim
        self.router = self.weight(self.experts, dim)
        self.gate, self.up, self.down = (
            [self.weight(*shape) for _ in range(self.experts)] for shape in ((ffn, dim), (ffn, dim), (dim, ffn))
        )
        if width := setup["dense"]:
            self.wide = self.weight(width, dim), self.weight(width, dim), self.weight(dim, width)

    def weight(self, rows, columns):
        tensor = self.torch.empty(rows, columns, dtype=self.dtype)
        bound = (3 / columns) ** 0.5
        return tensor.uniform_(-bound, bound)

    def swiglu(self, x, gate, up, down):
        linear, silu = self.torch.nn.functional.linear, self.torch.nn.functional.silu
        return linear(silu(linear(x, gate)) * linear(x, up), down)

    def moe(self, x):
        torch = self.torch
        scores = torch.softmax(torch.nn.functional.linear(x, self.router).float(), -1)
        weights, ids = torch.topk(scores, self.top_k)
        weights = (weights / weights.sum(-1, keepdim=True)).to(x.dtype)
        y = torch.zeros_like(x)
        for expert in torch.unique(ids).tolist():
            token, slot = torch.where(ids == expert)
            out = self.swiglu(x[token], self.gate[expert], self.up[expert], self.down[expert])
            y.index_add_(0, token, out * weights[token, slot, None])
        return y

    def measure(self, request):
        x = self.torch.randn(request["tokens"], self.dim).to(self.dtype)
        start = time.perf_counter()
        if request["what"] == "dense":
            self.swiglu(x, *self.wide)
        else:
            self.moe(x)
        return {"seconds": time.perf_counter() - start}


class Transformers:
    """generate() of transformers with a static cache."""

    def __init__(self, setup):
        import torch
        import transformers

        self.torch = torch
        self.name = f"transformers {transformers.__version__}"
        torch.set_num_threads(setup["threads"])
        torch.set_grad_enabled(False)
        transformers.logging.set_verbosity_error()
        dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[setup["dtype"]]
        self.model = transformers.AutoModelForCausalLM.from_pretrained(setup["model"], dtype=dtype).eval()
        self.ids = torch.tensor([setup["prompt"]])
        self.new_tokens = setup["new_tokens"]

    def seconds(self, new_tokens):
        start = time.perf_counter()
        out = self.model.generate(
            self.ids,
            attention_mask=self.torch.ones_like(self.ids),
            do_sample=False,
            min_new_tokens=new_tokens,
            max_new_tokens=new_tokens,
            cache_implementation="static",
            pad_token_id=0,
        )
        assert out.shape[1] == self.ids.shape[1] + new_tokens
        return time.perf_counter() - start

    def measure(self, request):
        prefill = self.seconds(1)
        return {"prefill_s": prefill, "decode_s": self.seconds(1 + self.new_tokens) - prefill}


def main():
    lines = iter(sys.stdin)
    setup = json.loads(next(lines))
    try:
        peer = {"torch": TorchLayer, "transformers": Transformers}[setup["peer"]](setup)
        answer(name=peer.name)
        for line in lines:
            answer(**peer.measure(json.loads(line)))
    except Exception as error:
        answer(missing=f"{type(error).__name__}: {error}".splitlines()[0])


main()
