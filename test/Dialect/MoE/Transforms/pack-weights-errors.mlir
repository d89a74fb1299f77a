// RUN: moe-opt %s --moe-pack-weights=vector-bits=128 --verify-diagnostics

// expected-error @below {{moe-pack-weights: expected vector-bits 256 or 512, got 128}}
module {}
