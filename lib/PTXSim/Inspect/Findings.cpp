// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/PTXSim/Inspection.h"

#include <cstdio>

namespace moe::ptxsim {

namespace {

constexpr std::string_view names[checkCount] = {
    "memory", "init", "race", "sync", "wait", "proxy", "leak"};

std::string text(const Dim3 &d) {
  return "(" + std::to_string(d[0]) + ", " + std::to_string(d[1]) + ", " +
         std::to_string(d[2]) + ")";
}

std::string text(const Place &place) {
  return "line " + std::to_string(place.line) +
         (place.source.empty() ? "" : " (" + place.source + ")") + ", block " +
         text(place.block) + ", thread " + text(place.thread);
}

std::string json(const Dim3 &d) {
  return "[" + std::to_string(d[0]) + ", " + std::to_string(d[1]) + ", " +
         std::to_string(d[2]) + "]";
}

std::string json(const Place &place) {
  return "\"line\": " + std::to_string(place.line) +
         ", \"source\": " + jsonString(place.source) +
         ", \"block\": " + json(place.block) +
         ", \"thread\": " + json(place.thread);
}

} // namespace

std::string_view spelling(Check check) { return names[unsigned(check)]; }

bool readChecks(std::string_view text, uint32_t &checks) {
  checks = 0;
  while (!text.empty()) {
    size_t comma = text.find(',');
    std::string_view word = text.substr(0, comma);
    text = comma == text.npos ? "" : text.substr(comma + 1);
    uint32_t bits = word == "all" ? allChecks : 0;
    for (unsigned i = 0; i < checkCount; ++i)
      if (word == names[i])
        bits = 1u << i;
    if (!bits)
      return false;
    checks |= bits;
  }
  return checks != 0;
}

std::string jsonString(std::string_view text) {
  std::string quoted = "\"";
  for (char c : text) {
    char buffer[8];
    if (c == '"' || c == '\\')
      (quoted += '\\') += c;
    else if (static_cast<unsigned char>(c) < 0x20) {
      std::snprintf(buffer, sizeof buffer, "\\u%04x", c);
      quoted += buffer;
    } else
      quoted += c;
  }
  return quoted + "\"";
}

std::string Finding::str() const {
  std::string line{spelling(check)};
  line += ": ";
  if (!kernel.empty())
    line += kernel + ", " + text(place) + ": ";
  line += message;
  if (hasOther)
    line += "; the other: " + text(other);
  if (count > 1)
    line += " [" + std::to_string(count) + " times]";
  return line;
}

void Findings::add(Finding finding) {
  for (Finding &known : list)
    if (known.check == finding.check && known.kernel == finding.kernel &&
        known.place.line == finding.place.line &&
        known.other.line == finding.other.line &&
        (finding.place.line || known.message == finding.message)) {
      ++known.count;
      return;
    }
  list.push_back(std::move(finding));
}

std::string Findings::table() const {
  std::string text;
  for (const Finding &finding : list)
    text += finding.str() + "\n";
  return text;
}

std::string Findings::json() const {
  std::string text = "[";
  const char *separator = "\n";
  for (const Finding &finding : list) {
    text += std::string(separator) + "    {\"check\": \"" +
            std::string(spelling(finding.check)) +
            "\", \"kernel\": " + jsonString(finding.kernel) + ", " +
            ptxsim::json(finding.place) +
            ", \"message\": " + jsonString(finding.message) +
            ", \"count\": " + std::to_string(finding.count);
    if (finding.hasOther)
      text += ", \"other\": {" + ptxsim::json(finding.other) + "}";
    text += "}";
    separator = ",\n";
  }
  return text + (list.empty() ? "]" : "\n  ]");
}

} // namespace moe::ptxsim
