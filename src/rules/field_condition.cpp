// SPDX-License-Identifier: Apache-2.0
#include "rules/field_condition.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace surehop {

namespace {

// A value comes from a stranger: no expression of ours may be made to search it for long. Some ten
// milliseconds at most.
constexpr std::uint32_t most_steps = 100'000;
constexpr std::uint32_t most_kilobytes = 1024;

std::string message_of(int code) {
    std::array<PCRE2_UCHAR, 200> text{};
    pcre2_get_error_message(code, text.data(), text.size());
    return reinterpret_cast<const char*>(text.data());
}

} // namespace

struct FieldCondition::Compiled {
    explicit Compiled(pcre2_code* the_code)
        : code(the_code), limits(pcre2_match_context_create(nullptr)) {
        if (limits == nullptr)
            return;
        pcre2_set_match_limit(limits, most_steps);
        pcre2_set_heap_limit(limits, most_kilobytes);
    }
    ~Compiled() {
        pcre2_match_context_free(limits);
        pcre2_code_free(code);
    }
    Compiled(const Compiled&) = delete;
    Compiled& operator=(const Compiled&) = delete;

    pcre2_code* code;
    pcre2_match_context* limits;
};

Result<FieldCondition> FieldCondition::parse(std::string_view name, std::string_view expression) {
    const auto is_ftext = [](char c) { return c > ' ' && c < '\x7f' && c != ':'; };
    if (name.empty() || !std::ranges::all_of(name, is_ftext)) // RFC 5322 §2.2
        return Error{fmt::format("'{}' is no name of a header field", printable(name, 60))};
    FieldCondition out;
    out.name_ = name;
    out.expression_ = expression;
    out.negated_ = expression.starts_with('!');
    if (out.negated_)
        expression.remove_prefix(1);
    if (expression.empty())
        return Error{fmt::format("the expression for {} is empty", name)};
    int error = 0;
    PCRE2_SIZE at = 0;
    pcre2_code* code = pcre2_compile(
        reinterpret_cast<PCRE2_SPTR>(expression.data()), expression.size(),
        PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C, &error, &at, nullptr);
    if (code == nullptr)
        return Error{fmt::format("the expression for {} is not valid at character {}: {}", name,
                                 at + 1 + (out.negated_ ? 1 : 0), message_of(error))};
    out.compiled_ = std::make_shared<const Compiled>(code);
    return out;
}

std::string FieldCondition::key() const { return lower(name_); }

Answer FieldCondition::matches(const std::string& value) const {
    pcre2_match_data* found = pcre2_match_data_create(1, nullptr);
    if (found == nullptr || compiled_->limits == nullptr) {
        pcre2_match_data_free(found);
        return Answer::cannot_tell;
    }
    const int result = pcre2_match(compiled_->code, reinterpret_cast<PCRE2_SPTR>(value.data()),
                                   value.size(), 0, 0, found, compiled_->limits);
    pcre2_match_data_free(found);
    if (result >= 0)
        return Answer::yes;
    return result == PCRE2_ERROR_NOMATCH ? Answer::no : Answer::cannot_tell;
}

Answer FieldCondition::test(const Fields* fields) const {
    Answer best = Answer::no;
    if (fields != nullptr) {
        const auto [first, last] = fields->values.equal_range(key());
        for (auto at = first; at != last && best != Answer::yes; ++at)
            best = either(best, matches(at->second));
    }
    if (best != Answer::yes && (fields == nullptr || !fields->all))
        best = Answer::cannot_tell;
    return negated_ ? opposite(best) : best;
}

} // namespace surehop
