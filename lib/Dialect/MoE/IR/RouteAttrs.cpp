// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The parameters of moe.route.
#include "mlir/IR/OpImplementation.h"
#include "moe/Dialect/MoE/IR/MoEDialect.h"

#include <cmath>

using namespace mlir;
using namespace mlir::moe;

using EmitError = function_ref<InFlightDiagnostic()>;

LogicalResult RouteGroupsAttr::verify(EmitError emitError, int64_t count,
                                      int64_t keep, GroupScore, GroupMask) {
  if (count < 1)
    return emitError() << "expected at least one group, got " << count;
  if (keep < 1 || keep > count)
    return emitError() << "expected to keep 1 to " << count << " groups, got "
                       << keep;
  return success();
}

LogicalResult NullExpertsAttr::verify(EmitError emitError, int64_t count,
                                      NullWeight) {
  if (count < 1)
    return emitError() << "expected at least one null expert, got " << count;
  return success();
}

LogicalResult SharedExpertsAttr::verify(EmitError emitError, int64_t count,
                                        SharedWeight) {
  if (count < 1)
    return emitError() << "expected at least one shared expert, got " << count;
  return success();
}

LogicalResult RouteNoiseAttr::verify(EmitError emitError, int64_t,
                                     APFloat stddev) {
  if (!stddev.isFinite() || stddev.isNegative())
    return emitError() << "expected a standard deviation of 0 or more, got "
                       << stddev.convertToDouble();
  return success();
}

LogicalResult RouteCapacityAttr::verify(EmitError emitError, APFloat factor,
                                        int64_t times, int64_t tokens,
                                        Overflow overflow, Precedence,
                                        bool renormalize) {
  if (tokens < 0)
    return emitError() << "expected a capacity of 1 token or more, got "
                       << tokens;
  if (tokens == 0 &&
      (!factor.isFinite() || factor.isNegative() || factor.isZero()))
    return emitError() << "expected a capacity factor above 0, got "
                       << factor.convertToDouble();
  if (times < 1)
    return emitError() << "expected times of 1 or more, got " << times;
  if (renormalize && overflow != Overflow::Drop)
    return emitError() << "expected overflow = drop with renormalize, got "
                       << stringifyOverflow(overflow);
  return success();
}

int64_t RouteCapacityAttr::getCapacity(int64_t numTokens,
                                       int64_t experts) const {
  if (!hasFactor())
    return getTokens();
  double share = static_cast<double>(numTokens) * getFactor().convertToDouble();
  share = std::ceil(share / static_cast<double>(experts));
  return getTimes() * static_cast<int64_t>(share);
}

/// A keyword of an enumeration.
template <typename Enum>
static ParseResult parseEnum(AsmParser &parser, Enum &value,
                             std::optional<Enum> (*symbolize)(StringRef)) {
  SMLoc loc = parser.getCurrentLocation();
  StringRef keyword;
  if (parser.parseEqual() || parser.parseKeyword(&keyword))
    return failure();
  std::optional<Enum> symbol = symbolize(keyword);
  if (!symbol)
    return parser.emitError(loc, "unknown keyword '") << keyword << "'";
  value = *symbol;
  return success();
}

Attribute RouteCapacityAttr::parse(AsmParser &parser, Type) {
  double factor = 0;
  int64_t times = 1, tokens = 0;
  auto overflow = Overflow::Drop;
  auto first = Precedence::Token;
  bool renormalize = false;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess())
    return {};
  if (succeeded(parser.parseOptionalKeyword("factor"))) {
    if (parser.parseEqual() || parser.parseFloat(factor) || parser.parseComma())
      return {};
    if (succeeded(parser.parseOptionalKeyword("times")) &&
        (parser.parseEqual() || parser.parseInteger(times) ||
         parser.parseComma()))
      return {};
  } else {
    SMLoc at;
    if (parser.parseKeyword("tokens", " or factor") || parser.parseEqual() ||
        parser.getCurrentLocation(&at) || parser.parseInteger(tokens))
      return {};
    if (tokens < 1) {
      parser.emitError(at, "expected a capacity of 1 token or more, got ")
          << tokens;
      return {};
    }
    if (parser.parseComma())
      return {};
  }
  if (parser.parseKeyword("overflow") ||
      parseEnum(parser, overflow, symbolizeOverflow))
    return {};
  while (succeeded(parser.parseOptionalComma())) {
    if (succeeded(parser.parseOptionalKeyword("renormalize")))
      renormalize = true;
    else if (parser.parseKeyword("first", " or renormalize") ||
             parseEnum(parser, first, symbolizePrecedence))
      return {};
  }
  if (parser.parseGreater())
    return {};
  return parser.getChecked<RouteCapacityAttr>(loc, parser.getContext(),
                                              APFloat(factor), times, tokens,
                                              overflow, first, renormalize);
}

void RouteCapacityAttr::print(AsmPrinter &printer) const {
  printer << "<";
  if (hasFactor()) {
    printer << "factor = ";
    printer.printFloat(getFactor());
    if (getTimes() != 1)
      printer << ", times = " << getTimes();
  } else {
    printer << "tokens = " << getTokens();
  }
  printer << ", overflow = " << stringifyOverflow(getOverflow());
  if (getFirst() != Precedence::Token)
    printer << ", first = " << stringifyPrecedence(getFirst());
  if (getRenormalize())
    printer << ", renormalize";
  printer << ">";
}
