// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Runtime/Sampler.h"

#include "moe/Runtime/Error.h"
#include "moe/Runtime/Random.h"

#include <algorithm>
#include <cmath>

using namespace moe::rt;

namespace {

/// A total order, so that equal scores do not make the result depend on how the
/// standard library sorts.
bool comesBefore(const Candidate &a, const Candidate &b) {
  return a.score != b.score ? a.score > b.score : a.token < b.token;
}

/// How many candidates top-p sorts at first; twice as many each time after.
constexpr size_t firstSorted = 64;

} // namespace

void SamplingOptions::validate() const {
  auto require = [](bool holds, const char *option, const char *expected,
                    double got) {
    if (!holds)
      throw Error::mismatch(option, "", expected, std::to_string(got),
                            ExitCode::commandLine);
  };
  require(repetitionPenalty > 0 && std::isfinite(repetitionPenalty),
          "--repetition-penalty", "a number above 0", repetitionPenalty);
  require(temperature >= 0 && std::isfinite(temperature), "--temperature",
          "a number of at least 0", temperature);
  require(topK >= 0, "--top-k", "an integer of at least 0", double(topK));
  require(topP >= 0 && topP <= 1, "--top-p", "a number from 0 to 1", topP);
  require(minP >= 0 && minP <= 1, "--min-p", "a number from 0 to 1", minP);
}

Sampler::Sampler(int64_t vocabSize, const SamplingOptions &options)
    : options(options), seen(vocabSize), candidates(vocabSize) {
  options.validate();
}

void Sampler::observe(int32_t token) {
  seen[static_cast<size_t>(token)] = true;
}

void Sampler::reset() {
  std::fill(seen.begin(), seen.end(), uint8_t{0});
  draws = 0;
}

float Sampler::penalised(Span<const float> logits, size_t token) const {
  float logit = logits[token];
  if (!seen[token])
    return logit;
  return logit < 0 ? logit * options.repetitionPenalty
                   : logit / options.repetitionPenalty;
}

int32_t Sampler::argmax(Span<const float> logits) const {
  size_t best = 0;
  float highest = -INFINITY;
  bool ordered = false;
  for (size_t token = 0; token < logits.size(); ++token) {
    float score = penalised(logits, token);
    ordered |= score == score;
    if (score > highest) {
      best = token;
      highest = score;
    }
  }
  if (!ordered)
    throw Error(ExitCode::internal, "logits: expected numbers, got only NaN");
  return static_cast<int32_t>(best);
}

int32_t Sampler::sample(Span<const float> logits) {
  int32_t token;
  if (options.temperature == 0) {
    token = argmax(logits);
  } else {
    Span<const Candidate> choice = filter(logits);
    double number = uniform(options.seed, draws++);
    size_t i = 0;
    double end = choice[0].probability;
    // Rounding may leave the sum below the number: then it is the last one.
    while (number >= end && i + 1 < choice.size())
      end += choice[++i].probability;
    token = choice[i].token;
  }
  observe(token);
  return token;
}

Span<const Candidate> Sampler::filter(Span<const float> logits) {
  if (options.temperature == 0) {
    candidates[0] = {argmax(logits), 0, 1};
    return {candidates.data(), 1};
  }
  kept = 0;
  for (size_t token = 0; token < logits.size(); ++token) {
    float score = penalised(logits, token) / options.temperature;
    // A NaN orders nowhere; minus infinity has no probability.
    if (score > -INFINITY)
      candidates[kept++] = {static_cast<int32_t>(token), score, 0};
  }
  if (kept == 0)
    throw Error(ExitCode::internal, "logits: expected numbers, got none");
  if (options.topK > 0)
    keepTopK();
  normalise();
  if (options.topP < 1)
    keepTopP();
  if (options.minP > 0)
    keepMinP();
  return {candidates.data(), kept};
}

void Sampler::sortNext(size_t from, size_t count) {
  auto first = candidates.begin() + from;
  auto middle = first + count;
  auto last = candidates.begin() + kept;
  if (middle != last)
    std::nth_element(first, middle - 1, last, comesBefore);
  std::sort(first, middle, comesBefore);
}

void Sampler::keepTopK() {
  size_t count = std::min<uint64_t>(options.topK, kept);
  sortNext(0, count);
  float last = candidates[count - 1].score;
  auto end = std::partition(
      candidates.begin() + count, candidates.begin() + kept,
      [last](const Candidate &candidate) { return candidate.score == last; });
  size_t ties = end - candidates.begin() - count;
  kept = count + ties;
  sortNext(count, ties);
}

void Sampler::normalise() {
  float highest = -INFINITY;
  for (size_t i = 0; i < kept; ++i)
    highest = std::max(highest, candidates[i].score);
  double sum = 0;
  for (size_t i = 0; i < kept; ++i) {
    Candidate &candidate = candidates[i];
    // An infinite logit takes everything; its difference to itself is NaN.
    candidate.probability = candidate.score == highest
                                ? 1.0
                                : std::exp(double(candidate.score) - highest);
    sum += candidate.probability;
  }
  for (size_t i = 0; i < kept; ++i)
    candidates[i].probability /= sum;
}

void Sampler::keepTopP() {
  // A token stays while those before it hold less than top-p. Few do: sort only
  // as far as needed.
  double before = 0;
  size_t sorted = 0;
  for (size_t i = 0; i < kept; ++i) {
    if (i == sorted) {
      size_t more = std::min(std::max(firstSorted, sorted), kept - sorted);
      sortNext(sorted, more);
      sorted += more;
    }
    if (i > 0 && before >= options.topP) {
      kept = i;
      break;
    }
    before += candidates[i].probability;
  }
  normalise();
}

void Sampler::keepMinP() {
  double highest = 0;
  for (size_t i = 0; i < kept; ++i)
    highest = std::max(highest, candidates[i].probability);
  double least = options.minP * highest;
  auto end = std::remove_if(candidates.begin(), candidates.begin() + kept,
                            [least](const Candidate &candidate) {
                              return candidate.probability < least;
                            });
  kept = end - candidates.begin();
  normalise();
}
