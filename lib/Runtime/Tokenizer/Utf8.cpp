// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Utf8.h"

using namespace moe::rt::tok;

Utf8Unit moe::rt::tok::nextUnit(std::string_view bytes) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(bytes[i]); };
  unsigned char lead = byte(0);
  if (lead < 0x80)
    return {Utf8Unit::valid, 1, lead};
  size_t size = lead >= 0xC2 && lead <= 0xDF   ? 2
                : lead >= 0xE0 && lead <= 0xEF ? 3
                : lead >= 0xF0 && lead <= 0xF4 ? 4
                                               : 0;
  if (size == 0)
    return {Utf8Unit::invalid, 1, 0};

  // The second byte's range excludes overlong forms, surrogates and what lies
  // above U+10FFFF (Unicode, table 3-7).
  unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  char32_t codePoint = lead & (0x7F >> size);
  for (size_t i = 1; i < size; ++i) {
    if (i == bytes.size())
      return {Utf8Unit::incomplete, i, 0};
    if (byte(i) < low || byte(i) > high)
      return {Utf8Unit::invalid, i, 0};
    codePoint = codePoint << 6 | (byte(i) & 0x3F);
    low = 0x80;
    high = 0xBF;
  }
  return {Utf8Unit::valid, size, codePoint};
}

char32_t moe::rt::tok::takeCodePoint(std::string_view text, size_t &position) {
  Utf8Unit unit = nextUnit(text.substr(position));
  position += unit.size;
  return unit.codePoint;
}

void moe::rt::tok::appendUtf8(std::string &text, char32_t codePoint) {
  auto put = [&](char32_t byte) { text.push_back(static_cast<char>(byte)); };
  auto putTail = [&](int shift) { put(0x80 | ((codePoint >> shift) & 0x3F)); };
  if (codePoint < 0x80) {
    put(codePoint);
  } else if (codePoint < 0x800) {
    put(0xC0 | codePoint >> 6);
    putTail(0);
  } else if (codePoint < 0x10000) {
    put(0xE0 | codePoint >> 12);
    putTail(6);
    putTail(0);
  } else {
    put(0xF0 | codePoint >> 18);
    putTail(12);
    putTail(6);
    putTail(0);
  }
}

void moe::rt::tok::moveComplete(std::string &bytes, std::string &text) {
  size_t position = 0;
  while (position < bytes.size()) {
    Utf8Unit unit = nextUnit(std::string_view(bytes).substr(position));
    if (unit.kind == Utf8Unit::incomplete)
      break;
    if (unit.kind == Utf8Unit::valid)
      text.append(bytes, position, unit.size);
    else
      text += kReplacement;
    position += unit.size;
  }
  bytes.erase(0, position);
}

std::string moe::rt::tok::toValidUtf8(std::string_view bytes) {
  std::string rest(bytes), text;
  moveComplete(rest, text);
  if (!rest.empty())
    text += kReplacement;
  return text;
}

bool moe::rt::tok::isValidUtf8(std::string_view bytes) {
  for (size_t position = 0; position < bytes.size();) {
    Utf8Unit unit = nextUnit(bytes.substr(position));
    if (unit.kind != Utf8Unit::valid)
      return false;
    position += unit.size;
  }
  return true;
}
