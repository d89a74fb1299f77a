# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Mixture-of-Experts programs that draw.py makes at random: what can be said about one.

A module holds programs that share weights, so that the compiler makes most kernels once.
"""

import dataclasses

MAX_TOKENS = 48
VOCABULARY = 29
MOST_ALWAYS = 2  # experts of the router that every token uses
INNER = 3  # experts of a layer inside an expert, of which a row uses two
RANK = 3  # of adapters
PARTS = ("interleaved", "columns", "halves")  # gate and up are one product


@dataclasses.dataclass(frozen=True)
class Shapes:
    """What the programs of a module share."""

    experts: int
    dim: int
    ffn: int
    dtype: str
    out: int = 5  # width of rows that experts make in place of rows as wide as the tokens'
    second: int = 4  # width of the experts of second layers
    router: str = "f32"  # element type
    keys: str = "one"  # one, each: a tensor of the checkpoint is all experts' or one expert's
    narrow: bool = False  # experts of several widths, padded with zeros


@dataclasses.dataclass(frozen=True)
class Body:
    """What an expert computes."""

    form: str = "gated"  # gated, plain, interleaved (read by a map), columns (every other one of a product), halves
    activation: str = "silu"
    bias: bool = False
    clamp: bool = False
    adapter: bool = False
    layout: str = "nk"  # nk, kn, turned: weights [N, K], [K, N], and [N, K] transposed in the program
    other: str = "none"  # what no grouped product computes, see expert_text.py; or call: the same as a function


@dataclasses.dataclass(frozen=True)
class Shared:
    """An expert of all tokens, beside the routed ones."""

    body: Body
    place: str = "after"  # start: of the sum over slots; after, before: an operand of an addition
    gate: bool = False  # a factor for each token
    wide: bool = False


@dataclasses.dataclass(frozen=True)
class Program:
    shapes: Shapes
    top_k: int
    tokens: int | None  # None: dynamic
    route: str  # the options of moe.route after top_k
    null: int = 0  # null experts
    always: str = "none"  # none, one, given, scored: the weight of experts that every token uses, as moe.route says
    num_always: int = 0  # of the module's experts, the last ones
    ids: str = "chosen"  # chosen, forced, table
    noise_step: bool = False
    scores: bool = False  # a result
    counts: bool = False
    expert_scale: bool = False
    selection_bias: bool = False
    choice: bool = True  # weights and ids are results; if not, then of an entry of their own
    logits: str = "product"  # product, turned (by [K, N]), offset (a bias of the projection), given (an argument), read
    entry: str = "rows"  # what experts work on: the tokens' rows, their norm (norm), that of a sum of two (added)
    normed_gate: bool = False  # the router works on that too
    norm: str = "rms"  # rms, lanes (sixteen sums side by side where the width allows it), layer
    body: Body = Body()
    chain: bool = False  # other experts work on the rows that the first ones give
    out: bool = False  # experts make rows of another width
    residual: str = "none"  # none, start (of the sum over slots), after
    shared: tuple = ()
    scale_before: bool = False
    partial: str = "none"  # none, drop, identity: what a skipped pair adds
    second: str = "none"  # a layer on the same ids: sum (its sum starts from the first one's), stream (of the norm of that)
    own_route: bool = False  # the second layer has a route of its own
    post: str = "none"  # none, norm (of the result), add (the norm to the tokens' rows)
    hidden: bool = False  # what the first layer gave is a result

    @property
    def choices(self):
        return self.shapes.experts - self.num_always + self.null

    @property
    def columns(self):
        return self.choices + (self.num_always if self.always == "scored" else 0)

    @property
    def slots(self):
        return self.top_k + self.num_always

    @property
    def width(self):
        return self.shapes.out if self.out else self.shapes.dim

    @property
    def prefix(self):
        """Of the names of the experts' weights."""
        return "out_" if self.out else ""

    @property
    def second_body(self):
        return Body("plain", "identity" if self.body.activation == "relu" else "relu")

    @property
    def second_slots(self):
        return min(2, self.shapes.experts) if self.own_route else self.slots


def arguments(program):
    """Name: extents (None: as many as there are tokens) and element type, after the tokens' rows."""
    kinds = {}
    if program.entry == "added":
        kinds["before"] = (None, program.shapes.dim, "f32")
    if program.logits == "given":
        kinds["logits"] = (None, program.columns, "f32")
    if program.ids == "forced":
        kinds["forced"] = (None, program.top_k, "i32")
    if program.ids == "table":
        kinds |= {"table": (VOCABULARY, program.top_k, "i32"), "tokens": (None, "i32")}
    if program.always == "given":
        kinds["always"] = (None, program.num_always, "f32")
    if program.noise_step:
        kinds["step"] = (1, "i32")
    return kinds
