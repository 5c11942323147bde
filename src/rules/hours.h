// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "rules/context.h"

#include <string>
#include <string_view>

// A weekly window in the local time of this site: "Mon-Fri 08:00-18:00", "Sat 00:00-24:00",
// "22:00-06:00" (every day; the part after midnight belongs to the day on which it began).

namespace surehop {

class Hours {
  public:
    static Result<Hours> parse(std::string_view text);

    bool holds(const LocalTime& when) const; // the first minute is in it, the last is not

    const std::string& text() const { return text_; } // as it was written

  private:
    bool on(int weekday) const;

    std::string text_;
    int first_day_ = 0, last_day_ = 6; // 0: Monday
    int begin_ = 0, end_ = 0;          // minutes of the day; end before begin: over midnight
};

} // namespace surehop
