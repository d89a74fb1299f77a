// RUN: moe-opt %s -verify-diagnostics -split-input-file

// expected-error @below {{expected at least one checkpoint key}}
func.func private @f() attributes {moe.a = #moe.checkpoint<"dir", []>}

// -----

// expected-error @below {{expected checkpoint keys to be strings, got 1 : i64}}
func.func private @f() attributes {moe.a = #moe.checkpoint<"dir", [1]>}

// -----

// expected-error @below {{expected a positive panel width, got 0}}
func.func private @f() attributes {moe.a = #moe.panel<width = 0, pair = 1>}

// -----

// expected-error @below {{expected pair to be 1 or 2, got 4}}
func.func private @f() attributes {moe.a = #moe.panel<width = 16, pair = 4>}

// -----

// expected-error @below {{expected floating point literal}}
func.func private @f() attributes {moe.a = #moe.random<seed = 1, scale = x>}

// -----

// expected-error @below {{expected `experts x k`}}
func.func private @f(!moe.plan<8 x 2 x 1>)

// -----

// expected-error @below {{expected static shape}}
func.func private @f(!moe.plan<? x 2>)

// -----

// expected-error @below {{expected at least one expert, got 0}}
func.func private @f(!moe.plan<0 x 1>)

// -----

// expected-error @below {{expected 1 to 8 slots a token, got 9}}
func.func private @f(!moe.plan<8 x 9>)

// -----

// expected-error @below {{expected cache policy `static` or `sliding_window`, got `paged`}}
func.func private @f(!moe.kv_cache<paged<16>, 1 x 8 x f32>)

// -----

// expected-error @below {{expected `heads x width x element type`}}
func.func private @f(!moe.kv_cache<static<16>, 8 x f32>)

// -----

// expected-error @below {{expected `values`, `chunk` or `batch`, got `pages`}}
func.func private @f(!moe.kv_cache<static<16>, 1 x 8 x f32, pages = 2>)

// -----

// expected-error @below {{expected a positive length, got 0}}
func.func private @f(!moe.kv_cache<static<0>, 1 x 8 x f32>)

// -----

// expected-error @below {{expected a positive heads, got 0}}
func.func private @f(!moe.kv_cache<static<16>, 0 x 8 x f32>)

// -----

// expected-error @below {{expected a positive key width, got 0}}
func.func private @f(!moe.kv_cache<static<16>, 1 x 0 x f32>)

// -----

// expected-error @below {{expected a positive value width, got -8}}
func.func private @f(!moe.kv_cache<static<16>, 1 x 8 x f32, values = -8>)

// -----

// expected-error @below {{expected a positive chunk, got 0}}
func.func private @f(!moe.kv_cache<sliding_window<16>, 1 x 8 x f32, chunk = 0>)

// -----

// expected-error @below {{expected a positive batch, got 0}}
func.func private @f(!moe.kv_cache<static<16>, 1 x 8 x f32, batch = 0>)

// -----

// expected-error @below {{expected cache elements of f32 or bf16, got 'f16'}}
func.func private @f(!moe.kv_cache<static<16>, 1 x 8 x f16>)
