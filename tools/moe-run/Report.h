// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_TOOLS_MOE_RUN_REPORT_H
#define MOE_TOOLS_MOE_RUN_REPORT_H

#include "LoadedModel.h"

namespace moe::run {

/// A finished run, as the reports see it.
struct RunReport {
  const LoadedModel &model;
  const rt::Generation &generation;
  size_t promptTokens;
  const std::string &text;
};

/// The object that --json prints, with a newline.
std::string jsonReport(const RunReport &report);
/// The block for stderr.
std::string statisticsBlock(const RunReport &report);

std::string planReport(const rt::Description &description, bool json);

std::string perplexityReport(const rt::Perplexity &result, size_t textBytes,
                             bool json);

} // namespace moe::run

#endif // MOE_TOOLS_MOE_RUN_REPORT_H
