// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/time.h"
#include "rules/exception.h"

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// One exception as people write it, field by field: on the command line, as a line of a list, as an
// object of JSON. All of them are read here, so that the same words mean the same everywhere.

namespace surehop {

struct ExceptionText {
    std::string recipient, sender, lowest, reason, owner, ticket, from, until;
    std::string override_published; // "yes", or "" or "no"
};

struct ExceptionField {
    std::string_view name;
    std::string ExceptionText::* text;
    bool required;
    std::string_view remedy; // what to write
};
// In the order in which lists have them.
std::span<const ExceptionField> exception_fields();

// What the configuration says of exceptions.
struct AllowTerms {
    Seconds longest{std::chrono::days{366}}; // an end may lie so far ahead
    std::vector<std::string> files;          // absolute paths of lists that are kept in force
};

// In a file "+30d" would mean something else each time that it is read.
enum class Times : std::uint8_t { absolute, relative_too };

struct FieldProblem {
    std::string_view field;
    std::string text; // "what is wrong; what to write instead"
};

// The exception, without id and author; it begins now where no time is given or that time is past.
// Or all that is wrong. An end that is past is no problem of the text: see Exception::over().
// A date alone as `from` is its first second, as `until` its last.
std::variant<Exception, std::vector<FieldProblem>>
read_exception(const ExceptionText& text, const AllowTerms& terms, Times times, Time now);

// Which reads as the same exception. A domain stands without the "@" before it, since a spreadsheet
// would take it for a formula.
ExceptionText write_exception(const Exception& exception);

} // namespace surehop
