// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What checkers found and counters counted while kernels ran on the virtual
// GPU. All of it is of the simulation.
#ifndef MOE_PTXSIM_INSPECTION_H
#define MOE_PTXSIM_INSPECTION_H

#include "moe/PTXSim/Error.h"

#include <string>
#include <string_view>
#include <vector>

namespace moe::ptxsim {

enum class Check : uint8_t {
  Memory, ///< accesses that are out of bounds, misaligned or freed
  Init,   ///< values that nobody wrote
  Race,   ///< accesses that nothing orders
  Sync,   ///< barriers that are used wrongly, deadlocks
  Wait,   ///< results of asynchronous work used before a wait for it
  Proxy,  ///< a missing fence.proxy.async
  Leak,   ///< what is still allocated at the end
};
constexpr unsigned checkCount = 7;
constexpr uint32_t allChecks = (1u << checkCount) - 1;
constexpr uint32_t bit(Check check) { return 1u << unsigned(check); }

std::string_view spelling(Check check);
/// Reads "all", or names with commas between: false if one is unknown.
bool readChecks(std::string_view text, uint32_t &checks);

struct Place {
  uint32_t line = 0;  ///< of the PTX text; 0: unknown
  std::string source; ///< "kernel.cu:12", by the .loc before; may be empty
  Dim3 block{}, thread{};
};

struct Finding {
  Check check;
  std::string kernel, message;
  Place place;
  bool hasOther = false;
  Place other; ///< the access that a race is with, the copy that runs
  uint64_t count = 1;

  /// "race: matmul, line 57 (matmul.cu:8), block …, thread …: …".
  std::string str() const;
};

/// Findings of one check, kernel and pair of lines are counted, not repeated.
class Findings {
public:
  void add(Finding finding);
  const std::vector<Finding> &all() const { return list; }
  bool empty() const { return list.empty(); }
  /// A line for each; empty without findings.
  std::string table() const;
  /// A JSON array.
  std::string json() const;

private:
  std::vector<Finding> list;
};

/// Text as a JSON string with its quotes.
std::string jsonString(std::string_view text);

} // namespace moe::ptxsim

#endif // MOE_PTXSIM_INSPECTION_H
