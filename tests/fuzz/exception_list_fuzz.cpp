// SPDX-License-Identifier: Apache-2.0
// A list is exceptions or problems; its exceptions are bounded, and written as CSV and as JSON they
// are read as the same.
#include "allow/difference.h"
#include "allow/exception_list.h"

#include "fuzz/require.h"

#include <string>

using namespace surehop;
using fuzz::require;

namespace {

constexpr Time now{Seconds{1795255200}}; // 2026-11-21T10:00:00Z

void require_same(const std::string& text, ListFormat format,
                  const std::vector<Exception>& exceptions) {
    const ExceptionList again = read_list(text, format, {}, now);
    require(again.problems.empty(), "what is written can be read");
    const auto yes = [](const Exception&) { return true; };
    const Difference found = difference(exceptions, again.exceptions, yes, now);
    require(found.nothing() && found.unchanged == exceptions.size(), "and says the same");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::text_of(data, size);
    for (const ListFormat format : {ListFormat::csv, ListFormat::json}) {
        const AllowTerms terms;
        const ExceptionList list = read_list(text, format, terms, now);
        require(list.problems.size() <= 21, "no flood of problems");
        for (const ListProblem& problem : list.problems) {
            fuzz::require_error(problem.text);
            fuzz::require_error(problem.told("f"));
        }
        if (!list.problems.empty())
            continue;
        for (const Exception& one : list.exceptions) {
            require(one.from >= now && one.until > one.from, "it begins now or later, and ends");
            require(one.until <= now + terms.longest, "not too far ahead");
            require(!one.reason.empty() && !one.owner.empty(), "somebody answers for it");
        }
        require_same(write_csv(list.exceptions), ListFormat::csv, list.exceptions);
        require_same(print_json(write_json(list.exceptions)), ListFormat::json, list.exceptions);
    }
    return 0;
}
