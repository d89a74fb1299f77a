// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Import/Safetensors.h"

#include "moe/Import/Error.h"
#include "moe/Import/StrictJson.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace mlir::moe {
namespace {

constexpr uint64_t lengthBytes = 8;
/// The limit of the format's own reader.
constexpr uint64_t maxHeaderBytes = 100'000'000;

/// A non-negative integer of the header.
std::optional<uint64_t> getIndex(const json::Value &value) {
  std::optional<int64_t> number = value.getAsInteger();
  if (!number || *number < 0)
    return std::nullopt;
  return static_cast<uint64_t>(*number);
}

Error checkMetadata(const json::Value &value, StringRef path) {
  const json::Object *object = value.getAsObject();
  if (!object)
    return expectedGot(path, "__metadata__", "an object of strings",
                       describe(value));
  for (const auto &[key, entry] : *object)
    if (!entry.getAsString())
      return expectedGot(path, "__metadata__." + StringRef(key).str(),
                         "a string", describe(entry));
  return Error::success();
}

} // namespace

/// What the header says of one tensor, offsets counted from the end of the
/// header.
struct SafetensorsFile::Entry {
  std::string key;
  DType dtype = DType::F32;
  std::vector<int64_t> shape;
  uint64_t begin = 0, end = 0;

  static Expected<Entry> read(StringRef key, const json::Value &value,
                              StringRef path);
  Error checkSize(StringRef path) const;
};

Expected<SafetensorsFile::Entry>
SafetensorsFile::Entry::read(StringRef key, const json::Value &value,
                             StringRef path) {
  const json::Object *object = value.getAsObject();
  if (!object)
    return expectedGot(path, key,
                       "an object with dtype, shape and data_offsets",
                       describe(value));
  for (const auto &[name, field] : *object)
    if (!is_contained({"dtype", "shape", "data_offsets"}, StringRef(name)))
      return expectedGot(path, key, "only dtype, shape and data_offsets",
                         "'" + printable(StringRef(name)) + "'");

  Entry entry;
  entry.key = key.str();
  std::optional<StringRef> dtypeName = object->getString("dtype");
  if (!dtypeName)
    return expectedGot(path, key, "a dtype",
                       object->get("dtype") ? describe(*object->get("dtype"))
                                            : "none");
  std::optional<DType> dtype = parseDType(*dtypeName);
  if (!dtype)
    return expectedGot(path, key, "a dtype of the safetensors format",
                       "'" + printable(*dtypeName) + "'");
  entry.dtype = *dtype;

  const json::Array *shape = object->getArray("shape");
  if (!shape)
    return expectedGot(path, key, "a shape",
                       object->get("shape") ? describe(*object->get("shape"))
                                            : "none");
  for (const json::Value &extent : *shape) {
    std::optional<uint64_t> size = getIndex(extent);
    if (!size)
      return expectedGot(path, key, "a shape of non-negative integers",
                         describe(*object->get("shape")));
    entry.shape.push_back(static_cast<int64_t>(*size));
  }

  const json::Value *offsetsValue = object->get("data_offsets");
  const json::Array *offsets = object->getArray("data_offsets");
  std::optional<uint64_t> begin, end;
  if (offsets && offsets->size() == 2) {
    begin = getIndex((*offsets)[0]);
    end = getIndex((*offsets)[1]);
  }
  if (!begin || !end || *begin > *end)
    return expectedGot(path, key,
                       "data_offsets [begin, end] with 0 <= begin <= end",
                       offsetsValue ? describe(*offsetsValue) : "none");
  entry.begin = *begin;
  entry.end = *end;
  return entry;
}

Error SafetensorsFile::Entry::checkSize(StringRef path) const {
  uint64_t bytes = getByteSize(dtype);
  for (int64_t extent : shape) {
    bool overflow = false;
    bytes = SaturatingMultiply(bytes, static_cast<uint64_t>(extent), &overflow);
    if (overflow)
      return expectedGot(path, key, "a size that fits 64 bits",
                         "shape " + formatShape(shape));
  }
  if (end - begin != bytes)
    return expectedGot(path, key,
                       Twine(bytes) + " bytes for " + getName(dtype) +
                           formatShape(shape),
                       Twine(end - begin) + " from data_offsets [" +
                           Twine(begin) + ", " + Twine(end) + "]");
  return Error::success();
}

std::string formatShape(ArrayRef<int64_t> shape) {
  std::string text;
  raw_string_ostream os(text);
  os << '[';
  interleaveComma(shape, os);
  os << ']';
  return text;
}

Expected<SafetensorsFile> SafetensorsFile::open(StringRef path) {
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer = MemoryBuffer::getFile(
      path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer)
    return invalidInput(path, "",
                        "cannot be read: " + buffer.getError().message());
  return parse(std::move(*buffer), path);
}

Expected<SafetensorsFile>
SafetensorsFile::parse(std::unique_ptr<MemoryBuffer> buffer, StringRef name) {
  SafetensorsFile file;
  file.buffer = std::move(buffer);
  file.path = name.str();
  StringRef bytes = file.buffer->getBuffer();
  if (bytes.size() < lengthBytes)
    return expectedGot(name, "header length", "at least 8 bytes",
                       Twine(bytes.size()) + " bytes");
  uint64_t headerBytes = support::endian::read64le(bytes.data());
  if (headerBytes > maxHeaderBytes)
    return expectedGot(name, "header length",
                       "at most " + Twine(maxHeaderBytes), Twine(headerBytes));
  if (headerBytes > bytes.size() - lengthBytes)
    return expectedGot(name, "header length",
                       "at most the " + Twine(bytes.size() - lengthBytes) +
                           " bytes that follow it",
                       Twine(headerBytes));
  file.data = bytes.drop_front(lengthBytes + headerBytes);
  if (Error error = file.readHeader(bytes.substr(lengthBytes, headerBytes)))
    return std::move(error);
  return file;
}

Error SafetensorsFile::readHeader(StringRef header) {
  Expected<json::Value> value = parseStrictJson(header, path);
  if (!value)
    return value.takeError();
  const json::Object *object = value->getAsObject();
  if (!object)
    return expectedGot(path, "header", "a JSON object", describe(*value));

  std::vector<Entry> entries;
  for (const auto &[key, field] : *object) {
    if (StringRef(key) == "__metadata__") {
      if (Error error = checkMetadata(field, path))
        return error;
      continue;
    }
    Expected<Entry> entry = Entry::read(key, field, path);
    if (!entry)
      return entry.takeError();
    if (Error error = entry->checkSize(path))
      return error;
    entries.push_back(std::move(*entry));
  }
  if (Error error = checkCoverage(entries))
    return error;

  shapes.reserve(entries.size());
  for (Entry &entry : entries) {
    shapes.push_back(std::move(entry.shape));
    tensors[entry.key] = {entry.dtype, shapes.back(),
                          data.slice(entry.begin, entry.end)};
    keys.push_back(std::move(entry.key));
  }
  return Error::success();
}

Error SafetensorsFile::checkCoverage(std::vector<Entry> &entries) const {
  sort(entries, [](const Entry &a, const Entry &b) {
    return std::tie(a.begin, a.end, a.key) < std::tie(b.begin, b.end, b.key);
  });
  uint64_t covered = 0;
  for (const Entry &entry : entries) {
    if (entry.end > data.size())
      return expectedGot(
          path, entry.key,
          "data_offsets within the " + Twine(data.size()) + " bytes of data",
          "[" + Twine(entry.begin) + ", " + Twine(entry.end) + "]");
    if (entry.begin != covered)
      return expectedGot(
          path, entry.key,
          "data from byte " + Twine(covered) +
              ", where the tensor before it ends",
          Twine(entry.begin < covered ? "an overlap" : "a hole") +
              ": data_offsets [" + Twine(entry.begin) + ", " +
              Twine(entry.end) + "]");
    covered = entry.end;
  }
  if (covered != data.size())
    return expectedGot(path, "data",
                       Twine(covered) + " bytes as the header says",
                       Twine(data.size()) + " bytes");
  return Error::success();
}

const TensorView *SafetensorsFile::lookup(StringRef key) const {
  auto it = tensors.find(key);
  return it == tensors.end() ? nullptr : &it->second;
}

} // namespace mlir::moe
