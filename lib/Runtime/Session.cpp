// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Runtime/Session.h"

#include "moe/Runtime/Error.h"

#include <algorithm>
#include <numeric>

using namespace moe::rt;

namespace {

const ModelSpec &requireModel(const Executable &executable) {
  if (!executable.description().model)
    // Names the entries there are.
    (void)executable.entryIndex("prefill");
  if (!executable.description().model)
    throw Error(ExitCode::unsupported,
                "model: expected a language model, got only entries");
  return *executable.description().model;
}

moe_tensor vectorOf(std::vector<int32_t> &buffer, size_t size) {
  return {buffer.data(), {static_cast<int64_t>(size)}};
}

} // namespace

Session::Session(Executable &executable, int64_t prefillChunk)
    : executable(executable), spec(requireModel(executable)),
      chunk(prefillChunk ? prefillChunk : spec.prefillChunk),
      prefillEntry(executable.entryIndex("prefill")),
      decodeEntry(executable.entryIndex("decode")), lengths(spec.batch) {
  if (chunk < 1 || chunk > spec.prefillChunk)
    throw Error::mismatch("--prefill-chunk", "",
                          "a number from 1 to " +
                              std::to_string(spec.prefillChunk) +
                              " (what the model was compiled for)",
                          std::to_string(chunk), ExitCode::commandLine);
  size_t rows = std::max(chunk, spec.batch);
  for (auto *buffer :
       {&tokenBuffer, &positionBuffer, &sequenceBuffer, &rowBuffer})
    buffer->resize(rows);
  logits.resize(spec.batch * spec.vocabSize);
  reset();
}

void Session::reset() {
  std::fill(lengths.begin(), lengths.end(), 0);
  executable.reset();
}

void Session::checkToken(int32_t token, size_t index) const {
  if (token < 0 || token >= spec.vocabSize)
    throw Error(ExitCode::inputWrong, "token " + std::to_string(index) +
                                          ": expected an id from 0 to " +
                                          std::to_string(spec.vocabSize - 1) +
                                          ", got " + std::to_string(token));
}

void Session::check(int64_t sequence, Span<const int32_t> tokens) const {
  if (tokens.empty())
    throw Error(ExitCode::inputWrong,
                "prompt: expected at least one token, got none");
  for (size_t i = 0; i < tokens.size(); ++i)
    checkToken(tokens[i], i);
  if (tokens.size() > static_cast<uint64_t>(spec.maxLength - lengths[sequence]))
    throw Error(ExitCode::inputWrong,
                "prompt: expected at most max_len = " +
                    std::to_string(spec.maxLength) + " tokens, got " +
                    std::to_string(lengths[sequence] + tokens.size()));
}

Span<const float> Session::prefill(int64_t sequence, Span<const int32_t> tokens,
                                   const Progress &progress) {
  check(sequence, tokens);
  Span<const float> last;
  for (size_t begin = 0; begin < tokens.size(); begin += chunk) {
    size_t size = std::min<size_t>(chunk, tokens.size() - begin);
    // One row even where nobody reads it: it is cheap beside the chunk, and
    // entries need not cope with none.
    last = runChunk(sequence, tokens.slice(begin, size), size - 1);
    if (progress)
      progress(begin + size);
  }
  return last;
}

void Session::prefillAll(int64_t sequence, Span<const int32_t> tokens,
                         const RowVisitor &visit) {
  check(sequence, tokens);
  logits.resize(std::max(chunk, spec.batch) * spec.vocabSize);
  for (size_t begin = 0; begin < tokens.size(); begin += chunk) {
    size_t size = std::min<size_t>(chunk, tokens.size() - begin);
    visit(begin, runChunk(sequence, tokens.slice(begin, size), 0));
  }
}

Span<const float> Session::runChunk(int64_t sequence,
                                    Span<const int32_t> tokens,
                                    size_t firstRow) {
  size_t size = tokens.size();
  size_t rows = size - firstRow;
  std::copy(tokens.begin(), tokens.end(), tokenBuffer.begin());
  std::iota(positionBuffer.begin(), positionBuffer.begin() + size,
            static_cast<int32_t>(lengths[sequence]));
  std::fill_n(sequenceBuffer.begin(), size, static_cast<int32_t>(sequence));
  std::iota(rowBuffer.begin(), rowBuffer.begin() + rows,
            static_cast<int32_t>(firstRow));
  moe_tensor tensors[] = {
      vectorOf(tokenBuffer, size),
      vectorOf(positionBuffer, size),
      vectorOf(sequenceBuffer, size),
      vectorOf(rowBuffer, rows),
      {logits.data(), {static_cast<int64_t>(rows), spec.vocabSize}}};
  executable.run(prefillEntry, tensors);
  lengths[sequence] += size;
  return {logits.data(), rows * spec.vocabSize};
}

Span<const float> Session::decode(Span<const int32_t> tokens) {
  if (tokens.size() != lengths.size())
    throw Error(ExitCode::inputWrong,
                "decode: expected " + std::to_string(lengths.size()) +
                    " tokens, got " + std::to_string(tokens.size()));
  for (size_t s = 0; s < tokens.size(); ++s) {
    bool active = tokens[s] != idle;
    if (active)
      checkToken(tokens[s], s);
    if (active && lengths[s] >= spec.maxLength)
      throw Error(ExitCode::inputWrong, "sequence " + std::to_string(s) +
                                            ": expected at most max_len = " +
                                            std::to_string(spec.maxLength) +
                                            " tokens, got one more");
    // An idle row computes too. It writes where its sequence's next token will
    // write, or, when there cannot be one, where no token will read again.
    tokenBuffer[s] = active ? tokens[s] : 0;
    positionBuffer[s] =
        static_cast<int32_t>(std::min(lengths[s], spec.maxLength - 1));
    sequenceBuffer[s] = static_cast<int32_t>(s);
  }
  moe_tensor tensors[] = {vectorOf(tokenBuffer, tokens.size()),
                          vectorOf(positionBuffer, tokens.size()),
                          vectorOf(sequenceBuffer, tokens.size()),
                          {logits.data(), {spec.batch, spec.vocabSize}}};
  executable.run(decodeEntry, tensors);
  for (size_t s = 0; s < tokens.size(); ++s)
    lengths[s] += tokens[s] != idle;
  return {logits.data(), logits.size()};
}
