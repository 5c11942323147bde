// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "conf/forms.h"
#include "conf/pattern_file.h"
#include "conf/table.h"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

// The lenses of the table's rows: how the value of one kind of setting gets into Settings and out
// again. Only conf/table.cpp needs them.

namespace surehop::lenses {

using Shown = std::optional<std::vector<std::string>>;

inline constexpr auto scope_words = std::to_array<std::string_view>({"transport", "internal"});

inline Shown one(std::string_view text) { return std::vector<std::string>{std::string(text)}; }

inline const std::string& text_of(const std::string& text) { return text; }
template <class T> std::string text_of(const T& value) { return value.text(); }

template <class List> Shown texts(const List& list) {
    std::vector<std::string> out;
    for (const auto& element : list)
        out.push_back(text_of(element));
    return out;
}

// Of a member M of the group G of Settings: `duration_at<&Settings::gate, &Settings::Gate::wait>`.
template <auto G, auto M>
inline constexpr Lens duration_at = {
    [](Settings& s, std::size_t, const Item& item) -> Status {
        s.*G.*M = item.duration;
        return Done{};
    },
    [](const Settings& s, std::size_t) { return one(format_duration(s.*G.*M)); }};

template <auto G, auto M>
inline constexpr Lens number_at = {
    [](Settings& s, std::size_t, const Item& item) -> Status {
        s.*G.*M = static_cast<std::remove_reference_t<decltype(s.*G.*M)>>(item.number);
        return Done{};
    },
    [](const Settings& s, std::size_t) { return one(std::to_string(s.*G.*M)); }};

// An enum whose values count the words.
template <auto G, auto M, const auto& words>
inline constexpr Lens word_at = {
    [](Settings& s, std::size_t, const Item& item) -> Status {
        s.*G.*M = static_cast<std::remove_reference_t<decltype(s.*G.*M)>>(item.word);
        return Done{};
    },
    [](const Settings& s, std::size_t) {
        return one(words.at(static_cast<std::size_t>(s.*G.*M)));
    }};

template <auto G, auto M, auto parse>
inline constexpr Lens text_at = {
    [](Settings& s, std::size_t, const Item& item) -> Status {
        auto value = parse(item.text);
        if (!value)
            return Error{value.error()};
        s.*G.*M = std::move(*value);
        return Done{};
    },
    [](const Settings& s, std::size_t) { return one(text_of(s.*G.*M)); }};

template <auto G, auto M, auto parse>
inline constexpr Lens list_at = {[](Settings& s, std::size_t, const Item& item) -> Status {
                                     auto value = parse(item.text);
                                     if (!value)
                                         return Error{value.error()};
                                     (s.*G.*M).push_back(std::move(*value));
                                     return Done{};
                                 },
                                 [](const Settings& s, std::size_t) { return texts(s.*G.*M); }};

// Of a list in a [[rule]] or [[route]]; an empty one is not there.
template <auto G, auto M, auto parse>
inline constexpr Lens block_list_at = {
    [](Settings& s, std::size_t index, const Item& item) -> Status {
        auto value = parse(item.text);
        if (!value)
            return Error{value.error()};
        ((s.*G).at(index - 1).*M).push_back(std::move(*value));
        return Done{};
    },
    [](const Settings& s, std::size_t index) {
        const auto& list = (s.*G).at(index - 1).*M;
        return list.empty() ? Shown{} : texts(list);
    }};

// Address patterns of a rule: written one by one, or a file that lists them.
template <auto M, auto parse>
inline constexpr Lens addresses = {[](Settings& s, std::size_t index, const Item& item) -> Status {
                                       AddressSet& set = s.rules.at(index - 1).*M;
                                       if (item.text.starts_with(list_file_scheme)) {
                                           auto listed = read_patterns(
                                               item.text.substr(list_file_scheme.size()), parse);
                                           if (!listed)
                                               return Error{listed.error()};
                                           set.add(*std::move(listed), item.text);
                                           return Done{};
                                       }
                                       auto pattern = parse(item.text);
                                       if (!pattern)
                                           return Error{pattern.error()};
                                       set.add(*std::move(pattern));
                                       return Done{};
                                   },
                                   [](const Settings& s, std::size_t index) {
                                       const AddressSet& set = s.rules.at(index - 1).*M;
                                       return set.empty() ? Shown{} : Shown{set.from()};
                                   }};

inline constexpr Lens fields = {[](Settings& s, std::size_t index, const Item& item) -> Status {
                                    auto field = FieldCondition::parse(item.name, item.text);
                                    if (!field)
                                        return Error{field.error()};
                                    s.rules.at(index - 1).fields.push_back(*std::move(field));
                                    return Done{};
                                },
                                [](const Settings& s, std::size_t index) {
                                    std::vector<std::string> out;
                                    for (const FieldCondition& field :
                                         s.rules.at(index - 1).fields) {
                                        out.push_back(field.name());
                                        out.push_back(field.expression());
                                    }
                                    return out.empty() ? Shown{} : Shown{out};
                                }};

inline constexpr Lens larger_than = {
    [](Settings& s, std::size_t index, const Item& item) -> Status {
        s.rules.at(index - 1).larger_than = item.number;
        return Done{};
    },
    [](const Settings& s, std::size_t index) {
        const auto& octets = s.rules.at(index - 1).larger_than;
        return octets ? one(std::to_string(*octets)) : Shown{};
    }};

// What [policy] and [[rule]] have in common.
template <class S> auto& requirement(S& settings, std::size_t index) {
    return index == 0 ? settings.policy : settings.rules.at(index - 1).requirement;
}

inline constexpr Lens minimum = {[](Settings& s, std::size_t index, const Item& item) -> Status {
                                     requirement(s, index).minimum = static_cast<Level>(item.word);
                                     return Done{};
                                 },
                                 [](const Settings& s, std::size_t index) {
                                     return one(name_of(requirement(s, index).minimum));
                                 }};

inline constexpr Lens least_tls = {[](Settings& s, std::size_t index, const Item& item) -> Status {
                                       requirement(s, index).least_tls =
                                           static_cast<TlsVersion>(item.word);
                                       return Done{};
                                   },
                                   [](const Settings& s, std::size_t index) {
                                       return one(name_of(requirement(s, index).least_tls));
                                   }};

template <auto M>
inline constexpr Lens action = {
    [](Settings& s, std::size_t index, const Item& item) -> Status {
        requirement(s, index).*M = *action_of(item.text);
        return Done{};
    },
    [](const Settings& s, std::size_t index) { return one(name_of(requirement(s, index).*M)); }};

inline constexpr Lens mode = {
    [](Settings& s, std::size_t index, const Item& item) -> Status {
        requirement(s, index).mode = static_cast<PolicyMode>(item.word);
        return Done{};
    },
    [](const Settings& s, std::size_t index) { return one(name_of(requirement(s, index).mode)); }};

template <auto M>
inline constexpr Lens words_for_people = {
    [](Settings& s, std::size_t index, const Item& item) -> Status {
        auto text = quotable_text(item.text);
        if (!text)
            return Error{text.error()};
        requirement(s, index).*M = std::move(*text);
        return Done{};
    },
    [](const Settings& s, std::size_t index) { return one(requirement(s, index).*M); }};

inline constexpr Lens route_next_hop = {
    [](Settings& s, std::size_t index, const Item& item) -> Status {
        auto hop = NextHop::parse(item.text);
        if (!hop)
            return Error{hop.error()};
        s.routes.at(index - 1).next_hop = std::move(*hop);
        return Done{};
    },
    [](const Settings& s, std::size_t index) {
        const auto& hop = s.routes.at(index - 1).next_hop;
        return hop ? one(hop->key()) : Shown{};
    }};

inline constexpr Lens route_scope = {
    [](Settings& s, std::size_t index, const Item& item) -> Status {
        s.routes.at(index - 1).internal = item.word == 1;
        return Done{};
    },
    [](const Settings& s, std::size_t index) {
        return one(scope_words.at(s.routes.at(index - 1).internal ? 1 : 0));
    }};

} // namespace surehop::lenses
