// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs a Mixture-of-Experts model: prompt in, text out.
#include "CommandLine.h"
#include "Report.h"
#include "Terminal.h"
#include "moe/Runtime/Error.h"
#include "moe/Runtime/MappedFile.h"
#include "moe/Runtime/Npy.h"

#include <charconv>
#include <cstdio>

using namespace moe::rt;
using namespace moe::run;
using namespace moe::tool;

namespace {

std::vector<int32_t> parseIds(const std::string &text) {
  std::vector<int32_t> ids;
  const char *position = text.data();
  const char *end = position + text.size();
  while (position != end) {
    int32_t id;
    auto [next, error] = std::from_chars(position, end, id);
    bool separated = next == end || (*next == ',' && next + 1 != end);
    if (error != std::errc() || !separated)
      throw Error::mismatch("--prompt-ids", "", "token ids separated by commas",
                            text, ExitCode::commandLine);
    ids.push_back(id);
    position = next == end ? end : next + 1;
  }
  return ids;
}

std::string readText(const std::string &path) {
  if (path != "-")
    return std::string(MappedFile::open(path).text());
  std::string text;
  char buffer[4096];
  while (size_t count = std::fread(buffer, 1, sizeof buffer, stdin))
    text.append(buffer, count);
  return text;
}

/// The tokens of `text`, with the model's first token if that is asked for and
/// the tokenizer has not put it there.
std::vector<int32_t> encode(const LoadedModel &model, const Options &options,
                            const std::string &text) {
  std::vector<int32_t> ids = model.requireTokenizer("text").encode(text);
  if (!options.prependBos)
    return ids;
  const auto &spec = model.executable->description().model;
  if (!spec || !spec->bosToken)
    throw Error::mismatch(model.folder, "model.bos_token_id",
                          "a token for --bos", "nothing");
  if (ids.empty() || ids[0] != *spec->bosToken)
    ids.insert(ids.begin(), *spec->bosToken);
  return ids;
}

std::vector<int32_t> promptOf(const LoadedModel &model,
                              const Options &options) {
  if (options.promptIds)
    return parseIds(*options.promptIds);
  return encode(model, options,
                options.prompt ? *options.prompt
                               : readText(*options.promptFile));
}

/// New tokens as text, or as numbers if there is no tokenizer: to stdout as
/// they come, unless the result is JSON.
class Writer {
public:
  Writer(const LoadedModel &model, const Options &options)
      : stops(options.stops), streams(!options.json) {
    if (!options.stops.empty())
      (void)model.requireTokenizer("--stop");
    if (model.tokenizer)
      decoder = std::make_unique<StreamDecoder>(*model.tokenizer, true);
  }

  /// False when there is no use in more.
  bool push(int32_t token) {
    if (decoder)
      return show(stops.push(decoder->push(token))) && !stops.stopped();
    if (!streams)
      return true;
    bool wanted = output.write((first ? "" : " ") + std::to_string(token));
    first = false;
    return wanted;
  }
  void finish() {
    if (decoder && !stops.stopped()) {
      show(stops.push(decoder->flush()));
      show(stops.flush());
    }
    if (streams)
      output.write("\n");
  }
  const std::string &text() const { return shown; }

private:
  bool show(const std::string &piece) {
    shown += piece;
    return !streams || output.write(piece);
  }

  std::unique_ptr<StreamDecoder> decoder;
  StopMatcher stops;
  Output output;
  std::string shown;
  bool streams;
  bool first = true;
};

void runGeneration(const Options &options) {
  LoadedModel model = load(options);
  Session session(*model.executable, options.prefillChunk);
  Sampler sampler(session.model().vocabSize, options.sampling);
  std::vector<int32_t> prompt = promptOf(model, options);
  Writer writer(model, options);

  GenerationVisitor visitor;
  auto bar = std::make_unique<ProgressBar>("prefill", prompt.size(),
                                           !options.noProgress);
  visitor.progress = [&](size_t done) { bar->show(done); };
  visitor.prompt = [&](Span<const float> logits) {
    bar.reset();
    if (options.logits)
      writeNpy(*options.logits, logits,
               std::vector<int64_t>{static_cast<int64_t>(logits.size())});
  };
  visitor.token = [&](int32_t token) { return writer.push(token); };
  Generation generation =
      generate(session, sampler, prompt, options.generation, visitor);
  writer.finish();

  RunReport report{model, generation, prompt.size(), writer.text()};
  if (options.json)
    Output().write(jsonReport(report));
  if (!options.noStatistics)
    std::fputs(statisticsBlock(report).c_str(), stderr);
}

void runPerplexity(const Options &options) {
  LoadedModel model = load(options);
  Session session(*model.executable, options.prefillChunk);
  std::string text = readText(*options.perplexity);
  std::vector<int32_t> ids = encode(model, options, text);
  Perplexity result;
  {
    ProgressBar bar("perplexity", ids.size(), !options.noProgress);
    result = perplexity(session, ids, options.window,
                        [&](size_t done) { bar.show(done); });
  }
  Output().write(perplexityReport(result, text.size(), options.json));
}

} // namespace

int main(int argc, char **argv) {
  return runTool([&] {
    std::optional<Options> options = parseOptions(argc, argv);
    if (!options)
      return;
    if (options->plan)
      Output().write(planReport(describe(*options), options->json));
    else if (options->perplexity)
      runPerplexity(*options);
    else
      runGeneration(*options);
  });
}
