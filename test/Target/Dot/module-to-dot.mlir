// RUN: moe-translate --moe-to-dot %s | FileCheck %s --implicit-check-not=tensor.empty --implicit-check-not=arith.constant
// RUN: moe-translate --moe-to-dot %s -o %t.a && moe-translate --moe-to-dot %s -o %t.b && diff %t.a %t.b

moe.weight @blocks.0.gate : tensor<4x8xf32> from #moe.random<seed = 1, scale = 0.1>
moe.weight @blocks.0.up : tensor<4x8x8xf32> from #moe.random<seed = 2, scale = 0.1>
moe.weight @blocks.10.scale : tensor<8xf32> from #moe.random<seed = 3, scale = 0.1>
moe.weight @norm : tensor<8xf32> from #moe.random<seed = 3, scale = 0.1>

// A cluster for the function, and in it one for each layer that weights name; edges have shapes. What comes after the
// weights of no layer is in none.
// CHECK: digraph moe {
// CHECK: subgraph "cluster layer" {
// CHECK-NEXT: label="layer";
// CHECK-DAG: "layer 0" [label="x \"in\"", shape=ellipse];
// CHECK-DAG: "layer 1" [label="%arg1", shape=ellipse];
// CHECK-DAG: "layer [[NORM:[0-9]+]]" [label="norm", shape=note, fontsize=10];
// CHECK-DAG: "layer [[LAST:[0-9]+]]" [label="linalg.generic"];
// CHECK-DAG: "layer [[RESULT:[0-9]+]]" [label="out", shape=ellipse];
// CHECK: subgraph "cluster layer blocks.0" {
// CHECK-NEXT: label="blocks.0"; style=filled; color=gray94;
// CHECK: "layer [[GATE:[0-9]+]]" [label="gate", shape=note, fontsize=10];
// CHECK: "layer [[LOGITS:[0-9]+]]" [label="linalg.matmul"];
// CHECK: "layer [[ROUTE:[0-9]+]]" [label="moe.route", style=filled, fillcolor=gold];
// CHECK: "layer [[DISPATCH:[0-9]+]]" [label="moe.dispatch", style=filled, fillcolor=gold];
// CHECK: "layer [[EXPERT:[0-9]+]]" [label="moe.expert", style=filled, fillcolor=gold];
// CHECK: "layer [[COMBINE:[0-9]+]]" [label="moe.combine", style=filled, fillcolor=gold];
// CHECK: }
// CHECK: subgraph "cluster layer blocks.10" {
// CHECK: "layer [[GENERIC:[0-9]+]]" [label="linalg.generic\nmulf tanh"];
// CHECK: }
// CHECK-DAG: "layer 0" -> "layer [[LOGITS]]" [label="?x8xf32"];
// CHECK-DAG: "layer [[GATE]]" -> "layer [[LOGITS]]" [label="4x8xf32"];
// CHECK-DAG: "layer [[ROUTE]]" -> "layer [[DISPATCH]]" [label="?x2xi32"];
// CHECK-DAG: "layer [[DISPATCH]]" -> "layer [[EXPERT]]" [label="plan\<4 x 2\>"];
// CHECK-DAG: "layer [[ROUTE]]" -> "layer [[COMBINE]]" [label="?x2xf32"];
// CHECK-DAG: "layer [[NORM]]" -> "layer [[LAST]]" [label="8xf32"];
// CHECK-DAG: "layer [[LAST]]" -> "layer [[RESULT]]" [label="?x8xf32"];
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#out = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(r, d) -> (r, d)>
#column = affine_map<(r, d) -> (d)>
func.func @layer(%x: tensor<?x8xf32> {moe.name = "x \"in\""}, %n: index) -> (tensor<?x8xf32> {moe.name = "out"}) {
  %zero = arith.constant 0.0 : f32
  %gate = moe.get_weight @blocks.0.gate : tensor<4x8xf32>
  %e4 = tensor.empty(%n) : tensor<?x4xf32>
  %z4 = linalg.fill ins(%zero : f32) outs(%e4 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %logits = linalg.matmul indexing_maps = [#lhs, #rhs, #out]
      ins(%x, %gate : tensor<?x8xf32>, tensor<4x8xf32>) outs(%z4 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %weights, %ids = moe.route %logits top_k(2) score(softmax) : tensor<?x4xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  %rows, %plan = moe.dispatch %x, %ids experts(4) : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x8xf32>, !moe.plan<4 x 2>
  %up = moe.get_weight @blocks.0.up : tensor<4x8x8xf32>
  %y = moe.expert %rows, %plan weights(%up : tensor<4x8x8xf32>) {
  ^bb0(%r: tensor<?x8xf32>, %u: tensor<8x8xf32>):
    moe.yield %r : tensor<?x8xf32>
  } : tensor<?x8xf32>, !moe.plan<4 x 2> -> tensor<?x8xf32>
  %sum = moe.combine %y, %plan, %weights : tensor<?x8xf32>, !moe.plan<4 x 2>, tensor<?x2xf32> -> tensor<?x8xf32>
  %scale = moe.get_weight @blocks.10.scale : tensor<8xf32>
  %e8 = tensor.empty(%n) : tensor<?x8xf32>
  %scaled = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel"]}
      ins(%sum, %scale : tensor<?x8xf32>, tensor<8xf32>) outs(%e8 : tensor<?x8xf32>) {
  ^bb0(%v: f32, %s: f32, %o: f32):
    %a = arith.mulf %v, %s : f32
    %b = math.tanh %a : f32
    linalg.yield %b : f32
  } -> tensor<?x8xf32>
  %norm = moe.get_weight @norm : tensor<8xf32>
  %result = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel"]}
      ins(%scaled, %norm : tensor<?x8xf32>, tensor<8xf32>) outs(%e8 : tensor<?x8xf32>) {
  ^bb0(%v: f32, %s: f32, %o: f32):
    linalg.yield %s : f32
  } -> tensor<?x8xf32>
  return %result : tensor<?x8xf32>
}

// Functions that are not entries are left out.
// CHECK-NOT: helper
func.func private @helper(%x: tensor<8xf32>) -> tensor<8xf32> {
  return %x : tensor<8xf32>
}
// CHECK: {{^}}}
