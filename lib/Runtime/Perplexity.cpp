// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Runtime/Error.h"
#include "moe/Runtime/Generate.h"

#include <algorithm>
#include <cmath>

using namespace moe::rt;

namespace {

/// -log softmax(logits)[token].
double crossEntropy(Span<const float> logits, int32_t token) {
  double highest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (float logit : logits)
    sum += std::exp(logit - highest);
  return highest + std::log(sum) - logits[token];
}

} // namespace

double Perplexity::value() const {
  return std::exp(negativeLogLikelihood / static_cast<double>(tokens));
}

Perplexity moe::rt::perplexity(Session &session, Span<const int32_t> tokens,
                               int64_t window,
                               const Session::Progress &progress) {
  const ModelSpec &model = session.model();
  if (window < 1 || window > model.maxLength)
    throw Error::mismatch("--window", "",
                          "a number from 1 to max_len = " +
                              std::to_string(model.maxLength),
                          std::to_string(window), ExitCode::commandLine);
  if (tokens.size() < 2)
    throw Error::mismatch("perplexity", "", "at least two tokens",
                          std::to_string(tokens.size()), ExitCode::inputWrong);
  for (int32_t token : tokens)
    if (token < 0 || token >= model.vocabSize)
      throw Error::mismatch("perplexity", "",
                            "ids from 0 to " +
                                std::to_string(model.vocabSize - 1),
                            std::to_string(token), ExitCode::inputWrong);
  Perplexity result;
  size_t predicted = tokens.size() - 1;
  for (size_t begin = 0; begin < predicted; begin += window) {
    size_t size = std::min<size_t>(window, predicted - begin);
    session.reset();
    session.prefillAll(0, tokens.slice(begin, size),
                       [&](size_t first, Span<const float> logits) {
                         size_t rows = logits.size() / model.vocabSize;
                         for (size_t row = 0; row < rows; ++row)
                           result.negativeLogLikelihood +=
                               crossEntropy(logits.slice(row * model.vocabSize,
                                                         model.vocabSize),
                                            tokens[begin + first + row + 1]);
                         result.tokens += static_cast<int64_t>(rows);
                         if (progress)
                           progress(result.tokens);
                       });
  }
  return result;
}
