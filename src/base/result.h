// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <variant>

// A value or the reason why there is none.
//
// Errors that a caller must expect (hostile input, a broken peer, a full disk) travel as values;
// exceptions are for start-up and for bugs. The text is one plain sentence without a final stop,
// written for the operator who will read it in a log.

namespace surehop {

struct Error {
    std::string text;
};

template <class T> class [[nodiscard]] Result {
  public:
    Result(T value) : held_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : held_(std::in_place_index<1>, std::move(error)) {}

    explicit operator bool() const { return held_.index() == 0; }

    const T& operator*() const& { return std::get<0>(held_); }
    T& operator*() & { return std::get<0>(held_); }
    T&& operator*() && { return std::get<0>(std::move(held_)); }
    const T* operator->() const { return &std::get<0>(held_); }
    T* operator->() { return &std::get<0>(held_); }

    const std::string& error() const { return std::get<1>(held_).text; }

  private:
    std::variant<T, Error> held_;
};

struct Done {};
using Status = Result<Done>; // of a call that returns nothing but may fail

} // namespace surehop
