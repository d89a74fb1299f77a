// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Analysis/RoutingProfile.h"

#include "moe/Import/Error.h"
#include "moe/Import/StrictJson.h"

#include <cmath>
#include <numeric>

using namespace mlir::moe;

/// An exponent: a number that is not negative.
static bool isExponent(double value) {
  return std::isfinite(value) && value >= 0.0;
}

static llvm::Expected<std::vector<double>>
readShares(const llvm::json::Value &value, llvm::StringRef path) {
  const llvm::json::Array *array = value.getAsArray();
  if (!array || array->empty())
    return expectedGot(path, "shares", "a list of numbers", describe(value));
  std::vector<double> shares;
  for (const auto &[i, element] : llvm::enumerate(*array)) {
    std::optional<double> share = element.getAsNumber();
    if (!share || !isExponent(*share))
      return expectedGot(path, ("shares[" + llvm::Twine(i) + "]").str(),
                         "a number that is not negative", describe(element));
    shares.push_back(*share);
  }
  if (std::accumulate(shares.begin(), shares.end(), 0.0) <= 0.0)
    return expectedGot(path, "shares", "a positive sum", "0");
  return shares;
}

/// Reads `shares` or `zipf`, whichever a file has.
static llvm::Error readProfile(llvm::StringRef path, double &zipf,
                               std::vector<double> &shares) {
  llvm::Expected<llvm::json::Object> object = readStrictJsonObject(path);
  if (!object)
    return object.takeError();
  if (object->size() != 1)
    return expectedGot(path, "", "one key, shares or zipf",
                       std::to_string(object->size()) + " keys");
  const auto &[key, value] = *object->begin();
  if (key == "shares") {
    llvm::Expected<std::vector<double>> read = readShares(value, path);
    if (!read)
      return read.takeError();
    shares = std::move(*read);
    return llvm::Error::success();
  }
  if (key != "zipf")
    return expectedGot(path, key.str(), "the key shares or zipf", "this one");
  std::optional<double> exponent = value.getAsNumber();
  if (!exponent || !isExponent(*exponent))
    return expectedGot(path, "zipf", "a number that is not negative",
                       describe(value));
  zipf = *exponent;
  return llvm::Error::success();
}

llvm::Expected<RoutingProfile> RoutingProfile::parse(llvm::StringRef text) {
  RoutingProfile profile;
  profile.name = text.str();
  if (text == "uniform")
    return profile;
  llvm::StringRef exponent = text;
  if (exponent.consume_front("zipf:")) {
    if (exponent.getAsDouble(profile.zipf) || !isExponent(profile.zipf))
      return expectedGot("profile", "",
                         "zipf:S with a number S that is not negative",
                         "'" + text + "'");
    return profile;
  }
  if (!text.ends_with(".json"))
    return expectedGot("profile", "", "uniform, zipf:S or a .json file",
                       "'" + text + "'");
  if (llvm::Error error = readProfile(text, profile.zipf, profile.shares))
    return error;
  return profile;
}

std::vector<double> RoutingProfile::getProbabilities(int64_t experts,
                                                     int64_t topK) const {
  std::vector<double> weights = shares;
  for (int64_t e = weights.size(); e < experts; ++e)
    weights.push_back(std::pow(e + 1.0, -zipf));
  std::vector<double> probabilities(experts, 0.0);
  // Each round fixes those that reach 1 and spreads the rest over the others.
  double left = topK;
  int64_t open = experts;
  for (bool changed = true; changed && open > 0;) {
    changed = false;
    double sum = 0.0;
    for (int64_t e = 0; e < experts; ++e)
      if (probabilities[e] < 1.0)
        sum += weights[e];
    double scale = sum > 0.0 ? left / sum : 0.0;
    for (int64_t e = 0; e < experts; ++e) {
      if (probabilities[e] == 1.0)
        continue;
      // Where only experts without a share are left, they are alike.
      double p = sum > 0.0 ? scale * weights[e] : left / open;
      if (p >= 1.0) {
        probabilities[e] = 1.0;
        changed = true;
        left -= 1.0;
        --open;
        break;
      }
      probabilities[e] = p;
    }
  }
  return probabilities;
}

double RoutingProfile::getActiveExperts(int64_t experts, int64_t topK,
                                        double tokens) const {
  if (shares.empty() && zipf == 0.0)
    return experts * (1.0 - std::pow(1.0 - double(topK) / experts, tokens));
  double active = 0.0;
  for (double p : getProbabilities(experts, topK))
    active += 1.0 - std::pow(1.0 - p, tokens);
  return active;
}
