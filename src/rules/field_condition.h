// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "rules/condition.h"
#include "rules/context.h"

#include <memory>
#include <string>
#include <string_view>

// A condition on a header field, such as a label: X-Classification matches (?i)confidential|secret.
// The expression is one of PCRE2 in UTF-8 and may match anywhere in a value; of several fields of
// that name one is enough. With "!" before it, none may match, and a missing field does as well.

namespace surehop {

class FieldCondition {
  public:
    // The error says what is wrong with the name or the expression, and where.
    static Result<FieldCondition> parse(std::string_view name, std::string_view expression);

    // No before the header is over means that nothing can make it yes any more. A value that takes
    // the expression too long cannot be told.
    Answer test(const Fields* fields) const;

    const std::string& name() const { return name_; }             // as it was written
    const std::string& expression() const { return expression_; } // with the "!"
    std::string key() const;                                      // the name in lower case

  private:
    struct Compiled;
    FieldCondition() = default;
    Answer matches(const std::string& value) const;

    std::string name_;
    std::string expression_;
    bool negated_ = false;
    std::shared_ptr<const Compiled> compiled_;
};

} // namespace surehop
