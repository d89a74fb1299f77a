// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Runtime/Generate.h"

#include "moe/Runtime/Error.h"

#include <algorithm>
#include <chrono>
#include <numeric>

using namespace moe::rt;

namespace {

class Stopwatch {
public:
  double seconds() const {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }

private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start = Clock::now();
};

bool isEos(const ModelSpec &model, int32_t token) {
  return std::find(model.eosTokens.begin(), model.eosTokens.end(), token) !=
         model.eosTokens.end();
}

} // namespace

const char *moe::rt::name(FinishReason reason) {
  switch (reason) {
  case FinishReason::length:
    return "length";
  case FinishReason::maxLength:
    return "max_len";
  case FinishReason::stop:
    return "stop";
  }
  __builtin_unreachable();
}

double Generation::decodeSeconds() const {
  return std::accumulate(stepSeconds.begin(), stepSeconds.end(), 0.0);
}

double Generation::tokensPerSecond() const {
  double seconds = decodeSeconds();
  return seconds > 0 ? static_cast<double>(stepSeconds.size()) / seconds : 0;
}

Generation moe::rt::generate(Session &session, Sampler &sampler,
                             Span<const int32_t> prompt,
                             const GenerationOptions &options,
                             const GenerationVisitor &visitor) {
  const ModelSpec &model = session.model();
  session.reset();
  sampler.reset();
  Stopwatch sinceStart;
  Span<const float> logits = session.prefill(0, prompt, visitor.progress);
  Generation result;
  result.prefillSeconds = sinceStart.seconds();
  if (visitor.prompt)
    visitor.prompt(logits);
  for (int32_t token : prompt)
    sampler.observe(token);

  int64_t room = model.maxLength - static_cast<int64_t>(prompt.size());
  int64_t most = std::min(options.maxNewTokens, room);
  result.reason = options.maxNewTokens > room ? FinishReason::maxLength
                                              : FinishReason::length;
  result.tokens.reserve(most);
  result.stepSeconds.reserve(most);
  std::vector<int32_t> inputs(model.batch, Session::idle);
  for (int64_t i = 0; i < most; ++i) {
    Stopwatch sinceStep;
    if (i > 0) {
      inputs[0] = result.tokens.back();
      logits = session.decode(inputs);
    }
    int32_t token = sampler.sample(logits.slice(0, model.vocabSize));
    if (i > 0)
      result.stepSeconds.push_back(sinceStep.seconds());
    else
      result.firstTokenSeconds = result.prefillSeconds + sinceStep.seconds();
    result.tokens.push_back(token);
    bool ended = isEos(model, token) && !options.ignoreEos;
    if ((visitor.token && !visitor.token(token)) || ended) {
      result.reason = FinishReason::stop;
      break;
    }
  }
  return result;
}
