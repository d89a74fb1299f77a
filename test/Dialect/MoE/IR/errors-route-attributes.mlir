// RUN: moe-opt %s -verify-diagnostics -split-input-file

// Attributes of moe.route.

// expected-error @below {{expected at least one group, got 0}}
func.func private @attribute_0() attributes {a = #moe.route_groups<0, keep = 1, by = max, mask = zero>}

// -----

// expected-error @below {{expected to keep 1 to 4 groups, got 5}}
func.func private @attribute_1() attributes {a = #moe.route_groups<4, keep = 5, by = max, mask = zero>}

// -----

// expected-error @below {{expected at least one null expert, got 0}}
func.func private @attribute_2() attributes {a = #moe.null_experts<0, skip>}

// -----

// expected-error @below {{expected at least one shared expert, got 0}}
func.func private @attribute_3() attributes {a = #moe.shared_experts<0, one>}

// -----

// expected-error @below {{expected a standard deviation of 0 or more, got -1}}
func.func private @attribute_4() attributes {a = #moe.route_noise<seed = 1, stddev = -1.0>}

// -----

// expected-error @below {{expected a capacity factor above 0, got 0}}
func.func private @attribute_5() attributes {a = #moe.route_capacity<factor = 0.0, overflow = drop>}

// -----

// expected-error @below {{expected a capacity of 1 token or more, got 0}}
func.func private @attribute_6() attributes {a = #moe.route_capacity<tokens = 0, overflow = drop>}

// -----

// expected-error @below {{expected times of 1 or more, got 0}}
func.func private @attribute_7() attributes {a = #moe.route_capacity<factor = 1.0, times = 0, overflow = drop>}

// -----

// expected-error @below {{expected overflow = drop with renormalize, got residual}}
func.func private @attribute_8() attributes {a = #moe.route_capacity<tokens = 4, overflow = residual, renormalize>}

// -----

// expected-error @below {{unknown keyword 'nowhere'}}
func.func private @attribute_9() attributes {a = #moe.route_capacity<tokens = 4, overflow = nowhere>}

// -----

// expected-error @below {{unknown keyword 'best'}}
func.func private @attribute_10() attributes {a = #moe.route_capacity<tokens = 4, overflow = drop, first = best>}
