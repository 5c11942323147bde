// SPDX-License-Identifier: Apache-2.0
#include "allow/difference.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace surehop {

namespace {

using Key = std::pair<std::string, std::string>;

Key key_of(const Exception& exception) {
    return {exception.recipient.text(), exception.sender ? exception.sender->text() : ""};
}

// Of two that have begun it does not matter when: a list that is read again says "now" again.
bool says_the_same(const Exception& a, const Exception& b, Time now) {
    return a.lowest == b.lowest && a.reason == b.reason && a.owner == b.owner &&
           a.ticket == b.ticket && a.until == b.until &&
           a.overrides_published == b.overrides_published &&
           std::max(a.from, now) == std::max(b.from, now);
}

struct Known {
    const Exception* exception;
    bool used = false; // stands for a line of the list
};

} // namespace

Difference difference(std::span<const Exception> current, std::span<const Exception> wanted,
                      const std::function<bool(const Exception&)>& may_end, Time now) {
    std::map<Key, std::vector<Known>> known;
    for (const Exception& exception : current)
        if (!exception.over(now))
            known[key_of(exception)].push_back({&exception});

    Difference out;
    std::vector<const Exception*> others; // of the list: not there word for word
    for (const Exception& one : wanted) {
        auto& same_key = known[key_of(one)];
        const auto same = std::find_if(same_key.begin(), same_key.end(), [&](const Known& k) {
            return !k.used && says_the_same(*k.exception, one, now);
        });
        if (same == same_key.end()) {
            others.push_back(&one);
        } else {
            same->used = true;
            ++out.unchanged;
        }
    }
    for (const Exception* one : others) {
        auto& same_key = known[key_of(*one)];
        const auto replaced = std::find_if(same_key.begin(), same_key.end(), [&](const Known& k) {
            return !k.used && may_end(*k.exception);
        });
        if (replaced != same_key.end()) {
            replaced->used = true;
            out.changed.push_back({*replaced->exception, *one});
            continue;
        }
        Addition addition{*one, {}};
        for (const Known& k : same_key)
            if (!may_end(*k.exception))
                addition.beside.push_back(k.exception->id);
        out.added.push_back(std::move(addition));
    }
    for (const auto& [key, same_key] : known)
        for (const Known& k : same_key)
            if (!k.used && may_end(*k.exception))
                out.ended.push_back(*k.exception);
    std::sort(out.ended.begin(), out.ended.end(),
              [](const Exception& a, const Exception& b) { return a.id < b.id; });
    return out;
}

AllowChange change_of(const Difference& difference, std::string_view file) {
    const std::string name = printable(file, 300);
    AllowChange out;
    for (const Addition& one : difference.added)
        out.add.push_back(one.exception);
    for (const Change& one : difference.changed) {
        out.add.push_back(one.after);
        out.end.push_back({one.before.id, fmt::format("{} says otherwise now", name)});
    }
    for (const Exception& one : difference.ended)
        out.end.push_back({one.id, fmt::format("no longer in {}", name)});
    return out;
}

} // namespace surehop
