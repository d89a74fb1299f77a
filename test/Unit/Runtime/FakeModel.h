// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The sizes of the fake model (see FakeModel.c).
#ifndef MOE_TEST_UNIT_RUNTIME_FAKEMODEL_H
#define MOE_TEST_UNIT_RUNTIME_FAKEMODEL_H

#define FAKE_VOCAB 16
#define FAKE_MAX_LENGTH 32
#define FAKE_BATCH 2
#define FAKE_CHUNK 8
#define FAKE_EOS 15
#define FAKE_ARENA_BYTES 256

/// How the entry "wrong" of the fake model for devices goes wrong.
#define FAKE_WRONG_HOST 0
#define FAKE_WRONG_KERNEL_NUMBER 1
#define FAKE_WRONG_BLOCKS 2
#define FAKE_WRONG_ADDRESS 3

#endif // MOE_TEST_UNIT_RUNTIME_FAKEMODEL_H
